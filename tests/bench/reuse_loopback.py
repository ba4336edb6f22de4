"""The gateway alone: pod, gateway and client are processes of one machine, and the API server is
the tests' own. Quick, and needs no cluster: for working on the gateway."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
from collections.abc import Callable, Coroutine, Iterator
from multiprocessing.connection import Connection as Pipe

import structlog
import uvloop
from aiohttp import web

from tests.bench.connection import Connection
from tests.bench.figure import Figure
from tests.bench.pair import compare
from tests.bench.stack import Stack
from tests.handlers.gateway.pods import PORT, HttpPod
from tests.handlers.gateway.stage import Stage, bearer

NAME = "reuse-loopback"
SUMMARY = (
    "A request of a running session, through the gateway and (floor) to the pod itself; "
    "processes on loopback, no cluster."
)
PATH = "/api/chess/fortune"
BODY = b'{"fortune": "a pleasant surprise is waiting for you"}'
IP = "127.250.0.1"
START_SECONDS = 30


def measure(stack: Stack) -> list[Figure]:
    """What the gateway adds, containers and their network left out."""
    with (
        process(be_pod) as pod_port,
        process(be_gateway) as port,
        Connection(IP, pod_port, PATH, bearer()) as direct,
        Connection("127.0.0.1", port, PATH, bearer()) as through,
    ):
        return compare(direct, through)


class PodElsewhere(HttpPod):
    """A pod in another process, which listens already."""

    async def listen(self, port: int = PORT) -> None:
        """It does."""


async def tell_fortune(request: web.BaseRequest) -> web.StreamResponse:
    """The service of the pod."""
    return web.Response(body=BODY, content_type="application/json")


async def be_pod(ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """A pod, until told to stop."""
    pod = HttpPod(tell_fortune, IP)
    pod.keeps_requests = False
    await pod.listen()
    ready(PORT)
    await stop.wait()
    await pod.stop()


async def be_gateway(ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """A gateway with one running session, until told to stop."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    async with Stage() as stage:
        await stage.add_game()
        await stage.add_session("alice", pod=PodElsewhere(ip=IP))
        ready(stage.service.port)
        await stop.wait()


Role = Callable[[Callable[[int], None], asyncio.Event], Coroutine[None, None, None]]


def play(role: Role, parent: Pipe) -> None:
    """What a process does: its role, until the parent says something or is gone."""

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(parent.fileno(), stop.set)
        await role(parent.send, stop)

    uvloop.run(main())


@contextlib.contextmanager
def process(role: Role) -> Iterator[int]:
    """The port at which a process in that role listens.

    Raises:
        OSError: it does not start.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=play, args=(role, theirs))
    child.start()
    theirs.close()
    try:
        yield _port_said(ours, role)
    finally:
        ours.close()
        child.join(10)
        child.kill()


def _port_said(pipe: Pipe, role: Role) -> int:
    try:
        if pipe.poll(START_SECONDS):
            return int(pipe.recv())
    except EOFError:
        pass
    raise OSError(f"{role.__name__} does not start")
