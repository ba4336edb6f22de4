"""Waiting pods handed to sessions, one each: the only place that gives pods away.

What one session tries for, no other session of this operator does until it is known who has it;
against another operator that believes it leads, the patch itself is guarded
(`gamesession.plan.claim`).
"""

from __future__ import annotations

from collections.abc import Collection

from gamesession.controller.catalogue import Catalogue
from gamesession.controller.metrics import CLAIMS
from gamesession.controller.refresh import refresh_pod
from gamesession.controller.shelf import key_of
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
from gamesession.plan.game import Game
from gamesession.plan.pod import Pod
from gamesession.plan.pool import claimable
from gamesession.plan.session import Session


class Claims:
    """Hands waiting pods to sessions.

    Attributes:
        _unsettled: session uid → the pod of which it is not known whether the session has it.
    """

    def __init__(self, cluster: Cluster, store: Store, catalogue: Catalogue) -> None:
        self._cluster = cluster
        self._store = store
        self._catalogue = catalogue
        self._unsettled: dict[str, Pod] = {}

    async def claim(self, game: Game, session: Session) -> bool:
        """Hand a waiting pod of the Game to a session; `False` if there is none to be had.

        Raises:
            ApiError, Unreachable: it is not known yet whether it got one; to be called again.
        """
        self._forget_served()
        tried: set[str] = set()
        while pod := self._unsettled.get(session.uid) or self._choose(game, session, tried):
            tried.add(pod.uid)
            claimed = await self._claimed(game, session, pod)
            CLAIMS.labels(game.name, "claimed" if claimed else "lost").inc()
            if claimed:
                return True
        if game.spec.warm_pool.size:
            CLAIMS.labels(game.name, "empty").inc()
        return False

    def _choose(self, game: Game, session: Session, tried: Collection[str]) -> Pod | None:
        current = self._catalogue.current_hash(game)
        able = claimable(self._store.warm_pods(game), current)
        if game.spec.hooks.on_claim:  # which pods of an old template may know nothing of
            able = [pod for pod in able if pod.template_hash == current]
        taken = {pod.uid for pod in self._unsettled.values()}
        free = [pod for pod in able if pod.uid not in taken and pod.uid not in tried]
        if not free or self._is_behind(game, session, len(free)):
            return None
        return free[0]

    def _is_behind(self, game: Game, session: Session, free: int) -> bool:
        """Whether as many sessions as there are pods have waited for one, and longer."""
        waiting = refused(self._store.waiting(key_of(game)))
        return sum(age(other) < age(session) for other in waiting) >= free

    async def _claimed(self, game: Game, session: Session, pod: Pod) -> bool:
        is_again = session.uid in self._unsettled
        self._unsettled[session.uid] = pod
        self._store.expect(session.uid, key_of(game))
        found: Object | None
        error: Exception | None = None
        try:
            patch = claim_patch(pod, game.uid, session)
            found = await self._cluster.json_patch(PODS, pod.namespace, pod.name, patch)
        except (Forbidden, Gone, Invalid, Conflict) as caught:
            # Not by this request; but one before it may have been carried out, or be yet.
            found = await self._see(pod)
            error = caught if is_again and isinstance(caught, Conflict) else None
        except (ServerFault, Unreachable) as caught:
            error, found = (
                caught,
                await refresh_pod(self._cluster, self._store, key_of(pod), pod.uid),
            )
        except ApiError:
            if not is_again:  # it was not even looked at
                self._settle(session.uid)
            raise
        if error and found and Pod.from_object(found).owner_uid == game.uid:
            raise error  # the request may yet be carried out
        if found:
            self._store.see_pod(found)
        self._settle(session.uid)
        after = Pod.from_object(found) if found else None
        return after is not None and after.owner_uid == session.uid and after.is_alive

    async def _see(self, pod: Pod) -> Object | None:
        return await refresh_pod(self._cluster, self._store, key_of(pod), pod.uid)

    def _settle(self, session_uid: str) -> None:
        self._unsettled.pop(session_uid, None)
        self._store.release(session_uid)

    def _forget_served(self) -> None:
        """Sessions that are gone, or have a pod by now, keep none from others: also another
        operator may have given them theirs."""
        for uid in [uid for uid in self._unsettled if self._is_served(uid)]:
            self._settle(uid)

    def _is_served(self, session_uid: str) -> bool:
        session = self._store.session_of_uid(session_uid)
        if session is None:
            return True
        # The status of most that wait names none: there is nothing to look up for them.
        return bool(session.pod_uid) and any(
            pod.is_alive for pod in self._store.pods_of(session_uid)
        )
