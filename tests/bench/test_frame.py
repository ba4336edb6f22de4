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
        (1.5, 1.0, Promise(1.5, of="ratio"), True),
        (1.6, 1.0, Promise(1.5, of="ratio"), False),
        (80.0, 100.0, Promise(least=0.8, of="ratio"), True),
        (79.0, 100.0, Promise(least=0.8, of="ratio"), False),
    ],
)
def test_a_promise_bounds_the_whole_or_what_is_added_or_the_ratio_on_either_side(
    measured: float, floor: float | None, promise: Promise | None, kept: bool | None
) -> None:
    assert Figure("it", measured, floor, promise).kept is kept


@pytest.mark.parametrize("promise", [Promise(1, of="added"), Promise(1, of="ratio")])
def test_what_needs_a_floor_cannot_be_promised_without(promise: Promise) -> None:
    with pytest.raises(ValueError, match="no floor"):
        Figure("it", 1.0, None, promise)


def test_the_table_says_plainly_that_a_promise_was_missed() -> None:
    out = StringIO()
    figures = [
        Figure("fast", 1.0, 0.75, Promise(0.5, of="added")),
        Figure("slow", 120.0, 7.0, Promise(100)),
        Figure("free", 3.0),
        Figure("often", 3.0, 2.0, Promise(2, of="ratio")),
        Figure("whole", 3, unit="starts"),
        Figure("enough", 90.0, 100.0, Promise(least=0.8, of="ratio"), unit="/s"),
    ]
    Console(file=out, width=140).print(table_of(figures))
    lines = [line.split("|")[1:-1] for line in out.getvalue().splitlines() if "|" in line]
    rows = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in lines[2:]}
    assert rows == {
        "fast": ["1.000 ms", "0.750 ms", "0.250 ms", "1.33", "added at most 0.5 ms", "yes"],
        "slow": [
            "120.0 ms",
            "7.000 ms",
            "113.0 ms",
            "17.14",
            "measured at most 100 ms",
            "NO: MISSED",
        ],
        "free": ["3.000 ms", "–", "–", "–", "–", "–"],
        "often": ["3.000 ms", "2.000 ms", "1.000 ms", "1.50", "ratio at most 2", "yes"],
        "whole": ["3 starts", "–", "–", "–", "–", "–"],
        "enough": ["90.0 /s", "100.0 /s", "-10.0 /s", "0.90", "ratio at least 0.8", "yes"],
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
                    "promise": {"most": 1.0, "of": "added", "least": None},
                    "unit": "ms",
                    "added": 1.5,
                    "ratio": 4.0,
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
