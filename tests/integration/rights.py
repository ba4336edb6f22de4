"""What each account of ours may do: all of it, and where."""

from __future__ import annotations

from tests.integration.installation import (
    BACK_END,
    CHECK,
    GAMES,
    GATEWAY,
    OPERATOR,
    SYSTEM,
    UNINSTALL,
)

GROUP = "gamelibrary.io"

Rights = dict[str, str]
"""Verbs by resource (`resource.group`, or `resource.group:name` for one object alone)."""

_CLIENT: Rights = {
    f"games.{GROUP}": "list watch",
    f"gamesessions.{GROUP}": "get list watch create delete",
    f"gamesessions/status.{GROUP}": "patch",
    "pods.": "list watch",
    "events.events.k8s.io": "create",
}
MAY: dict[str, dict[str, Rights]] = {
    OPERATOR: {
        GAMES: {
            f"games.{GROUP}": "get list watch patch",
            f"games/status.{GROUP}": "patch",
            f"gamesessions.{GROUP}": "get list watch patch delete",
            f"gamesessions/status.{GROUP}": "patch",
            "pods.": "get list watch create patch delete",
            "pods/log.": "get",
            "events.events.k8s.io": "create",
        },
        SYSTEM: {
            f"leases.coordination.k8s.io:{OPERATOR}": "get patch",
        },
    },
    GATEWAY: {GAMES: _CLIENT},
    BACK_END: {GAMES: _CLIENT},
    UNINSTALL: {
        GAMES: {
            f"games.{GROUP}": "list patch delete",
            f"gamesessions.{GROUP}": "list delete",
            "pods.": "list delete",
            "events.events.k8s.io": "create",
        },
    },
    CHECK: {
        GAMES: {f"games.{GROUP}": "list", f"gamesessions.{GROUP}": "list"},
        SYSTEM: {"pods.": "list"},
    },
}
"""By account and namespace. What is not here, nobody of ours may do."""

ANYBODY: Rights = {
    "selfsubjectreviews.authentication.k8s.io": "create",
    "selfsubjectaccessreviews.authorization.k8s.io": "create",
    "selfsubjectrulesreviews.authorization.k8s.io": "create",
}
"""What Kubernetes lets everyone ask who has any token: who am I, and what may I do."""
ANYBODY_READS = {
    *("/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version", "/version/"),
    *("/healthz", "/livez", "/readyz", "/.well-known/openid-configuration/", "/openid/v1/jwks/"),
    *("/.well-known/openid-configuration", "/openid/v1/jwks"),
}
"""Paths beside objects: which kinds there are, and whether the API server lives."""

Pair = tuple[str, str]
"""A verb, and what it is about, as in `Rights`."""


def pairs(rights: Rights) -> set[Pair]:
    """Rights one by one."""
    return {(verb, what) for what, verbs in rights.items() for verb in verbs.split()}


def expected(account: str, namespace: str) -> set[Pair]:
    """What an account is to be allowed in a namespace."""
    return pairs(ANYBODY) | pairs(MAY[account].get(namespace, {}))


def what(resource: str, group: str, name: str = "") -> str:
    """As the table names it."""
    return f"{resource}.{group}:{name}" if name else f"{resource}.{group}"
