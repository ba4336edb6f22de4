"""Who reaches whom, by the chart's NetworkPolicies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.chart.everything import BACK_ENDS, EVERYTHING, GAMES, MONITORING, MORE_GAMES
from tests.chart.rendering import SYSTEM, find, rendered
from tests.chart.traffic import NAMESPACE_LABEL, End, Pod, allowed

HTTP, ADMIN, GAME_PORT, DNS = 8080, 9090, 8000, 53
CLIENT = {"gamelibrary.io/client": "true"}
GAME = Pod(GAMES, {"gamelibrary.io/game": "chess", "gamelibrary.io/role": "session"})
WARM = Pod(GAMES, {"gamelibrary.io/game": "chess", "gamelibrary.io/role": "warm"})
ELSEWHERE = Pod(MORE_GAMES, {"gamelibrary.io/game": "chess"})
REDIS = Pod(GAMES, {"app": "redis"})
DISGUISED = Pod(GAMES, {"gamelibrary.io/game": "chess", **CLIENT})
STRANGER = Pod("default", CLIENT)
BACK_END = Pod(BACK_ENDS, CLIENT)
NEIGHBOUR = Pod(BACK_ENDS, {"app": "other"})
PROMETHEUS = Pod(MONITORING, {"app": "prometheus"})
RESOLVER = Pod("kube-system", {"k8s-app": "kube-dns"})
PUBLIC, PUBLIC_V6, METADATA, NODE = "93.184.216.34", "2606:2800::1", "169.254.169.254", "10.3.0.1"


OPERATOR, GATEWAY, TEST = "operator", "gateway", "test"
"""Pods of the release: their labels are what the chart gives them."""

OPEN: dict[str, tuple[End, End, int]] = {
    "gateway to game": (GATEWAY, GAME, GAME_PORT),
    "gateway to a game's pod that waits": (GATEWAY, WARM, GAME_PORT),
    "gateway to game in the other namespace": (GATEWAY, ELSEWHERE, GAME_PORT),
    "operator to game": (OPERATOR, GAME, GAME_PORT),
    "back end to game": (BACK_END, GAME, GAME_PORT),
    "back end beside the games": (Pod(GAMES, CLIENT), GAME, GAME_PORT),
    "game to Redis": (GAME, REDIS, 6379),
    "game to the internet": (GAME, PUBLIC, 443),
    "game to the internet by IPv6": (GAME, PUBLIC_V6, 443),
    "game to what a value adds": (GAME, "10.9.1.1", 5432),
    "anybody to the gateway": (PUBLIC, GATEWAY, HTTP),
    "any pod to the gateway": (NEIGHBOUR, GATEWAY, HTTP),
    "Prometheus to the gateway's admin port": (PROMETHEUS, GATEWAY, ADMIN),
    "Prometheus to the operator's admin port": (PROMETHEUS, OPERATOR, ADMIN),
    "helm test to the gateway": (TEST, GATEWAY, HTTP),
    "helm test to the gateway's admin port": (TEST, GATEWAY, ADMIN),
    "helm test to the operator's admin port": (TEST, OPERATOR, ADMIN),
    "gateway to the issuer of tokens": (GATEWAY, PUBLIC, 443),
    "operator to the API server": (OPERATOR, NODE, 6443),
}
SHUT: dict[str, tuple[End, End, int]] = {
    "game to game": (GAME, WARM, GAME_PORT),
    "game to game elsewhere": (GAME, ELSEWHERE, GAME_PORT),
    "game that is called a client to game": (DISGUISED, GAME, GAME_PORT),
    "game to DNS's port of another game": (GAME, WARM, DNS),
    "Redis to game": (REDIS, GAME, GAME_PORT),
    "pod beside a back end to game": (NEIGHBOUR, GAME, GAME_PORT),
    "client of an unnamed namespace to game": (STRANGER, GAME, GAME_PORT),
    "Prometheus to game": (PROMETHEUS, GAME, GAME_PORT),
    "the internet to game": (PUBLIC, GAME, GAME_PORT),
    "game to metadata": (GAME, METADATA, 80),
    "game to metadata by IPv6": (GAME, "fd00:ec2::254", 80),
    "game to a node": (GAME, NODE, 10250),
    "game to what a value adds, by another port": (GAME, "10.9.1.1", 22),
    "game to the gateway's admin port": (GAME, GATEWAY, ADMIN),
    "game to the gateway": (GAME, GATEWAY, HTTP),
    "game to the resolver by another port": (GAME, RESOLVER, 9153),
    "anybody to the gateway's admin port": (PUBLIC, GATEWAY, ADMIN),
    "a pod to the gateway's admin port": (NEIGHBOUR, GATEWAY, ADMIN),
    "gateway to the operator's admin port": (GATEWAY, OPERATOR, ADMIN),
    "anybody to the operator": (PUBLIC, OPERATOR, HTTP),
}


class Net:
    """The pods and the policies of a release."""

    def __init__(self, values: dict[str, Any]) -> None:
        objects = rendered(values)
        self.policies = [each for each in objects if each["kind"] == "NetworkPolicy"]
        found = {
            name: find(objects, "Deployment", f"gamesession-{name}")["spec"]["template"]
            for name in (OPERATOR, GATEWAY)
        }
        found[TEST] = find(objects, "Pod", "gamesession-test")
        self._pods = {name: Pod(SYSTEM, each["metadata"]["labels"]) for name, each in found.items()}

    def lets(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether it lets a connection through."""
        return allowed(self.policies, self._end(source), self._end(target), port, protocol)

    def _end(self, end: End) -> End:
        return self._pods.get(end, end) if isinstance(end, str) else end


@pytest.fixture(scope="module")
def net() -> Net:
    """With all that the chart has."""
    return Net(EVERYTHING)


@pytest.mark.parametrize("way", OPEN)
def test_a_way_is_open(net: Net, way: str) -> None:
    assert net.lets(*OPEN[way])


@pytest.mark.parametrize("way", SHUT)
def test_a_way_is_shut(net: Net, way: str) -> None:
    assert not net.lets(*SHUT[way])


@pytest.mark.parametrize("protocol", ["TCP", "UDP"])
def test_games_find_names(net: Net, protocol: str) -> None:
    assert net.lets(GAME, RESOLVER, DNS, protocol)


def test_metrics_are_for_all_unless_somebody_is_named() -> None:
    net = Net({})
    assert net.lets(NEIGHBOUR, GATEWAY, ADMIN)
    assert net.lets(NEIGHBOUR, OPERATOR, ADMIN)


def test_dns_is_where_the_values_say() -> None:
    """Such as at a cache on each node, and nowhere else."""
    cache: dict[str, Any] = {"dns": [{"ipBlock": {"cidr": "169.254.20.10/32"}}]}
    net = Net({"games": {"namespaces": [GAMES]}, "networkPolicy": {"games": cache}})
    assert net.lets(GAME, "169.254.20.10", DNS, "UDP")
    assert not net.lets(GAME, "169.254.20.10", 80)
    assert not net.lets(GAME, RESOLVER, DNS, "UDP")


def test_without_policies_all_is_open() -> None:
    net = Net({"networkPolicy": {"enabled": False}})
    assert net.policies == []
    assert net.lets(GAME, WARM, GAME_PORT)


def test_namespaces_are_known_by_a_label_that_kubernetes_gives(net: Net) -> None:
    """Nobody has to label a namespace, nor can one pass for another."""
    found = str([each["spec"] for each in net.policies])
    assert NAMESPACE_LABEL in found
    assert found.count("namespaceSelector") == found.count(NAMESPACE_LABEL)
