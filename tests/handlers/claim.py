"""Claims as tests of the operator's parts see them."""

from __future__ import annotations

from tests.handlers.scene import PODS, Scene
from tests.unit.plan.objects import NAMESPACE

B, C = "chess-warm-b", "chess-warm-c"
"""The pods that wait."""


def pod_of(scene: Scene, user: str = "alice") -> str:
    """The name of the pod that a user's session is told to have; it must be the session's."""
    status = scene.status(user)
    found = scene.server.objects["pods", NAMESPACE, status["podName"]]
    [owner] = found["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("GameSession", f"uid-of-{user}")
    assert found["metadata"]["uid"] == status["podUID"]
    return str(status["podName"])


def tried(scene: Scene) -> list[str]:
    """The pods that somebody tried to claim, in order."""
    return [
        str(each.name)
        for each in scene.server.requests
        if each.method == "PATCH" and each.url.path.startswith(PODS)
    ]
