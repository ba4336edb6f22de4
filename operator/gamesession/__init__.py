"""GameSession operator: a pod of their own for every user of a game, on demand, while they play.

For back ends: `GameSessionManager`, `AsyncGameSessionManager`, `GameSession` (docs/sdk.md).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gamesession.client.asynchronous import AsyncGameSessionManager
    from gamesession.client.blocking import GameSessionManager
    from gamesession.client.managed import GameSession

__all__ = ["AsyncGameSessionManager", "GameSession", "GameSessionManager"]

_MODULES = {
    "AsyncGameSessionManager": "gamesession.client.asynchronous",
    "GameSession": "gamesession.client.managed",
    "GameSessionManager": "gamesession.client.blocking",
}


def __getattr__(name: str) -> Any:
    """The SDK, loaded when it is asked for: operator and command have no use for it."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
