"""`Game`: the catalogue entry of one game, how its pod looks and how its sessions live."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from gamesession.api.conditions import Condition
from gamesession.api.duration import BOUNDED_PATTERN
from gamesession.api.fallback import Fallback
from gamesession.api.hooks import Hooks
from gamesession.api.metadata import Metadata
from gamesession.api.parts import (
    RULES,
    Count,
    DnsLabel,
    Duration,
    IdleTimeout,
    ObservedPart,
    Part,
    Port,
    ServiceName,
    StartTimeout,
    cel,
)

DEFAULT_LONGEST_IDLE_TIMEOUT: Final = timedelta(hours=2)
DEFAULT_MAX_PENDING: Final = 100

# A list of one stands for a variable, which CEL lacks here: each path is normalized once, or the
# longest lists would exceed the API server's budget.
_UNIQUE_PATHS = cel(
    "[self.map(s, s.paths.map(p, p.endsWith('/') ? p : p + '/'))].all(found, found.all(a, "
    "a.all(p, found.map(b, b.filter(q, q == p).size()).sum() == 1)))",
    "paths must be unique among all services: requests go to one service only",
)


def _without_trailing_slash(path: str) -> str:
    return path.rstrip("/") or "/"


PathPrefix = Annotated[
    str,
    AfterValidator(_without_trailing_slash),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)*/?$",
            "minLength": 1,
            "maxLength": 200,
            RULES: [
                cel(
                    "self != '/session' && !self.startsWith('/session/')",
                    "must not lie below /session: the gateway answers there itself",
                ),
                cel(
                    r"!self.matches('(^|/)[.][.]?(/|$)')",
                    "must not hold dot segments: the gateway refuses such requests",
                ),
            ],
        }
    ),
]


class Service(Part):
    """One port of the pod that users' requests go to."""

    name: ServiceName
    """Its name, unique in the Game. SDK and status call it by this."""

    port: Port
    """The port of the pod that it listens on, as plain HTTP."""

    paths: Annotated[tuple[PathPrefix, ...], Field(max_length=16)] = ()
    """Prefixes of the paths below /api/{route} that go to this service, by whole segments; of
    several that match, the longest wins. Not below /session. If no service names /, the first
    one has it."""


class SessionPolicy(Part):
    """How sessions of this game live. Changes count at once, also for sessions that run."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                cel(
                    "!has(self.maxIdleTimeout) "
                    f"|| !self.idleTimeout.matches('{BOUNDED_PATTERN}') "
                    f"|| !self.maxIdleTimeout.matches('{BOUNDED_PATTERN}') "
                    "|| duration(self.idleTimeout) <= duration(self.maxIdleTimeout)",
                    "maxIdleTimeout must be at least idleTimeout: raise it, or leave it out",
                    ".maxIdleTimeout",
                )
            ]
        }
    )

    idle_timeout: IdleTimeout = timedelta(minutes=30)
    """A session without activity for this long ends. At least 5s. Default: 30m."""

    max_idle_timeout: IdleTimeout | None = None
    """Upper bound of the idleTimeout that a session may ask for itself. Default: 2h, or
    idleTimeout if that is more."""

    max_lifetime: Duration = timedelta(hours=24)
    """A session this long after status.startedAt ends, however active. 0s: never. Default: 24h."""

    start_timeout: StartTimeout = timedelta(minutes=2)
    """A session that is not Ready this long after status.startingSince is Failed. At least 1s.
    Default: 2m."""

    stream_activity: Literal["Open", "Traffic"] = "Open"
    """What of a WebSocket, an event stream or a running request keeps a session alive. Open: that
    it is open. Traffic: its bytes only, pings not among them. Default: Open."""

    @property
    def longest_idle_timeout(self) -> timedelta:
        """The upper bound of a session's own idle timeout, computed where it is not given."""
        return self.max_idle_timeout or max(DEFAULT_LONGEST_IDLE_TIMEOUT, self.idle_timeout)


class Limits(Part):
    """How many sessions of this game there may be."""

    max_sessions: Count | None = None
    """Sessions that may have a pod at once; more wait as Pending, first come, first served.
    Default: no limit."""

    max_pending: Count = DEFAULT_MAX_PENDING
    """Sessions that may wait as Pending; requests for more are answered 429. Default: 100."""


