"""A Game is changed while its sessions run."""

from __future__ import annotations

import pytest

from gamesession.kube.cluster import Object
from gamesession.kube.resources import PODS
from tests.integration.bodies import TEMPLATE
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration


def image_of(pod: Object) -> str:
    """The image of a pod's container."""
    return str(pod["spec"]["containers"][0]["image"])


async def test_running_sessions_keep_their_pod_and_its_ports(shared: Playground) -> None:
    """Template and ports of a changed Game are for the pods that come after."""
    await shared.create_game("edited")
    running = await shared.create_session("alice", "edited")
    before = await shared.until_phase(running, "Ready")
    container = TEMPLATE["spec"]["containers"][0] | {"image": "fortune-game:2"}
    services = [{"name": "game", "port": 8081}]
    template = {"spec": {"containers": [container]}}
    await shared.change_game("edited", services=services, template=template)
    later = await shared.create_session("bob", "edited")
    after = await shared.until_phase(later, "Ready")
    (pod,) = shared.pods_of(later)
    assert image_of(pod) == "fortune-game:2"
    assert after["services"] == {"game": f"{after['podIP']}:8081"}
    assert shared.status(running) == before
    (pod,) = shared.pods_of(running)
    assert image_of(pod) == "fortune-game"
    await shared.delete(PODS, before["podName"])
    again = await shared.until(
        lambda: (
            shared.status(running)
            if shared.status(running).get("podUID", before["podUID"]) != before["podUID"]
            and shared.status(running)["phase"] == "Ready"
            else None
        )
    )
    assert again["services"] == {"game": f"{again['podIP']}:8081"}
