"""What a change in the store means for others: which keys are looked at."""

from __future__ import annotations

from typing import Any, cast

import pytest
from prometheus_client import generate_latest

from gamesession.controller.catalogue import Catalogue
from gamesession.controller.changes import Changes, Task
from gamesession.controller.shelf import Key
from gamesession.controller.store import Store
from gamesession.kube import metrics
from gamesession.plan.acceptance import Verdict
from gamesession.plan.game import Acceptance, Game
from gamesession.plan.session import Session
from tests.unit.plan.objects import (
    NAMESPACE,
    Object,
    condition,
    game,
    pod,
    ready_status,
    session,
    status,
    version,
)


class Queue:
    """Takes note of what is to be looked at."""

    def __init__(self) -> None:
        self.tasks: set[Task] = set()

    def add(self, task: Task) -> None:
        self.tasks.add(task)


class Endings:
    """Takes note of whose deadlines are entered, and who is forgotten."""

    def __init__(self) -> None:
        self.scheduled: list[str] = []
        self.forgotten: list[str] = []

    def schedule(self, session: Session) -> None:
        self.scheduled.append(session.uid)

    def forget(self, session: Session) -> None:
        self.forgotten.append(session.uid)


class Scene:
    """A store that is listened to. What was there before is not news."""

    def __init__(self, *objects: Object) -> None:
        self.store = Store()
        self.queue, self.endings, self.catalogue = Queue(), Endings(), Catalogue()
        Changes(self.store, cast(Any, self.queue), cast(Any, self.endings), self.catalogue)
        for each in objects:
            self.see(each)
        self.queue.tasks.clear()
        self.endings.scheduled.clear()

    def see(self, found: Object) -> None:
        found["metadata"]["resourceVersion"] = version()
        if found["kind"] == "Game":
            self.store.see_game(found)
        elif found["kind"] == "GameSession":
            self.store.see_session(found)
        else:
            self.store.see_pod(found)

    def lose(self, found: Object) -> None:
        meta = found["metadata"]
        key = meta["namespace"], meta["name"]
        if found["kind"] == "Game":
            self.store.lose_game(key, meta["uid"])
        elif found["kind"] == "GameSession":
            self.store.lose_session(key, meta["uid"])
        else:
            self.store.lose_pod(key, meta["uid"])

    @property
    def games(self) -> set[str]:
        """The Games that are to be looked at."""
        return {task.key[1] for task in self.queue.tasks if task.kind == "game"}

    @property
    def users(self) -> set[str]:
        """The users whose sessions are to be looked at."""
        found = (self.store.sessions.get(task.key) for task in self._sessions())
        return {each.user for each in found if each}

    def _sessions(self) -> list[Task]:
        return [task for task in self.queue.tasks if task.kind == "session"]


def key(found: Object) -> Key:
    return found["metadata"]["namespace"], found["metadata"]["name"]


ONE = game(limits={"maxSessions": 1})


# Games ------------------------------------------------------------------------------------------


def test_a_new_game_is_looked_at_and_so_are_sessions_that_wait_for_it() -> None:
    scene = Scene(session())
    scene.see(game())
    assert scene.games == {"chess"}
    assert scene.users == {"alice"}


def test_an_edit_counts_at_once_for_all_sessions() -> None:
    scene = Scene(game(), session())
    edited = game(session={"idleTimeout": "10s"})
    edited["metadata"]["generation"] = 2
    scene.see(edited)
    assert scene.users == {"alice"}
    assert scene.endings.scheduled == ["uid-of-alice"], "its deadline has moved"


def test_a_game_whose_counts_changed_is_no_matter_to_its_sessions() -> None:
    scene = Scene(game(), session())
    scene.see(game())
    assert scene.users == set()


def test_who_is_accepted_by_another_operator_is_news() -> None:
    scene = Scene(game(accepted=""), session())
    scene.see(game())
    assert scene.users == {"alice"}


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(None, id="it is gone"),
        pytest.param(game("older", route="other", created=-9999), id="it took another route"),
        pytest.param(game("older", route="play", deleting=True), id="it is being deleted"),
    ],
)
def test_who_waits_for_a_route_learns_that_it_is_free(after: Object | None) -> None:
    older = game("older", route="play", created=-9999)
    scene = Scene(older, game("newer", route="play"), game("else"))
    if after is None:
        scene.lose(older)
    else:
        after["metadata"]["generation"] = 2
        scene.see(after)
    assert scene.games == {"older", "newer"}


def test_who_has_a_route_learns_of_who_wants_it() -> None:
    """An older one may come from another operator's time, or lose its route by an edit."""
    scene = Scene(game("one", route="play"))
    scene.see(game("two", route="play"))
    assert scene.games == {"one", "two"}


def test_games_of_other_namespaces_have_their_own_routes() -> None:
    other = game("other", route="play")
    other["metadata"]["namespace"] = "elsewhere"
    scene = Scene(other)
    scene.see(game("one", route="play"))
    assert scene.games == {"one"}


