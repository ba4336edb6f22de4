"""A service inside a pod answers requests of its own session only, be it ASGI or WSGI."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import fastapi
import flask
import httpx
import pytest

from gamesession.pod import AsgiIdentity, Identity, WsgiIdentity, current, identity_of
from tests.unit.pod.requests import POD, headers_for

Ask = Callable[..., Any]
EXEMPT = ["/healthz", "/on-close"]


def said(identity: Identity | None) -> dict[str, str]:
    return {"user": identity.user, "session": identity.session_id} if identity else {}


def fastapi_service(**options: Any) -> httpx.AsyncBaseTransport:
    """A service that says whom a request is for, in handlers of both kinds."""
    app = fastapi.FastAPI()

    @app.api_route("/who", methods=["GET", "POST"])
    async def who(request: fastapi.Request) -> dict[str, str]:
        assert current() == identity_of(request.scope)
        return said(current())

    @app.get("/blocking")
    def blocking() -> dict[str, str]:
        return said(current())

    @app.get("/healthz")
    @app.get("/on-close")
    async def hook() -> dict[str, str]:
        return said(current())

    return httpx.ASGITransport(AsgiIdentity(app, exempt=EXEMPT, **options))


def flask_service(**options: Any) -> httpx.WSGITransport:
    """The same with Flask."""
    app = flask.Flask(__name__)

    @app.route("/who", methods=["GET", "POST"])
    @app.route("/blocking")
    def who() -> dict[str, str]:
        assert current() == identity_of(flask.request.environ)
        return said(current())

    @app.route("/healthz")
    @app.route("/on-close")
    def hook() -> dict[str, str]:
        return said(current())

    return httpx.WSGITransport(WsgiIdentity(app, exempt=EXEMPT, **options))


class Client:
    """Asks a service of either kind."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    async def __call__(self, path: str = "/who", method: str = "GET", **of: Any) -> httpx.Response:
        if isinstance(self._transport, httpx.WSGITransport):
            with httpx.Client(transport=self._transport, base_url="http://pod") as client:
                return await asyncio.to_thread(client.request, method, path, **of)
        async with httpx.AsyncClient(transport=self._transport, base_url="http://pod") as client:
            return await client.request(method, path, **of)


Service = Callable[..., Any]
services = pytest.mark.parametrize("service", [fastapi_service, flask_service])


def code_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and error code."""
    body = answer.json()
    assert body["success"] is False
    assert body["error"]["message"]
    return answer.status_code, body["error"]["code"]


@services
@pytest.mark.parametrize("path", ["/who", "/blocking"])
@pytest.mark.parametrize("user", ["alice", "zoë_1 ", "🎲"])
async def test_a_request_has_its_user_and_session(service: Service, path: str, user: str) -> None:
    ask = Client(service(pod_uid=POD))
    answer = await ask(path, headers=headers_for(user))
    assert answer.json() == {"user": user, "session": f"{user}_chess_1769860800"}
    assert current() is None, "and nothing of it stays behind"


@services
async def test_one_without_identity_is_refused(service: Service) -> None:
    ask = Client(service(pod_uid=POD))
    assert code_of(await ask()) == (403, "no_identity")
    assert code_of(await ask("/healthz/more")) == (403, "no_identity")


@services
async def test_one_that_cannot_be_read_is_refused(service: Service) -> None:
    ask = Client(service(pod_uid=POD))
    answer = await ask(headers=headers_for() | {"X-Game-User": "%ff"})
    assert code_of(answer) == (400, "bad_identity")
    assert answer.json()["error"]["request_id"] == "r-1"
    twice = httpx.Headers([*headers_for().items(), ("X-Game-User", "eve")])
    assert code_of(await ask(headers=twice)) == (400, "bad_identity")


@services
async def test_one_for_another_pod_is_misdirected(service: Service) -> None:
    """And does not make the pod that user's."""
    ask = Client(service(pod_uid=POD))
    other = headers_for("bob", pod="uid-2")
    assert code_of(await ask(headers=other)) == (421, "misdirected")
    assert code_of(await ask("/healthz", headers=other)) == (421, "misdirected")
    assert (await ask(headers=headers_for())).json()["user"] == "alice"


