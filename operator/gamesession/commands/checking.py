"""`gamesession check`, which `helm test` runs in a pod: whether an installation does what it
should, seen from outside of its services."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

import aiohttp

from gamesession.api.labels import GROUP
from gamesession.commands.failure import Failure
from gamesession.commands.options import Place
from gamesession.commands.printing import say
from gamesession.commands.view import reason
from gamesession.kube import connection
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Unreachable
from gamesession.kube.resources import GAMES, PODS, SESSIONS, Resource

COMPONENT: Final = "check"
RETRY_SECONDS: Final = 1.0
REQUEST_SECONDS: Final = 5.0
EXCERPT: Final = 200
"""Characters of an answer that was not expected."""
OVER: Final = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Installation:
    """What there should be.

    Attributes:
        namespace: of operator and gateway.
        release: Helm's name for it.
        components: `operator`, `gateway`, or both.
        games: the namespaces whose Games are served.
        gateway: where the gateway's public Service is, `http://…`; empty if there is none.
    """

    namespace: str
    release: str
    components: tuple[str, ...]
    games: tuple[str, ...]
    gateway: str = ""
    admin_port: int = 9090

    def selector(self, component: str) -> str:
        """The labels of a component's pods."""
        name = f"app.kubernetes.io/name=gamesession-{component}"
        return f"{name},app.kubernetes.io/instance={self.release}"


def service_url(service: str, environment: Mapping[str, str]) -> str:
    """The address of a Service of the pod's own namespace, which kubelet tells each pod.

    Raises:
        Failure: there was no such Service when the pod began.
    """
    prefix = service.upper().replace("-", "_")
    try:
        host, port = (environment[f"{prefix}_SERVICE_{part}"] for part in ("HOST", "PORT"))
    except KeyError as error:
        raise Failure(f"there is no Service {service}: is the release installed whole?") from error
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def check(place: Place, installation: Installation, patience: timedelta) -> None:
    """Look at all of it, and say what is well.

    Args:
        place: whose account is used; in a pod its own.
        patience: how long something may take to become well.

    Raises:
        Failure: what is not, and what to do.
    """
    end = time.monotonic() + patience.total_seconds()
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    async with (
        Cluster(await connection.load(place.kubeconfig, place.context), COMPONENT) as cluster,
        aiohttp.ClientSession(timeout=timeout) as http,
    ):
        steps: list[Callable[[], Awaitable[str]]] = [
            partial(objects, cluster, resource, namespace)
            for resource in (GAMES, SESSIONS)
            for namespace in installation.games
        ]
        steps += [
            partial(pods, cluster, http, installation, each) for each in installation.components
        ]
        if installation.gateway:
            steps.append(partial(refusal, http, installation.gateway))
        wrong = [found for step in steps if (found := await _complaint(step, end))]
    if wrong:
        raise Failure("\n".join(wrong))


async def _complaint(step: Callable[[], Awaitable[str]], end: float) -> str:
    """What is wrong by the end of our patience; empty when all is well."""
    while True:
        try:
            say(await step())
        except Failure as failure:
            wrong = str(failure)
        except ApiError as error:
            wrong = f"the API server says no: {error.message}"
        except Unreachable as error:
            wrong = f"the API server does not answer: {reason(error)}"
        else:
            return ""
        if time.monotonic() >= end:
            return wrong
        await asyncio.sleep(RETRY_SECONDS)


async def objects(cluster: Cluster, resource: Resource, namespace: str) -> str:
    """Whether the cluster knows our kinds, and they can be listed."""
    if not await cluster.serves(resource):
        raise Failure(
            f"the cluster knows no {resource.kind}: the CRD {resource.plural}.{GROUP} is missing. "
            "Let one release of the cluster install it (crds.install=true)"
        )
    found, _ = await cluster.list(resource, namespace, metadata_only=True)
    return f"{resource.plural} in namespace {namespace}: {len(found)}"


async def pods(
    cluster: Cluster, http: aiohttp.ClientSession, installation: Installation, component: str
) -> str:
    """Whether each pod of a component says that it is ready."""
    selector = installation.selector(component)
    found, _ = await cluster.list(PODS, installation.namespace, label_selector=selector)
    kubectl = f"kubectl -n {installation.namespace}"
    living = [each for each in found if _lives(each)]
    if not living:
        raise Failure(f"no pod of the {component} runs. See: {kubectl} get events")
    for pod in living:
        name = pod["metadata"]["name"]
        try:
            await _ready(http, pod, installation.admin_port)
        except Failure as failure:
            see = f"{kubectl} describe pod {name}; {kubectl} logs {name}"
            raise Failure(f"{component}: pod {name} {failure}. See: {see}") from failure
    return f"{component}: {len(living)} ready"


def _lives(pod: Object) -> bool:
    over = pod.get("status", {}).get("phase") in OVER
    return not over and "deletionTimestamp" not in pod["metadata"]


async def _ready(http: aiohttp.ClientSession, pod: Object, port: int) -> None:
    address = pod.get("status", {}).get("podIP")
    if not address:
        raise Failure("has not started")
    host = f"[{address}]" if ":" in address else address
    status, text = await _get(http, f"http://{host}:{port}/readyz")
    if status != 200:
        raise Failure(f"is not ready: {text}")


async def refusal(http: aiohttp.ClientSession, gateway: str) -> str:
    """Whether the gateway lets nobody in without a token."""
    try:
        status, text = await _get(http, f"{gateway}/api/")
    except Failure as failure:
        raise Failure(f"the gateway's Service {failure}") from failure
    if status != 401 or _code(text) != "unauthorized":
        raise Failure(
            f"the gateway at {gateway} should refuse who has no token (401, unauthorized), "
            f"and answered {status}: {text}"
        )
    return f"the gateway at {gateway} asks for a token"


def _code(text: str) -> Any:
    try:
        return json.loads(text)["error"]["code"]
    except (ValueError, KeyError, TypeError):
        return None


async def _get(http: aiohttp.ClientSession, url: str) -> tuple[int, str]:
    try:
        async with http.get(url, allow_redirects=False) as response:
            return response.status, (await response.text(errors="replace"))[:EXCERPT].strip()
    except (aiohttp.ClientError, TimeoutError) as error:
        why = str(error) or f"no answer in {REQUEST_SECONDS:.0f} s"
        raise Failure(f"does not answer at {url} ({why})") from error
