"""Telling pods whom they serve: the requests of `spec.hooks.onClaim`.

They take as long as pods take, so each is a task of its own and no worker waits for it. What came
of it is kept until the session's status says so, and the session is looked at again.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Self

import aiohttp
import structlog
from yarl import URL

from gamesession.api.address import address
from gamesession.api.hooks import OnClaim
from gamesession.api.identity import REQUEST_ID_HEADER, identity_headers
from gamesession.api.names import SessionId
from gamesession.controller.shelf import Key, key_of
from gamesession.plan.game import Game
from gamesession.plan.greeting import Greeting
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session

log = structlog.get_logger(__name__)

TRIES: Final = 3
WORDS_BYTES: Final = 1024
"""As much of an answer is read."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a pod may take: with these, three tries take no more than 10 s.

    Attributes:
        answer: seconds from the beginning of a request to the head of its answer.
        pause: seconds between two tries.
    """

    answer: float = 3.0
    pause: float = 0.5


@dataclass(slots=True)
class Visit:
    """One pod that is told whom it serves.

    Attributes:
        whom: uid of the session.
        where: uid and IP address of the pod.
        outcome: `None` while it is under way.
    """

    whom: str
    where: tuple[str, str]
    task: asyncio.Task[None] | None = None
    outcome: Greeting | None = None


class Greetings:
    """At most one visit for each session. Leaving the context ends all that are under way.

    Args:
        look_again: (key, seconds) asks for another look at a session.
    """

    def __init__(
        self,
        *,
        look_again: Callable[[Key, float], None],
        patience: Patience = Patience(),
    ) -> None:
        self._look_again = look_again
        self._patience = patience
        self._visits: dict[Key, Visit] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._visits)

    @property
    def under_way(self) -> int:
        """How many pods are being told."""
        return len(self._tasks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Break off what is under way, and begin nothing any more."""
        self._closed = True
        for key in list(self._visits):
            self.forget(key)
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    def known(self, session: Session) -> Mapping[str, Greeting]:
        """What came of a session's visits, by the uid of the pod."""
        visit = self._visits.get(key_of(session))
        if visit is None or visit.whom != session.uid or visit.outcome is None:
            return {}
        return {visit.where[0]: visit.outcome}

    def greet(self, session: Session, game: Game, pod: Pod) -> None:
        """Tell the pod whom it serves, if that is not under way; a visit to another one ends."""
        key, where = key_of(session), (pod.uid, pod.ip)
        visit = self._visits.get(key)
        if self._closed or (visit and (visit.whom, visit.where) == (session.uid, where)):
            return
        self.forget(key)
        visit = self._visits[key] = Visit(session.uid, where)
        visit.task = asyncio.create_task(self._visit(visit, session, game, pod))
        self._tasks.add(visit.task)
        visit.task.add_done_callback(self._tasks.discard)

    def break_off(self, key: Key) -> None:
        """End a session's visit if it is under way; what came of one is kept."""
        if (visit := self._visits.get(key)) and visit.outcome is None:
            self.forget(key)

    def forget(self, key: Key) -> None:
        """End a session's visit, whatever came of it."""
        visit = self._visits.pop(key, None)
        if visit and visit.task:
            visit.task.cancel()

    # A visit ------------------------------------------------------------------------------------

    async def _visit(self, visit: Visit, session: Session, game: Game, pod: Pod) -> None:
        try:
            refusal = await self._refusal(session, game, pod)
        except Exception as error:
            log.exception("bug: pod could not be told whom it serves", pod=pod.name)
            refusal = repr(error)
        visit.outcome = Greeting(refusal)
        if refusal:
            log.warning(
                "claim refused",
                user=session.user,
                game=session.game,
                session=session.name,
                pod=pod.name,
                message=refusal,
            )
        self._look_again(key_of(session), 0)

    async def _refusal(self, session: Session, game: Game, pod: Pod) -> str:
        """Why the pod would not have its user after all tries; `""` as soon as it takes it."""
        hook = game.spec.hooks.on_claim
        if hook is None:
            return ""
        url = _url(hook, game, pod)
        refusal = ""
        for number in range(TRIES):
            if number:
                await asyncio.sleep(self._patience.pause)
            refusal = await self._try(url, session, pod)
            if not refusal:
                break
        return refusal

    async def _try(self, url: URL, session: Session, pod: Pod) -> str:
        headers = identity_headers(session.user, session.game, session.created_at, pod.uid) | {
            "Idempotency-Key": f"{session.uid}/{pod.uid}",
            REQUEST_ID_HEADER: secrets.token_hex(16),
        }
        try:
            async with self._open().post(
                url, json=_body(session), headers=headers, allow_redirects=False
            ) as answer:
                if 200 <= answer.status < 300:
                    return ""
                words = await _first_words(answer)
        except TimeoutError:
            return f"No answer within {self._patience.answer:g} s."
        except aiohttp.ClientResponseError:
            return "It does not answer in HTTP."
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return f"{error or type(error).__name__}."
        return f"HTTP status {answer.status}: {words}" if words else f"HTTP status {answer.status}."

    def _open(self) -> aiohttp.ClientSession:
        if self._client is None:
            self._client = aiohttp.ClientSession(
                # An address may soon be another pod's, so no connection is kept.
                connector=aiohttp.TCPConnector(limit=0, force_close=True),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._patience.answer),
                headers={"Accept-Encoding": "identity", "User-Agent": "gamesession-operator"},
                auto_decompress=False,
                trust_env=False,
            )
        return self._client


def _url(hook: OnClaim, game: Game, pod: Pod) -> URL:
    """Where the hook is; the port is that which the pod was made with."""
    port = pod.ports.get(hook.service) or game.ports[hook.service]
    return URL(f"http://{address(pod.ip, port)}{hook.path}", encoded=True)


def _body(session: Session) -> dict[str, str]:
    life = SessionId.of(session.user, session.game, session.created_at)
    return {"session_id": str(life), "user_id": session.user, "game_id": session.game}


async def _first_words(answer: aiohttp.ClientResponse) -> str:
    """The beginning of an answer's body on one line; `""` if it does not come."""
    try:
        raw = await answer.content.readexactly(WORDS_BYTES)
    except asyncio.IncompleteReadError as error:
        raw = error.partial
    except (aiohttp.ClientError, OSError, TimeoutError):
        raw = b""
    return " ".join(raw.decode(errors="replace").split())
