"""What is read from a pod."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.client.pod import HttpProbe, Pod


def pod(**of: Any) -> Pod:
    meta = {"name": "p", "uid": "u", **of.pop("metadata", {})}
    spec = {"containers": [{"name": "c", **of.pop("container", {})}]}
    return Pod.from_object({"metadata": meta, "spec": spec, "status": of})


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_stopped_gets_no_requests(phase: str) -> None:
    assert pod(phase=phase).stopped
    assert pod(phase=phase).going


def test_a_pod_that_is_being_deleted_gets_no_requests() -> None:
    found = pod(phase="Running", metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert found.going
    assert not found.stopped


def test_a_running_pod_gets_requests() -> None:
    found = pod(phase="Running", podIP="10.0.0.1", conditions=[{"type": "Ready", "status": "True"}])
    assert (found.ip, found.going, found.ready) == ("10.0.0.1", False, True)


def test_a_pod_without_a_status_is_nowhere_yet() -> None:
    assert (pod().ip, pod().ready, pod().going) == ("", False, False)


@pytest.mark.parametrize("port", [8081, "health"])
def test_the_probe_is_that_of_the_container_that_declares_the_port(port: int | str) -> None:
    probe = {
        "path": "healthz?deep=1",
        "port": port,
        "httpHeaders": [{"name": "X-Probe", "value": "1"}],
    }
    found = pod(
        container={
            "ports": [{"containerPort": 8080}, {"containerPort": 8081, "name": "health"}],
            "readinessProbe": {"httpGet": probe},
        }
    )
    expected = HttpProbe("http", 8081, "/healthz?deep=1", (("X-Probe", "1"),))
    assert found.probes == {8080: expected, 8081: expected}


@pytest.mark.parametrize(
    "container",
    [
        {"ports": [{"containerPort": 8080}]},
        {"ports": [{"containerPort": 8080}], "readinessProbe": {"tcpSocket": {"port": 8080}}},
        {"ports": [{"containerPort": 8080}], "readinessProbe": {"httpGet": {"port": "unknown"}}},
        {
            "ports": [{"containerPort": 8080}],
            "readinessProbe": {"httpGet": {"port": 8080, "host": "elsewhere"}},
        },
        {"readinessProbe": {"httpGet": {"port": 8080}}},
    ],
)
def test_other_ports_have_no_http_probe(container: dict[str, Any]) -> None:
    assert pod(container=container).probes == {}
