"""The cluster of the machine: a control plane and one real node, one for all checkouts.

All of it lives in namespaces of its own below one process (`supervisor.py`). Ending that process
ends everything; `leftovers.py` tells whether it did.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import (
    base,
    cache,
    cgroup,
    components,
    health,
    mountpoints,
    namespaces,
    network,
    node,
    prerequisites,
)
from tests.cluster.api import API
from tests.cluster.binaries import HELM, KUBERNETES
from tests.cluster.client import run
from tests.cluster.components import Site
from tests.cluster.context import Context
from tests.cluster.credentials import ADMINISTRATOR
from tests.cluster.errors import ClusterError, ComponentError
from tests.cluster.images import Images
from tests.cluster.leftovers import DATA
from tests.cluster.process import Process
from tests.cluster.progress import step, tell
from tests.cluster.record import Record, alone
from tests.cluster.removal import clear
from tests.cluster.waiting import DeadlineError, wait_for

CHECKOUT = Path(__file__).resolve().parents[2]
CONTEXT = "gamesession"
API_PORT = 6443
START_SECONDS = 180.0
HERE = Path(__file__).parent
# What is part of how the cluster is started: a change in these needs a new start.
SHAPE = ("cgroup", "components", "credentials", "namespaces", "network", "node", "supervisor")
NEEDED = (
    *base.NEEDED,
    *("containerd", "ctr", "runc", "iptables", "ip", "nsenter", "unshare", "openssl"),
    *(f"{prerequisites.CNI_PLUGINS}/{plugin}" for plugin in ("ptp", "host-local", "loopback")),
)


@dataclass(frozen=True)
class Machine:
    """The running cluster, as seen from one checkout.

    Attributes:
        site: where it is and with which programs it runs.
        checkout: the folder that uses it.
    """

    site: Site
    checkout: Path = CHECKOUT

    @classmethod
    def up(cls, checkout: Path = CHECKOUT) -> Machine:
        """Starts the cluster, or takes the running one if it is healthy or can be made so.

        Raises:
            PrerequisiteError: not root, or something is missing that cannot be installed here.
            ComponentError: a component did not get ready; with the end of its log.
        """
        prerequisites.require_root("A cluster with a real node")
        prerequisites.obtain(*NEEDED)
        machine = cls(site_with(KUBERNETES.directory()), checkout)
        with alone():
            record = Record.load()
            if not machine._can_go_on(record):
                clear(record)
                with step("starting the cluster (about 10 seconds)", "all components are ready"):
                    machine._start()
            machine.images.ensure_pause()
            machine._publish()
        return machine

    @classmethod
    def running(cls, checkout: Path = CHECKOUT) -> Machine:
        """The cluster that is running.

        Raises:
            ClusterError: there is none.
        """
        prerequisites.require_root("The cluster with a real node")
        record = Record.load()
        if record is None or not record.process.alive:
            raise ClusterError("there is no cluster on this machine; `make cluster` starts it")
        return cls(site_with(KUBERNETES.directory()), checkout)

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig, in the checkout."""
        return self.checkout / ".cluster" / "kubeconfig"

    @property
    def context(self) -> str:
        """The name of its context."""
        return CONTEXT

    @property
    def address(self) -> str:
        """The node's IP, reachable from the machine: node ports are there."""
        return self.site.address

    @property
    def api(self) -> API:
        """The API server as an administrator sees it."""
        return self.site.credentials.api()

    @property
    def images(self) -> Images:
        """The node's images."""
        return Images(node.socket(self.site))

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs kubectl as administrator and returns what it printed; raises CommandError."""
        return run(self.site.programs / "kubectl", self.kubeconfig, *arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        """Runs Helm as administrator and returns what it printed; raises CommandError."""
        return run(HELM.program, self.kubeconfig, *arguments)

    def build_image(
        self,
        directory: Path,
        tag: str,
        *,
        dockerfile: str = "Dockerfile",
        include: Sequence[str] = (".",),
        build_args: dict[str, str] | None = None,
    ) -> str:
        """Builds an image on the Debian base and brings it to the node, unless it is there.

        Args:
            directory: what COPY's paths are relative to.
            tag: such as `gamesession:dev`, as pods name it (with `imagePullPolicy: Never` or
                `IfNotPresent`).
            dockerfile: relative to the directory; begins with `ARG BASE` and `FROM ${BASE}`.
            include: files and folders, relative to the directory, that the image is built from.
            build_args: values of more ARGs.

        Returns:
            What the image is built from, as hex digits: another value means another image.

        Raises:
            CommandError: the build failed; with the end of what it printed.
        """
        return self.images.build(Context(directory, dockerfile, include), tag, build_args or {})

    def log(self, name: str) -> Path:
        """A component's log."""
        return self.site.directory / "logs" / f"{name}.log"

    def component(self, name: str) -> Process:
        """A running component's process.

        Raises:
            ClusterError: it does not run just now.
        """
        record = Record.load()
        if record is None:
            raise ClusterError("there is no cluster on this machine")
        return namespaces.component(record.process, name)

    def restart(self, name: str) -> None:
        """Kills a component, and returns when its successor is ready."""
        old = self.component(name)
        old.end(grace=0)
        wait_for(lambda: self._succeeded(name, old), START_SECONDS, f"{name} to run again")
        self._await_health()

    def pause(self, name: str) -> None:
        """Makes a component stand still: it keeps connections and answers nothing."""
        self.component(name).send(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Lets a paused component go on."""
        self.component(name).send(signal.SIGCONT)

    def _succeeded(self, name: str, old: Process) -> bool:
        try:
            return self.component(name) != old
        except ClusterError:
            return False

    def _can_go_on(self, record: Record | None) -> bool:
        """Whether the cluster that runs is this checkout's, as it would be started now."""
        if record is None:
            return False
        if not record.process.alive:
            tell("the cluster was not stopped but has ended (a reboot?); starting it anew")
            return False
        if record.checkout != str(self.checkout):
            tell(f"taking over from {record.checkout}: its cluster is stopped for one of our own")
            return False
        if record.key != self._key():
            tell("the cluster was started in another way than now; starting it anew")
            return False
        return self._recover()

    def _recover(self) -> bool:
        """Whether all components are healthy, after a new start of those that are not."""
        for name in health.unhealthy(self.site):
            tell(f"{name} does not answer; starting it again")
            with contextlib.suppress(ClusterError):  # it ended, and is started again anyway
                self.component(name).end(grace=0)
        try:
            self._await_health()
        except ClusterError as error:
            tell(f"{error}\nstarting the whole cluster anew")
            return False
        return True

    def _start(self) -> None:
        self.site.directory.mkdir(parents=True, mode=0o700)
        (self.site.directory / "logs").mkdir()
        self.site.credentials.create(self.site.address, network.SERVICE_ADDRESS, node.NAME)
        cgroup.create()
        plan = self._plan()
        mountpoints.make(node.PRIVATE_DIRECTORIES)

        def prepare(holder: Process, first: int) -> None:
            Record(holder.pid, holder.started, str(self.checkout), self._key()).save()
            network.connect(first)

        namespaces.start(plan, prepare)
        self._await_health()

    def _plan(self) -> dict[str, Any]:
        """What the supervisor runs; see there."""
        commands = [
            components.etcd(self.site),
            node.containerd(self.site),
            components.api_server(self.site),
            components.controller_manager(self.site),
            components.scheduler(self.site),
            node.kubelet(self.site),
            node.kube_proxy(self.site),
        ]
        return {
            "directory": str(self.site.directory),
            "logs": str(self.site.directory / "logs"),
            "mounts": node.mounts(self.site),
            # No proxies: they are for the outside world.
            "environment": {"PATH": prerequisites.SEARCH_PATH, "HOME": "/root", "LANG": "C.UTF-8"},
            "components": [{"name": each.name, "arguments": each.arguments} for each in commands],
        }

    def _key(self) -> str:
        """Names what the cluster is started as."""
        shape = [(name, (HERE / f"{name}.py").read_bytes()) for name in SHAPE]
        return cache.key(shape, str(self.site.programs))

    def _await_health(self) -> None:
        waiting = ["all"]

        def healthy() -> bool:
            waiting[:] = health.unhealthy(self.site)
            return not waiting

        try:
            wait_for(healthy, START_SECONDS, "the cluster to become healthy")
        except DeadlineError as error:
            name = waiting[0]
            raise ComponentError(f"{error}; {name} does not answer", self.log(name)) from error

    def _publish(self) -> None:
        """Gives the checkout a kubeconfig, a kubectl and a helm."""
        directory = self.kubeconfig.parent
        (directory / "bin").mkdir(parents=True, exist_ok=True)
        credentials = self.site.credentials
        credentials.write_kubeconfig(self.kubeconfig, credentials.token(ADMINISTRATOR), CONTEXT)
        for program in (self.site.programs / "kubectl", HELM.program):
            link = directory / "bin" / program.name
            link.unlink(missing_ok=True)
            link.symlink_to(program)


def site_with(programs: Path) -> Site:
    """Where the cluster of the machine is, with these programs."""
    return Site(
        programs,
        DATA,
        network.NODE_ADDRESS,
        API_PORT,
        network.SERVICE_CIDR,
        durable=True,
        advertised=True,
    )
