"""The operator as a process: its parts put together, run, and stopped."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Callable

import structlog
from kubernetes.aio.client import Configuration

from gamesession.admin import admin_application, serve_admin
from gamesession.controller import handlers
from gamesession.controller.announce import Announcer
from gamesession.controller.catalogue import Catalogue
from gamesession.controller.changes import Changes, Kind, Task
from gamesession.controller.comparison import Comparison
from gamesession.controller.endings import Endings
from gamesession.controller.games import Games
from gamesession.controller.greetings import Greetings
from gamesession.controller.health import Health
from gamesession.controller.heartbeat import Heartbeat
from gamesession.controller.leadership import Leadership
from gamesession.controller.lull import Lull
from gamesession.controller.metrics import POPULATION
from gamesession.controller.orphans import Orphans
from gamesession.controller.pools import Pools
from gamesession.controller.queue import WorkQueue
from gamesession.controller.sessions import Sessions
from gamesession.controller.settings import OperatorSettings
from gamesession.controller.shelf import Key
from gamesession.controller.store import Store
from gamesession.controller.watching import watch
from gamesession.kube import connection
from gamesession.kube.backoff import Backoff
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError, Unreachable
from gamesession.kube.resources import GAMES, SESSIONS
from gamesession.plan.session import READY

log = structlog.get_logger(__name__)

COMPONENT = "operator"
POLL_SECONDS = 2.0
COLLECT_AFTER = (50_000, 20, 20)
"""Each page of a list is hundreds of thousands of objects, none of them in a cycle: by Python's own
thresholds a third of the time that reading one takes would go into looking for cycles."""
RECURSION_LIMIT = 50_000
"""In place of Python's thousand: the API server takes templates that are nested 10,000 deep. kopf
reads and copies whole Games, and one that it cannot read would end it, again and again."""
ORPHAN_SECONDS = 30.0
HEALTHY_SECONDS = 60.0
FIRST_RESTART = 1.0
LONGEST_RESTART = 5.0


class Operator:
    """The parts of the operator, wired.

    Args:
        cluster: the API server.
        settings: what is served and how.
        health: told once all that is there has been listed.
    """

    def __init__(self, cluster: Cluster, settings: OperatorSettings, health: Health) -> None:
        self.cluster = cluster
        self.settings = settings
        self.store = Store()
        self._health = health
        self._announcer = Announcer(cluster)
        self._catalogue = Catalogue()
        self.comparison = Comparison(cluster, self.store, settings.namespace)
        self.endings = Endings(cluster, self.store, self._announcer, compare=self.comparison.ask)
        self.queue: WorkQueue[Task] = WorkQueue(self._work)
        self._changes = Changes(self.store, self.queue, self.endings, self._catalogue)
        self._lull = Lull()
        self._pools = Pools(
            cluster,
            self.store,
            self._catalogue,
            look_again=self._later("pool"),
            failed=self._changes.look_at_game,
        )
        self._greetings = Greetings(look_again=self._later("session"))
        self._sessions = Sessions(
            cluster,
            self.store,
            self._catalogue,
            self._announcer,
            self._pools,
            self._greetings,
            compare=self.comparison.ask,
            look_again=self._later("session"),
        )
        self._games = Games(
            cluster,
            self.store,
            self._catalogue,
            self._pools,
            allow_privileged=settings.allow_privileged_templates,
            changed=self._changes.acceptance_changed,
            look_again=self._later("game"),
        )
        self._orphans = Orphans(cluster, self.store)
        self._heartbeat = Heartbeat(cluster, settings.namespace[0])
        cluster.contact.on_regained = self.comparison.ask

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            DeafWatch: a watch tells nothing any more: start over.
            Stuck: kopf stopped watching, and did not end.
            Exception: whatever ended kopf.
        """
        await self._wait_for_crds()
        log.info("operator started", namespaces=self.settings.namespace)
        await self._load()
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(self._serve())
            stopping = asyncio.Event()

            def stop() -> None:
                serving.cancel()
                stopping.set()

            registry = handlers.registry(
                self.cluster.configuration,
                self.store,
                self.comparison,
                self.endings,
                stop=stop,
            )
            await watch(registry, self.settings.namespace, stopping)
            serving.cancel()
        log.info("operator stopped")

    async def _load(self) -> None:
        """List all that is there: a session whose pod is not known yet would get a second one.

        kopf, which lists it all once more, comes after: side by side the two would take twice as
        long until the first start is served.
        """
        while not self._health.serving:
            try:
                await self.comparison.load()
                self._health.begin(self.comparison, self.cluster.contact)
                POPULATION.store = self.store
            except (ApiError, Unreachable) as error:
                log.warning("objects could not be listed", error=str(error))
                await asyncio.sleep(POLL_SECONDS)
        # What was loaded stays: the collector of cycles need not look at it again and again.
        gc.collect()
        gc.freeze()
        log.info("operator ready", sessions=len(self.store.sessions))

    async def _serve(self) -> None:
        try:
            async with self._greetings, asyncio.TaskGroup() as tasks:
                for work in (
                    self.queue.run(),
                    self.comparison.run(),
                    self._heartbeat.run(),
                    self._sweep(),
                ):
                    tasks.create_task(work)
        finally:
            self.endings.stop()

    async def _work(self, task: Task) -> None:
        match task.kind:
            case "game":
                await self._games.reconcile(task.key)
            case "pool":
                seconds = self._lull.seconds_to(task.key)
                if seconds and not self._pools.is_low(task.key):
                    self.queue.add_after(task, seconds)
                elif self._lull.is_long:
                    await self._pools.reconcile(task.key)
                else:
                    await self._pools.reconcile(task.key, at_once=1)
            case "session" if self._serves(task.key):
                await self._sessions.reconcile(task.key)
            case "session":
                with self._lull.prevented():
                    await self._sessions.reconcile(task.key)

    def _serves(self, session: Key) -> bool:
        known = self.store.sessions.get(session)
        return known is None or known.phase == READY

    def _later(self, kind: Kind) -> Callable[[Key, float], None]:
        return lambda key, seconds: self.queue.add_after(Task(kind, key), seconds)

    async def _sweep(self) -> None:
        """The full sweep every `cleanup_interval`; more often a look at orphans, and at what is
        due where no timer runs."""
        swept = time.monotonic()
        while True:
            await asyncio.sleep(min(ORPHAN_SECONDS, self.settings.cleanup_interval))
            await self._orphans.sweep()
            await self.endings.tick_all()
            if time.monotonic() - swept >= self.settings.cleanup_interval:
                swept = time.monotonic()
                await self.endings.sweep()

    async def _wait_for_crds(self) -> None:
        """kopf would wait for a kind that is not there for ever, and say nothing."""
        told = False
        while True:
            try:
                if await self.cluster.serves(GAMES) and await self.cluster.serves(SESSIONS):
                    return
                problem = "the CRDs are not installed: kubectl apply -f crds/"
            except (ApiError, Unreachable) as error:
                problem = str(error)
            if not told:
                log.warning("waiting for the API server", problem=problem)
                told = True
            await asyncio.sleep(POLL_SECONDS)


