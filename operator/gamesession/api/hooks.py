"""`spec.hooks` of a Game: requests that tell a pod when it gets its user and when it stops."""

from __future__ import annotations

from datetime import timedelta

from gamesession.api.parts import Duration, Part, ServiceName, UrlPath


class OnClaim(Part):
    """A request that the operator makes to a pod when it gets its user, before the session is
    Ready: POST with the identity headers, an Idempotency-Key and {session_id, user_id, game_id} as
    JSON. At least once per pod; after three failures in 10s the session gets another pod."""

    service: ServiceName
    """Name of the service that is called, one of spec.services."""

    path: UrlPath
    """Path of the request."""


class OnClose(Part):
    """A request that the kubelet makes to a pod before it stops (preStop, GET, without identity:
    remember onClaim). It is made before every orderly stop, also of warm pods without a user, and
    may repeat; not on a crash, a lost node or a forced deletion. With it, the next session of the
    same user and game gets its pod only when the old pod is gone, or timeout has passed."""

    service: ServiceName
    """Name of the service that is called, one of spec.services. The hook is set on the container
    that declares its port, else on the first; that one may not have a preStop of its own."""

    path: UrlPath
    """Path of the request."""

    timeout: Duration = timedelta(seconds=10)
    """How long it may take, from the deletion of the pod on. The pod's grace period is at least
    5s more. Default: 10s."""


class Hooks(Part):
    """Requests that tell a pod when it gets its user and when it stops."""

    on_claim: OnClaim | None = None
    """When a pod gets its user."""

    on_close: OnClose | None = None
    """When a pod stops."""
