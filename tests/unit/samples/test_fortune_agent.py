"""The service fortune_agent over HTTP."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from aiohttp import ClientResponse
from fortune_game.service import LARGEST_BODY

from tests.unit.samples.fortune_pod import DEADLINE, MakePod, RedisServer, identity


async def error_of(response: ClientResponse) -> tuple[int, str, str]:
    """Status, code and message of an error, which has the form of the gateway's own errors."""
    body = await response.json()
    assert body["success"] is False
    assert body["error"].keys() == {"code", "message", "request_id"}
    return response.status, body["error"]["code"], body["error"]["message"]


async def test_a_chat_names_the_user_and_counts_the_messages(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    pod = await make_pod(redis_server.url)
    first, second = await pod.chat("shall I?"), await pod.chat("and now?")
    assert "Welcome, alice: this is your first conversation." in first["reply"]
    assert [answer["messages"] for answer in (first, second)] == [1, 2]
    assert [answer["past_conversations"] for answer in (first, second)] == [0, 0]
    assert "alice" in second["reply"] and "Message 2 " in second["reply"]
    assert second["session_id"] == "alice_fortune-game_1700000000"


async def test_messages_that_come_at_once_get_a_number_each(make_pod: MakePod) -> None:
    pod = await make_pod()
    answers = await asyncio.gather(*(pod.chat(f"question {n}") for n in range(40)))
    assert sorted(answer["messages"] for answer in answers) == [*range(1, 41)]


async def test_the_conversation_is_remembered(make_pod: MakePod) -> None:
    pod = await make_pod()
    answers = [await pod.chat(message) for message in ("one", "two")]
    said = await (await pod.get("/api/fortune/conversation")).json()
    assert [exchange["message"] for exchange in said["exchanges"]] == ["one", "two"]
    assert [exchange["reply"] for exchange in said["exchanges"]] == [a["reply"] for a in answers]


async def test_whoami_says_who_is_served_and_where(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    pod = await make_pod(redis_server.url)
    await pod.chat("shall I?")
    assert await pod.whoami() == {
        "success": True,
        "user": "alice",
        "session_id": "alice_fortune-game_1700000000",
        "game": "fortune-game",
        "pod": "pod-1",
        "messages": 1,
        "past_known": True,
        "past_conversations": 0,
        "past_messages": 0,
        "last_message": None,
        "saved_at": None,
    }


async def test_any_route_will_do(make_pod: MakePod) -> None:
    pod = await make_pod()
    response = await pod.get("/api/another-route/whoami")
    assert response.status == 200


async def test_a_request_for_another_user_is_misdirected_and_learns_nothing(
    make_pod: MakePod,
) -> None:
    pod = await make_pod()
    await pod.chat("my secret")
    for response in (
        await pod.get("/api/fortune/whoami", user="bob"),
        await pod.get("/api/fortune/conversation", user="Alice"),
        await pod.post({"message": "hello"}, identity("bob")),
    ):
        status, code, message = await error_of(response)
        assert (status, code) == (421, "misdirected")
        assert "X-Game-User" in message and "alice" not in message
    assert (await pod.whoami())["messages"] == 1


async def test_a_request_for_another_pod_is_misdirected_and_binds_nobody(make_pod: MakePod) -> None:
    pod = await make_pod(pod_uid="pod-1")
    response = await pod.get("/api/fortune/whoami", user="bob", pod="pod-2")
    assert (await error_of(response))[:2] == (421, "misdirected")
    nameless = {name: text for name, text in identity("bob").items() if name != "X-Game-Pod"}
    assert (await pod.post({"message": "hello"}, nameless)).status == 421
    assert (await pod.whoami("alice"))["user"] == "alice"


async def test_without_a_uid_of_its_own_any_pod_is_believed(make_pod: MakePod) -> None:
    pod = await make_pod(pod_uid=None)
    assert (await pod.whoami(pod="pod-7"))["pod"] == "pod-7"


async def test_a_request_that_names_nobody_is_refused_and_binds_nobody(make_pod: MakePod) -> None:
    pod = await make_pod()
    response = await pod.agent.get("/api/fortune/whoami", headers={"X-Game-Pod": "pod-1"})
    status, code, message = await error_of(response)
    assert (status, code) == (400, "bad_request")
    assert message.startswith("X-Game-User: missing")
    assert pod.life.user is None


async def test_an_encoded_name_is_spoken_as_it_is(make_pod: MakePod) -> None:
    pod = await make_pod()
    answer = await pod.chat("hello", user="Jos%C3%A9%20%2F%20Smith")
    assert answer["user"] == "Jos\u00e9 / Smith"
    assert "Jos\u00e9 / Smith" in answer["reply"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"nonsense", "body: must be JSON"),
        (b"{}", "message: missing"),
        (b'{"message": ["a"]}', "message: must be a string"),
    ],
)
async def test_a_bad_body_is_refused_by_field_and_is_no_message(
    make_pod: MakePod, body: bytes, problem: str
) -> None:
    pod = await make_pod()
    response = await pod.agent.post("/api/fortune/chat", data=body, headers=identity())
    assert await error_of(response) == (400, "bad_request", problem)
    assert (await pod.whoami())["messages"] == 0


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_refused(make_pod: MakePod, chunked: bool) -> None:
    body = b" " * LARGEST_BODY + b"x"

    async def chunks() -> Any:
        yield body

    pod = await make_pod()
    data = chunks() if chunked else body
    response = await pod.agent.post("/api/fortune/chat", data=data, headers=identity())
    assert (await error_of(response))[:2] == (413, "payload_too_large")


