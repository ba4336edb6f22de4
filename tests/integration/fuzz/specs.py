"""Specs of Games: sound ones, whose sessions must be served, and such as are damaged somewhere."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.integration.fuzz.values import (
    ANYTHING,
    BAD_COUNTS,
    BAD_DURATIONS,
    BAD_QUANTITIES,
    COUNTS,
    DURATIONS,
    LONG_DURATIONS,
    PATHS,
    PORTS,
    QUANTITIES,
)

Object = dict[str, Any]
Draw = st.DrawFn

NAMES = st.sampled_from(["a", "game", "a_b-c", "z" * 31, "live9", "m", "n", "o", "p", "q"])
PREFIXES = st.sampled_from(["/", "/a", "/a/", "/a/b", "/%2e", "/~!$&'()*+,;=:@", "/" + "y" * 199])
DEPTHS = (40, 60, 200, 700)
"""Of what stands as `{"nested": depth}`: Hypothesis could not print it."""
LENGTHS = (1000, 30_000, 200_000)
"""Of what stands as `{"long": length}`: nobody would read it."""
MAX_POOL = 2
"""Pods that wait; more of them are the bench's matter."""


@st.composite
def games(draw: Draw) -> Object:
    """A spec under which each session gets its pod, whoever comes."""
    services = draw(_services())
    spec: Object = {
        "services": services,
        "template": draw(templates()),
        "session": draw(_policies()),
    }
    optional: Object = {
        "stripPrefix": st.booleans(),
        "forwardAuthorization": st.booleans(),
        "limits": st.fixed_dictionaries(
            {}, optional={"maxSessions": COUNTS.filter(bool), "maxPending": COUNTS}
        ),
        "warmPool": st.fixed_dictionaries({}, optional={"size": st.integers(0, MAX_POOL)}),
        "hooks": _hooks(services),
        "fallback": _fallbacks(),
    }
    for field, values in optional.items():
        if draw(st.booleans()):
            spec[field] = draw(values)
    return spec


@st.composite
def _services(draw: Draw) -> list[Object]:
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    paths = draw(st.lists(PREFIXES, max_size=6, unique_by=lambda path: path.rstrip("/")))
    found: list[Object] = [{"name": name, "port": draw(PORTS)} for name in names]
    for path in paths:
        draw(st.sampled_from(found)).setdefault("paths", []).append(path)
    return found


@st.composite
def _policies(draw: Draw) -> Object:
    found: Object = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "idleTimeout": DURATIONS,
                "maxLifetime": st.sampled_from(["0s", "0ms", *LONG_DURATIONS]),
                "startTimeout": st.sampled_from(["2m", *LONG_DURATIONS]),
                "streamActivity": st.sampled_from(["Open", "Traffic"]),
            },
        )
    )
    if draw(st.booleans()):
        found["maxIdleTimeout"] = "999999h999999h99999h"
    return found


def _hooks(services: list[Object]) -> st.SearchStrategy[Object]:
    # Pods of kwok answer no onClaim: that one stands among what need not be served.
    timeouts = st.sampled_from(["0s", "1ms", "10s", "999999h"])
    names = st.sampled_from([service["name"] for service in services])
    hook = st.fixed_dictionaries({"service": names, "path": PATHS}, optional={"timeout": timeouts})
    return st.fixed_dictionaries({}, optional={"onClose": hook})


def _fallbacks() -> st.SearchStrategy[Object]:
    service = st.fixed_dictionaries(
        {"service": st.just("shared"), "port": PORTS}, optional={"path": PATHS}
    )
    url = st.fixed_dictionaries(
        {"url": st.sampled_from(["http://a", "https://[::1]:1/%", "http://" + "h" * 2041])}
    )
    return service | url


@st.composite
def templates(draw: Draw) -> Object:
    """A PodTemplateSpec that the API server takes."""
    count = draw(st.integers(1, 3))
    pod: Object = {"containers": [draw(_containers(f"c{number}")) for number in range(count)]}
    optional: Object = {
        "initContainers": st.lists(_containers("init"), max_size=1),
        "restartPolicy": st.sampled_from(["Always", "OnFailure", "Never"]),
        "terminationGracePeriodSeconds": st.sampled_from([0, 1, 30, 2**31]),
        "tolerations": st.sampled_from([None, [], [{"operator": "Exists"}]]),
        "securityContext": st.sampled_from([None, {}, {"runAsUser": 0}, {"runAsUser": 2**31 - 1}]),
        "volumes": st.sampled_from([None, [], [{"name": "v", "emptyDir": {}}]]),
        "enableServiceLinks": st.booleans(),
        "hostNetwork": st.just(False),
        "nodeName": st.just(""),
    }
    for field, values in optional.items():
        if draw(st.integers(0, 3)) == 0:
            pod[field] = draw(values)
    template: Object = {"spec": pod}
    if draw(st.booleans()):
        template["metadata"] = draw(_metadata())
    return template


