"""What users of the SDK may ask for: which user, and which game."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from gamesession.api.errors import BadRequest
from gamesession.api.names import SessionId
from gamesession.api.session import User

_USER: Final[TypeAdapter[Any]] = TypeAdapter(User)
_GAME: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def is_game_name(text: object) -> bool:
    """Whether a Game may have this name."""
    return isinstance(text, str) and _GAME.fullmatch(text) is not None


def check_user(user_id: object) -> None:
    """Raise `BadRequest` for what cannot be a user."""
    try:
        _USER.validate_python(user_id, strict=True)
    except ValidationError as error:
        raise BadRequest(
            "user_id is a string of 1 to 253 characters, none of them a control character."
        ) from error


def parse_session_id(session_id: object) -> SessionId | None:
    """The life that an id names; `None` for what can be no id."""
    try:
        found = SessionId.parse(session_id)  # type: ignore[arg-type]
        check_user(found.user)
    except (ValueError, AttributeError, BadRequest):
        return None
    return found if is_game_name(found.game) else None
