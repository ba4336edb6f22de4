"""Finding out that a pod answers, long before its readiness stands in any status.

The pod is probed as the kubelet would (the `httpGet` of the readiness probe of the container that
declares the port), else by opening a TCP connection, every 25 to 50 ms, for all who wait for it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final

import aiohttp

from gamesession.client.directory import Directory
from gamesession.client.flight import Flights
from gamesession.client.pod import HttpProbe, Pod
from gamesession.gateway.patience import within
from gamesession.gateway.upstream import CONNECT_SECONDS, Upstreams, origin

SHORTEST_PAUSE: Final = 0.025
LONGEST_PAUSE: Final = 0.05
PROBE_SECONDS: Final = 1.0


class Dials:
    """Dials pods, one dial for all who ask for the same port at the same time.

    Args:
        patience: seconds after which a dial ends without success.
    """

    def __init__(self, directory: Directory, upstreams: Upstreams, *, patience: float) -> None:
        self._upstreams = upstreams
        self._patience = patience
        self._flights: Flights[bool] = Flights()
        self._answering: dict[str, set[tuple[str, int]]] = {}
        directory.pods.subscribe(self._pod_changed)

    async def reach(self, pod: Pod, port: int, wanted: Callable[[], bool]) -> bool:
        """Whether the pod answers on the port; it is dialled until it does.

        Args:
            wanted: whether the pod is still the one to talk to; asked before every attempt.

        Returns:
            `False` when it is no longer wanted, or has not answered within the patience.
        """
        if (pod.ip, port) in self._answering.get(pod.uid, ()):
            return wanted()
        reached = await self._flights.join(
            (pod.uid, pod.ip, port), lambda: self._dial(pod, port, wanted)
        )
        return reached and wanted()

    def has_reached(self, uid: str) -> bool:
        """Whether the pod with that uid has answered before."""
        return bool(self._answering.get(uid))

    def doubt(self, pod: Pod, port: int) -> None:
        """Take note that the pod did not take a connection: it is dialled anew."""
        self._answering.get(pod.uid, set()).discard((pod.ip, port))

    async def _dial(self, pod: Pod, port: int, wanted: Callable[[], bool]) -> bool:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience
        probe = pod.probes.get(port)
        while wanted():
            if await self._answers(pod, port, probe):
                if not wanted():
                    return False  # nobody would tell when to forget it
                self._answering.setdefault(pod.uid, set()).add((pod.ip, port))
                return True
            if loop.time() > end:
                return False
            await asyncio.sleep(random.uniform(SHORTEST_PAUSE, LONGEST_PAUSE))
        return False

    async def _answers(self, pod: Pod, port: int, probe: HttpProbe | None) -> bool:
        try:
            if probe is not None:
                return await within(PROBE_SECONDS, self._get(pod, probe))
            await within(CONNECT_SECONDS, _connect(pod.ip, port))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            return False
        return True

    async def _get(self, pod: Pod, probe: HttpProbe) -> bool:
        """Probe as the kubelet does: 200 to 399 is success, certificates are not looked at."""
        async with self._upstreams.of(pod).get(
            origin(pod.ip, probe.port, probe.scheme) + probe.path,
            headers=probe.headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(),
            ssl=False,
        ) as answer:
            return 200 <= answer.status < 400

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        # A pod that was ready and is no longer may answer on its ports, and not mean it.
        if old is not None and (new is None or (old.ready and not new.ready)):
            self._answering.pop(old.uid, None)


async def _connect(ip: str, port: int) -> None:
    _, writer = await asyncio.open_connection(ip, port)
    writer.close()  # not aborted: a reset would stand in the log of many a service
