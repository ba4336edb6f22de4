"""Who may write what stands in the status of Games and sessions: the admission policy at work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from gamesession.api.labels import API_VERSION
from tests.cluster.api import API, APIError
from tests.cluster.controlplane import ControlPlane
from tests.integration.account import Account
from tests.integration.bodies import game, session
from tests.integration.installation import GAMES, GATEWAY, OPERATOR, SYSTEM

pytestmark = pytest.mark.integration

OURS = f"/apis/{API_VERSION}/namespaces"
SESSION = f"{OURS}/{GAMES}/gamesessions/status-written"
GAME = f"{OURS}/{GAMES}/games/status-written"
EARLY, LATE = "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:01.000000Z"
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("status.phase", {"phase": "Failed"}),
    ("status.podIP", {"podIP": "10.0.0.1"}),
    ("status.podUID", {"podUID": "x"}),
    ("status.services", {"services": {"game": "10.0.0.1:80"}}),
    ("status.failures", {"failures": 1}),
    ("status.podName", {"podName": None}),
    ("status.conditions", {"conditions": None}),
    ("status.podIP", {"podIP": "10.0.0.1", "lastActivity": LATE}),
]
"""What the message names, and the change; `None` removes a field."""


@pytest.fixture(scope="module")
def written(installation: ControlPlane) -> Iterator[ControlPlane]:
    """With a Game and a session whose statuses the operator has written."""
    admin = installation.api
    admin.post(f"{OURS}/{GAMES}/games", game("status-written"))
    admin.post(f"{OURS}/{GAMES}/gamesessions", session("status-written", game="status-written"))
    condition = {
        "type": "Ready",
        "status": "True",
        "reason": "PodReady",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    operator = Account(installation, SYSTEM, OPERATOR).api
    status = {"phase": "Ready", "podName": "a-pod", "podIP": "10.0.0.9", "conditions": [condition]}
    operator.patch(f"{SESSION}/status", {"status": status | {"lastActivity": EARLY}})
    operator.patch(f"{GAME}/status", {"status": {"route": "status-written"}})
    yield installation
    admin.delete(SESSION)
    admin.delete(GAME)


@pytest.fixture(scope="module")
def gateway(written: ControlPlane) -> API:
    """The API server as the gateway sees it."""
    return Account(written, SYSTEM, GATEWAY).api


@pytest.fixture(scope="module")
def user(written: ControlPlane) -> API:
    """As a person sees it who may do anything in the namespace of the games, and nothing else."""
    found = Account.create(written, GAMES, "somebody")
    found.grant(GAMES, "cluster-admin", "ClusterRole")
    return found.api


@pytest.fixture(params=["gateway", "user"])
def other(request: pytest.FixtureRequest) -> API:
    """Somebody who may patch statuses by their role, and is not the operator."""
    found: API = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize(("field", "status"), REFUSED, ids=[str(each[1]) for each in REFUSED])
def test_nobody_but_the_operator_changes_a_sessions_status(
    other: API, field: str, status: dict[str, Any]
) -> None:
    """Neither alone nor beside activity; the message names the field and who may."""
    before = other.get(SESSION)
    with pytest.raises(APIError) as refused:
        other.patch(f"{SESSION}/status", {"status": status})
    assert refused.value.status == 403
    assert f"only the operator (system:serviceaccount:{SYSTEM}:{OPERATOR})" in str(refused.value)
    assert f"may change {field};" in str(refused.value)
    assert other.get(SESSION) == before


def test_anybody_with_the_role_for_it_reports_activity(written: ControlPlane, other: API) -> None:
    """Forward, as ever."""
    at = written.api.get(SESSION)["status"]["lastActivity"].replace("00Z", "01Z")
    changed = other.patch(f"{SESSION}/status", {"status": {"lastActivity": at}})
    assert changed["status"]["lastActivity"] == at


def test_activity_is_reported_of_a_session_that_the_operator_has_not_seen(
    written: ControlPlane, gateway: API
) -> None:
    path = f"{OURS}/{GAMES}/gamesessions"
    gateway.post(path, session("unseen", game="status-written"))
    changed = gateway.patch(f"{path}/unseen/status", {"status": {"lastActivity": LATE}})
    assert changed["status"]["lastActivity"] == LATE
    gateway.delete(f"{path}/unseen")


def test_a_status_that_comes_with_the_object_is_not_kept(gateway: API) -> None:
    """So nobody gets around the policy by creating anew."""
    path = f"{OURS}/{GAMES}/gamesessions"
    body = session("forged", game="status-written") | {"status": {"podIP": "10.0.0.1"}}
    assert gateway.post(path, body)["status"] == {"phase": "Pending"}
    gateway.delete(f"{path}/forged")


def test_nobody_but_the_operator_changes_a_games_status(user: API) -> None:
    with pytest.raises(APIError, match=r"403 .* may change status\.route;"):
        user.patch(f"{GAME}/status", {"status": {"route": "another"}})


def test_the_operator_changes_any_status(written: ControlPlane) -> None:
    operator = Account(written, SYSTEM, OPERATOR).api
    status = {"restarts": 3, "podName": None}
    changed = operator.patch(f"{SESSION}/status", {"status": status})["status"]
    assert changed["restarts"] == 3
    assert "podName" not in changed
    operator.patch(f"{SESSION}/status", {"status": {"podName": "a-pod"}})
    operator.patch(f"{GAME}/status", {"status": {"observedGeneration": 1}})


def test_who_may_remove_the_policy_mends_statuses(written: ControlPlane) -> None:
    """It could not hold a cluster's administrator, and a broken status may need one."""
    changed = written.api.patch(f"{SESSION}/status", {"status": {"failures": 0}})
    assert changed["status"]["failures"] == 0


def test_another_namespace_is_another_releases(written: ControlPlane) -> None:
    """The policy is bound to the namespaces that its release serves."""
    elsewhere = "status-elsewhere"
    written.api.post("/api/v1/namespaces", {"metadata": {"name": elsewhere}})
    written.api.post(f"{OURS}/{elsewhere}/gamesessions", session("status-written"))
    gateway = Account(written, SYSTEM, GATEWAY)
    gateway.grant(elsewhere, "cluster-admin", "ClusterRole")
    path = SESSION.replace(f"/{GAMES}/", f"/{elsewhere}/")
    changed = gateway.api.patch(f"{path}/status", {"status": {"podIP": "10.0.0.1"}})
    assert changed["status"]["podIP"] == "10.0.0.1"
