"""A Lease: of all processes that want it, one holds it at a time.

The rules are those of client-go's leader election, but for two: who cannot reach the API server
neither gives up nor hangs, and the holder asks `stands` before whatever only the holder may do.
Clocks of different machines are never compared: who waits counts from when it saw the last renewal,
by its own clock, and the holder from before it sent it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

import structlog

from gamesession.api.instant import format_instant
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Conflict, Gone, Unreachable
from gamesession.kube.resources import LEASES

DURATION: Final = 10
"""Seconds that a Lease is respected for after its last renewal was seen."""
MARGIN: Final = 2.0
"""Seconds by which the holder gives up before others may take it: what it sent last has come to its
end by then."""
RENEW_SECONDS: Final = 1.5
RETRY_SECONDS: Final = 0.2
REQUEST_SECONDS: Final = 3.0
"""A renewal may be tried twice in the time that is left: on a connection that hangs, and on another
one; and an API server that is slow, and not away, is waited for."""

log = structlog.get_logger(__name__)


class Lease:
    """A Lease, and whether it is ours.

    Args:
        cluster: a connection of its own: nothing else may keep a renewal waiting.
        identity: ours; the same again only if our former self is known to have ended.
        clock: seconds that only move forward (`time.monotonic`).
        now: the time of day, UTC, for people who read the Lease.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._now = now
        self._found: Object | None = None
        self._found_at = 0.0
        self._until = float("-inf")

    def stands(self) -> bool:
        """Whether it is ours now, whatever others may think."""
        return self._clock() < self._until

    def is_held_by_another(self) -> bool:
        """Whether another was the holder when we looked last."""
        return _holder(self._found) not in ("", self._identity)

    async def attempt(self) -> bool:
        """Take or renew it, if it may be ours; whether that is done and known."""
        began = self._clock()
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                if not await self._write_if_free():
                    return False
        except (ApiError, Unreachable, TimeoutError) as error:
            log.warning("lease not renewed", lease=self._name, error=repr(error))
            return False
        self._until = began + DURATION - MARGIN
        return True

    async def acquire(self) -> None:
        """Return when it is ours. While the API server does not answer, that is not yet."""
        told = ""
        while not await self.attempt():
            holder = _holder(self._found) or "nobody, but it could not be taken"
            if holder != told:
                log.info("standing by", lease=self._name, holder=holder)
                told = holder
            await asyncio.sleep(RENEW_SECONDS)
        log.info("leading", lease=self._name, identity=self._identity)

    async def keep(self) -> None:
        """Renew it until cancelled; `stands` tells whether that succeeds."""
        renewed = True
        while True:
            await asyncio.sleep(RENEW_SECONDS if renewed else RETRY_SECONDS)
            renewed = await self.attempt()
            if self.is_held_by_another():
                self._until = float("-inf")

    async def release(self) -> None:
        """Give it up, for another to take it at once."""
        if not self.stands() or self._found is None:
            return
        self._until = float("-inf")
        spec = {**_spec(self._found), "holderIdentity": "", "renewTime": self._time()}
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._write(spec, self._found)
        except (ApiError, Unreachable, TimeoutError) as error:
            log.warning("lease not released", lease=self._name, error=repr(error))

    async def _write_if_free(self) -> bool:
        if _holder(self._found) == self._identity:
            with suppress(Conflict, Gone):
                self._found = await self._write(self._claim(), self._found)
                return True
            self._found = None  # somebody wrote in between, be it we, and were not told: look
        if not await self._is_free():
            return False
        try:
            self._found = await self._write(self._claim(), self._found)
        except (Conflict, Gone):
            self._found = None
            return False
        return True

    async def _is_free(self) -> bool:
        """Whether nobody holds it, or its holder has not renewed it for as long as it said."""
        try:
            found = await self._cluster.get(LEASES, self._namespace, self._name)
        except Gone:
            self._found = None
            return True
        if self._found is None or _version(found) != _version(self._found):
            self._found_at = self._clock()
        self._found = found
        lasts = float(_spec(found).get("leaseDurationSeconds") or DURATION)
        is_ours = _holder(found) in ("", self._identity)
        return is_ours or self._clock() - self._found_at > lasts

    def _claim(self) -> Object:
        spec = _spec(self._found)
        claim = {**spec, "leaseDurationSeconds": DURATION, "renewTime": self._time()}
        if spec.get("holderIdentity") != self._identity:
            claim |= {
                "holderIdentity": self._identity,
                "acquireTime": claim["renewTime"],
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + bool(spec),
            }
        return claim

    async def _write(self, spec: Object, found: Object | None) -> Object:
        if found is None:
            body = {
                "apiVersion": LEASES.api_version,
                "kind": LEASES.kind,
                "metadata": {"name": self._name, "namespace": self._namespace},
                "spec": spec,
            }
            return await self._cluster.create(LEASES, self._namespace, body)
        body = {"metadata": {"resourceVersion": _version(found)}, "spec": spec}
        return await self._cluster.merge_patch(LEASES, self._namespace, self._name, body)

    def _time(self) -> str:
        return format_instant(self._now())


def _spec(lease: Object | None) -> Object:
    """Empty for one that was never held."""
    return dict(lease.get("spec") or {}) if lease else {}


def _holder(lease: Object | None) -> str:
    return str(_spec(lease).get("holderIdentity") or "")


def _version(lease: Object) -> str:
    return str(lease["metadata"]["resourceVersion"])
