"""Who plays: users whose sessions the gateway makes, and of whom some leave, and come back."""

from __future__ import annotations

import random
from functools import partial
from typing import Final

from gamesession.api.labels import GAME_LABEL, SESSION_LABEL
from gamesession.api.names import session_name
from gamesession.kube.resources import GAMES, SESSIONS
from tests.simulation.apiserver import ApiServer
from tests.simulation.clock import Agenda
from tests.unit.plan.objects import CHESS, Object

LEAVE: Final = 0.12
RETURN: Final = 0.5
BY_HAND: Final = 0.03
"""How many sessions come without labels and owner, as by kubectl."""


class Users:
    """The users of one Game.

    Attributes:
        sessions: uids of the sessions that nobody has ended.
    """

    def __init__(self, server: ApiServer, agenda: Agenda, chance: random.Random) -> None:
        self._server = server
        self._agenda = agenda
        self._chance = chance
        self._number = 0
        self.sessions: set[str] = set()

    def come(self, count: int, begin: float, within: float, *, stay: bool = False) -> list[str]:
        """So many users come; returns the names of their sessions."""
        names = []
        for _ in range(count):
            self._number += 1
            user = f"user-{self._number}"
            names.append(session_name(CHESS, user))
            at = begin + self._chance.random() * within
            self._agenda.after(at, partial(self._open, user))
            if not stay and self._chance.random() < LEAVE:
                leaves = at + 6 * self._chance.random() ** 2
                self._agenda.after(leaves, partial(self._close, user))
                if self._chance.random() < RETURN:
                    returns = leaves + 2 * self._chance.random()
                    self._agenda.after(returns, partial(self._open, user))
        return names

    def _open(self, user: str) -> None:
        name = session_name(CHESS, user)
        if self._server.find(SESSIONS, name):
            return
        metadata: Object = {"name": name}
        if self._chance.random() >= BY_HAND:
            uid = self._server.get(GAMES, CHESS)["metadata"]["uid"]
            owner = {"apiVersion": GAMES.api_version, "kind": "Game", "name": CHESS, "uid": uid}
            labels = {GAME_LABEL: CHESS, SESSION_LABEL: name}
            metadata |= {"labels": labels, "ownerReferences": [owner]}
        body = {"metadata": metadata, "spec": {"user": user, "game": CHESS}}
        made = self._server.create(SESSIONS, body)
        self.sessions.add(made["metadata"]["uid"])

    def _close(self, user: str) -> None:
        if found := self._server.find(SESSIONS, session_name(CHESS, user)):
            uid = found["metadata"]["uid"]
            self.sessions.discard(uid)
            self._server.delete(SESSIONS, found["metadata"]["name"], {"uid": uid})
