"""Plays seeds: `python -m tests.simulation 17`, or `0-99`, or `0-199/2` for every second one."""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable

from tests.simulation.clock import CLOCK


def seeds(text: str) -> range:
    """The seeds that an argument means.

    Raises:
        ValueError: it means none.
    """
    match = re.fullmatch(r"(\d+)(?:-(\d+))?(?:/(\d+))?", text)
    if not match:
        raise ValueError(f"{text!r} is neither a seed nor a range")
    first, last, step = match.groups()
    return range(int(first), int(last or first) + 1, int(step or 1))


def play(wanted: Iterable[int]) -> int:
    """Play seeds and say what came of it; returns how many failed."""
    CLOCK.take_over()
    from tests.simulation.law import Broken
    from tests.simulation.run import Run

    figures: Counter[str] = Counter()
    for seed in wanted:
        run = Run(seed)
        try:
            run.play()
        except Broken as error:
            figures["failed"] += 1
            print(f"seed {seed}: {error}\n  again: python -m tests.simulation {seed}", flush=True)
        figures += run.law.figures + Counter(runs=1, writes=run.server.writes)
        del run
        gc.collect()
    print(", ".join(f"{what}: {count}" for what, count in sorted(figures.items())))
    return figures["failed"]


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", nargs="+", type=seeds)
    wanted = parser.parse_args().seeds
    gc.disable()  # it is collected between runs
    return 1 if play(seed for some in wanted for seed in some) else 0


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of names are walked in its order
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, os.environ | {"PYTHONHASHSEED": "0"})
    sys.exit(main())
