"""One request on its way through the gateway: what goes on of it, and how it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from gamesession.api.identity import REQUEST_ID_HEADER
from gamesession.gateway.body import Body, Upload
from gamesession.gateway.headers import to_pod
from gamesession.gateway.paths import GamePath
from gamesession.gateway.routes import ServiceRoute
from gamesession.gateway.websockets import is_websocket


@dataclass(slots=True)
class Passage:
    """One request on its way to a pod.

    Attributes:
        token_expires: when the token that it came with does, Unix seconds.
        sent: whether a pod may have got some of it.
    """

    request: web.BaseRequest
    route: ServiceRoute
    path: GamePath
    user: str
    request_id: str
    body: Body
    token_expires: float
    sent: bool = False

    @property
    def only_traffic_counts(self) -> bool:
        """Whether being open does not keep the session."""
        return self.route.game.spec.session.stream_activity == "Traffic"

    @property
    def is_websocket(self) -> bool:
        """Whether it asks for a WebSocket."""
        return is_websocket(self.request)

    @property
    def target(self) -> str:
        """Path and query as they go on."""
        return self.path.raw_below if self.route.game.spec.strip_prefix else self.path.raw

    def url(self, base: str) -> URL:
        """Where it goes below a base, which has no slash at its end: the path as it came."""
        raw = self.target
        scheme, _, rest = base.partition("://")
        authority, slash, prefix = rest.partition("/")
        # A URL that is taken apart loses the `?` of an empty query: the path keeps it here.
        return URL.build(
            scheme=scheme, authority=authority, path=f"{slash}{prefix}{raw}", encoded=True
        )


def headers_of(passage: Passage, identity: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers that go on.

    Args:
        identity: those that say whose request it is.
    """
    request, spec = passage.request, passage.route.game.spec
    headers = to_pod(
        request.headers.items(),
        ",".join(request.headers.getall(hdrs.CONNECTION, ())),
        authorization=spec.forward_authorization,
    )
    headers.update(identity)
    headers[REQUEST_ID_HEADER] = passage.request_id
    headers["X-Forwarded-For"] = request.remote or "unknown"
    headers["X-Forwarded-Proto"] = request.scheme
    headers["X-Forwarded-Host"] = request.headers.get(hdrs.HOST, "")
    if passage.is_websocket:
        headers[hdrs.CONNECTION], headers[hdrs.UPGRADE] = "Upgrade", "websocket"
    if spec.strip_prefix:
        headers["X-Forwarded-Prefix"] = passage.path.raw_prefix
    return headers


async def send(
    client: aiohttp.ClientSession,
    passage: Passage,
    url: URL,
    headers: CIMultiDict[str],
    *,
    patience: float,
) -> aiohttp.ClientResponse:
    """Send a request; return with the head of the answer. Redirects are not followed.

    Args:
        patience: seconds from the end of the request to the head of its answer.

    Raises:
        GameSessionError: its body was not what it should be.
        aiohttp.ClientError, OSError, TimeoutError, ValueError: there is no answer.
    """
    body, loop = passage.body, asyncio.get_running_loop()
    try:
        async with asyncio.timeout(patience) as limit:

            def progress(waiting_for_client: bool) -> None:
                if not limit.expired():
                    limit.reschedule(None if waiting_for_client else loop.time() + patience)

            body.on_progress = progress
            return await client.request(
                passage.request.method,
                url,
                headers=headers,
                data=Upload(body) if body.exists else None,
                allow_redirects=False,
            )
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        if body.failure is not None:
            raise body.failure from error
        raise
    finally:
        body.on_progress = lambda waiting: None
