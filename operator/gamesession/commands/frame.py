"""One frame of `gamesession top`: heading and table, as text or for a terminal of a given size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gamesession.commands.line import DELETING, NONE, Line, by_end
from gamesession.commands.table import printable, table
from gamesession.plan.session import FAILED, PENDING, READY, STARTING

HEADING = ["USER", "GAME", "PHASE", "START", "ENDS IN", "ENDS BY", "RESTARTS", "POD"]
SHRINKING = {"USER", "GAME", "POD"}
"""Columns that are cut where there is not room for all."""
NEEDED_WIDTH = {"RESTARTS": 96, "ENDS BY": 84, "START": 72, "POD": 64}
"""Columns that a narrower terminal does without."""
STYLES = {READY: "green", STARTING: "cyan", PENDING: "yellow", FAILED: "red", DELETING: "dim"}
OTHER_LINES = 4
"""Above and below the sessions: counts, games, heading, and what does not fit."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What is to be seen at a moment.

    Attributes:
        where: namespace and cluster.
        lines: the sessions.
        trouble: what is wrong with what is shown; `""` if nothing is.
    """

    where: str
    lines: Sequence[Line]
    trouble: str = ""

    def text(self) -> str:
        """All of it, for pipes."""
        trouble = f"{self.trouble}\n" if self.trouble else ""
        cells = [_cells(line) for line in by_end(self.lines)]
        return f"{self._counts()}\n{self._games()}\n{trouble}{table([HEADING, *cells])}"

    def screen(self, width: int, height: int) -> RenderableType:
        """As much of it as fits a terminal of so many columns and lines."""
        lines = by_end(self.lines)
        room = max(1, height - OTHER_LINES - bool(self.trouble))
        parts: list[RenderableType] = [
            _heading(f"{self._counts()}   (q leaves)", "bold"),
            _heading(self._games(), "dim"),
        ]
        if self.trouble:
            parts.append(_heading(self.trouble, "bold red"))
        parts.append(_table(lines[:room], width))
        if len(lines) > room:
            parts.append(Text(f"… and {len(lines) - room} that end later", style="dim"))
        return Group(*parts)

    def _counts(self) -> str:
        phases = Counter(line.phase for line in self.lines)
        told = ", ".join(f"{phases[phase]} {phase}" for phase in STYLES if phases[phase])
        number = len(self.lines)
        sessions = f"{number} session{'' if number == 1 else 's'}"
        return f"{self.where}: {sessions}{f' ({told})' if told else ''}"

    def _games(self) -> str:
        games = Counter(line.session.game for line in self.lines)
        return "Games: " + (", ".join(f"{name} {games[name]}" for name in sorted(games)) or NONE)


def _heading(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _cells(line: Line) -> list[str]:
    session = line.session
    cells = [
        session.user,
        session.game,
        line.phase,
        session.start_kind,
        line.ends_in,
        line.ends_by,
        str(session.restarts),
        session.pod_name,
    ]
    return [printable(cell) or NONE for cell in cells]


def _table(lines: Sequence[Line], width: int) -> Table:
    shown = [place for place, name in enumerate(HEADING) if width >= NEEDED_WIDTH.get(name, 0)]
    found = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="bold")
    for place in shown:
        found.add_column(HEADING[place], no_wrap=HEADING[place] not in SHRINKING)
    for line in lines:
        cells = _styled(line)
        found.add_row(*(cells[place] for place in shown))
    return found


def _styled(line: Line) -> list[Text]:
    """The cells as `Text`: a user's name is never read as markup."""
    cells = [Text(cell, no_wrap=True, overflow="ellipsis") for cell in _cells(line)]
    cells[HEADING.index("PHASE")].stylize(STYLES.get(line.phase, ""))
    return cells
