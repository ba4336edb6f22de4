"""Where a request goes, and what pod and client are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gamesession.api.names import SessionId
from gamesession.client.pod import Pod
from gamesession.gateway.headers import encoded
from gamesession.plan.session import Session

REUSED: Final = "reused"


@dataclass(frozen=True, slots=True)
class Target:
    """A session's pod, and a port of it.

    Attributes:
        user: the user, as headers bear it.
        session_id: the session's id, as headers bear it.
        start: what the user met: `reused`, or the session's start (`cold`, `warm`).
    """

    session: Session
    pod: Pod
    port: int
    user: str
    session_id: str
    start: str

    @classmethod
    def of(cls, session: Session, pod: Pod, port: int, start: str = REUSED) -> Self:
        """The target of a session's requests."""
        life = SessionId.of(session.user, session.game, session.created_at)
        return cls(session, pod, port, encoded(session.user), encoded(str(life)), start)

    @property
    def address(self) -> tuple[str, str]:
        """The pod's uid, and its IP address."""
        return self.pod.uid, self.pod.ip
