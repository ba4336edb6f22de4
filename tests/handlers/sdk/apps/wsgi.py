"""A WSGI application that keeps an object for each user, and uses the SDK from its import on."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from gamesession import GameSessionManager
from tests.handlers.sdk.apps.record import Recorded

manager = GameSessionManager()
early = manager.create_session("early", "chess")
early.set_service("agent", Recorded("early"))


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """`GET /<user>`: who serves."""
    session = manager.create_session(environ["PATH_INFO"].strip("/"), "chess")
    agent = session.get_service("agent")
    if agent is None:
        session.set_service("agent", Recorded(session.user_id))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
