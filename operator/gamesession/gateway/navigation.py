"""Whether a person at a browser is waiting for a page."""

from __future__ import annotations

from aiohttp import hdrs, web

MODE = "Sec-Fetch-Mode"


def is_navigation(request: web.BaseRequest) -> bool:
    """Whether the answer to a request will be shown as a page, so that HTML is of use."""
    headers = request.headers
    return (
        request.method == hdrs.METH_GET
        and "text/html" in headers.get(hdrs.ACCEPT, "").lower()
        and headers.get(MODE, "navigate") == "navigate"
        and hdrs.UPGRADE not in headers
    )
