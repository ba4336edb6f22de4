"""What people at a browser see in place of an error: a page that waits with them, or says why not.

The status stays the error's, with `Retry-After` and `no-store`: whatever is not a person (caches,
service workers, monitors) is to see that this is not what was asked for. The pages need nothing
from elsewhere, and work without scripts: by `<meta http-equiv="refresh">`.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from string import Template
from typing import Any, Final

from aiohttp import hdrs, web

from gamesession.api.errors import Capacity, GameSessionError, SessionStarting, StartFailed
from gamesession.api.identity import REQUEST_ID_HEADER
from gamesession.client.directory import Directory
from gamesession.gateway.language import PAGES, Texts, preferred, texts_in
from gamesession.gateway.navigation import is_navigation
from gamesession.gateway.passage import Passage
from gamesession.gateway.paths import GamePath
from gamesession.plan.session import PENDING, READY, STARTING, Session

PHASES: Final = (PENDING, STARTING, READY)
RELOAD_SECONDS: Final = 2
"""Between two loads without scripts, each of which is held first."""

DETAILED: Final = (StartFailed, Capacity)
"""Errors whose own words tell more than ours."""

# `frame-ancestors` is not among it: a game may stand in a frame of any site, so may its waiting.
_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"
)


class Pages:
    """Makes the pages.

    Args:
        after: seconds that a navigation is held before it gets the waiting page.
        now: the time of day, UTC.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        after: float,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._directory = directory
        self._after = after
        self._now = now
        self._frame, self._waiting, self._failure = (
            Template(_read(f"{name}.html")) for name in ("page", "waiting", "failure")
        )
        self._style, self._script = _read("page.css"), _read("page.js")

    def hold(self, passage: Passage) -> float | None:
        """Seconds that a request is held, where it need not be held for as long as others are:
        a person would rather see a page. A fallback that takes over when a hold runs out is not to
        take over sooner."""
        fallback = passage.route.game.spec.fallback
        if not is_navigation(passage.request) or (fallback and fallback.on_slow_start):
            return None
        return self._after

    def page_for(self, passage: Passage | None, error: GameSessionError) -> web.Response | None:
        """The page in an error's place; `None` if the plain error is what is wanted.

        Args:
            passage: the request; `None` if it was none for a game.
        """
        if passage is None or not is_navigation(passage.request):
            return None
        texts = texts_in(preferred(passage.request.headers.get(hdrs.ACCEPT_LANGUAGE, "")))
        if isinstance(error, SessionStarting):
            return self._waiting_page(passage, error, texts)
        if error.code in texts["errors"]:
            return self._error_page(passage, error, texts)
        return None

    def _waiting_page(
        self, passage: Passage, error: GameSessionError, texts: Texts
    ) -> web.Response:
        game = passage.route.game.name
        session = self._directory.find(game, passage.user)
        phase = session.phase if session and session.phase in PHASES else PENDING
        reason = session.condition.get("reason", "") if session else ""
        seconds = _waited(session, self._now())
        nonce = secrets.token_urlsafe(16)
        title = texts["waiting"]["title"].format(game=game)
        facts = self._facts(passage, texts, phase, reason, seconds)
        failure = self._failure_part(passage, facts["failed"], texts)
        content = self._waiting.substitute(
            title=escape(title),
            what=escape(texts["reasons"].get(reason) or texts["phases"][phase]),
            phase=phase,
            steps=_steps(texts, phase),
            elapsed_label=escape(texts["waiting"]["elapsed"]),
            elapsed=_clock(seconds),
            patience=escape(texts["waiting"]["patience"]),
            failure=failure,
            facts=json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c"),
            script=self._script,
            nonce=nonce,
        )
        refresh = f"<noscript>{_refresh(RELOAD_SECONDS)}</noscript>"
        return self._answer(passage, error, texts, (title, content, refresh, nonce))

    def _error_page(self, passage: Passage, error: GameSessionError, texts: Texts) -> web.Response:
        found = _named(texts["errors"][error.code], passage)
        detail = error.message if isinstance(error, DETAILED) else ""
        again = f'<p class="small">{escape(texts["again"])}</p>' if error.retry_after else ""
        content = self._failure_part(passage, found, texts, detail=detail, again=again)
        refresh = _refresh(error.retry_after) if error.retry_after else ""
        parts = (found["title"], content, refresh, secrets.token_urlsafe(16))
        return self._answer(passage, error, texts, parts)

    def _failure_part(
        self, passage: Passage, found: Texts, texts: Texts, *, detail: str = "", again: str = ""
    ) -> str:
        return self._failure.substitute(
            title=escape(found["title"]),
            text=escape(found["text"]),
            detail=escape(detail),
            no_detail="" if detail else " hidden",
            retry=escape(texts["retry"]),
            again=again,
            reference_label=escape(texts["reference"]),
            reference=escape(passage.request_id),
        )

    def _answer(
        self,
        passage: Passage,
        error: GameSessionError,
        texts: Texts,
        parts: tuple[str, str, str, str],
    ) -> web.Response:
        title, content, refresh, nonce = parts
        html = self._frame.substitute(
            language=texts["language"],
            title=escape(title),
            refresh=refresh,
            nonce=nonce,
            style=self._style,
            content=content,
        )
        headers = {
            hdrs.CONTENT_TYPE: "text/html; charset=utf-8",
            hdrs.CONTENT_LANGUAGE: texts["language"],
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.VARY: "Accept, Accept-Language, Sec-Fetch-Mode, Sec-Fetch-Dest",
            "Content-Security-Policy": _POLICY.format(nonce=nonce),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            REQUEST_ID_HEADER: passage.request_id,
        }
        if error.retry_after is not None:
            headers[hdrs.RETRY_AFTER] = str(error.retry_after)
        body = html.encode(errors="replace")
        return web.Response(status=error.status, body=body, headers=headers)

    def _facts(
        self, passage: Passage, texts: Texts, phase: str, reason: str, seconds: float
    ) -> dict[str, Any]:
        """What the page's script goes by."""
        endpoints = _way_to_endpoints(passage.path)
        return {
            "events": f"{endpoints}/events",
            "status": f"{endpoints}/status",
            "elapsed": round(seconds, 1),
            "phases": PHASES,
            "condition": {"reason": reason, "message": None},
            "texts": texts["phases"],
            "reasons": texts["reasons"],
            "failed": _named(texts["errors"]["start_failed"], passage),
            "ended": texts["ended"],
        }


