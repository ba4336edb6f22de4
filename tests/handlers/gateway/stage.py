"""A gateway on a stage: a fake API server, real pods, and someone who plays the operator."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import aiohttp
import jwt
from yarl import URL

from gamesession.api.instant import format_instant, parse_instant
from gamesession.gateway.keys import load_keys
from gamesession.gateway.server import Service
from gamesession.gateway.settings import GatewaySettings
from gamesession.kube.cluster import Cluster, Object
from tests.eventually import eventually
from tests.handlers.gateway.apiserver import ApiServer
from tests.handlers.gateway.pods import PORT, AnyPod, HttpPod, pod_object

SECRET = "not a secret, but a test's: 0123456789abcdef"
ISSUER, AUDIENCE = "https://issuer.test", "games"


def token(
    user: Any = "alice",
    *,
    key: Any = SECRET,
    algorithm: str = "HS256",
    headers: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    """A token as the issuer would sign it; `None` leaves a claim out. It is good for a day: some
    are made when tests are collected, long before they run."""
    body = {"sub": user, "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 86400, **claims}
    body = {name: value for name, value in body.items() if value is not None}
    return jwt.encode(body, key, algorithm=algorithm, headers=headers)


def bearer(user: Any = "alice", **claims: Any) -> dict[str, str]:
    """The header that says who asks."""
    return {"Authorization": f"Bearer {token(user, **claims)}"}


class Stage:
    """Everything a test of the gateway needs.

    Attributes:
        pod_for: makes the pod of a session that is created; `None` leaves it Pending.
        url: of the gateway.
    """

    def __init__(self, *, api: ApiServer | None = None, **settings: Any) -> None:
        self.api = api or ApiServer()
        self._owns_api = api is None
        self.settings = GatewaySettings(
            **{
                "namespace": "play",
                "host": "127.0.0.1",
                "port": 0,
                "jwt_secret": SECRET,
                "jwt_issuer": ISSUER,
                "jwt_audience": AUDIENCE,
                "shutdown_grace": timedelta(seconds=0.2),
                **settings,
            }
        )
        self.pods: dict[str, AnyPod] = {}
        self.pod_for: Callable[[Object], AnyPod | None] = lambda session: HttpPod()
        if self._owns_api:
            self.api.on_change = self._changed
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._open()
        await eventually(self._is_ready)
        return self

    @asynccontextmanager
    async def unready(self) -> AsyncIterator[None]:
        """The stage before the gateway has seen anything."""
        await self._open()
        try:
            yield
        finally:
            await self.__aexit__()

    async def _open(self) -> None:
        if self._owns_api:
            await self.api.come()
        self.cluster = Cluster(self.api.configuration, "gateway")
        self.service = Service(self.settings, self.cluster, load_keys(self.settings))
        await self.service.start()
        self.url = URL(f"http://127.0.0.1:{self.service.port}")
        self.http = aiohttp.ClientSession(
            self.url, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=30)
        )

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self.http.close()
        await self.service.stop()
        await self.cluster.close()
        if self._owns_api:
            await self.api.go_away()
        for pod in self.pods.values():
            await pod.stop()

    # The operator -------------------------------------------------------------------------------

    async def add_game(self, name: str = "chess", **spec: Any) -> Object:
        """A Game, and the gateway knows of it."""
        game = self.api.put("games", game_object(name, **spec))
        await self.until_known(name)
        return game

    async def until_known(self, game: str) -> None:
        """Wait until the gateway knows a Game as it stands."""
        version = self.api.objects["games"][game]["metadata"]["resourceVersion"]

        async def known() -> bool:
            found = self.service.directory.games.get(game)
            return found is not None and found.resource_version == version

        await eventually(known)

    async def add_session(self, user: str = "alice", game: str = "chess", **of: Any) -> Object:
        """A Ready session with a pod, made by hand; the gateway knows of both.

        Args:
            of: `name`, `pod`, and fields of the status.
        """
        name = of.pop("name", f"{game}-by-hand-{len(self.pods)}")
        pod = of.pop("pod", None) or HttpPod()
        before, self.pod_for = self.pod_for, lambda session: None
        self.api.put(
            "gamesessions", {"metadata": {"name": name}, "spec": {"user": user, "game": game}}
        )
        self.pod_for = before
        await self.bind(name, pod, **of)
        return await self.until_ready(user, game)

    async def until_ready(self, user: str = "alice", game: str = "chess") -> Object:
        """The session, once the gateway knows that it is Ready, and its pod."""
        directory = self.service.directory

        async def known() -> bool:
            session = directory.find(game, user)
            ready = session is not None and session.phase == "Ready"
            return ready and directory.pod_of(session) is not None  # type: ignore[arg-type]

        await eventually(known)
        return self.session(user, game)

    def session(self, user: str = "alice", game: str = "chess") -> Object:
        """The session of a user, as the API server has it."""
        for found in self.api.objects["gamesessions"].values():
            if found["spec"] == {"user": user, "game": game}:
                return found
        raise AssertionError(f"no session of {user} in {game}")

    async def bind(self, name: str, pod: AnyPod, **status: Any) -> Object:
        """Give a session a pod that answers, and say that it is Ready."""
        await pod.listen()
        made = self.give_pod(name, pod)
        return self.set_ready(name, made, **status)

    def give_pod(self, name: str, pod: AnyPod, ip: str | None = None, **status: Any) -> Object:
        """Give a session a pod, as the operator tells it first."""
        self.pods[f"{name}-{len(self.pods)}"] = pod
        made = self.api.put("pods", pod_object(f"{name}-{len(self.pods)}", ip or pod.ip, **status))

        def starting(session: Object) -> None:
            session["status"] = {
                **session.get("status", {}),
                "phase": "Starting",
                "startKind": "Cold",
                "podName": made["metadata"]["name"],
                "podUID": made["metadata"]["uid"],
                "startedAt": format_instant(datetime.now(UTC)),
            }

        self.api.change("gamesessions", name, starting)
        return made

    def set_ready(self, name: str, pod: Object, **status: Any) -> Object:
        """Say that a session's pod is Ready."""
        now, ip = format_instant(datetime.now(UTC)), pod["status"]["podIP"]

        def ready(session: Object) -> None:
            session["status"] |= {
                "phase": "Ready",
                "podIP": ip,
                "readyAt": now,
                "lastActivity": now,
                **status,
            }

        return self.api.change("gamesessions", name, ready)

    def fail(self, name: str, message: str, *, reason: str = "ImageMissing", **status: Any) -> None:
        """Say that a session failed."""

        def failed(session: Object) -> None:
            session["status"] = {
                "phase": "Failed",
                "failedAt": format_instant(datetime.now(UTC)),
                "conditions": [
                    {"type": "Ready", "status": "False", "reason": reason, "message": message}
                ],
                **status,
            }

        self.api.change("gamesessions", name, failed)

    def last_activity(self, name: str) -> datetime:
        """What stands in a session's status."""
        found = self.api.objects["gamesessions"][name]["status"]["lastActivity"]
        return parse_instant(found)

    # The client ---------------------------------------------------------------------------------

    def get(self, path: str, user: Any = "alice", **of: Any) -> Any:
        """A GET in a user's name; the path goes out as it is."""
        return self.request("GET", path, user, **of)

    def post(self, path: str, user: Any = "alice", **of: Any) -> Any:
        """A POST in a user's name."""
        return self.request("POST", path, user, **of)

    def request(self, method: str, path: str, user: Any = "alice", **of: Any) -> Any:
        """A request in a user's name."""
        headers = {**bearer(user), **of.pop("headers", {})}
        url = URL.build(scheme="http", authority=self.url.raw_authority, path=path, encoded=True)
        return self.http.request(method, url, headers=headers, allow_redirects=False, **of)

    # Behind the curtain -------------------------------------------------------------------------

    def _changed(self, plural: str, found: Object | None) -> None:
        """Play the operator: a new session gets a pod."""
        if plural != "gamesessions" or found is None or "status" in found:
            return
        pod = self.pod_for(found)
        if pod is not None:
            task = asyncio.get_running_loop().create_task(self._start(found, pod))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _start(self, session: Object, pod: AnyPod) -> None:
        await self.bind(session["metadata"]["name"], pod)

    async def _is_ready(self) -> bool:
        return not self.service.unready()


def game_object(name: str, **spec: Any) -> Object:
    """A Game as the API server has it."""
    return {
        "metadata": {"name": name},
        "spec": {
            "services": [{"name": "main", "port": PORT}],
            "template": {"spec": {"containers": [{"name": "game", "image": "game"}]}},
            **spec,
        },
    }
