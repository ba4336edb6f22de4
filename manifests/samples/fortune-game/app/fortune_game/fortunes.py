"""What the fortune teller says."""

from __future__ import annotations

import hashlib

from fortune_game.past import Past

FORTUNES = (
    "A pod of your own is closer than it appears.",
    "You will soon be scheduled somewhere pleasant.",
    "What you delete today will be garbage collected tomorrow.",
    "A stranger with a good readiness probe will answer you.",
    "Beware of a friend who retries without backoff.",
    "Your patience will be rewarded within one watch event.",
    "The label you seek is already on you.",
    "An old connection will be closed so that a new one may open.",
    "You will find what you lost in the events, not in the logs.",
    "Someone thinks of you every ten seconds and calls it a heartbeat.",
    "A short sleep now will spare you a long wait later.",
    "Nothing you have written is immutable but your name.",
    "Good news travels by server-sent events.",
    "He who forces deletion skips the farewell.",
    "Your quota is larger than your fear of it.",
    "An owner reference will hold where a promise did not.",
    "You will be evicted from a bad habit.",
    "The answer is yes, eventually and consistently.",
    "Two paths lead on; the longer prefix wins.",
    "A cold start warms the hands of those who wait.",
)
QUOTED = 80
"""Characters of an old message that a greeting quotes."""


def fortune(user: str, message: str, number: int) -> str:
    """The same user, message and number always get the same fortune."""
    digest = hashlib.sha256(f"{user}\0{number}\0{message}".encode()).digest()
    return FORTUNES[int.from_bytes(digest[:8]) % len(FORTUNES)]


def greeting(user: str, past: Past | None) -> str:
    """How a conversation begins; `past` is None when it is not known."""
    if past is None:
        return f"Welcome, {user}: the past is out of reach, so I cannot tell if we have met."
    if past.conversations == 0:
        return f"Welcome, {user}: this is your first conversation."
    text = f"Welcome back, {user}: this is your {ordinal(past.conversations + 1)} conversation."
    if past.last_message is not None:
        text += f' Last time you left with "{_shortened(past.last_message)}".'
    return text


def reply(user: str, message: str, number: int, past: Past | None) -> str:
    """The answer to message `number` of a conversation, counted from 1."""
    opening = greeting(user, past) if number == 1 else f"{user}, I am listening."
    told = fortune(user, message, number)
    return f"{opening} Message {number} of this conversation, and its fortune: {told}"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def _shortened(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[:QUOTED].rstrip()}..."
