"""Log lines: what an error tells, and what it must not."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from gamesession.log import configure_logging


class Terminal(io.StringIO):
    """A standard error that somebody reads."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was for the tests that follow."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def fail_with_a_secret() -> None:
    headers = {"Authorization": "Bearer s3cret"}
    raise RuntimeError(f"{len(headers)} header was not taken")


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("library", [False, True])
def test_an_error_shows_where_it_was_but_no_values(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], library: bool
) -> None:
    """Tokens stand in local variables; a traceback that shows those would log them."""
    monkeypatch.setattr(sys, "stderr", output := stream())
    configure_logging()
    try:
        fail_with_a_secret()
    except RuntimeError:
        if library:
            logging.getLogger("kopf").exception("it failed")
        else:
            structlog.get_logger().exception("it failed")
    text = output.getvalue()
    assert "it failed" in text
    assert "fail_with_a_secret" in text
    assert "1 header was not taken" in text
    assert "s3cret" not in text


def test_in_a_pod_a_line_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """One object a line, with event, level, time and fields."""
    monkeypatch.setattr(sys, "stderr", output := io.StringIO())
    configure_logging()
    structlog.get_logger().info("session ready", seconds=0.5)
    line = json.loads(output.getvalue())
    assert (line["event"], line["level"], line["seconds"]) == ("session ready", "info", 0.5)
    assert line["timestamp"].endswith("Z")
