"""Pools on a real API server: filled, handed out, edited, and what fails in them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from gamesession.kube.cluster import Object
from gamesession.kube.resources import GAMES, PODS, SESSIONS
from tests.faults.proxy import Proxy
from tests.integration.bodies import TEMPLATE
from tests.integration.condition import condition, seconds_between
from tests.integration.kubelet import BY_HAND, Kubelet
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground
from tests.integration.pool import Pool, had_by, name_of, template_of, uid_of
from tests.integration.test_writes import writes_of

pytestmark = pytest.mark.integration

WARM_START = ["patch pods", "patch gamesessions/status"]


@pytest.fixture
def kubelet(shared: Playground) -> Kubelet:
    """What writes the status of the pods."""
    return Kubelet(shared.cluster, shared.namespace)


async def pooled(playground: Playground, game: str, size: int, **spec: Any) -> Pool:
    """A Game whose pool is full, as the operator knows."""
    await playground.create_game(game, warmPool={"size": size}, **spec)
    pool = Pool(playground, game)
    await pool.until_known(size)
    return pool


async def comes(playground: Playground, user: str, game: str) -> Object:
    """A user's session's status once it is Ready; it must have one pod and have had no other."""
    name = await playground.create_session(user, game)
    status = await playground.until_phase(name, "Ready")
    (pod,) = playground.living_pods_of(name)
    assert uid_of(pod) == status["podUID"]
    (owner,) = pod["metadata"]["ownerReferences"]
    assert owner["uid"] == playground.uid_of(name)
    assert had_by(playground, owner["uid"]) == {status["podUID"]}
    return status


# Its size -----------------------------------------------------------------------------------------


async def test_as_many_wait_as_the_game_says(shared: Playground) -> None:
    """They are replaced when somebody deletes them, and the Game counts them."""
    pool = await pooled(shared, "kept", 3)
    before = pool.uids
    gone = pool.pods[0]
    await shared.delete(PODS, name_of(gone))
    await shared.until(lambda: uid_of(gone) not in pool.uids)
    await pool.until_known(3)
    assert len(before & pool.uids) == 2
    ready = condition(shared.games["kept"], "Ready")
    assert ready is not None
    assert (ready["status"], ready["reason"]) == ("True", "StartsSucceed")


async def test_a_pool_follows_its_size(shared: Playground) -> None:
    """Up and down; those that stay are the same ones."""
    pool = await pooled(shared, "resized", 1)
    (first,) = pool.uids
    await shared.change_game("resized", warmPool={"size": 4})
    await pool.until_full(4)
    four = pool.uids
    assert first in four
    await shared.change_game("resized", warmPool={"size": 2})
    await pool.until_full(2)
    assert pool.uids < four
    await shared.change_game("resized", warmPool={"size": 0})
    await pool.until_full(0)
    assert len(shared.made_in_game("resized")) == 4


async def test_without_a_pool_no_pod_runs_before_the_first_request(shared: Playground) -> None:
    """Games that are filled after it show that the operator has had its time."""
    await shared.create_game("unpooled")
    await pooled(shared, "after-unpooled", 2)
    assert shared.made_in_game("unpooled") == []
    status = await comes(shared, "alice", "unpooled")
    assert status["startKind"] == "Cold"
    assert len(shared.made_in_game("unpooled")) == 1


async def test_a_game_that_takes_no_sessions_has_no_pods_waiting(shared: Playground) -> None:
    """While it is suspended; and its running session keeps its pod."""
    pool = await pooled(shared, "closed", 2)
    status = await comes(shared, "alice", "closed")
    await pool.until_full(2)
    await shared.change_game("closed", suspend=True)
    await pool.until_full(0)
    assert [uid_of(pod) for pod in pool.living] == [status["podUID"]]
    await shared.change_game("closed", suspend=False)
    await pool.until_full(2)


async def test_the_pods_go_with_their_game(shared: Playground) -> None:
    pool = await pooled(shared, "deleted", 3)
    await comes(shared, "alice", "deleted")
    await shared.delete(GAMES, "deleted")
    await shared.until(lambda: not pool.living)
    assert len(shared.made_in_game("deleted")) <= 4


# Another template ---------------------------------------------------------------------------------


def template(image: str) -> Object:
    """Another image for the game."""
    return {"spec": TEMPLATE["spec"] | {"containers": [{"name": "game", "image": image}]}}


async def test_another_template_replaces_what_waits_without_a_gap(shared: Playground) -> None:
    """Never fewer are ready than the pool's size; sessions keep their pods."""
    pool = await pooled(shared, "edited", 3)
    status = await comes(shared, "alice", "edited")
    await pool.until_full(3)
    before = template_of(pool.pods[0])
    begin = len(shared.history["pods"])
    await shared.change_game("edited", template=template("fortune-game:2"))
    await pool.until_of_one_template(3, besides=before)
    counts = pool.ready_over_time(begin)
    assert len(counts) >= 6, "three came and three went"
    assert min(counts) >= 3
    (kept,) = shared.living_pods_of(await shared_name(shared, "edited"))
    assert (uid_of(kept), template_of(kept)) == (status["podUID"], before)


