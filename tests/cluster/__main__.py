"""`python3 -m tests.cluster`: the cluster of this machine, for people and make."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.cluster import health, removal
from tests.cluster.binaries import KUBERNETES, KWOK
from tests.cluster.context import Context
from tests.cluster.errors import ClusterError
from tests.cluster.machine import Machine
from tests.cluster.progress import tell
from tests.cluster.record import Record


def main() -> int:
    """Runs one command and returns its exit status."""
    arguments = parser().parse_args()
    command: Callable[[argparse.Namespace], int | None] = arguments.command
    try:
        return command(arguments) or 0
    except ClusterError as error:
        tell(f"error: {error}")
        return 1


def parser() -> argparse.ArgumentParser:
    """What can be asked for."""
    top = argparse.ArgumentParser(prog="python3 -m tests.cluster", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="command")

    def add(
        name: str, command: Callable[[argparse.Namespace], int | None]
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        made.set_defaults(command=command)
        return made

    add("up", up)
    add("down", down)
    add("status", status)
    add("kubeconfig", kubeconfig)
    restarted = add("restart", restart)
    restarted.add_argument("component", help="such as kube-controller-manager")
    binaries_ = add("binaries", binaries)
    binaries_.add_argument("--kwok", action="store_true", help="kwok too, for fake nodes")
    built = add("image", image)
    built.add_argument("context", type=Path, help="the folder that COPY copies from")
    built.add_argument("tag", help="the image's name, as pods say it")
    built.add_argument("--file", default="Dockerfile", help="the Dockerfile, relative to it")
    built.add_argument("--include", nargs="+", default=["."], help="what it is built from")
    built.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    return top


def up(_: argparse.Namespace) -> None:
    """start the cluster, or see that it is healthy"""
    running = Machine.up()
    relative = Path(".cluster")
    tell(f"the cluster is up, and this checkout's: context {running.context}")
    tell(f"  export KUBECONFIG=$PWD/{relative}/kubeconfig PATH=$PWD/{relative}/bin:$PATH")
    tell("  kubectl get pods --all-namespaces      make cluster-down ends it")


def down(_: argparse.Namespace) -> None:
    """stop the cluster and remove all traces"""
    removal.down()


def status(_: argparse.Namespace) -> int:
    """say whose cluster runs and whether it is healthy; ends with 1 if not"""
    record = Record.load()
    if record is None or not record.process.alive:
        print("no cluster runs on this machine")
        return 1
    print(f"a cluster runs, started from {record.checkout}")
    broken = health.unhealthy(Machine.running().site)
    print(f"not healthy: {', '.join(broken)}" if broken else "all components are healthy")
    return 1 if broken else 0


def kubeconfig(_: argparse.Namespace) -> None:
    """print the path of an administrator's kubeconfig"""
    print(Machine.running().kubeconfig)


def restart(arguments: argparse.Namespace) -> None:
    """kill one component and wait for its successor"""
    Machine.running().restart(arguments.component)


def binaries(arguments: argparse.Namespace) -> None:
    """build what a control plane needs, if it is not in the cache"""
    for build in (KUBERNETES, KWOK) if arguments.kwok else (KUBERNETES,):
        print(build.directory())


def image(arguments: argparse.Namespace) -> None:
    """build an image on the Debian base and bring it to the node, if it is not there"""
    values = dict(each.split("=", 1) for each in arguments.build_arg)
    context = Context(arguments.context, arguments.file, arguments.include)
    print(Machine.running().images.build(context, arguments.tag, values))


if __name__ == "__main__":
    sys.exit(main())
