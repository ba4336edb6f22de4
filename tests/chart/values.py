"""`docs/values.md`: the chart's values, from the comments in its `values.yaml` and its schema.

`python -m tests.chart.values` writes it, and the comments into the schema's descriptions, where
editors look for them (`make manifests`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tests.chart.rendering import CHART, ROOT

DOCUMENT: Final = ROOT / "docs" / "values.md"
VALUES: Final = CHART / "values.yaml"
SCHEMA: Final = CHART / "values.schema.json"
HEAD: Final = """\
# Values of the chart

<!-- Made from charts/gamesession-operator/values.yaml and its schema by `make manifests`: change \
those, not this. -->

What can be set with `--values` or `--set`. The chart refuses all else, and values of a wrong \
kind, and says which and why. A map of yours is merged with that of the default; `null` takes an \
entry out. On upgrades, `--reset-then-reuse-values` keeps what you have set and knows what is new \
in the chart; `--reuse-values` does not.
"""
SETTINGS_HEAD: Final = """\
## gateway.settings

What is not set here is as [configuration](configuration.md#gateway-gamesession-gateway) has it.
"""

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """One value that can be set.

    Attributes:
        path: its keys, outermost first.
        default: what it is if nothing is said.
        comment: what `values.yaml` says of it; empty if it says nothing.
        schema: its schema, with what that refers to.
    """

    path: tuple[str, ...]
    default: Any
    comment: str
    schema: Schema

    @property
    def name(self) -> str:
        """As `--set` has it."""
        return ".".join(self.path)

    @property
    def meaning(self) -> str:
        """What there is to know of it."""
        return self.comment or str(self.schema.get("description", ""))

    @property
    def kind(self) -> str:
        """What may be given."""
        if "title" in self.schema:
            return str(self.schema["title"])
        if "enum" in self.schema:
            return ", ".join(f"`{each}`" for each in self.schema["enum"])
        kinds = self.schema["type"]
        names = {"object": "map", "array": "list"}
        listed = [kinds] if isinstance(kinds, str) else kinds
        return " or ".join(names.get(each, each) for each in listed)


def load_schema() -> Schema:
    """The schema as it stands."""
    found: Schema = json.loads(SCHEMA.read_text())
    return found


def resolved(schema: Schema, root: Schema) -> Schema:
    """A part of the schema with what it refers to, and its own words."""
    if "$ref" not in schema:
        return schema
    target = root["definitions"][schema["$ref"].rpartition("/")[2]]
    return resolved(target, root) | {k: v for k, v in schema.items() if k != "$ref"}


def values() -> list[Value]:
    """All values of `values.yaml`, in its order."""
    text = VALUES.read_text()
    root = load_schema()
    node = yaml.compose(text)
    assert isinstance(node, yaml.MappingNode)
    return list(_values(node, text.splitlines(), (), root, root))


def _values(
    node: yaml.MappingNode, lines: list[str], path: tuple[str, ...], schema: Schema, root: Schema
) -> Iterator[Value]:
    for key, value in node.value:
        here = (*path, key.value)
        found = schema["properties"][key.value]
        # A map that is given whole, as Kubernetes has it, or that is empty, is one value.
        if isinstance(value, yaml.MappingNode) and "$ref" not in found and not value.flow_style:
            yield from _values(value, lines, here, found, root)
        else:
            default = yaml.safe_load(yaml.serialize(value))
            comment = comment_above(lines, key.start_mark.line)
            yield Value(here, default, comment, resolved(found, root))


def comment_above(lines: list[str], number: int) -> str:
    """The comment that ends above a line, as one line, if it begins with `# --`."""
    found: list[str] = []
    for line in reversed(lines[:number]):
        if not (match := re.fullmatch(r"\s*# (-- )?(.*)", line)):
            break
        found.insert(0, match[2])
        if match[1]:
            return " ".join(found)
    return ""


def described_schema() -> str:
    """The schema's file, with the comments of `values.yaml` as descriptions."""
    root = load_schema()
    for value in values():
        if value.comment:
            part = root
            for key in value.path:
                part = part["properties"][key]
            part["description"] = value.comment
    return json.dumps(root, indent=2, ensure_ascii=False) + "\n"


def document() -> str:
    """The file's content."""
    parts = [HEAD]
    for section in dict.fromkeys(value.path[0] for value in values()):
        rows = [_row(each) for each in values() if each.path[0] == section]
        parts.append(f"## {section}\n\n" + _table("value | kind | default | meaning", rows))
    parts.append(SETTINGS_HEAD + "\n" + _table("setting | kind | meaning", list(_settings())))
    return "\n".join(parts)


def _row(value: Value) -> str:
    default = json.dumps(value.default, ensure_ascii=False)
    return f"`{value.name}` | {value.kind} | `{default}` | {value.meaning}"


def _settings() -> Iterator[str]:
    root = load_schema()
    properties = root["properties"]["gateway"]["properties"]["settings"]["properties"]
    for name, schema in properties.items():
        setting = Value((name,), None, "", resolved(schema, root))
        yield f"`{name}` | {setting.kind} | {setting.meaning}"


def _table(head: str, rows: list[str]) -> str:
    dashes = "|".join("---" for _ in head.split("|"))
    return "".join(f"| {row} |\n" for row in (head, *rows)).replace("\n", f"\n|{dashes}|\n", 1)


def main(page: Path = DOCUMENT) -> None:
    """Write both."""
    SCHEMA.write_text(described_schema())
    page.write_text(document())


if __name__ == "__main__":
    main()
