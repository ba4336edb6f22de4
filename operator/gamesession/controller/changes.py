"""What a change in the store means for others: which keys to look at."""

from __future__ import annotations

from typing import Literal, NamedTuple

from gamesession.api.labels import ROLE_WARM
from gamesession.controller.catalogue import Catalogue
from gamesession.controller.endings import Endings
from gamesession.controller.metrics import GAME_SERIES
from gamesession.controller.queue import WorkQueue
from gamesession.controller.shelf import Key, key_of
from gamesession.controller.store import Store
from gamesession.plan.capacity import next_in_turn, refused
from gamesession.plan.game import Game
from gamesession.plan.pod import Pod
from gamesession.plan.session import FAILED, READY, Session

Kind = Literal["game", "pool", "session"]


class Task(NamedTuple):
    """A thing to look at."""

    kind: Kind
    key: Key


class Changes:
    """Listens to the store and fills the work queue."""

    def __init__(
        self, store: Store, queue: WorkQueue[Task], endings: Endings, catalogue: Catalogue
    ) -> None:
        self._store = store
        self._queue = queue
        self._endings = endings
        self._catalogue = catalogue
        store.on_game = self.game_changed
        store.on_session = self.session_changed
        store.on_pod = self.pod_changed

    def look_at_game(self, key: Key) -> None:
        """Enqueue a Game."""
        self._queue.add(Task("game", key))

    def look_at_session(self, key: Key) -> None:
        """Enqueue a session."""
        self._queue.add(Task("session", key))

    def game_changed(self, old: Game | None, new: Game | None) -> None:
        """Routes are a matter among Games; timeouts and acceptance one of a Game's sessions."""
        game = new or old
        if game is None:
            return
        if old and (new is None or new.uid != old.uid):
            self._catalogue.forget(old)
        self._measure(game)
        self._queue.add(Task("game", key_of(game)))
        self._queue.add(Task("pool", key_of(game)))
        if old and new and _same_to_others(old, new):
            return
        routes = {each.route for each in (old, new) if each}
        for other in self._store.games.values():
            if other.namespace == game.namespace and other.route in routes:
                self._queue.add(Task("game", key_of(other)))
        self.acceptance_changed(key_of(game))

    def _measure(self, game: Game) -> None:
        """The series of a Game are there while there is one of its name, in whatever namespace."""
        if any(each.name == game.name for each in self._store.games.values()):
            GAME_SERIES.begin(game.name)
        else:
            GAME_SERIES.end(game.name)

    def acceptance_changed(self, game: Key) -> None:
        """The pool and all sessions of a Game are to be looked at, and deadlines entered anew."""
        self._queue.add(Task("pool", game))
        for session in self._store.sessions_of(game):
            self._endings.schedule(session)
            self.look_at_session(key_of(session))

    def session_changed(self, old: Session | None, new: Session | None) -> None:
        """A session matters to itself, its Game's counts, and who waits for its place."""
        if old and new and old.uid != new.uid:  # the end of the first life was not told, or later
            self.session_changed(old, None)
            old = None
        session = new or old
        if session is None:
            return
        game = (session.namespace, session.game)
        if new is None or (old and old.phase != new.phase) or old is None:
            self._queue.add(Task("game", game))
        if new is not None:
            self._endings.schedule(new)
            self.look_at_session(key_of(new))
            if _gives_up_its_place(old, new):
                self._wake_waiting(game)
        else:
            self._endings.forget(session)
            self.look_at_session(key_of(session))  # what is under way for it ends
            self._wake_waiting(game)
            self._wake_player(session.namespace, session.player)

    def pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        """A pod matters to its session; one that leaves, to who waits for its place."""
        pod = new or old
        if pod is None:
            return
        if any(each and each.role == ROLE_WARM for each in (old, new)):
            self._queue.add(Task("pool", (pod.namespace, pod.game)))
            self._queue.add(Task("game", (pod.namespace, pod.game)))
            if new and new.ready and not (old and old.ready):
                self._wake_refused((pod.namespace, pod.game))
        if session := self._store.session_of_uid(pod.owner_uid):
            self.look_at_session(key_of(session))
        left = new is None or (not new.is_alive and (old is None or old.is_alive))
        if left:
            self._wake_waiting((pod.namespace, pod.game))
            self._wake_player(pod.namespace, pod.player)

    def _wake_waiting(self, game_key: Key) -> None:
        """Look at the sessions whose turn has come."""
        game = self._store.games.get(game_key)
        if game is None or game.max_sessions is None:
            return
        occupied = len(self._store.occupied(game_key))
        waiting = self._store.waiting(game_key)
        for session in next_in_turn(waiting, occupied, game.max_sessions):
            self.look_at_session(key_of(session))

    def _wake_refused(self, game: Key) -> None:
        """Look at the session that has waited longest for a pod: one waits for a user."""
        for session in refused(self._store.waiting(game))[:1]:
            self.look_at_session(key_of(session))

    def _wake_player(self, namespace: str, player: str) -> None:
        """Look at the other sessions of a user and game: one may have waited for this."""
        for session in self._store.sessions_of_player(namespace, player):
            if session.phase != READY:
                self.look_at_session(key_of(session))


def _gives_up_its_place(old: Session | None, new: Session) -> bool:
    before = old is not None and (old.phase == FAILED or old.deleting)
    return not before and (new.phase == FAILED or new.deleting)


def _same_to_others(old: Game, new: Game) -> bool:
    return (old.uid, old.generation, old.accepted, old.deleting) == (
        new.uid,
        new.generation,
        new.accepted,
        new.deleting,
    )
