"""Whether a template is built as a PodTemplateSpec is, as far as we read it.

The API server checks all of it, but only once we have added our part; what we read must hold
before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

_SECURITY: Final = {"capabilities": {"add": [str], "drop": [str]}, "windowsOptions": {}}
_CONTAINER: Final = {
    "env": [{}],
    "ports": [{}],
    "lifecycle": {"preStop": {}},
    "resources": {"requests": {}, "limits": {}},
    "securityContext": _SECURITY,
}
_TEMPLATE: Final = {
    "metadata": {"labels": {}, "annotations": {}},
    "spec": {
        "containers": [_CONTAINER],
        "initContainers": [_CONTAINER],
        "ephemeralContainers": [_CONTAINER],
        "volumes": [{}],
        "tolerations": [{}],
        "os": {},
        "resources": {},
        "securityContext": _SECURITY,
        "terminationGracePeriodSeconds": int,
    },
}
MAX_DEPTH: Final = 50
"""Levels of a template: twice as many as a PodTemplateSpec has. Python cannot copy a thousand."""
_WORDS: Final[dict[type, str]] = {dict: "an object", list: "a list", str: "text", int: "a number"}


def misshapen(template: dict[str, Any]) -> list[str]:
    """What of a template is of the wrong type, in words that name the field; empty if nothing.

    Null counts as left out, as the API server has it.
    """
    if _is_deeper(template, MAX_DEPTH):
        return [f"spec.template: is nested deeper than {MAX_DEPTH} levels; no PodTemplateSpec is"]
    found = [
        f"spec.template.{field}: a PodTemplateSpec has metadata and spec only"
        for field, value in template.items()
        if field not in _TEMPLATE and value is not None
    ]
    found += _mismatches(template, _TEMPLATE, "spec.template")
    pod = template.get("spec")
    if not found and not (pod and pod.get("containers")):
        found.append("spec.template.spec.containers: must hold at least one container")
    return found


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and lists lie in one another by more than so many levels."""
    layer = [value]
    for _ in range(levels):
        layer = [
            inner
            for outer in layer
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(layer)


def _mismatches(value: Any, shape: Any, path: str) -> Iterator[str]:
    wanted: Any = shape if isinstance(shape, type) else type(shape)
    if wanted is not type(value):
        yield f"{path}: must be {_WORDS[wanted]}"
    elif wanted is dict:
        for field, part in shape.items():
            if value.get(field) is not None:
                yield from _mismatches(value[field], part, f"{path}.{field}")
    elif wanted is list:
        for index, item in enumerate(value):
            yield from _mismatches(item, shape[0], f"{path}[{index}]")