async def run(settings: OperatorSettings) -> None:
    """The operator, from configuration to its end: it stands by until it leads.

    Raises:
        NoCluster: there is no way to an API server.
        OSError: the admin port is taken.
    """
    gc.set_threshold(*COLLECT_AFTER)
    sys.setrecursionlimit(RECURSION_LIMIT)
    configuration = await connection.load(settings.kubeconfig, settings.context)
    health = Health()
    async with Leadership(configuration, settings) as leadership:
        admin = await serve_admin(
            admin_application(
                health.unhealthy,
                # One that stands by is as ready as it can be: else a rollout would never end.
                unready=lambda: [] if leadership.stands_by() else health.unready(),
            ),
            settings.admin_host,
            settings.admin_port,
        )
        try:
            if await leadership.gained():
                with leadership.watched():
                    await _live(configuration, settings, health, leadership.check)
        finally:
            await admin.cleanup()


async def _live(
    configuration: Configuration,
    settings: OperatorSettings,
    health: Health,
    before_write: Callable[[], None],
) -> None:
    """One operator after another, each from what the objects say, until one was asked to stop.

    kopf ends at an answer that it does not expect (a 409 to a list), and a deaf watch ends us. Left
    to kubelet, the next start would have to wait for up to five minutes of CrashLoopBackOff.
    """
    backoff = Backoff(FIRST_RESTART, LONGEST_RESTART)
    while True:
        began = time.monotonic()
        # What the one before froze, would never be looked at again, and it is in cycles.
        gc.unfreeze()
        gc.collect()
        async with Cluster(configuration, COMPONENT, before_write=before_write) as cluster:
            try:
                return await Operator(cluster, settings, health).run()
            except Exception:
                log.exception("operator starts over")
            finally:
                health.end()
                POPULATION.store = None
        if time.monotonic() - began > HEALTHY_SECONDS:
            backoff.reset()
        # kopf's handlers stay behind and would do nothing: now a signal ends the process again.
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().remove_signal_handler(number)
        await asyncio.sleep(backoff.delay())
