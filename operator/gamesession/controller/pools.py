"""The pool of each Game: pods that wait for a user, kept at its size."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from gamesession.controller.catalogue import Catalogue
from gamesession.controller.claims import Claims
from gamesession.controller.refresh import refresh_pod
from gamesession.controller.shelf import Key, key_of
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import (
    Conflict,
    Forbidden,
    Invalid,
)
from gamesession.kube.resources import PODS
from gamesession.plan.capacity import refused
from gamesession.plan.game import Acceptance, Game
from gamesession.plan.phase import QUOTA_EXCEEDED, refusal_of
from gamesession.plan.pod import Pod
from gamesession.plan.pool import (
    Failure,
    Pool,
    PoolDecision,
    claimable,
    decide_pool,
    least_needed,
)
from gamesession.plan.session import Session

log = structlog.get_logger(__name__)

WRITES_AT_ONCE: Final = 16
MADE_AT_ONCE: Final = 4
"""Pods that a look makes where nobody waits: a user may come meanwhile."""
NAME_LETTERS: Final = "bcdfghjklmnpqrstvwxz"
"""No vowels, so no words; no digits, so that no name ends like the number of a session's pod."""
NAME_LENGTH: Final = 8
ROOM_IS_KEPT: Final = timedelta(seconds=15)
"""How long no pod is made ahead in a namespace where a quota kept a session from its pod: longer
than it takes the session to try again."""
ROOM_TAKES: Final = timedelta(seconds=10)
"""How long after a pod was deleted a quota may count it still, and a session try in vain."""


