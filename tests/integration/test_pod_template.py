"""The pod of a session, as a real API server and Pod Security judge it in a dry run."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.api.game import GameSpec
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Forbidden, Gone, Invalid
from gamesession.kube.resources import PODS, Resource
from gamesession.plan.acceptance import Answer, Verdict, accepted_condition
from gamesession.plan.game import Acceptance
from gamesession.plan.refusal import refusals
from gamesession.plan.template import pod_template, session_pod
from tests.eventually import eventually
from tests.integration.bodies import NOBODY, game

pytestmark = pytest.mark.integration

NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")


async def dry_run(cluster: Cluster, namespace: str, template: Object, **spec: Any) -> Object:
    """What the API server makes of the pod of a session; it makes none."""
    parsed = GameSpec.model_validate(game(template=template, **spec)["spec"])
    assert refusals(parsed, allow_privileged=True) == []
    pod = session_pod(
        pod_template("fortune", parsed),
        name="alices-00000-1",
        namespace=namespace,
        session=("alices", NOBODY),
        player="fortune-bcwmgizq4e5foqre",
        start="Cold",
    )
    await eventually(lambda: default_account(cluster, namespace))
    return await cluster.create(PODS, namespace, pod, dry_run=True)


async def default_account(cluster: Cluster, namespace: str) -> Object | None:
    """Without it there are no pods; a new namespace gets it a moment later."""
    try:
        return await cluster.get(ACCOUNTS, namespace, "default")
    except Gone:
        return None


def of(container: Object | None = None, **pod: Any) -> Object:
    whole = {"name": "game", "image": "fortune-game", **(container or {})}
    return {"spec": {"containers": [whole], **pod}}


async def restrict(cluster: Cluster, namespace: str) -> None:
    """Enforce Pod Security *restricted*; returns once the API server does."""
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    await cluster.merge_patch(NAMESPACES, "", namespace, {"metadata": {"labels": label}})

    async def is_enforced() -> bool:
        try:
            await dry_run(cluster, namespace, of(hostNetwork=True))
        except Forbidden as error:
            return "violates PodSecurity" in error.message
        return False

    await eventually(is_enforced)


@pytest.mark.parametrize(
    "template",
    [
        of(),
        of(initContainers=[{"name": "setup", "image": "x"}]),
        of(initContainers=[{"name": "log", "image": "x", "restartPolicy": "Always"}]),
        of({"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"]}}}),
        of({"resources": {"limits": {"memory": "1Gi"}}}, securityContext={"runAsUser": 1000}),
    ],
    ids=["plain", "init container", "sidecar", "a capability", "resources and user"],
)
async def test_a_template_that_says_nothing_of_security_passes_restricted(
    cluster: Cluster, namespace: str, template: Object
) -> None:
    await restrict(cluster, namespace)

    answer = await dry_run(
        cluster,
        namespace,
        template,
        hooks={"onClose": {"service": "live", "path": "/save", "timeout": "40s"}},
    )

    assert answer["spec"]["terminationGracePeriodSeconds"] == 45
    assert answer["spec"]["containers"][0]["lifecycle"]["preStop"]["httpGet"]["port"] == 9090
    with pytest.raises(Gone):
        await cluster.get(PODS, namespace, "alices-00000-1")


@pytest.mark.parametrize(
    "template",
    [
        of({"securityContext": {"runAsUser": 0}}),
        of({"securityContext": {"privileged": True}}),
        of({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}),
        of(securityContext={"runAsUser": 0}),
        of(hostNetwork=True),
        of(resources={"limits": {"cpu": "1", "memory": "1Gi"}}),
        {"spec": {**of()["spec"], "os": {"name": "windows"}}},
    ],
    ids=["root", "privileged", "SYS_ADMIN", "pod root", "host network", "pod budget", "windows"],
)
async def test_our_defaults_contradict_nothing_that_a_template_asks_for(
    cluster: Cluster, namespace: str, template: Object
) -> None:
    await dry_run(cluster, namespace, template)


@pytest.mark.parametrize(
    "template",
    [
        of(),
        of(initContainers=[{"name": "setup", "image": "x"}]),
        of(initContainers=[{"name": "log", "image": "x", "restartPolicy": "Always"}]),
        of(serviceAccountName="player"),
        of(automountServiceAccountToken=None),
    ],
    ids=["plain", "init container", "sidecar", "an account", "null"],
)
async def test_a_pod_holds_no_credentials_for_the_api_server(
    cluster: Cluster, namespace: str, template: Object
) -> None:
    """Whatever account it has, even one that would give its token to all pods."""
    account = {"metadata": {"name": "player"}, "automountServiceAccountToken": True}
    await cluster.create(ACCOUNTS, namespace, account)

    answer = await dry_run(cluster, namespace, template)

    assert tokens(answer) == []


async def test_a_template_that_asks_for_a_token_in_so_many_words_gets_it(
    cluster: Cluster, namespace: str
) -> None:
    """Who writes Games is trusted with the accounts of their namespace (docs/security.md)."""
    answer = await dry_run(cluster, namespace, of(automountServiceAccountToken=True))

    assert len(tokens(answer)) == 1


def tokens(pod: Object) -> list[Object]:
    """The tokens of service accounts that the API server has put into a pod."""
    sources = [
        source
        for volume in pod["spec"].get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
    ]
    return [source for source in sources if "serviceAccountToken" in source]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (of({"image": ""}), "spec.containers[0].image: Required value"),
        (of({"name": "Game"}), 'spec.containers[0].name: Invalid value: "Game"'),
        (of({"imagee": "x"}), 'unknown field "spec.containers[0].imagee"'),
        (of({"ports": [{"containerPort": 0}]}), "spec.containers[0].ports[0].containerPort"),
        (of({"ports": [{"containerPort": "x"}]}), "containerPort"),
        (of({"volumeMounts": [{"name": "a", "mountPath": "/a"}]}), "volumeMounts[0].name"),
        (of(restartPolicy="Sometimes"), "spec.restartPolicy: Unsupported value"),
        ({**of(), "metadata": {"labels": {"a b": "c"}}}, "metadata.labels"),
        (of({"resources": {"limits": {"cpu": "much"}}}), "quantities must match"),
    ],
)
async def test_a_template_the_api_server_will_not_have_is_not_accepted_in_its_own_words(
    cluster: Cluster, namespace: str, template: Object, words: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await dry_run(cluster, namespace, template)

    verdict = accepted_condition(answer_of(caught.value))
    assert verdict.status is Acceptance.FALSE
    assert words in verdict.message


def answer_of(error: ApiError) -> Answer:
    return Answer(error.status, error.reason, error.message)


async def test_what_pod_security_refuses_is_not_accepted(cluster: Cluster, namespace: str) -> None:
    await restrict(cluster, namespace)

    with pytest.raises(Forbidden) as caught:
        await dry_run(cluster, namespace, of({"securityContext": {"runAsUser": 0}}))

    verdict = accepted_condition(answer_of(caught.value))
    assert (verdict.status, verdict.reason) == (Acceptance.FALSE, "PodSecurity")
    assert "runAsUser=0" in verdict.message


async def test_what_a_quota_refuses_may_be_accepted_later(cluster: Cluster, namespace: str) -> None:
    body = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    await cluster.create(QUOTAS, namespace, body)

    async def verdict_by_quota() -> Verdict | None:
        """Once admission has seen the quota, and the quota's controller has counted it."""
        try:
            await dry_run(cluster, namespace, of())
        except Forbidden as error:
            counted = "status unknown for quota" not in error.message
            return accepted_condition(answer_of(error)) if counted else None
        return None

    verdict = await eventually(verdict_by_quota)

    assert (verdict.status, verdict.reason) == (Acceptance.UNKNOWN, "QuotaExceeded")
    assert verdict.retry


async def test_what_a_missing_service_account_refuses_may_be_accepted_later(
    cluster: Cluster, namespace: str
) -> None:
    with pytest.raises(Forbidden) as caught:
        await dry_run(cluster, namespace, of(serviceAccountName="nobody"))

    verdict = accepted_condition(answer_of(caught.value))
    assert verdict.status is Acceptance.UNKNOWN
    assert "nobody" in verdict.message