@services
@pytest.mark.parametrize(
    "other",
    [headers_for("bob"), headers_for(second=1)],
    ids=["another user's", "another life's"],
)
async def test_one_of_another_session_is_misdirected(
    service: Service, other: dict[str, str]
) -> None:
    """The pod is bound to the session that came first, by `onClaim` or a user's request."""
    ask = Client(service(pod_uid=POD))
    assert (await ask(method="POST", headers=headers_for())).status_code == 200
    assert code_of(await ask(headers=other)) == (421, "misdirected")
    assert code_of(await ask(method="POST", headers=other, content=b"x")) == (421, "misdirected")
    assert (await ask(headers=headers_for())).status_code == 200


@services
async def test_probes_and_hooks_need_no_identity(service: Service) -> None:
    """They are for whom the pod serves."""
    ask = Client(service(pod_uid=POD))
    assert (await ask("/healthz")).json() == {}
    await ask(headers=headers_for())
    assert (await ask("/on-close")).json()["user"] == "alice"


@services
async def test_the_pod_knows_its_uid_from_its_environment(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMESESSION_POD_UID", "uid-9")
    ask = Client(service())
    assert code_of(await ask(headers=headers_for())) == (421, "misdirected")
    assert (await ask(headers=headers_for(pod="uid-9"))).status_code == 200


@services
async def test_outside_of_a_pod_any_uid_is_its_own(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GAMESESSION_POD_UID", raising=False)
    ask = Client(service())
    assert (await ask(headers=headers_for(pod="whatever"))).status_code == 200


def test_exempt_paths_are_a_list() -> None:
    with pytest.raises(TypeError, match="not one path"):
        WsgiIdentity(flask.Flask(__name__), exempt="/healthz")


def test_of_first_requests_at_once_one_is_the_first() -> None:
    app = flask_service(pod_uid=POD)
    start = threading.Barrier(16)
    answers: list[tuple[str, int]] = []

    def ask(user: str) -> None:
        with httpx.Client(transport=app, base_url="http://pod") as client:
            start.wait()
            asked = [client.get("/who", headers=headers_for(user)) for _ in range(20)]
            answers.extend((user, answer.status_code) for answer in asked)

    threads = [threading.Thread(target=ask, args=(f"user-{n}",)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({user for user, status in answers if status == 200}) == 1
    assert sum(status == 200 for _, status in answers) == 20


def test_what_is_streamed_knows_its_user_to_the_end() -> None:
    """Two answers that are read in turns, in one thread."""
    closed: list[str] = []

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", [])
        try:
            for _ in range(3):
                found = current()
                yield found.request_id.encode() if found else b""
        finally:
            closed.append(environ["HTTP_X_REQUEST_ID"])

    service = WsgiIdentity(app, pod_uid=POD)

    def begun(request_id: str) -> Any:
        headers = headers_for() | {"X-Request-Id": request_id}
        environ = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in headers.items()}
        return service(environ, lambda status, headers, exc_info=None: lambda data: None)

    one, two = begun("one"), begun("two")
    assert [(a, b) for a, b in zip(one, two, strict=True)] == [(b"one", b"two")] * 3
    three = begun("three")
    next(three)
    three.close()
    assert closed == ["one", "two", "three"]
    assert current() is None


async def test_lifespan_goes_through() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    await AsgiIdentity(app)({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


@pytest.mark.parametrize("extensions", [{"websocket.http.response": {}}, {}])
async def test_a_websocket_of_another_is_refused_before_it_opens(
    extensions: dict[str, Any],
) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(current())

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    def scope(user: str) -> dict[str, Any]:
        raw = [(name.lower().encode(), v.encode()) for name, v in headers_for(user).items()]
        return {"type": "websocket", "path": "/", "headers": raw, "extensions": extensions}

    service = AsgiIdentity(app, pod_uid=POD)
    await service(scope("alice"), receive, send)
    assert seen[0].user == "alice"
    assert sent == []
    await service(scope("bob"), receive, send)
    assert len(seen) == 1
    if extensions:
        assert sent[0]["type"] == "websocket.http.response.start"
        assert sent[0]["status"] == 421
        assert sent[1]["type"] == "websocket.http.response.body"
    else:
        assert [(each["type"], each["code"]) for each in sent] == [("websocket.close", 1008)]
