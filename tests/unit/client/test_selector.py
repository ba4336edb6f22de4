"""Field selectors."""

from __future__ import annotations

import pytest

from gamesession.client.selector import sessions_of


@pytest.mark.parametrize(
    ("user", "selector"),
    [
        ("", "spec.game=chess"),
        ("alice", "spec.game=chess,spec.user=alice"),
        ("a=b,c\\d", "spec.game=chess,spec.user=a\\=b\\,c\\\\d"),
        (" é ", "spec.game=chess,spec.user= é "),
    ],
)
def test_selectors_are_escaped_as_the_api_server_reads_them(user: str, selector: str) -> None:
    """https://pkg.go.dev/k8s.io/apimachinery/pkg/fields#EscapeValue"""
    assert sessions_of("chess", user) == selector