def test_what_was_known_of_a_game_goes_with_it() -> None:
    scene = Scene(game())
    known = Game.from_object(game())
    scene.catalogue.judge(known, Verdict(Acceptance.FALSE, "TemplateInvalid", ""))
    scene.see(game(uid="uid-of-the-next"))
    assert scene.catalogue.verdict(known) is None


# Sessions ---------------------------------------------------------------------------------------


def test_a_new_session_is_looked_at_and_counted() -> None:
    scene = Scene(game())
    scene.see(session())
    assert scene.users == {"alice"}
    assert scene.games == {"chess"}
    assert scene.endings.scheduled == ["uid-of-alice"]


def test_activity_changes_no_count() -> None:
    scene = Scene(game(), session(status=ready_status(pod(ready=True))))
    scene.see(session(status=ready_status(pod(ready=True), active=60)))
    assert scene.games == set()
    assert scene.users == {"alice"}


def test_a_session_that_goes_is_counted_and_forgotten() -> None:
    one = session()
    scene = Scene(game(), one)
    scene.lose(one)
    assert scene.games == {"chess"}
    assert scene.endings.forgotten == ["uid-of-alice"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda scene: scene.lose(session()), id="it is gone"),
        pytest.param(lambda scene: scene.see(session(status=status("Failed"))), id="it failed"),
        pytest.param(lambda scene: scene.see(session(deleting=True)), id="it is being deleted"),
        pytest.param(lambda scene: scene.see(session(uid="next", created=9)), id="a next life"),
    ],
)
def test_a_place_that_is_free_goes_to_who_waits(change: Any) -> None:
    """Nothing else would wake them: they have neither pod nor timer."""
    scene = Scene(ONE, session(), session("bob", created=1), session("cid", created=2))
    change(scene)
    assert "bob" in scene.users
    assert "cid" not in scene.users


def test_without_a_limit_nobody_waits() -> None:
    one = session()
    scene = Scene(game(), one, session("bob", created=1))
    scene.lose(one)
    assert scene.users == set()


def test_the_next_life_wakes_who_waited_for_the_end_of_the_first() -> None:
    """The end of the first may be told after the beginning of the next, or never."""
    scene = Scene(game(), session())
    scene.see(session(uid="uid-of-the-next", created=60))
    assert scene.endings.forgotten == ["uid-of-alice"]
    assert scene.endings.scheduled == ["uid-of-the-next"]


# Pods -------------------------------------------------------------------------------------------


def test_a_pod_matters_to_its_session() -> None:
    scene = Scene(game(), session(), session("bob"))
    scene.see(pod())
    assert scene.users == {"alice"}


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(lambda scene: scene.lose(pod()), id="it is gone"),
        pytest.param(lambda scene: scene.see(pod(deleting=30)), id="it was deleted"),
    ],
)
def test_a_pod_that_leaves_makes_room(leave: Any) -> None:
    scene = Scene(ONE, session(status=status("Failed")), session("bob", created=1), pod())
    leave(scene)
    assert "bob" in scene.users


def test_a_pod_that_leaves_ends_the_wait_of_the_next_life() -> None:
    before = session(uid="uid-of-the-life-before")
    leaving = pod(of=before, deleting=30)
    scene = Scene(game(), leaving, session())
    scene.lose(leaving)
    assert scene.users == {"alice"}


def test_a_pod_of_nobodys_wakes_nobody() -> None:
    scene = Scene(game(), session())
    stray = pod(of=session("bob"))
    scene.see(stray)
    scene.lose(stray)
    assert scene.queue.tasks == set()


def test_all_sessions_of_a_game_learn_of_its_verdict() -> None:
    scene = Scene(game(), session(), session("bob"), session("eve", "draughts"))
    changes = Changes(
        scene.store, cast(Any, scene.queue), cast(Any, scene.endings), scene.catalogue
    )
    changes.acceptance_changed(("games", "chess"))
    assert scene.users == {"alice", "bob"}


def test_a_change_of_the_accepted_conditions_words_is_none() -> None:
    scene = Scene(game(), session())
    words = {"conditions": [condition("Accepted", "True", "Accepted", "Other words.")]}
    scene.see(game(status=words))
    assert scene.users == set()


def test_the_series_of_a_game_last_while_there_is_one_of_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In whatever namespace: Prometheus is told the name alone."""

    def shown() -> bool:
        return 'game="fleeting"' in generate_latest().decode()

    monkeypatch.setattr(metrics, "KEPT_SECONDS", 0.0)
    here, there = game("fleeting"), game("fleeting")
    there["metadata"] |= {"namespace": "elsewhere", "uid": "uid-of-another"}
    scene = Scene(here, there)
    assert shown()
    scene.store.lose_game((NAMESPACE, "fleeting"), "uid-of-fleeting")
    assert shown()
    scene.store.lose_game(("elsewhere", "fleeting"), "uid-of-another")
    assert not shown()
