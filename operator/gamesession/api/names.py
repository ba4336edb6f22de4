"""Names that are derived, and the session_id that outsiders carry around."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

MAX_SESSION_NAME = 63
HASH_CHARACTERS = 16
UID_CHARACTERS = 5
ATTEMPT_DIGITS = 9


@lru_cache(maxsize=16_384)
def session_name(game: str, user: str) -> str:
    """The name that gateway and SDK give to the session of `user` in `game`.

    `<game>-<first 16 characters of lower-case RFC 4648 base 32 of SHA-256(game + NUL + user)>`:
    80 bits, and no part of the user's name.
    """
    digest = hashlib.sha256(f"{game}\0{user}".encode()).digest()
    return f"{game}-{base64.b32encode(digest).decode().lower()[:HASH_CHARACTERS]}"


def pod_name(session: str, session_uid: str, attempt: int) -> str:
    """The name of a session's pod number `attempt` (from 1)."""
    return f"{session}-{session_uid[:UID_CHARACTERS]}-{attempt}"


def attempt_of(pod: str) -> int:
    """The number at the end of a pod's name, 0 if there is none."""
    number = pod.rpartition("-")[2]
    # A status may say anything, also what Python refuses to read.
    if len(number) > ATTEMPT_DIGITS or not (number.isascii() and number.isdigit()):
        return 0
    return int(number)


@dataclass(frozen=True, slots=True)
class SessionId:
    """One life of one user's session of one game, to the second: `<user>_<game>_<unix seconds>`."""

    user: str
    game: str
    created: int

    def __str__(self) -> str:
        return f"{self.user}_{self.game}_{self.created}"

    @classmethod
    def of(cls, user: str, game: str, created_at: datetime) -> SessionId:
        """The id of the session of `user` in `game` that was created at `created_at`."""
        return cls(user, game, int(created_at.timestamp()))

    @classmethod
    def parse(cls, text: str) -> SessionId:
        """Read an id from the right, for a user's name may hold underscores.

        Raises:
            ValueError: it is not `<user>_<game>_<unix seconds>`.
        """
        user, game, created = ["", "", *text.rsplit("_", 2)][-3:]
        if not (user and game and created.isascii() and created.isdigit()):
            raise ValueError(f"session id {text!r} is not <user>_<game>_<unix seconds>")
        return cls(user, game, int(created))
