"""Running a command: what stops it is told in a sentence, never a traceback."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from gamesession.api.errors import GameSessionError
from gamesession.commands.failure import FAILED, INTERRUPTED, Failure
from gamesession.commands.table import printable
from gamesession.commands.view import reason
from gamesession.kube.connection import NoCluster
from gamesession.kube.errors import ApiError, Unreachable
from gamesession.log import configure_logging


def run(work: Coroutine[Any, Any, None], *, debug: bool) -> None:
    """Run what a command does for people; ends the process when it does not succeed."""
    configure_logging(debug=debug, level=logging.DEBUG if debug else logging.CRITICAL)
    guarded(lambda: asyncio.run(work))


def guarded(work: Callable[[], None]) -> None:
    """Do it, and end the process with a sentence if that fails."""
    try:
        work()
    except Failure as failure:
        _end(str(failure), failure.code)
    except GameSessionError as error:
        _end(_with_cause(error), FAILED)
    except ApiError as error:
        _end(f"the API server says no: {error.message}")
    except Unreachable as error:
        _end(f"the API server does not answer: {reason(error)}")
    except (NoCluster, OSError) as error:
        _end(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _with_cause(error: GameSessionError) -> str:
    """What gateways tell users, and what the API server said, which is ours to know."""
    cause = error.__cause__
    if isinstance(cause, ApiError):
        return f"{error.message} The API server says: {cause.message}"
    if cause is not None:
        return f"{error.message} ({cause})"
    return error.message + (f" Try again in {error.retry_after} s." if error.retry_after else "")


def _end(message: str, code: int = FAILED) -> None:
    sys.stderr.write(f"gamesession: {printable(message, keep_lines=True)}\n")
    sys.exit(code)
