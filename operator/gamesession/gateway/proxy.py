"""Passing a request on to the user's pod, and the pod's answer back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict

from gamesession.api.errors import UpstreamTimeout, UpstreamUnreachable
from gamesession.api.identity import REQUEST_ID_HEADER, SESSION_HEADER
from gamesession.client.activity import Activity
from gamesession.client.sessions import Sessions
from gamesession.gateway.drain import Drain
from gamesession.gateway.headers import START, to_client
from gamesession.gateway.hold import Holds
from gamesession.gateway.passage import Passage, headers_of, send
from gamesession.gateway.peer import METHODS
from gamesession.gateway.presence import presence
from gamesession.gateway.relay import relay
from gamesession.gateway.target import Target
from gamesession.gateway.upstream import Upstreams, origin
from gamesession.gateway.websockets import SWITCHING, WebSockets

IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
MISDIRECTED: Final = 421
ATTEMPTS: Final = 10


class LookAgain(Exception):
    """The target was not, or is no longer, where the request belongs; it can be sent elsewhere.

    Attributes:
        error: what to answer if there is no other place.
        sent: whether the pod may have got the request: then it does not get it again.
        misdirected: whether it said that the request is not its own.
    """

    def __init__(
        self, error: UpstreamUnreachable, target: Target, *, sent: bool, misdirected: bool = False
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.target = target
        self.sent = sent
        self.misdirected = misdirected


class Proxy:
    """Carries requests to the pods of sessions.

    Args:
        hold_of: seconds that a request waits for a session, where that is less than others do.
        patience: seconds from the end of a request to the head of its answer.
        idle: seconds that a client may take no bytes of an answer for.
    """

    def __init__(
        self,
        holds: Holds,
        upstreams: Upstreams,
        activity: Activity,
        sessions: Sessions,
        websockets: WebSockets,
        drain: Drain,
        *,
        hold_of: Callable[[Passage], float | None],
        patience: float,
        idle: float,
    ) -> None:
        self._holds = holds
        self._upstreams = upstreams
        self._activity = activity
        self._sessions = sessions
        self._websockets = websockets
        self._drain = drain
        self._hold_of = hold_of
        self._patience = patience
        self._idle = idle

    async def carry(
        self, passage: Passage, on_target: Callable[[Target], None]
    ) -> web.StreamResponse:
        """Pass a request on and answer it; the session is made, and waited for, if need be.

        Args:
            on_target: called with the target of every attempt.

        Raises:
            GameSessionError: there is no answer of a pod, and nothing was sent to the client.
        """
        route, user = passage.route, passage.user
        target = self._holds.serving(route.game, route.service, user)
        tried: set[tuple[str, str]] = set()
        again: LookAgain | None = None
        for _ in range(ATTEMPTS):
            if target is None:
                doubted = again.target if again else None
                async with presence(passage.request):
                    target = await self._holds.wait(
                        route.game,
                        route.service,
                        user,
                        doubted=doubted,
                        hold=self._hold_of(passage),
                    )
            if again is not None and target.address in tried:
                raise again.error from again  # what may have had an effect is not sent twice
            on_target(target)
            try:
                answer = await self._attempt(passage, target)
            except LookAgain as error:
                again = error
                passage.sent = passage.sent or error.sent
                await self._doubt(error, tried)
                if passage.body.taken:  # it went by, and cannot be sent a second time
                    raise error.error from error
            else:
                if answer is not None:
                    return answer
            target = None
        raise UpstreamUnreachable("The session's pod cannot be reached.")

    async def _attempt(self, passage: Passage, target: Target) -> web.StreamResponse | None:
        """The pod's answer; `None` if session or pod turned out to be gone."""
        use, ended = self._activity.begin(target.session), False
        try:
            if not self._activity.is_fresh(target.session):
                alive = await self._activity.renew(use)
                if not alive or not self._holds.is_current(target):
                    return None
            if passage.only_traffic_counts:
                self._activity.end(use)
                ended = True
                passage.body.on_chunk = partial(self._activity.touch, target.session)
            answer = await self._send(passage, target)
            try:
                if answer.status == MISDIRECTED:
                    error = UpstreamUnreachable("The pod says that the session is not its own.")
                    raise LookAgain(error, target, sent=True, misdirected=True)
                return await self._pass_back(passage, target, answer)
            finally:
                if not answer.closed:
                    answer.close()
        finally:
            if not ended:
                self._activity.end(use)

    async def _pass_back(
        self, passage: Passage, target: Target, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        """The pod's answer on its way to the client, to its end."""
        headers = _to_client(passage, target, answer)
        on_data = passage.body.on_chunk
        on_data()
        if answer.status == SWITCHING and passage.is_websocket:
            return await self._websockets.carry(
                passage.request,
                answer,
                headers,
                target.session,
                game=passage.route.game.name,
                expires=passage.token_expires,
                on_data=on_data,
            )
        if answer.status < 200:
            raise UpstreamUnreachable("The session's pod did not answer in HTTP.")
        passage.body.on_failure = answer.close
        return await relay(
            passage.request,
            answer,
            headers,
            game=passage.route.game.name,
            idle=self._idle,
            on_data=on_data,
            drain=self._drain,
        )

    async def _doubt(self, again: LookAgain, tried: set[tuple[str, str]]) -> None:
        if again.sent:
            tried.add(again.target.address)
        self._holds.doubt(again.target)
        if again.misdirected:
            await self._sessions.refresh(again.target.session)

    async def _send(self, passage: Passage, target: Target) -> aiohttp.ClientResponse:
        """Send the request; return with the head of the answer."""
        headers, patience = headers_of(passage, target.identity), self._patience
        method, pod, port = passage.request.method, target.pod, target.port
        try:
            if method in METHODS and not passage.body.exists:
                peer = self._upstreams.peer(pod, port)
                return await peer.ask(method, passage.target, headers, patience=patience)
            url = passage.url(origin(pod.ip, port))
            return await send(self._upstreams.of(pod), passage, url, headers, patience=patience)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise _reading_of(error, passage, target) from error


def _reading_of(error: Exception, passage: Passage, target: Target) -> Exception:
    """What a failed exchange means for the request."""
    match error:
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            refused = UpstreamUnreachable("The session's pod takes no connections.")
            return LookAgain(refused, target, sent=False)
        case TimeoutError():
            return UpstreamTimeout("The session's pod did not answer in time.")
        case aiohttp.ClientConnectionError():  # also when the pod's pool was closed under it
            hung_up = UpstreamUnreachable("The session's pod hung up without an answer.")
            if passage.request.method in IDEMPOTENT and not passage.body.taken:
                return LookAgain(hung_up, target, sent=True)
            return hung_up
        case _:
            return UpstreamUnreachable("The session's pod did not answer in HTTP.")


def _to_client(
    passage: Passage, target: Target, answer: aiohttp.ClientResponse
) -> CIMultiDict[str]:
    headers = to_client(answer.headers, ",".join(answer.headers.getall(hdrs.CONNECTION, ())))
    headers[SESSION_HEADER] = target.session_id
    headers[START] = target.start
    headers[REQUEST_ID_HEADER] = passage.request_id
    return headers
