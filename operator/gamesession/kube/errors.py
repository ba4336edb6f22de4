"""What the API server answers when it does not do what it was asked.

ApiError                any other status
  Gone                  404: the object is not there
  Conflict              409: it exists already, or a precondition did not hold
  Expired               410: the resource version is too old to watch from
  Invalid               400, 422: refused for what it says
  Forbidden             403: RBAC, quota, admission
  Throttled             429
  ServerFault           5xx
Unreachable             no answer, or half of one: what was asked may have happened
  Silent                nor did anything else in the time it had
  NotLeading            it was not even sent: another process may act now
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """An answer of the API server that is no success.

    Attributes:
        status: HTTP status.
        reason: machine-readable reason of the `Status` object, such as `AlreadyExists`.
        message: the API server's own words.
        retry_after: seconds it asked to wait, if it did.
    """

    def __init__(self, status: int, body: Any, retry_after: float | None = None) -> None:
        details = body if isinstance(body, dict) else {}
        self.status = status
        self.reason = str(details.get("reason", ""))
        self.message = str(details.get("message") or body or f"HTTP {status}")
        self.retry_after = retry_after
        super().__init__(f"{status} {self.reason}: {self.message}")


class Gone(ApiError):
    """404."""


class Conflict(ApiError):
    """409."""


class Expired(ApiError):
    """410."""


class Invalid(ApiError):
    """400 or 422."""


class Forbidden(ApiError):
    """403."""


class Throttled(ApiError):
    """429."""


class ServerFault(ApiError):
    """5xx."""


class Unreachable(Exception):
    """No answer came, or not all of it: for a write, whether it happened is unknown."""


class Silent(Unreachable):
    """No answer in time; or a watch went on that should have ended, and may have missed things."""


class NotLeading(Unreachable):
    """Not sent: this process may not write any more."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: Invalid,
    403: Forbidden,
    404: Gone,
    409: Conflict,
    410: Expired,
    422: Invalid,
    429: Throttled,
}


def api_error(status: int, body: Any, retry_after: float | None = None) -> ApiError:
    """The error for an answer's status and (decoded) body."""
    kind = _BY_STATUS.get(status, ServerFault if status >= 500 else ApiError)
    return kind(status, body, retry_after)
