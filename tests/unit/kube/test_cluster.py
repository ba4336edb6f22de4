"""Requests to the API server: what is sent, and what becomes of each kind of answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kmock as km
import pytest
from prometheus_client import REGISTRY

from gamesession.kube import cluster as module
from gamesession.kube.cluster import METADATA_ONLY, Cluster
from gamesession.kube.errors import (
    ApiError,
    Conflict,
    Expired,
    Gone,
    Invalid,
    ServerFault,
    Silent,
    Throttled,
    Unreachable,
)
from gamesession.kube.resources import CRDS, GAMES, PODS, SESSIONS

Server = km.KubernetesScaffold

PATH = "/api/v1/namespaces/games/pods/one"
ALL = "/api/v1/namespaces/games/pods"
POD = {"metadata": {"name": "one", "uid": "a", "resourceVersion": "7"}}


def first(kmock: Server) -> km.Request:
    """The first request that came."""
    return next(iter(kmock))


def hang_up(request: km.Request) -> bytes:
    """Close the connection without an answer."""
    raw: Any = request._raw_request
    raw.transport.abort()
    return b""


def break_off(request: km.Request) -> Any:
    """Close the connection in the middle of the answer."""

    async def halves() -> Any:
        yield b'{"metadata": {"name"'
        raw: Any = request._raw_request
        raw.transport.abort()
        yield b"."

    return halves()


# Reading ----------------------------------------------------------------------------------------


async def test_one_object_is_read(kmock: Server, cluster: Cluster) -> None:
    kmock[f"get {PATH}"] << POD
    assert await cluster.get(PODS, "games", "one") == POD
    assert first(kmock).headers["User-Agent"] == "gamesession-operator"


async def test_a_list_is_read_page_by_page(kmock: Server, cluster: Cluster) -> None:
    def page(request: km.Request) -> Any:
        if "continue" not in request.params:
            return {"metadata": {"resourceVersion": "9", "continue": "next"}, "items": [{"n": 1}]}
        return {"metadata": {"resourceVersion": "9"}, "items": [{"n": 2}]}

    kmock[f"get {ALL}"] << page
    found = await cluster.list(PODS, "games", label_selector="a=b")
    assert found == ([{"n": 1}, {"n": 2}], "9")
    assert [dict(each.params) for each in kmock] == [
        {"labelSelector": "a=b", "limit": "500"},
        {"labelSelector": "a=b", "limit": "500", "continue": "next"},
    ]


async def test_an_empty_list_of_metadata_is_null(kmock: Server, cluster: Cluster) -> None:
    """So the API server writes it."""
    kmock[f"get {ALL}"] << {"metadata": {"resourceVersion": "9"}, "items": None}
    assert await cluster.list(PODS, "games", metadata_only=True) == ([], "9")
    assert first(kmock).headers["Accept"] == METADATA_ONLY


async def test_a_list_that_grew_too_old_between_pages_is_an_error(
    kmock: Server, cluster: Cluster
) -> None:
    first = {"metadata": {"resourceVersion": "9", "continue": "next"}, "items": []}
    kmock[f"get {ALL}", km.params({"continue": "next"})] << 410 << {"reason": "Expired"}
    kmock[f"get {ALL}"] << first
    with pytest.raises(Expired):
        await cluster.list(PODS, "games")


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        pytest.param(["games", "gamesessions"], True, id="installed"),
        pytest.param(["gamesessions"], False, id="another kind of the group is"),
        pytest.param(None, False, id="nothing of the group is"),
    ],
)
async def test_whether_a_kind_is_served(
    kmock: Server, cluster: Cluster, resources: list[str] | None, expected: bool
) -> None:
    where = kmock["get /apis/gamelibrary.io/v1alpha1"]
    if resources is None:
        where << 404 << {"reason": "NotFound"}
    else:
        where << {"resources": [{"name": each} for each in resources]}
    assert await cluster.serves(GAMES) is expected


async def test_the_end_of_a_log_is_read(kmock: Server, cluster: Cluster) -> None:
    kmock[f"get {PATH}/log"] << b"last words\n\xff"
    found = await cluster.logs("games", "one", "agent", tail_lines=20, limit_bytes=1024)
    assert found == "last words\n�"
    assert dict(first(kmock).params) == {
        "container": "agent",
        "tailLines": "20",
        "limitBytes": "1024",
    }


# Writing ----------------------------------------------------------------------------------------


async def test_a_creation_refuses_what_the_api_server_does_not_know(
    kmock: Server, cluster: Cluster
) -> None:
    kmock[f"post {ALL}"] << 201 << POD
    assert await cluster.create(PODS, "games", POD) == POD
    assert dict(first(kmock).params) == {"fieldValidation": "Strict"}
    assert first(kmock).data == POD
    assert first(kmock).headers["Content-Type"] == "application/json"


async def test_a_dry_run_says_so(kmock: Server, cluster: Cluster) -> None:
    kmock[f"post {ALL}"] << 201 << POD
    await cluster.create(PODS, "games", POD, dry_run=True)
    assert dict(first(kmock).params) == {"fieldValidation": "Strict", "dryRun": "All"}


async def test_patches_name_their_kind(kmock: Server, cluster: Cluster) -> None:
    """A typed client would send either as a strategic merge."""
    kmock["patch"] << POD
    await cluster.merge_patch(SESSIONS, "games", "one", {"a": 1}, subresource="status")
    await cluster.json_patch(PODS, "games", "one", [{"op": "test", "path": "/a", "value": 1}])
    merge, json = kmock
    assert merge.url.path.endswith("/namespaces/games/gamesessions/one/status")
    assert merge.headers["Content-Type"] == "application/merge-patch+json"
    assert merge.data == {"a": 1}
    assert json.url.path == PATH
    assert json.headers["Content-Type"] == "application/json-patch+json"
    assert json.data == [{"op": "test", "path": "/a", "value": 1}]


async def test_a_deletion_names_the_life_it_is_about(kmock: Server, cluster: Cluster) -> None:
    kmock[f"delete {PATH}"] << POD
    assert await cluster.delete(PODS, "games", "one", uid="a") == POD
    assert first(kmock).data == {
        "kind": "DeleteOptions",
        "apiVersion": "v1",
        "propagationPolicy": "Background",
        "preconditions": {"uid": "a"},
    }


async def test_and_if_need_be_its_version_and_a_grace_period(
    kmock: Server, cluster: Cluster
) -> None:
    kmock[f"delete {PATH}"] << POD
    await cluster.delete(
        PODS, "games", "one", uid="a", resource_version="7", grace_period_seconds=0
    )
    assert first(kmock).data["preconditions"] == {"uid": "a", "resourceVersion": "7"}
    assert first(kmock).data["gracePeriodSeconds"] == 0


async def test_what_is_gone_need_not_be_deleted(kmock: Server, cluster: Cluster) -> None:
    kmock[f"delete {PATH}"] << 404 << {"reason": "NotFound"}
    assert await cluster.delete(PODS, "games", "one", uid="a") is None


# Answers that are no success --------------------------------------------------------------------

Ask = Callable[[Cluster], Awaitable[object]]
ASKING: list[Ask] = [
    lambda cluster: cluster.get(PODS, "games", "one"),
    lambda cluster: cluster.list(PODS, "games"),
    lambda cluster: cluster.create(PODS, "games", POD),
    lambda cluster: cluster.merge_patch(PODS, "games", "one", {}),
    lambda cluster: cluster.json_patch(PODS, "games", "one", []),
    lambda cluster: cluster.delete(PODS, "games", "one", uid="a"),
    lambda cluster: cluster.logs("games", "one", "agent", tail_lines=1, limit_bytes=1),
]
VERBS = ["get", "list", "create", "merge_patch", "json_patch", "delete", "logs"]


@pytest.mark.parametrize("ask", ASKING, ids=VERBS)
@pytest.mark.parametrize(
    ("status", "error"),
    [(409, Conflict), (422, Invalid), (429, Throttled), (500, ServerFault), (503, ServerFault)],
)
async def test_a_refusal_is_an_error_in_the_api_servers_words(
    kmock: Server, cluster: Cluster, ask: Ask, status: int, error: type[ApiError]
) -> None:
    kmock.override << status << {"kind": "Status", "reason": "Why", "message": "Because."}
    with pytest.raises(error) as caught:
        await ask(cluster)
    assert (caught.value.reason, caught.value.message) == ("Why", "Because.")


@pytest.mark.parametrize("ask", ASKING, ids=VERBS)
async def test_no_answer_leaves_it_open_what_happened(
    kmock: Server, cluster: Cluster, ask: Ask
) -> None:
    kmock.override << hang_up
    with pytest.raises(Unreachable):
        await ask(cluster)
    assert cluster.contact.lost


@pytest.mark.parametrize("ask", ASKING, ids=VERBS)
async def test_half_an_answer_is_none(kmock: Server, cluster: Cluster, ask: Ask) -> None:
    kmock.override << break_off
    with pytest.raises(Unreachable):
        await ask(cluster)


async def test_an_api_server_that_breaks_off_is_not_to_be_relied_on(
    kmock: Server, cluster: Cluster
) -> None:
    kmock[f"get {PATH}"] << break_off
    with pytest.raises(Unreachable):
        await cluster.get(PODS, "games", "one")
    assert cluster.contact.lost


async def test_a_log_that_breaks_off_is_the_nodes_matter(kmock: Server, cluster: Cluster) -> None:
    kmock[f"get {PATH}/log"] << break_off
    with pytest.raises(Unreachable):
        await cluster.logs("games", "one", "agent", tail_lines=1, limit_bytes=1)
    assert not cluster.contact.lost


async def test_an_answer_that_is_no_json_is_none(kmock: Server, cluster: Cluster) -> None:
    """Whatever it was that answered, it was not the API server."""
    kmock[f"get {PATH}"] << b"<html>Sign in</html>"
    with pytest.raises(Unreachable):
        await cluster.get(PODS, "games", "one")


async def test_a_server_that_is_silent_is_not_waited_for_for_ever(
    kmock: Server, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.05)
    kmock[f"get {PATH}"] << asyncio.Event().wait
    with pytest.raises(Unreachable):
        await cluster.get(PODS, "games", "one")
    assert cluster.contact.lost


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("-1", None), ("٣", None)]
)
async def test_how_long_it_wants_us_to_wait(
    kmock: Server, cluster: Cluster, header: str, seconds: float | None
) -> None:
    kmock[f"get {PATH}"] << 429 << km.headers({"Retry-After": header}) << {"reason": "Later"}
    with pytest.raises(Throttled) as caught:
        await cluster.get(PODS, "games", "one")
    assert caught.value.retry_after == seconds


async def test_a_proxys_own_words_are_passed_on(kmock: Server, cluster: Cluster) -> None:
    kmock[f"get {PATH}"] << 502 << b"{no healthy upstream"
    with pytest.raises(ServerFault, match="no healthy upstream"):
        await cluster.get(PODS, "games", "one")


async def test_contact_is_regained_by_an_answer(kmock: Server, cluster: Cluster) -> None:
    regained: list[bool] = []
    cluster.contact.on_regained = lambda: regained.append(True)
    kmock["post"] << hang_up
    kmock[f"get {PATH}"] << 404 << {"reason": "NotFound"}
    with pytest.raises(Unreachable):
        await cluster.create(PODS, "games", POD)
    for _ in range(2):
        with pytest.raises(Gone):
            await cluster.get(PODS, "games", "one")
    assert regained == [True]


# Watching ---------------------------------------------------------------------------------------


def event(kind: str, version: int) -> bytes:
    return b'{"type": "%s", "object": {"v": %d}}\n' % (kind.encode(), version)


async def test_a_watch_tells_of_events_until_its_end(kmock: Server, cluster: Cluster) -> None:
    kmock[f"get {ALL}"] << (event("ADDED", 1), event("BOOKMARK", 2))
    watch = cluster.watch(PODS, "games", resource_version="5", label_selector="a=b")
    assert [(each["type"], each["object"]["v"]) async for each in watch] == [
        ("ADDED", 1),
        ("BOOKMARK", 2),
    ]
    assert dict(first(kmock).params) == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": "5",
        "timeoutSeconds": "30",
        "labelSelector": "a=b",
    }


async def test_lines_of_a_watch_may_come_in_pieces(kmock: Server, cluster: Cluster) -> None:
    whole = event("ADDED", 1) + event("MODIFIED", 2)
    kmock[f"get {ALL}"] << tuple(bytes([each]) for each in whole)
    watch = cluster.watch(PODS, "games", resource_version="5")
    assert [each["type"] async for each in watch] == ["ADDED", "MODIFIED"]


async def test_an_object_of_a_watch_may_be_large(kmock: Server, cluster: Cluster) -> None:
    line = b'{"type": "ADDED", "object": "%s"}\n' % (b"x" * 5_000_000)
    kmock[f"get {ALL}"] << (line,)
    watch = cluster.watch(PODS, "games", resource_version="5")
    assert [len(each["object"]) async for each in watch] == [5_000_000]


async def test_a_watch_from_too_long_ago_is_an_error(kmock: Server, cluster: Cluster) -> None:
    gone = b'{"type": "ERROR", "object": {"code": 410, "reason": "Expired"}}\n'
    kmock[f"get {ALL}"] << (event("ADDED", 1), gone)
    with pytest.raises(Expired):
        async for _ in cluster.watch(PODS, "games", resource_version="5"):
            pass


async def test_a_watch_that_breaks_off_is_an_error(kmock: Server, cluster: Cluster) -> None:
    kmock[f"get {ALL}"] << break_off
    with pytest.raises(Unreachable):
        async for _ in cluster.watch(PODS, "games", resource_version="5"):
            pass


async def test_a_watch_that_does_not_end_when_it_should_is_silent(
    kmock: Server, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it tells anything before, or not even that it begins."""
    monkeypatch.setattr(module, "WATCH_SECONDS", 0.2)
    monkeypatch.setattr(module, "WATCH_GRACE", 0.1)
    told = []
    for answer in ((event("ADDED", 1), asyncio.Event().wait), asyncio.Event().wait):
        kmock[f"get {ALL}"] << answer
        with pytest.raises(Silent):
            async for each in cluster.watch(PODS, "games", resource_version="5"):
                told += [each["type"]]
        kmock._payloads.clear()
    assert told == ["ADDED"]


