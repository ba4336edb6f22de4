"""Reporting that sessions are used: few writes, but always the last one.

Each session in use has a record, which is written to `status.lastActivity` at most once in a tenth
of the idle timeout, as long as requests are open and once after the last of them ended. What the
API server does not take is kept and written later.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Final

import structlog

from gamesession.client.directory import Directory
from gamesession.client.rhythm import Rhythm, is_fresh, is_near, rhythm_of
from gamesession.client.stamp import Outcome, Stamps
from gamesession.client.use import Use
from gamesession.kube.cluster import Cluster
from gamesession.plan.game import Game
from gamesession.plan.session import Session

JITTER: Final = 0.1
"""How much later than its interval a write may be, as a part of it: replicas that serve one
session do not all write, for the first one's stamp is later than most others'."""

RENEW_SECONDS: Final = 0.5
LAST_RENEW_SECONDS: Final = 5.0
"""The same where the session may be ended meanwhile: a request that is passed on is answered by a
session that stays."""
FRESH_SECONDS: Final = 0.1
"""Little beside the fifth of a timeout (of 5 s and more) that is left when it is renewed."""
CONCURRENT_WRITES: Final = 20
LONGEST_RETRY: Final = timedelta(seconds=5)
SCOUT_SECONDS: Final = 0.5

log = structlog.get_logger(__name__)


class Activity:
    """Follows the use of sessions and writes it down.

    Args:
        now: the time of day, UTC.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        directory: Directory,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._contact = cluster.contact
        self._contact.on_regained = self._resume
        self._directory = directory
        self._stamps = Stamps(cluster, namespace, directory)
        self._now = now
        self._uses: dict[str, Use] = {}
        self._kept: dict[str, Use] = {}
        self._scout: asyncio.TimerHandle | None = None
        self._slots = asyncio.Semaphore(CONCURRENT_WRITES)
        self._stopped = False
        directory.sessions.subscribe(self._session_changed)
        directory.games.subscribe(self._game_changed)

    def begin(self, session: Session) -> Use:
        """A request has begun (or someone waits for the session). To be ended with `end`."""
        known = self._directory.sessions.get(session.name)
        if known is not None and known.uid == session.uid:
            session = known  # who shared its making may hold an older picture
        use = self._uses.get(session.uid)
        if use is None:
            use = self._uses[session.uid] = Use(session, self._now())
        use.open += 1
        use.at = self._now()
        self._plan(use, session)
        return use

    def end(self, use: Use) -> None:
        """The request has ended: that is the last activity until the next one."""
        use.open -= 1
        use.at = self._now()
        if self._uses.get(use.uid) is not use:
            return
        session = self._life(use)
        if session is not None:
            if use.timer is None:
                self._plan(use, session)
        elif not use.open:
            self._drop(use)

    def touch(self, session: Session) -> None:
        """Something momentary happened."""
        self.end(self.begin(session))

    def last(self, session: Session) -> datetime | None:
        """The session's last activity as we know it, written or not."""
        use = self._uses.get(session.uid)
        if use is None or session.last_activity is None:
            return session.last_activity
        return max(session.last_activity, self._now() if use.open else use.at)

    def is_fresh(self, session: Session) -> bool:
        """Whether a request may be passed on before its activity is written. Of a session in use
        that is looked at once in `FRESH_SECONDS`."""
        use = self._uses.get(session.uid)
        if use is None:
            return is_fresh(session, self._game(session), session.last_activity, self._now())
        now = monotonic()
        if now >= use.fresh_until and is_fresh(
            session, self._game(session), use.active_at, self._now()
        ):
            use.fresh_until = now + FRESH_SECONDS
        return now < use.fresh_until

    async def renew(self, use: Use) -> bool:
        """Write before the request is passed on, for the sweep may be about to end the session.

        Waits for at most `RENEW_SECONDS`, or `LAST_RENEW_SECONDS` where the deadline is near: an
        API server that is slow to write for us may delete for others. Once that was in vain, later
        requests wait no longer than others. What is not written by then is kept, and the grace
        after contact is regained covers it.

        Returns:
            `False` if the session is gone.
        """
        session = self._life(use)
        if session is None:
            return False
        if self._contact.lost:
            return True
        task = self._write(use, session)
        near = is_near(session, self._game(session), use.active_at, self._now())
        patient = near and not use.was_in_vain
        await asyncio.wait({task}, timeout=LAST_RENEW_SECONDS if patient else RENEW_SECONDS)
        use.was_in_vain |= patient and not task.done()
        return not task.done() or task.result() is not Outcome.GONE

    async def flush(self, seconds: float) -> None:
        """Write all that has not been written, within so many seconds."""
        ends = asyncio.get_running_loop().time() + seconds
        if under_way := [use.task for use in self._uses.values() if use.task is not None]:
            await asyncio.wait(under_way, timeout=seconds)  # theirs may be older stamps
        tasks = [
            self._write(use, session)
            for use in list(self._uses.values())
            if (session := self._life(use)) and self._is_news(use, session)
        ]
        if tasks:
            await asyncio.wait(tasks, timeout=max(0.0, ends - asyncio.get_running_loop().time()))

    def stop(self) -> None:
        """Write no more: the connection goes."""
        self._stopped = True
        if self._scout is not None:
            self._scout.cancel()
        for use in list(self._uses.values()):
            if use.task is not None:
                use.task.cancel()
            self._drop(use)

    # When to write ------------------------------------------------------------------------------

    def _plan(self, use: Use, session: Session) -> None:
        if use.timer is not None or use.task is not None or use.uid in self._kept or self._stopped:
            return
        rhythm = self._rhythm(use, session)
        delay = rhythm.interval
        if rhythm.last is not None and rhythm.counts:
            delay = rhythm.last + rhythm.interval - self._now()
        seconds = max(0.0, delay.total_seconds())
        seconds += random.uniform(0.0, JITTER) * rhythm.interval.total_seconds()
        use.timer = asyncio.get_running_loop().call_later(seconds, self._due, use)

    def _session_changed(self, old: Session | None, new: Session | None) -> None:
        known = new or old
        if known is None or (use := self._uses.get(known.uid)) is None:
            return
        if new is None:
            if not use.open:
                self._drop(use)  # its timer may be hours away
            return
        if new.last_activity != use.stamp:
            use.stands(new.last_activity, self._now())
        if old is None or self._beat(use, old) != self._beat(use, new):
            self._plan_anew(use, new)

    def _game_changed(self, old: Game | None, new: Game | None) -> None:
        if old is None or new is None or old.idle_timeout == new.idle_timeout:
            return
        for use in list(self._uses.values()):
            if (session := self._life(use)) and session.game == new.name:
                self._plan_anew(use, session)

    def _plan_anew(self, use: Use, session: Session) -> None:
        """The rhythm is another one: a write that was planned as Pending, or by a longer timeout,
        would come when the session has ended."""
        if use.timer is not None:
            use.timer.cancel()
            use.timer = None
            self._plan(use, session)

    def _beat(self, use: Use, session: Session) -> tuple[timedelta, bool]:
        rhythm = self._rhythm(use, session)
        return rhythm.interval, rhythm.counts

    def _rhythm(self, use: Use, session: Session) -> Rhythm:
        return rhythm_of(session, self._game(session), use.active_at)

    def _due(self, use: Use) -> None:
        use.timer = None
        session = self._life(use)
        if session is None or not (use.open or self._is_news(use, session)):
            self._drop(use)
            return
        rhythm = self._rhythm(use, session)
        early = rhythm.last is not None and self._now() < rhythm.last + rhythm.interval
        if rhythm.counts and not early and self._is_news(use, session):
            self._write(use, session)
        else:
            self._plan(use, session)

    def _is_news(self, use: Use, session: Session) -> bool:
        """Whether we know of activity after the stamp that stands, maybe another replica's."""
        if use.open:
            use.at = self._now()
        if not self._rhythm(use, session).counts:
            return False
        return use.active_at is None or use.at > use.active_at

    # Writing ------------------------------------------------------------------------------------

    def _write(self, use: Use, session: Session) -> asyncio.Task[Outcome]:
        if use.task is None:
            if use.timer is not None:
                use.timer.cancel()
                use.timer = None
            use.task = asyncio.create_task(self._written(use, session))
        return use.task

    async def _written(self, use: Use, session: Session) -> Outcome:
        try:
            async with self._slots:
                use.sent = (use.next_stamp(), use.at)
                outcome = await self._stamps.write(session, use.sent[0])
        except Exception:
            log.exception("activity not written", **session.about)
            outcome = Outcome.KEPT
        finally:
            use.task = None
        self._follow_up(use, outcome)
        return outcome

    def _follow_up(self, use: Use, outcome: Outcome) -> None:
        session = self._life(use)
        if session is None or outcome is Outcome.GONE:
            self._drop(use)
        elif outcome is Outcome.STANDS:
            if use.open or self._is_news(use, session):
                self._plan(use, session)
            else:
                self._drop(use)
        elif self._contact.lost:
            self._kept[use.uid] = use
        else:
            interval = self._rhythm(use, session).interval
            seconds = min(interval, LONGEST_RETRY).total_seconds() * random.uniform(0.25, 0.5)
            use.timer = asyncio.get_running_loop().call_later(seconds, self._due, use)
        if self._kept and self._scout is None:
            self._scout = asyncio.get_running_loop().call_later(SCOUT_SECONDS, self._send_scout)

    def _send_scout(self) -> None:
        """Write one of those that were kept: watches that still stand are silent, so nothing else
        may tell that contact is back."""
        self._scout = None
        for use in list(self._kept.values()):
            session = self._life(use)
            if session is not None:
                del self._kept[use.uid]
                self._write(use, session)
                return
            self._drop(use)

    def _resume(self) -> None:
        """Contact with the API server is back: write what was kept."""
        kept, self._kept = self._kept, {}
        for use in kept.values():
            session = self._life(use)
            if session is not None:
                self._write(use, session)
            else:
                self._drop(use)

    # Looking up ---------------------------------------------------------------------------------

    def _life(self, use: Use) -> Session | None:
        session = self._directory.sessions.get(use.name)
        return session if session is not None and session.uid == use.uid else None

    def _game(self, session: Session) -> Game | None:
        return self._directory.games.get(session.game)

    def _drop(self, use: Use) -> None:
        if use.timer is not None:
            use.timer.cancel()
            use.timer = None
        self._kept.pop(use.uid, None)
        if self._uses.get(use.uid) is use:
            del self._uses[use.uid]
