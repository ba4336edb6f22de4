"""Who plays what, where: Games by route, sessions by (game, user), pods by uid.

All of it is read from three informers, without a request. `changed` wakes who waits for a session.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

from gamesession.api.labels import ROLE_LABEL, ROLE_SESSION
from gamesession.client.pod import Pod
from gamesession.client.selector import sessions_of
from gamesession.client.waiting import Changes
from gamesession.kube.cluster import Cluster
from gamesession.kube.informer import Informer
from gamesession.kube.resources import GAMES, PODS, SESSIONS
from gamesession.plan.duplicate import first_of
from gamesession.plan.game import Game
from gamesession.plan.session import FAILED, Session

Player = tuple[str, str]
"""Name of a Game, and a user: who a session is for."""

DUPLICATE: Final = "Duplicate"


class Directory:
    """What is known of Games, sessions and sessions' pods of one namespace.

    Args:
        player: whose sessions alone to follow (with an empty user, a whole Game's); `None` for
            all.
    """

    def __init__(self, cluster: Cluster, namespace: str, *, player: Player | None = None) -> None:
        self.games = Informer(cluster, GAMES, namespace, Game.from_object)
        self.sessions = Informer(
            cluster,
            SESSIONS,
            namespace,
            Session.from_object,
            field_selector=sessions_of(*player) if player else "",
        )
        self.pods = Informer(
            cluster,
            PODS,
            namespace,
            Pod.from_object,
            label_selector=f"{ROLE_LABEL}={ROLE_SESSION}",
        )
        self._changes = Changes()
        self._game_of_route: dict[str, Game] = {}
        self._of_player: dict[Player, dict[str, Session]] = defaultdict(dict)
        self._player_of_pod: dict[str, Player] = {}
        self._pods: dict[str, Pod] = {}
        self._pods_of_ip: dict[str, set[str]] = defaultdict(set)
        self.games.subscribe(self._game_changed)
        self.sessions.subscribe(self._session_changed)
        self.pods.subscribe(self._pod_changed)

    @property
    def synced(self) -> bool:
        """Whether all there is has been seen once."""
        return all(informer.synced.is_set() for informer in (self.games, self.sessions, self.pods))

    async def run(self) -> None:
        """Follow the API server until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for informer in (self.games, self.sessions, self.pods):
                tasks.create_task(informer.run(), name=f"informer {informer.resource.plural}")

    # Asking -------------------------------------------------------------------------------------

    def game_of_route(self, route: str) -> Game | None:
        """The Game that serves `/api/{route}`: of several that name it, the oldest."""
        return self._game_of_route.get(route)

    def find(self, game: str, user: str) -> Session | None:
        """The session of a user and game: a live one if there is any, else one that failed.

        Duplicates, and sessions that are being deleted, do not count.
        """
        sessions = self._of_player.get((game, user))
        if sessions is None:
            return None
        if len(sessions) == 1:
            only = next(iter(sessions.values()))
            return None if only.deleting or is_duplicate(only) else only
        live = first_of(sessions.values(), {each.uid for each in sessions.values() if each.pod_uid})
        return live or next((each for each in sessions.values() if is_failed(each)), None)

    def all_of(self, game: str, user: str) -> list[Session]:
        """Every session of a user and game, under whatever name and in whatever phase."""
        return list(self._of_player.get((game, user), {}).values())

    def pod_of(self, session: Session) -> Pod | None:
        """The pod that requests of this session may be sent to now, if there is one.

        It is the one that the status names, has an address, is not on its way out, and no other
        session's pod has the same address.
        """
        pod = self._pods.get(session.pod_uid)
        if pod is None or pod.going or not pod.ip or len(self._pods_of_ip[pod.ip]) != 1:
            return None
        return pod

    async def changed(self, game: str, user: str) -> None:
        """Return at the next change of the user's sessions of this game, or of their pods.

        There must be no await between the look at the state and this.
        """
        await self._changes.next((game, user))

    # Following ----------------------------------------------------------------------------------

    def _game_changed(self, old: Game | None, new: Game | None) -> None:
        routes: dict[str, Game] = {}
        games = sorted(self.games.values(), key=lambda game: (game.created_at, game.uid))
        for game in games:
            if not game.deleting:
                routes.setdefault(game.route, game)
        self._game_of_route = routes

    def _session_changed(self, old: Session | None, new: Session | None) -> None:
        if old is not None:
            self._player_of_pod.pop(old.pod_uid, None)
            player = (old.game, old.user)
            sessions = self._of_player[player]
            sessions.pop(old.name, None)
            if not sessions:
                del self._of_player[player]
        if new is not None:
            player = (new.game, new.user)
            self._of_player[player][new.name] = new
            if new.pod_uid:
                self._player_of_pod[new.pod_uid] = player
        self._changes.tell(player)

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        touched = set()
        if old is not None:
            touched |= self._pods_of_ip[old.ip]
            self._pods_of_ip[old.ip].discard(old.uid)
            self._pods.pop(old.uid, None)
            if not self._pods_of_ip[old.ip]:
                del self._pods_of_ip[old.ip]
        if new is not None:
            self._pods[new.uid] = new
            touched.add(new.uid)
            if new.ip and not new.going:  # one that has stopped has given its address back
                self._pods_of_ip[new.ip].add(new.uid)
                touched |= self._pods_of_ip[new.ip]
        for uid in touched:
            if player := self._player_of_pod.get(uid):
                self._changes.tell(player)


def is_failed(session: Session) -> bool:
    """Whether it failed, and not for being a second one."""
    return session.phase == FAILED and not session.deleting and not is_duplicate(session)


def is_duplicate(session: Session) -> bool:
    """Whether it is a second session of its user and game, which look-ups pass over."""
    return session.phase == FAILED and session.condition.get("reason") == DUPLICATE
