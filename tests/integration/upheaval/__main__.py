"""Run it for as long as one likes: `python -m tests.integration.upheaval --rounds 10`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path

from tests.integration.upheaval.run import Plan, run


def main() -> int:
    """Run it and print the report; 1 if anything was wrong."""
    plan = Plan()
    parser = argparse.ArgumentParser(prog="python -m tests.integration.upheaval")
    parser.add_argument("--rounds", type=int, default=plan.rounds)
    parser.add_argument("--killing", type=float, default=plan.killing, metavar="SECONDS")
    parser.add_argument(
        "--timeout", type=float, default=plan.timeout.total_seconds(), metavar="SECONDS"
    )
    parser.add_argument("--hold", default=plan.hold, metavar="DURATION")
    given = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="upheaval-"))
    print(f"logs are in {directory}")
    wanted = Plan(given.rounds, given.killing, timedelta(seconds=given.timeout), given.hold)
    report = asyncio.run(run(directory, wanted))
    print(report)
    return int(any(report.faults.values()))


if __name__ == "__main__":
    raise SystemExit(main())
