"""WSGI middleware: identity for every request of a service."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Final

from gamesession.pod.guard import Guard, Refusal
from gamesession.pod.identity import CURRENT, HEADERS, KEY

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_NAMES: Final = {f"HTTP_{name.upper().replace('-', '_')}": name for name in HEADERS}


class WsgiIdentity:
    """Passes on requests of the pod's own session, with their identity in the environment and in
    `current()`; refuses others.

    Args:
        app: the service.
        exempt: paths of requests that may come without an identity: those of probes and `onClose`.
        pod_uid: of this pod; by default what `GAMESESSION_POD_UID` says.
    """

    def __init__(
        self, app: WSGIApplication, *, exempt: Collection[str] = (), pod_uid: str | None = None
    ) -> None:
        self._app = app
        self._guard = Guard(exempt, pod_uid)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        headers = {name: environ[key] for key, name in _NAMES.items() if key in environ}
        try:
            identity = self._guard.admit(_path(environ), headers)
        except Refusal as refusal:
            return _refuse(refusal, start_response)
        if identity is not None:
            environ[KEY] = identity
        context = copy_context()
        context.run(CURRENT.set, identity)
        return _Answer(context, context.run(self._app, environ, start_response))


class _Answer:
    """What a service answers, made in the context of its request to the end."""

    def __init__(self, context: Context, parts: Iterable[bytes]) -> None:
        self._context = context
        self._parts = parts
        self._iterator = context.run(iter, parts)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return self._context.run(next, self._iterator)

    def close(self) -> None:
        """The server is done with it (PEP 3333)."""
        if close := getattr(self._parts, "close", None):
            self._context.run(close)


def _path(environ: WSGIEnvironment) -> str:
    """The path of a request, decoded."""
    raw: Any = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return str(raw.encode("latin-1").decode(errors="replace"))


def _refuse(refusal: Refusal, start_response: StartResponse) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(refusal.body))),
    ]
    start_response(f"{int(refusal.status)} {refusal.status.phrase}", headers)
    return [refusal.body]
