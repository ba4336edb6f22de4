"""Sessions that came without labels and owner reference, made by `kubectl` for one."""

from __future__ import annotations

from typing import Any

from gamesession.api.labels import GAME_LABEL, SESSION_LABEL
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.resources import GAMES, SESSIONS
from gamesession.plan.game import Game
from gamesession.plan.session import Session


async def adopt(cluster: Cluster, store: Store, session: Session, game: Game | None) -> None:
    """Give a session the labels and the Game's owner reference, where they are missing.

    One that has another Game's was made for a Game that is gone: the collector takes it.

    Raises:
        ApiError, Unreachable: it could not be read or written.
    """
    if game is None or game.deleting or session.game_uids - {game.uid}:
        return
    if session.labelled and game.uid in session.owner_uids:
        return
    current = await cluster.get(SESSIONS, session.namespace, session.name)
    meta: dict[str, Any] = current["metadata"]
    if meta["uid"] != session.uid:
        return
    owners = [owner for owner in meta.get("ownerReferences", []) if owner["uid"] != game.uid]
    patch = {
        "uid": session.uid,
        "resourceVersion": meta["resourceVersion"],
        "labels": {GAME_LABEL: session.game, SESSION_LABEL: session.name},
        "ownerReferences": [*owners, owner_reference(game)],
    }
    answer = await cluster.merge_patch(
        SESSIONS, session.namespace, session.name, {"metadata": patch}
    )
    store.see_session(answer)


def owner_reference(game: Game) -> Object:
    """By it Kubernetes' collector deletes a session after its Game."""
    return {
        "apiVersion": GAMES.api_version,
        "kind": GAMES.kind,
        "name": game.name,
        "uid": game.uid,
    }
