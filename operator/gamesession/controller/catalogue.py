"""The Games as sessions use them: whether they are accepted, and the pods they make."""

from __future__ import annotations

from gamesession.api.labels import TEMPLATE_HASH_LABEL
from gamesession.api.names import pod_name
from gamesession.kube.cluster import Object
from gamesession.plan.acceptance import Verdict
from gamesession.plan.game import Acceptance, Game
from gamesession.plan.session import Session
from gamesession.plan.template import pod_template, session_pod, warm_pod


class Catalogue:
    """Verdicts and pod templates of Games, by uid."""

    def __init__(self) -> None:
        self._verdicts: dict[str, tuple[int, Verdict]] = {}
        self._templates: dict[str, tuple[int, Object]] = {}

    def judge(self, game: Game, verdict: Verdict) -> bool:
        """Remember a verdict; returns whether sessions should know."""
        known = self._verdicts.get(game.uid)
        self._verdicts[game.uid] = (game.generation, verdict)
        return known != (game.generation, verdict)

    def verdict(self, game: Game) -> Verdict | None:
        """What this process found out about a Game as it is now."""
        generation, verdict = self._verdicts.get(game.uid, (None, None))
        return verdict if generation == game.generation else None

    def forget(self, game: Game) -> None:
        """A Game is gone."""
        self._verdicts.pop(game.uid, None)
        self._templates.pop(game.uid, None)

    def acceptance(self, game: Game | None) -> tuple[Acceptance, str]:
        """Whether a Game's pods may be made, and why not.

        Until this process has asked the API server itself, a Game whose status says of this
        generation that it is accepted is, so that a restart delays no start. One that was not may
        be by now, and a session that fails stays so: that is worth the wait.
        """
        if game is None:
            return Acceptance.UNKNOWN, ""
        if verdict := self.verdict(game):
            return verdict.status, verdict.message
        accepted = game.accepted is Acceptance.TRUE
        return (Acceptance.TRUE if accepted else Acceptance.UNKNOWN), game.accepted_message

    def template(self, game: Game) -> Object:
        """The pod template of a Game with all that its pods have in common."""
        generation, template = self._templates.get(game.uid, (None, {}))
        if generation != game.generation:
            template = pod_template(game.name, game.spec)
            self._templates[game.uid] = (game.generation, template)
        return template

    def template_hash(self, game: Game) -> str:
        """A name for all that makes a pod of this Game."""
        return str(self.template(game)["metadata"]["labels"][TEMPLATE_HASH_LABEL])

    def current_hash(self, game: Game) -> str:
        """The hash of the pods that the Game makes now, `""` if it makes none: there may be no
        way to make pods from a template that is refused."""
        accepted = self.acceptance(game)[0] is Acceptance.TRUE
        return self.template_hash(game) if accepted else ""

    def pod_of(self, game: Game, session: Session, attempt: int) -> Object:
        """The pod number `attempt` of a session."""
        return session_pod(
            self.template(game),
            name=pod_name(session.name, session.uid, attempt),
            namespace=session.namespace,
            session=(session.name, session.uid),
            player=session.player,
            start="Cold",
        )

    def warm_pod_of(self, game: Game, name: str) -> Object:
        """A pod of a Game that waits for a user."""
        return warm_pod(
            self.template(game), name=name, namespace=game.namespace, game=(game.name, game.uid)
        )
