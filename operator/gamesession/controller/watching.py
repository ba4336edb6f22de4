"""kopf, run so that it comes to its end."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import kopf

from gamesession.controller import handlers

ENDING_SECONDS: Final = 10.0
"""kopf waits five seconds for tasks that go on before it cancels them."""
ROUNDS: Final = 5


class Stuck(Exception):
    """kopf stopped watching, and did not come to its end."""


async def watch(
    registry: kopf.OperatorRegistry, namespaces: list[str], stopping: asyncio.Event
) -> None:
    """Have kopf watch, until it was asked to stop.

    kopf cancels each of its tasks once, and waits for them without end. A watch that is about to
    connect when another one fails takes that for a pause (1.45.2, `api.stream`: with it, what
    would tell of a pause is cancelled): it goes on, and waits for credentials that nobody gets any
    more. So kopf has `ENDING_SECONDS`, and then its tasks are cancelled again.

    Args:
        stopping: set when kopf has stopped watching.

    Raises:
        Stuck: it did not end by itself.
        Exception: whatever ended it.
    """
    waiting = asyncio.create_task(stopping.wait())
    before = asyncio.all_tasks()
    running = asyncio.create_task(_run(registry, namespaces), name="kopf")
    try:
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({running}, timeout=ENDING_SECONDS)
        if not running.done():
            raise Stuck("kopf did not come to its end")
        await running
    finally:
        waiting.cancel()
        if not running.done():
            running.cancel()
            await asyncio.wait({running}, timeout=ENDING_SECONDS)
            await _cancel_all_but(before)


async def _run(registry: kopf.OperatorRegistry, namespaces: list[str]) -> None:
    await kopf.operator(
        registry=registry,
        settings=handlers.settings(),
        namespaces=namespaces,
        standalone=True,
        # kopf would make one from the user's name, and a numeric user has none.
        identity="gamesession-operator",  # type: ignore[arg-type]
    )


async def _cancel_all_but(others: set[asyncio.Task[Any]]) -> None:
    """Cancel what came since, as kopf does, but as often as it takes."""
    for _ in range(ROUNDS):
        tasks = asyncio.all_tasks() - others - {asyncio.current_task()}
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=1.0)
