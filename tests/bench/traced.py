"""The operator, with a note of when it came to which step of a session's start. Run as a program.

The notes go to the file `trace` of the working directory, a line each: session, step, time of day.
What is noted is what the parts of the operator say to each other; nothing in them knows of this.
"""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gamesession.cli import main
from gamesession.controller.sessions import Sessions
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import PODS, SESSIONS

FILE = "trace"
SEEN = "operator hears of it"
LOOKED_AT = "a worker looks at it"
CLAIM_SENT = "claim sent"
CLAIMED = "claim answered"
STATUS_SENT = "status sent"
TOLD = "status answered"
STEPS = (SEEN, LOOKED_AT, CLAIM_SENT, CLAIMED, STATUS_SENT, TOLD)


class Trace:
    """Where steps are noted."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def note(self, session: str, step: str) -> None:
        """A session came to a step now."""
        self._file.write(json.dumps([session, step, time.time()]) + "\n")

    def install(self) -> None:
        """From now on, all is noted."""
        self._before(Store, "see_session", lambda body: body["metadata"]["name"], SEEN)
        self._before(Sessions, "reconcile", lambda key: key[1], LOOKED_AT)
        self._around(Cluster, "json_patch", _claimed, CLAIM_SENT, CLAIMED)
        self._around(Cluster, "merge_patch", _told, STATUS_SENT, TOLD)

    def _before(self, where: type, name: str, session: Callable[..., str], step: str) -> None:
        plain = getattr(where, name)

        @functools.wraps(plain)
        def noted(this: Any, what: Any, *more: Any, **named: Any) -> Any:
            self.note(session(what), step)
            return plain(this, what, *more, **named)

        setattr(where, name, noted)

    def _around(
        self, where: type, name: str, session: Callable[..., str], before: str, after: str
    ) -> None:
        plain = getattr(where, name)

        @functools.wraps(plain)
        async def noted(this: Any, *arguments: Any, **named: Any) -> Any:
            whose = session(*arguments)
            if not whose:
                return await plain(this, *arguments, **named)
            self.note(whose, before)
            answer = await plain(this, *arguments, **named)
            self.note(whose, after)
            return answer

        setattr(where, name, noted)


def _claimed(resource: object, _: str, __: str, operations: list[dict[str, Any]]) -> str:
    """The session that a patch claims a pod for."""
    owners: Any = next(
        (each["value"] for each in operations if each["path"] == "/metadata/ownerReferences"), None
    )
    if resource != PODS or not isinstance(owners, list):
        return ""
    return str(owners[0]["name"])


def _told(resource: object, _: str, name: str, *__: object) -> str:
    """The session whose status is written."""
    return name if resource == SESSIONS else ""


if __name__ == "__main__":
    Trace(Path(FILE)).install()
    sys.argv[0] = "gamesession"
    main()
