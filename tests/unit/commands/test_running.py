"""What stops a command: a sentence and an exit code, never a traceback."""

from __future__ import annotations

import pytest

from gamesession.api.errors import Capacity, GameSuspended, Unavailable
from gamesession.commands.failure import TIMED_OUT, USAGE, Failure
from gamesession.commands.running import guarded
from gamesession.kube.connection import NoCluster
from gamesession.kube.errors import Unreachable, api_error


def caused(error: Exception, cause: Exception) -> Exception:
    """An error raised because of another one."""
    error.__cause__ = cause
    return error


FORBIDDEN = api_error(403, {"reason": "Forbidden", "message": "User x cannot do that"})


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (Failure("not there"), 1, "not there"),
        (Failure("wrong", USAGE), 2, "wrong"),
        (Failure("late", TIMED_OUT), 124, "late"),
        (GameSuspended("No new ones."), 1, "No new ones."),
        (Capacity("Too many.", retry_after=5), 1, "Too many. Try again in 5 s."),
        (
            caused(Unavailable("Not now."), FORBIDDEN),
            1,
            "Not now. The API server says: User x cannot do that",
        ),
        (FORBIDDEN, 1, "the API server says no: User x cannot do that"),
        (
            caused(Unreachable("GET /x: repr"), OSError("Cannot connect")),
            1,
            "the API server does not answer: Cannot connect",
        ),
        (
            caused(Unreachable("GET /x"), TimeoutError()),
            1,
            "the API server does not answer: no answer in time",
        ),
        (NoCluster("no kubeconfig"), 1, "no kubeconfig"),
        (OSError("no such file"), 1, "no such file"),
        (Failure("a\x1b[31m\nb"), 1, "a\\x1b[31m\nb"),
    ],
)
def test_what_stops_a_command(
    error: Exception, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        guarded(work)
    assert end.value.code == code
    assert capsys.readouterr().err == f"gamesession: {told}\n"


def test_an_interruption() -> None:
    def work() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        guarded(work)
    assert end.value.code == 130


def test_success_ends_nothing() -> None:
    guarded(lambda: None)
