"""Games, sessions and pods as the API server would have them, for tests: each builder makes one
that is sound, and takes what the test is about.

`NOON` is the time of most tests; `at(seconds)` is so long after it, `text(…)` writes it as objects
do. `a_game`, `a_session`, `a_pod` give what the operator keeps of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gamesession.api.game import GameSpec
from gamesession.api.instant import format_instant
from gamesession.api.labels import (
    API_VERSION,
    GAME_LABEL,
    PLAYER_ANNOTATION,
    PORTS_ANNOTATION,
    ROLE_LABEL,
    ROLE_SESSION,
    ROLE_WARM,
    SAFE_TO_EVICT_ANNOTATION,
    SESSION_LABEL,
    START_LABEL,
    TEMPLATE_HASH_LABEL,
)
from gamesession.api.names import pod_name, session_name
from gamesession.plan.game import Acceptance, Game
from gamesession.plan.greeting import Greeting
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session
from gamesession.plan.situation import Situation
from gamesession.plan.template import pod_template

Object = dict[str, Any]

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
NAMESPACE = "games"
CHESS = "chess"
ALICE = "alice"

_versions = itertools.count(1000)


def at(seconds: float) -> datetime:
    """So many seconds after `NOON`."""
    return NOON + timedelta(seconds=seconds)


def text(moment: datetime | float) -> str:
    """A time (or seconds after `NOON`) to the microsecond, as statuses write it."""
    return format_instant(moment if isinstance(moment, datetime) else at(moment))


def second(moment: datetime | float) -> str:
    """A time (or seconds after `NOON`) to the second, as Kubernetes' own metadata write it."""
    when = moment if isinstance(moment, datetime) else at(moment)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def version() -> str:
    """A resource version, higher than all before."""
    return str(next(_versions))


def metadata(name: str, uid: str, created: float, **fields: Any) -> Object:
    """What the API server adds to the metadata of an object."""
    found = {
        "namespace": NAMESPACE,
        "name": name,
        "uid": uid,
        "resourceVersion": version(),
        "generation": 1,
        "creationTimestamp": second(created),
    }
    return found | fields


