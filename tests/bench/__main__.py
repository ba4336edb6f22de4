"""Measure, print each figure beside its floor, and write all of it to `bench-results/`.

A promise that is missed is told, and is no failure: the exit status is 1 only if something could
not be measured.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

import aiohttp
from rich.console import Console

from demo.stage import DidNotHappen
from tests.bench import (
    bulk,
    cold_start,
    event_streams,
    first_byte,
    hops,
    idle_websockets,
    messages,
    rate,
    results,
    reuse,
    reuse_loopback,
    scale,
    warm_start,
    writes,
)
from tests.bench.bench import Bench
from tests.bench.facts import ROOT, load_average, machine_facts
from tests.bench.figure import Figure
from tests.bench.stack import Stack
from tests.bench.table import facts_line, table_of
from tests.cluster.errors import ClusterError

# Those that need no node come first: an idle node and its control plane take a tenth of a core, in
# bursts, from whatever is measured beside them.
BENCHES: tuple[Bench, ...] = (
    reuse_loopback,
    rate,
    messages,
    event_streams,
    idle_websockets,
    bulk,
    warm_start,
    hops,
    writes,
    scale,
    reuse,
    cold_start,
    first_byte,
)

# A table that does not fit is better broken by the terminal than cut off.
console = Console(highlight=False, width=max(Console().width, 130))


def main() -> int:
    """Run the benches that were named, else all."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = ", ".join(each.NAME for each in BENCHES)
    parser.add_argument("benches", nargs="*", metavar="BENCH", help=f"of {names}; else all")
    named = parser.parse_args().benches
    if unknown := set(named) - {each.NAME for each in BENCHES}:
        parser.error(f"no such bench: {', '.join(sorted(unknown))}; there are {names}")
    chosen = [each for each in BENCHES if not named or each.NAME in named]
    time = datetime.now(UTC)
    facts = machine_facts() | {"load_average_before": load_average()}
    figures: dict[str, list[Figure]] = {}
    with Stack() as stack:
        for bench in chosen:
            if (found := run(bench, stack)) is not None:
                figures[bench.NAME] = found
        if figures:
            facts["load_average_after"] = load_average()
            path = results.write(ROOT / "bench-results", time, facts, figures)
            console.print(f"\n{facts_line(facts)}\nwritten to {path.relative_to(ROOT)}")
    return 0 if len(figures) == len(chosen) else 1


def run(bench: Bench, stack: Stack) -> list[Figure] | None:
    """What a bench measured; `None` if it could not, which is told."""
    console.print(f"\n[bold cyan]{bench.NAME}[/]: {bench.SUMMARY}")
    try:
        figures = bench.measure(stack)
    except (ClusterError, DidNotHappen, OSError, aiohttp.ClientError) as error:
        console.print(f"could not be measured: {error}", style="bold red", markup=False)
        return None
    console.print(table_of(figures))
    return figures


if __name__ == "__main__":
    sys.exit(main())
