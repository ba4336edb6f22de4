"""ASGI middleware: identity for every HTTP request and WebSocket of a service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any, Final

from gamesession.pod.guard import Guard, Refusal
from gamesession.pod.identity import CURRENT, HEADERS, KEY

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAMES: Final = {name.lower().encode("ascii"): name for name in HEADERS}
_REFUSED: Final = 1008  # policy violation (RFC 6455, 7.4.1); the server makes it a 403


class AsgiIdentity:
    """Passes on requests of the pod's own session, with their identity in the scope and in
    `current()`; refuses others.

    Args:
        app: the service.
        exempt: paths of requests that may come without an identity: those of probes and `onClose`.
        pod_uid: of this pod; by default what `GAMESESSION_POD_UID` says.
    """

    def __init__(
        self, app: App, *, exempt: Collection[str] = (), pod_uid: str | None = None
    ) -> None:
        self._app = app
        self._guard = Guard(exempt, pod_uid)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI 3)."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            identity = self._guard.admit(scope["path"], _headers(scope))
        except Refusal as refusal:
            await _refuse(refusal, scope, receive, send)
            return
        if identity is not None:
            scope = {**scope, KEY: identity}
        token = CURRENT.set(identity)
        try:
            await self._app(scope, receive, send)
        finally:
            CURRENT.reset(token)


def _headers(scope: Scope) -> dict[str, str]:
    """The identity headers. Of one that comes twice both, with a comma that none may hold."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        if name := _NAMES.get(raw_name.lower()):
            value = raw_value.decode("latin-1")
            found[name] = f"{found[name]},{value}" if name in found else value
    return found


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    prefix = ""
    if scope["type"] == "websocket":
        await receive()  # the connect
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": _REFUSED, "reason": str(refusal)})
            return
        prefix = "websocket."
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(refusal.body)).encode()),
    ]
    status = int(refusal.status)
    await send({"type": f"{prefix}http.response.start", "status": status, "headers": headers})
    await send({"type": f"{prefix}http.response.body", "body": refusal.body})
