"""`gamesession uninstall`: the end of all, in the order that leaves nothing behind."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import typer

from gamesession.api.duration import format_duration
from gamesession.api.labels import API_VERSION, GROUP, ROLE_LABEL
from gamesession.commands.failure import TIMED_OUT, USAGE, Failure
from gamesession.commands.options import Place
from gamesession.commands.printing import say
from gamesession.commands.removal import Removal
from gamesession.commands.view import COMPONENT, View, looking
from gamesession.controller.finalizer import FINALIZER
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Conflict, Gone, Unreachable
from gamesession.kube.events import post_event
from gamesession.kube.resources import CRDS, GAMES, PODS, SESSIONS

NOTE: Final = "Ended by `gamesession uninstall`."
OUR_CRDS: Final = frozenset({f"{GAMES.plural}.{GROUP}", f"{SESSIONS.plural}.{GROUP}"})


async def uninstall(
    place: Place, timeout: timedelta, *, ask: bool, all_namespaces: bool, crds: bool
) -> None:
    """End all Games, sessions and pods, and their definitions if these are to go, too.

    Args:
        timeout: how long to wait for the objects of each kind.

    Raises:
        Failure: nobody agreed, other namespaces would lose their Games, or something is still
            there in the end.
    """
    if crds and not all_namespaces:
        raise Failure("--crds ends the Games of all namespaces: say so, with -A", USAGE)
    async with looking(place) as view:
        # Games first: while there is a Game, gateways make sessions, and the operator pods.
        steps = _steps(view.cluster, None if all_namespaces else view.namespace)
        where = "all namespaces" if all_namespaces else f"namespace {view.namespace}"
        for step in steps:
            await step.look()
        _announce(view, where, steps, crds=crds)
        _agree(ask=ask)
        for step in steps:
            await step.run(timeout)
            if step.resource is GAMES and step.left:
                await _release(view.cluster, step, timeout)
        if crds and not any(step.left for step in steps):
            steps.append(Removal(view.cluster, CRDS, None, names=OUR_CRDS))
            await steps[-1].run(timeout)
        _conclude(where, steps, timeout)


def _steps(cluster: Cluster, namespace: str | None) -> list[Removal]:
    async def tell(session: Object) -> None:
        regarding = session | {"apiVersion": API_VERSION, "kind": SESSIONS.kind}
        with contextlib.suppress(ApiError, Unreachable):  # who tells of a deed does it all the same
            await post_event(
                cluster,
                regarding=regarding,
                reason="Closed",
                action="Uninstall",
                note=NOTE,
                reporting_controller=f"{GROUP}/{COMPONENT}",
            )

    return [
        Removal(cluster, GAMES, namespace),
        Removal(cluster, SESSIONS, namespace, before=tell),
        Removal(cluster, PODS, namespace, selector=ROLE_LABEL),
    ]


def _announce(view: View, where: str, steps: Sequence[Removal], *, crds: bool) -> None:
    counts = ", ".join(step.counted(len(step.left)) for step in steps)
    definitions = ", and removes the definitions of these" if crds else ""
    server = view.cluster.configuration.host
    say(f"This ends {counts} in {where} of {view.context} ({server}){definitions}.")


def _agree(*, ask: bool) -> None:
    if not ask:
        return
    if not sys.stdin.isatty():
        raise Failure("nobody is there to agree: add --yes", USAGE)
    if not typer.confirm("Go on?", err=True):
        raise Failure("nothing was removed")


async def _release(cluster: Cluster, games: Removal, timeout: timedelta) -> None:
    """Take the operator's finalizer off Games that it has not let go of, and see them go."""
    for game in games.left:
        meta = game["metadata"]
        finalizers = meta.get("finalizers", [])
        if FINALIZER not in finalizers:
            continue  # what else holds it back is not ours
        say(
            f"No operator let go of {games.title(game)} within {format_duration(timeout)}: "
            f"taking off its finalizer {FINALIZER}."
        )
        kept = [each for each in finalizers if each != FINALIZER]
        # Of this very state: a finalizer that somebody has added since must not be lost.
        guard = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        patch = {"metadata": guard | {"finalizers": kept}}
        with contextlib.suppress(Gone, Conflict):
            await cluster.merge_patch(GAMES, meta["namespace"], meta["name"], patch)
    await games.run(timeout)


def _conclude(where: str, steps: Sequence[Removal], timeout: timedelta) -> None:
    """Say what was removed, and what is still there.

    Raises:
        Failure: something is.
    """
    say(f"Removed from {where}: " + ", ".join(step.counted(step.removed) for step in steps) + ".")
    left = [step.title(each) for step in steps for each in step.left]
    if left:
        raise Failure(
            f"still there after {format_duration(timeout)}: {', '.join(left)}. "
            "Their metadata.finalizers, or their Events, say what holds them back",
            TIMED_OUT,
        )
    say("Operator and gateway, where they run, were left alone: remove what installed them.")
