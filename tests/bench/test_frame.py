"""What benches have in common: percentiles, promises, the table and the file."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench import results
from tests.bench.facts import machine_facts
from tests.bench.figure import Figure, Promise
from tests.bench.table import facts_line, table_of
from tests.bench.times import Times


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        (1, 50, 1),
        (1, 99, 1),
        (2, 50, 1),
        (20, 50, 10),
        (20, 90, 18),
        (20, 99, 20),
        (1000, 99, 990),
    ],
)
def test_a_percentile_is_a_time_that_was_measured(
    count: int, percent: float, expected: int
) -> None:
    times = Times(number / 1000 for number in range(count, 0, -1))
    assert times.percentile(percent) == pytest.approx(expected)


def test_times_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing was measured"):
        Times([])


@pytest.mark.parametrize(
    ("measured", "floor", "promise", "kept"),
    [
        (5.0, 1.0, None, None),
        (0.7, 0.2, Promise(0.5, of="added"), True),
        (0.71, 0.2, Promise(0.5, of="added"), False),
        (100.0, None, Promise(100), True),
        (100.1, 99.0, Promise(100), False),
    ],
)
def test_a_promise_is_of_the_whole_or_of_what_is_added(
    measured: float, floor: float | None, promise: Promise | None, kept: bool | None
) -> None:
    assert Figure("it", measured, floor, promise).kept is kept


def test_what_is_added_cannot_be_promised_without_a_floor() -> None:
    with pytest.raises(ValueError, match="no floor"):
        Figure("it", 1.0, None, Promise(1, of="added"))


def test_the_table_says_plainly_that_a_promise_was_missed() -> None:
    out = StringIO()
    figures = [
        Figure("fast", 1.0, 0.75, Promise(0.5, of="added")),
        Figure("slow", 120.0, 7.0, Promise(100)),
        Figure("free", 3.0),
    ]
    Console(file=out, width=120).print(table_of(figures))
    lines = [line.split("|")[1:-1] for line in out.getvalue().splitlines() if "|" in line]
    rows = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in lines[2:]}
    assert rows == {
        "fast": ["1.000 ms", "0.750 ms", "0.250 ms", "added at most 0.5 ms", "yes"],
        "slow": ["120.0 ms", "7.000 ms", "113.0 ms", "measured at most 100 ms", "NO: MISSED"],
        "free": ["3.000 ms", "–", "–", "–", "–"],
    }


def test_a_run_is_written_down_with_its_machine(tmp_path: Path) -> None:
    time = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    figures = {"one": [Figure("it", 2.0, 0.5, Promise(1.0, of="added"))]}
    path = results.write(tmp_path / "new", time, {"cores": 2}, figures)
    assert path.name == "20260102T030405Z.json"
    assert json.loads(path.read_text()) == {
        "time": "2026-01-02T03:04:05+00:00",
        "machine": {"cores": 2},
        "benches": {
            "one": [
                {
                    "name": "it",
                    "measured": 2.0,
                    "floor": 0.5,
                    "promise": {"most": 1.0, "of": "added"},
                    "unit": "ms",
                    "added": 1.5,
                    "kept": False,
                }
            ]
        },
    }


def test_the_machine_is_told_without_its_name() -> None:
    facts = machine_facts()
    assert set(facts) == {"cores", "cpu", "memory_gib", "kernel", "python", "commit"}
    assert isinstance(facts["cores"], int)
    assert facts["cores"] >= 1
    load = {"load_average_before": 0.25, "load_average_after": 1.5}
    assert facts_line(facts | load).startswith(f"{facts['cores']} cores (")