class WarmPool(Part):
    """Pods started ahead, waiting for a user."""

    size: Count = 0
    """How many unclaimed pods to keep. Default: 0."""


def _hook_names_a_service(hook: str) -> JsonDict:
    return cel(
        f"!has(self.hooks) || !has(self.hooks.{hook}) "
        f"|| self.services.exists(s, s.name == self.hooks.{hook}.service)",
        f"hooks.{hook}.service must be the name of one of spec.services",
        f".hooks.{hook}.service",
    )


class GameSpec(Part):
    """How the pod of this game looks and how its sessions live."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [_hook_names_a_service("onClaim"), _hook_names_a_service("onClose")]
        }
    )

    route: DnsLabel | None = None
    """The {route} of /api/{route}/..., a DNS label. Of two Games with one route the older serves.
    Default: the name of the Game."""

    services: Annotated[
        tuple[Service, ...],
        Field(
            min_length=1,
            max_length=8,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
                RULES: [_UNIQUE_PATHS],
            },
        ),
    ]
    """The ports of the pod that users' requests go to, 1 to 8."""

    strip_prefix: bool = False
    """Whether the pod sees the path below /api/{route}, and X-Forwarded-Prefix, rather than the
    whole path. Default: false."""

    forward_authorization: bool = False
    """Whether the client's Authorization header reaches the pod. Default: false."""

    suspend: bool = False
    """No new sessions; those that run live on. Default: false."""

    session: SessionPolicy = SessionPolicy()
    """How sessions of this game live."""

    limits: Limits = Limits()
    """How many sessions of this game there may be."""

    warm_pool: WarmPool = WarmPool()
    """Pods started ahead, waiting for a user."""

    hooks: Hooks = Hooks()
    """Requests that tell a pod when it gets its user and when it stops."""

    fallback: Fallback | None = None
    """Who answers when no session can be had. Default: nobody, the request fails."""

    template: Annotated[
        dict[str, Any],
        WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True}),
    ]
    """The pod that every user gets, a PodTemplateSpec (metadata: labels and annotations; spec: a
    PodSpec). The API server checks it; condition Accepted holds what it says. What it leaves out
    gets defaults under which Pod Security "restricted" passes. Running sessions keep the pod they
    have when it changes."""

    @property
    def prefixes(self) -> dict[str, str]:
        """The name of the service for each path prefix, `/` always among them."""
        named = {path: service.name for service in self.services for path in service.paths}
        return {"/": self.services[0].name, **named}


class SessionCounts(ObservedPart):
    """How many sessions of this game there are."""

    pending: int = 0
    """Waiting for a pod."""

    starting: int = 0
    """With a pod that is not Ready yet."""

    ready: int = 0
    """With a pod that answers."""

    failed: int = 0
    """Failed; they are removed after two minutes, or by the user's next request."""


class WarmCounts(ObservedPart):
    """How many unclaimed pods there are."""

    ready: int = 0
    """Ready for a user."""

    starting: int = 0
    """Not Ready yet."""


class GameStatus(ObservedPart):
    """What the operator sees of this game."""

    route: Annotated[str, Field(max_length=63)] | None = None
    """The {route} of /api/{route}/... that this Game serves."""

    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=16,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
        ),
    ] = ()
    """Accepted: the API server takes the pod, and the route is this Game's. Ready: sessions
    start."""

    sessions: SessionCounts = SessionCounts()
    """How many sessions of this game there are."""

    warm: WarmCounts = WarmCounts()
    """How many unclaimed pods there are."""

    observed_generation: int | None = None
    """The generation of the Game that this status is about."""


class Game(ObservedPart):
    """The catalogue entry of one game: how its pod looks and how its sessions live. Its users reach
    it below /api/{route} of the gateway, each in a pod of their own."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                cel(
                    # It is a DNS subdomain already, by which a label differs only in its dots.
                    "size(self.metadata.name) <= 40 && !self.metadata.name.contains('.')",
                    "metadata.name of a Game must be a DNS label of at most 40 characters: "
                    "lower-case letters, digits and dashes, no dots",
                )
            ]
        }
    )

    metadata: Metadata
    spec: GameSpec
    """How the pod of this game looks and how its sessions live."""

    status: GameStatus = GameStatus()
    """What the operator sees of this game."""

    @property
    def route(self) -> str:
        """The route that it serves, if no older Game has it."""
        return self.spec.route or self.metadata.name
