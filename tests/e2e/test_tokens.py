"""Who is let in."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from demo.target import GAMES
from tests.e2e.gateway import Gateway
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e

PATH = "/api/fortune/whoami"
USER = "a stranger"


def tokens(stack: Stack) -> dict[str, str | None]:
    """What must not open the door, by what is wrong with it."""
    now = int(time.time())
    good = stack.token(USER)
    head, body, _ = good.split(".")
    return {
        "none": None,
        "empty": "",
        "no token": "none",
        "algorithm none": stack.token(USER, key="", algorithm="none"),
        "signature cut off": f"{head}.{body}.",
        "HS384": stack.token(USER, algorithm="HS384"),
        "HS512": stack.token(USER, algorithm="HS512"),
        "RS256": stack.token(USER, key=rsa.generate_private_key(65537, 2048), algorithm="RS256"),
        "ES256": stack.token(USER, key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
        "another key": stack.token(USER, key="somebody else's key, which is long enough"),
        "another issuer": stack.token(USER, iss="somebody else"),
        "no issuer": stack.token(USER, iss=None),
        "another audience": stack.token(USER, aud="shops"),
        "no audience": stack.token(USER, aud=None),
        "expired": stack.token(USER, exp=now - 1),
        "no expiry": stack.token(USER, exp=None),
        "not yet": stack.token(USER, nbf=now + 600),
        "no user": stack.token(None),
    }


async def test_a_token_that_is_not_right_opens_nothing(stack: Stack, gateway: Gateway) -> None:
    """401 with a reason, no session for anybody, and no token in the log."""
    wrong = tokens(stack)
    for what, token in wrong.items():
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        async with gateway.request("GET", PATH, headers=headers) as answer:
            body = await answer.json()
        assert (answer.status, body["error"]["code"]) == (401, "unauthorized"), what
        assert body["error"]["message"], what
        assert answer.headers["WWW-Authenticate"] == "Bearer", what
    assert USER not in [session["spec"]["user"] for session in stack.objects("gamesessions")]
    log = stack.log("gateway")
    assert not [what for what, token in wrong.items() if token and len(token) > 9 and token in log]


async def test_other_doors_are_closed_too(stack: Stack, gateway: Gateway) -> None:
    """No basic authentication, no cookie, no query: none of them is configured."""
    token = stack.token(USER)
    attempts: list[dict[str, Any]] = [
        {"headers": {"Authorization": f"Basic {token}"}},
        {"headers": {"Authorization": token}},
        {"cookies": {"token": token, "access_token": token}},
        {"params": {"access_token": token}},
    ]
    for attempt in attempts:
        async with gateway.request("GET", PATH, **attempt) as answer:
            assert answer.status == 401, attempt


async def test_a_stranger_learns_nothing_about_games(stack: Stack, gateway: Gateway) -> None:
    """Authentication comes before routes; who is in is told what there is not."""
    async with gateway.request("GET", "/api/no-such-game/") as answer:
        assert answer.status == 401
    headers = {"Authorization": f"Bearer {stack.token('alice')}"}
    for path, code in {
        "/api/no-such-game/": "game_not_found",
        "/api/no-such-game/session/status": "game_not_found",
        "/": "not_found",
        "/healthz": "not_found",
        "/metrics": "not_found",
        "/api/fortune/session/nonsense": "not_found",
    }.items():
        async with gateway.request("GET", path, headers=headers) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (404, code), path


def test_a_token_that_is_right_opens_the_door(stack: Stack) -> None:
    """What the tests' tokens are wrong in is all that is wrong with them."""
    claims = jwt.decode(
        stack.token(USER), stack.secret, algorithms=["HS256"], issuer="gamesession", audience=GAMES
    )
    assert claims["sub"] == USER
