"""`manifests/install.yaml`: the chart with its defaults, for `kubectl apply -f` alone.

`python -m tests.chart.plain` writes it (`make manifests`).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from tests.chart.rendering import CHART, RELEASE, ROOT, SYSTEM, helm

FILE: Final = ROOT / "manifests" / "install.yaml"
HEAD: Final = f"""\
# Operator and gateway with the chart's defaults, without Helm. Made from
# charts/gamesession-operator by `make manifests`: change that, not this.
#
# The gateway waits for a Secret that is yours to make, once the namespace is there:
#   kubectl -n {SYSTEM} create secret generic {RELEASE}-jwt \\
#     --from-literal=secret="$(openssl rand -base64 48)"
#
# To remove it: first `gamesession uninstall -n games`, while the operator still runs, then
# `kubectl delete -f` this file (docs/install.md, Uninstalling).
apiVersion: v1
kind: Namespace
metadata:
  name: {SYSTEM}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""
HELMS_OWN: Final = (
    r"# Source: .*\n",
    r"  annotations:\n    helm\.sh/resource-policy: keep\n(?!    )",
    r" +helm\.sh/\S+: .*\n",
    r" +app\.kubernetes\.io/managed-by: .*\n",
)
"""What means something to Helm only."""


def plain_manifest() -> str:
    """The file's content."""
    text = helm(
        "template", RELEASE, str(CHART), f"--namespace={SYSTEM}", "--no-hooks", "--skip-tests"
    )
    for pattern in HELMS_OWN:
        text = re.sub(pattern, "", text)
    return HEAD + text.rstrip() + "\n"


def main(path: Path = FILE) -> None:
    """Write it."""
    path.write_text(plain_manifest())


if __name__ == "__main__":
    main()
