"""What the environment of the pod says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


class BadSetting(ValueError):
    """A variable of the environment has a value that cannot be used; the message names it."""


@dataclass(frozen=True)
class Settings:
    """How one process of the game runs."""

    pod_uid: str | None = None
    """Uid of the pod, set by the operator. None outside of Kubernetes: any pod uid is believed."""
    game: str | None = None
    """Name of the Game, set by the operator."""
    redis_url: str | None = None
    """Where pasts are kept. None: nothing is remembered beyond the life of the pod."""
    save_delay: float = 0.0
    """Seconds by which a save is drawn out, so that tests can look at a pod while it saves."""
    agent_port: int = 8001
    live_port: int = 8002

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            BadSetting: a variable is set to something that cannot be used.
        """
        return cls(
            pod_uid=environment.get("GAMESESSION_POD_UID") or None,
            game=environment.get("GAMESESSION_GAME") or None,
            redis_url=environment.get("REDIS_URL") or None,
            save_delay=_seconds(environment, "FORTUNE_SAVE_DELAY", cls.save_delay),
            agent_port=_port(environment, "FORTUNE_AGENT_PORT", cls.agent_port),
            live_port=_port(environment, "FORTUNE_LIVE_PORT", cls.live_port),
        )


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (math.isfinite(seconds) and seconds >= 0):
        raise BadSetting(f"{name}: a number of seconds, 0 or more, was expected, not {text!r}")
    return seconds


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise BadSetting(f"{name}: a port from 1 to 65535 was expected, not {text!r}")
    return int(text)
