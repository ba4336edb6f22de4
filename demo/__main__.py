"""`python -m demo`: 0 if everything happened, else 1 and the reason."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from demo import ending, install, stage
from demo.story import Story
from demo.target import NamedContext, OwnMachine, Target
from tests.cluster.errors import ClusterError


def main() -> int:
    """Install, tell the story, say how to look around."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--context", help="a cluster of your own: a context of your kubeconfig")
    context = parser.parse_args().context
    begun = time.monotonic()
    try:
        stage.heading("A cluster, the operator, the gateway, a game")
        target: Target = NamedContext(context) if context else OwnMachine()
        secret = install.everything(target)
        with target.gateway() as url:
            asyncio.run(Story(target, url, secret).tell())
            ending.look_around(target, url)
    except (ClusterError, stage.DidNotHappen) as error:
        stage.failure(str(error))
        return 1
    stage.line(f"All of it happened, in {time.monotonic() - begun:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
