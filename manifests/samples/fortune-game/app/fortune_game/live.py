"""The service `live_service`: the conversation as it happens, as server-sent events."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict

from aiohttp import web

from fortune_game.conversation import Conversation
from fortune_game.identity import Identity
from fortune_game.life import Life
from fortune_game.service import LIFE, admit, service

TICK = 1.0
"""Seconds of silence after which a stream says that it is still there."""


def live_service(life: Life) -> web.Application:
    """The service's routes."""
    app = service(life)
    app.router.add_get("/api/{route}/live/events", events, allow_head=False)
    app.on_shutdown.append(_end_streams)
    return app


async def events(request: web.Request) -> web.StreamResponse:
    """`hello` at once, then a `message` for each new one, and a `tick` for each quiet second."""
    identity = admit(request)
    stream = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await stream.prepare(request)
    # The reader left: nothing to answer, and nobody to answer to.
    with suppress(ConnectionError):
        await _follow(stream, identity, request.app[LIFE].conversation)
    return stream


async def _follow(
    stream: web.StreamResponse, identity: Identity, conversation: Conversation
) -> None:
    seen = conversation.count
    who = {"user": identity.user, "session_id": identity.session_id}
    where = {"game": identity.game, "pod": identity.pod}
    await _send(stream, "hello", {**who, **where, "messages": seen})
    while not conversation.ended:
        new = await conversation.after(seen, TICK)
        for exchange in new:
            await _send(stream, "message", asdict(exchange))
            seen = exchange.number
        if not new:
            await _send(stream, "tick", {"messages": seen})


async def _send(stream: web.StreamResponse, event: str, data: dict[str, object]) -> None:
    await stream.write(f"event: {event}\ndata: {json.dumps(data)}\n\n".encode())


async def _end_streams(app: web.Application) -> None:
    # A stream has no end of its own, and a server that stops waits for its open answers.
    app[LIFE].conversation.end()
