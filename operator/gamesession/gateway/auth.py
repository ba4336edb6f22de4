"""Who is asking: the user that a signed token names."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

import jwt
from pydantic import TypeAdapter, ValidationError

from gamesession.api.errors import Unauthorized
from gamesession.api.session import User
from gamesession.gateway.keys import VerificationKey
from gamesession.gateway.settings import GatewaySettings

REMEMBERED_TOKENS: Final = 10_000

_USER: Final[TypeAdapter[str]] = TypeAdapter(User)


class Authenticator:
    """Checks bearer tokens. What was checked is remembered until it expires.

    Args:
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        key: VerificationKey,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._key = key
        self._algorithm = settings.jwt_algorithm
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._claim = settings.jwt_user_claim
        self._clock = clock
        self._checked: OrderedDict[bytes, tuple[str, int]] = OrderedDict()

    def user_of(self, authorization: str | None) -> str:
        """The user whom the value of an `Authorization` header stands for.

        Raises:
            Unauthorized: as `check`.
        """
        return self.check(authorization)[0]

    def check(self, authorization: str | None) -> tuple[str, int]:
        """The user whom the value of an `Authorization` header stands for, and until when (Unix
        seconds).

        Raises:
            Unauthorized: it does not stand for one; the message says why, without the token.
        """
        if not authorization:
            raise Unauthorized("Authorization: Bearer <token> is missing.")
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise Unauthorized("Authorization must be Bearer <token>.")
        # Not the token itself: it must not be found in a dump of our memory.
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        if (known := self._checked.get(digest)) is not None:
            user, expires = known
            if self._clock() < expires:
                return user, expires
            del self._checked[digest]
        user, expires = self._check(token)
        self._checked[digest] = user, expires
        if len(self._checked) > REMEMBERED_TOKENS:
            self._checked.popitem(last=False)
        return user, expires

    def _check(self, token: str) -> tuple[str, int]:
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[self._algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iss", "aud", self._claim], "verify_sub": False},
            )
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("The token has expired.") from error
        except (
            jwt.InvalidTokenError,
            ValueError,
            TypeError,
            ArithmeticError,
            RecursionError,
        ) as error:
            raise Unauthorized(f"The token is not valid: {_reason(error)}.") from error
        return self._user(claims), int(claims["exp"])  # a float may be too small for it

    def _user(self, claims: dict[str, Any]) -> str:
        try:
            return _USER.validate_python(claims[self._claim], strict=True)
        except ValidationError as error:
            raise Unauthorized(
                f"The token's claim {self._claim} must be a string of 1 to 253 characters "
                "without control characters."
            ) from error


def _reason(error: Exception) -> str:
    """What is wrong with a token, in words that give nothing of it away."""
    match error:
        case jwt.InvalidAlgorithmError():
            return "it is signed with another algorithm"
        case jwt.InvalidSignatureError():
            return "its signature does not match"
        case jwt.InvalidIssuerError():
            return "it comes from another issuer"
        case jwt.InvalidAudienceError():
            return "it is meant for another audience"
        case jwt.ImmatureSignatureError():
            return "it is not valid yet"
        case jwt.MissingRequiredClaimError():
            return f"it has no claim {error.claim}"
        case _:
            return "it cannot be read"
