"""The figures of a run, and what they must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final, Self

from tests.integration.upheaval import audit
from tests.integration.upheaval.scene import Scene

HANDOVER: Final = 15.0
"""Seconds (issue 6)."""
MOST: Final = 20
"""Lines of a kind that are printed."""
SWIFT: Final = 0.05
"""Seconds that the API server takes for most writes on a machine that keeps up; else an operator
loses contact or even its Lease now and then, and nobody can say how late is too late."""


@dataclass(frozen=True)
class Report:
    """What a run came to.

    Attributes:
        figures: what to print, in order.
        faults: what must not be, by kind; each is empty when all is well.
    """

    figures: Mapping[str, object]
    faults: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, scene: Scene, constant: Sequence[str], leaks: Sequence[str]) -> Self:
        """Make up the account.

        Args:
            constant: the users who never stopped playing.
            leaks: what was left when all should have ended.
        """
        account, writes = scene.account, scene.audit.writes()
        residents = scene.machines.residents.values()
        shared = [f"{each.uid}: {each.users}" for each in residents if len(each.users) > 1]
        faults = {
            "wrong answers": account.wrong,
            "pods with two users": shared,
            "sessions lost": account.lost(constant),
            "sessions ended early": account.early(),
            "sessions ended late": account.late(),
            "sessions leaked": [*account.leaked(), *leaks],
            "sessions failed": sorted(account.failed),
            "writes of two operators at once": audit.two_at_once(writes),
            "bugs": [*scene.operators.bugs(), *(b for g in scene.gateways for b in g.bugs())],
        }
        without = audit.seconds_without(writes, scene.operators.kills)
        upset = [each.ended for each in account.upheavals if each.ended is not None]
        latency = median((each.done - each.came).total_seconds() for each in writes)
        if latency < SWIFT:
            faults["handovers that took too long"] = [
                f"{each:.1f} s" for each in without if each > HANDOVER
            ]
        else:  # it says nothing of the operators then
            del faults["sessions ended late"]
        figures = {
            "answers": dict(account.answers.most_common()),
            "median and longest wait": {
                start: f"{median(each):.3f} s, {max(each):.3f} s"
                for start, each in sorted(account.waits.items())
            },
            "sessions": len(account.lives),
            "pods": len(scene.machines.residents),
            "lives of operators": scene.operators.lives,
            "leaders killed or paused": len(scene.operators.kills),
            "other leader than before": audit.handovers(writes),
            "longest time without a leader after that": f"{max(without, default=0):.1f} s",
            "seconds until someone led after each upheaval": [
                round(each, 1) for each in audit.seconds_without(writes, upset)
            ],
            "writes of operators": len(writes),
            "median of what these took": f"{latency:.3f} s",
            "codes of these": dict(Counter(write.code for write in writes).most_common()),
        }
        return cls(figures, faults)

    def __str__(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.figures.items()]
        for name, found in self.faults.items():
            lines.append(f"{name}: {len(found)}")
            lines.extend(f"  {each}" for each in found[:MOST])
        return "\n".join(lines)