class Pools:
    """Fills pools, and claims from them.

    Args:
        look_again: (key, seconds) asks for another look at a Game's pool.
        failed: told the key of a Game whose pods fail, which is to say so.
        now: the time of day, UTC.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        catalogue: Catalogue,
        *,
        look_again: Callable[[Key, float], None],
        failed: Callable[[Key], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._catalogue = catalogue
        self._look_again = look_again
        self._failed = failed
        self._now = now
        self._failures: dict[str, tuple[str, Failure]] = {}
        self._claims = Claims(cluster, store, catalogue)
        self._held_until: dict[str, datetime] = {}
        self._made_room: dict[str, list[datetime]] = {}
        self._at_once = asyncio.Semaphore(WRITES_AT_ONCE)

    async def reconcile(self, key: Key, *, at_once: int = MADE_AT_ONCE) -> None:
        """One step for the pool of the Game under that name.

        Args:
            at_once: pods that are made at most; for more another look is asked for.

        Raises:
            ApiError, Unreachable: a write did not succeed; to be called again.
        """
        game = self._store.games.get(key)
        if game is None:
            self._forget_absent()
            return
        pods = self._store.warm_pods(game)
        if game.deleting:
            return  # its warm pods go with it
        acceptance, _ = self._catalogue.acceptance(game)
        if acceptance is Acceptance.UNKNOWN:
            return  # neither made nor thrown away until that is known
        now = self._now()
        decision = decide_pool(self._pool(game, acceptance), pods, now)
        self._remember(game, decision, now)
        if decision.look_again:
            self._look_again(key, (decision.look_again - now).total_seconds())
        await _all(
            *(self._delete(pod) for pod in (*decision.failed, *decision.surplus)),
            *(self._make(game, now) for _ in range(min(decision.create, at_once))),
        )
        if decision.create > at_once:
            self._look_again(key, 0)

    def is_low(self, key: Key) -> bool:
        """Whether less than a quarter of a Game's pool is ready: to fill it can't be put off."""
        game = self._store.games.get(key)
        if game is None:
            return False
        ready = sum(pod.ready and pod.is_alive for pod in self._store.warm_pods(game))
        return 4 * ready < game.spec.warm_pool.size

    def failure(self, game: Game) -> Failure | None:
        """Why the Game's warm pods do not start; `None` if they do."""
        made_by, failure = self._failures.get(game.uid, ("", None))
        return failure if made_by == self._catalogue.current_hash(game) else None

    def _forget_absent(self) -> None:
        there = {game.uid for game in self._store.games.values()}
        for uid in self._failures.keys() - there:
            del self._failures[uid]

    def _pool(self, game: Game, acceptance: Acceptance) -> Pool:
        serves = acceptance is Acceptance.TRUE and not game.suspended
        return Pool(
            size=game.spec.warm_pool.size if serves else 0,
            template_hash=self._catalogue.current_hash(game),
            start_timeout=game.start_timeout,
            failure=self.failure(game),
            held_until=self._held_until.get(game.namespace),
        )

    def _remember(self, game: Game, decision: PoolDecision, now: datetime) -> None:
        if decision.recovered:
            self._failures.pop(game.uid, None)
        for pod in decision.failed:
            reason, message = "StartTimeout", f"Pod {pod.name} was not ready in time."
            if pod.problem:
                reason, message = pod.problem.reason, pod.problem.message
            self._blame(game, reason, message, now)

    def _blame(self, game: Game, reason: str, message: str, now: datetime) -> None:
        before, count = self.failure(game), 1
        if before:  # those that were tried together fail together: that is one failure
            count = before.count + (now >= before.ends)
        failure = Failure(count, now, reason, message)
        self._failures[game.uid] = (self._catalogue.current_hash(game), failure)
        self._failed(key_of(game))
        log.warning("warm pod failed", game=game.name, reason=reason, message=message, count=count)

    async def _make(self, game: Game, begun: datetime) -> None:
        body = self._catalogue.warm_pod_of(game, _name(game))
        try:
            async with self._at_once:
                if (failure := self.failure(game)) and failure.at >= begun:
                    return  # one of the same round was refused
                self._store.see_pod(await self._cluster.create(PODS, game.namespace, body))
        except (Forbidden, Invalid) as error:
            reason = refusal_of(error.message) if error.status == 403 else error.reason
            self._blame(game, reason, error.message, self._now())
            self._look_again(key_of(game), 0)
            if reason == QUOTA_EXCEEDED:
                await self._let_go_of_old(game)

    async def _let_go_of_old(self, game: Game) -> None:
        """There is no room for one of the present template beside all of the old ones."""
        current = self._catalogue.current_hash(game)
        pods = self._store.warm_pods(game)
        if old := least_needed((pod for pod in pods if pod.template_hash != current), {current}):
            await self._delete(old)

    def _unpromised(self, game: Game) -> list[Pod]:
        """The waiting pods that no session waits for."""
        pods = self._store.warm_pods(game)
        waiting = refused(self._store.waiting(key_of(game)))
        promised = {
            pod.uid for pod in claimable(pods, self._catalogue.current_hash(game))[: len(waiting)]
        }
        return [pod for pod in pods if pod.uid not in promised]

    async def make_room(self, namespace: str) -> None:
        """A quota keeps a session from its pod: the waiting pod that is needed least goes, and no
        other is made in its place for a while.

        Raises:
            ApiError, Unreachable: it could not be deleted.
        """
        self._held_until[namespace] = self._now() + ROOM_IS_KEPT
        games = [game for game in self._store.games.values() if game.namespace == namespace]
        if self._is_on_its_way(namespace, games):
            return
        pods = [pod for game in games for pod in self._unpromised(game)]
        if pod := least_needed(pods, {self._catalogue.current_hash(game) for game in games}):
            self._made_room[namespace].append(self._now())
            await self._delete(pod)

    def _is_on_its_way(self, namespace: str, games: list[Game]) -> bool:
        """Whether there will be room for all who wait for it: one that tries before it is there
        takes no second pod."""
        now, made = self._now(), self._made_room.get(namespace, [])
        made = self._made_room[namespace] = [at for at in made if now - at < ROOM_TAKES]
        leaving = [pod for game in games for pod in self._store.warm_pods(game) if pod.deleted_at]
        waiting = sum(len(refused(self._store.waiting(key_of(game)))) for game in games)
        return max(len(made), len(leaving)) >= waiting

    async def _delete(self, pod: Pod) -> None:
        """Delete it as it was seen: a claim that came first wins."""
        version = pod.resource_version
        try:
            async with self._at_once:
                answer = await self._cluster.delete(
                    PODS, pod.namespace, pod.name, uid=pod.uid, resource_version=version
                )
        except Conflict:
            await refresh_pod(self._cluster, self._store, key_of(pod), pod.uid)
            raise
        if answer is None:
            self._store.lose_pod(key_of(pod), pod.uid)
        else:
            self._store.see_pod_leave(pod, answer)

    async def claim(self, game: Game, session: Session) -> bool:
        """Hand a waiting pod of the Game to a session; `False` if there is none to be had.

        Raises:
            ApiError, Unreachable: it is not known yet whether it got one; to be called again.
        """
        return await self._claims.claim(game, session)


def _name(game: Game) -> str:
    letters = "".join(secrets.choice(NAME_LETTERS) for _ in range(NAME_LENGTH))
    return f"{game.name}-warm-{letters}"


async def _all(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of it, whatever becomes of one; then raise the first error."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
