"""Tokens for development and tests: what an identity provider does in earnest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import jwt

from gamesession.gateway.keys import BadKey, read_secret
from gamesession.gateway.settings import GatewaySettings


def mint(user: str, settings: GatewaySettings, lifetime: timedelta) -> str:
    """A token that a gateway with these settings takes.

    Raises:
        BadKey: the gateway's key cannot be read, or is one that it can only check tokens with.
    """
    if settings.jwt_algorithm != "HS256":
        raise BadKey(
            f"tokens of {settings.jwt_algorithm} are signed with a private key that the gateway "
            "does not have; ask your identity provider for one"
        )
    claims = {
        settings.jwt_user_claim: user,
        "iss": settings.jwt_issuer,
        "aud": settings.jwt_audience,
        "exp": datetime.now(UTC) + lifetime,
    }
    return jwt.encode(claims, read_secret(settings), algorithm="HS256")
