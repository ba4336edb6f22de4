"""What lasts beyond a conversation, in Redis."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

LOAD_WITHIN = 2.0
"""Seconds that a user's first answer may wait for the past."""
SAVE_WITHIN = 3.0
"""Seconds for a save: well below the hook's timeout, so that a failure is still logged."""
LIFE_KEPT = 24 * 3600
"""Seconds for which it is known what a pod has saved; kubelet repeats a hook far sooner."""

# One script, so that a pod that dies half way leaves all of it or nothing. A hook may be called
# twice: a pod counts as one conversation, and a repeat adds only the messages that came since.
SAVE = """
local said = tonumber(ARGV[1])
local saved = tonumber(redis.call('GET', KEYS[2]) or '-1')
if said > saved then
  if saved < 0 then redis.call('HINCRBY', KEYS[1], 'past_conversations', 1) end
  redis.call('HINCRBY', KEYS[1], 'messages_total', said - math.max(saved, 0))
  redis.call('HSET', KEYS[1], 'saved_at', ARGV[2])
  if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'last_message', ARGV[3]) end
  redis.call('SET', KEYS[2], said, 'EX', ARGV[4])
end
return redis.call('HGET', KEYS[1], 'past_conversations')
"""


class PastUnavailable(Exception):
    """Redis could not be reached in time, or refused."""


@dataclass(frozen=True)
class Past:
    """What is known of a user from the conversations before this one."""

    conversations: int = 0
    messages: int = 0
    last_message: str | None = None
    saved_at: str | None = None


class PastStore:
    """Loads and saves the pasts of users. Every call ends within its bound, come what may."""

    def __init__(
        self, url: str | None, load_within: float = LOAD_WITHIN, save_within: float = SAVE_WITHIN
    ) -> None:
        self._load_within = load_within
        self._save_within = save_within
        self._redis = _client(url)

    async def load(self, user: str) -> Past:
        """What was saved of the user; an empty past for a new one.

        Raises:
            PastUnavailable: Redis did not answer within the bound, or not with a past.
        """
        async with self._connection(self._load_within) as redis:
            # decode_responses, which the types don't know of, makes them strings.
            saved = cast(dict[str, str], await redis.hgetall(_past_key(user)))
            return Past(
                conversations=int(saved.get("past_conversations", 0)),
                messages=int(saved.get("messages_total", 0)),
                last_message=saved.get("last_message"),
                saved_at=saved.get("saved_at"),
            )

    async def save(self, user: str, pod_uid: str, messages: int, last_message: str | None) -> int:
        """Add the conversation that the pod has had, and return how many the user has had now.

        May be repeated: the pod counts once.

        Raises:
            PastUnavailable: Redis did not confirm within the bound.
        """
        saved_at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        async with self._connection(self._save_within) as redis:
            script = redis.register_script(SAVE)
            keys = [_past_key(user), f"fortune:life:{pod_uid}"]
            return int(await script(keys, [messages, saved_at, last_message or "", LIFE_KEPT]))

    async def close(self) -> None:
        if self._redis is not None:
            await self._redis.aclose()

    @asynccontextmanager
    async def _connection(self, within: float) -> AsyncIterator[Redis]:
        if self._redis is None:
            raise PastUnavailable("no usable REDIS_URL is set")
        try:
            async with asyncio.timeout(within):
                yield self._redis
        # ValueError: what is stored there is not a past.
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            raise PastUnavailable(str(error) or f"no answer within {within:g} s") from error


def _past_key(user: str) -> str:
    # No name stands in a key: keys show up in slow logs, metrics and dumps.
    return f"fortune:user:{hashlib.sha256(user.encode()).hexdigest()}"


def _client(url: str | None) -> Redis | None:
    if url is None:
        log.warning("REDIS_URL is not set: nothing lasts beyond this conversation")
        return None
    try:
        # A connection that broke while the pod was idle must not cost the user's past: try again,
        # quickly, for as long as the caller's bound lasts.
        retry = Retry(ExponentialBackoff(cap=0.2, base=0.02), retries=-1)
        return Redis.from_url(
            url, decode_responses=True, retry=retry, socket_connect_timeout=1, socket_timeout=1
        )
    except ValueError as error:
        # $(FORTUNE_REDIS_SERVICE_PORT) stays as it is in a pod that is older than the Service. The
        # URL itself stays out of the log: it may hold a password.
        log.error("REDIS_URL: %s; was redis.yaml applied before this pod began?", error)
        return None
