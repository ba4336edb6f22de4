"""Pods that vanish, stop or never start: replaced, or the session says why not."""

from __future__ import annotations

import asyncio

import pytest

from gamesession.kube.cluster import Object
from gamesession.kube.resources import PODS
from tests.eventually import eventually
from tests.integration.bodies import TEMPLATE
from tests.integration.condition import message, reason, seconds_between
from tests.integration.kubelet import BY_HAND, Kubelet
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration


@pytest.fixture
def kubelet(shared: Playground) -> Kubelet:
    """What writes the status of the pods."""
    return Kubelet(shared.cluster, shared.namespace)


async def one_pod(playground: Playground, name: str, *, besides: tuple[str, ...] = ()) -> str:
    """The name of a session's only living pod, once it has one that is none of `besides`."""

    def others() -> list[Object] | None:
        living = playground.living_pods_of(name)
        return [pod for pod in living if pod["metadata"]["name"] not in besides] or None

    pods = await playground.until(others)
    assert len(pods) == 1
    return str(pods[0]["metadata"]["name"])


async def served_by_another(playground: Playground, name: str, pod: str) -> Object:
    """A session's status once it is Ready with another pod."""
    return await playground.until(
        lambda: (
            playground.status(name)
            if playground.status(name)["phase"] == "Ready"
            and playground.status(name).get("podName") != pod
            else None
        )
    )


async def test_a_pod_deleted_by_hand_comes_back(shared: Playground) -> None:
    """A new pod, Ready again, counted as a restart and as no failure."""
    await shared.create_game("deleted")
    name = await shared.create_session("alice", "deleted")
    before = await shared.until_phase(name, "Ready")
    await shared.delete(PODS, before["podName"])
    status = await served_by_another(shared, name, before["podName"])
    assert (status["restarts"], status.get("failures", 0)) == (1, 0)
    assert status["podUID"] != before["podUID"]
    assert status["startedAt"] == before["startedAt"]
    assert status["lastActivity"] == before["lastActivity"]
    await shared.until(lambda: len(shared.pods_of(name)) == 1)
    assert len(shared.made_pods(name)) == 2


async def test_an_evicted_pod_is_replaced_and_no_failure(
    shared: Playground, kubelet: Kubelet
) -> None:
    """What the node did is not the game's fault."""
    await shared.create_game("evicted")
    name = await shared.create_session("alice", "evicted")
    before = await shared.until_phase(name, "Ready")
    await kubelet.evict(before["podName"])
    status = await served_by_another(shared, name, before["podName"])
    assert (status["restarts"], status.get("failures", 0)) == (1, 0)
    await shared.until(lambda: len(shared.pods_of(name)) == 1)


async def test_a_container_that_stops_means_a_new_pod(shared: Playground, kubelet: Kubelet) -> None:
    """Also one that stops without an error; the session is Starting meanwhile."""
    await shared.create_game("stopped")
    name = await shared.create_session("alice", "stopped")
    before = await shared.until_phase(name, "Ready")
    await kubelet.stop(before["podName"], 0)
    told = await shared.until_phase(name, "Starting")
    assert reason(told) == "ContainerStopped"
    assert (told["failures"], told.get("restarts", 0)) == (1, 0)
    assert not {"podUID", "podIP", "services"} & told.keys()
    status = await served_by_another(shared, name, before["podName"])
    assert (status["restarts"], status["failures"]) == (1, 0)


async def test_starts_that_fail_say_why(shared: Playground, kubelet: Kubelet) -> None:
    """In the container's own words, and without a pod left behind."""
    await asyncio.gather(
        image_that_cannot_be_pulled(shared, kubelet),
        image_with_no_valid_name(shared, kubelet),
        container_that_always_stops(shared, kubelet),
        pod_that_fits_no_node(shared),
        pod_that_never_gets_ready(shared, kubelet),
        pod_that_is_not_ready_for_a_while(shared, kubelet),
        pod_that_is_not_ready_any_more(shared, kubelet),
    )


async def failed(playground: Playground, name: str, why: str) -> Object:
    """A session's status once it has Failed for that reason, and its pods are gone."""
    status = await playground.until_phase(name, "Failed")
    assert reason(status) == why
    assert status["failedAt"]
    assert not {"podUID", "podIP", "services"} & status.keys()
    await playground.until_podless(name)
    (event,) = await eventually(lambda: told(playground, name))
    assert (event["reason"], event["type"]) == (why, "Warning")
    assert event["note"] == message(status)
    return status


async def told(playground: Playground, name: str) -> list[Object] | None:
    """The Events about a session, once there are any."""
    return await playground.events_of(name) or None


