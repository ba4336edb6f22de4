"""Objects on standard output, in the format that was asked for."""

from __future__ import annotations

import json
import sys
from typing import Any

import yaml

from gamesession.commands.options import Output
from gamesession.commands.table import printable
from gamesession.kube.cluster import Object
from gamesession.kube.resources import Resource


def say(text: str) -> None:
    """A line for the person, beside the result: on standard error."""
    sys.stderr.write(f"{printable(text, keep_lines=True)}\n")


def write(text: str) -> None:
    """A result, on standard output."""
    sys.stdout.write(text)


def write_object(found: Object, output: Output) -> None:
    """An object (or a list) as the API server has it, without the bookkeeping of its fields."""
    if output is Output.JSON:
        write(json.dumps(_plain(found), indent=4, ensure_ascii=False) + "\n")
    else:
        write(yaml.safe_dump(_plain(found), sort_keys=False, allow_unicode=True))


def is_object(output: Output) -> bool:
    """Whether objects are wanted rather than a table."""
    return output in (Output.JSON, Output.YAML)


def listed(items: list[Object], resource: Resource) -> Object:
    """Objects as one, as `kubectl get` prints them."""
    told = {"apiVersion": resource.api_version, "kind": resource.kind}
    return {"apiVersion": "v1", "kind": "List", "items": [told | item for item in items]}


def _plain(found: Any) -> Any:
    if isinstance(found, dict) and "items" in found:
        return found | {"items": [_plain(item) for item in found["items"]]}
    metadata = {name: of for name, of in found["metadata"].items() if name != "managedFields"}
    return found | {"metadata": metadata}
