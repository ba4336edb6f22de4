"""What the API server answers when it does not do what it was asked."""

from __future__ import annotations

import pytest

from gamesession.kube.errors import (
    ApiError,
    Conflict,
    Expired,
    Forbidden,
    Gone,
    Invalid,
    ServerFault,
    Throttled,
    api_error,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid),
        (401, ApiError),
        (403, Forbidden),
        (404, Gone),
        (405, ApiError),
        (409, Conflict),
        (410, Expired),
        (422, Invalid),
        (429, Throttled),
        (500, ServerFault),
        (503, ServerFault),
        (504, ServerFault),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[ApiError]) -> None:
    assert type(api_error(status, "")) is kind


def test_a_status_object_is_read() -> None:
    body = {"kind": "Status", "reason": "AlreadyExists", "message": "pods one already exists"}
    error = api_error(409, body, retry_after=3)
    assert (error.status, error.reason, error.message) == (
        409,
        "AlreadyExists",
        "pods one already exists",
    )
    assert error.retry_after == 3
    assert str(error) == "409 AlreadyExists: pods one already exists"


@pytest.mark.parametrize(
    ("body", "message"), [("no healthy upstream", "no healthy upstream"), ("", "HTTP 503")]
)
def test_what_stands_between_may_answer_in_its_own_words(body: str, message: str) -> None:
    error = api_error(503, body)
    assert (error.reason, error.message) == ("", message)
