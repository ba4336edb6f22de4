"""What lasts in Redis, and what happens without it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fortune_game.past import Past, PastStore, PastUnavailable

from tests.unit.samples.fortune_pod import DEADLINE, RedisServer


@asynccontextmanager
async def store(url: str | None, within: float = 10.0) -> AsyncIterator[PastStore]:
    opened = PastStore(url, load_within=within, save_within=within)
    try:
        yield opened
    finally:
        await opened.close()


async def test_a_new_user_has_an_empty_past(redis_server: RedisServer) -> None:
    async with store(redis_server.url) as pasts:
        assert await pasts.load("alice") == Past(0, 0, None, None)


async def test_what_was_saved_is_loaded_and_adds_up(redis_server: RedisServer) -> None:
    async with store(redis_server.url) as pasts:
        assert await pasts.save("alice", "pod-1", 3, "bye") == 1
        assert await pasts.save("alice", "pod-2", 4, "bye again") == 2
        past = await pasts.load("alice")
    assert (past.conversations, past.messages, past.last_message) == (2, 7, "bye again")
    assert past.saved_at is not None and past.saved_at.endswith("Z")


async def test_a_pod_counts_once_however_often_it_saves(redis_server: RedisServer) -> None:
    async with store(redis_server.url) as pasts:
        saves = [pasts.save("alice", "pod-1", 3, "bye") for _ in range(20)]
        assert set(await asyncio.gather(*saves)) == {1}
        past = await pasts.load("alice")
    assert (past.conversations, past.messages) == (1, 3)


async def test_a_repeated_save_adds_what_was_said_since(redis_server: RedisServer) -> None:
    async with store(redis_server.url) as pasts:
        await pasts.save("alice", "pod-1", 3, "bye")
        await pasts.save("alice", "pod-1", 5, "one more thing")
        # Overtaken on its way by the save above.
        await pasts.save("alice", "pod-1", 4, "late")
        past = await pasts.load("alice")
    assert (past.conversations, past.messages, past.last_message) == (1, 5, "one more thing")


async def test_a_conversation_without_messages_keeps_the_last_message(
    redis_server: RedisServer,
) -> None:
    async with store(redis_server.url) as pasts:
        await pasts.save("alice", "pod-1", 1, "bye")
        assert await pasts.save("alice", "pod-2", 0, None) == 2
        assert await pasts.save("alice", "pod-2", 0, None) == 2
        assert (await pasts.load("alice")).last_message == "bye"


async def test_users_whose_names_look_alike_have_pasts_of_their_own(
    redis_server: RedisServer,
) -> None:
    names = ["alice", "Alice", "alice ", "Jos\u00e9", "Jose\u0301", "a\nb", "*"]
    async with store(redis_server.url) as pasts:
        for number, name in enumerate(names):
            await pasts.save(name, f"pod-{number}", number + 1, name)
        assert [(await pasts.load(name)).last_message for name in names] == names


async def test_no_key_holds_a_name(redis_server: RedisServer) -> None:
    async with store(redis_server.url) as pasts:
        await pasts.save("alice", "pod-1", 1, "bye")
    digest = hashlib.sha256(b"alice").hexdigest()
    assert set(redis_server.client.keys()) == {f"fortune:user:{digest}", "fortune:life:pod-1"}


async def test_a_connection_that_broke_while_idle_costs_nothing(redis_server: RedisServer) -> None:
    async with store(redis_server.url) as pasts:
        await pasts.load("alice")
        redis_server.stop()
        redis_server.start()
        assert await pasts.save("alice", "pod-1", 1, "bye") == 1


async def test_a_redis_that_is_gone_is_said_within_the_bound(redis_server: RedisServer) -> None:
    async with store(redis_server.url, within=0.2) as pasts:
        await pasts.load("alice")
        redis_server.stop()
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(PastUnavailable):
                await pasts.load("alice")
            with pytest.raises(PastUnavailable):
                await pasts.save("alice", "pod-1", 1, "bye")


async def test_a_redis_that_takes_the_connection_and_is_silent_is_said_within_the_bound() -> None:
    hang_up = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hang_up.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with store(f"redis://127.0.0.1:{port}/0", within=0.2) as pasts:
        async with asyncio.timeout(DEADLINE):
            with pytest.raises(PastUnavailable, match=r"no answer within 0\.2 s"):
                await pasts.load("alice")
    hang_up.set()
    server.close()


async def test_what_is_not_a_past_is_an_unknown_past(redis_server: RedisServer) -> None:
    key = f"fortune:user:{hashlib.sha256(b'alice').hexdigest()}"
    async with store(redis_server.url) as pasts:
        redis_server.client.hset(key, "past_conversations", "many")
        with pytest.raises(PastUnavailable):
            await pasts.load("alice")
        redis_server.client.set(key, "a string")
        with pytest.raises(PastUnavailable, match="WRONGTYPE"):
            await pasts.load("alice")


@pytest.mark.parametrize(
    "url", [None, "redis://$(FORTUNE_REDIS_SERVICE_HOST):$(FORTUNE_REDIS_SERVICE_PORT)/0", "nine"]
)
async def test_a_game_without_a_usable_address_runs_and_says_so(
    url: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with store(url) as pasts:
        assert "REDIS_URL" in caplog.text
        with pytest.raises(PastUnavailable, match="REDIS_URL"):
            await pasts.save("alice", "pod-1", 1, "bye")


async def test_a_password_in_a_bad_address_stays_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with store("redis://:secret@host:port/0"):
        assert "REDIS_URL" in caplog.text
        assert "secret" not in caplog.text
