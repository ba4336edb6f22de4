"""Stopping the cluster of the machine leaves nothing behind, whatever had happened to it.

These tests stop the cluster that all others use, and start it again. They do not run while it is in
use: while it is another checkout's, or holds anything that a fresh one does not.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cluster import network, removal
from tests.cluster.leftovers import DATA, leftovers, processes
from tests.cluster.machine import CHECKOUT, Machine
from tests.cluster.prerequisites import find
from tests.cluster.process import Process, start_time
from tests.cluster.record import Record
from tests.cluster.waiting import wait_for

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="the cluster with a real node needs root"),
]
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: running}
spec:
  containers: [{name: main, image: gamesession-pause:1, imagePullPolicy: Never}]
"""
SETTINGS = ("net/ipv4/ip_forward", "vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops")


OF_ANY_CLUSTER = {"default", "kube-node-lease", "kube-public", "kube-system"}


@pytest.fixture(scope="module", autouse=True)
def _up_again() -> Iterator[None]:
    user = user_of_the_cluster()
    if user is not None:
        pytest.skip(f"the machine's cluster is in use ({user}); `make cluster-down` frees it")
    yield
    Machine.up()


def user_of_the_cluster() -> str | None:
    """Who would miss the running cluster: a checkout or a namespace; `None` if nobody."""
    record = Record.load()
    if record is None or not record.process.alive:
        return None
    if record.checkout != str(CHECKOUT):
        return record.checkout
    found = Machine.running().api.get("/api/v1/namespaces")["items"]
    names = {each["metadata"]["name"] for each in found} - OF_ANY_CLUSTER
    return ", ".join(sorted(names)) or None


def traces() -> dict[str, object]:
    """What a cluster might leave on a machine, ours or not: mounts, interfaces, rules and so on."""

    def output(*command: str) -> list[str]:
        path = find(command[0])
        lines = subprocess.run(
            [path or command[0], *command[1:]], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        return sorted(line for line in lines if not line.startswith("#"))

    groups = Path("/sys/fs/cgroup")
    return {
        "mounts": sorted(
            line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()
        ),
        "interfaces": [line.split(":")[1] for line in output("ip", "-o", "link")],
        "network namespaces": output("ip", "netns", "list"),
        "routes": output("ip", "route", "show", "table", "all"),
        "rules": [line.split(" [")[0] for line in output("iptables-save")],
        "control groups": sorted(
            str(path) for depth in ("*", "*/*") for path in groups.glob(depth) if path.is_dir()
        ),
        "settings": {name: Path("/proc/sys", name).read_text() for name in SETTINGS},
        "directories": sorted(
            str(path)
            for top in ("/run", "/var/lib", "/var/log", "/opt", "/etc/cni", "/usr/libexec")
            if Path(top).is_dir()
            for path in Path(top).iterdir()
        ),
    }


@pytest.fixture
def before() -> dict[str, object]:
    """What the machine has without a cluster."""
    removal.down()
    assert leftovers() == []
    return traces()


def start_with_a_pod() -> Machine:
    """A cluster in which a container runs."""
    machine = Machine.up()
    machine.kubectl("apply", "-f", "-", stdin=POD)
    machine.kubectl("wait", "--for=condition=Ready", "pod/running", "--timeout=60s")
    return machine


def test_nothing_is_left_after_an_orderly_stop(before: dict[str, object]) -> None:
    """With a container running up to the end."""
    machine = start_with_a_pod()
    assert len(leftovers()) > 10
    assert network.interfaces() == [network.INTERFACE]
    removal.down()
    assert leftovers() == []
    assert traces() == before
    assert not machine.kubeconfig.exists()


def test_nothing_is_left_after_parts_have_crashed(before: dict[str, object]) -> None:
    """Neither of a node without kubelet and containerd, nor of one whose shims were killed."""
    machine = start_with_a_pod()
    for name in ("kubelet", "containerd", "etcd"):
        machine.component(name).send(signal.SIGSTOP)
    shims = [each for each in processes() if b"containerd-shim" in command_line(each)]
    assert shims
    for shim in shims:
        shim.send(signal.SIGKILL)
    removal.down()
    assert leftovers() == []
    assert traces() == before


def test_a_killed_holder_takes_everything_with_it(before: dict[str, object]) -> None:
    """The kernel ends what it held; the next start cleans up the rest."""
    start_with_a_pod()
    record = Record.load()
    assert record is not None
    record.process.send(signal.SIGKILL)
    wait_for(lambda: not processes(), 30, "all processes to end")
    Machine.up()
    removal.down()
    assert leftovers() == []
    assert traces() == before


@pytest.mark.parametrize("moment", ["connected", "components"])
def test_a_start_that_is_killed_can_be_stopped(before: dict[str, object], moment: str) -> None:
    """When the namespaces are there and empty, and when components are coming."""
    reached: dict[str, Callable[[], object]] = {
        "connected": network.interfaces,
        "components": (DATA / "logs" / "kube-proxy.log").exists,
    }
    starting = subprocess.Popen([sys.executable, "-m", "tests.cluster", "up"], cwd=CHECKOUT)
    wait_for(reached[moment], 60, "the start to get half way")
    starting.kill()
    starting.wait()
    removal.down()
    assert leftovers() == []
    assert traces() == before


def test_a_start_from_elsewhere_takes_over_and_says_so(
    before: dict[str, object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cluster is the other checkout's then, with a fresh store, and this one has none."""
    mine = start_with_a_pod()
    elsewhere = tmp_path / "checkout"
    shutil.copytree(
        CHECKOUT / "tests" / "cluster",
        elsewhere / "tests" / "cluster",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy2(CHECKOUT / "tests" / "__init__.py", elsewhere / "tests")
    result = subprocess.run(
        [sys.executable, "-m", "tests.cluster", "up"],
        cwd=elsewhere,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"taking over from {CHECKOUT}" in result.stderr
    assert not mine.kubeconfig.exists()
    theirs = Machine.running(elsewhere)
    assert theirs.kubeconfig.exists()
    assert theirs.kubectl("get", "pods", "--output=name") == ""
    removal.down()
    assert not theirs.kubeconfig.exists()
    assert leftovers() == []
    assert traces() == before


def test_stopping_twice_is_fine(
    before: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time it says that there is nothing."""
    capsys.readouterr()
    removal.down()
    assert "there is no cluster on this machine" in capsys.readouterr().err
    assert traces() == before


def command_line(process: Process) -> bytes:
    """A process's command line; empty once it has ended."""
    if start_time(process.pid) != process.started:
        return b""
    return Path(f"/proc/{process.pid}/cmdline").read_bytes()