# Counting ---------------------------------------------------------------------------------------


def writes(verb: str, resource: str, code: str) -> float:
    labels = {"component": "operator", "verb": verb, "resource": resource, "code": code}
    return REGISTRY.get_sample_value("gamesession_api_writes_total", labels) or 0


async def test_writes_are_counted_by_verb_resource_and_code(
    kmock: Server, cluster: Cluster
) -> None:
    kmock["post"] << 201 << POD
    kmock["patch"] << 409 << {"reason": "Conflict"}
    kmock["delete"] << hang_up
    counted = [
        ("create", "pods", "201"),
        ("create", "customresourcedefinitions", "201"),
        ("patch", "gamesessions/status", "409"),
        ("delete", "gamesessions", "0"),
    ]
    before = [writes(*each) for each in counted]
    await cluster.create(PODS, "games", POD)
    await cluster.create(CRDS, None, POD)
    with pytest.raises(Conflict):
        await cluster.merge_patch(SESSIONS, "games", "one", {}, subresource="status")
    with pytest.raises(Unreachable):
        await cluster.delete(SESSIONS, "games", "one", uid="a")
    assert [writes(*each) for each in counted] == [each + 1 for each in before]


async def test_reads_are_not(kmock: Server, cluster: Cluster) -> None:
    kmock[f"get {PATH}"] << POD
    total = sum(each.value for each in _samples())
    await cluster.get(PODS, "games", "one")
    assert sum(each.value for each in _samples()) == total


def _samples() -> list[Any]:
    return [
        sample
        for metric in REGISTRY.collect()
        if metric.name == "gamesession_api_writes"
        for sample in metric.samples
        if sample.name.endswith("_total")
    ]
