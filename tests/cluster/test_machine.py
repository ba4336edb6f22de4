"""The cluster of the machine runs real containers, and is one for all checkouts."""

from __future__ import annotations

import functools
import os
import secrets
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.errors import ClusterError, PrerequisiteError
from tests.cluster.machine import Machine
from tests.cluster.waiting import wait_for

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="the cluster with a real node needs root"),
]
IMAGE = "cluster-test:1"
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
ARG WORD
RUN python3 -c "import venv, http.server" && mkdir /site && echo "$WORD" > /site/word
COPY page.html /site/
CMD ["python3", "-m", "http.server", "--directory", "/site", "8000"]
"""
NAMESPACE = "cluster-test"
MANIFESTS = f"""\
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels: {{pod-security.kubernetes.io/enforce: restricted}}
---
apiVersion: v1
kind: Pod
metadata: {{name: web, namespace: {NAMESPACE}, labels: {{app: web}}}}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {{runAsNonRoot: true, runAsUser: 1000, seccompProfile: {{type: RuntimeDefault}}}}
  containers:
  - name: web
    image: {IMAGE}
    imagePullPolicy: Never
    ports: [{{containerPort: 8000}}]
    readinessProbe: {{httpGet: {{path: /, port: 8000}}, periodSeconds: 1}}
    resources: {{limits: {{cpu: 500m, memory: 64Mi}}}}
    securityContext: {{allowPrivilegeEscalation: false, capabilities: {{drop: [ALL]}}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: {NAMESPACE}}}
spec: {{type: NodePort, selector: {{app: web}}, ports: [{{port: 80, targetPort: 8000}}]}}
"""
ASK_THE_API_SERVER = """
import os, ssl, urllib.error, urllib.request
account = "/var/run/secrets/kubernetes.io/serviceaccount/"
trusted = ssl.create_default_context(cafile=account + "ca.crt")
request = urllib.request.Request(
    f"https://{os.environ['KUBERNETES_SERVICE_HOST']}/api/v1/namespaces/cluster-test/pods",
    headers={"Authorization": "Bearer " + open(account + "token").read()})
try:
    print(urllib.request.urlopen(request, context=trusted).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
"""


@pytest.fixture(scope="module")
def machine() -> Machine:
    """The cluster, started if need be."""
    try:
        return Machine.up()
    except PrerequisiteError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image is built from."""
    directory = tmp_path_factory.mktemp("image")
    (directory / "Dockerfile").write_text(DOCKERFILE)
    (directory / "page.html").write_text("hello from a container")
    return directory


@pytest.fixture(scope="module")
def web(machine: Machine, source: Path) -> Iterator[Machine]:
    """A web server in a pod, Ready, and a service before it."""
    machine.build_image(source, IMAGE, build_args={"WORD": "given"})
    machine.kubectl("apply", "-f", "-", stdin=MANIFESTS)
    machine.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/web", "--timeout=60s")
    yield machine
    machine.kubectl("delete", "namespace", NAMESPACE, "--timeout=60s")


def fetch(url: str) -> str:
    """What a URL answers."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def answers(url: str, expected: str) -> bool:
    """Whether a URL answers that; false while nothing answers there yet."""
    try:
        return fetch(url) == expected
    except OSError:
        return False


def test_a_container_of_an_image_built_here_answers_at_its_pods_address(web: Machine) -> None:
    """From the machine, as a gateway in a test reaches it; with what COPY and ARG put there."""
    address = web.api.get(f"/api/v1/namespaces/{NAMESPACE}/pods/web")["status"]["podIP"]
    assert fetch(f"http://{address}:8000/page.html") == "hello from a container"
    assert fetch(f"http://{address}:8000/word") == "given\n"


def test_services_answer_from_the_machine(web: Machine) -> None:
    """At their own address and at the node's port."""
    spec = web.api.get(f"/api/v1/namespaces/{NAMESPACE}/services/web")["spec"]
    node_port = spec["ports"][0]["nodePort"]
    urls = [f"http://{spec['clusterIP']}", f"http://{web.address}:{node_port}"]
    for url in urls:
        wait_for(functools.partial(answers, f"{url}/word", "given\n"), 30, f"{url} to answer")


def test_a_pod_reaches_the_api_server_as_its_service_account(web: Machine) -> None:
    """By the service's address, with the token and the authority that are mounted into it."""
    command = ("python3", "-c", ASK_THE_API_SERVER)
    answer = web.kubectl("exec", "-n", NAMESPACE, "web", "--", *command)
    assert answer.startswith("403")
    assert f"system:serviceaccount:{NAMESPACE}:default" in answer


def test_logs_can_be_read(web: Machine) -> None:
    """The API server shows kubelet who it is."""
    address = web.api.get(f"/api/v1/namespaces/{NAMESPACE}/pods/web")["status"]["podIP"]
    fetch(f"http://{address}:8000/page.html?seen")
    wait_for(
        lambda: "GET /page.html?seen" in web.kubectl("logs", "-n", NAMESPACE, "web"), 30, "the log"
    )


def test_an_image_that_is_there_is_not_built_again(
    web: Machine, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And one with another argument is another image."""
    first = web.build_image(source, IMAGE, build_args={"WORD": "given"})
    assert "cluster-test" not in capsys.readouterr().err
    other = {"WORD": secrets.token_hex(8)}
    assert web.build_image(source, "cluster-test:2", build_args=other) != first
    assert "bringing the image cluster-test:2 to the node" in capsys.readouterr().err


def test_a_second_start_takes_what_runs(machine: Machine) -> None:
    """In a matter of seconds, and with nothing restarted."""
    before = {name: machine.component(name) for name in ("etcd", "kube-apiserver", "kubelet")}
    begin = time.monotonic()
    Machine.up()
    assert time.monotonic() - begin < 30
    assert {name: machine.component(name) for name in before} == before


def test_a_component_that_stands_still_is_started_again(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make cluster` mends what it can."""
    machine.pause("kube-scheduler")
    stuck = machine.component("kube-scheduler")
    Machine.up()
    assert machine.component("kube-scheduler") != stuck
    assert "kube-scheduler does not answer; starting it again" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["kubelet", "containerd", "kube-apiserver", "etcd"])
def test_pods_outlive_a_restarted_component(web: Machine, name: str) -> None:
    """Containers are no children of what started them."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/web"
    before = web.api.get(path)["status"]["containerStatuses"][0]["containerID"]
    old = web.component(name)
    web.restart(name)
    assert web.component(name) != old
    web.kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/web", "--timeout=60s")
    status = web.api.get(path)["status"]["containerStatuses"][0]
    assert (status["containerID"], status["restartCount"]) == (before, 0)


def test_what_no_pod_has_is_refused_at_once(machine: Machine) -> None:
    """A dial to a pod that is gone fails instead of hanging."""
    with pytest.raises(OSError, match="No route to host"):
        fetch("http://10.213.127.254:8000")


def test_an_unknown_component_is_an_error(machine: Machine) -> None:
    """With its name."""
    with pytest.raises(ClusterError, match="coredns does not run"):
        machine.restart("coredns")
