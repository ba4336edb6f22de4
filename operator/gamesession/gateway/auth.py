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
from gamesession.gateway.keyring import Key, Keyring
from gamesession.gateway.settings import GatewaySettings

REMEMBERED_TOKENS: Final = 10_000

# What PyJWT raises on tokens that are not what they should be.
_UNREADABLE: Final = (
    jwt.InvalidTokenError,
    ValueError,
    TypeError,
    ArithmeticError,
    RecursionError,
)

_USER: Final[TypeAdapter[str]] = TypeAdapter(User)


class Authenticator:
    """Checks tokens. What was checked is remembered until it expires, or its key is taken back.

    Args:
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        keys: Keyring,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        keys.on_removed = self._forget
        self._algorithm = settings.jwt_algorithm
        self._issuer = settings.jwt_issuer
        self._audience = settings.jwt_audience
        self._claim = settings.jwt_user_claim
        self._clock = clock
        self._checked: OrderedDict[bytes, tuple[str, int, Key]] = OrderedDict()

    async def check(self, token: str) -> tuple[str, int]:
        """The user whom a token stands for, and until when (Unix seconds).

        Raises:
            Unauthorized: it does not stand for one; the message says why, without the token.
            Unavailable: the key that it is signed with cannot be had now.
        """
        # Not the token itself: it must not be found in a dump of our memory.
        digest = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        if (known := self._checked.get(digest)) is not None:
            user, expires, _ = known
            if self._clock() < expires:
                return user, expires
            del self._checked[digest]
        keys = await self._keys.find(self._key_id(token))
        # Nothing is waited for from here on: a key that is taken back takes this with it.
        user, expires, key = self._check(token, keys)
        self._checked[digest] = user, expires, key
        if len(self._checked) > REMEMBERED_TOKENS:
            self._checked.popitem(last=False)
        return user, expires

    def _forget(self, removed: frozenset[Key]) -> None:
        """What these keys have signed counts no longer."""
        for digest in [each for each, (_, _, key) in self._checked.items() if key in removed]:
            del self._checked[digest]

    def _key_id(self, token: str) -> str | None:
        """The id of the key that a token says it is signed with.

        Raises:
            Unauthorized: it cannot be read, or is of another algorithm: no key will be its.
        """
        try:
            header = jwt.get_unverified_header(token)
        except _UNREADABLE as error:
            raise _invalid(error) from error
        if header.get("alg") != self._algorithm:
            raise _invalid(jwt.InvalidAlgorithmError())
        kid: str | None = header.get("kid")
        return kid

    def _check(self, token: str, keys: tuple[Key, ...]) -> tuple[str, int, Key]:
        for key in keys:
            try:
                claims = self._decode(token, key)
            except jwt.InvalidSignatureError as error:
                if key is keys[-1]:
                    raise _invalid(error) from error
            else:
                # a float may be too small for it
                return self._user(claims), int(claims["exp"]), key
        raise Unauthorized("The token is not valid: it is signed with a key that is not known.")

    def _decode(self, token: str, key: Key) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.material,
                algorithms=[self._algorithm],
                audience=self._audience,
                issuer=self._issuer,
                options={"require": ["exp", "iss", "aud", self._claim], "verify_sub": False},
            )
        except jwt.InvalidSignatureError:
            raise
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("The token has expired.") from error
        except _UNREADABLE as error:
            raise _invalid(error) from error
        return claims

    def _user(self, claims: dict[str, Any]) -> str:
        try:
            return _USER.validate_python(claims[self._claim], strict=True)
        except ValidationError as error:
            raise Unauthorized(
                f"The token's claim {self._claim} must be a string of 1 to 253 characters "
                "without control characters."
            ) from error


def _invalid(error: Exception) -> Unauthorized:
    return Unauthorized(f"The token is not valid: {_reason(error)}.")


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
