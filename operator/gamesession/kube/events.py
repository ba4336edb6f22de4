"""Kubernetes Events: what was done to an object and why, for `kubectl describe`.

An Event is written before the deed it tells of, for afterwards the object may be gone.
"""

from __future__ import annotations

import secrets
import socket
from datetime import UTC, datetime
from typing import Final, Literal

from gamesession.api.instant import format_instant
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.resources import EVENTS

MAX_NOTE_BYTES: Final = 1024
MAX_NAME: Final = 253

_INSTANCE: Final = socket.gethostname()[:128] or "unknown"


async def post_event(
    cluster: Cluster,
    *,
    regarding: Object,
    reason: str,
    action: str,
    note: str,
    type: Literal["Normal", "Warning"] = "Normal",  # noqa: A002 (the field's own name)
    reporting_controller: str,
) -> None:
    """Write one Event (`events.k8s.io/v1`) about an object.

    Args:
        cluster: where to.
        regarding: the object; of it `apiVersion`, `kind` and `metadata` are read.
        reason: why, in one CamelCase word, such as `IdleTimeout`; at most 128 characters.
        action: what was done, in one CamelCase word, such as `Delete`; at most 128 characters.
        note: a sentence for a person; cut at `MAX_NOTE_BYTES` of UTF-8.
        reporting_controller: who did it, such as `gamelibrary.io/gateway`.

    Raises:
        ApiError, Unreachable: it was not written. Whoever tells of a deed does it all the same.
    """
    metadata = regarding["metadata"]
    # Cluster-scoped objects have their Events in `default`.
    namespace = metadata.get("namespace", "default")
    suffix = f".{secrets.token_hex(8)}"
    event: Object = {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {
            "name": metadata["name"][: MAX_NAME - len(suffix)] + suffix,
            "namespace": namespace,
        },
        "eventTime": format_instant(datetime.now(UTC)),
        "type": type,
        "reason": reason,
        "action": action,
        "note": _cut(note),
        "reportingController": reporting_controller,
        "reportingInstance": _INSTANCE,
        "regarding": _reference(regarding),
    }
    await cluster.create(EVENTS, namespace, event)


def _reference(regarding: Object) -> Object:
    """A `core/v1` ObjectReference."""
    metadata = regarding["metadata"]
    return {
        "apiVersion": regarding["apiVersion"],
        "kind": regarding["kind"],
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
        "uid": metadata["uid"],
        "resourceVersion": metadata.get("resourceVersion", ""),
    }


def _cut(note: str) -> str:
    """The note, no longer than the API server takes, and no character cut in half."""
    return note.encode(errors="replace")[:MAX_NOTE_BYTES].decode(errors="ignore")
