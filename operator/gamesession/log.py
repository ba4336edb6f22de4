"""One structured line per event: JSON in a pod, readable on a terminal (contract 7)."""

from __future__ import annotations

import logging
import sys
from typing import Final

import structlog

_TRACEBACKS: Final = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def configure_logging(*, debug: bool = False, level: int | None = None) -> None:
    """Send our own events, and the warnings of the libraries, to standard error.

    Args:
        level: the least that is told of our own events; by default `INFO`, with `debug` `DEBUG`.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    last: structlog.typing.Processor
    # Tracebacks without the values of local variables: tokens and bodies stand in those.
    if terminal:
        last = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    else:
        last = structlog.processors.JSONRenderer()
    errors = [] if terminal else [structlog.processors.ExceptionRenderer(_TRACEBACKS)]
    if level is None:
        level = logging.DEBUG if debug else logging.INFO
    structlog.configure(
        processors=[*shared, *errors, last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *errors,
                last,
            ],
        )
    )
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