async def image_that_cannot_be_pulled(playground: Playground, kubelet: Kubelet) -> None:
    """May pass by itself, so it has 20 s."""
    await playground.create_game("pulling", template=BY_HAND)
    name = await playground.create_session("alice", "pulling")
    pod = await one_pod(playground, name)
    words = 'failed to pull image "fortune-game": not found'
    await kubelet.hold(pod, "ErrImagePull", words)
    status = await playground.until(
        lambda: (
            playground.status(name) if reason(playground.status(name)) == "ErrImagePull" else None
        )
    )
    assert status["phase"] == "Starting"
    await kubelet.hold(pod, "ImagePullBackOff", f"Back-off pulling image: {words}")
    status = await failed(playground, name, "ImagePullBackOff")
    assert words in message(status)
    assert 19 < seconds_between(status["startedAt"], status["failedAt"]) < 25


async def image_with_no_valid_name(playground: Playground, kubelet: Kubelet) -> None:
    """Never will be: Failed at once."""
    await playground.create_game("misnamed", template=BY_HAND)
    name = await playground.create_session("alice", "misnamed")
    pod = await one_pod(playground, name)
    await kubelet.hold(pod, "InvalidImageName", 'couldn\'t parse image name "a b"')
    status = await failed(playground, name, "InvalidImageName")
    assert "couldn't parse image name" in message(status)


async def container_that_always_stops(playground: Playground, kubelet: Kubelet) -> None:
    """Five pods, with a backoff between them, then Failed with the last one's last words."""
    await playground.create_game("crashing", template=BY_HAND)
    name = await playground.create_session("alice", "crashing")
    pods: tuple[str, ...] = ()
    for number in range(1, 6):
        pod = await one_pod(playground, name, besides=pods)
        await kubelet.stop(pod, 3, last_words=f"no save game number {number}")
        pods = (*pods, pod)
    status = await failed(playground, name, "Error")
    assert "exit code 3" in message(status)
    assert "no save game number 5" in message(status)
    assert (status["failures"], status["restarts"]) == (5, 4)
    made = [pod["metadata"]["creationTimestamp"] for pod in playground.made_pods(name)]
    waits = [seconds_between(made[number], made[number + 1]) for number in range(4)]
    for wait, least in zip(waits, (1, 2, 4, 8), strict=True):
        assert wait >= least - 1  # creation times have whole seconds


async def pod_that_fits_no_node(playground: Playground) -> None:
    """The real scheduler says so; Failed when startTimeout is over."""
    await playground.create_game(
        "homeless",
        session={"startTimeout": "3s"},
        template={"spec": TEMPLATE["spec"] | {"nodeSelector": {"gpu": "quantum"}}},
    )
    name = await playground.create_session("alice", "homeless")
    status = await failed(playground, name, "Unschedulable")
    assert "node affinity" in message(status)
    assert 3 <= seconds_between(status["startingSince"], status["failedAt"]) < 5


async def pod_that_never_gets_ready(playground: Playground, kubelet: Kubelet) -> None:
    """It runs, and nothing is known to be wrong with it."""
    await playground.create_game("silent", session={"startTimeout": "3s"}, template=BY_HAND)
    name = await playground.create_session("alice", "silent")
    await kubelet.run_unready(await one_pod(playground, name))
    status = await failed(playground, name, "StartTimeout")
    assert "3s" in message(status)


async def pod_that_is_not_ready_for_a_while(playground: Playground, kubelet: Kubelet) -> None:
    """That may pass: the session stays Ready, and so does its pod."""
    await playground.create_game("hiccup", template=BY_HAND)
    name = await playground.create_session("alice", "hiccup")
    pod = await one_pod(playground, name)
    await kubelet.serve(pod, "127.1.0.1")
    await playground.until_phase(name, "Ready")
    await kubelet.run_unready(pod)
    await asyncio.sleep(5)
    await kubelet.serve(pod, "127.1.0.1")
    await asyncio.sleep(8)
    phases = {
        change.object.get("status", {}).get("phase")
        for change in playground.history["gamesessions"]
        if change.object["metadata"]["name"] == name
    }
    assert phases == {"Pending", "Starting", "Ready"}
    assert len(playground.made_pods(name)) == 1
    assert "restarts" not in playground.status(name)


async def pod_that_is_not_ready_any_more(playground: Playground, kubelet: Kubelet) -> None:
    """After ten seconds the session is Starting again; and Ready again when the pod is."""
    await playground.create_game("tired", template=BY_HAND)
    name = await playground.create_session("alice", "tired")
    pod = await one_pod(playground, name)
    await kubelet.serve(pod, "127.1.0.2")
    first = await playground.until_phase(name, "Ready")
    await kubelet.run_unready(pod)
    status = await playground.until_phase(name, "Starting")
    assert reason(status) == "PodNotReady"
    assert 9 < seconds_between(first["readyAt"], status["startingSince"]) < 13
    await kubelet.serve(pod, "127.1.0.2")
    again = await playground.until_phase(name, "Ready")
    assert again["readyAt"] > first["readyAt"]
    assert again["podName"] == pod
    assert len(playground.made_pods(name)) == 1
