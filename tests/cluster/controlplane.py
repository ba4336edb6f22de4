"""A control plane of one's own: real API server, store and controllers; at most kwok's fake nodes.

It listens on a free port of 127.0.0.1, keeps all in a temporary directory and ends with the process
that started it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.cluster import components
from tests.cluster.api import API
from tests.cluster.binaries import HELM, KUBERNETES, KWOK
from tests.cluster.client import run
from tests.cluster.components import Site
from tests.cluster.credentials import ADMINISTRATOR
from tests.cluster.errors import ClusterError, ComponentError
from tests.cluster.process import Command, Process, die_with, start_time
from tests.cluster.waiting import wait_for

PREFIX = "gamesession-plane-"
NODE = "fake"
READY_SECONDS = 60.0
DEFAULT_SERVICE_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


class ControlPlane:
    """etcd, API server, controller manager, and if wanted scheduler and kwok.

    Args:
        crds: files or folders with CustomResourceDefinitions, established before the controllers
            start, so that the garbage collector knows these kinds from the first moment.
        scheduler: whether pods get assigned to nodes.
        kwok: whether there is a fake node, whose pods become Ready at once.
        nodes: how many fake nodes.
        pod_cidr: where fake pods get addresses. Loopback by default: what dials such a pod is
            refused at once, or answered by what a test listens with there, and leaves no machine.
        api_server: more arguments of the API server.
        durable: whether etcd waits for the disk, as it does where measurements should hold.

    Start it and use it in one thread that lives as long: components die with that thread.
    """

    def __init__(
        self,
        *,
        crds: Path | Sequence[Path] = (),
        scheduler: bool = True,
        kwok: bool = True,
        nodes: int = 1,
        pod_cidr: str = "127.64.0.1/10",
        api_server: Sequence[str] = (),
        durable: bool = False,
    ) -> None:
        self._crds = [crds] if isinstance(crds, Path) else list(crds)
        self._scheduler = scheduler
        names = [NODE, *(f"{NODE}-{number}" for number in range(2, nodes + 1))]
        self._nodes = names if kwok else []
        self._pod_cidr = pod_cidr
        self._api_server = api_server
        self._durable = durable
        self._commands: dict[str, Command] = {}
        self._processes: dict[str, Process] = {}
        self._site: Site | None = None

    def __enter__(self) -> Self:
        self.start_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def site(self) -> Site:
        """Where it is; only after it was started."""
        if self._site is None:
            raise ClusterError("this control plane was not started")
        return self._site

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self.site.credentials.server

    @property
    def kubeconfig(self) -> Path:
        """An administrator's kubeconfig."""
        return self.site.credentials.kubeconfig(ADMINISTRATOR)

    @property
    def api(self) -> API:
        """The API server as an administrator sees it."""
        return self.site.credentials.api()

    def start_all(self) -> None:
        """Starts everything and returns when pods can be created.

        Raises:
            PrerequisiteError: the machine lacks a program.
            ComponentError: a component ended or did not get ready; with the end of its log.
        """
        sweep()
        try:
            self._start_api_server()
            self._apply_crds()
            self._start_controllers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends everything and removes its directory; does nothing the second time."""
        for process in self._processes.values():
            process.send(signal.SIGKILL)
        for process in self._processes.values():
            process.end(grace=0)
        self._processes.clear()
        if self._site is not None:
            shutil.rmtree(self._site.directory, ignore_errors=True)
            self._site = None

    def start(self, name: str) -> None:
        """Starts a component that was stopped and returns when it is ready."""
        self._spawn(self._commands[name])
        if name == "kube-apiserver":
            self._await_api_server()

    def stop(self, name: str, grace: float = 0.0) -> None:
        """Stops a component as a crash would, or with `grace` seconds to end by itself."""
        self._processes.pop(name).end(grace)

    def restart(self, name: str, grace: float = 0.0) -> None:
        """Stops a component and starts it again; what etcd holds stays."""
        self.stop(name, grace)
        self.start(name)

    def pause(self, name: str) -> None:
        """Makes a component stand still: it keeps its connections and answers nothing."""
        self._processes[name].send(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Lets a paused component go on."""
        self._processes[name].send(signal.SIGCONT)

    def log(self, name: str) -> Path:
        """A component's log."""
        return self.site.directory / f"{name}.log"

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Runs kubectl as administrator and returns what it printed.

        Raises:
            CommandError: it ended with an error.
        """
        return run(self.site.programs / "kubectl", self.kubeconfig, *arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        """Runs Helm as administrator and returns what it printed; raises CommandError."""
        return run(HELM.program, self.kubeconfig, *arguments)

    def service_account_token(self, namespace: str, name: str, seconds: int = 3600) -> str:
        """A token of an existing service account, as a pod would get one."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        request = {"spec": {"expirationSeconds": seconds}}
        token: str = self.api.post(path, request)["status"]["token"]
        return token

    def kubeconfig_for(self, token: str, name: str) -> Path:
        """A kubeconfig for a token, to run a program as that user."""
        path = self.site.directory / f"{name}.kubeconfig"
        self.site.credentials.write_kubeconfig(path, token, context=name)
        return path

    def _start_api_server(self) -> None:
        programs = KUBERNETES.directory()
        directory = Path(tempfile.mkdtemp(prefix=PREFIX))
        (directory / "owner").write_text(f"{os.getpid()} {start_time(os.getpid())}")
        self._site = Site(programs, directory, "127.0.0.1", free_port(), durable=self._durable)
        self._site.credentials.create(self._site.address, "10.96.0.1", NODE)
        self._spawn(components.etcd(self._site))
        wait_for(lambda: self._running() and self._etcd_listens(), READY_SECONDS, "etcd")
        self._spawn(components.api_server(self._site, *self._api_server))
        self._await_api_server()

    def _start_controllers(self) -> None:
        self._spawn(components.controller_manager(self.site))
        if self._scheduler:
            self._spawn(components.scheduler(self.site))
        if self._nodes:
            self._spawn(components.kwok(self.site, KWOK.directory(), self._pod_cidr))
        for name in self._nodes:
            self.api.post("/api/v1/nodes", fake_node(name))
        self._await(lambda: self.api.exists(DEFAULT_SERVICE_ACCOUNT), "kube-controller-manager")
        for name in self._nodes:
            path = f"/api/v1/nodes/{name}"
            self._await(lambda path=path: node_ready(self.api.get(path)), "kwok")

    def _apply_crds(self) -> None:
        if self._crds:
            files = [argument for path in self._crds for argument in ("-f", str(path))]
            self.kubectl("apply", "--server-side", *files)
            self.kubectl("wait", "--for=condition=Established", "--timeout=30s", *files)

    def _spawn(self, command: Command) -> None:
        self._commands[command.name] = command
        self._processes[command.name] = Process.spawn(
            command,
            self.site.directory,
            self.log(command.name),
            in_child=die_with(os.getpid()),
        )

    def _await_api_server(self) -> None:
        self._await(lambda: self.api.exists("/readyz"), "kube-apiserver")

    def _await(self, ready: Any, name: str) -> None:
        try:
            wait_for(lambda: self._running() and ready(), READY_SECONDS, f"{name} to be ready")
        except ComponentError:
            raise
        except ClusterError as error:
            raise ComponentError(str(error), self.log(name)) from error

    def _running(self) -> bool:
        for name, process in self._processes.items():
            if not process.alive:
                raise ComponentError(f"{name} ended", self.log(name))
        return True

    def _etcd_listens(self) -> bool:
        return (self.site.directory / components.ETCD_CLIENTS.removeprefix("unix://")).exists()


def fake_node(name: str) -> dict[str, Any]:
    """A node for kwok to play."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {"kubernetes.io/hostname": name, "type": "kwok"},
        },
    }


def node_ready(node: dict[str, Any]) -> bool:
    """Whether pods can be scheduled to a node: it is Ready and its start-up taints are gone."""
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not node.get("spec", {}).get("taints")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens at just now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def sweep() -> None:
    """Removes the directories of control planes whose owner was killed, and they with it."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            pid, started = map(int, (directory / "owner").read_text().split())
        except (OSError, ValueError):
            continue  # another user's, or just being made
        if not Process(pid, started).alive:
            shutil.rmtree(directory, ignore_errors=True)
