"""Whether a person at a browser is waiting for a page."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

MODE: Final = "Sec-Fetch-Mode"
DESTINATION: Final = "Sec-Fetch-Dest"

_PAGES: Final = frozenset({"document", "iframe", "frame", "fencedframe", "embed", "object"})
"""The destinations of navigations (https://fetch.spec.whatwg.org/#concept-request-destination)."""


def is_navigation(request: web.BaseRequest) -> bool:
    """Whether the answer to a request will be shown as a page, so that HTML is of use."""
    headers = request.headers
    return (
        request.method in (hdrs.METH_GET, hdrs.METH_HEAD)
        and "text/html" in headers.get(hdrs.ACCEPT, "").lower()
        and headers.get(MODE, "navigate") == "navigate"
        and headers.get(DESTINATION, "document") in _PAGES
        and hdrs.UPGRADE not in headers
    )
