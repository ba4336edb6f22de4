"""Figures as JSON, one file for each run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.bench.figure import Figure


def as_json(figures: Iterable[Figure]) -> list[dict[str, Any]]:
    """Figures with what follows from them, for programs that compare runs."""
    return [
        {**asdict(each), "added": each.added, "ratio": each.ratio, "kept": each.kept}
        for each in figures
    ]


def write(
    directory: Path,
    time: datetime,
    facts: Mapping[str, object],
    figures: Mapping[str, Iterable[Figure]],
) -> Path:
    """Write a run down.

    Args:
        figures: name of the bench → what it measured.

    Returns:
        The file, named after the time.
    """
    directory.mkdir(exist_ok=True)
    path = directory / f"{time:%Y%m%dT%H%M%SZ}.json"
    run = {
        "time": time.isoformat(timespec="seconds"),
        "machine": dict(facts),
        "benches": {name: as_json(each) for name, each in figures.items()},
    }
    path.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n")
    return path
