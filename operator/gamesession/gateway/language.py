"""The languages that the gateway's pages are written in, and which of them a browser prefers."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

PAGES: Final = files("gamesession.gateway") / "pages"
LANGUAGES: Final = ("en", "zh")
"""The first one is for those who prefer none of them."""

Texts = Mapping[str, Any]


@lru_cache(maxsize=len(LANGUAGES))
def texts_in(language: str) -> Texts:
    """All texts in a language, as `pages/<language>.toml` has them."""
    return tomllib.loads((PAGES / f"{language}.toml").read_text(encoding="utf-8"))


def preferred(accept_language: str) -> str:
    """The one of our languages that the value of an `Accept-Language` header asks for (RFC 9110,
    12.5.4). Whoever reads any kind of Chinese gets ours."""
    best, quality = LANGUAGES[0], 0.0
    for part in accept_language.lower().split(","):
        tag, *parameters = (piece.strip() for piece in part.split(";"))
        language = tag.partition("-")[0]
        weight = _weight(parameters)
        if language in LANGUAGES and weight > quality:
            best, quality = language, weight
    return best


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 0.0
    return 1.0
