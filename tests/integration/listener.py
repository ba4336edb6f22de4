"""A service that hears through a proxy of its own, and what it says of its hearing meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from gamesession.kube.cluster import Cluster
from tests.cluster.controlplane import ControlPlane
from tests.conftest import NAMESPACES
from tests.eventually import eventually
from tests.faults.proxy import Proxy
from tests.integration.playground import Playground
from tests.integration.service_process import ServiceProcess

RESOURCES = ("games", "gamesessions", "pods")
LOOK_SECONDS = 0.5
HEARD_SECONDS = 50.0
"""No watch that is well shows so great an age: a sign of life comes every half minute or so."""
DEAF_SECONDS = 60.0
PLACES = 6


@dataclass(frozen=True)
class Look:
    """What its admin port said at a moment.

    Attributes:
        healthy, ready: whether `/healthz` and `/readyz` are 200.
        words: what they said.
        ages: `gamesession_watch_age_seconds`, by resource.
    """

    healthy: bool
    ready: bool
    words: str
    ages: dict[str, float]

    @property
    def oldest(self) -> float:
        """The greatest of its ages."""
        return max(self.ages.values(), default=0.0)


class Listener:
    """Operator or gateway behind a proxy, in a namespace of its own.

    Attributes:
        looks: what was seen of it since it was ready.
    """

    def __init__(self, proxy: Proxy, process: ServiceProcess, playground: Playground) -> None:
        self.proxy = proxy
        self.process = process
        self.playground = playground
        self.looks: list[Look] = []

    async def follow(self) -> None:
        """Look at it again and again, until cancelled; and start it when it has ended, as the
        kubelet would: a machine that is too slow costs an operator its lead, and that its life."""
        async with aiohttp.ClientSession() as client:
            while True:
                if not self.process.alive:
                    self.process.start()
                with contextlib.suppress(aiohttp.ClientError):
                    self.looks.append(await look_at(client, self.process.admin))
                await asyncio.sleep(LOOK_SECONDS)

    async def until_watching(self) -> None:
        """Wait until a watch of each kind stands."""

        async def watching() -> bool:
            return all(self.proxy.watches(resource) for resource in RESOURCES)

        await eventually(watching)

    async def until(self, check: Callable[[Look], bool]) -> None:
        """Wait until a look shows something."""

        async def shown() -> bool:
            assert check(self.looks[-1]), self.looks[-1]
            return True

        await eventually(shown, deadline=120)

    async def until_well(self) -> None:
        """Wait until it says of each kind that it hears."""

        def is_well(look: Look) -> bool:
            return look.healthy and look.ready and set(look.ages) == set(RESOURCES)

        await self.until(lambda look: is_well(look) and look.oldest < HEARD_SECONDS)

    async def until_compared(self) -> None:
        """Wait until an operator has compared everything once more."""
        before = self._compared()

        async def compared() -> bool:
            return self._compared() > before + 1  # one may have been under way

        await eventually(compared, deadline=120)

    def _compared(self) -> int:
        """How often it has got as far as the last of them."""
        return [request.what for request in self.proxy.requests].count("list pods (metadata)")

    @property
    def false_alarms(self) -> list[Look]:
        """When it asked to be replaced though it heard, or so it said."""
        return [look for look in self.looks if not look.healthy and look.oldest < DEAF_SECONDS]


@asynccontextmanager
async def listening(
    plane: ControlPlane,
    cluster: Cluster,
    directory: Path,
    make: Callable[[Path, str, Path], ServiceProcess],
) -> AsyncIterator[Listener]:
    """A listener, from when it is ready and all its watches stand.

    Args:
        directory: is there, and empty.
        make: makes the process, from kubeconfig, namespace and file for its log.
    """
    namespace = f"test-{secrets.token_hex(4)}"
    await cluster.create(NAMESPACES, None, {"metadata": {"name": namespace}})
    async with Proxy(plane, directory) as proxy, Playground(cluster, namespace) as playground:
        process = make(proxy.kubeconfig, namespace, directory / "log")
        process.start()
        found = Listener(proxy, process, playground)
        try:
            await process.ready()
            await found.until_watching()
            following = asyncio.create_task(found.follow())
            yield found
            following.cancel()
        except BaseException as error:
            error.add_note(f"its log:\n{process.tail(6000)}")
            raise
        finally:
            process.kill()
        assert process.bugs() == []


Case = Callable[[Listener], Awaitable[None]]
"""What goes on while a listener is hard of hearing."""


async def all_at_once(
    cases: Mapping[str, Case],
    make: Callable[[Path], AbstractAsyncContextManager[Listener]],
    directory: Path,
) -> None:
    """Live through cases, the first of them first, `PLACES` of them at a time.

    Args:
        make: makes a listener, from a directory of its own.

    Raises:
        ExceptionGroup: those that failed.
    """
    places, turn = asyncio.Semaphore(PLACES), asyncio.Lock()

    async def live(name: str) -> None:
        own = directory / name.replace(" ", "-")
        own.mkdir()
        async with places, AsyncExitStack() as stack:
            async with turn:  # a start takes more of the machine than all that comes after
                listener = await stack.enter_async_context(make(own))
            await cases[name](listener)

    outcomes = await asyncio.gather(*map(live, cases), return_exceptions=True)
    failures = {name: found for name, found in zip(cases, outcomes, strict=True) if found}
    if failures:
        raise BaseExceptionGroup(", ".join(failures), list(failures.values()))


async def look_at(client: aiohttp.ClientSession, admin: str) -> Look:
    """What an admin port says now.

    Args:
        admin: its URL.

    Raises:
        aiohttp.ClientError: it does not answer.
    """
    async with client.get(f"{admin}/healthz") as health, client.get(f"{admin}/readyz") as readiness:
        words = f"{await health.text()}; {await readiness.text()}"
        healthy, ready = health.status == 200, readiness.status == 200
    async with client.get(f"{admin}/metrics") as answer:
        families = text_string_to_metric_families(await answer.text())
    ages = {
        sample.labels["resource"]: sample.value
        for family in families
        if family.name == "gamesession_watch_age_seconds"
        for sample in family.samples
    }
    return Look(healthy, ready, words, ages)
