"""Whom a token stands for, and which tokens stand for nobody."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gamesession.api.errors import Unauthorized
from gamesession.gateway.auth import Authenticator
from gamesession.gateway.keyring import Key, Keyring, VerificationKey
from gamesession.gateway.settings import GatewaySettings

SECRET = "0123456789abcdef0123456789abcdef"
KEY = SECRET.encode()


def settings(**of: Any) -> GatewaySettings:
    return GatewaySettings(
        **{"jwt_secret": SECRET, "jwt_issuer": "iss", "jwt_audience": "aud", **of}
    )


def authenticator(key: VerificationKey = KEY, **of: Any) -> Authenticator:
    return Authenticator(settings(**of), Keyring([Key.of(key)]))


def token(key: Any = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    body = {"sub": "alice", "iss": "iss", "aud": "aud", "exp": time.time() + 60, **claims}
    return jwt.encode({k: v for k, v in body.items() if v is not None}, key, algorithm=algorithm)


async def user_of(encoded: str, **of: Any) -> str:
    return (await authenticator(**of).check(encoded))[0]


def unsigned(**header: Any) -> str:
    """A token as a liar writes it."""
    parts = [
        {"typ": "JWT", **header},
        {"sub": "alice", "iss": "iss", "aud": "aud", "exp": time.time() + 60},
    ]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, b""]).decode()


async def test_the_subject_is_the_user() -> None:
    assert await user_of(token()) == "alice"


async def test_an_audience_among_several_will_do() -> None:
    assert await user_of(token(aud=["other", "aud"])) == "alice"


async def test_an_expiry_beyond_all_floats_will_do() -> None:
    checks = authenticator()
    encoded = token(exp=10**400)
    assert (await checks.check(encoded))[0] == "alice"
    assert (await checks.check(encoded))[0] == "alice"


async def test_another_claim_can_be_the_user() -> None:
    assert await user_of(token(email="a@b"), jwt_user_claim="email") == "a@b"


@pytest.mark.parametrize("encoded", ["", "x", "a.b.c", "a..c", "..", "\udcff.a.b"])
async def test_what_is_no_token_is_refused(encoded: str) -> None:
    with pytest.raises(Unauthorized, match="cannot be read"):
        await user_of(encoded)


@pytest.mark.parametrize(
    ("claims", "message"),
    [
        ({"exp": time.time() - 1}, "expired"),
        ({"exp": None}, "no claim exp"),
        ({"exp": "soon"}, "cannot be read"),
        ({"exp": float("inf")}, "cannot be read"),
        ({"iss": "other"}, "another issuer"),
        ({"iss": None}, "no claim iss"),
        ({"aud": "other"}, "another audience"),
        ({"aud": None}, "no claim aud"),
        ({"nbf": time.time() + 86400}, "not valid yet"),
        ({"sub": None}, "no claim sub"),
    ],
)
async def test_claims_are_checked(claims: dict[str, Any], message: str) -> None:
    with pytest.raises(Unauthorized, match=message):
        await user_of(token(**claims))


async def test_another_key_is_refused() -> None:
    with pytest.raises(Unauthorized, match="signature"):
        await user_of(token(key=SECRET[::-1]))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
async def test_another_algorithm_is_refused_though_the_key_is_right(algorithm: str) -> None:
    with pytest.raises(Unauthorized, match="algorithm"):
        await user_of(token(key=SECRET * 2, algorithm=algorithm))


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "None"}, {"alg": ""}, {}])
async def test_an_unsigned_token_is_refused(header: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        await user_of(unsigned(**header))


async def test_a_public_key_is_no_secret() -> None:
    """The classic: a token signed with HS256, and the public key's text as the secret."""
    key = rsa.generate_private_key(65537, 2048)
    with pytest.raises(Unauthorized, match="algorithm"):
        await user_of(
            token(),
            key=key.public_key(),
            jwt_algorithm="RS256",
            jwt_secret=None,
            jwt_public_key_file="key.pem",
        )


@pytest.mark.parametrize(
    ("algorithm", "private"),
    [
        ("RS256", rsa.generate_private_key(65537, 2048)),
        ("ES256", ec.generate_private_key(ec.SECP256R1())),
        ("EdDSA", ed25519.Ed25519PrivateKey.generate()),
    ],
)
async def test_public_keys_check_tokens(algorithm: str, private: Any) -> None:
    encoded = token(key=private, algorithm=algorithm)
    found = await user_of(
        encoded,
        key=private.public_key(),
        jwt_algorithm=algorithm,
        jwt_secret=None,
        jwt_public_key_file="key.pem",
    )
    assert found == "alice"


@pytest.mark.parametrize(
    "user",
    ["Alice", " alice ", "a/b", "a b", "é", "e\u0301", "x" * 253, "🎲", "a_b", "ａ", "\u200b"],
)
async def test_every_spelling_is_a_user_of_its_own(user: str) -> None:
    assert await user_of(token(sub=user)) == user


@pytest.mark.parametrize(
    "user", ["", "x" * 254, "a\nb", "a\x00", "\x7f", "\x85", "\ud800", 7, None, True, ["a"], {}]
)
async def test_a_name_that_fits_no_session_is_refused(user: Any) -> None:
    encoded = jwt.encode({"sub": user, "iss": "iss", "aud": "aud", "exp": time.time() + 60}, SECRET)
    with pytest.raises(Unauthorized):
        await user_of(encoded)


async def test_a_token_that_was_checked_is_refused_once_it_expires() -> None:
    now = [time.time()]
    checks = Authenticator(settings(), Keyring([Key.of(KEY)]), clock=lambda: now[0])
    encoded = token(exp=int(now[0]) + 60)
    assert (await checks.check(encoded))[0] == "alice"
    assert (await checks.check(encoded))[0] == "alice"
    now[0] += 61
    # PyJWT looks at the real time, at which it is valid still: only ours can refuse it.
    checks._check = lambda token, keys: pytest.fail("asked again")  # type: ignore[method-assign]
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        await checks.check(encoded)


async def test_a_refused_token_says_nothing_of_itself() -> None:
    encoded = token(key=SECRET[::-1])
    with pytest.raises(Unauthorized) as refused:
        await user_of(encoded)
    assert encoded not in refused.value.message
    assert not any(part in refused.value.message for part in encoded.split("."))