async def test_unknown_paths_and_wrong_methods_are_said_as_json(make_pod: MakePod) -> None:
    pod = await make_pod()
    assert (await error_of(await pod.get("/api/fortune/nothing")))[:2] == (404, "not_found")
    response = await pod.get("/api/fortune/chat")
    assert (await error_of(response))[:2] == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"
    assert (await response.json())["error"]["request_id"] == "request-1"


async def test_health_is_told_to_whoever_asks_and_binds_nobody(make_pod: MakePod) -> None:
    pod = await make_pod()
    assert (await pod.agent.get("/healthz")).status == 200
    assert pod.life.user is None


async def test_the_next_life_of_a_user_is_new_and_knows_the_past(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    first = await make_pod(redis_server.url, pod_uid="pod-1")
    await first.chat("shall I?")
    await first.chat("farewell")
    assert (await first.on_close()).status == 200

    second = await make_pod(redis_server.url, pod_uid="pod-2")
    answer = await second.chat("I am back", pod="pod-2")
    assert "Welcome back, alice: this is your 2nd conversation." in answer["reply"]
    assert 'Last time you left with "farewell".' in answer["reply"]
    assert answer["messages"] == 1
    who = await second.whoami(pod="pod-2")
    assert (who["past_conversations"], who["past_messages"]) == (1, 2)
    assert who["last_message"] == "farewell" and who["saved_at"]


async def test_another_user_has_another_past(make_pod: MakePod, redis_server: RedisServer) -> None:
    first = await make_pod(redis_server.url, pod_uid="pod-1")
    await first.chat("shall I?")
    await first.on_close()
    second = await make_pod(redis_server.url, pod_uid="pod-2")
    answer = await second.chat("hello", user="bob", pod="pod-2")
    assert answer["past_conversations"] == 0
    assert "Welcome, bob: this is your first conversation." in answer["reply"]


async def test_a_repeated_hook_counts_one_conversation(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    pod = await make_pod(redis_server.url)
    await pod.chat("shall I?")
    answers = await asyncio.gather(*(pod.on_close() for _ in range(5)))
    assert [(await answer.json())["past_conversations"] for answer in answers] == [1] * 5


async def test_a_pod_that_served_nobody_saves_nothing(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    pod = await make_pod(redis_server.url)
    response = await pod.on_close()
    assert response.status == 200
    assert await response.json() == {"success": True, "saved": False, "past_conversations": None}
    assert redis_server.client.keys() == []


async def test_a_pod_that_was_told_its_user_knows_the_past_before_the_first_message(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    first = await make_pod(redis_server.url, pod_uid="pod-1")
    await first.chat("farewell")
    await first.on_close()
    second = await make_pod(redis_server.url, pod_uid="pod-2")
    for _ in range(2):
        answer = await second.on_claim(pod="pod-2")
        assert (answer.status, await answer.json()) == (200, {"success": True, "past_known": True})
    redis_server.stop()
    said = await second.chat("I am back", pod="pod-2")
    assert (said["messages"], said["past_conversations"]) == (1, 1)
    assert 'Last time you left with "farewell".' in said["reply"]


async def test_a_pod_that_was_told_its_user_serves_nobody_else(make_pod: MakePod) -> None:
    pod = await make_pod()
    assert (await pod.on_claim()).status == 200
    assert (await pod.get("/api/fortune/whoami", user="bob")).status == 421
    assert (await pod.on_claim(user="bob")).status == 421
    assert (await pod.on_claim(pod="pod-2")).status == 421
    nobody = await pod.agent.post("/on-claim")
    assert nobody.status == 400


async def test_with_redis_away_a_pod_takes_its_user_all_the_same(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    redis_server.stop()
    pod = await make_pod(redis_server.url, load_within=0.2)
    async with asyncio.timeout(DEADLINE):
        answer = await pod.on_claim()
        assert (answer.status, await answer.json()) == (200, {"success": True, "past_known": False})
        assert (await pod.chat("shall I?"))["messages"] == 1


async def test_a_save_that_is_drawn_out_is_not_seen_before_its_end(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    """The operator must wait for the old pod: who starts too early finds an empty past."""
    slow = await make_pod(redis_server.url, pod_uid="pod-1", save_delay=3600)
    await slow.chat("shall I?")
    saving = asyncio.create_task(slow.on_close())
    done, _ = await asyncio.wait({saving}, timeout=0.5)
    assert not done
    early = await make_pod(redis_server.url, pod_uid="pod-2")
    assert (await early.whoami(pod="pod-2"))["past_conversations"] == 0
    saving.cancel()


async def test_a_drawn_out_save_saves_in_the_end(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    pod = await make_pod(redis_server.url, save_delay=0.2)
    await pod.chat("shall I?")
    began = time.monotonic()
    assert (await (await pod.on_close()).json())["past_conversations"] == 1
    # The event loop wakes a sleeper up to one tick of its clock early.
    assert time.monotonic() - began >= 0.19


async def test_without_redis_the_chat_goes_on_and_the_hook_reports_it(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    redis_server.stop()
    pod = await make_pod(redis_server.url, load_within=0.2, save_within=0.2)
    async with asyncio.timeout(DEADLINE):
        answer = await pod.chat("shall I?")
        assert "the past is out of reach" in answer["reply"]
        assert answer["past_conversations"] is None
        assert (await pod.whoami())["past_known"] is False
        status, code, message = await error_of(await pod.on_close())
    assert (status, code) == (503, "unavailable")
    assert message.startswith("not saved: ")


async def test_a_redis_that_comes_back_takes_the_save(
    make_pod: MakePod, redis_server: RedisServer
) -> None:
    redis_server.stop()
    pod = await make_pod(redis_server.url, load_within=0.2)
    await pod.chat("shall I?")
    redis_server.start()
    assert await (await pod.on_close()).json() == {
        "success": True,
        "saved": True,
        "past_conversations": 1,
    }


@pytest.mark.parametrize("path", ["/api/fortune/on-close", "/on-close"])
async def test_no_users_request_reaches_the_hook(
    make_pod: MakePod, redis_server: RedisServer, path: str
) -> None:
    pod = await make_pod(redis_server.url)
    await pod.chat("shall I?")
    assert (await error_of(await pod.get(path)))[:2] == (404, "not_found")
    assert redis_server.client.keys() == []
