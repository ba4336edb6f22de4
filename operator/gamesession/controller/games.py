"""One look at one Game: ask the API server about its pods, and tell how its sessions do."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from gamesession.controller.catalogue import Catalogue
from gamesession.controller.finalizer import Finalizer
from gamesession.controller.pools import Pools
from gamesession.controller.shelf import Key, key_of
from gamesession.controller.store import Store
from gamesession.controller.streaks import Streaks
from gamesession.kube.backoff import Backoff
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError, Conflict, Gone, Unreachable
from gamesession.kube.resources import GAMES, PODS
from gamesession.plan.acceptance import (
    Answer,
    Verdict,
    accepted_condition,
    refused,
    route_conflict,
)
from gamesession.plan.game import Game
from gamesession.plan.refusal import refusals
from gamesession.plan.session import PENDING
from gamesession.plan.starts import Starts, starts_of
from gamesession.plan.template import session_pod

log = structlog.get_logger(__name__)

STATUS_INTERVAL: Final = 5.0
"""Seconds between two writes of a Game's status (contract 1)."""
FIRST_RETRY: Final = 0.5
LONGEST_RETRY: Final = 10.0
"""Seconds after which a Game is judged again of which it could not be said."""
NOBODY: Final = "00000000-0000-0000-0000-000000000000"


class Games:
    """Keeps what is known of Games, and their status.

    Args:
        changed: told when a Game is accepted, or is not any more.
        look_again: (key, seconds) asks for another look at a Game.
        now: the time of day, UTC.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        catalogue: Catalogue,
        pools: Pools,
        *,
        allow_privileged: bool,
        changed: Callable[[Key], None],
        look_again: Callable[[Key, float], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._catalogue = catalogue
        self._pools = pools
        self._allow_privileged = allow_privileged
        self._changed = changed
        self._look_again = look_again
        self._now = now
        self._streaks = Streaks()
        self._finalizer = Finalizer(cluster, store, look_again)
        self._answers: dict[str, tuple[str, Answer]] = {}
        self._written: dict[str, float] = {}
        self._backoffs: dict[str, Backoff] = {}

    async def reconcile(self, key: Key) -> None:
        """One look at the Game under that name, if it is there.

        Raises:
            ApiError, Unreachable: a write or read did not succeed; to be called again.
        """
        game = self._store.games.get(key)
        if game is None:
            self._forget_absent()
            return
        if game.deleting:
            await self._finalizer.release(game)
            return
        verdict = await self._judge(game)
        if self._catalogue.judge(game, verdict):
            log.info("game judged", game=game.name, accepted=verdict.status.value)
            self._changed(key)
        if verdict.retry:
            backoff = self._backoffs.setdefault(game.uid, Backoff(FIRST_RETRY, LONGEST_RETRY))
            self._look_again(key, backoff.delay())
        else:
            self._backoffs.pop(game.uid, None)
        await self._report(game, verdict)

    def _forget_absent(self) -> None:
        there = {game.uid for game in self._store.games.values()}
        for known in (self._answers, self._written, self._backoffs):
            for uid in known.keys() - there:
                del known[uid]
        self._streaks.keep(there)

    # Acceptance ---------------------------------------------------------------------------------

    async def _judge(self, game: Game) -> Verdict:
        if reasons := refusals(game.spec, allow_privileged=self._allow_privileged):
            return refused(reasons)
        others = [each for each in self._store.games.values() if each.namespace == game.namespace]
        if conflict := route_conflict(game, others):
            return conflict
        return await self._dry_run(game)

    async def _dry_run(self, game: Game) -> Verdict:
        """Ask the API server once for each template, and again while its answer says nothing."""
        template_hash = self._catalogue.template_hash(game)
        known_hash, answer = self._answers.get(game.uid, ("", None))
        if answer is not None and known_hash == template_hash:
            verdict = accepted_condition(answer)
            if not verdict.retry:
                return verdict
        answer = await self._ask(game)
        self._answers[game.uid] = (template_hash, answer)
        return accepted_condition(answer)

    async def _ask(self, game: Game) -> Answer:
        pod = session_pod(
            self._catalogue.template(game),
            name=f"{game.name}-dry-run",
            namespace=game.namespace,
            session=(f"{game.name}-dry-run", NOBODY),
            player="",
            start="Cold",
        )
        try:
            await self._cluster.create(PODS, game.namespace, pod, dry_run=True)
        except ApiError as error:
            return Answer(error.status, error.reason, error.message)
        except Unreachable as error:
            return Answer(0, message=str(error))
        return Answer(201)

    # Status -------------------------------------------------------------------------------------

    async def _report(self, game: Game, verdict: Verdict) -> None:
        """Write the status if it changed, at most once in `STATUS_INTERVAL`."""
        wait = self._written.get(game.uid, -STATUS_INTERVAL) + STATUS_INTERVAL - time.monotonic()
        if wait > 0:  # it is asked for at each start, and counting all sessions takes its time
            self._look_again(key_of(game), wait)
            return
        status = self._status(game, verdict)
        if all(game.status.get(name) == value for name, value in status.items()):
            return
        body = {"metadata": {"resourceVersion": game.resource_version}, "status": status}
        try:
            answer = await self._cluster.merge_patch(
                GAMES, game.namespace, game.name, body, subresource="status"
            )
        except (Conflict, Gone):
            await self._refresh(game)
            raise
        self._written[game.uid] = time.monotonic()
        self._store.see_game(answer)

    def _status(self, game: Game, verdict: Verdict) -> dict[str, Any]:
        sessions = self._store.sessions_of(key_of(game))
        counts = Counter(session.phase or PENDING for session in sessions)
        waiting = [pod for pod in self._store.warm_pods(game) if pod.is_alive]
        ready = sum(pod.ready for pod in waiting)
        starts = starts_of(
            game, self._streaks.ends(game, sessions, waiting), self._pools.failure(game)
        )
        return {
            "route": None if verdict.reason == "RouteConflict" else game.route,
            "observedGeneration": game.generation,
            "sessions": {
                phase.lower(): counts[phase] for phase in ("Pending", "Starting", "Ready", "Failed")
            },
            "warm": {"ready": ready, "starting": len(waiting) - ready},
            "conditions": [
                self._condition(game, "Accepted", verdict.status.value, verdict),
                self._condition(game, "Ready", starts.status, starts),
            ],
        }

    def _condition(
        self, game: Game, kind: str, status: str, words: Verdict | Starts
    ) -> dict[str, Any]:
        known: dict[str, Any] = next(
            (each for each in game.status.get("conditions", []) if each["type"] == kind), {}
        )
        same = known.get("status") == status
        now = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "type": kind,
            "status": status,
            "reason": words.reason,
            "message": words.message,
            "lastTransitionTime": known["lastTransitionTime"] if same else now,
            "observedGeneration": game.generation,
        }

    async def _refresh(self, game: Game) -> None:
        """The store was behind on a Game: read it."""
        try:
            self._store.see_game(await self._cluster.get(GAMES, game.namespace, game.name))
        except Gone:
            self._store.lose_game(key_of(game), game.uid)