@st.composite
def _containers(draw: Draw, name: str) -> Object:
    found: Object = {"name": name, "image": draw(st.sampled_from(["x", "a/b:c", {"long": 1000}]))}
    variables = st.sampled_from(
        [
            {"name": "A", "value": "$(GAMESESSION_GAME)"},
            {"name": "LANG", "value": "é\U0001f3b2" * 9},
        ]
    )
    huge = [{"name": f"V{number}", "value": {"long": 30_000}} for number in range(3)]
    optional: Object = {
        "env": st.none() | st.lists(variables, max_size=2) | st.just(huge),
        "ports": st.sampled_from(
            [None, [], [{"containerPort": 8080}], [{"containerPort": 1, "name": "a"}]]
        ),
        "resources": st.fixed_dictionaries(
            {
                "requests": st.just({"cpu": "1m"}),
                "limits": st.fixed_dictionaries({"cpu": QUANTITIES}),
            }
        ),
        "securityContext": st.sampled_from(
            [None, {}, {"capabilities": {"add": ["CHOWN"]}}, {"runAsUser": 0}]
        ),
        "lifecycle": st.none(),
    }
    for field, values in optional.items():
        if draw(st.integers(0, 2)) == 0:
            found[field] = draw(values)
    return found


def _metadata() -> st.SearchStrategy[Object]:
    annotations = st.sampled_from(
        [{}, None, {"a/b": "é\U0001f3b2\n\x00"}, {"huge": {"long": 200_000}}]
    )
    labels = st.sampled_from([{}, None, {"app": "x"}, {"a" * 63: ""}])
    return st.fixed_dictionaries(
        {}, optional={"labels": labels, "annotations": annotations, "creationTimestamp": st.none()}
    )


def written(part: Any) -> Any:
    """A spec as it is written to the API server."""
    match part:
        case {"nested": int(depth)} if depth in DEPTHS:
            return nested(depth)
        case {"long": int(characters)} if characters in LENGTHS:
            return "x" * characters
        case dict():
            return {key: written(value) for key, value in part.items()}
    return [written(value) for value in part] if isinstance(part, list) else part


def nested(depth: int) -> Object:
    """An object in an object in an object …"""
    found: Object = {}
    for _ in range(depth):
        found = {"a": found}
    return found


# Damage -------------------------------------------------------------------------------------------

WORSE: dict[str, st.SearchStrategy[Any]] = {
    "session": st.fixed_dictionaries({"idleTimeout": BAD_DURATIONS | DURATIONS})
    | st.fixed_dictionaries({"idleTimeout": DURATIONS, "maxIdleTimeout": DURATIONS | BAD_DURATIONS})
    | st.fixed_dictionaries({"maxLifetime": BAD_DURATIONS | st.sampled_from(["1ms", "1s", "9s"])})
    | st.fixed_dictionaries({"startTimeout": BAD_DURATIONS | st.sampled_from(["1s", "1000ms"])}),
    "limits": st.fixed_dictionaries({"maxSessions": BAD_COUNTS | COUNTS, "maxPending": BAD_COUNTS}),
    "warmPool": st.fixed_dictionaries({"size": BAD_COUNTS}),
    "suspend": st.booleans(),
    "route": st.sampled_from(["shared", "a" * 63, "a" * 64, "A", "a.b", "-", "", None]),
    "hooks": st.fixed_dictionaries(
        {"onClaim": st.fixed_dictionaries({"service": NAMES, "path": PATHS})}
    ),
    "template": st.sampled_from(
        [None, {}, [], "", 1, {"spec": None}, {"spec": {"containers": None}}]
    ),
    "services": st.sampled_from([None, [], [None], [{}], [{"name": "a", "port": 0}], {"a": 1}]),
}


@st.composite
def damaged(draw: Draw) -> Object:
    """A spec of which something is missing, new, or another; the API server may take it or not."""
    spec: Object = copy.deepcopy(draw(games()))
    spec.pop("warmPool", None)
    if draw(st.booleans()):
        field = draw(st.sampled_from(sorted(WORSE)))
        spec[field] = draw(WORSE[field])
    for _ in range(draw(st.integers(0, 3))):
        _damage(draw, spec)
    if draw(st.integers(0, 9)) == 0:
        _nest(draw, spec)
    return spec


def _damage(draw: Draw, spec: Object) -> None:
    """Change one place of it, mostly in the template: nobody but us looks there first."""
    whole: Any = spec["template"] if draw(st.integers(0, 3)) and spec.get("template") else spec
    part, key = draw(st.sampled_from(list(_places(whole)) or [(spec, "bogus")]))
    change = draw(st.sampled_from(["replace", "remove", "add", "null", "quantity"]))
    if change == "remove":
        del part[key]
    elif change == "add" and isinstance(part, dict):
        part[draw(st.text(min_size=1, max_size=8))] = draw(ANYTHING)
    elif change == "quantity":
        part[key] = draw(BAD_QUANTITIES)
    else:
        part[key] = None if change == "null" else draw(ANYTHING)


def _places(part: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree of JSON: what holds it, and key or index."""
    if isinstance(part, dict):
        inner = list(part.items())
    else:
        inner = list(enumerate(part)) if isinstance(part, list) else []
    return [place for key, value in inner for place in [(part, key), *_places(value)]]


def _nest(draw: Draw, spec: Object) -> None:
    """Put something very deep into the template."""
    if isinstance(spec.get("template"), dict):
        place = draw(st.sampled_from(["metadata", "spec", "deep"]))
        spec["template"][place] = {"nested": draw(st.sampled_from(DEPTHS))}
