"""Of all who want a Lease one holds it, whatever becomes of requests and processes."""

from __future__ import annotations

import asyncio
import copy
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import Conflict, Forbidden, Gone, Unreachable
from gamesession.kube.lease import DURATION, MARGIN, Lease


class Leases:
    """An API server that holds one Lease.

    Attributes:
        faults: what becomes of the next requests, `None` for nothing.
    """

    def __init__(self) -> None:
        self.lease: Object | None = None
        self.faults: list[str | None] = []
        self._version = 0

    async def get(self, _: Any, namespace: str, name: str) -> Object:
        self._fail_before()
        if self.lease is None:
            raise Gone(404, {})
        found = copy.deepcopy(self.lease)
        await asyncio.sleep(0)  # others read it, too, before this one writes
        return found

    async def create(self, _: Any, namespace: str, body: Object) -> Object:
        fault = self._fail_before()
        if self.lease is not None:
            raise Conflict(409, {})
        return self._store(body, fault)

    async def merge_patch(self, _: Any, namespace: str, name: str, body: Object) -> Object:
        fault = self._fail_before()
        if self.lease is None:
            raise Gone(404, {})
        if body["metadata"]["resourceVersion"] != self.lease["metadata"]["resourceVersion"]:
            raise Conflict(409, {})
        changed = {**self.lease, "spec": {**self.lease.get("spec", {}), **body["spec"]}}
        return self._store(changed, fault)

    def _fail_before(self) -> str | None:
        fault = self.faults.pop(0) if self.faults else None
        if fault == "refused":
            raise Forbidden(403, {})
        if fault == "lost":
            raise Unreachable("not sent")
        return fault

    def _store(self, lease: Object, fault: str | None) -> Object:
        self._version += 1
        self.lease = {**lease, "metadata": {"resourceVersion": str(self._version)}}
        if fault == "unanswered":
            raise Unreachable("done, but not answered")
        return copy.deepcopy(self.lease)


class Scene:
    """Several who want it, and a clock that they share."""

    def __init__(self, count: int) -> None:
        self.server = Leases()
        self.time = 1000.0
        self.all = [self.candidate(str(number)) for number in range(count)]

    def candidate(self, identity: str) -> Lease:
        cluster = cast(Cluster, self.server)
        return Lease(cluster, "system", "operator", identity, clock=lambda: self.time)

    @property
    def standing(self) -> list[int]:
        return [number for number, lease in enumerate(self.all) if lease.stands()]


async def test_the_first_to_come_gets_it_and_the_others_stand_by() -> None:
    scene = Scene(3)
    for lease in scene.all:
        await lease.attempt()
    assert scene.standing == [0]
    assert scene.server.lease is not None
    spec = scene.server.lease["spec"]
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("0", 0)
    assert spec["leaseDurationSeconds"] == DURATION
    assert spec["acquireTime"] == spec["renewTime"]


async def test_one_that_was_installed_empty_is_free() -> None:
    """The chart makes it, so that it goes with the release."""
    scene = Scene(2)
    scene.server.lease = {"metadata": {"resourceVersion": "1"}}
    for lease in scene.all:
        await lease.attempt()
    assert scene.standing == [0]
    assert scene.server.lease["spec"]["leaseTransitions"] == 0


async def test_who_renews_it_keeps_it() -> None:
    scene = Scene(2)
    for _ in range(50):
        for lease in scene.all:
            await lease.attempt()
        scene.time += 1.5
    assert scene.standing == [0]
    assert scene.server.lease is not None
    assert scene.server.lease["spec"]["leaseTransitions"] == 0


async def test_one_that_is_not_renewed_passes_on_after_its_duration_and_not_before() -> None:
    scene = Scene(2)
    await scene.all[0].attempt()
    await scene.all[1].attempt()  # sees it
    scene.time += DURATION
    await scene.all[1].attempt()
    assert scene.standing == []
    scene.time += 0.1
    await scene.all[1].attempt()
    assert scene.standing == [1]
    assert scene.server.lease is not None
    assert scene.server.lease["spec"]["leaseTransitions"] == 1


async def test_its_duration_counts_from_when_it_was_seen() -> None:
    """What the holder's clock said, and ours says now, tells nothing."""
    scene = Scene(2)
    await scene.all[0].attempt()
    scene.time += 1000
    await scene.all[1].attempt()
    assert scene.standing == []


async def test_the_holder_gives_up_before_others_may_take_it() -> None:
    scene = Scene(1)
    await scene.all[0].attempt()
    scene.time += DURATION - MARGIN - 0.01
    assert scene.standing == [0]
    scene.time += 0.01
    assert scene.standing == []


@pytest.mark.parametrize("fault", ["lost", "unanswered", "refused"])
async def test_renewals_that_fail_for_a_while_cost_nothing(fault: str) -> None:
    scene = Scene(1)
    await scene.all[0].attempt()
    for _ in range(4):
        scene.server.faults = [fault]
        scene.time += 1.5
        await scene.all[0].attempt()
    scene.server.faults = []
    await scene.all[0].attempt()
    scene.time += 4
    assert scene.standing == [0]


async def test_a_process_that_was_paused_has_lost_it_when_it_wakes() -> None:
    scene = Scene(2)
    await scene.all[0].attempt()
    await scene.all[1].attempt()
    scene.time += DURATION + 1
    await scene.all[1].attempt()
    await scene.all[0].attempt()
    assert scene.standing == [1]


async def test_one_that_is_given_up_is_taken_at_once() -> None:
    scene = Scene(2)
    await scene.all[0].attempt()
    await scene.all[1].attempt()
    await scene.all[0].release()
    assert scene.standing == []
    await scene.all[1].attempt()
    assert scene.standing == [1]


async def test_the_same_identity_goes_on_at_once() -> None:
    """A container that starts again in its pod."""
    scene = Scene(1)
    await scene.all[0].attempt()
    again = scene.candidate("0")
    await again.attempt()
    assert again.stands()


async def test_two_that_find_it_free_do_not_both_get_it() -> None:
    scene = Scene(2)
    await scene.all[0].attempt()
    await scene.all[0].release()
    third = scene.candidate("2")
    await asyncio.gather(scene.all[1].attempt(), third.attempt())
    assert [scene.all[1].stands(), third.stands()].count(True) == 1


async def test_who_finds_another_holding_it_knows() -> None:
    """Somebody took it by hand, with kubectl edit."""
    scene = Scene(1)
    keeping = scene.all[0]
    await keeping.attempt()
    assert scene.server.lease is not None
    scene.server.lease["spec"]["holderIdentity"] = "somebody"
    scene.server.lease["metadata"]["resourceVersion"] = "by hand"
    assert not await keeping.attempt()
    assert keeping.is_held_by_another()


STEP = st.tuples(
    st.integers(0, 2),
    st.sampled_from([0.0, 0.5, 1.5, 4.0, 7.9, 8.1, 10.1, 30.0]),
    st.sampled_from(["try", "try", "try", "release"]),
    st.lists(st.sampled_from([None, "lost", "unanswered", "refused"]), max_size=2),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=40))
def test_never_two_at_once(steps: list[tuple[int, float, str, list[str | None]]]) -> None:
    async def live() -> None:
        scene = Scene(3)
        for who, seconds, what, faults in steps:
            scene.time += seconds
            scene.server.faults = list(faults)
            lease = scene.all[who]
            await (lease.release() if what == "release" else lease.attempt())
            assert len(scene.standing) <= 1

    asyncio.run(live())
