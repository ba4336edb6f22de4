"""What the chart renders, before the real API server: it takes every object, word by word."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from gamesession.commands.checking import Installation, check
from gamesession.commands.failure import Failure
from gamesession.commands.options import Place
from tests.chart.everything import EVERYTHING, GAMES, MORE_GAMES
from tests.chart.kinds import definitions
from tests.chart.rendering import Object, rendered
from tests.cluster.controlplane import ControlPlane
from tests.cluster.errors import CommandError, PrerequisiteError
from tests.eventually import eventually
from tests.integration.account import Account

pytestmark = pytest.mark.integration

SYSTEM: Final = "shop-system"
RELEASE: Final = "shop"
OURS: Final = Path(__file__).parent.parent.parent / "crds"
RESTRICTED: Final = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")
}
JWKS: Final = {"tokens": {"algorithm": "EdDSA", "jwksUrl": "https://issuer.example.com/jwks"}}
WAYS: Final[dict[str, dict[str, Any]]] = {
    "defaults": {},
    "everything": EVERYTHING,
    "operator-only": {"gateway": {"enabled": False}},
    "gateway-only": {"operator": {"enabled": False}, "gateway": JWKS},
    "without-policies": {
        "networkPolicy": {"enabled": False},
        "admissionPolicy": {"enabled": False},
    },
}
"""Ways to install it."""


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """With the kinds of other projects, and namespaces that take nothing but restricted pods."""
    try:
        crds = [OURS, *definitions()]
        with ControlPlane(crds=crds, scheduler=False, kwok=False) as found:
            for name in (SYSTEM, GAMES, MORE_GAMES, "games"):
                body = {"metadata": {"name": name, "labels": RESTRICTED}}
                found.api.post("/api/v1/namespaces", body)
            yield found
    except PrerequisiteError as error:
        pytest.skip(f"no control plane: {error}")


def objects(values: dict[str, Any]) -> list[Object]:
    """The release's objects, hooks and tests among them."""
    return rendered(values, release=RELEASE, namespace=SYSTEM)


def take(plane: ControlPlane, found: list[Object]) -> str:
    """See whether the API server would take them; unknown fields, and warnings, are errors.

    Raises:
        CommandError: it would not.
    """
    strict = ("--dry-run=server", "--validate=strict", "--warnings-as-errors")
    return plane.kubectl(
        *("apply", "--server-side", "--force-conflicts", *strict, "-f", "-"),
        stdin=yaml.safe_dump_all(found),
    )


@pytest.fixture(scope="module")
def accounts(plane: ControlPlane) -> ControlPlane:
    """The release's service accounts are there: a pod without its own is refused for that."""
    found = [each for each in objects({}) if each["kind"] == "ServiceAccount"]
    plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(found))
    return plane


@pytest.mark.parametrize("way", WAYS)
def test_the_api_server_takes_all_that_the_chart_renders(accounts: ControlPlane, way: str) -> None:
    """Strictly: no unknown field, no warning, among which is that a workload's pods would not be
    restricted. The pod of `helm test` is one itself."""
    found = objects(WAYS[way])
    lines = take(accounts, found).splitlines()
    assert len(lines) == len(found)


@pytest.mark.parametrize(
    ("kind", "field", "words"),
    [
        ("Deployment", {"replica": 2}, "field not declared"),
        ("ServiceMonitor", {"selectors": {}}, "field not declared"),
        ("HTTPRoute", {"hosts": []}, "field not declared"),
        ("PrometheusRule", {"groups": [{"rules": []}]}, "name"),
    ],
)
def test_it_would_not_take_what_is_wrong(
    accounts: ControlPlane, kind: str, field: dict[str, Any], words: str
) -> None:
    """Kinds of other projects are looked at as closely as Kubernetes' own."""
    wrong = next(each for each in objects(EVERYTHING) if each["kind"] == kind)
    wrong["spec"] |= field
    with pytest.raises(CommandError, match=words):
        take(accounts, [wrong])


@pytest.mark.parametrize("kind", ["Deployment", "Job", "Pod"])
def test_it_would_not_take_pods_that_are_not_restricted(accounts: ControlPlane, kind: str) -> None:
    wrong = next(each for each in objects({}) if each["kind"] == kind)
    pod = wrong["spec"] if kind == "Pod" else wrong["spec"]["template"]["spec"]
    del pod["securityContext"]
    with pytest.raises(CommandError, match="runAsNonRoot"):
        take(accounts, [wrong])


async def test_the_account_of_helm_test_may_look(
    accounts: ControlPlane, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its own Roles are enough to see how far the release has come: here, it has no pod."""
    name = f"{RELEASE}-test"
    given = [
        each
        for each in objects(EVERYTHING)
        if each["kind"] in ("Role", "RoleBinding") and each["metadata"]["name"] == name
    ]
    accounts.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(given))
    place = Place(kubeconfig=Account(accounts, SYSTEM, name).kubeconfig)
    looked_at = Installation(SYSTEM, RELEASE, ("operator",), (GAMES, MORE_GAMES))

    async def looked() -> bool:
        """Rights that were just given are not in force at once."""
        with pytest.raises(Failure) as failure:
            await check(place, looked_at, timedelta(0))
        assert "says no" not in str(failure.value)
        return str(failure.value).startswith("no pod of the operator runs")

    assert await eventually(looked)
    assert f"games in namespace {MORE_GAMES}: 0" in capsys.readouterr().err


def test_there_are_no_other_kinds_with_pods() -> None:
    """What the test above shows, holds for all that runs an image."""
    found = objects(EVERYTHING)
    image = EVERYTHING["image"]["digest"]
    assert {each["kind"] for each in found if image in str(each)} == {"Deployment", "Job", "Pod"}