def _read(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def _named(found: Texts, passage: Passage) -> dict[str, str]:
    return {name: text.format(game=passage.route.game.name) for name, text in found.items()}


def _refresh(seconds: int) -> str:
    return f'<meta http-equiv="refresh" content="{seconds}">'


def _steps(texts: Texts, phase: str) -> str:
    now = PHASES.index(phase)
    marks = ['class="done"' if at < now else "" for at in range(len(PHASES))]
    marks[now] = 'aria-current="step"'
    return "\n".join(
        f"<li {mark}>{escape(text)}</li>"
        for mark, text in zip(marks, texts["waiting"]["steps"], strict=True)
    )


def _waited(session: Session | None, now: datetime) -> float:
    """Seconds since the session was made, or was last lost its pod."""
    if session is None:
        return 0.0
    since = session.starting_since if session.ready_at else session.created_at
    return max(0.0, (now - (since or now)).total_seconds())


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _way_to_endpoints(path: GamePath) -> str:
    """From the page to `session`: relative, for a proxy in front may have another prefix."""
    whole = path.raw.partition("?")[0]
    if whole == path.raw_prefix:
        return f"{whole.rpartition('/')[2]}/session"
    depth = whole.removeprefix(path.raw_prefix).count("/") - 1
    return "../" * depth + "session"
