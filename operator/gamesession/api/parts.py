"""What the parts of our objects share: how they are read and written, and their fields' types.

A model reads an object as JSON has it (`model_validate`) and writes it back (`to_object`). Its
docstrings are what `kubectl explain` prints, its constraints what the API server checks: both go
into the CRDs (`gamesession.api.crd`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict

from gamesession.api.duration import (
    BOUNDED_PATTERN,
    MAX_LENGTH,
    PATTERN,
    TOO_LONG,
    format_duration,
    parse_duration,
)
from gamesession.api.instant import MAX_LENGTH as INSTANT_MAX_LENGTH
from gamesession.api.instant import PATTERN as INSTANT_PATTERN
from gamesession.api.instant import format_instant, parse_instant

SHORTEST_IDLE_TIMEOUT: Final = timedelta(seconds=5)
RULES: Final = "x-kubernetes-validations"


class Part(BaseModel):
    """A part that users write: a field we do not know is an error, as the API server has it."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    def to_object(self) -> dict[str, Any]:
        """The part as JSON has it; what is `None` is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class ObservedPart(Part):
    """A part that a program writes, maybe a newer release of ours: what we do not know is passed
    over, or an old SDK could not read what a new operator writes."""

    model_config = ConfigDict(extra="ignore")


def cel(rule: str, message: str, field_path: str = "") -> JsonDict:
    """A validation rule of the API server (`x-kubernetes-validations`), in CEL.

    Args:
        rule: the expression that must be true; `self` is the value, `oldSelf` the one before.
        message: names the field and the cure.
        field_path: the field that the error is about, relative to `self`.
    """
    found: JsonDict = {"rule": rule, "message": message}
    return {**found, "fieldPath": field_path} if field_path else found


def at_least(shortest: str) -> JsonDict:
    """The rule that a duration is no shorter than `shortest`."""
    return cel(
        f"!self.matches('{BOUNDED_PATTERN}') || duration(self) >= duration('{shortest}')",
        f"must be at least {shortest}",
    )


# Rules are evaluated even where the pattern did not match; they must not fail on such a value.
_BOUNDED: Final = cel(
    f"!self.matches('{PATTERN}') || self.matches('{BOUNDED_PATTERN}')",
    TOO_LONG,
)


def _duration_schema(*rules: JsonDict) -> WithJsonSchema:
    return WithJsonSchema(
        {
            "type": "string",
            "pattern": PATTERN,
            "maxLength": MAX_LENGTH,
            RULES: [_BOUNDED, *rules],
        }
    )


def instant_schema(*rules: JsonDict) -> WithJsonSchema:
    """The schema of a point in time, with rules of its own."""
    schema: JsonDict = {
        "type": "string",
        "format": "date-time",
        "pattern": INSTANT_PATTERN,
        "maxLength": INSTANT_MAX_LENGTH,
    }
    return WithJsonSchema({**schema, RULES: [*rules]} if rules else schema)


def _read_duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _read_instant(value: object) -> object:
    return parse_instant(value) if isinstance(value, str) else value


def _long_enough(value: timedelta) -> timedelta:
    if value < SHORTEST_IDLE_TIMEOUT:
        raise ValueError(f"must be at least {format_duration(SHORTEST_IDLE_TIMEOUT)}")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_read_duration),
    PlainSerializer(format_duration, return_type=str),
    _duration_schema(),
]

StartTimeout = Annotated[Duration, _duration_schema(at_least("1s"))]

IdleTimeout = Annotated[
    Duration,
    AfterValidator(_long_enough),
    _duration_schema(at_least(format_duration(SHORTEST_IDLE_TIMEOUT))),
]

Instant = Annotated[
    datetime,
    BeforeValidator(_read_instant),
    PlainSerializer(format_instant, return_type=str),
    instant_schema(),
]

Count = Annotated[int, Field(ge=0, le=1_000_000)]
Port = Annotated[int, Field(ge=1, le=65535)]
DnsLabel = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]
ServiceName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,30}$", max_length=31)]

# Printable ASCII, as a request line holds it.
UrlPath = Annotated[str, Field(pattern=r"^/[!-~]*$", max_length=1024)]
