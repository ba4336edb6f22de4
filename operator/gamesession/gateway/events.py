"""`session/events`: what becomes of a session, told as it happens, until it is Ready or gone.

Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html):

- `status`: the body of `session/status`, at each change;
- `condition`: `{"reason", "message"}`, why the session stands where it stands. The message only of
  one that failed: before that it is meant for administrators.

Browsers connect again by themselves when a stream has ended. One that says by `Last-Event-ID` that
it has heard the end already is answered 204, which stops it.
"""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from functools import partial
from typing import Any, Final

from aiohttp import hdrs, web

from gamesession.api.identity import REQUEST_ID_HEADER
from gamesession.client.activity import Activity
from gamesession.client.attendance import Attendance
from gamesession.client.directory import Directory
from gamesession.client.sessions import Sessions
from gamesession.gateway.drain import Drain
from gamesession.gateway.endpoints import Endpoints
from gamesession.gateway.places import Places
from gamesession.plan.game import Game
from gamesession.plan.session import FAILED, PENDING, READY, Session

HEARTBEAT: Final = 15.0
"""Seconds after which a silent stream shows that it lives: proxies end those that seem dead."""

RETRY_MILLISECONDS: Final = 2000
LAST_EVENT_ID: Final = "Last-Event-ID"
GONE: Final = "gone"


class Events:
    """Tells those who wait."""

    def __init__(
        self,
        sessions: Sessions,
        directory: Directory,
        activity: Activity,
        endpoints: Endpoints,
        places: Places,
        drain: Drain,
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._activity = activity
        self._endpoints = endpoints
        self._places = places
        self._drain = drain

    async def answer(
        self, request: web.BaseRequest, game: Game, user: str, request_id: str, expires: float
    ) -> web.StreamResponse:
        """Tell of the user's session of a game. None is made.

        Args:
            expires: when the token does, Unix seconds; the stream ends by then.

        Raises:
            Capacity: too many wait already.
            NameCollision, Unavailable: as `Sessions.look`.
        """
        session = await self._sessions.look(game, user)
        if _is_over(session) and request.headers.get(LAST_EVENT_ID) == _id(session):
            return web.Response(status=204, headers={REQUEST_ID_HEADER: request_id})
        with self._places.take(game.name, user):
            out = web.StreamResponse(headers=_headers(request_id))
            await out.prepare(request)
            await out.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
            with suppress(TimeoutError):
                async with asyncio.timeout(expires - time.time()) as limit:
                    with self._drain.ending(partial(_end, limit)):
                        await self._tell(out, game, user)
            await out.write_eof()
        return out

    async def _tell(self, out: web.StreamResponse, game: Game, user: str) -> None:
        told: dict[str, str] = {}
        with Attendance(self._activity) as attendance:
            while True:
                session = self._directory.find(game.name, user)
                # Who waits for a Pending session keeps it from being abandoned; of any other,
                # watching it is no use.
                if session is not None and session.phase in ("", PENDING):
                    attendance.attend(session)
                else:
                    attendance.leave()
                await self._tell_news(out, game, session, told)
                if _is_over(session):
                    return
                if session is self._directory.find(game.name, user):  # not while we wrote
                    await self._change(out, game, user)

    async def _tell_news(
        self, out: web.StreamResponse, game: Game, session: Session | None, told: dict[str, str]
    ) -> None:
        """Write the events whose data differs from what was told before."""
        for event, body in (
            ("condition", _condition(session)),
            ("status", self._endpoints.describe(session, game)),
        ):
            data = json.dumps(body, ensure_ascii=False)
            if body is not None and told.get(event) != data:
                told[event] = data
                number = f"id: {_id(session)}\n" if event == "status" else ""
                text = f"event: {event}\n{number}data: {data}\n\n"
                await out.write(text.encode(errors="replace"))

    async def _change(self, out: web.StreamResponse, game: Game, user: str) -> None:
        """Return at the next change, or after a heartbeat."""
        try:
            async with asyncio.timeout(HEARTBEAT):
                await self._directory.changed(game.name, user)
        except TimeoutError:
            await out.write(b": waiting\n\n")


def _end(limit: asyncio.Timeout) -> None:
    if not limit.expired():
        limit.reschedule(0)


def _is_over(session: Session | None) -> bool:
    return session is None or session.phase == READY


def _id(session: Session | None) -> str:
    """Names what was told. Of one that is Ready it stays the same, for that is the end."""
    if session is None:
        return GONE
    version = "" if session.phase == READY else session.resource_version
    return f"{session.uid}/{session.phase or PENDING}/{version}"


def _condition(session: Session | None) -> dict[str, Any] | None:
    reason = session.condition.get("reason") if session is not None else None
    if session is None or not reason:
        return None
    message = session.condition.get("message") if session.phase == FAILED else None
    return {"reason": reason, "message": message}


def _headers(request_id: str) -> dict[str, str]:
    return {
        hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-store",
        "X-Accel-Buffering": "no",  # nginx would keep the events to itself
        REQUEST_ID_HEADER: request_id,
    }
