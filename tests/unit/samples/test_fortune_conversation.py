"""Remembering what was said, and waiting for what is said next."""

from __future__ import annotations

import asyncio

from fortune_game.conversation import REMEMBERED, Conversation

from tests.unit.samples.fortune_pod import DEADLINE

LONG = 3600.0


async def test_a_new_exchange_wakes_everyone_who_waits() -> None:
    conversation = Conversation()
    waiting = [asyncio.create_task(conversation.after(0, LONG)) for _ in range(3)]
    await asyncio.sleep(0)
    said = conversation.add("hello", "world")
    async with asyncio.timeout(DEADLINE):
        assert await asyncio.gather(*waiting) == [[said]] * 3


async def test_what_was_said_already_is_returned_without_waiting() -> None:
    conversation = Conversation()
    said = [conversation.add(str(number), "reply") for number in range(3)]
    async with asyncio.timeout(DEADLINE):
        assert await conversation.after(1, LONG) == said[1:]


async def test_waiting_ends_with_nothing_when_nothing_is_said() -> None:
    conversation = Conversation()
    conversation.add("hello", "world")
    assert await conversation.after(1, 0.01) == []


async def test_the_end_lets_everyone_go() -> None:
    conversation = Conversation()
    waiting = asyncio.create_task(conversation.after(0, LONG))
    await asyncio.sleep(0)
    conversation.end()
    async with asyncio.timeout(DEADLINE):
        assert await waiting == []
        assert await conversation.after(0, LONG) == []


async def test_old_exchanges_are_counted_and_no_longer_kept() -> None:
    conversation = Conversation()
    for number in range(REMEMBERED + 5):
        conversation.add(str(number), "reply")
    assert conversation.count == REMEMBERED + 5
    assert [exchange.number for exchange in conversation.exchanges] == [*range(6, REMEMBERED + 6)]
    assert conversation.last_message == str(REMEMBERED + 4)
