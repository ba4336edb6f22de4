"""The errors that users of gateway, SDK and command line meet: one tree.

    GameSessionError
      BadRequest            bad_request 400
        BadPath             bad_path 400
      Unauthorized          unauthorized 401
      ForbiddenOrigin       forbidden_origin 403
      NotFound              not_found 404
        GameNotFound        game_not_found 404
      MethodNotAllowed      method_not_allowed 405
      PayloadTooLarge       payload_too_large 413
      Capacity              capacity 429, retry
      HeadersTooLarge       headers_too_large 431
      NameCollision         name_collision 500
      StartFailed           start_failed 502
      UpstreamUnreachable   upstream_unreachable 502
      SessionStarting       session_starting 503, retry
      GameSuspended         game_suspended 503
      Unavailable           unavailable 503
      UpstreamTimeout       upstream_timeout 504

An error knows its HTTP status, its code, and a sentence for the person who meets it.
"""

from __future__ import annotations

from typing import ClassVar


class GameSessionError(Exception):
    """The root of the tree.

    Attributes:
        status: the HTTP status it is answered with.
        code: its stable name, `error.code` in the answer's body.
        retry_after: seconds after which to try again, `None` if that would not help.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class BadRequest(GameSessionError):
    status, code = 400, "bad_request"


class BadPath(BadRequest):
    code = "bad_path"


class Unauthorized(GameSessionError):
    status, code = 401, "unauthorized"


class ForbiddenOrigin(GameSessionError):
    status, code = 403, "forbidden_origin"


class NotFound(GameSessionError):
    status, code = 404, "not_found"


class GameNotFound(NotFound):
    code = "game_not_found"


class MethodNotAllowed(GameSessionError):
    """
    Attributes:
        allowed: the methods that are, for the header `Allow`.
    """

    status, code = 405, "method_not_allowed"

    def __init__(self, message: str, *, allowed: str = "") -> None:
        super().__init__(message)
        self.allowed = allowed


class PayloadTooLarge(GameSessionError):
    status, code = 413, "payload_too_large"


class Capacity(GameSessionError):
    status, code = 429, "capacity"


class HeadersTooLarge(GameSessionError):
    status, code = 431, "headers_too_large"


class NameCollision(GameSessionError):
    status, code = 500, "name_collision"


class StartFailed(GameSessionError):
    status, code = 502, "start_failed"


class UpstreamUnreachable(GameSessionError):
    status, code = 502, "upstream_unreachable"


class SessionStarting(GameSessionError):
    status, code = 503, "session_starting"


class GameSuspended(GameSessionError):
    status, code = 503, "game_suspended"


class Unavailable(GameSessionError):
    status, code = 503, "unavailable"


class UpstreamTimeout(GameSessionError):
    status, code = 504, "upstream_timeout"
