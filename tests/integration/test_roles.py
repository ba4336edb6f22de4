"""What each account may do: exactly the table of `rights.py`, as the API server itself sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.resources import Resource
from tests.cluster.controlplane import ControlPlane
from tests.integration.account import RBAC, Account
from tests.integration.installation import BACK_END, GAMES, SYSTEM
from tests.integration.rights import ANYBODY_READS, MAY, Pair, expected, pairs, what

pytestmark = pytest.mark.integration

ELSEWHERE = "kube-system"
EVERYWHERE = ""

VERBS = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
VIRTUAL = [
    *(("impersonate", f"{kind}.") for kind in ("users", "groups", "serviceaccounts")),
    *(("impersonate", f"{kind}.authentication.k8s.io") for kind in ("uids", "userextras/scopes")),
    *(
        (verb, f"{kind}.{RBAC}")
        for verb in ("bind", "escalate")
        for kind in ("roles", "clusterroles")
    ),
    *((verb, "signers.certificates.k8s.io") for verb in ("approve", "sign", "attest")),
    *((verb, "*.*") for verb in (*VERBS, "*")),
]
"""Verbs that no kind's list of verbs names."""
AT_ONCE = 16
RULES = Resource("authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview")
REVIEWS = Resource("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview")


@pytest.fixture(scope="module")
def accounts(installation: ControlPlane) -> dict[str, Account]:
    """The accounts of an installation."""
    return {
        name: Account(installation, BACK_END if name == BACK_END else SYSTEM, name) for name in MAY
    }


# The rules, as the API server resolves them -------------------------------------------------------


@pytest.mark.parametrize("namespace", [GAMES, SYSTEM, BACK_END, ELSEWHERE, "default"])
@pytest.mark.parametrize("account", MAY)
def test_the_rules_of_an_account_are_those_of_the_table(
    accounts: dict[str, Account], account: str, namespace: str
) -> None:
    """All rules that bind it, in a namespace or in all, by whatever role; wildcards would stand
    here as such."""
    review = {"spec": {"namespace": namespace}}
    status = accounts[account].api.post(RULES.path(None), review)["status"]
    assert status["incomplete"] is False
    found = {pair for rule in status["resourceRules"] for pair in pairs_of(rule)}
    assert found == expected(account, namespace)
    paths = {
        (verb, path)
        for rule in status["nonResourceRules"]
        for verb in rule["verbs"]
        for path in rule["nonResourceURLs"]
    }
    assert {verb for verb, _ in paths} == {"get"}
    assert {path for _, path in paths} <= ANYBODY_READS


def pairs_of(rule: Object) -> Iterator[Pair]:
    """One rule's rights, one by one."""
    for verb in rule["verbs"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames") or [""]:
                    yield verb, what(resource, group, name)


# Every kind there is, asked one by one ------------------------------------------------------------


@dataclass(frozen=True)
class Question:
    """May an account do that?"""

    account: str
    namespace: str
    verb: str
    what: str


async def test_of_all_there_is_an_account_may_do_what_the_table_says(
    cluster: Cluster, accounts: dict[str, Account]
) -> None:
    """Each verb of each kind and subresource that the API server serves, in the games' namespace,
    in ours, in another, and in all."""
    known = set(discovered(next(iter(accounts.values())))) | set(VIRTUAL)
    named = {
        pair for scopes in MAY.values() for rights in scopes.values() for pair in pairs(rights)
    }
    assert {pair for pair in named if ":" not in pair[1]} <= known, "the table names what is not"
    questions = [
        Question(account, namespace, *pair)
        for account in MAY
        for namespace in (GAMES, SYSTEM, ELSEWHERE, EVERYWHERE)
        for pair in sorted(known | named)
    ]
    turns = asyncio.Semaphore(AT_ONCE)

    async def answer(question: Question) -> bool:
        async with turns:
            return await is_allowed(cluster, accounts[question.account], question)

    answers = await asyncio.gather(*map(answer, questions))
    allowed = {question for question, yes in zip(questions, answers, strict=True) if yes}
    assert allowed == {question for question in questions if is_expected(question)}


def discovered(account: Account) -> Iterator[Pair]:
    """The verbs of all kinds that the API server serves."""
    groups = account.api.get("/apis")["groups"]
    versions = [version["groupVersion"] for group in groups for version in group["versions"]]
    for path, group in [("/api/v1", ""), *((f"/apis/{v}", v.split("/")[0]) for v in versions)]:
        for resource in account.api.get(path)["resources"]:
            for verb in resource["verbs"]:
                yield verb, what(resource["name"], group)


async def is_allowed(cluster: Cluster, account: Account, question: Question) -> bool:
    """What the API server says to a question."""
    thing, _, name = question.what.partition(":")
    path, _, group = thing.partition(".")
    resource, _, subresource = path.partition("/")
    attributes = {
        "namespace": question.namespace,
        "verb": question.verb,
        "group": group,
        "version": "*",
        "resource": resource,
        "subresource": subresource,
        "name": name,
    }
    spec = {"user": account.user, "groups": account.groups, "resourceAttributes": attributes}
    review = await cluster.create(REVIEWS, None, {"spec": spec})
    return bool(review["status"]["allowed"])


def is_expected(question: Question) -> bool:
    """What the table says to it. Whoever may do something to all of a kind may do it to one."""
    rights = expected(question.account, question.namespace)
    return bool(
        {(question.verb, question.what), (question.verb, question.what.partition(":")[0])} & rights
    )
