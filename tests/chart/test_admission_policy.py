"""The admission policy of a release is about its own operator and its own games."""

from __future__ import annotations

from typing import Any

from tests.chart.rendering import Object, rendered

KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")


def policies(values: dict[str, Any] | None = None, **place: str) -> list[Object]:
    """The policy of a release, and its binding."""
    return [each for each in rendered(values, **place) if each["kind"] in KINDS]


def test_two_releases_have_policies_of_their_own() -> None:
    """They are of no namespace, so names must differ; and each knows its own operator."""
    found = [
        policies(release=release, namespace=namespace)
        for release, namespace in (("one", "a"), ("one", "b"), ("two", "a"))
    ]
    assert {policy["metadata"]["name"] for policy, _ in found} == {"one.a", "one.b", "two.a"}
    for policy, binding in found:
        release, namespace = policy["metadata"]["name"].split(".")
        operator = f"system:serviceaccount:{namespace}:{release}-operator"
        (condition,) = policy["spec"]["matchConditions"]
        (validation,) = policy["spec"]["validations"]
        assert condition["expression"] == f"request.userInfo.username != '{operator}'"
        assert operator in validation["messageExpression"]
        assert binding["metadata"]["name"] == binding["spec"]["policyName"]
        assert binding["spec"]["policyName"] == policy["metadata"]["name"]


def test_it_holds_in_all_namespaces_that_are_served() -> None:
    _, binding = policies({"games": {"namespaces": ["chess", "go"]}})
    (expression,) = binding["spec"]["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert expression == {
        "key": "kubernetes.io/metadata.name",
        "operator": "In",
        "values": ["chess", "go"],
    }
    assert binding["spec"]["validationActions"] == ["Deny"]


def test_it_can_be_left_out() -> None:
    assert policies({"admissionPolicy": {"enabled": False}}) == []
