"""The metrics that the contract (section 6) names: all of them, with these labels, and no other."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, generate_latest

import gamesession
from gamesession.commands.metrics import Described, described, main, render_metrics
from gamesession.kube.metrics import KEPT_SECONDS, GameSeries

OPERATOR, GATEWAY = ("operator",), ("gateway",)
BOTH = ("gateway", "operator")
CONTRACT = {
    "gamesession_sessions": ("gauge", {"game", "phase"}, OPERATOR),
    "gamesession_start_seconds": ("histogram", {"game", "kind"}, OPERATOR),
    "gamesession_ended_total": ("counter", {"game", "reason"}, BOTH),
    "gamesession_pool_pods": ("gauge", {"game", "state"}, OPERATOR),
    "gamesession_claims_total": ("counter", {"game", "result"}, OPERATOR),
    "gamesession_api_writes_total": ("counter", {"component", "verb", "resource", "code"}, BOTH),
    "gamesession_watch_age_seconds": ("gauge", {"resource"}, BOTH),
    "gamesession_leader": ("gauge", set(), OPERATOR),
    "gamesession_gateway_request_seconds": ("histogram", {"game", "start", "code"}, GATEWAY),
    "gamesession_gateway_held_requests": ("gauge", {"game"}, GATEWAY),
    "gamesession_gateway_open_streams": ("gauge", {"game"}, GATEWAY),
    "gamesession_gateway_fallback_total": ("counter", {"game", "reason"}, GATEWAY),
}
METRICS = Path(__file__).parents[2] / "docs" / "metrics.md"
SHOW = """
import {module}
from prometheus_client import generate_latest
print(generate_latest().decode())
"""


def shown_by(module: str) -> set[str]:
    """Names of our metrics in a process that has imported a component and nothing else."""
    text = subprocess.run(
        [sys.executable, "-c", SHOW.format(module=module)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    types = (line.split() for line in text.splitlines() if line.startswith("# TYPE gamesession_"))
    return {name for _, _, name, _ in types if not name.endswith("_created")}


def test_each_has_the_labels_of_the_contract() -> None:
    found = {each.name: (each.kind, set(each.labels), each.components) for each in described()}
    assert found == CONTRACT


@pytest.mark.parametrize(
    ("module", "component"),
    [("gamesession.controller.operator", "operator"), ("gamesession.gateway.server", "gateway")],
)
def test_each_component_shows_its_own(module: str, component: str) -> None:
    expected = {name for name, (_, _, shown) in CONTRACT.items() if component in shown}
    assert shown_by(module) == expected


def test_there_are_no_others_anywhere() -> None:
    """In whatever module they are: all are imported."""
    for module in pkgutil.walk_packages(gamesession.__path__, "gamesession."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    families = {family.name for family in REGISTRY.collect() if family.name.startswith("gamesess")}
    assert families == {name.removesuffix("_total") for name in CONTRACT}


@pytest.mark.parametrize("metric", described(), ids=lambda metric: metric.name)
def test_each_says_what_it_means(metric: Described) -> None:
    assert len(metric.help.split()) > 4
    assert metric.help.endswith(".")


def test_the_reference_is_in_step() -> None:
    assert METRICS.read_text() == render_metrics(), "run `make reference`"


def test_the_reference_is_written_where_one_asks(tmp_path: Path) -> None:
    main(tmp_path / "metrics.md")
    assert (tmp_path / "metrics.md").read_text() == render_metrics()


# Series of Games ----------------------------------------------------------------------------------


class Shop:
    """Two metrics by Game, and a clock."""

    def __init__(self) -> None:
        self.registry, self.seconds = CollectorRegistry(), 0.0
        self.forgotten: list[float] = []
        self.starts = Counter("starts", "Starts.", ["game"], registry=self.registry)
        self.held = Gauge("held", "Held.", ["zone", "game"], registry=self.registry)
        self.series = GameSeries(
            (self.starts, self.held),
            begin=lambda game: self.starts.labels(game),
            forget=self.forget,
            clock=lambda: self.seconds,
        )
        self.registry.register(self.series)

    def forget(self) -> None:
        self.forgotten.append(self.seconds)

    def value(self) -> object:
        return self.registry.get_sample_value("starts_total", {"game": "chess"})

    def shows(self, game: str) -> set[str]:
        lines = generate_latest(self.registry).decode().splitlines()
        return {line.partition("{")[0] for line in lines if f'game="{game}"' in line} - {
            "starts_created"
        }


def test_a_counter_is_there_before_the_first_event() -> None:
    shop = Shop()
    shop.series.begin("chess")
    assert shop.value() == 0.0
    shop.starts.labels("chess").inc()
    shop.series.begin("chess")
    assert shop.value() == 1


def test_the_series_of_a_game_that_is_gone_go_once_they_have_been_read() -> None:
    shop = Shop()
    for game in ("chess", "go"):
        shop.series.begin(game)
        shop.held.labels("a", game).set(1)
    shop.series.end("chess")
    shop.seconds = KEPT_SECONDS - 1
    assert shop.shows("chess") == {"starts_total", "held"}
    assert not shop.forgotten
    shop.seconds = KEPT_SECONDS
    shop.shows("chess")
    assert shop.shows("chess") == set()
    assert shop.shows("go") == {"starts_total", "held"}
    assert shop.forgotten == [KEPT_SECONDS]


def test_a_game_that_comes_again_goes_on() -> None:
    shop = Shop()
    shop.series.begin("chess")
    shop.starts.labels("chess").inc(3)
    shop.series.end("chess")
    shop.series.begin("chess")
    shop.seconds = 2 * KEPT_SECONDS
    shop.shows("chess")
    assert shop.value() == 3


def test_they_go_where_nobody_reads_them_too() -> None:
    """Else Games that come and go would fill the memory."""
    shop = Shop()
    for number in range(20):
        shop.series.begin(f"game-{number}")
        shop.series.end(f"game-{number}")
        shop.seconds += KEPT_SECONDS / 5
    assert len(next(iter(shop.starts.collect())).samples) <= 2 * 6
