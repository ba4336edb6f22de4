"""What the operator knows of Games, sessions and pods, and who is whose."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

import structlog

from gamesession.api.labels import ROLE_WARM
from gamesession.controller.places import Places
from gamesession.controller.shelf import Item, Key, Shelf, key_of
from gamesession.plan.activity import active_at
from gamesession.plan.duplicate import first_of
from gamesession.plan.game import Game
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session

log = structlog.get_logger(__name__)

Change = Callable[[Any, Any], None]
"""Called with what was known before and what is known now; `None` for nothing."""

I = TypeVar("I", bound=Item)  # noqa: E741


class Index(Generic[I]):
    """From a property of objects to the objects.

    Args:
        of: the property.
    """

    def __init__(self, of: Callable[[I], Hashable]) -> None:
        self._of = of
        self._items: dict[Hashable, dict[Key, I]] = defaultdict(dict)

    def __getitem__(self, value: Hashable) -> tuple[I, ...]:
        items = self._items.get(value)
        return tuple(items.values()) if items else ()

    def file(self, old: I | None, new: I | None) -> None:
        """Take note of what became of an object; `None` for not being there."""
        if old is not None:
            items = self._items[self._of(old)]
            items.pop(key_of(old), None)
            if not items:
                del self._items[self._of(old)]
        if new is not None:
            self._items[self._of(new)][key_of(new)] = new


class Store:
    """Games, sessions and pods as they were last seen.

    Args:
        now: the time of day, UTC.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.games: Shelf[Game] = Shelf()
        self.sessions: Shelf[Session] = Shelf()
        self.pods: Shelf[Pod] = Shelf()
        self.on_game: Change = lambda old, new: None
        self.on_session: Change = lambda old, new: None
        self.on_pod: Change = lambda old, new: None
        self._now = now
        self._order = 0
        self._places = Places()
        self._session_keys: dict[str, Key] = {}
        self._sessions_of_game: Index[Session] = Index(_game)
        self._sessions_of_player: Index[Session] = Index(_player)
        self._pods_of_owner: Index[Pod] = Index(lambda pod: pod.owner_uid)
        self._pods_of_player: Index[Pod] = Index(_player)

    # Seeing -------------------------------------------------------------------------------------

    def see_game(self, game: dict[str, Any]) -> None:
        """Take note of a Game. One that we cannot read is left as it was, and logged."""
        meta = game["metadata"]
        key = meta["namespace"], meta["name"]
        if not self.games.accepts(meta["uid"], key, meta["resourceVersion"]):
            return
        try:
            new = Game.from_object(game)
        except ValueError as error:
            log.error("game cannot be read", game=meta["name"], error=repr(error))
            return
        old = self.games.get(key)
        self.games.put(new)
        self.on_game(old, new)

    def see_session(self, session: dict[str, Any], *, found: bool = False) -> None:
        """Take note of a GameSession. One that we cannot read is left as it was, and logged.

        Args:
            found: it comes from a list, so its stamp of activity may be of any age.
        """
        meta = session["metadata"]
        key = meta["namespace"], meta["name"]
        if not self.sessions.accepts(meta["uid"], key, meta["resourceVersion"]):
            return
        try:
            new, old = Session.from_object(session), self.sessions.get(key)
        except (KeyError, ValueError) as error:
            log.error("session cannot be read", session=meta["name"], error=repr(error))
            return
        same = old if old is not None and old.uid == new.uid else None
        if old is not None and same is None:
            self.release(old.uid)
        self._order += 1
        now = self._now()
        known = (same.last_activity, same.active_at) if same else None
        if same is None and not found:
            known = (None, None)
        new = replace(
            new,
            order=same.order if same else self._order,
            seen_at=same.seen_at if same else None if found else now,
            active_at=active_at(new.last_activity, known, now),
        )
        self.sessions.put(new)
        self._file_session(old, new)
        self.on_session(old, new)

    def see_pod(self, pod: dict[str, Any]) -> None:
        """Take note of a pod. One that we cannot read is left as it was, and logged."""
        meta = pod["metadata"]
        key = meta["namespace"], meta["name"]
        if not self.pods.accepts(meta["uid"], key, meta["resourceVersion"]):
            return
        try:
            new = Pod.from_object(pod)
        except (KeyError, ValueError) as error:
            log.error("pod cannot be read", pod=meta["name"], error=repr(error))
            return
        self._put_pod(new)

    def see_pod_leave(self, pod: Pod, answer: dict[str, Any]) -> None:
        """Take note of what was answered when we asked for a pod's deletion."""
        # A pod that is gone at once (no node, or one that let go of it) is shown as it was, and
        # without a version.
        if {"deletionTimestamp", "resourceVersion"} <= answer.get("metadata", {}).keys():
            self.see_pod(answer)
        known = self.pods.get(key_of(pod))
        if known is not None and known.uid == pod.uid and known.is_alive:
            self._put_pod(replace(known, deleted_at=self._now()))

    def lose_game(self, key: Key, uid: str) -> None:
        """A Game is gone."""
        if old := self.games.remove(key, uid):
            self.on_game(old, None)

    def lose_session(self, key: Key, uid: str) -> None:
        """A session is gone."""
        if old := self.sessions.remove(key, uid):
            self._file_session(old, None)
            self.release(uid)
            self.on_session(old, None)

    def lose_pod(self, key: Key, uid: str) -> None:
        """A pod is gone."""
        if old := self.pods.remove(key, uid):
            self._file_pod(old, None)
            self.on_pod(old, None)

    # Expecting ----------------------------------------------------------------------------------

    def expect(self, uid: str, game: Key) -> None:
        """A pod is about to be made for a session; until it is seen, that takes a place in
        `maxSessions`."""
        self._places.expect(uid, game)
        self._file_place(uid, game)

    def release(self, uid: str) -> None:
        """No pod was made."""
        if game := self._places.release(uid):
            self._file_place(uid, game)

    @property
    def expected(self) -> AbstractSet[str]:
        """The sessions for which a pod is being made or claimed, by uid."""
        return self._places.expected

    # Asking -------------------------------------------------------------------------------------

    def game_of(self, session: Session) -> Game | None:
        """The Game that a session names."""
        return self.games.get((session.namespace, session.game))

    def sessions_of(self, game: Key) -> list[Session]:
        """All sessions of a Game."""
        return list(self._sessions_of_game[game])

    def sessions_of_player(self, namespace: str, player: str) -> list[Session]:
        """All sessions of one user and game."""
        return list(self._sessions_of_player[namespace, player])

    def session_of_uid(self, uid: str) -> Session | None:
        """The session with that uid."""
        key = self._session_keys.get(uid)
        return self.sessions.get(key) if key else None

    def pods_of(self, uid: str) -> tuple[Pod, ...]:
        """The pods that an object owns."""
        return self._pods_of_owner[uid]

    def warm_pods(self, game: Game) -> tuple[Pod, ...]:
        """The pods of a Game that wait for a user."""
        return tuple(pod for pod in self.pods_of(game.uid) if pod.role == ROLE_WARM)

    def previous_pods(self, session: Session) -> tuple[Pod, ...]:
        """Pods of the session's user and game that another life owned, and that is over or ends."""
        pods = self._pods_of_player[session.namespace, session.player]
        return tuple(
            pod for pod in pods if pod.owner_uid != session.uid and self._has_ended(pod.owner_uid)
        )

    def first_of_player(self, session: Session) -> Session | None:
        """Of the sessions of this user and game, the one that counts."""
        rivals = self.sessions_of_player(session.namespace, session.player)
        return first_of(rivals, {rival.uid for rival in rivals if self._has_pod(rival)})

    def has_place(self, uid: str) -> bool:
        """Whether a session owns a pod, or one is being made for it."""
        return uid in self.expected or self._owns_pod(uid)

    def occupied(self, game: Key) -> AbstractSet[str]:
        """Uids of the sessions of a Game that own a pod, or for which one is being made, but for
        those that have failed."""
        return self._places.occupied(game)

    def waiting(self, game: Key) -> list[Session]:
        """The sessions of a Game that have no pod, and may have one."""
        found = (self.session_of_uid(uid) for uid in self._places.waiting(game))
        return [session for session in found if session]

    # Filing -------------------------------------------------------------------------------------

    def _has_ended(self, uid: str) -> bool:
        session = self.session_of_uid(uid)
        return session is None or session.deleting

    def _owns_pod(self, uid: str) -> bool:
        return any(pod.is_alive for pod in self.pods_of(uid))

    def _has_pod(self, session: Session) -> bool:
        return self.has_place(session.uid) or bool(session.pod_uid)

    def _file_session(self, old: Session | None, new: Session | None) -> None:
        if old:
            self._session_keys.pop(old.uid, None)
        if new:
            self._session_keys[new.uid] = key_of(new)
        self._sessions_of_game.file(old, new)
        self._sessions_of_player.file(old, new)
        for each in (old, new):
            if each:
                self._file_place(each.uid, _game(each))

    def _put_pod(self, new: Pod) -> None:
        old = self.pods.get(key_of(new))
        self.pods.put(new)
        self._file_pod(old, new)
        if old is None or (old.uid, old.owner_uid) != (new.uid, new.owner_uid):
            self.release(new.owner_uid)
        self.on_pod(old, new)

    def _file_pod(self, old: Pod | None, new: Pod | None) -> None:
        for index in (self._pods_of_owner, self._pods_of_player):
            index.file(old, new)
        for each in (old, new):
            if each and each.role != ROLE_WARM:
                self._file_place(each.owner_uid, _game(each))

    def _file_place(self, uid: str, game: Key) -> None:
        self._places.file(uid, game, self.session_of_uid(uid), has_pod=self._owns_pod(uid))


def _player(item: Pod | Session) -> Key:
    return item.namespace, item.player


def _game(item: Pod | Session) -> Key:
    return item.namespace, item.game