def condition(
    kind: str, status: str, reason: str, message: str = "", *, since: float = 0, generation: int = 1
) -> Object:
    """A condition."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": second(since),
        "observedGeneration": generation,
    }


UNSCHEDULED = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available")
DISRUPTED = condition("DisruptionTarget", "True", "DeletionByTaintManager")


# Games ------------------------------------------------------------------------------------------


def game(
    name: str = CHESS,
    *,
    uid: str = "",
    created: float = -3600,
    accepted: str = "True",
    deleting: bool = False,
    status: Object | None = None,
    **spec: Any,
) -> Object:
    """A Game with one service at port 8001, accepted unless it is said otherwise.

    Args:
        accepted: status of its condition Accepted, `""` for none.
        spec: fields of its spec, by their names in the API.
    """
    container = {"name": "agent", "image": "agent:1", "ports": [{"containerPort": 8001}]}
    default = {
        "services": [{"name": "agent", "port": 8001}],
        "template": {"spec": {"containers": [container]}},
    }
    conditions = [condition("Accepted", accepted, "Accepted")] if accepted else []
    found: Object = {
        "apiVersion": API_VERSION,
        "kind": "Game",
        "metadata": metadata(name, uid or f"uid-of-{name}", created),
        "spec": default | spec,
        "status": {"conditions": conditions} if status is None else status,
    }
    if deleting:
        found["metadata"]["deletionTimestamp"] = second(0)
    return found


def with_on_close(timeout: str = "10s") -> Object:
    """Fields of the spec of a Game whose pods save their state when they stop."""
    return {"hooks": {"onClose": {"service": "agent", "path": "/save", "timeout": timeout}}}


def with_on_claim() -> Object:
    """Fields of the spec of a Game whose pods are told whom they serve."""
    return {"hooks": {"onClaim": {"service": "agent", "path": "/claim"}}}


def a_game(name: str = CHESS, **fields: Any) -> Game:
    """What the operator keeps of `game(…)`."""
    return Game.from_object(game(name, **fields))


# Sessions ---------------------------------------------------------------------------------------


def session(
    user: str = ALICE,
    game: str = CHESS,
    *,
    name: str = "",
    uid: str = "",
    created: float = 0,
    deleting: bool = False,
    adopted: bool = True,
    status: Object | None = None,
    **spec: Any,
) -> Object:
    """A GameSession as the gateway makes it.

    Args:
        name: another name than the derived one.
        adopted: whether it has labels and its Game's owner reference.
        spec: more fields of its spec.
    """
    name = name or session_name(game, user)
    found: Object = {
        "apiVersion": API_VERSION,
        "kind": "GameSession",
        "metadata": metadata(name, uid or f"uid-of-{user}", created),
        "spec": {"user": user, "game": game} | spec,
    }
    if adopted:
        owner = {"apiVersion": API_VERSION, "kind": "Game", "name": game, "uid": f"uid-of-{game}"}
        found["metadata"]["ownerReferences"] = [owner]
        found["metadata"]["labels"] = {GAME_LABEL: game, SESSION_LABEL: name}
    if deleting:
        found["metadata"]["deletionTimestamp"] = second(created)
    if status is not None:
        found["status"] = status
    return found


def status(
    phase: str,
    *,
    pod: Object | None = None,
    bound: bool = True,
    reason: str = "",
    message: str = "Said before.",
    since: float = 0,
    **fields: Any,
) -> Object:
    """A session's status.

    Args:
        pod: the pod that it names.
        bound: whether gateways may use that pod; else `podName` alone is left of it.
        reason, message, since: of the condition Ready.
        fields: more fields, by their names in the API; datetimes are written out.
    """
    ready = "True" if phase == "Ready" else "False"
    default = "PodReady" if phase == "Ready" else "PodStarting"
    found: Object = {
        "phase": phase,
        "observedGeneration": 1,
        "conditions": [condition("Ready", ready, reason or default, message, since=since)],
    }
    if pod is not None:
        found |= {"podName": pod["metadata"]["name"], "startKind": "Cold", "startedAt": text(0)}
        if bound:
            found["podUID"] = pod["metadata"]["uid"]
            if ip := pod["status"].get("podIP"):
                found["podIP"] = ip
    for field, value in fields.items():
        found[field] = text(value) if isinstance(value, datetime) else value
    return found


def ready_status(pod: Object, *, since: float = 0, active: float | None = None) -> Object:
    """The status of a session that has been Ready since then."""
    ip = pod["status"]["podIP"]
    return status(
        "Ready",
        pod=pod,
        message=f"Pod {pod['metadata']['name']} serves.",
        since=since,
        services={"agent": f"{ip}:8001"},
        startingSince=at(since),
        readyAt=at(since),
        lastActivity=at(since if active is None else active),
    )


def a_session(
    user: str = ALICE,
    game: str = CHESS,
    *,
    active: float | None = None,
    order: int = 0,
    **more: Any,
) -> Session:
    """What the operator keeps of `session(…)`.

    Args:
        active: when its idle timeout counts from, in seconds after `NOON`.
    """
    found = Session.from_object(session(user, game, **more))
    if active is not None:
        found = replace(found, last_activity=at(active), active_at=at(active))
    return replace(found, order=order)


# Pods -------------------------------------------------------------------------------------------


def pod(
    attempt: int = 1,
    *,
    of: Object | None = None,
    uid: str = "",
    created: float = 0,
    ready: bool = False,
    ready_since: float | None = None,
    ip: str = "",
    deleting: float | None = None,
    restart_policy: str = "Never",
    containers: Iterable[Object] = (),
    **status: Any,
) -> Object:
    """A pod of a session.

    Args:
        attempt: its number among them.
        of: the session; Alice's by default.
        ready_since: when its condition Ready last changed; without one it has no such condition.
        deleting: its deletionTimestamp, in seconds after `NOON`.
        containers: their statuses.
        status: more fields of its status.
    """
    owner = (of or session())["metadata"]
    user = (of or session())["spec"]
    name = pod_name(owner["name"], owner["uid"], attempt)
    since = created if ready_since is None else ready_since
    has_condition = ready or ready_since is not None
    found: Object = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(
            name,
            uid or f"{owner['uid']}-pod-{attempt}",
            created,
            labels={
                GAME_LABEL: user["game"],
                SESSION_LABEL: owner["name"],
                ROLE_LABEL: ROLE_SESSION,
                START_LABEL: "Cold",
            },
            annotations={PLAYER_ANNOTATION: session_name(user["game"], user["user"])},
            ownerReferences=[
                {
                    "apiVersion": API_VERSION,
                    "kind": "GameSession",
                    "name": owner["name"],
                    "uid": owner["uid"],
                    "controller": True,
                }
            ],
        ),
        "spec": {"restartPolicy": restart_policy, "containers": [{"name": "agent"}]},
        "status": {"phase": "Pending"} | status,
    }
    if has_condition:
        ready_condition = condition("Ready", "True" if ready else "False", "", since=since)
        found["status"]["conditions"] = [ready_condition, *status.get("conditions", [])]
    if ready or ip:
        found["status"] |= {"podIP": ip or "10.0.0.1", "phase": "Running"}
    if listed := list(containers):
        found["status"]["containerStatuses"] = listed
    if deleting is not None:
        found["metadata"]["deletionTimestamp"] = second(deleting)
    return found


def a_pod(attempt: int = 1, **fields: Any) -> Pod:
    """What the operator keeps of `pod(…)`."""
    return Pod.from_object(pod(attempt, **fields))


def warm_pod(
    name: str = "b",
    *,
    of: Object | None = None,
    template: str = "",
    ports: str = "agent=8001",
    uid: str = "",
    **fields: Any,
) -> Object:
    """A pod that waits for a user.

    Args:
        name: what its name ends with.
        of: the Game that owns it; `game()` by default.
        template: hash of the template that it was made from; that Game's present one by default.
        ports: its services, as its annotation has them; `""` for none.
        fields: as of `pod(…)`.
    """
    found, owner = pod(uid=uid or f"uid-of-warm-{name}", **fields), of or game()
    meta, game_name = found["metadata"], owner["metadata"]["name"]
    meta["name"] = f"{game_name}-warm-{name}"
    meta["labels"] = {
        GAME_LABEL: game_name,
        ROLE_LABEL: ROLE_WARM,
        START_LABEL: "Warm",
        TEMPLATE_HASH_LABEL: template or template_of(owner),
    }
    meta["annotations"] = {SAFE_TO_EVICT_ANNOTATION: "true"}
    if ports:
        meta["annotations"][PORTS_ANNOTATION] = ports
    meta["ownerReferences"] = [
        {
            "apiVersion": API_VERSION,
            "kind": "Game",
            "name": game_name,
            "uid": owner["metadata"]["uid"],
            "controller": True,
        }
    ]
    return found


def template_of(game: Object) -> str:
    """The hash of a Game's present template."""
    spec = GameSpec.model_validate(game["spec"])
    made = pod_template(game["metadata"]["name"], spec)
    return str(made["metadata"]["labels"][TEMPLATE_HASH_LABEL])


