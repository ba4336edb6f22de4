"""The examples of docs/examples run, and do what they say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from gamesession.api.instant import format_instant
from gamesession.kube.cluster import Object
from tests.cluster.controlplane import free_port
from tests.eventually import eventually
from tests.handlers.examples.process import EXAMPLES, Example, running
from tests.handlers.gateway import stage as gateway
from tests.handlers.gateway.apiserver import ApiServer
from tests.handlers.gateway.pods import PORT, new_address, pod_object
from tests.handlers.sdk.stage import Stage

SECRET = "not a secret, but a test's: 0123456789abcdef"
BACKENDS = ["backend_fastapi", "backend_flask"]
PODS = ["pod_fastapi", "pod_flask"]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """An API server with a Game, `chess`, whose sessions wait for the test to give them pods."""
    async with Stage(tmp_path) as found:
        found.starts = False
        yield found


@asynccontextmanager
async def pod_of(
    api: ApiServer, user: str, example: str, log: Path, folder: Path = EXAMPLES
) -> AsyncIterator[Example]:
    """Play operator and kubelet: the pod of a user's session, once there is that session."""

    async def made() -> Object | None:
        sessions = api.objects["gamesessions"].values()
        return next((each for each in sessions if each["spec"]["user"] == user), None)

    session = await eventually(made)
    ip = new_address()
    pod = api.put("pods", pod_object(f"pod-of-{user}", ip))
    uid = pod["metadata"]["uid"]
    place = running(example, log, host=ip, port=PORT, folder=folder, GAMESESSION_POD_UID=uid)
    async with place as found:
        api.change("gamesessions", session["metadata"]["name"], lambda s: make_ready(s, pod))
        yield found


def make_ready(session: Object, pod: Object) -> None:
    """Say that a session's pod serves."""
    now, ip = format_instant(datetime.now(UTC)), pod["status"]["podIP"]
    session["status"] = {
        "phase": "Ready",
        "podName": pod["metadata"]["name"],
        "podUID": pod["metadata"]["uid"],
        "podIP": ip,
        "services": {"main": f"{ip}:{PORT}"},
        "startKind": "Cold",
        "startedAt": now,
        "readyAt": now,
        "lastActivity": now,
    }


def login(user: str) -> dict[str, str]:
    """The header that says who asks."""
    token = jwt.encode({"sub": user, "exp": time.time() + 600}, SECRET, "HS256")
    return {"Authorization": f"Bearer {token}"}


class Player:
    """A user of a back end."""

    def __init__(self, http: aiohttp.ClientSession, user: str) -> None:
        self._http = http
        self._user = user

    async def play(self, method: str, path: str = "/play/chess/moves", **of: Any) -> Any:
        """Status and body of an answer."""
        # Who tries to be somebody else is not.
        headers = {**login(self._user), "X-Game-User": "eve"}
        async with self._http.request(method, path, headers=headers, **of) as answer:
            return answer.status, await answer.json()


@pytest.mark.parametrize(("backend", "service"), [*zip(BACKENDS, PODS, strict=True)])
async def test_a_back_end_carries_its_users_to_their_pods(
    stage: Stage, tmp_path: Path, backend: str, service: str
) -> None:
    environment = {
        "LOGIN_SECRET": SECRET,
        "GAMESESSION_NAMESPACE": "play",
        "GAMESESSION_KUBECONFIG": str(stage.kubeconfig),
        "GAMESESSION_HOLD": "60s",
    }
    async with (
        running(
            backend,
            tmp_path / backend,
            host="127.0.0.1",
            port=free_port(),
            folder=EXAMPLES,
            **environment,
        ) as found,
        aiohttp.ClientSession(found.url) as http,
    ):
        ann, bob = Player(http, "ann"), Player(http, "bob")
        async with http.get("/play/chess/moves") as answer:
            assert answer.status == 401
        assert (await ann.play("GET", "/play/draughts/moves"))[1]["code"] == "game_not_found"
        firsts = [asyncio.create_task(each.play("POST", data=b"e4")) for each in (ann, bob)]
        async with (
            pod_of(stage.api, "ann", service, tmp_path / "ann") as anns,
            pod_of(stage.api, "bob", service, tmp_path / "bob"),
        ):
            assert await firsts[0] == (200, {"user": "ann", "moves": ["e4"]})
            assert await firsts[1] == (200, {"user": "bob", "moves": ["e4"]})
            assert await ann.play("POST", data=b"Nf3") == (
                200,
                {"user": "ann", "moves": ["e4", "Nf3"]},
            )
            assert await bob.play("GET") == (200, {"user": "bob", "moves": ["e4"]})
            await anns.stop()
            status, error = await ann.play("GET")
            assert (status, error["code"]) == (502, "upstream_unreachable")
            log = await found.stop()
    assert "Traceback" not in log, log
    assert "never closed" not in log, log


@pytest.mark.parametrize("service", PODS)
async def test_a_service_in_a_pod_behind_the_gateway(service: str, tmp_path: Path) -> None:
    async with gateway.Stage() as stage:
        stage.pod_for = lambda session: None
        await stage.add_game(stripPrefix=True)
        first = asyncio.create_task(ask(stage, "POST", data=b"e4"))
        async with pod_of(stage.api, "alice", service, tmp_path / "log") as pod:
            assert await first == (200, {"user": "alice", "moves": ["e4"]})
            assert await ask(stage, "GET") == (200, {"user": "alice", "moves": ["e4"]})
            async with aiohttp.ClientSession(pod.url) as kubelet:
                async with kubelet.get("/healthz") as answer:
                    assert await answer.json() == {"ok": True}
                async with kubelet.get("/on-close") as answer:
                    assert await answer.json() == {"saved_for": "alice", "moves": ["e4"]}
                async with kubelet.get("/moves") as answer:
                    assert answer.status == 403
            await the_pod_is_anothers(stage)
            assert await ask(stage, "GET") == (502, "upstream_unreachable")
            assert await ask(stage, "POST", data=b"e5") == (502, "upstream_unreachable")
            log = await pod.stop()
        assert "Traceback" not in log, log


async def ask(stage: gateway.Stage, method: str, **of: Any) -> tuple[int, Any]:
    """Status and body, or error code, of an answer."""
    async with stage.request(method, "/api/chess/moves", **of) as answer:
        body = await answer.json()
        return answer.status, body["error"]["code"] if "error" in body else body


async def the_pod_is_anothers(stage: gateway.Stage) -> None:
    """The same address, another uid: the process there is not the one that the status names."""
    [old] = stage.api.objects["pods"].values()
    ip = old["status"]["podIP"]
    stage.api.remove("pods", old["metadata"]["name"])
    new = stage.api.put("pods", pod_object("another", ip))
    name = stage.session()["metadata"]["name"]
    stage.api.change("gamesessions", name, lambda session: make_ready(session, new))

    async def known() -> bool:
        session = stage.service.directory.find("chess", "alice")
        return session is not None and session.pod_uid == new["metadata"]["uid"]

    await eventually(known)
    await stage.until_ready()
