"""Where a request carries its token."""

from __future__ import annotations

from gamesession.api.errors import Unauthorized


def bearer(authorization: str | None) -> str:
    """The token in the value of an `Authorization` header.

    Raises:
        Unauthorized: there is none.
    """
    if not authorization:
        raise Unauthorized("Authorization: Bearer <token> is missing.")
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized("Authorization must be Bearer <token>.")
    return token
