"""kopf's part, beside a mock API server with watches: what it asks, and what reaches the store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import kmock as km
import kopf
import pytest
from kubernetes.aio.client import Configuration

from gamesession.api.labels import ROLE_LABEL
from gamesession.controller import handlers
from gamesession.controller.comparison import Comparison
from gamesession.controller.finalizer import FINALIZER
from gamesession.controller.shelf import Key
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster
from tests.eventually import eventually
from tests.unit.plan.objects import NAMESPACE, Object, game, pod, session, version

Server = km.KubernetesEmulator

GROUP = "gamelibrary.io/v1alpha1"
FOR_KOPF = ("v1/namespaces", "apiextensions.k8s.io/v1/customresourcedefinitions")
"""It waits until they are served, though we have it watch neither."""
PLURALS = {"Game": f"{GROUP}/games", "GameSession": f"{GROUP}/gamesessions", "Pod": "v1/pods"}


@pytest.fixture
def kmock_options() -> dict[str, Any]:
    """A server that keeps objects and tells watches of them."""
    return {"cls": km.KubernetesEmulator}


class Endings:
    """Takes note of the timer."""

    def __init__(self) -> None:
        self.ticks: list[Key] = []

    def begin(self, game: Key) -> None:
        self.ticks.append(game)


class Scene:
    """kopf, a store, and what there is at the API server."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.store, self.endings = Store(), Endings()
        self.stopped = False
        self.configuration = Configuration()
        self.configuration.host = str(server.url).rstrip("/")
        self.configuration.api_key = {"BearerToken": "Bearer a-token"}
        cluster = Cluster(self.configuration, "operator")
        self.comparison = Comparison(cluster, self.store, [NAMESPACE])
        self.asked_to_compare = 0
        self.comparison.ask = self._ask_to_compare  # type: ignore[method-assign]
        for plural in (*PLURALS.values(), *FOR_KOPF):
            served: Any = {"namespaced": True, "verbs": ["list", "watch", "patch"]}
            server.resources[plural] = served

    @asynccontextmanager
    async def kopf(self) -> AsyncIterator[None]:
        """kopf runs."""
        ready = asyncio.Event()
        registry = handlers.registry(
            self.configuration,
            self.store,
            self.comparison,
            cast(Any, self.endings),
            stop=self._stop,
        )
        running = asyncio.create_task(
            kopf.operator(
                registry=registry,
                settings=handlers.settings(),
                namespaces=[NAMESPACE],
                standalone=True,
                identity=cast(Any, "test"),
                ready_flag=ready,
            )
        )
        try:
            await asyncio.wait_for(ready.wait(), 30)
            yield
        finally:
            # Asked to stop, it would wait for the mock server's tasks, which it takes for its own.
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    def put(self, found: Object) -> Object:
        """An object is there before anyone looks."""
        meta = found["metadata"]
        self.server.objects[PLURALS[found["kind"]], meta["namespace"], meta["name"]] = found
        return found

    async def change(self, found: Object) -> None:
        """Somebody changes it; watches are told."""
        await self._ask("PATCH", found, {"metadata": {"resourceVersion": version()}})

    async def delete(self, found: Object) -> None:
        """Somebody deletes it; watches are told."""
        await self._ask("DELETE", found, None)

    async def _ask(self, method: str, found: Object, body: Any) -> None:
        root = "/api/v1" if found["kind"] == "Pod" else f"/apis/{GROUP}"
        plural = PLURALS[found["kind"]].rpartition("/")[2]
        meta = found["metadata"]
        path = f"{root}/namespaces/{meta['namespace']}/{plural}/{meta['name']}"
        async with self.server.request(method, path, json=body) as answer:
            answer.raise_for_status()

    async def until(self, check: Callable[[], object]) -> None:
        async def checked() -> bool:
            return bool(check())

        await eventually(checked, deadline=20, every=0.005)

    def _ask_to_compare(self) -> None:
        self.asked_to_compare += 1

    def _stop(self) -> None:
        self.stopped = True

    def of_kopf(self, method: str) -> list[km.Request]:
        """What kopf asked, and not the test."""
        return [
            each
            for each in self.server
            if each.method == method and "kopf" in each.headers.get("User-Agent", "")
        ]


@pytest.fixture
def scene(kmock: Server) -> Scene:
    return Scene(kmock)


async def test_what_is_there_reaches_the_store(scene: Scene) -> None:
    for each in (game(), session(), pod()):
        scene.put(each)
    async with scene.kopf():
        await scene.until(
            lambda: len(scene.store.games) and len(scene.store.sessions) and len(scene.store.pods)
        )


