"""Patches as the API server carries them out; what was there is left as it was."""

from __future__ import annotations

from typing import Any

from gamesession.kube.errors import Invalid


def merged(known: Any, patch: Any) -> Any:
    """An object with a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    found = dict(known) if isinstance(known, dict) else {}
    for field, value in patch.items():
        if value is None:
            found.pop(field, None)
        else:
            found[field] = merged(found.get(field), value)
    return found


def patched(known: Any, operations: list[dict[str, Any]]) -> Any:
    """An object with a JSON patch (RFC 6902): its `test`, `add` and `replace`.

    Raises:
        Invalid: a test failed, or there is nothing where something is to be.
    """
    for operation in operations:
        path = [_unescaped(part) for part in operation["path"].split("/")[1:]]
        known = _with(known, path, operation)
    return known


def _with(known: Any, path: list[str], operation: dict[str, Any]) -> Any:
    place: Any = int(path[0]) if isinstance(known, list) else path[0]
    there = place < len(known) if isinstance(known, list) else place in known
    if len(path) > 1:
        if not there:
            raise _refusal(operation)
        value = _with(known[place], path[1:], operation)
    else:
        value = _value(known[place] if there else None, operation, there=there)
    if there and value is known[place]:
        return known
    found = known.copy()
    found[place] = value
    return found


def _value(known: Any, operation: dict[str, Any], *, there: bool) -> Any:
    match operation["op"]:
        case "test" if there and known == operation["value"]:
            return known
        case "replace" if there:
            return operation["value"]
        case "add":
            return operation["value"]
    raise _refusal(operation)


def _refusal(operation: dict[str, Any]) -> Invalid:
    return Invalid(422, {"reason": "Invalid", "message": f"cannot do {operation}"})


def _unescaped(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")
