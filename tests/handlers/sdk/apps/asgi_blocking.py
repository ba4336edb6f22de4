"""An ASGI application with the blocking face, in plain functions."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gamesession import GameSessionManager
from tests.handlers.sdk.apps.record import AsynchronouslyRecorded, Recorded

manager = GameSessionManager()
early = manager.create_session("early", "chess")
early.set_service("agent", Recorded("early"))


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """As long as the application serves."""
    with manager:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/{user}")
def play(user: str) -> int:
    """Who serves."""
    session = manager.create_session(user, "chess")
    if session.get_service("agent") is None:
        session.set_service("agent", Recorded(user))
        session.set_service("other", AsynchronouslyRecorded(user))
    return os.getpid()