async def shared_name(playground: Playground, game: str) -> str:
    """The name of a Game's only session."""
    (name,) = (name for name, each in playground.sessions.items() if each["spec"]["game"] == game)
    return name


async def test_what_waits_is_not_given_up_for_what_does_not_start(
    shared: Playground, kubelet: Kubelet
) -> None:
    """A template whose pods stop leaves the ones that serve, and users get those."""
    pool = await pooled(shared, "broken", 2)
    before = pool.uids
    await shared.change_game("broken", template=BY_HAND)
    new = await another(shared, pool, before)
    await kubelet.stop(name_of(new), 3, last_words="no cards")
    await shared.until(lambda: "no cards" in failing(shared.games["broken"])["message"])
    assert {uid_of(pod) for pod in pool.ready} == before
    assert (await comes(shared, "alice", "broken"))["startKind"] == "Warm"


async def another(playground: Playground, pool: Pool, besides: set[str]) -> Object:
    """One that waits and is none of those."""
    return await playground.until(
        lambda: next((pod for pod in pool.pods if uid_of(pod) not in besides), None)
    )


def failing(game: Object) -> Object:
    """The Game's condition Ready, which says that the last start failed.

    Raises:
        KeyError: it does not say so.
    """
    found = condition(game, "Ready")
    if found is None or found["reason"] not in ("LastStartFailed", "StartsFailing"):
        raise KeyError(game["metadata"]["name"])
    return found


# Handing out --------------------------------------------------------------------------------------


async def test_ten_at_once_get_what_waits_and_the_others_start(shared: Playground) -> None:
    """A pod each, none is in vain, and the pool is full afterwards."""
    pool = await pooled(shared, "rush", 4)
    waited = pool.uids
    users = [f"user-{number}" for number in range(10)]
    found = await asyncio.gather(*(comes(shared, user, "rush") for user in users))
    assert len({status["podUID"] for status in found}) == 10
    warm = {status["podUID"] for status in found if status["startKind"] == "Warm"}
    assert len(warm) >= 4
    assert waited <= warm
    await pool.until_full(4)
    assert len(pool.living) == 14
    assert len(shared.made_in_game("rush")) == 14


async def test_the_next_life_gets_another_pod(shared: Playground) -> None:
    """A pod that had a user is never given to anyone again."""
    pool = await pooled(shared, "lives", 1)
    had: set[str] = set()
    for _ in range(3):
        status = await comes(shared, "alice", "lives")
        assert status["startKind"] == "Warm"
        assert status["podUID"] not in had
        had.add(status["podUID"])
        name = await shared_name(shared, "lives")
        await shared.delete(SESSIONS, name)
        await shared.until_gone(name)
        await pool.until_known(1)
        assert not had & pool.uids


async def test_it_is_told_as_of_its_own_creation(shared: Playground) -> None:
    """Though its pod is older."""
    await pooled(shared, "dated", 1)
    name = await shared.create_session("alice", "dated")
    status = await shared.until_phase(name, "Ready")
    created = shared.sessions[name]["metadata"]["creationTimestamp"]
    assert seconds_between(created, status["startedAt"]) >= 0
    assert status["services"] == {
        service: f"{status['podIP']}:{port}" for service, port in (("game", 8080), ("live", 9090))
    }


async def test_a_warm_start_costs_two_writes(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """And the pod that comes in its place one more."""
    proxied_operator.start()
    await proxied_operator.ready()
    pool = await pooled(playground, "chess", 2)
    begin = len(proxy.requests)
    await comes(playground, "alice", "chess")
    await pool.until_full(2)
    assert writes_of(proxy, begin) == [*WARM_START, "create pods"]


# Pods that fail -----------------------------------------------------------------------------------


async def test_pods_that_fail_while_they_wait_are_replaced_ever_more_slowly(
    shared: Playground, kubelet: Kubelet
) -> None:
    """And the Game says why."""
    await shared.create_game("crashing", warmPool={"size": 1}, template=BY_HAND)
    pool = Pool(shared, "crashing")
    seen: dict[str, datetime] = {}
    pauses = []
    for number in range(4):
        pod = await another(shared, pool, set(seen))
        made = shared.made_at(PODS, name_of(pod))
        pauses += [seconds_between(stopped, made) for stopped in list(seen.values())[-1:]]
        seen[uid_of(pod)] = datetime.now(UTC)
        await kubelet.stop(name_of(pod), 3, last_words=f"no save game number {number}")
    for pause, least in zip(pauses, (1, 2, 4), strict=True):
        assert pause >= least
    await shared.until(lambda: "number 3" in failing(shared.games["crashing"])["message"])
    assert len(pool.living) <= 1


async def test_one_that_its_node_takes_away_is_replaced_and_nobody_is_blamed(
    shared: Playground, kubelet: Kubelet
) -> None:
    pool = await pooled(shared, "evicted", 2)
    taken = pool.pods[0]
    await kubelet.evict(name_of(taken))
    await shared.until(lambda: uid_of(taken) not in pool.uids)
    await pool.until_full(2)
    assert len(shared.made_in_game("evicted")) == 3
    said = [
        condition(change.object, "Ready")
        for change in shared.history["games"]
        if name_of(change.object) == "evicted"
    ]
    assert {each["reason"] for each in said if each} <= {"NotTried", "StartsSucceed"}
