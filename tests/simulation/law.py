"""What must never happen, checked where it would, and what must be the case in the end."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any

from gamesession.api.labels import ROLE_LABEL, ROLE_WARM, SESSION_LABEL, TEMPLATE_HASH_LABEL
from gamesession.kube.resources import GAMES, PODS, SESSIONS
from gamesession.plan.problem import problem_of
from tests.simulation.apiserver import ApiServer, Change
from tests.simulation.kubelet import is_leaving, owner_of
from tests.simulation.replica import Replica
from tests.unit.plan.objects import Object


class Broken(Exception):
    """A law was broken."""


class Law:
    """Follows what happens at the API server.

    Attributes:
        broken: what happened that must not.
        figures: how often what happened.
    """

    def __init__(self, server: ApiServer) -> None:
        self.broken: list[str] = []
        self.figures: Counter[str] = Counter()
        self._server = server
        self._session_of: dict[str, str] = {}
        """Who got a pod: its uid → the session's uid."""
        self._named_by: dict[str, str] = {}
        """Whose status named a pod: its uid → the session's uid."""
        self._given: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        """The pods that a process got for a session: (process, session's uid) → (name, uid)."""
        self._givers: dict[str, set[str]] = defaultdict(set)
        """The processes that got pods for a session."""
        server.listeners.append(self._change)

    def watch(self, replica: Replica) -> None:
        """Hold a process to it that it deletes as unclaimed only what is."""
        replica.line.on_delete = partial(self._deletes, replica)

    # Always -------------------------------------------------------------------------------------

    def _change(self, change: Change) -> None:
        if change.after is None:
            return
        if change.resource is PODS:
            self._pod(change.before, change.after)
        elif change.resource is SESSIONS and change.before is not None:
            self._status(change.before, change.after)

    def _pod(self, before: Object | None, after: Object) -> None:
        """A pod changes hands at most once, from its Game to a session."""
        uid, owner = after["metadata"]["uid"], owner_of(after)
        if before is not None and owner_of(before) == owner:
            return
        kind = after["metadata"]["ownerReferences"][0]["kind"]
        known = self._session_of.get(uid)
        if known is not None:
            self._break(f"{_name(after)} went from session {known} to {kind} {owner}")
        elif kind == "GameSession":
            self.figures["cold pods" if before is None else "claims"] += 1
            self._session_of[uid] = owner
            self._give(after, owner)

    def _give(self, pod: Object, owner: str) -> None:
        """A process that knows its own deeds gives no session a second pod.

        Where two gave it one, either may have taken the other's for the session's, while what it
        asked for itself was still on its way.
        """
        self._givers[owner].add(self._server.actor)
        given = self._given[self._server.actor, owner]
        for name, uid in given:
            other = self._server.find(PODS, name, uid)
            if other and is_good(other) and len(self._givers[owner]) == 1:
                self._break(
                    f"{self._server.actor} got {_name(pod)} for session {owner}, which has {name} "
                    "by it"
                )
        given.append((_name(pod), pod["metadata"]["uid"]))

    def _status(self, before: Object, after: Object) -> None:
        """A status names a pod that the session got, and that no other status ever named."""
        named = after.get("status", {}).get("podUID")
        if not named or named == before.get("status", {}).get("podUID"):
            return
        uid = after["metadata"]["uid"]
        if self._session_of.get(named) != uid:
            self._break(
                f"the status of session {uid} names {named}, a pod of {self._session_of.get(named)}"
            )
        if self._named_by.setdefault(named, uid) != uid:
            self._break(f"{named} is named by sessions {self._named_by[named]} and {uid}")

    def _deletes(
        self, replica: Replica, name: str, uid: str, deed: Callable[[], Any]
    ) -> Callable[[], Any]:
        """The deed, held to what the process knows when it asks for it."""
        known = [pod for pod in replica.operator.store.pods.values() if pod.uid == uid]
        unclaimed = any(pod.role == ROLE_WARM for pod in known)

        def delete() -> Any:
            found = self._server.find(PODS, name, uid)
            answer = deed()
            if found and unclaimed and uid in self._session_of:
                self._break(f"{replica.name} deleted {name} as unclaimed, and a session had it")
            if found and self._is_in_use(found):
                self.figures["pods in use deleted"] += 1
            return answer

        return delete

    def _is_in_use(self, pod: Object) -> bool:
        session = self._server.find(SESSIONS, pod["metadata"]["labels"].get(SESSION_LABEL, ""))
        status = session.get("status", {}) if session else {}
        return status.get("podUID") == pod["metadata"]["uid"] and is_good(pod)

    def _break(self, what: str) -> None:
        self.broken.append(what)

    # In the end ---------------------------------------------------------------------------------

    def unfinished(self, expected: set[str]) -> list[str]:
        """What is not yet as it must be once all is quiet.

        Args:
            expected: uids of the sessions that nobody ended.
        """
        sessions = {each["metadata"]["uid"]: each for each in self._server.all(SESSIONS)}
        pods: dict[str, list[Object]] = defaultdict(list)
        for pod in self._server.all(PODS):
            pods[owner_of(pod)].append(pod)
        [game] = self._server.all(GAMES)
        found = [f"session {uid} is gone" for uid in expected - sessions.keys()]
        found += [f"session {uid} is there" for uid in sessions.keys() - expected]
        for uid, session in sessions.items():
            found += _unserved(session, pods.pop(uid, []))
        found += _unfilled(game, pods.pop(game["metadata"]["uid"], []))
        found += [f"{_name(pod)} is nobody's" for left in pods.values() for pod in left]
        return found


def is_good(pod: Object) -> bool:
    """Whether it may serve, as far as anyone has said."""
    return not is_leaving(pod) and problem_of(pod) is None


def _name(found: Object) -> str:
    return str(found["metadata"]["name"])


def _unserved(session: Object, pods: list[Object]) -> list[str]:
    uid, status = session["metadata"]["uid"], session.get("status", {})
    if status.get("phase") != "Ready":
        return [f"session {uid} is {status.get('phase')}: {status.get('conditions')}"]
    if [pod["metadata"]["uid"] for pod in pods] != [status["podUID"]]:
        return [f"session {uid} names {status['podName']} and has {[_name(pod) for pod in pods]}"]
    return [] if is_good(pods[0]) else [f"the pod of session {uid} does not serve"]


def _unfilled(game: Object, pods: list[Object]) -> list[str]:
    size = game["spec"]["warmPool"]["size"]
    found = [f"{_name(pod)} does not wait" for pod in pods if not _waits(pod)]
    if len(pods) != size:
        found.append(f"{len(pods)} pods wait, and {size} should")
    if len({pod["metadata"]["labels"][TEMPLATE_HASH_LABEL] for pod in pods}) > 1:
        found.append("pods of several templates wait")
    return found


def _waits(pod: Object) -> bool:
    ready = pod["status"].get("phase") == "Running"
    return ready and is_good(pod) and pod["metadata"]["labels"][ROLE_LABEL] == ROLE_WARM
