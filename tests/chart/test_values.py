"""The chart's values: their schema, and the page that tells of them."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from gamesession.gateway.settings import GatewaySettings
from tests.chart.rendering import find, rendered
from tests.chart.values import (
    DOCUMENT,
    SCHEMA,
    Schema,
    described_schema,
    document,
    load_schema,
    resolved,
    values,
)

BY_THE_CHART = {
    *("namespace", "kubeconfig", "context", "host", "port", "admin_host", "admin_port"),
    *("jwt_algorithm", "jwt_secret", "jwt_secret_file", "jwt_public_key_file", "jwt_jwks_url"),
    *("jwt_issuer", "jwt_audience", "jwt_user_claim"),
}
"""Settings that other values of the chart are about, or that are the same in every pod."""
KINDS = {timedelta: "duration", int: "integer", bool: "boolean"}
LISTS = {"allowed_origins", "fallback_urls"}


def test_the_page_is_in_step_with_the_chart() -> None:
    """Else: `make manifests`."""
    assert DOCUMENT.read_text() == document()


def test_the_schema_says_what_the_values_file_says() -> None:
    """Else: `make manifests`."""
    assert SCHEMA.read_text() == described_schema()


@pytest.mark.parametrize("value", values(), ids=lambda value: value.name)
def test_each_value_is_explained(value: Any) -> None:
    assert value.meaning.endswith("."), f"values.yaml or the schema must tell of {value.name}"


def objects(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """All parts of the schema that are about maps with keys of our own."""
    if "properties" in schema and "type" in schema:
        yield path, schema
    for name, part in schema.items():
        for number, each in enumerate(part if isinstance(part, list) else [part]):
            if isinstance(each, dict) and name not in ("if", "then"):
                yield from objects(each, f"{path}/{name}/{number}")


def test_no_map_of_ours_takes_unknown_keys() -> None:
    found = dict(objects(load_schema()))
    assert len(found) > 30
    assert [path for path, schema in found.items() if schema.get("additionalProperties")] == []
    assert [path for path, schema in found.items() if "additionalProperties" not in schema] == []


def test_the_schema_knows_just_the_values_there_are() -> None:
    """A value that the schema has and `values.yaml` has not would have no default to be seen."""

    known = {value.name for value in values()}

    def names(schema: Schema, path: str = "") -> Iterator[str]:
        for name, part in schema["properties"].items():
            if any(each.startswith(f"{path}{name}.") for each in known):
                yield from names(part, f"{path}{name}.")
            else:
                yield path + name

    assert set(names(load_schema())) - {"global"} == known


# The gateway's settings ---------------------------------------------------------------------------


def settings() -> dict[str, Schema]:
    """The schemas of `gateway.settings`, by what the gateway calls them."""
    root = load_schema()
    found = root["properties"]["gateway"]["properties"]["settings"]["properties"]
    return {
        re.sub("(?<=[a-z])([A-Z])", lambda match: f"_{match[1].lower()}", name): resolved(
            part, root
        )
        for name, part in found.items()
    }


def test_the_settings_are_those_of_the_gateway() -> None:
    """But for what the chart sets by itself: a new one must be made known here."""
    assert settings().keys() == GatewaySettings.model_fields.keys() - BY_THE_CHART


@pytest.mark.parametrize("name", GatewaySettings.model_fields.keys() - BY_THE_CHART)
def test_a_setting_is_of_the_gateways_kind(name: str) -> None:
    schema = settings()[name]
    if name in LISTS:
        assert schema["type"] == ["string", "array"]
    else:
        expected = KINDS.get(kind_of(GatewaySettings.model_fields[name]), "string")
        assert schema.get("title", schema["type"]) == expected
    if schema["type"] == "integer":
        assert schema["minimum"] == 1


def kind_of(field: FieldInfo) -> Any:
    """The type of a setting, be it optional or not."""
    found = field.annotation
    if get_origin(found) in (Union, types.UnionType):
        [found] = [each for each in get_args(found) if each is not type(None)]
    return get_args(found)[0] if hasattr(found, "__metadata__") else found


def environment(values: dict[str, Any]) -> dict[str, str]:
    """The gateway's environment, as its Deployment has it."""
    deployment = find(rendered({"gateway": values}), "Deployment", "gamesession-gateway")
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def test_settings_become_what_the_gateway_reads() -> None:
    """Numbers without an exponent, lists with commas."""
    found = environment(
        {
            "settings": {
                "maxBodyBytes": 104857600,
                "maxHeaderBytes": 1000000000,
                "jwtJwksAllowHttp": True,
                "hold": "1m30s",
                "allowedOrigins": ["https://a.example", "https://b.example"],
                "fallbackUrls": "https://c.example/x",
            }
        }
    )
    assert (
        found.items()
        >= {
            "GAMESESSION_MAX_BODY_BYTES": "104857600",
            "GAMESESSION_MAX_HEADER_BYTES": "1000000000",
            "GAMESESSION_JWT_JWKS_ALLOW_HTTP": "true",
            "GAMESESSION_HOLD": "1m30s",
            "GAMESESSION_ALLOWED_ORIGINS": "https://a.example,https://b.example",
            "GAMESESSION_FALLBACK_URLS": "https://c.example/x",
        }.items()
    )


@pytest.mark.parametrize("given", ["defaults", "everything"])
def test_the_gateway_takes_what_the_chart_gives(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment of the Deployment is a configuration that the gateway begins with."""
    samples: dict[str, Any] = {
        name: {"duration": "7s", "integer": 1000000, "boolean": False}.get(
            part.get("title", part["type"]) if isinstance(part["type"], str) else "", "https://a.b"
        )
        for name, part in settings().items()
    }
    samples |= {"auth_cookie": "__Host-session", "login_url": "/login?next={return}"}
    camel = {
        re.sub("_([a-z])", lambda match: match[1].upper(), name): value
        for name, value in samples.items()
    }
    for name, value in environment({"settings": camel} if given == "everything" else {}).items():
        monkeypatch.setenv(name, value)
    found = GatewaySettings()
    assert found.jwt_issuer == "gamesession"
    if given == "everything":
        assert found.max_body_bytes == 1000000
        assert found.shutdown_grace == timedelta(seconds=7)
        assert found.allowed_origins == {"https://a.b"}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({}, None),
        ({"shutdownGrace": "1h1m5s1ms"}, 3600 + 65 + 1 + 5 + 15),
        ({"shutdownDelay": "0s", "shutdownGrace": "500ms"}, 16),
    ],
)
def test_gateways_get_the_time_they_need_to_end(given: dict[str, str], seconds: int | None) -> None:
    """Their delay, their grace, and 15 s more; by default what is the gateway's default."""
    fields = GatewaySettings.model_fields
    default = fields["shutdown_delay"].default + fields["shutdown_grace"].default
    deployment = find(
        rendered({"gateway": {"settings": given}}), "Deployment", "gamesession-gateway"
    )
    found = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert found == (seconds or default.total_seconds() + 15)
