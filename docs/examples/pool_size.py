"""How many pods should wait for users: `python pool_size.py START_SECONDS USERS_PER_MINUTE`.

Each pod that gets a user is replaced at once, and its replacement is ready START_SECONDS later.
Users come independently of each other, so that the number of replacements under way is Poisson
distributed, with the mean START_SECONDS x USERS_PER_MINUTE / 60. A user has to wait for a pod if
as many are under way as there are in the pool. `python pool_size.py --table` prints a table.
"""

import math
import sys
from itertools import count

PATIENCE = 0.01
"""The share of users who may find no pod waiting, by default."""

RATES = (1, 5, 10, 30, 60, 120)
"""Users per minute, in the table."""

STARTS = (2, 5, 15, 30, 60)
"""Seconds that a start takes, in the table."""


def pool_size(start_seconds: float, users_per_minute: float, patience: float = PATIENCE) -> int:
    """The smallest `spec.warmPool.size` with which at most `patience` of the users wait for a pod.

    It errs on the safe side: users who find no pod get one of their own, which is no replacement.
    """
    under_way = start_seconds * users_per_minute / 60
    at_most = 0.0  # the probability of fewer replacements under way than `size`
    for size in count():
        if 1 - at_most <= patience:
            return size
        at_most += math.exp(size * math.log(under_way) - under_way - math.lgamma(size + 1))
    raise AssertionError


def table() -> str:
    """Sizes for some starts and rates, as Markdown."""
    lines = [
        "| a start takes | " + " | ".join(f"{rate} a minute" for rate in RATES) + " |",
        "|---|" + "---|" * len(RATES),
    ]
    for seconds in STARTS:
        sizes = " | ".join(str(pool_size(seconds, rate)) for rate in RATES)
        lines.append(f"| {seconds} s | {sizes} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table() if sys.argv[1:] == ["--table"] else pool_size(*map(float, sys.argv[1:3])))
