"""The pod of a game, and of one session of it.

`pod_template` is what is the same for all users; it changes only with the Game, so it is made once
per generation. `warm_pod` waits for a user; `session_pod` adds whose pod it is: nothing of that
reaches the pod's spec, so the two are the same pod.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import math
from datetime import timedelta
from typing import Any, Final, Literal

from gamesession.api.game import GameSpec
from gamesession.api.hooks import OnClose
from gamesession.api.labels import (
    API_VERSION,
    GAME_ENV,
    GAME_LABEL,
    PLAYER_ANNOTATION,
    POD_UID_ENV,
    PORTS_ANNOTATION,
    ROLE_LABEL,
    ROLE_SESSION,
    ROLE_WARM,
    SAFE_TO_EVICT_ANNOTATION,
    SESSION_LABEL,
    START_LABEL,
    TEMPLATE_HASH_LABEL,
)
from gamesession.plan.hardening import fill_in, harden_container, harden_pod

Object = dict[str, Any]

GRACE_PERIOD: Final = timedelta(seconds=30)
"""Kubernetes' own default of `terminationGracePeriodSeconds`."""
GRACE_AFTER_ON_CLOSE: Final = timedelta(seconds=5)
"""What is left of the grace period for the container to stop once `onClose` took all its time."""
HASH_CHARACTERS: Final = 10


def pod_template(game: str, spec: GameSpec) -> Object:
    """The Game's template with all that its pods have in common added: a PodTemplateSpec.

    Args:
        game: name of the Game.
        spec: of a Game that `gamesession.plan.acceptance.refusals` finds nothing wrong with.
    """
    given = copy.deepcopy(spec.template)
    pod = given["spec"]
    for container in containers(pod):
        harden_container(container, pod)
        _set_environment(container, game)
    harden_pod(pod)
    if spec.hooks.on_close:
        _set_on_close(pod, spec, spec.hooks.on_close)
    metadata = given.get("metadata") or {}
    template = {
        "metadata": {
            "labels": {**(metadata.get("labels") or {}), GAME_LABEL: game},
            "annotations": {
                **(metadata.get("annotations") or {}),
                PORTS_ANNOTATION: ",".join(f"{each.name}={each.port}" for each in spec.services),
            },
        },
        "spec": pod,
    }
    template["metadata"]["labels"][TEMPLATE_HASH_LABEL] = template_hash(template, spec)
    return template


def template_hash(template: Object, spec: GameSpec) -> str:
    """A short name for all that makes a pod of this Game: two pods with one hash are alike.

    It covers the template with our own additions, so that a new release of ours with other defaults
    counts as a change; hooks; and the ports of services, but not their paths, of which a pod knows
    nothing. Valid as a label's value.
    """
    made_of = {
        "template": template,
        "hooks": spec.hooks.to_object(),
        "ports": {service.name: service.port for service in spec.services},
    }
    text = json.dumps(made_of, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).digest()
    return base64.b32encode(digest).decode().lower()[:HASH_CHARACTERS]


def session_pod(
    template: Object,
    *,
    name: str,
    namespace: str,
    session: tuple[str, str],
    player: str,
    start: Literal["Cold", "Warm"],
) -> Object:
    """The pod of one session. It shares its spec with the template: change neither.

    Args:
        template: what `pod_template` returned.
        session: name and uid of the GameSession.
        player: the derived name of its game and user (`gamesession.api.names.session_name`).
    """
    labels = {SESSION_LABEL: session[0], ROLE_LABEL: ROLE_SESSION, START_LABEL: start}
    annotations = {PLAYER_ANNOTATION: player, SAFE_TO_EVICT_ANNOTATION: "false"}
    return _pod(template, (namespace, name), labels, annotations, owner("GameSession", *session))


def warm_pod(template: Object, *, name: str, namespace: str, game: tuple[str, str]) -> Object:
    """A pod that waits for a user. It shares its spec with the template: change neither.

    Args:
        template: what `pod_template` returned.
        game: name and uid of the Game.
    """
    labels = {ROLE_LABEL: ROLE_WARM, START_LABEL: "Warm"}
    annotations = {SAFE_TO_EVICT_ANNOTATION: "true"}
    return _pod(template, (namespace, name), labels, annotations, owner("Game", *game))


def owner(kind: Literal["Game", "GameSession"], name: str, uid: str) -> Object:
    """The reference by which Kubernetes' collector deletes a pod after its owner."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
    }


def _pod(
    template: Object,
    key: tuple[str, str],
    labels: dict[str, str],
    annotations: dict[str, str],
    controller: Object,
) -> Object:
    namespace, name = key
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": template["metadata"]["labels"] | labels,
            "annotations": template["metadata"]["annotations"] | annotations,
            "ownerReferences": [controller],
        },
        "spec": template["spec"],
    }


def containers(pod: Object) -> list[Object]:
    """All containers of a PodSpec that run, init containers after the others."""
    return [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]


def container_of_port(pod: Object, port: int) -> Object:
    """The container that declares a port, else the first one. Asked are those that run as long as
    the pod: the containers, and after them the sidecars (init containers that always restart)."""
    lasting: list[Object] = [
        *pod["containers"],
        *(each for each in pod.get("initContainers") or [] if _is_sidecar(each)),
    ]
    for container in lasting:
        if any(each.get("containerPort") == port for each in container.get("ports") or []):
            return container
    return lasting[0]


def _is_sidecar(container: Object) -> bool:
    return container.get("restartPolicy") == "Always"


def _set_environment(container: Object, game: str) -> None:
    ours = [
        {"name": GAME_ENV, "value": game},
        {"name": POD_UID_ENV, "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
    ]
    # Ours come first, so that the template's may refer to them as $(GAMESESSION_GAME).
    container["env"] = [*ours, *(container.get("env") or [])]


def _set_on_close(pod: Object, spec: GameSpec, hook: OnClose) -> None:
    port = next(service.port for service in spec.services if service.name == hook.service)
    lifecycle = fill_in(container_of_port(pod, port), "lifecycle", {})
    lifecycle["preStop"] = {"httpGet": {"path": hook.path, "port": port}}
    least = math.ceil((hook.timeout + GRACE_AFTER_ON_CLOSE).total_seconds())
    given = fill_in(pod, "terminationGracePeriodSeconds", int(GRACE_PERIOD.total_seconds()))
    pod["terminationGracePeriodSeconds"] = max(given, least)
