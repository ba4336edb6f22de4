"""Runs both services in one process until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from aiohttp import web

from fortune_game.agent import fortune_agent
from fortune_game.life import Life
from fortune_game.live import live_service
from fortune_game.past import PastStore
from fortune_game.settings import BadSetting, Settings

log = logging.getLogger("fortune_game")

FINISH_WITHIN = 1.0
"""Seconds that a request under way has left when the process is told to stop."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serve until `stop` is set."""
    store = PastStore(settings.redis_url)
    life = Life(store, settings.pod_uid, settings.save_delay)
    # The agent's port comes last: it carries the readiness probe, which speaks for both.
    services = (
        (live_service(life), settings.live_port),
        (fortune_agent(life), settings.agent_port),
    )
    runners = []
    try:
        for app, port in services:
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_WITHIN)
            runners.append(runner)
            await runner.setup()
            await web.TCPSite(runner, port=port).start()
        log.info("agent on port %d, live on port %d", settings.agent_port, settings.live_port)
        await stop.wait()
        log.info("stopping")
    finally:
        await asyncio.gather(*(runner.cleanup() for runner in runners))
        await store.close()


async def main() -> None:
    """Read the environment, take the signals, and serve."""
    settings = Settings.from_environment(os.environ)
    stop = asyncio.Event()
    # As process 1 of a container, a signal without a handler would be ignored.
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await run(settings, stop)


if __name__ == "__main__":
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        asyncio.run(main())
    except BadSetting as error:
        sys.exit(str(error))
