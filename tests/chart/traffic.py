"""Whether NetworkPolicies let a connection through, as Kubernetes' documentation has it.

A pod that no policy selects for a direction is open in it; else one rule of one policy must let the
connection through, at both of its ends.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.chart.rendering import Object

NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Pod:
    """One end of a connection that a policy may be about."""

    namespace: str
    labels: dict[str, str] = field(default_factory=dict)


End = Pod | str
"""A pod, or the address of what is none."""


def allowed(policies: list[Object], source: End, target: End, port: int, protocol: str) -> bool:
    """Whether a connection is let through."""
    outward = _passes(policies, "Egress", source, target, port, protocol)
    return outward and _passes(policies, "Ingress", target, source, port, protocol)


def _passes(
    policies: list[Object], direction: str, end: End, other: End, port: int, protocol: str
) -> bool:
    """Whether one end lets it through, in the direction as that end sees it."""
    if isinstance(end, str):
        return True
    about = [each for each in policies if _is_about(each, direction, end)]
    peers = "to" if direction == "Egress" else "from"
    return not about or any(
        _names_port(rule, port, protocol) and _names_peer(rule.get(peers), other, policy)
        for policy in about
        for rule in policy["spec"].get(direction.lower(), [])
    )


def _is_about(policy: Object, direction: str, pod: Pod) -> bool:
    same = policy["metadata"]["namespace"] == pod.namespace
    spec = policy["spec"]
    return same and direction in spec["policyTypes"] and _matches(spec["podSelector"], pod.labels)


def _names_port(rule: Object, port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    return not ports or any(
        (each["port"], each.get("protocol", "TCP")) == (port, protocol) for each in ports
    )


def _names_peer(peers: Iterable[Any] | None, other: End, policy: Object) -> bool:
    if not peers:
        return True
    if isinstance(other, str):
        return any("ipBlock" in peer and _within(peer["ipBlock"], other) for peer in peers)
    return any(
        _matches(peer.get("podSelector", {}), other.labels) and _in(peer, other, policy)
        for peer in peers
        if "ipBlock" not in peer
    )


def _in(peer: Object, pod: Pod, policy: Object) -> bool:
    """A selector of pods alone is about the policy's own namespace."""
    if "namespaceSelector" not in peer:
        return bool(pod.namespace == policy["metadata"]["namespace"])
    return _matches(peer["namespaceSelector"], {NAMESPACE_LABEL: pod.namespace})


def _within(block: Object, address: str) -> bool:
    found = ipaddress.ip_address(address)
    return found in ipaddress.ip_network(block["cidr"]) and not any(
        found in ipaddress.ip_network(each) for each in block.get("except", [])
    )


def _matches(selector: Object, labels: dict[str, str]) -> bool:
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        _holds(each, labels) for each in selector.get("matchExpressions", [])
    )


def _holds(expression: Object, labels: dict[str, str]) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "In":
            return value in expression["values"]
        case operator:
            raise NotImplementedError(operator)
