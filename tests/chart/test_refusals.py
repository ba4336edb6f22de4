"""Values that the chart refuses: the message says which value, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.rendering import SYSTEM, rendered
from tests.cluster.errors import CommandError

LIST = [{"name": "a", "namespace": "b"}]


def under(path: str, value: Any) -> dict[str, Any]:
    """Values with one of them set."""
    for key in reversed(path.split(".")):
        value = {key: value}
    found: dict[str, Any] = value
    return found


BY_SCHEMA: list[tuple[str, Any, str]] = [
    # What does not exist.
    ("operator.replica", 3, "at '/operator': additional properties 'replica' not allowed"),
    ("gateways", {}, "at '': additional properties 'gateways' not allowed"),
    ("gateway.settings.maxBodyByte", 1, "'/gateway/settings': additional properties 'maxBodyByte'"),
    ("gateway.settings.jwtIssuer", "a", "'/gateway/settings': additional properties 'jwtIssuer'"),
    ("operator.resources.request", {}, "'/operator/resources': additional properties 'request'"),
    ("networkPolicy.games.dns", [{"cidr": "1.2.3.4/32"}], "additional properties 'cidr'"),
    # What is of another kind.
    ("operator.replicas", "two", "at '/operator/replicas': got string, want integer"),
    ("operator.cleanupInterval", "5m", "'/operator/cleanupInterval': got string, want integer"),
    ("gateway.settings.hold", 25, "at '/gateway/settings/hold': got number, want string"),
    ("games.namespaces", "games", "at '/games/namespaces': got string, want array"),
    ("image.tag", 1.0, "at '/image/tag': got number, want string"),
    ("crds.install", "no", "at '/crds/install': got string, want boolean"),
    ("operator.env", [{"name": "A", "value": 1}], "/operator/env/0/value': got number, want str"),
    ("gateway.podAnnotations", {"a": True}, "/gateway/podAnnotations/a': got boolean, want string"),
    ("gateway.tokens.secret", None, "at '/gateway/tokens': missing property 'secret'"),
    # What has another form.
    ("image.digest", "sha256:12", "at '/image/digest': 'sha256:12' does not match pattern"),
    ("image.repository", "a/b:1.0", "at '/image/repository': 'a/b:1.0' does not match pattern"),
    ("image.pullPolicy", "Sometimes", "value must be one of 'Always', 'IfNotPresent', 'Never'"),
    ("games.namespaces", [], "at '/games/namespaces': minItems: got 0, want 1"),
    ("games.namespaces", ["Games"], "at '/games/namespaces/0': 'Games' does not match pattern"),
    ("games.namespaces", ["a", "a"], "at '/games/namespaces': items at 0 and 1 are equal"),
    ("gateway.settings.hold", "25", "at '/gateway/settings/hold': '25' does not match pattern"),
    ("gateway.settings.maxHeld", 0, "at '/gateway/settings/maxHeld': minimum: got 0, want 1"),
    ("gateway.tokens.algorithm", "none", "one of 'HS256', 'RS256', 'ES256', 'EdDSA'"),
    ("gateway.tokens.issuer", "", "at '/gateway/tokens/issuer': minLength: got 0, want 1"),
    ("gateway.tokens.jwksUrl", "issuer/keys", "'/gateway/tokens/jwksUrl': 'issuer/keys' does not"),
    ("gateway.service.type", "ExternalName", "at '/gateway/service/type': value must be one of"),
    ("gateway.service.port", 70000, "at '/gateway/service/port': maximum: got 70,000"),
    ("networkPolicy.games.blockedCIDRs", ["10.0.0.1"], "'10.0.0.1' does not match pattern"),
    ("uninstall.timeout", "60", "at '/uninstall/timeout': '60' does not match pattern"),
    # What needs something else.
    ("gateway.ingress.enabled", True, "at '/gateway/ingress/hosts': minItems: got 0, want 1"),
    ("gateway.httpRoute.enabled", True, "'/gateway/httpRoute/parentRefs': minItems: got 0, want 1"),
    (
        "client.subjects",
        [{"kind": "ServiceAccount", "name": "a"}],
        "at '/client/subjects/0': missing property 'namespace'",
    ),
]
BY_TEMPLATE: list[tuple[dict[str, Any], str]] = [
    (
        under("games.namespaces", ["games", SYSTEM]),
        f"games.namespaces: {SYSTEM} is the release's own namespace. Who may write Games may run",
    ),
    (under("gateway.namespace", "other"), "gateway.namespace: other is none of games.namespaces"),
    (under("gateway.tokens.jwksUrl", "https://a"), "gateway.tokens: HS256 knows no public keys"),
    (under("gateway.tokens.publicKey.name", "a"), "gateway.tokens: HS256 knows no public keys"),
    (
        under("gateway.tokens.algorithm", "ES256"),
        "gateway.tokens: ES256 needs keys to check tokens",
    ),
    (
        under("gateway.tokens", {"algorithm": "RS256", "secret": {"name": "a"}}),
        "tokens.secret is for HS256, and tokens.algorithm is RS256",
    ),
    (
        under(
            "gateway.tokens",
            {"algorithm": "EdDSA", "publicKey": {"name": "a"}, "jwksUrl": "https://a"},
        ),
        "tokens.publicKey.name and tokens.jwksUrl exclude each other",
    ),
    (
        under("gateway.autoscaling", {"enabled": True, "minReplicas": 20}),
        "gateway.autoscaling: minReplicas (20) is more than maxReplicas (10)",
    ),
    (
        under(
            "gateway",
            {"autoscaling": {"enabled": True}, "resources": {"requests": {"cpu": None}}},
        ),
        "gateway.resources.requests.cpu is not set",
    ),
    (
        under("operator.podLabels", {"app.kubernetes.io/name": "a"}),
        "operator.podLabels: app.kubernetes.io/name is no label to choose",
    ),
    (
        under("metrics.serviceMonitor.labels", {"helm.sh/chart": "a"}),
        "metrics.serviceMonitor.labels: helm.sh/chart is no label to choose",
    ),
]


@pytest.mark.parametrize(
    ("path", "value", "words"), BY_SCHEMA, ids=[f"{path}={value}" for path, value, _ in BY_SCHEMA]
)
def test_the_schema_refuses(path: str, value: Any, words: str) -> None:
    with pytest.raises(CommandError) as refused:
        rendered(under(path, value))
    assert words in str(refused.value)


@pytest.mark.parametrize(("values", "words"), BY_TEMPLATE, ids=[words for _, words in BY_TEMPLATE])
def test_a_template_refuses(values: dict[str, Any], words: str) -> None:
    """What concerns several values is told in a sentence, with the cure."""
    with pytest.raises(CommandError) as refused:
        rendered(values)
    assert words in str(refused.value)


@pytest.mark.parametrize("release", ["1st", "my.shop"])
def test_a_release_is_called_as_a_service_can_be(release: str) -> None:
    with pytest.raises(CommandError, match=f"the release's name is {release}: Services are named"):
        rendered(release=release)


def test_what_is_off_is_not_looked_at() -> None:
    """A release without a gateway needs no keys for tokens."""
    gateway = {"enabled": False, "namespace": "other", "tokens": {"algorithm": "RS256"}}
    assert rendered({"gateway": gateway})
