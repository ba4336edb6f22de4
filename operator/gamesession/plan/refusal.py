"""What of a Game we refuse before the API server is asked, in words that name field and cure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gamesession.api.game import GameSpec
from gamesession.api.labels import GAME_ENV, GROUP, POD_UID_ENV
from gamesession.plan.shape import misshapen
from gamesession.plan.template import container_of_port, containers

Object = dict[str, Any]

_POD: Final = "spec.template.spec"
_CURE: Final = "leave it out, or start the operator with --allow-privileged-templates"


def refusals(spec: GameSpec, *, allow_privileged: bool) -> list[str]:
    """What is wrong with a Game; empty if nothing is.

    Args:
        allow_privileged: whether templates may reach out of their pods: host network, PID, IPC,
            ports and paths, `nodeName`, privileged containers.
    """
    if found := misshapen(spec.template):
        return found
    pod = spec.template["spec"]
    found += _metadata(spec.template.get("metadata") or {})
    found += _environment(pod)
    found += _hooks(spec, pod)
    if not allow_privileged:
        found += [f"{field}: {why}; {_CURE}" for field, why in _privileges(pod)]
    return found


def _metadata(metadata: Object) -> Iterator[str]:
    for field, value in metadata.items():
        # creationTimestamp: null stands in whatever a Go program printed.
        if field not in ("labels", "annotations") and value is not None:
            yield f"spec.template.metadata.{field}: only labels and annotations reach the pods"
    for kind in ("labels", "annotations"):
        for name in metadata.get(kind) or {}:
            prefix = name.partition("/")[0]
            if prefix == GROUP or prefix.endswith(f".{GROUP}"):
                yield (
                    f"spec.template.metadata.{kind}: {name} is the operator's own to set; leave "
                    "it out"
                )


def _environment(pod: Object) -> Iterator[str]:
    for container in containers(pod):
        for variable in container.get("env") or []:
            if variable.get("name") in (GAME_ENV, POD_UID_ENV):
                yield (
                    f"{_POD}: container {container.get('name')!r} sets {variable['name']}, which "
                    "is the operator's own to set; leave it out"
                )


def _hooks(spec: GameSpec, pod: Object) -> Iterator[str]:
    ports = {service.name: service.port for service in spec.services}
    hooks = {"onClaim": spec.hooks.on_claim, "onClose": spec.hooks.on_close}
    for name, hook in hooks.items():
        if hook and hook.service not in ports:
            yield (
                f"spec.hooks.{name}.service: {hook.service!r} is none of spec.services; name one "
                "of them"
            )
    if (close := spec.hooks.on_close) and close.service in ports:
        container = container_of_port(pod, ports[close.service])
        if (container.get("lifecycle") or {}).get("preStop"):
            yield (
                f"{_POD}: container {container.get('name')!r} has a lifecycle.preStop of its own, "
                "where spec.hooks.onClose would go; remove one of the two"
            )


def _privileges(pod: Object) -> Iterator[tuple[str, str]]:
    """What of a PodSpec reaches out of the pod: the field, and why it is refused."""
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(field):
            yield f"{_POD}.{field}", "pods of games may not share the node's namespaces"
    if pod.get("nodeName"):
        yield f"{_POD}.nodeName", "pods of games go where the scheduler puts them"
    for index, volume in enumerate(pod.get("volumes") or []):
        if volume.get("hostPath") is not None:
            yield f"{_POD}.volumes[{index}].hostPath", "pods of games may not see the node's files"
    if _is_host_process(pod):
        yield f"{_POD}.securityContext.windowsOptions.hostProcess", "it is privileged"
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        for index, container in enumerate(pod.get(kind) or []):
            yield from _container_privileges(container, f"{_POD}.{kind}[{index}]")


def _container_privileges(container: Object, path: str) -> Iterator[tuple[str, str]]:
    if (container.get("securityContext") or {}).get("privileged"):
        yield f"{path}.securityContext.privileged", "pods of games may not be privileged"
    if _is_host_process(container):
        yield f"{path}.securityContext.windowsOptions.hostProcess", "it is privileged"
    for index, port in enumerate(container.get("ports") or []):
        if port.get("hostPort"):
            yield f"{path}.ports[{index}].hostPort", "pods of games may not take the node's ports"


def _is_host_process(part: Object) -> bool:
    options = (part.get("securityContext") or {}).get("windowsOptions") or {}
    return bool(options.get("hostProcess"))
