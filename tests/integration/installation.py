"""What an installation puts beside its two services: namespaces, accounts, their rights, and the
admission policy. Deployments are left out: tests run the services themselves, as these accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.rendering import rendered
from tests.cluster.api import APIError
from tests.cluster.controlplane import ControlPlane
from tests.cluster.waiting import wait_for
from tests.integration.account import Account
from tests.integration.bodies import session

Object = dict[str, Any]

ROOT: Final = Path(__file__).parent.parent.parent
GAMES: Final = "games"
"""The namespace whose Games the installation serves."""
SYSTEM: Final = "gamesession-system"
"""The namespace of operator and gateway."""
OPERATOR: Final = "gamesession-operator"
GATEWAY: Final = "gamesession-gateway"
CLIENT: Final = "gamesession-client"
"""Role, for back ends with the SDK."""
UNINSTALL: Final = "gamesession-uninstall"
"""What ends all sessions before a release goes."""
CHECK: Final = "gamesession-test"
"""What `helm test` runs as."""
BACK_END: Final = "back-end"
"""Namespace and account of a back end with the SDK, which was given that Role."""

_KINDS: Final = frozenset(
    {
        "Namespace",
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "Lease",
        "ClusterRole",
        "ClusterRoleBinding",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    }
)
_SESSIONS: Final = f"/apis/gamelibrary.io/v1alpha1/namespaces/{GAMES}/gamesessions"


def documents() -> list[Object]:
    """All that is applied to install operator and gateway."""
    text = (ROOT / "manifests" / "install.yaml").read_text()
    return [found for found in yaml.safe_load_all(text) if found]


def hooks() -> list[Object]:
    """What Helm adds for a while: to test a release, and before it goes."""
    objects = rendered(namespace=SYSTEM)
    return [each for each in objects if "helm.sh/hook" in each["metadata"].get("annotations", {})]


def install(plane: ControlPlane) -> None:
    """Apply it, with a back end beside; returns when the admission policy is in force."""
    wanted = [each for each in documents() + hooks() if each["kind"] in _KINDS]
    wanted.sort(key=lambda each: str(each["kind"]) != "Namespace")
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(wanted))
    plane.api.post("/api/v1/namespaces", {"metadata": {"name": BACK_END}})
    Account.create(plane, BACK_END, BACK_END).grant(GAMES, CLIENT)
    _await_policy(plane)


def _await_policy(plane: ControlPlane) -> None:
    """The API server reads policies every now and then: see this one refuse something."""
    plane.api.post(_SESSIONS, session("policed"))
    gateway = Account(plane, SYSTEM, GATEWAY).api

    def in_force() -> bool:
        body = {"status": {"restarts": 1}}
        try:
            gateway.patch(f"{_SESSIONS}/policed/status?dryRun=All", body)
        except APIError as error:
            return "ValidatingAdmissionPolicy" in str(error)
        return False

    wait_for(in_force, 60, "the admission policy to be in force")
    plane.api.delete(f"{_SESSIONS}/policed")
