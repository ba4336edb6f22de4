"""Options of the command line."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import typer

from gamesession.cli import app
from gamesession.commands.options import duration, program

HEAVY = ("kubernetes", "kopf", "pydantic", "aiohttp", "structlog", "uvloop")


def test_every_option_can_come_from_the_environment() -> None:
    group = typer.main.get_command(app)
    options = [
        (name, option)
        for name, command in group.commands.items()  # type: ignore[attr-defined]
        for option in command.params
        if option.param_type_name == "option"
    ]
    assert len(options) > 40
    wrong = [
        f"{name} {option.opts[0]}"
        for name, option in options
        if not str(option.envvar).startswith("GAMESESSION_")
    ]
    assert wrong == []


def test_help_is_quick_for_it_imports_little() -> None:
    """In a process of its own: this one has imported everything."""
    code = (
        "import sys; sys.argv = ['gamesession', '--help']\n"
        "from gamesession.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "uninstall" in ended.stdout
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("called", "told"),
    [
        ("/usr/bin/gamesession", "gamesession"),
        ("/usr/bin/kubectl-gamesession", "kubectl gamesession"),
        ("/opt/app/gamesession/__main__.py", "gamesession"),
    ],
)
def test_hints_name_the_command_as_it_was_called(
    called: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    assert program() == told


def test_durations_are_written_as_in_the_objects() -> None:
    assert duration("1m30s") == timedelta(seconds=90)
    with pytest.raises(typer.BadParameter, match="'90' is not a duration such as 90s"):
        duration("90")


def test_what_pyproject_calls_is_there() -> None:
    scripts = (Path(__file__).parents[3] / "pyproject.toml").read_text()
    assert 'kubectl-gamesession = "gamesession.cli:main"' in scripts
    from gamesession import cli

    assert callable(cli.main)
    assert callable(cli.complete_for_kubectl)