async def test_and_what_changes_and_goes(scene: Scene) -> None:
    one = scene.put(pod())
    async with scene.kopf():
        await scene.until(lambda: scene.store.pods_of("uid-of-alice"))
        before = scene.store.pods_of("uid-of-alice")[0].resource_version
        await scene.change(one)
        await scene.until(lambda: scene.store.pods_of("uid-of-alice")[0].resource_version != before)
        await scene.delete(one)
        await scene.until(lambda: not scene.store.pods_of("uid-of-alice"))


async def test_the_comparison_learns_how_far_each_watch_has_come(scene: Scene) -> None:
    one = scene.put(session())
    async with scene.kopf():
        hearing = scene.comparison.kinds["gamesessions"].hearing
        await scene.until(lambda: hearing.told(NAMESPACE))
        first = hearing.told(NAMESPACE)
        await scene.change(one)
        await scene.until(lambda: hearing.told(NAMESPACE) > first)


async def test_a_list_is_compared_for_it_does_not_say_what_is_gone(scene: Scene) -> None:
    """kopf lists anew when a watch was down for too long."""
    one = scene.put(session())
    async with scene.kopf():
        await scene.until(lambda: len(scene.store.sessions))
        assert scene.asked_to_compare == 1
        await scene.change(one)
        await scene.delete(one)
        await scene.until(lambda: not len(scene.store.sessions))
    assert scene.asked_to_compare == 1, "a watch that tells of ends needs none"


async def test_the_timer_looks_at_each_game(scene: Scene) -> None:
    scene.put(game())
    async with scene.kopf():
        await scene.until(lambda: (NAMESPACE, "chess") in scene.endings.ticks)


async def test_kopf_writes_its_finalizer_on_games_and_nothing_else(scene: Scene) -> None:
    """On sessions or pods it would keep them from going while no operator runs."""
    for each in (game(), session(), pod()):
        scene.put(each)
    async with scene.kopf():
        await scene.until(lambda: scene.endings.ticks and len(scene.store.pods))
        await scene.until(lambda: scene.of_kopf("PATCH"))
    for request in scene.of_kopf("PATCH"):
        assert request.url.path.endswith("/games/chess")
        assert FINALIZER in str(request.data)
        assert "status" not in str(request.data)
    assert scene.of_kopf("POST") == scene.of_kopf("DELETE") == []


async def test_only_pods_of_ours_are_asked_for(scene: Scene) -> None:
    """By the API server: kopf's own filter would have all pods sent first."""
    async with scene.kopf():
        await scene.until(lambda: len([x for x in scene.server if "watch" in x.params]) >= 3)
    for request in scene.of_kopf("GET"):
        plural = request.url.path.rpartition("/")[2]
        if plural == "pods":
            assert request.params["labelSelector"] == ROLE_LABEL
        elif plural in ("games", "gamesessions"):
            assert "labelSelector" not in request.params
            assert f"/namespaces/{NAMESPACE}/" in request.url.path


async def test_kopf_has_our_credentials(scene: Scene) -> None:
    async with scene.kopf():
        await scene.until(lambda: scene.of_kopf("GET"))
    assert {x.headers["Authorization"] for x in scene.of_kopf("GET")} == {"Bearer a-token"}


async def test_when_kopf_stops_so_does_what_writes(scene: Scene) -> None:
    async with scene.kopf():
        assert not scene.stopped
    assert scene.stopped


# Credentials ------------------------------------------------------------------------------------


async def test_credentials_of_every_kind_are_passed_on() -> None:
    configuration = Configuration()
    configuration.host = "https://here:6443"
    configuration.ssl_ca_cert = "/ca"
    configuration.cert_file, configuration.key_file = "/cert", "/key"
    configuration.verify_ssl = False
    found = await handlers.connection_info(configuration)
    assert (found.server, found.ca_path, found.insecure) == ("https://here:6443", "/ca", True)
    assert (found.certificate_path, found.private_key_path) == ("/cert", "/key")
    assert (found.token, found.scheme, found.username) == (None, None, None)


async def test_ca_data_is_passed_on_as_kopf_wants_it() -> None:
    configuration = Configuration()
    configuration.ca_cert_data = "-----BEGIN"
    found = await handlers.connection_info(configuration)
    assert found.ca_data == "LS0tLS1CRUdJTg=="


def test_kopf_neither_scans_nor_posts() -> None:
    chosen = handlers.settings()
    assert chosen.scanning.disabled
    assert not chosen.posting.enabled
    assert chosen.persistence.finalizer == FINALIZER
    assert chosen.watching.chunk_size == 500
