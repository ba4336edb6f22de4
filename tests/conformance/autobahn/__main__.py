"""The Autobahn test suite's fuzzing client against an echo pod, without the gateway and through it:
`python -m tests.conformance.autobahn [CASES …]`, such as `1.* 6.*`; all of them take half an hour.

The exit status is 1 if the gateway makes any case end worse.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import uvloop

from tests.conformance.autobahn import suite
from tests.eventually import eventually
from tests.handlers.gateway.pods import PORT, RawPod, new_address
from tests.handlers.gateway.stage import Stage, bearer

FOLDER: Final = Path(__file__).parents[3] / ".artifacts" / "autobahn"
DIRECT: Final = "without the gateway"
THROUGH: Final = "through the gateway"
HOURS_OF_TOKEN: Final = 4

RANKS: Final = ("OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED", "WRONG CODE", "UNCLEAN")
"""What the suite says of a case, from good to bad; what is not among them is worse still."""


class EchoPod(RawPod):
    """A pod that is a process of its own."""

    def __init__(self) -> None:
        self.ip = new_address()
        self._process: asyncio.subprocess.Process | None = None

    async def listen(self, port: int = PORT) -> None:
        """Start it."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, str(suite.HERE / "echo.py"), self.ip, str(port)
        )
        await eventually(self._answers)

    async def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(self.ip, PORT)
        except OSError:
            return False
        writer.close()
        return True


async def main(cases: list[str]) -> int:
    """Run the cases both ways, and compare."""
    suite.install(FOLDER)
    async with Stage() as stage:
        await stage.add_game()
        pod = EchoPod()
        await stage.add_session(pod=pod)
        headers = bearer(exp=int(time.time()) + HOURS_OF_TOKEN * 3600)
        gateway = f"ws://127.0.0.1:{stage.service.port}/api/chess/"
        direct = {"agent": DIRECT, "url": f"ws://{pod.ip}:{PORT}/api/chess/"}
        await fuzz([direct, {"agent": THROUGH, "url": gateway, "headers": headers}], cases)
    found = json.loads((FOLDER / "report" / "index.json").read_text())
    return tell(found[DIRECT], found[THROUGH])


async def fuzz(servers: list[dict[str, Any]], cases: list[str]) -> None:
    """Run the fuzzing client."""
    spec = {"outdir": str(FOLDER / "report"), "servers": servers, "cases": cases}
    path = FOLDER / "spec.json"
    path.write_text(json.dumps({**spec, "exclude-cases": [], "exclude-agent-cases": {}}))
    process = await asyncio.create_subprocess_exec(*suite.command(FOLDER, path))
    if await process.wait():
        raise SystemExit("the fuzzing client failed")


def tell(direct: dict[str, Any], through: dict[str, Any]) -> int:
    """Print what came of it; 1 if a case is worse through the gateway."""
    for name, found in ((DIRECT, direct), (THROUGH, through)):
        counts = Counter((case["behavior"], case["behaviorClose"]) for case in found.values())
        print(f"{name}: {len(found)} cases, {dict(counts)}")
    worse = [case for case in direct if is_worse(through.get(case, {}), direct[case])]
    for case in worse:
        print(f"{case}: {direct[case]} without the gateway, {through.get(case)} through it")
    return 1 if worse or len(through) != len(direct) else 0


def is_worse(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether the suite says worse of one than of the other."""
    return any(rank(one.get(key)) > rank(other[key]) for key in ("behavior", "behaviorClose"))


def rank(behavior: str | None) -> int:
    return RANKS.index(behavior) if behavior in RANKS else len(RANKS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.autobahn")
    parser.add_argument("cases", nargs="*", default=["*"], help="such as 1.* 12.1.3; else all")
    sys.exit(uvloop.run(main(parser.parse_args().cases)))
