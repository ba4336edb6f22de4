"""What the gateway adds to a request of a running session: `python -m tests.bench.gateway_reuse`.

One connection to the pod and one to the gateway; the same request goes over them in turn, so that
whatever else the machine does falls on both alike. Pod, gateway and client are processes of their
own, as they are in a cluster; the API server is the tests' own.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import multiprocessing
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection

import structlog
import uvloop
from aiohttp import web

from tests.handlers.gateway.pods import PORT, HttpPod
from tests.handlers.gateway.stage import Stage, bearer

PATH = "/api/chess/fortune"
BODY = b'{"fortune": "a pleasant surprise is waiting for you"}'


@dataclass(frozen=True)
class Times:
    """Seconds that requests took, sorted."""

    seconds: list[float]

    def percentile(self, part: float) -> float:
        """Milliseconds that this part of the requests took at most."""
        return self.seconds[min(len(self.seconds) - 1, int(len(self.seconds) * part))] * 1000


class Connected:
    """One HTTP/1.1 connection, and as little around it as possible."""

    def __init__(self, host: str, port: int, headers: dict[str, str]) -> None:
        lines = [f"GET {PATH} HTTP/1.1", f"Host: {host}:{port}", "Accept: */*"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self._address = host, port

    async def open(self) -> None:
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)

    async def ask(self) -> float:
        """Seconds that one request took.

        Raises:
            RuntimeError: it was not answered as it should be.
        """
        began = time.perf_counter()
        self._writer.write(self._head)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        took = time.perf_counter() - began
        if not head.startswith(b"HTTP/1.1 200") or body != BODY:
            raise RuntimeError(f"unexpected answer: {head!r} {body!r}")
        return took


async def measure(rounds: int, pod: tuple[str, int], gateway: tuple[str, int]) -> list[Times]:
    """Times of direct requests, and of those through the gateway."""
    direct, through = Connected(*pod, bearer()), Connected(*gateway, bearer())
    await direct.open()
    await through.open()
    for _ in range(rounds // 10):
        await direct.ask()
        await through.ask()
    times: list[list[float]] = [[], []]
    for _ in range(rounds):
        times[0].append(await direct.ask())
        times[1].append(await through.ask())
    return [Times(sorted(each)) for each in times]


# The other processes ----------------------------------------------------------------------------


class PodElsewhere(HttpPod):
    """A pod in another process, which listens already."""

    async def listen(self, port: int = PORT) -> None:
        """It does."""


async def tell_fortune(request: web.BaseRequest) -> web.StreamResponse:
    """The service of the pod."""
    return web.Response(body=BODY, content_type="application/json")


async def be_pod(ip: str, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """A pod, until told to stop."""
    pod = HttpPod(tell_fortune, ip)
    pod.keeps_requests = False
    await pod.listen()
    ready(PORT)
    await stop.wait()
    await pod.stop()


async def be_gateway(ip: str, ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """A gateway with one running session, until told to stop."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    async with Stage() as stage:
        await stage.add_game()
        await stage.add_session("alice", pod=PodElsewhere(ip=ip))
        ready(stage.service.port)
        await stop.wait()


Role = Callable[[str, Callable[[int], None], asyncio.Event], Coroutine[None, None, None]]


def play(role: Role, ip: str, parent: Connection) -> None:
    """What a process does: its role, until the parent closes the pipe."""

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(parent.fileno(), stop.set)
        await role(ip, parent.send, stop)

    uvloop.run(main())


@contextlib.contextmanager
def process(role: Role, ip: str) -> Iterator[int]:
    """The port at which a process in that role listens."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=play, args=(role, ip, theirs))
    child.start()
    theirs.close()
    try:
        if not ours.poll(30):
            raise RuntimeError(f"{role.__name__} does not start")
        yield ours.recv()
    finally:
        ours.send(None)
        child.join(10)


def run(rounds: int) -> tuple[Times, Times]:
    """Times of direct requests, and of the same through the gateway."""
    ip = "127.250.0.1"
    with process(be_pod, ip) as pod_port, process(be_gateway, ip) as port:
        direct, through = uvloop.run(measure(rounds, (ip, pod_port), ("127.0.0.1", port)))
    return direct, through


def main() -> None:
    """Print p50 and p99 of both, and what the gateway adds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5000)
    direct, through = run(parser.parse_args().rounds)
    print(f"{'':10}{'direct':>10}{'gateway':>10}{'added':>10}   ms")
    for name, part in (("p50", 0.50), ("p99", 0.99)):
        one, two = direct.percentile(part), through.percentile(part)
        print(f"{name:10}{one:10.3f}{two:10.3f}{two - one:10.3f}")


if __name__ == "__main__":
    main()
