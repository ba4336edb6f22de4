"""For each alert, what makes it fire, and what looks like it and must not."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

Series = dict[str, str]
"""Series as promtool writes them: selector → values, a minute apart
(https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series)."""


@dataclass(frozen=True)
class Case:
    """A course of events, and whether the alert fires at its end.

    Attributes:
        at: minutes after its beginning.
        labels: of the alert that fires, beside its name and severity; `None` if it does not.
    """

    alert: str
    what: str
    series: Series
    at: int
    labels: dict[str, str] | None = field(default=None)

    def __str__(self) -> str:
        return f"{self.alert}: {self.what}"


OP: Final = {"namespace": "gs", "job": "op"}
GW: Final = {"namespace": "gs", "job": "gw"}
CHESS: Final = {"game": "chess"}


def op(name: str, pod: int = 0, /, **labels: str) -> str:
    """A series of an operator."""
    return _series(name, OP | {"pod": f"op-{pod}"} | labels)


def gw(name: str, pod: int = 0, /, **labels: str) -> str:
    """A series of a gateway."""
    return _series(name, GW | {"pod": f"gw-{pod}"} | labels)


def _series(name: str, labels: dict[str, str]) -> str:
    text = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return f"{name}{{{text}}}"


def _requests(good: str, bad: str, code: str) -> Series:
    name = "gamesession_gateway_request_seconds_count"
    return {
        gw(name, start="reused", code="200", **CHESS): good,
        gw(name, start="none", code=code, **CHESS): bad,
    }


def _starts(fast: str, slow: str) -> Series:
    name = "gamesession_start_seconds_bucket"
    buckets = {"8": fast, "30": slow, "60": slow, "+Inf": slow}
    return {op(name, kind="Cold", le=le, **CHESS): value for le, value in buckets.items()}


def _failures(ready: str, failed: str, replaced: str = "0x60") -> Series:
    return {
        op("gamesession_start_seconds_count", kind="Cold", **CHESS): ready,
        op("gamesession_ended_total", reason="Failed", **CHESS): failed,
        gw("gamesession_ended_total", reason="Failed", **CHESS): replaced,
        op("gamesession_ended_total", reason="IdleTimeout", **CHESS): "0+9x60",
    }


def _claims(claimed: str, empty: str) -> Series:
    return {
        op("gamesession_claims_total", result="claimed", **CHESS): claimed,
        op("gamesession_claims_total", result="empty", **CHESS): empty,
        op("gamesession_claims_total", result="lost", **CHESS): "0+9x60",
    }


def _pool(ready: str, starting: str) -> Series:
    return {
        op("gamesession_pool_pods", state="ready", **CHESS): ready,
        op("gamesession_pool_pods", state="starting", **CHESS): starting,
    }


def _writes(code: str, many: str, resource: str = "pods") -> Series:
    name = "gamesession_api_writes_total"
    labels = {"component": "operator", "verb": "create", "resource": resource}
    return {op(name, code="201", **labels): "0+60x60", op(name, code=code, **labels): many}


ALIVE: Final = {op("gamesession_leader", 0): "1x90", op("gamesession_leader", 1): "0x90"}
LEADER, WATCH = "gamesession_leader", "gamesession_watch_age_seconds"
BORN, HELD = "process_start_time_seconds", "gamesession_gateway_held_requests"
FALLBACK = "gamesession_gateway_fallback_total"
WRITER: Final = OP | {"component": "operator", "resource": "pods"}

CASES: Final = [
    Case("GameSessionOperatorDown", "gone", {op(LEADER): "1x9 stale"}, 20, OP),
    Case("GameSessionOperatorDown", "never there", {gw(HELD, **CHESS): "0x60"}, 20, {}),
    Case("GameSessionOperatorDown", "for a moment", {op(LEADER): "1x9 _ _ 1x30"}, 12),
    Case("GameSessionOperatorDown", "all is well", ALIVE, 30),
    Case(
        "GameSessionOperatorDown",
        "of two releases one",
        {op(LEADER): "1x9 stale", op(LEADER, namespace="other"): "1x60"},
        20,
        OP,
    ),
    Case("GameSessionNoLeader", "none", {op(LEADER, 0): "1x9 0x9", op(LEADER, 1): "0x19"}, 15, OP),
    Case("GameSessionNoLeader", "a handover", {op(LEADER, 0): "1x9 0 1x9"}, 11),
    Case("GameSessionNoLeader", "one of two", ALIVE, 30),
    Case(
        "GameSessionNoLeader",
        "another release's leader does not count",
        {op(LEADER): "0x30", op(LEADER, namespace="other"): "1x30"},
        10,
        OP,
    ),
    Case("GameSessionSeveralLeaders", "two", {op(LEADER, 0): "1x9", op(LEADER, 1): "1x9"}, 9, OP),
    Case(
        "GameSessionSeveralLeaders",
        "a handover seen by halves",
        {op(LEADER, 0): "1x9 0x9", op(LEADER, 1): "0x8 1x10"},
        10,
    ),
    Case(
        "GameSessionSeveralLeaders",
        "one in each of two releases",
        {op(LEADER): "1x9", op(LEADER, namespace="other"): "1x9"},
        9,
    ),
    Case(
        "GameSessionLeaderChanges",
        "to and fro",
        {op(LEADER, 0): "0x5 1x5 0x5 1x5", op(LEADER, 1): "1x5 0x5 1x5 0x5"},
        30,
        OP,
    ),
    Case(
        "GameSessionLeaderChanges",
        "an upgrade",
        {op(LEADER, 0): "1x9 stale", op(LEADER, 1): "0x9 1x9 stale", op(LEADER, 2): "_x9 0x9 1x20"},
        30,
    ),
    Case(
        "GameSessionRestarts",
        "a gateway's pod",
        {gw(BORN): "1x4 2x4 3x4 4x4 5x4", gw(WATCH, resource="pods"): "5x30"},
        28,
        GW | {"pod": "gw-0"},
    ),
    Case(
        "GameSessionRestarts",
        "a standby's pod",
        {op(BORN): "1x4 2x4 3x4 4x4 5x4", op(LEADER): "0x30"},
        28,
        OP | {"pod": "op-0"},
    ),
    Case("GameSessionRestarts", "somebody else's pod", {op(BORN): "1x4 2x4 3x4 4x4 5x4"}, 28),
    Case(
        "GameSessionRestarts",
        "a rollout",
        {gw(BORN, n): f"{n}x40" for n in range(6)}
        | {gw(WATCH, n, resource="pods"): "5x40" for n in range(6)},
        28,
    ),
    Case(
        "GameSessionWatchSilent",
        "one of three",
        {gw(WATCH, resource="pods"): "9 9+60x9", gw(WATCH, resource="games"): "9x20"},
        6,
        GW | {"pod": "gw-0", "resource": "pods"},
    ),
    Case("GameSessionWatchSilent", "quiet", {gw(WATCH, resource="pods"): "60x20"}, 20),
    Case("GameSessionWatchSilent", "healed", {gw(WATCH, resource="pods"): "9 9+60x2 5x9"}, 6),
    Case("GameSessionWritesFail", "no answer", _writes("0", "0+20x60"), 30, WRITER),
    Case("GameSessionWritesFail", "throttled", _writes("429", "0+20x60"), 30, WRITER),
    Case("GameSessionWritesFail", "few", _writes("503", "0+2x60"), 30),
    Case("GameSessionWritesFail", "lost races", _writes("409", "0+60x60"), 30),
    Case("GameSessionWritesFail", "for a moment", _writes("500", "0x10 20 40 40x60"), 20),
    Case(
        "GameSessionWritesForbidden",
        "a right is missing",
        _writes("403", "0+1x60", "events"),
        30,
        WRITER | {"verb": "create", "resource": "events"},
    ),
    Case("GameSessionWritesForbidden", "a quota", _writes("403", "0+1x60", "pods"), 30),
    Case("GameSessionWritesForbidden", "none is", _writes("404", "0+1x60", "events"), 30),
    Case(
        "GameSessionStartsFail",
        "most",
        _failures("0x60", "0+1x60"),
        30,
        {"namespace": "gs"} | CHESS,
    ),
    Case(
        "GameSessionStartsFail",
        "replaced by gateways",
        _failures("0+1x60", "0x60", "0+1x60"),
        30,
        {"namespace": "gs"} | CHESS,
    ),
    Case("GameSessionStartsFail", "one", _failures("0x60", "0x9 1x60"), 15),
    Case("GameSessionStartsFail", "one in ten", _failures("0+9x60", "0+1x60"), 30),
    Case(
        "GameSessionStartsSlow",
        "half",
        _starts("0+1x60", "0+2x60"),
        40,
        OP | CHESS | {"kind": "Cold"},
    ),
    Case("GameSessionStartsSlow", "one in twenty", _starts("0+19x60", "0+20x60"), 40),
    Case("GameSessionStartsSlow", "no starts", _starts("5x60", "9x60"), 40),
    Case(
        "GameSessionSessionsWait",
        "all the time",
        {op("gamesession_sessions", phase="Pending", **CHESS): "2x60"},
        30,
        OP | CHESS,
    ),
    Case(
        "GameSessionSessionsWait",
        "now and then",
        {op("gamesession_sessions", phase="Pending", **CHESS): "2x3 0 2x3 0 2x3 0 2x3 0 2x3 0"},
        18,
    ),
    Case(
        "GameSessionSessionsWait",
        "they play",
        {op("gamesession_sessions", phase="Ready", **CHESS): "2x60"},
        30,
    ),
    Case("GameSessionPoolTooSmall", "half", _claims("0+1x60", "0+1x60"), 50, OP | CHESS),
    Case("GameSessionPoolTooSmall", "one in ten", _claims("0+9x60", "0+1x60"), 50),
    Case("GameSessionPoolTooSmall", "a rush", _claims("0+1x60", "0x20 9x60"), 30),
    Case("GameSessionPoolTooSmall", "no starts", _claims("5x60", "5x60"), 50),
    Case("GameSessionPoolNotReady", "none ever", _pool("0x60", "2x60"), 30, OP | CHESS),
    Case(
        "GameSessionPoolNotReady",
        "tried at times",
        _pool("0x60", "2 0x8 2 0x8 2 0x30"),
        25,
        OP | CHESS,
    ),
    Case(
        "GameSessionPoolNotReady", "claimed as fast as made", _pool("0x4 1 0x4 1 0x50", "2x60"), 12
    ),
    Case("GameSessionPoolNotReady", "no pool", _pool("0x60", "0x60"), 30),
    Case("GameSessionGatewayDown", "gone", {gw(WATCH, resource="pods"): "5x9 stale"}, 20, GW),
    Case(
        "GameSessionGatewayDown",
        "one of two",
        {gw(WATCH, 0, resource="pods"): "5x9 stale", gw(WATCH, 1, resource="pods"): "5x60"},
        20,
    ),
    Case(
        "GameSessionGatewayDown",
        "an operator that leads no more",
        {op(WATCH, resource="pods"): "5x9 stale", op(LEADER): "1x9 0x60"},
        20,
    ),
    Case(
        "GameSessionGatewayErrors",
        "a tenth",
        _requests("0+90x60", "0+10x60", "502"),
        30,
        GW | CHESS,
    ),
    Case("GameSessionGatewayErrors", "one in a hundred", _requests("0+99x60", "0+1x60", "503"), 30),
    Case(
        "GameSessionGatewayErrors", "the client's own", _requests("0+90x60", "0+90x60", "404"), 30
    ),
    Case(
        "GameSessionGatewayErrors",
        "one of two in all",
        _requests("0x20 1x60", "0x20 1x60", "504"),
        25,
    ),
    Case(
        "GameSessionGatewayRefuses", "some", _requests("0+90x60", "0+10x60", "429"), 30, GW | CHESS
    ),
    Case("GameSessionGatewayRefuses", "hardly any", _requests("0+999x60", "0+1x60", "429"), 30),
    Case("GameSessionGatewayUnauthorized", "most", _requests("0+10x60", "0+90x60", "401"), 30, GW),
    Case("GameSessionGatewayUnauthorized", "some", _requests("0+90x60", "0+10x60", "401"), 30),
    Case(
        "GameSessionManyHeld",
        "at one replica",
        {gw(HELD, 0, **CHESS): "150x20", gw(HELD, 1, **CHESS): "9x20"},
        20,
        GW | CHESS | {"pod": "gw-0"},
    ),
    Case("GameSessionManyHeld", "for a moment", {gw(HELD, **CHESS): "0x9 150x3 0x9"}, 13),
    Case(
        "GameSessionFallbackServes",
        "it does",
        {gw(FALLBACK, reason="capacity", **CHESS): "0+3x60"},
        30,
        GW | CHESS | {"reason": "capacity"},
    ),
    Case(
        "GameSessionFallbackServes",
        "it did",
        {gw(FALLBACK, reason="capacity", **CHESS): "9x60"},
        30,
    ),
]
