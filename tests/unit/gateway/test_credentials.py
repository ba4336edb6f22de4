"""Where a token stands in a request."""

from __future__ import annotations

import pytest

from gamesession.api.errors import Unauthorized
from gamesession.gateway.credentials import bearer


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(scheme: str) -> None:
    assert bearer(f"{scheme} a.b.c") == "a.b.c"


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "x"])
def test_what_is_no_token_is_refused(authorization: str | None) -> None:
    with pytest.raises(Unauthorized):
        bearer(authorization)
