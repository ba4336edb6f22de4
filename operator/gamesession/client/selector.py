"""Selecting sessions on the API server by the fields that the CRD makes selectable."""

from __future__ import annotations

import re


def sessions_of(game: str, user: str = "") -> str:
    """The field selector of a Game's sessions, or of one user's among them."""
    selector = f"spec.game={_escaped(game)}"
    return f"{selector},spec.user={_escaped(user)}" if user else selector


def _escaped(value: str) -> str:
    """As `k8s.io/apimachinery/pkg/fields.EscapeValue` does."""
    return re.sub(r"([\\,=])", r"\\\1", value)
