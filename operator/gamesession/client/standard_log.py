"""The log of the SDK goes where its user's goes: to `logging`, below `gamesession`."""

from __future__ import annotations

from typing import Any

import structlog


def log_to_logging() -> None:
    """Hand our lines to `logging`, unless the program has set up structlog itself.

    Left alone, structlog would print all of them to standard output.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _line],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


def _line(
    logger: Any, method: str, event: structlog.typing.EventDict
) -> tuple[tuple[str, str], dict[str, Any]]:
    """`event name=value …`, and the exception for the handlers to write."""
    error = event.pop("exc_info", None)
    words = [str(event.pop("event", "")), *(f"{name}={value!r}" for name, value in event.items())]
    return ("%s", " ".join(words)), {"exc_info": error} if error else {}
