"""What the chart renders: that its objects fit each other, and follow the values."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.chart.everything import EVERYTHING, GAMES, MORE_GAMES
from tests.chart.rendering import CHART, SYSTEM, Object, find, helm, rendered

GATEWAY = "gamesession-gateway"
LONGEST = "a" * 53
"""Helm takes no longer name of a release."""
CLUSTER_WIDE = {
    *("Namespace", "CustomResourceDefinition"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
}


@pytest.fixture(scope="module")
def everything() -> list[Object]:
    return rendered(EVERYTHING)


def identity(found: Object) -> tuple[str, str, str]:
    """Kind, namespace and name: there is one such object in a cluster."""
    metadata = found["metadata"]
    return found["kind"], metadata.get("namespace", ""), metadata["name"]


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [each for each in objects if each["kind"] == kind]


def pods(objects: list[Object]) -> list[Object]:
    """Metadata and spec of the pods that Deployments make."""
    return [each["spec"]["template"] for each in of_kind(objects, "Deployment")]


def selected(selector: dict[str, str], among: list[Object]) -> list[Object]:
    """Those that have all the labels."""
    return [each for each in among if selector.items() <= each["metadata"]["labels"].items()]


def container(values: dict[str, Any], component: str = GATEWAY) -> Object:
    """The only container of a component."""
    deployment = find(rendered(values), "Deployment", component)
    [found] = deployment["spec"]["template"]["spec"]["containers"]
    result: Object = found
    return result


# Fits ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_helm_finds_no_fault(values: dict[str, Any]) -> None:
    said = helm("lint", "--strict", str(CHART), values=values)
    assert "0 chart(s) failed" in said
    assert "WARNING" not in said


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["defaults", "everything"])
def test_no_two_objects_are_one(values: dict[str, Any]) -> None:
    found = [identity(each) for each in rendered(values)]
    assert len(found) == len(set(found))


def test_each_object_of_a_namespace_names_it(everything: list[Object]) -> None:
    """Else it would land where `kubectl apply` happens to be."""
    for kind, namespace, name in map(identity, everything):
        expected = {""} if kind in CLUSTER_WIDE else {SYSTEM, GAMES, MORE_GAMES}
        assert namespace in expected, f"{kind} {name}"


def test_the_longest_name_of_a_release_is_not_too_long() -> None:
    """What becomes a label, or a name in DNS, has at most 63 characters."""
    found = rendered(EVERYTHING, release=LONGEST)
    names = [each["metadata"]["name"] for each in found if each["kind"] not in CLUSTER_WIDE]
    assert [name for name in names if len(name) > 63] == []
    labels = [each["metadata"].get("labels", {}) for each in [*found, *pods(found)]]
    assert [each for of in labels for each in of.values() if len(each) > 63] == []


def test_names_that_yaml_takes_for_something_else_stay_names() -> None:
    """`true` is a good name for a release, as `123` and `null` are for namespaces."""

    def kinds_of(release: str, *names: str) -> list[str]:
        account, first, second, system, other = names
        tokens = {"secret": {"name": other, "key": other}}
        route = {"enabled": True, "hosts": ["a.b"], "className": other}
        values = {
            **EVERYTHING,
            "games": {
                "namespaces": [first, second],
                "serviceAccount": {"create": True, "name": account},
                "resourceQuota": {"pods": 1},
            },
            "gateway": {"tokens": tokens, "ingress": route, "priorityClassName": other},
        }
        found = rendered(values, release=release, namespace=system)
        return sorted(json.dumps(kinds(each), sort_keys=True) for each in found)

    plain = kinds_of("shop", "player", "games", "more", "system", "other")
    assert kinds_of("true", "0", "123", "null", "456", "1") == plain


def kinds(found: Any) -> Any:
    """The kinds of the values within it."""
    if isinstance(found, dict):
        return {key: kinds(value) for key, value in found.items() if not key.endswith(".json")}
    if isinstance(found, list):
        return [kinds(each) for each in found]
    return type(found).__name__


def test_two_releases_share_nothing() -> None:
    """In one namespace, too; the second leaves the CRDs to the first."""
    first = rendered({**EVERYTHING, "games": {"namespaces": ["a"]}, "gateway": {}}, release="one")
    second = rendered(
        {
            **EVERYTHING,
            "games": {"namespaces": ["b"]},
            "gateway": {},
            "crds": {"install": False},
        },
        release="two",
    )
    assert {identity(each) for each in first} & {identity(each) for each in second} == set()
    for service in of_kind(second, "Service"):
        assert selected(service["spec"]["selector"], pods(first)) == []
    for monitor in of_kind(second, "ServiceMonitor"):
        labels = monitor["spec"]["selector"]["matchLabels"]
        assert selected(labels, of_kind(first, "Service")) == []


def test_what_selects_pods_selects_those_of_one_deployment(everything: list[Object]) -> None:
    selectors = [each["spec"]["selector"] for each in of_kind(everything, "Service")]
    for kind in ("Deployment", "PodDisruptionBudget"):
        selectors += [each["spec"]["selector"]["matchLabels"] for each in of_kind(everything, kind)]
    assert len(selectors) == 3 + 2 + 2
    assert [len(selected(each, pods(everything))) for each in selectors] == [1] * 7


def test_ports_of_services_are_ports_of_the_pods(everything: list[Object]) -> None:
    for service in of_kind(everything, "Service"):
        [pod] = selected(service["spec"]["selector"], pods(everything))
        names = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_only_the_metrics_services_have_the_admin_port(everything: list[Object]) -> None:
    """A load balancer in front of the gateway must not show it."""
    ports = {
        service["metadata"]["name"]: [port["targetPort"] for port in service["spec"]["ports"]]
        for service in of_kind(everything, "Service")
    }
    assert ports == {
        GATEWAY: ["http"],
        f"{GATEWAY}-metrics": ["admin"],
        "gamesession-operator-metrics": ["admin"],
    }


def test_prometheus_finds_both_components_and_nothing_else(everything: list[Object]) -> None:
    [monitor] = of_kind(everything, "ServiceMonitor")
    labels = monitor["spec"]["selector"]["matchLabels"]
    found = selected(labels, of_kind(everything, "Service"))
    assert {each["metadata"]["name"] for each in found} == {
        f"{GATEWAY}-metrics",
        "gamesession-operator-metrics",
    }
    [endpoint] = monitor["spec"]["endpoints"]
    assert {each["spec"]["ports"][0]["name"] for each in found} == {endpoint["port"]}


def test_routes_lead_to_the_gateway(everything: list[Object]) -> None:
    [service] = [
        each for each in of_kind(everything, "Service") if each["metadata"]["name"] == GATEWAY
    ]
    [port] = service["spec"]["ports"]
    ingress = find(everything, "Ingress", GATEWAY)["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == EVERYTHING["gateway"]["ingress"]["hosts"]
    for rule in ingress["rules"]:
        [path] = rule["http"]["paths"]
        assert (path["path"], path["pathType"]) == ("/api", "Prefix")
        assert path["backend"]["service"] == {"name": GATEWAY, "port": {"name": port["name"]}}
    [rule] = find(everything, "HTTPRoute", GATEWAY)["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": GATEWAY, "port": port["port"]}]
    assert rule["timeouts"] == {"request": "0s"}


def test_rules_and_dashboard_are_those_of_the_chart(everything: list[Object]) -> None:
    """To the letter: what Prometheus and Grafana write in braces is not Helm's."""
    [rule] = of_kind(everything, "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((CHART / "rules" / "gamesession.yaml").read_text())
    assert len(rule["spec"]["groups"]) > 0
    dashboard = find(everything, "ConfigMap", "gamesession-dashboard")["data"]["gamesession.json"]
    assert json.loads(dashboard) == json.loads(
        (CHART / "dashboards" / "gamesession.json").read_text()
    )


def test_roles_bind_accounts_that_are_there(everything: list[Object]) -> None:
    accounts = {identity(each)[1:] for each in of_kind(everything, "ServiceAccount")}
    roles = {identity(each)[1:] for each in of_kind(everything, "Role")}
    for binding in of_kind(everything, "RoleBinding"):
        namespace = binding["metadata"]["namespace"]
        assert (namespace, binding["roleRef"]["name"]) in roles
        for subject in binding["subjects"]:
            foreign = subject["name"] == "back-end"
            assert foreign or (subject["namespace"], subject["name"]) in accounts
    for each in [*pods(everything), *of_kind(everything, "Pod")]:
        assert (SYSTEM, each["spec"]["serviceAccountName"]) in accounts


# Follows the values -------------------------------------------------------------------------------


def test_an_image_by_digest_goes_before_its_tag() -> None:
    digest = "sha256:" + "0a" * 32
    image = {"repository": "r/i", "tag": "1.2"}
    assert container({"image": image})["image"] == "r/i:1.2"
    assert container({"image": {**image, "digest": digest}})["image"] == f"r/i@{digest}"
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    assert container({"image": {"repository": "r/i"}})["image"] == f"r/i:{version}"


@pytest.mark.parametrize(
    ("tokens", "variable", "secret"),
    [
        ({}, "SECRET_FILE", ("gamesession-jwt", "secret")),
        ({"secret": {"name": "mine", "key": "a.b"}}, "SECRET_FILE", ("mine", "a.b")),
        (
            {"algorithm": "ES256", "publicKey": {"name": "theirs"}},
            "PUBLIC_KEY_FILE",
            ("theirs", "public.pem"),
        ),
        ({"algorithm": "EdDSA", "jwksUrl": "https://a.b/keys"}, "JWKS_URL", None),
    ],
)
def test_keys_of_tokens(
    tokens: dict[str, Any], variable: str, secret: tuple[str, str] | None
) -> None:
    """A file from a Secret, under a name of ours, so that it can be changed in place; or a URL."""
    deployment = find(rendered({"gateway": {"tokens": tokens}}), "Deployment", GATEWAY)
    pod = deployment["spec"]["template"]["spec"]
    environment = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    names = {name for name in environment if name.startswith("GAMESESSION_JWT_")}
    others = {"ALGORITHM", "ISSUER", "AUDIENCE", "USER_CLAIM"}
    assert names == {f"GAMESESSION_JWT_{name}" for name in (variable, *others)}
    value = environment[f"GAMESESSION_JWT_{variable}"]
    if secret is None:
        assert value == tokens["jwksUrl"]
        assert "volumes" not in pod
        return
    [mount] = pod["containers"][0]["volumeMounts"]
    assert value == f"{mount['mountPath']}/key"
    assert "subPath" not in mount, "kubelet updates no file that is mounted by itself"
    [volume] = pod["volumes"]
    assert volume["secret"]["secretName"] == secret[0]
    assert volume["secret"]["items"] == [{"key": secret[1], "path": "key"}]


def test_an_autoscaler_is_not_overruled_by_each_upgrade(everything: list[Object]) -> None:
    assert find(rendered(), "Deployment", GATEWAY)["spec"]["replicas"] == 2
    assert "replicas" not in find(everything, "Deployment", GATEWAY)["spec"]
    autoscaler = find(everything, "HorizontalPodAutoscaler", GATEWAY)["spec"]
    assert (autoscaler["minReplicas"], autoscaler["maxReplicas"]) == (3, 20)
    assert autoscaler["scaleTargetRef"]["name"] == GATEWAY


def test_a_single_operator_does_not_keep_a_node_from_being_drained() -> None:
    names = {
        each["metadata"]["name"]
        for each in of_kind(rendered({"operator": {"replicas": 1}}), "PodDisruptionBudget")
    }
    assert names == {GATEWAY}


@pytest.mark.parametrize("keep", [True, False])
def test_crds_stay_if_they_are_to(keep: bool) -> None:
    found = of_kind(rendered({"crds": {"keep": keep}}), "CustomResourceDefinition")
    assert {each["spec"]["names"]["kind"] for each in found} == {"Game", "GameSession"}
    for each in found:
        policy = each["metadata"].get("annotations", {}).get("helm.sh/resource-policy")
        assert policy == ("keep" if keep else None)


def test_crds_are_left_out_if_they_are_to() -> None:
    assert of_kind(rendered({"crds": {"install": False}}), "CustomResourceDefinition") == []


def test_hooks_go_with_what_they_were_for(everything: list[Object]) -> None:
    """Helm forgets hooks when a release goes: each is removed when it is done, but for the pod of a
    test that failed, whose log says why."""
    hooks = [
        each for each in everything if "helm.sh/hook" in each["metadata"].get("annotations", {})
    ]
    assert {each["kind"] for each in hooks} >= {"Pod", "Job", "Role", "ServiceAccount"}
    for each in hooks:
        policy = each["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
        assert policy == "before-hook-creation,hook-succeeded"


def test_the_test_is_told_what_there_is(everything: list[Object]) -> None:
    pod = find(everything, "Pod", "gamesession-test")
    assert pod["spec"]["containers"][0]["args"] == [
        "check",
        "--release=gamesession",
        f"--namespace={SYSTEM}",
        f"--games={GAMES}",
        f"--games={MORE_GAMES}",
        "--component=operator",
        "--component=gateway",
        f"--gateway={GATEWAY}",
    ]
    without = find(rendered({"gateway": {"enabled": False}}), "Pod", "gamesession-test")
    assert "gateway" not in str(without["spec"]["containers"][0]["args"])


# Notes --------------------------------------------------------------------------------------------


def notes(values: dict[str, Any]) -> str:
    """What Helm says after an installation."""
    command = ("install", "shop", str(CHART), f"--namespace={SYSTEM}", "--dry-run=client")
    return helm(*command, values=values).partition("\nNOTES:\n")[2]


def test_notes_say_what_to_do_next() -> None:
    found = notes({})
    assert f"kubectl -n {SYSTEM} create secret generic shop-jwt" in found
    assert "--from-literal=secret=" in found
    assert f"helm -n {SYSTEM} test shop" in found
    assert f"kubectl -n {SYSTEM} port-forward service/shop-gateway 8080:80" in found
    assert "`helm uninstall` ends all sessions and removes the Games; the CRDs stay." in found


def test_notes_follow_the_values() -> None:
    found = notes({**EVERYTHING, "uninstall": {"enabled": False}, "crds": {"keep": False}})
    assert "create secret generic issuer \\\n    --from-file=key.pem=public.pem" in found
    assert "https://play.example.com/api/<route>/" in found
    assert f"kubectl -n {MORE_GAMES} apply" in found, "where the gateway serves"
    assert "run `gamesession uninstall` before it" in found


def test_notes_ask_for_no_secret_that_nobody_reads() -> None:
    tokens = {"algorithm": "EdDSA", "jwksUrl": "https://issuer.example.com/jwks"}
    assert "secret" not in notes({"gateway": {"tokens": tokens}})
    assert "secret" not in notes({"gateway": {"enabled": False}})
