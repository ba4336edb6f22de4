"""The kinds of objects that we read and write."""

from __future__ import annotations

from dataclasses import dataclass

from gamesession.api.labels import GROUP, VERSION


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind, as the API server's paths name it."""

    group: str
    version: str
    plural: str
    kind: str

    @property
    def api_version(self) -> str:
        """`group/version`, or the version alone for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """The URL path of the collection, of an object in it, or of an object's subresource."""
        root = f"/apis/{self.group}" if self.group else "/api"
        scope = ["namespaces", namespace] if namespace else []
        parts = [root, self.version, *scope, self.plural, name, subresource]
        return "/".join(part for part in parts if part)


GAMES = Resource(GROUP, VERSION, "games", "Game")
SESSIONS = Resource(GROUP, VERSION, "gamesessions", "GameSession")
PODS = Resource("", "v1", "pods", "Pod")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
CRDS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition"
)
