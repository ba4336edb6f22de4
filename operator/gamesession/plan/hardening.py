"""What a pod template leaves out, and the defaults it then gets.

With them a template that says nothing about security passes the Pod Security Standard *restricted*
(https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted). Whatever a
template does say stands. Left alone on purpose:

- `runAsUser`: only the image knows which of its users can read its files. An image that would run
  as root does not start, and says so; give it a `USER` or the template a `runAsUser`.
- `readOnlyRootFilesystem`: *restricted* does not ask for it, and most programs write to `/tmp`.
"""

from __future__ import annotations

from typing import Any, Final

Object = dict[str, Any]

REQUESTS: Final = {"cpu": "50m", "memory": "64Mi"}
LIMITS: Final = {"cpu": "1", "memory": "512Mi"}
"""Per container, for each of CPU and memory of which it says nothing itself: little enough that
many idle games share a node, enough to start."""

LOST_NODE_SECONDS: Final = 30
"""A pod on a node that is gone is replaced after this long; Kubernetes' own default is 300."""

_LOST_NODE_TAINTS: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def harden_container(container: Object, pod: Object) -> None:
    """Fill in, in place, what a container leaves out.

    Args:
        pod: the PodSpec that it stands in, as the template has it.
    """
    security = fill_in(container, "securityContext", {})
    # Who asks for root in so many words gets a pod that Pod Security can judge, not one that the
    # kubelet refuses because of a default of ours.
    if _is_root(security) and (pod.get("securityContext") or {}).get("runAsNonRoot") is None:
        fill_in(security, "runAsNonRoot", False)
    if not _is_windows(pod):
        capabilities = fill_in(security, "capabilities", {})
        fill_in(capabilities, "drop", ["ALL"])
        if not _escalates(security):
            fill_in(security, "allowPrivilegeEscalation", False)
    if not pod.get("resources"):  # a budget of the whole pod is the template's own decision
        _fill_in_resources(fill_in(container, "resources", {}))


def harden_pod(pod: Object) -> None:
    """Fill in, in place, what a PodSpec leaves out; containers come before, by
    `harden_container`."""
    fill_in(pod, "automountServiceAccountToken", False)
    fill_in(pod, "enableServiceLinks", False)
    # A restarted container would have forgotten whom it serves: it gets a new pod instead.
    fill_in(pod, "restartPolicy", "Never")
    security = fill_in(pod, "securityContext", {})
    if not _is_root(security):
        fill_in(security, "runAsNonRoot", True)
    if not _is_windows(pod):
        fill_in(security, "seccompProfile", {"type": "RuntimeDefault"})
    tolerations = fill_in(pod, "tolerations", [])
    tolerations += [_toleration(taint) for taint in _LOST_NODE_TAINTS if _is_open(taint, pod)]


def fill_in(part: Object, field: str, default: Any) -> Any:
    """The value of a field, which becomes `default` if it is absent or null."""
    if part.get(field) is None:
        part[field] = default
    return part[field]


def _fill_in_resources(resources: Object) -> None:
    requests = fill_in(resources, "requests", {})
    limits = fill_in(resources, "limits", {})
    for name in REQUESTS:
        if name not in requests and name not in limits:
            requests[name] = REQUESTS[name]
            limits[name] = LIMITS[name]


def _escalates(security: Object) -> bool:
    """Whether the API server would refuse `allowPrivilegeEscalation: false` beside this."""
    added = security["capabilities"].get("add") or []
    return bool(security.get("privileged")) or "SYS_ADMIN" in added or "CAP_SYS_ADMIN" in added


def _is_root(security: Object) -> bool:
    return security.get("runAsUser") == 0


def _is_windows(pod: Object) -> bool:
    # The API server refuses Linux's security fields there.
    return (pod.get("os") or {}).get("name") == "windows"


def _is_open(taint: str, pod: Object) -> bool:
    """Whether no toleration of the template's own is about this taint (the rule by which
    Kubernetes' admission plugin DefaultTolerationSeconds goes)."""
    return not any(
        toleration.get("key") in (taint, "", None)
        and toleration.get("effect") in ("NoExecute", "", None)
        for toleration in pod["tolerations"]
    )


def _toleration(taint: str) -> Object:
    return {
        "key": taint,
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": LOST_NODE_SECONDS,
    }
