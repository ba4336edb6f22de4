"""The cookie that a browser may carry its token in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Final

from aiohttp import hdrs
from multidict import CIMultiDict
from pydantic import StringConstraints

# White space around names and values, to browsers (RFC 6265, 5.2): less than Python's.
_BLANK: Final = " \t"
_CLEAR: Final = "Clear-Site-Data"

CookieName = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$")]
"""A token (RFC 6265, 4.1.1)."""


class AuthCookie:
    """The cookie of that name, and no other: `__Host-x` is not `x`.

    Pods are never shown it and can neither set nor clear it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        own = re.escape(name)
        # Browsers store `=x=y` as a nameless cookie and send it as `x=y`; other clients know
        # quotes, or take a comma or a blank for the beginning of another cookie.
        self._setting = re.compile(rf'^[\s="]*{own}"?\s*(?:=|$)|[\s,]"?{own}"?\s*=')

    def token_in(self, lines: Iterable[str]) -> str | None:
        """The value of the first that is not empty.

        Args:
            lines: values of `Cookie`.
        """
        for line in lines:
            for pair in line.split(";"):
                name, _, value = pair.partition("=")
                value = value.strip(_BLANK).strip('"')
                if name.strip(_BLANK) == self.name and value:
                    return value
        return None

    def without(self, line: str) -> str:
        """A value of `Cookie` without it; the others stay as they are."""
        pairs = line.split(";")
        others = [pair for pair in pairs if pair.partition("=")[0].strip(_BLANK) != self.name]
        return line if len(others) == len(pairs) else ";".join(others).strip(_BLANK)

    def guard(self, headers: CIMultiDict[str]) -> None:
        """Take what would set or clear it out of the headers of an answer."""
        lines = headers.getall(hdrs.SET_COOKIE, ())
        if any(self._is_set_by(line) for line in lines):
            del headers[hdrs.SET_COOKIE]
            for line in lines:
                if not self._is_set_by(line):
                    headers.add(hdrs.SET_COOKIE, line)
        cleared = ",".join(headers.getall(_CLEAR, ()))
        if "cookies" in cleared.lower() or "*" in cleared:
            del headers[_CLEAR]

    def _is_set_by(self, line: str) -> bool:
        return self._setting.search(line.partition(";")[0]) is not None
