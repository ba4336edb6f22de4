"""One look at one session: what is there, what should happen, do it, say so."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import structlog

from gamesession.controller.adoption import adopt
from gamesession.controller.announce import Announcer
from gamesession.controller.catalogue import Catalogue
from gamesession.controller.greetings import Greetings
from gamesession.controller.pools import Pools
from gamesession.controller.refresh import refresh, refresh_pod
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
from gamesession.kube.resources import PODS, SESSIONS
from gamesession.plan.capacity import next_in_turn
from gamesession.plan.game import Game
from gamesession.plan.phase import QUOTA_EXCEEDED, failed, pending, refusal_of
from gamesession.plan.pod import Pod
from gamesession.plan.problem import excerpt
from gamesession.plan.session import FAILED, READY, Session
from gamesession.plan.situation import Decision, Situation
from gamesession.plan.start import decide
from gamesession.plan.status import Fields

log = structlog.get_logger(__name__)

QUOTA_RETRY: Final = 5.0
"""Seconds after which a pod that a quota or an admission webhook refused is tried again."""
LOG_LINES: Final = 20
TRIES: Final = 5
"""How often a status is written that activity alone is in the way of."""


class Sessions:
    """Brings sessions to where they should be, a step at a time.

    Args:
        compare: asks for a comparison of the store with the API server.
        look_again: (key, seconds) asks for another look at a session.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        catalogue: Catalogue,
        announcer: Announcer,
        pools: Pools,
        greetings: Greetings,
        *,
        compare: Callable[[], None],
        look_again: Callable[[Key, float], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._catalogue = catalogue
        self._announcer = announcer
        self._pools = pools
        self._greetings = greetings
        self._compare = compare
        self._look_again = look_again
        self._now = now
        self._unanswered: dict[Key, tuple[str, int]] = {}
        """Sessions (their uids) for which the pod of that number may have been made, and nobody
        has told of it yet."""

    async def reconcile(self, key: Key) -> None:
        """One step for the session under that name, if it is there.

        Raises:
            ApiError, Unreachable: a write or read did not succeed; to be called again.
        """
        read: Session | None = None
        # A pod that waited serves at once: the status is told in the same turn.
        while (session := self._store.sessions.get(key)) and not session.deleting:
            await self._read_bound_pod(session)
            situation, now = self.situation(session), self._now()
            decision = decide(situation, now)
            if decision.create is not None and session.pod_uid and session is not read:
                # Perhaps its pod went because it did, and another watch is to tell of that yet.
                await refresh(self._cluster, self._store, session)
                read = self._store.sessions.get(key)
                continue
            if decision.create is not None and await self._claim(session, situation.game):
                continue
            if decision.look_again:
                self._look_again(key, (decision.look_again - now).total_seconds())
            self._greet(situation, decision)
            await self._act(situation, decision)
            if decision.greet is None:
                self._greetings.forget(key)
            await adopt(self._cluster, self._store, session, situation.game)
            return
        self._greetings.forget(key)
        self._unanswered.pop(key, None)

    def situation(self, session: Session) -> Situation:
        """All that bears on a session's next step."""
        game = self._store.game_of(session)
        acceptance, message = self._catalogue.acceptance(game)
        return Situation(
            session=session,
            game=game,
            acceptance=acceptance,
            acceptance_message=message,
            pods=self._store.pods_of(session.uid),
            previous=self._store.previous_pods(session),
            first=self._store.first_of_player(session),
            has_turn=game is None or self._has_turn(session, game),
            greetings=self._greetings.known(session),
        )

    def _has_turn(self, session: Session, game: Game) -> bool:
        if game.max_sessions is None or self._store.has_place(session.uid):
            return True
        occupied = len(self._store.occupied(key_of(game)))
        waiting = self._store.waiting(key_of(game))
        return any(
            each.uid == session.uid for each in next_in_turn(waiting, occupied, game.max_sessions)
        )

    def _greet(self, situation: Situation, decision: Decision) -> None:
        session, game, pod = situation.session, situation.game, decision.greet
        if pod is not None and game is not None:
            self._greetings.greet(session, game, pod)
        else:
            self._greetings.break_off(key_of(session))

    async def _act(self, situation: Situation, decision: Decision) -> None:
        session, game = situation.session, situation.game
        if decision.create is not None and game is not None:
            await self._create(session, game, decision.create)
        if decision.status:
            await self._tell(session, await self._with_log(session, decision))
        for pod in decision.delete:
            await self._delete_pod(pod)

    # Get a pod ----------------------------------------------------------------------------------

    async def _read_bound_pod(self, session: Session) -> None:
        """Read the pod that the status names, if no watch has told yet that it is the session's:
        another operator, before this one or beside it, gave it away."""
        pod_uid = session.pod_uid
        if not pod_uid or self._store.pods.is_buried(pod_uid):
            return
        if any(pod.uid == pod_uid for pod in self._store.pods_of(session.uid)):
            return
        key = session.namespace, session.pod_name
        await refresh_pod(self._cluster, self._store, key, pod_uid)

    async def _claim(self, session: Session, game: Game | None) -> bool:
        if game is None or self._may_have_been_made(session):
            return False
        return await self._pools.claim(game, session)

    def _may_have_been_made(self, session: Session) -> bool:
        """Whether the making of a pod was not answered: until it is, no other is claimed."""
        return self._unanswered.get(key_of(session), ("", 0))[0] == session.uid

    async def _create(self, session: Session, game: Game, attempt: int) -> None:
        is_again = self._may_have_been_made(session)
        if is_again:
            _, attempt = self._unanswered[key_of(session)]
        self._store.expect(session.uid, key_of(game))
        try:
            for number in itertools.count(attempt):
                if await self._created(session, game, number):
                    break
        except Forbidden as error:
            self._store.release(session.uid)
            reason = refusal_of(error.message)
            await self._tell(session, pending(session, self._now(), reason, error.message))
            self._look_again(key_of(session), QUOTA_RETRY)
            if reason == QUOTA_EXCEEDED:
                await self._pools.make_room(session.namespace)
        except Invalid as error:
            self._store.release(session.uid)
            await self._tell(session, failed(session, self._now(), "PodInvalid", error.message))
        except (ServerFault, Unreachable):
            self._unanswered[key_of(session)] = session.uid, number
            raise  # there may be a pod, and the next try meets it
        except ApiError:
            # No pod was made: another may have the turn until this one is tried again.
            if not is_again:
                self._store.release(session.uid)
            raise
        self._unanswered.pop(key_of(session), None)

    async def _created(self, session: Session, game: Game, attempt: int) -> bool:
        """Make a pod, or adopt the one that an earlier try made; `False` if another's has its
        name."""
        body = self._catalogue.pod_of(game, session, attempt)
        try:
            pod = await self._cluster.create(PODS, session.namespace, body)
        except Conflict:
            pod = await self._cluster.get(PODS, session.namespace, body["metadata"]["name"])
        if Pod.from_object(pod).owner_uid != session.uid:
            return False
        self._store.see_pod(pod)
        return True

    # Tell ---------------------------------------------------------------------------------------

    async def _tell(self, session: Session, status: Fields) -> None:
        """Write the status, unless somebody wrote in between: then look at what they wrote. If it
        is activity alone, which gateways write all the time, the status is as right as before."""
        if not status:
            return
        for left in reversed(range(TRIES)):
            body = {"metadata": {"resourceVersion": session.resource_version}, "status": status}
            try:
                answer = await self._cluster.merge_patch(
                    SESSIONS, session.namespace, session.name, body, subresource="status"
                )
                break
            except (Conflict, Gone):
                used = await self._used_meanwhile(session)
                if not left or used is None or "lastActivity" in status:
                    self._compare()  # what else did the watch not tell?
                    raise
                session = used
        self._store.see_session(answer)
        self._announce(session, answer, status)

    async def _used_meanwhile(self, session: Session) -> Session | None:
        """The session as it stands, if nothing but activity was written since."""
        await refresh(self._cluster, self._store, session)
        found = self._store.sessions.get(key_of(session))
        if found is None or found is session or not session.is_but_for_activity(found):
            return None
        return found

    async def _with_log(self, session: Session, decision: Decision) -> Fields:
        if decision.log_of is None:
            return decision.status
        pod, container = decision.log_of
        try:
            text = await self._cluster.logs(
                pod.namespace, pod.name, container, tail_lines=LOG_LINES, limit_bytes=64 * 1024
            )
        except (ApiError, Unreachable) as error:
            log.info("log not readable", pod=pod.name, container=container, error=str(error))
            return decision.status
        if not (last_words := excerpt(text)):
            return decision.status
        # The pod before it may have gone for the same reason: then its condition stands already.
        [condition] = decision.status.get("conditions", [session.condition])
        message = f"{condition['message']} The end of its log: {last_words}"
        return {**decision.status, "conditions": [{**condition, "message": message}]}

    def _announce(self, before: Session, answer: Object, status: Fields) -> None:
        phase = status.get("phase")
        if phase == READY and before.phase != READY:
            self._announcer.ready(before, answer)
        elif phase == FAILED:
            self._announcer.failed(before, answer)

    # Delete -------------------------------------------------------------------------------------

    async def _delete_pod(self, pod: Pod) -> None:
        try:
            answer = await self._cluster.delete(PODS, pod.namespace, pod.name, uid=pod.uid)
        except Conflict:
            if await self._is_there(pod):
                raise
            answer = None
        if answer is None:
            self._store.lose_pod(key_of(pod), pod.uid)
            self._compare()
        else:
            self._store.see_pod_leave(pod, answer)

    async def _is_there(self, pod: Pod) -> bool:
        """Whether it, and not another pod, lives under its name."""
        try:
            found = await self._cluster.get(PODS, pod.namespace, pod.name)
        except Gone:
            return False
        return bool(found["metadata"]["uid"] == pod.uid)
