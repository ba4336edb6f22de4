"""Python's cycle collector in a process that answers requests."""

from __future__ import annotations

import gc
from typing import Final

COLLECT_AFTER: Final = (10_000, 20, 20)
"""Requests leave no cycles behind. But those of a dozen connections are, together, more objects
than the 700 after which Python looks for cycles by default: a tenth of the CPU would go into it."""


def calm_collector() -> None:
    """Have it look less often, and not at what is here to stay: what was imported and set up."""
    gc.set_threshold(*COLLECT_AFTER)
    gc.collect()
    gc.freeze()
