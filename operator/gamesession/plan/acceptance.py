"""Whether a Game is accepted: whose the route is, what we refuse (`gamesession.plan.refusal`), and
what the API server says to a dry run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gamesession.plan.game import Acceptance, Game

MAX_WORDS: Final = 2048
"""Characters of the API server's words that a condition repeats."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said to the dry run of a pod.

    Attributes:
        status: HTTP status; 0 if no answer came.
        reason: of its `Status` object, such as `Invalid`.
        message: its own words.
    """

    status: int
    reason: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The condition Accepted.

    Attributes:
        reason: one CamelCase word.
        message: a sentence for a person who can change the Game.
    """

    status: Acceptance
    reason: str
    message: str

    @property
    def retry(self) -> bool:
        """Whether asking again may turn out otherwise though nobody changes the Game."""
        return self.status is Acceptance.UNKNOWN


def accepted_condition(answer: Answer) -> Verdict:
    """What the answer to a dry run means.

    Refused for what the pod says (400, 422, Pod Security): `False`. Refused for what else is the
    case (quota, webhooks, missing objects, an overload, no answer): `Unknown`, to be asked again.
    """
    if answer.status in range(200, 300):
        return accepted()
    words = answer.message[:MAX_WORDS]
    if not answer.status:
        return Verdict(Acceptance.UNKNOWN, "NoAnswer", f"The API server did not answer: {words}")
    if "admission webhook" in words or "failed calling webhook" in words:
        return Verdict(Acceptance.UNKNOWN, "WebhookRefused", words)
    if answer.status in (400, 422):
        return Verdict(Acceptance.FALSE, "TemplateInvalid", words)
    if answer.status == 403:
        return _forbidden(words)
    reason = "ServerFault" if answer.status >= 500 else answer.reason or "NotChecked"
    return Verdict(Acceptance.UNKNOWN, reason, words or f"HTTP status {answer.status}")


def accepted() -> Verdict:
    """The verdict on a Game with which nothing is wrong."""
    return Verdict(Acceptance.TRUE, "Accepted", "The API server takes this pod.")


def refused(reasons: Iterable[str]) -> Verdict:
    """The verdict on a Game that we refuse ourselves (`refusals`)."""
    return Verdict(Acceptance.FALSE, "TemplateRefused", "; ".join(reasons)[:MAX_WORDS])


def route_conflict(game: Game, games: Iterable[Game]) -> Verdict | None:
    """The verdict on a Game whose route another one has; `None` if the route is its own."""
    holder = route_holder(game, games)
    if holder is None:
        return None
    words = (
        f"Route {game.route!r} belongs to the older Game {holder.namespace}/{holder.name}: "
        "set another spec.route, or delete that Game."
    )
    return Verdict(Acceptance.FALSE, "RouteConflict", words)


def route_holder(game: Game, games: Iterable[Game]) -> Game | None:
    """The other Game that has this one's route: the oldest, of equally old ones that with the
    smallest uid. One that is being deleted has no route any more."""
    rivals = [each for each in games if each.route == game.route and not each.deleting]
    oldest = min([game, *rivals], key=lambda each: (each.created_at, each.uid))
    return None if oldest.uid == game.uid else oldest


def _forbidden(words: str) -> Verdict:
    if "violates PodSecurity" in words:
        return Verdict(Acceptance.FALSE, "PodSecurity", words)
    if "exceeded quota" in words or "failed quota" in words:
        return Verdict(Acceptance.UNKNOWN, "QuotaExceeded", words)
    return Verdict(Acceptance.UNKNOWN, "Forbidden", words)
