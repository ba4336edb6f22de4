"""The pool of each Game: kept at its size, and handed out a pod at a time.

This is the only place that gives pods away. `_taken` keeps two sessions of this operator from
trying for one pod; against another operator, that believes it leads, the patch itself is guarded
(`gamesession.plan.claim`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Collection, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog
from prometheus_client import Counter

from gamesession.controller.catalogue import Catalogue
from gamesession.controller.shelf import Key, key_of
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import (
    ApiError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    ServerFault,
    Unreachable,
)
from gamesession.kube.resources import PODS
from gamesession.plan.capacity import age, refused
from gamesession.plan.claim import claim_patch
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

CLAIMS = Counter(
    "gamesession_claims_total",
    "Tries to hand a warm pod to a session: claimed, lost (the pod went otherwise), empty.",
    ["game", "result"],
)
WRITES_AT_ONCE: Final = 16
NAME_LETTERS: Final = "bcdfghjklmnpqrstvwxz"
"""No vowels, so no words; no digits, so that no name ends like the number of a session's pod."""
NAME_LENGTH: Final = 8
ROOM_IS_KEPT: Final = timedelta(seconds=15)
"""How long no pod is made ahead in a namespace where a quota kept a session from its pod: longer
than it takes the session to try again."""


class Pools:
    """Fills pools, and claims from them.

    Args:
        look_again: (key, seconds) asks for another look at a Game's pool.
        now: the time of day, UTC.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        catalogue: Catalogue,
        *,
        look_again: Callable[[Key, float], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._catalogue = catalogue
        self._look_again = look_again
        self._now = now
        self._failures: dict[str, tuple[str, Failure]] = {}
        self._taken: set[str] = set()
        self._unsettled: dict[str, Pod] = {}
        """Pods of which it is not known whether a session got them: session uid → pod."""
        self._held_until: dict[str, datetime] = {}
        self._at_once = asyncio.Semaphore(WRITES_AT_ONCE)

    # Filling ------------------------------------------------------------------------------------

    async def reconcile(self, key: Key) -> None:
        """One step for the pool of the Game under that name.

        Raises:
            ApiError, Unreachable: a write did not succeed; to be called again.
        """
        game = self._store.games.get(key)
        if game is None:
            self._forget_absent()
            return
        if game.deleting:
            return  # its warm pods go with it
        acceptance, _ = self._catalogue.acceptance(game)
        if acceptance is Acceptance.UNKNOWN:
            return  # neither made nor thrown away until that is known
        pods, now = self._store.warm_pods(game), self._now()
        decision = decide_pool(self._pool(game, acceptance), pods, now)
        self._remember(game, decision, now)
        if decision.look_again:
            self._look_again(key, (decision.look_again - now).total_seconds())
        await _all(
            *(self._delete(pod) for pod in (*decision.failed, *decision.surplus)),
            *(self._make(game) for _ in range(decision.create)),
        )

    def failure(self, game: Game) -> Failure | None:
        """Why the Game's warm pods do not start; `None` if they do."""
        made_by, failure = self._failures.get(game.uid, ("", None))
        return failure if made_by == self._hash(game) else None

    def _forget_absent(self) -> None:
        there = {game.uid for game in self._store.games.values()}
        for uid in self._failures.keys() - there:
            del self._failures[uid]

    def _pool(self, game: Game, acceptance: Acceptance) -> Pool:
        serves = acceptance is Acceptance.TRUE and not game.suspended
        return Pool(
            size=game.spec.warm_pool.size if serves else 0,
            template_hash=self._hash(game),
            start_timeout=game.start_timeout,
            failure=self.failure(game),
            held_until=self._held_until.get(game.namespace),
        )

    def _hash(self, game: Game) -> str:
        accepted = self._catalogue.acceptance(game)[0] is Acceptance.TRUE
        # There may be no way to make pods from a template that we refuse.
        return self._catalogue.template_hash(game) if accepted else ""

    def _remember(self, game: Game, decision: PoolDecision, now: datetime) -> None:
        if decision.recovered:
            self._failures.pop(game.uid, None)
        for pod in decision.failed:
            reason, message = "StartTimeout", f"Pod {pod.name} was not ready in time."
            if pod.problem:
                reason, message = pod.problem.reason, pod.problem.message
            self._blame(game, reason, message, now)

    def _blame(self, game: Game, reason: str, message: str, now: datetime) -> None:
        before = self.failure(game)
        count = 1 + (before.count if before else 0)
        self._failures[game.uid] = (self._hash(game), Failure(count, now, reason, message))
        log.warning("warm pod failed", game=game.name, reason=reason, message=message, count=count)

    async def _make(self, game: Game) -> None:
        body = self._catalogue.warm_pod_of(game, _name(game))
        try:
            async with self._at_once:
                self._store.see_pod(await self._cluster.create(PODS, game.namespace, body))
        except (Forbidden, Invalid) as error:
            reason = refusal_of(error.message) if error.status == 403 else error.reason
            self._blame(game, reason, error.message, self._now())
            self._look_again(key_of(game), 0)
            if reason == QUOTA_EXCEEDED:
                await self._let_go_of_old(game)

    async def _let_go_of_old(self, game: Game) -> None:
        """There is no room for one of the present template beside all of the old ones."""
        current = self._hash(game)
        pods = self._store.warm_pods(game)
        if old := least_needed((pod for pod in pods if pod.template_hash != current), {current}):
            await self._delete(old)

    def _unpromised(self, game: Game) -> list[Pod]:
        """The waiting pods that no session waits for."""
        pods = self._store.warm_pods(game)
        waiting = refused(self._store.waiting(key_of(game)))
        promised = {pod.uid for pod in claimable(pods, self._hash(game))[: len(waiting)]}
        return [pod for pod in pods if pod.uid not in promised]

    async def make_room(self, namespace: str) -> None:
        """A quota keeps a session from its pod: the waiting pod that is needed least goes, and no
        other is made in its place for a while.

        Raises:
            ApiError, Unreachable: it could not be deleted.
        """
        self._held_until[namespace] = self._now() + ROOM_IS_KEPT
        games = [game for game in self._store.games.values() if game.namespace == namespace]
        pods = [pod for game in games for pod in self._unpromised(game)]
        if pod := least_needed(pods, {self._hash(game) for game in games}):
            await self._delete(pod)

    async def _delete(self, pod: Pod) -> None:
        """Delete it as it was seen: a claim that came first wins."""
        version = pod.resource_version
        try:
            async with self._at_once:
                answer = await self._cluster.delete(
                    PODS, pod.namespace, pod.name, uid=pod.uid, resource_version=version
                )
        except Conflict:
            await self._see(pod)
            raise
        if answer is None:
            self._store.lose_pod(key_of(pod), pod.uid)
        else:
            self._store.see_pod_leave(pod, answer)

    # Claiming -----------------------------------------------------------------------------------

    async def claim(self, game: Game, session: Session) -> bool:
        """Hand a waiting pod of the Game to a session; `False` if there is none to be had.

        Raises:
            ApiError, Unreachable: it is not known yet whether it got one; to be called again.
        """
        tried: set[str] = set()
        while pod := self._unsettled.get(session.uid) or self._choose(game, session, tried):
            tried.add(pod.uid)
            self._taken.add(pod.uid)
            try:
                claimed = await self._claimed(game, session, pod)
            finally:
                if session.uid not in self._unsettled:
                    self._taken.discard(pod.uid)
            CLAIMS.labels(game.name, "claimed" if claimed else "lost").inc()
            if claimed:
                return True
        if game.spec.warm_pool.size:
            CLAIMS.labels(game.name, "empty").inc()
        return False

    def _choose(self, game: Game, session: Session, tried: Collection[str]) -> Pod | None:
        able = claimable(self._store.warm_pods(game), self._hash(game))
        free = [pod for pod in able if pod.uid not in self._taken and pod.uid not in tried]
        if not free or self._is_behind(game, session, len(free)):
            return None
        return free[0]

    def _is_behind(self, game: Game, session: Session, free: int) -> bool:
        """Whether as many sessions as there are pods have waited for one, and longer."""
        waiting = refused(self._store.waiting(key_of(game)))
        return sum(age(other) < age(session) for other in waiting) >= free

    async def _claimed(self, game: Game, session: Session, pod: Pod) -> bool:
        self._unsettled[session.uid] = pod
        found: Object | None
        error: Exception | None = None
        try:
            patch = claim_patch(pod, game.uid, session)
            found = await self._cluster.json_patch(PODS, pod.namespace, pod.name, patch)
        except (Gone, Invalid, Conflict):  # not by this request; perhaps by one before it
            found = await self._see(pod)
        except (ServerFault, Unreachable) as caught:
            error, found = caught, await self._see(pod)
        except ApiError:
            del self._unsettled[session.uid]  # it was not even looked at
            raise
        if error and found and Pod.from_object(found).owner_uid == game.uid:
            raise error  # the request may yet be carried out
        del self._unsettled[session.uid]
        if found is None:
            return False
        self._store.see_pod(found)
        after = Pod.from_object(found)
        return after.owner_uid == session.uid and after.is_alive

    async def _see(self, pod: Pod) -> Object | None:
        """The pod as it is now; `None` if it is gone."""
        try:
            found = await self._cluster.get(PODS, pod.namespace, pod.name)
        except Gone:
            found = {}
        if found.get("metadata", {}).get("uid") == pod.uid:
            self._store.see_pod(found)
            return found
        self._store.lose_pod(key_of(pod), pod.uid)
        return None


def _name(game: Game) -> str:
    letters = "".join(secrets.choice(NAME_LETTERS) for _ in range(NAME_LENGTH))
    return f"{game.name}-warm-{letters}"


async def _all(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of it, whatever becomes of one; then raise the first error."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
