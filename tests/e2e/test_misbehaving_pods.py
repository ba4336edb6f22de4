"""Pods that do what no service should: the client gets an error, or notices that it has not got
all, and the gateway goes on."""

from __future__ import annotations

import aiohttp
import pytest

from tests.e2e.arcade import Arcade
from tests.e2e.gateway import Gateway
from tests.e2e.user import User

pytestmark = pytest.mark.e2e


async def test_a_pod_that_misbehaves(arcade: Arcade, hasty: Gateway) -> None:
    """Every way of it, one after the other, and the pod that did it all serves its user still."""
    game = await arcade.open()
    user = arcade.user("alice", game, hasty)
    first = await user.get_patiently()
    await arcade.ground.until_phase(arcade.session_of(user), "Ready")
    await refuses(user)
    await is_too_slow(user)
    await breaks_off(user)
    last = await user.get()
    assert (last.pod, last.start) == (first.pod, "reused")


async def refuses(user: User) -> None:
    """Nothing that could be passed on."""
    await expect(user, "GET", "/garbage", 502, "upstream_unreachable")
    await expect(user, "GET", "/hang-up", 502, "upstream_unreachable")
    await expect(user, "POST", "/hang-up", 502, "upstream_unreachable")
    await expect(user, "GET", "/misdirected", 502, "upstream_unreachable")


async def is_too_slow(user: User) -> None:
    """No answer within the gateway's patience."""
    await expect(user, "GET", "/stall", 504, "upstream_timeout")
    await expect(user, "POST", "/stall", 504, "upstream_timeout")


async def breaks_off(user: User) -> None:
    """The head was passed on already: the client's connection must break off, too."""
    for path in (
        "/hang-up-in-mid-body",
        "/hang-up-in-mid-chunk",
        "/reset-in-mid-body",
        "/stall-in-mid-body",
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            await user.get(path)
    whole = await user.get("/until-closed")
    assert (whole.status, whole.body) == (200, b"x" * 500)


async def expect(user: User, method: str, path: str, status: int, code: str) -> None:
    """An error of the gateway's, in the shape that all errors have."""
    answer = await user.send(method, path)
    assert (answer.status, answer.code) == (status, code), (method, path, answer.body)
    error = answer.json["error"]
    assert answer.json == {"success": False, "error": error}
    assert error == {
        "code": code,
        "message": error["message"],
        "request_id": answer.headers["X-Request-Id"],
    }


async def test_a_session_that_starts_slowly(arcade: Arcade, hasty: Gateway) -> None:
    """Who cannot wait is told to try again; who tries again is answered by the same session."""
    game = await arcade.open(environment={"MISCHIEF_START_DELAY": "6"})
    user = arcade.user("alice", game, hasty)
    answer = await user.get()
    assert (answer.status, answer.code) == (503, "session_starting")
    assert int(answer.headers["Retry-After"]) > 0
    answer = await user.get_patiently()
    assert (answer.status, answer.start) == (200, "cold")
    assert len(arcade.ground.made_pods(arcade.session_of(user))) == 1
