"""The gateway's own answers: JSON bodies, errors among them, always in the same shape."""

from __future__ import annotations

import json
import re
from random import Random
from typing import Any, Final

from aiohttp import web

from gamesession.api.errors import GameSessionError, MethodNotAllowed, Unauthorized
from gamesession.api.identity import REQUEST_ID_HEADER

# Of the kernel's, once: an id only has to be another one than all others.
_numbers: Final = Random()

_ACCEPTABLE_ID: Final = re.compile(r"[A-Za-z0-9._~+/=:-]{1,128}")


def request_id_of(given: str | None) -> str:
    """The client's request id if it has a decent one, else a new one."""
    if given and _ACCEPTABLE_ID.fullmatch(given):
        return given
    return f"{_numbers.getrandbits(128):032x}"


def json_answer(body: dict[str, Any], status: int, request_id: str) -> web.Response:
    """An answer of the gateway's own."""
    return web.Response(
        status=status,
        body=json.dumps(body, ensure_ascii=False).encode(errors="replace"),
        headers={
            "Content-Type": "application/json; charset=utf-8",
            "Cache-Control": "no-store",
            REQUEST_ID_HEADER: request_id,
        },
    )


def error_answer(error: GameSessionError, request_id: str) -> web.Response:
    """The answer that says what went wrong (contract, section 3)."""
    answer = json_answer(
        {
            "success": False,
            "error": {"code": error.code, "message": error.message, "request_id": request_id},
        },
        error.status,
        request_id,
    )
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthorized):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, MethodNotAllowed):
        answer.headers["Allow"] = error.allowed
    return answer
