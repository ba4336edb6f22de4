"""The page for those who follow a link from another site: it asks whether they meant to.

A cookie came along that no page of ours asked for, so nothing may happen yet. A click on a page of
ours is a person's word.
"""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from gamesession.api.identity import REQUEST_ID_HEADER
from gamesession.gateway.language import preferred

_TEXTS: Final = {
    "en": ("You come from another site", "Nothing has been started yet.", "Continue"),
    "zh": ("您来自另一个网站", "尚未启动任何内容。", "继续"),
}

# No scripts, nothing from elsewhere; in nobody's frame, or the click could be stolen.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

_PAGE: Final = """<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto }}
</style>
<h1>{title}</h1>
<p>{text}</p>
<p><a href="">{link}</a></p>
"""


def crossing_page(request: web.BaseRequest, status: int, request_id: str) -> web.Response:
    """The page; its link leads to the address that it stands at."""
    language = preferred(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    title, text, link = _TEXTS[language]
    return web.Response(
        status=status,
        text=_PAGE.format(language=language, title=title, text=text, link=link),
        content_type="text/html",
        headers={
            hdrs.CACHE_CONTROL: "no-store",
            "Content-Security-Policy": _POLICY,
            "X-Frame-Options": "DENY",
            "Referrer-Policy": "same-origin",
            REQUEST_ID_HEADER: request_id,
        },
    )
