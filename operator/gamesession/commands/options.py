"""Options that commands share. Light: the help of a command needs no more than this."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from gamesession.api.duration import parse_duration

PLUGIN: Final = "kubectl-gamesession"
EXIT_CODES: Final = (
    "Exit codes: 0 done; 1 not found, refused or failed; 2 wrong usage; 124 time ran out while "
    "waiting; 130 interrupted."
)


class Output(StrEnum):
    """How objects are printed."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


class Goal(StrEnum):
    """What `wait` waits for."""

    READY = "ready"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command looks.

    Attributes:
        namespace: `None` for that of the context.
        context: of the kubeconfig; `None` for its current one.
        kubeconfig: `None` for kubectl's.
    """

    namespace: str | None = None
    context: str | None = None
    kubeconfig: Path | None = None


def program() -> str:
    """How the command was called, for hints that can be typed: `gamesession` or
    `kubectl gamesession`."""
    return "kubectl gamesession" if Path(sys.argv[0]).stem == PLUGIN else "gamesession"


def duration(value: str | timedelta) -> timedelta:
    """Read a duration from the command line."""
    if isinstance(value, timedelta):
        return value
    try:
        return parse_duration(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def complete_game(ctx: typer.Context, incomplete: str) -> list[str]:
    """The Games of the namespace that begin so."""
    from gamesession.commands.completion import games

    return games(_place_of(ctx), incomplete)


def complete_user(ctx: typer.Context, incomplete: str) -> list[str]:
    """The users who have a session of the Game, as far as they begin so."""
    from gamesession.commands.completion import users

    return users(_place_of(ctx), str(ctx.params.get("game") or ""), incomplete)


def _place_of(ctx: typer.Context) -> Place:
    given = ctx.params
    return Place(given.get("namespace"), given.get("context"), given.get("kubeconfig"))


Game = Annotated[
    str, typer.Argument(metavar="GAME", help="Name of a Game.", autocompletion=complete_game)
]
User = Annotated[
    str, typer.Argument(metavar="USER", help="The user.", autocompletion=complete_user)
]
AnyGame = Annotated[
    str | None,
    typer.Argument(metavar="GAME", help="Only this Game's.", autocompletion=complete_game),
]
AnyUser = Annotated[
    str | None,
    typer.Argument(metavar="USER", help="Only this user's.", autocompletion=complete_user),
]
GameOrName = Annotated[
    str,
    typer.Argument(
        metavar="GAME|NAME",
        help="Name of a Game, with USER; or a session's own name, alone.",
        autocompletion=complete_game,
    ),
]
UserOfGame = Annotated[
    str | None, typer.Argument(metavar="USER", help="The user.", autocompletion=complete_user)
]

Debug = Annotated[bool, typer.Option("--debug", envvar="GAMESESSION_DEBUG", help="Log more.")]
Kubeconfig = Annotated[
    Path | None, typer.Option(envvar="GAMESESSION_KUBECONFIG", help="A kubeconfig file.")
]
Context = Annotated[
    str | None, typer.Option(envvar="GAMESESSION_CONTEXT", help="A context of the kubeconfig.")
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        envvar="GAMESESSION_NAMESPACE",
        help="The namespace of the Games. Default: the context's.",
    ),
]
ServedNamespace = Annotated[
    str | None, typer.Option(envvar="GAMESESSION_NAMESPACE", help="The namespace of the Games.")
]
AllNamespaces = Annotated[
    bool,
    typer.Option(
        "--all-namespaces", "-A", envvar="GAMESESSION_ALL_NAMESPACES", help="Of all namespaces."
    ),
]
OutputFormat = Annotated[
    Output, typer.Option("--output", "-o", envvar="GAMESESSION_OUTPUT", help="How to print it.")
]
Timeout = Annotated[
    timedelta,
    typer.Option(
        parser=duration,
        metavar="DURATION",
        envvar="GAMESESSION_TIMEOUT",
        help="How long to wait, such as 90s or 5m. Default: 2m.",
        show_default=False,
    ),
]
TimeoutOfStep = Annotated[
    timedelta,
    typer.Option(
        parser=duration,
        metavar="DURATION",
        envvar="GAMESESSION_TIMEOUT",
        help="How long to wait for the Games to go, the sessions, the pods: each. Default: 1m.",
        show_default=False,
    ),
]
