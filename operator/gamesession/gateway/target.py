"""Where a request goes, and what pod and client are told of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from gamesession.api.identity import SESSION_HEADER, identity_headers
from gamesession.client.pod import Pod
from gamesession.plan.session import Session

REUSED: Final = "reused"


@dataclass(frozen=True, slots=True)
class Target:
    """A session's pod, and a port of it.

    Attributes:
        identity: the headers that tell the pod whom it serves.
        start: what the user met: `reused`, or the session's start (`cold`, `warm`).
    """

    session: Session
    pod: Pod
    port: int
    identity: Mapping[str, str]
    start: str

    @classmethod
    def of(cls, session: Session, pod: Pod, port: int, start: str = REUSED) -> Self:
        """The target of a session's requests."""
        identity = identity_headers(session.user, session.game, session.created_at, pod.uid)
        return cls(session, pod, port, identity, start)

    @property
    def session_id(self) -> str:
        """The session's id, as headers bear it."""
        return self.identity[SESSION_HEADER]

    @property
    def address(self) -> tuple[str, str]:
        """The pod's uid, and its IP address."""
        return self.pod.uid, self.pod.ip
