"""What befalls a request on its way to the API server and back."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from gamesession.kube.errors import ApiError, Unreachable, api_error

REASONS: Final = {409: "Conflict", 429: "TooManyRequests", 500: "InternalError"}
SHORTEST, LONGEST = 0.001, 0.02
"""Seconds that most requests, and most answers, are on their way."""


@dataclass
class Fate:
    """What befalls one request.

    Attributes:
        reach: seconds until the API server takes it up; `None`: it never does.
        refusal: the answer of an API server that does nothing.
        back: seconds that the answer takes from there.
        failure: what is heard in place of the answer to what was done.
        gives_up: seconds after which whoever asked takes it for unanswered, if the API server has
            not taken it up by then.
    """

    reach: float | None
    refusal: ApiError | None = None
    back: float = 0.0
    failure: ApiError | Unreachable | None = None
    gives_up: float | None = None


class Fates:
    """Decides about requests.

    Args:
        rate: of writes that meet a fault; of reads, half as many do.
    """

    def __init__(self, chance: random.Random, rate: float) -> None:
        self._chance = chance
        self.rate = rate

    def of(self, *, write: bool) -> Fate:
        """What befalls the next request."""
        chance = self._chance
        back = self._seconds()
        if chance.random() >= (self.rate if write else self.rate / 2):
            return Fate(self._seconds(), back=back)
        match chance.randrange(8):
            case 0:
                return Fate(self._seconds(), _answer(409 if write else 429), back)
            case 1:
                return Fate(self._seconds(), _answer(429), back)
            case 2:
                return Fate(self._seconds(), _answer(500), back)
            case 3:  # done, and then something went wrong
                return Fate(self._seconds(), None, back, _answer(500))
            case 4:  # done, and the connection is gone
                return Fate(self._seconds(), None, back, Unreachable("the answer is lost"))
            case 5:  # the connection is gone before
                return Fate(None, gives_up=back)
            case 6:  # taken for lost, and carried out after that
                return Fate(chance.uniform(0.01, 8.0), gives_up=chance.uniform(0.0, 0.01))
        return Fate(chance.uniform(0.0, 3.0), back=chance.uniform(0.0, 3.0))

    def _seconds(self) -> float:
        return SHORTEST + (LONGEST - SHORTEST) * self._chance.random() ** 3


def _answer(status: int) -> ApiError:
    body = {"reason": REASONS[status], "message": f"injected: {status}"}
    return api_error(status, body)
