"""What may befall a request."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from multidict import CIMultiDict

from tests.faults.request import Request


@dataclass(frozen=True)
class Answer:
    """What the API server said, or what it is made to have said."""

    status: int
    headers: CIMultiDict[str]
    body: bytes


Forward = Callable[[], Awaitable[Answer]]
Fault = Callable[[Request, Forward], Awaitable[Answer | None]]
"""Takes a request and how to pass it on; returns what is answered, `None` to hang up instead."""

_REASONS = {409: "Conflict", 429: "TooManyRequests", 500: "InternalError"}


def refused(status: int) -> Fault:
    """The API server does nothing and says so."""

    async def fault(request: Request, _: Forward) -> Answer:
        body = {
            "apiVersion": "v1",
            "kind": "Status",
            "status": "Failure",
            "code": status,
            "reason": _REASONS.get(status, HTTPStatus(status).phrase.replace(" ", "")),
            "message": f"injected: {status} to {request.what}",
        }
        headers = CIMultiDict({"Content-Type": "application/json"})
        return Answer(status, headers, json.dumps(body).encode())

    return fault


async def unreached(_: Request, __: Forward) -> None:
    """The request never reaches the API server, and the connection is gone."""


async def unanswered(_: Request, forward: Forward) -> None:
    """The API server does what it was asked, and the answer is lost with the connection."""
    await forward()


def before(deed: Callable[[], object]) -> Fault:
    """Something happens before the API server sees the request; it never does."""

    async def fault(_: Request, __: Forward) -> None:
        deed()

    return fault


def after(deed: Callable[[], object]) -> Fault:
    """Something happens when the API server has done what it was asked, before it can answer."""

    async def fault(_: Request, forward: Forward) -> None:
        await forward()
        deed()

    return fault
