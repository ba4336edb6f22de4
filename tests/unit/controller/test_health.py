"""What the operator's admin port says of its hearing."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from gamesession.controller.comparison import Comparison
from gamesession.controller.health import Health
from gamesession.controller.hearing import Listed
from gamesession.controller.store import Store
from gamesession.kube.contact import Contact

NAMESPACE = "play"


class Scene:
    """An operator that has just begun to serve."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.contact = Contact(lambda: self.time)
        self.contact.succeeded()
        nowhere: Any = None
        self.comparison = Comparison(nowhere, Store(), [NAMESPACE], clock=lambda: self.time)
        self.comparison.contact.succeeded()
        self.health = Health()
        self.health.begin(self.comparison, self.contact)

    def hear(self, *plurals: str) -> None:
        for plural in plurals:
            meta = {"namespace": NAMESPACE, "resourceVersion": "7"}
            self.comparison.hear(plural, meta)

    def miss(self, plural: str) -> None:
        """A comparison finds what the watch has not told."""
        listed = {(NAMESPACE, "one"): Listed("uid", 9, False)}
        self.comparison.kinds[plural].hearing.compare(NAMESPACE, listed, self.contact.seconds())


@pytest.fixture
def scene() -> Scene:
    return Scene()


def age(plural: str) -> float | None:
    return REGISTRY.get_sample_value("gamesession_watch_age_seconds", {"resource": plural})


def test_the_metric_grows_while_a_watch_is_silent_and_falls_when_it_tells(scene: Scene) -> None:
    scene.time += 40
    assert [age(each) for each in ("games", "gamesessions", "pods")] == [40, 40, 40]
    scene.hear("pods")
    assert (age("games"), age("pods")) == (40, 0)


def test_what_a_watch_tells_does_not_make_it_young_while_it_misses_something(
    scene: Scene,
) -> None:
    scene.miss("pods")
    scene.time += 40
    scene.hear("pods")
    assert age("pods") == 40


def test_one_that_tells_is_well(scene: Scene) -> None:
    scene.time += 59
    assert scene.health.unhealthy() == scene.health.unready() == []


def test_one_that_has_told_nothing_for_a_minute_is_to_be_replaced(scene: Scene) -> None:
    scene.time += 61
    scene.hear("games", "gamesessions")
    assert scene.health.unhealthy() == ["pods: nothing heard for 61 s"]
    assert scene.health.unready() == ["pods: nothing heard for 61 s"]


def test_one_that_is_behind_because_it_has_much_to_tell_is_not(scene: Scene) -> None:
    scene.miss("pods")
    scene.time += 61
    scene.hear("games", "gamesessions", "pods")
    assert scene.health.unhealthy() == []
    assert scene.health.unready() == ["pods: nothing heard for 61 s"]


def test_where_the_api_server_is_away_a_new_process_would_hear_no_more(scene: Scene) -> None:
    scene.time += 61
    scene.contact.failed()
    assert scene.health.unhealthy() == []
    assert scene.health.unready()[0] == "the API server does not answer"


def test_nor_where_it_refuses(scene: Scene) -> None:
    scene.time += 61
    scene.comparison.contact.failed()
    scene.comparison.refused = "500: no etcd"
    assert scene.health.unhealthy() == []
    assert scene.health.unready()[0] == "500: no etcd"


@pytest.mark.parametrize("kept_away", ["contact", "comparison"])
def test_when_it_does_so_no_longer_the_watches_have_a_minute_to_hear(
    scene: Scene, kept_away: str
) -> None:
    contact = scene.contact if kept_away == "contact" else scene.comparison.contact
    scene.time += 61
    contact.failed()
    contact.succeeded()
    scene.time += 59
    assert scene.health.unhealthy() == []
    scene.time += 1
    assert len(scene.health.unhealthy()) == 3


def test_a_watch_is_well_as_soon_as_it_has_told_what_it_missed(scene: Scene) -> None:
    scene.miss("pods")
    scene.time += 40
    scene.hear("pods")
    assert age("pods") == 40
    scene.comparison.hear("pods", {"namespace": NAMESPACE, "resourceVersion": "9"})
    assert age("pods") == 0


def test_between_two_operators_there_is_nothing_to_be_replaced(scene: Scene) -> None:
    """The next one lists, again and again if it must."""
    scene.time += 61
    scene.health.end()
    assert scene.health.unhealthy() == []
    assert scene.health.unready() == ["not listed everything yet"]
    assert not scene.health.serving


def test_nothing_is_kept_of_one_that_has_ended(scene: Scene) -> None:
    """What is told of regained contact belongs to it, too, and all that it knows."""
    scene.contact.on_regained = scene.comparison.ask
    scene.health.end()
    assert set(vars(scene.health).values()) == {None}
