"""The life of one pod: the user that it serves, their conversation and their past."""

from __future__ import annotations

import asyncio
import logging
import uuid

from fortune_game.conversation import Conversation
from fortune_game.identity import Identity
from fortune_game.past import Past, PastStore, PastUnavailable

log = logging.getLogger(__name__)

LOAD_AGAIN_AFTER = 5.0
"""Seconds between two attempts to load the past: with Redis away, few answers wait for it."""


class NotServedHere(Exception):
    """The request is for another user or another pod."""


class Life:
    """Shared by both services: they run in one process so that they share this memory."""

    def __init__(
        self,
        store: PastStore,
        pod_uid: str | None = None,
        save_delay: float = 0,
        load_again_after: float = LOAD_AGAIN_AFTER,
    ) -> None:
        self.conversation = Conversation()
        self.user: str | None = None
        self._store = store
        self._pod_uid = pod_uid
        self._save_delay = save_delay
        # What the pod has saved is remembered under its uid; without one, each process is a pod.
        self._saved_as = pod_uid or str(uuid.uuid4())
        self._past: Past | None = None
        self._loading: asyncio.Task[None] | None = None
        self._load_again_after = load_again_after
        self._load_again_at = 0.0

    def admit(self, identity: Identity) -> None:
        """Let the request in if it is for this pod and its user; the first one says who that is.

        An IP can be given to another pod while a gateway still holds it for the last one; the check
        keeps one user's request from ever being answered with another's memory.

        Raises:
            NotServedHere: it is not.
        """
        if self._pod_uid is not None and identity.pod != self._pod_uid:
            raise NotServedHere("X-Game-Pod: this is another pod")
        if self.user is None:
            self.user = identity.user
            log.info("serving user %r", self.user)
        elif self.user != identity.user:
            raise NotServedHere("X-Game-User: this pod serves another user")

    async def past(self) -> Past | None:
        """The user's past; None if Redis has not told it.

        However many requests ask at once, one asks Redis.
        """
        if self._past is None and self.user is not None:
            now = asyncio.get_running_loop().time()
            if self._loading is None or (self._loading.done() and now >= self._load_again_at):
                self._loading = asyncio.create_task(self._load(self.user))
            await asyncio.shield(self._loading)
        return self._past

    async def _load(self, user: str) -> None:
        try:
            self._past = await self._store.load(user)
        except PastUnavailable as error:
            log.warning("past of %r is unknown: %s", user, error)
            self._load_again_at = asyncio.get_running_loop().time() + self._load_again_after

    async def save(self) -> int | None:
        """Save the conversation; the number of conversations that the user has had, this included.

        None if nobody was served and there was nothing to save. May be repeated.

        Raises:
            PastUnavailable: Redis did not confirm in time.
        """
        if self.user is None:
            return None
        await asyncio.sleep(self._save_delay)
        conversation = self.conversation
        past_conversations = await self._store.save(
            self.user, self._saved_as, conversation.count, conversation.last_message
        )
        log.info("saved %d messages of %r", conversation.count, self.user)
        return past_conversations
