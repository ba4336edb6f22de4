"""`gamesession status`: all about one session."""

from __future__ import annotations

from datetime import UTC, datetime

from gamesession.commands.line import Line
from gamesession.commands.options import Output, Place
from gamesession.commands.printing import is_object, say, write, write_object
from gamesession.commands.table import printable
from gamesession.commands.view import View, looking
from gamesession.kube.errors import Gone
from gamesession.kube.resources import GAMES, SESSIONS
from gamesession.plan.game import Game
from gamesession.plan.session import FAILED, PENDING

Field = tuple[str, str]


async def tell(place: Place, game: str, user: str | None, output: Output) -> None:
    """Print one session.

    Raises:
        Failure: there is none.
    """
    async with looking(place) as view:
        _, session = await view.find(game, user)
        if is_object(output):
            write_object(await view.cluster.get(SESSIONS, view.namespace, session.name), output)
            return
        try:
            played = Game.from_object(await view.cluster.get(GAMES, view.namespace, session.game))
        except Gone:
            played = None
        line = Line(session, played, datetime.now(UTC))
        write(description(line, wide=output is Output.WIDE))
        if hint := _next(view, line):
            say(hint)


def description(line: Line, *, wide: bool = False) -> str:
    """A session, a field a line."""
    fields = _fields(line) + (_more(line) if wide else [])
    width = max(len(name) for name, _ in fields) + 2
    indent = "\n" + " " * width
    return "".join(
        f"{f'{name}:' if name else '':<{width}}{printable(value or '-', keep_lines=True)}".replace(
            "\n", indent
        )
        + "\n"
        for name, value in fields
    )


def _fields(line: Line) -> list[Field]:
    session = line.session
    kind = f", {session.start_kind} start" if session.start_kind else ""
    services = "\n".join(f"{name} {address}" for name, address in session.services.items())
    gone = "" if line.game else " (gone)"
    condition = session.condition
    return [
        ("Name", session.name),
        ("Namespace", session.namespace),
        ("User", session.user),
        ("Game", session.game + gone),
        ("Phase", line.phase + kind),
        ("Reason", str(condition.get("reason", ""))),
        ("Message", str(condition.get("message", ""))),
        ("Pod", session.pod_name),
        ("Services", services),
        ("Active", _ago(line.last_activity)),
        ("Ends in", _end(line)),
        ("Age", line.age),
    ]


def _more(line: Line) -> list[Field]:
    session = line.session
    instants = {
        "Created": session.created_at,
        "Started": session.started_at,
        "Ready since": session.ready_at,
    }
    return [
        ("IP", session.pod_ip),
        ("Restarts", f"{session.restarts} ({session.failures} failures since it was Ready)"),
        *((name, at.isoformat(timespec="seconds") if at else "") for name, at in instants.items()),
        ("UID", session.uid),
    ]


def _ago(span: str) -> str:
    return f"{span} ago" if span != "-" else ""


def _end(line: Line) -> str:
    end = line.deadline
    return f"{line.ends_in} ({end.reason.value}, at {end.at:%H:%M:%S} UTC)" if end else ""


def _next(view: View, line: Line) -> str:
    session = line.session
    if session.phase == FAILED:
        return f"Try again: {view.hint('open', session.game, session.user)}"
    if line.phase == PENDING and not session.condition:
        return "Nobody has looked at it yet: does the operator run, and serve this namespace?"
    return ""
