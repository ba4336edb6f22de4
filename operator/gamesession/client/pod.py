"""What gateway and SDK keep of a session's pod: where it is, and how to probe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """The `httpGet` of a readiness probe.

    Attributes:
        path: path and query.
        headers: headers beside those that every request has, in their order.
    """

    scheme: str
    port: int
    path: str
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pod:
    """A session's pod as it was last seen.

    Attributes:
        ip: `""` as long as it has none.
        deleting: it is being deleted; requests that it has, it may still answer.
        stopped: its containers have ended for good.
        probes: container port → the readiness probe of the container that declares it, where
            that is an `httpGet`.
    """

    name: str
    uid: str
    ip: str
    deleting: bool
    stopped: bool
    ready: bool
    probes: Mapping[int, HttpProbe]

    @property
    def going(self) -> bool:
        """Whether it gets no new requests any more."""
        return self.deleting or self.stopped

    @classmethod
    def from_object(cls, pod: dict[str, Any]) -> Pod:
        """Read a pod as the API server has it."""
        meta, status = pod["metadata"], pod.get("status", {})
        return cls(
            name=meta["name"],
            uid=meta["uid"],
            ip=status.get("podIP", ""),
            deleting="deletionTimestamp" in meta,
            stopped=status.get("phase") in ("Succeeded", "Failed"),
            ready=any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in status.get("conditions", [])
            ),
            probes={
                port["containerPort"]: probe
                for container in pod["spec"].get("containers", [])
                if (probe := _http_probe(container))
                for port in container.get("ports", [])
            },
        )


def _http_probe(container: dict[str, Any]) -> HttpProbe | None:
    get = container.get("readinessProbe", {}).get("httpGet")
    if not get or get.get("host"):
        return None  # a probe of another host says nothing about this pod's ports
    port = _port_number(container, get["port"])
    if port is None:
        return None
    return HttpProbe(
        scheme=get.get("scheme", "HTTP").lower(),
        port=port,
        path="/" + get.get("path", "/").lstrip("/"),
        headers=tuple(
            (header["name"], header.get("value", "")) for header in get.get("httpHeaders", [])
        ),
    )


def _port_number(container: dict[str, Any], port: int | str) -> int | None:
    """The number of a port that a probe gives by number or by name."""
    if isinstance(port, int):
        return port
    for declared in container.get("ports", []):
        if declared.get("name") == port:
            return int(declared["containerPort"])
    return None
