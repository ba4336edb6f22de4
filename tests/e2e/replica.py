"""Other replicas of the gateway, with settings of their own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import yaml

from demo.target import ROOT, SYSTEM
from tests.chart.rendering import find
from tests.e2e.stack import GATEWAY, MANY_STARTS, Stack

MANIFEST = ROOT / "manifests" / "install.yaml"
HASTY = "e2e-hasty-gateway"


@contextlib.contextmanager
def replica(
    stack: Stack, environment: dict[str, str], *, name: str = HASTY, count: int = 1
) -> Iterator[str]:
    """The URL of a gateway installed beside the one there is, by the same manifest.

    Args:
        environment: settings that differ, `GAMESESSION_…`.
        name: of its Deployment and its Service.
        count: how many replicas of it.
    """
    manifest = list(yaml.safe_load_all(MANIFEST.read_text()))
    deployment, service = (
        renamed(find(manifest, kind, GATEWAY), name) for kind in ("Deployment", "Service")
    )
    deployment["spec"]["replicas"] = count
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    settings = MANY_STARTS | environment
    container["env"] += [{"name": name, "value": value} for name, value in settings.items()]
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": [deployment, service]})
    stack.kubectl("apply", "-f", "-", stdin=objects)
    try:
        stack.kubectl(*("-n", SYSTEM, "rollout", "status", f"deployment/{name}", "--timeout=120s"))
        path = "jsonpath={.spec.clusterIP}"
        yield "http://" + stack.kubectl("-n", SYSTEM, "get", "service", name, "-o", path)
    finally:
        stack.kubectl("delete", "-f", "-", "--timeout=60s", stdin=objects)


def renamed(found: dict[str, Any], name: str) -> dict[str, Any]:
    """The object under another name; the service account keeps its own."""
    account = f'"serviceAccountName": "{GATEWAY}"'
    text = json.dumps(found).replace(account, "\0").replace(GATEWAY, name).replace("\0", account)
    renamed: dict[str, Any] = json.loads(text)
    return renamed
