"""Figures as a table, one that Markdown understands as well as people do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich import box
from rich.table import Table

from tests.bench.figure import Figure

NOTHING = "–"


def table_of(figures: Iterable[Figure]) -> Table:
    """One row for each figure."""
    table = Table(box=box.MARKDOWN)
    table.add_column("figure", no_wrap=True)
    for column in ("measured", "floor", "added", "ratio"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("promised", no_wrap=True)
    table.add_column("kept", no_wrap=True)
    for figure in figures:
        missed = figure.kept is False
        table.add_row(*_cells(figure), style="bold red" if missed else "")
    return table


def facts_line(facts: Mapping[str, str | int | float]) -> str:
    """The machine in a sentence."""
    return (
        f"{facts['cores']} cores ({facts['cpu']}), {facts['memory_gib']} GiB, "
        f"Linux {facts['kernel']}, Python {facts['python']}, commit {facts['commit']}, "
        f"load average {facts['load_average_before']} before, {facts['load_average_after']} after"
    )


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        _amount(figure.measured, figure.unit),
        _amount(figure.floor, figure.unit),
        _amount(figure.added, figure.unit),
        NOTHING if figure.ratio is None else f"{figure.ratio:.2f}",
        _promised(figure),
        {None: NOTHING, True: "yes", False: "NO: MISSED"}[figure.kept],
    )


def _promised(figure: Figure) -> str:
    if figure.promise is None:
        return NOTHING
    promise = figure.promise
    unit = "" if promise.of == "ratio" else f" {figure.unit}"
    bounds = (("at most", promise.most), ("at least", promise.least))
    told = [f"{words} {bound:g}{unit}" for words, bound in bounds if bound is not None]
    return f"{promise.of} {' and '.join(told)}"


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return f"{value} {unit}"
    return f"{value:.3f} {unit}" if abs(value) < 10 else f"{value:.1f} {unit}"
