"""Where a back end finds its sessions: arguments, or the environment with prefix `GAMESESSION_`."""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from gamesession.api.duration import format_duration, parse_duration
from gamesession.api.errors import BadRequest
from gamesession.plan.game import Game

LEAST_TIMEOUT: Final = timedelta(seconds=5)
LONGEST_TIMEOUT: Final = timedelta(days=365)


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


class SdkSettings(BaseSettings):
    """The cluster, and how long to wait.

    Attributes:
        namespace: of the Games and sessions.
        kubeconfig, context: the cluster; `None` for the pod's own, else kubectl's current one.
        hold: how long a session may take to be Ready.
    """

    model_config = SettingsConfigDict(env_prefix="GAMESESSION_", extra="ignore", frozen=True)

    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")] = "default"
    kubeconfig: Path | None = None
    context: str | None = None
    hold: Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))] = timedelta(
        seconds=25
    )


def settings_of(**given: Any) -> SdkSettings:
    """Settings from arguments, and where they are `None`, from the environment.

    Raises:
        ValueError: one is not usable; the message names it.
    """
    return SdkSettings(**{name: value for name, value in given.items() if value is not None})


def timeout_of(session_timeout: float | None) -> timedelta | None:
    """The idle timeout that is asked for.

    Args:
        session_timeout: minutes; `None` for each Game's own.

    Raises:
        ValueError: there can be no such timeout.
    """
    if session_timeout is None:
        return None
    least, longest = LEAST_TIMEOUT.total_seconds() / 60, LONGEST_TIMEOUT.total_seconds() / 60
    if not (math.isfinite(session_timeout) and least - 1e-9 <= session_timeout <= longest):
        raise ValueError(
            f"session_timeout={session_timeout} is not usable: it is minutes, "
            f"{least:.4f} (5 s) at least; None leaves it to the Game"
        )
    # To the millisecond, as durations are written.
    return timedelta(milliseconds=round(session_timeout * 60_000))


def interval_of(cleanup_interval: float) -> float:
    """Seconds between two comparisons.

    Raises:
        ValueError: there can be no such interval.
    """
    if not (math.isfinite(cleanup_interval) and cleanup_interval > 0):
        raise ValueError(f"cleanup_interval={cleanup_interval} is not usable: seconds, above 0")
    return cleanup_interval


def check_timeout(timeout: timedelta | None, game: Game) -> None:
    """Raise `BadRequest` where a Game allows no such timeout: its session would fail."""
    if timeout is not None and timeout > game.max_idle_timeout:
        raise BadRequest(
            f"session_timeout of {format_duration(timeout)} is above "
            f"spec.session.maxIdleTimeout of Game {game.name}, "
            f"{format_duration(game.max_idle_timeout)}: lower the one or raise the other."
        )
