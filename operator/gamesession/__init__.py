"""GameSession operator: a pod of their own for every user of a game, on demand, while they play.

For back ends: `GameSessionManager`, `AsyncGameSessionManager`, `GameSession`, and what they raise
(docs/sdk.md).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gamesession.api.errors import GameSessionError
    from gamesession.client.asynchronous import AsyncGameSessionManager
    from gamesession.client.blocking import GameSessionManager
    from gamesession.client.managed import GameSession
    from gamesession.client.services import SessionEnded
    from gamesession.kube.connection import NoCluster

__all__ = [
    "AsyncGameSessionManager",
    "GameSession",
    "GameSessionError",
    "GameSessionManager",
    "NoCluster",
    "SessionEnded",
]

_MODULES = {
    "AsyncGameSessionManager": "gamesession.client.asynchronous",
    "GameSession": "gamesession.client.managed",
    "GameSessionError": "gamesession.api.errors",
    "GameSessionManager": "gamesession.client.blocking",
    "NoCluster": "gamesession.kube.connection",
    "SessionEnded": "gamesession.client.services",
}


def __getattr__(name: str) -> Any:
    """The SDK, loaded when it is asked for: operator and command have no use for it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