def a_warm_pod(name: str = "b", **fields: Any) -> Pod:
    """What the operator keeps of `warm_pod(…)`."""
    return Pod.from_object(warm_pod(name, **fields))


def running(name: str = "agent") -> Object:
    """The status of a container that runs."""
    return {"name": name, "state": {"running": {"startedAt": second(0)}}}


def waiting(reason: str, message: str = "", name: str = "agent") -> Object:
    """The status of a container that does not run yet."""
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def terminated(
    code: int = 1,
    *,
    finished: float = 0,
    reason: str = "Error",
    said: str = "",
    name: str = "agent",
) -> Object:
    """The status of a container that has stopped."""
    end = {"exitCode": code, "reason": reason, "finishedAt": second(finished)}
    return {"name": name, "state": {"terminated": end | ({"message": said} if said else {})}}


def stopped_pod(
    attempt: int = 1, *, finished: float = 0, code: int = 1, said: str = "", **fields: Any
) -> Object:
    """A pod whose container has stopped."""
    containers = [terminated(code, finished=finished, said=said)]
    return pod(attempt, containers=containers, **({"phase": "Failed"} | fields))


def written(before: Object, patch: Object) -> Object:
    """A session's status once a merge patch (RFC 7386) has been written."""
    found = dict(before.get("status", {}))
    for field, value in patch.items():
        if value is None:
            found.pop(field, None)
        elif isinstance(value, dict):
            found[field] = {**found.get(field, {}), **value}
        else:
            found[field] = value
    return found


# Situations -------------------------------------------------------------------------------------


def situation(
    session: Object,
    *pods: Object,
    of: Object | None = None,
    no_game: bool = False,
    acceptance: Acceptance = Acceptance.TRUE,
    acceptance_message: str = "",
    previous: Iterable[Object] = (),
    first: Session | None = None,
    has_turn: bool = True,
    greetings: Mapping[str, Greeting] | None = None,
) -> Situation:
    """A session, its pods, and what else bears on it.

    Args:
        of: its Game, `game()` by default.
    """
    return Situation(
        session=Session.from_object(session),
        game=None if no_game else Game.from_object(of or game()),
        acceptance=acceptance,
        acceptance_message=acceptance_message,
        pods=tuple(Pod.from_object(each) for each in pods),
        previous=tuple(Pod.from_object(each) for each in previous),
        first=first,
        has_turn=has_turn,
        greetings=greetings or {},
    )
