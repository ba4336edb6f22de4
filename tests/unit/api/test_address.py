"""Where a port of a pod is."""

from __future__ import annotations

import pytest

from gamesession.api.address import address


@pytest.mark.parametrize(
    ("ip", "expected"), [("10.0.0.1", "10.0.0.1:8001"), ("fd00::1", "[fd00::1]:8001")]
)
def test_an_ipv6_address_stands_in_brackets(ip: str, expected: str) -> None:
    assert address(ip, 8001) == expected
