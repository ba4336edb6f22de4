"""From pydantic's JSON schema to the structural schema that Kubernetes wants in a CRD.

Source of the rules: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/
custom-resource-definitions/#specifying-a-structural-schema
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]


def structural_schema(model: type[BaseModel]) -> Schema:
    """The model's schema without references, titles, and choices of null.

    A default that is an object becomes `{}`, so that the defaults of its fields apply where it is
    left out; it is dropped where there are none.

    Raises:
        ValueError: the model has a field of more than one type, which Kubernetes does not allow.
    """
    # Only in this mode do defaults pass through the fields' own serializers: `30m`, not `PT30M`.
    schema = model.model_json_schema(mode="serialization")
    return _inlined(schema, schema.pop("$defs", {}))


def _inlined(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    schema = _resolved(schema, definitions)
    found: Schema = {}
    for key, value in schema.items():
        match key, value:
            case ("title", _) | ("default", None) | ("additionalProperties", bool()):
                continue
            case "properties", dict():
                found[key] = {name: _inlined(part, definitions) for name, part in value.items()}
            case (("items" | "additionalProperties"), dict()):
                found[key] = _inlined(value, definitions)
            case "description", str():
                found[key] = " ".join(value.split())
            case _:
                found[key] = value
    if isinstance(found.get("default"), dict):
        del found["default"]
        if any("default" in part for part in found.get("properties", {}).values()):
            found["default"] = {}
    return {key: found[key] for key in sorted(found, key=_reading_order)}


def _reading_order(key: str) -> tuple[int, str]:
    first = ["description", "type", "default", "required", "properties", "items"]
    return (first.index(key), "") if key in first else (len(first), key)


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """The schema with its reference, and its choice between a type and null, followed. What stands
    beside them (a field's own description) wins over what they lead to (its class's)."""
    while "$ref" in schema or "anyOf" in schema:
        beside = dict(schema)
        if reference := beside.pop("$ref", None):
            target = definitions[reference.rpartition("/")[2]]
        else:
            choices = [choice for choice in beside.pop("anyOf") if choice != {"type": "null"}]
            if len(choices) != 1:
                raise ValueError(f"a field of several types cannot stand in a CRD: {schema}")
            target = choices[0]
        schema = {**target, **beside}
    return schema


def without_defaults(schema: Schema) -> Schema:
    """The schema with no default below it: in a status, absent means not seen yet."""
    found = {key: value for key, value in schema.items() if key != "default"}
    if "properties" in found:
        found["properties"] = {
            name: without_defaults(part) for name, part in found["properties"].items()
        }
    return found
