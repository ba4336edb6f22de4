"""An ASGI application with the asynchronous face, closed at the end of its lifespan."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gamesession import AsyncGameSessionManager
from tests.handlers.sdk.apps.record import AsynchronouslyRecorded, Recorded

manager = AsyncGameSessionManager()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """As long as the application serves."""
    async with manager:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/{user}")
async def play(user: str) -> int:
    """Who serves."""
    session = await manager.create_session(user, "chess")
    if session.get_service("agent") is None:
        session.set_service("agent", Recorded(user))
        session.set_service("other", AsynchronouslyRecorded(user))
    return os.getpid()
