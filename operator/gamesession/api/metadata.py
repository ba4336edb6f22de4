"""The metadata of an object, as far as we read it."""

from __future__ import annotations

from pydantic import Field

from gamesession.api.parts import Instant, ObservedPart


class OwnerReference(ObservedPart):
    """Whose an object is; when the owner goes, it goes."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class Metadata(ObservedPart):
    """Kubernetes' `ObjectMeta`. What the API server fills in is empty in an object made here."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Instant | None = None
    deletion_timestamp: Instant | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()
    finalizers: tuple[str, ...] = ()
