"""The timeline: one user waits for a pod, a pod waits for another; they come back, idle, are gone,
and one returns."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shlex
import time

import aiohttp

from demo import stage
from demo.player import Answer, Player
from demo.stage import DidNotHappen, expect, heading, line
from demo.target import GAMES, Target

GONE_WITHIN = 40.0
OF_GAME = "gamelibrary.io/game=fortune-game"


class Story:
    """The timeline, against one gateway.

    Args:
        secret: what tokens are signed with.
    """

    def __init__(self, target: Target, url: str, secret: str) -> None:
        self._target = target
        self._url = url
        self._secret = secret

    async def tell(self) -> None:
        """Tell it.

        Raises:
            DidNotHappen: something that should have happened did not.
        """
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(self._url, timeout=timeout) as http:
            alice = Player("alice", http, self._secret)
            bob = Player("bob", http, self._secret)
            await self._clean_slate(alice, bob)
            first = await self._two_users(alice, bob)
            await self._look(alice)
            await self._stranger(http)
            await self._idle()
            await self._return(alice, first)

    async def _clean_slate(self, *players: Player) -> None:
        """No sessions and no memories of an earlier demo, so that the story begins at its
        beginning."""
        for player in players:
            answer = await player.send("POST", "/session/close")
            expect(answer.status == 200, f"the gateway refused to close: {answer.body}")
        await self._wait_until_gone()
        self._redis("del", *(memory_key(player.name) for player in players))

    async def _two_users(self, alice: Player, bob: Player) -> Answer:
        heading("alice plays: her pod is started for her")
        first = await self._said(alice, "What will today bring?", "cold")
        expect(first.body["messages"] == 1, "alice's first message was not the first of her pod")
        again = await self._said(alice, "And tomorrow?", "reused")
        expect(again.body["messages"] == 2, "alice's second message met another pod's memory")
        self._fill_pool()
        heading("bob plays: his pod waits for him")
        other = await self._said(bob, "Hello?", "warm")
        expect(other.body["messages"] == 1, "bob met the memory of another user's pod")
        pods = [(await player.send("GET", "/whoami")).body["pod"] for player in (alice, bob)]
        expect(len(set(pods)) == 2, "alice and bob share a pod")
        line("alice and bob have a pod each, and each pod remembers its own user only.")
        line(f"Their first answers took {first.seconds:.2f} s cold and {other.seconds:.2f} s warm.")
        return first

    def _fill_pool(self) -> None:
        heading("A pod is to wait for the next user")
        patch = json.dumps({"spec": {"warmPool": {"size": 1}}})
        self._kubectl("patch", "game", "fortune-game", "--type", "merge", "-p", patch)
        warm = f"{OF_GAME},gamelibrary.io/role=warm"
        self._target.kubectl(
            *("-n", GAMES, "wait", "pods", "-l", warm, "--for=create", "--timeout=30s")
        )
        self._kubectl("wait", "pods", "-l", warm, "--for=condition=Ready", "--timeout=60s")

    async def _said(self, player: Player, message: str, start: str) -> Answer:
        answer = await player.say(message)
        expect(answer.status == 200, f"{player.name}'s request got {answer.status}: {answer.body}")
        expect(answer.start == start, f"the start was {answer.start!r}, not {start!r}")
        line(f"{player.name}: {message!r} ({start})", answer.seconds)
        line(f"       {answer.body['reply']}")
        return answer

    async def _look(self, alice: Player) -> None:
        heading("What kubectl and the gateway say")
        self._kubectl("get", "gamesessions,pods", "-L", "gamelibrary.io/session")
        answer = await alice.send("GET", "/session/status")
        expect(answer.body.get("has_session"), f"alice has no session: {answer.body}")
        line(f"GET /api/fortune/session/status as alice: {json.dumps(answer.body)}")

    async def _stranger(self, http: aiohttp.ClientSession) -> None:
        heading("A stranger")
        answer = await Player("alice", http, "a secret of somebody else's making").say("Hello?")
        expect(answer.status == 401, f"a token signed by a stranger got {answer.status}")
        line(f"A token signed with another key: {answer.status} {answer.body['error']}")

    async def _idle(self) -> None:
        heading("Nobody plays")
        uids = self._uids()
        begun = time.monotonic()
        await self._wait_until_gone()
        line("Both sessions and both pods are gone by idling.", time.monotonic() - begun)
        for uid in uids:
            about = f"reason=IdleTimeout,involvedObject.uid={uid}"
            self._kubectl("get", "events", "--field-selector", about)
        stage.printed(
            "redis-cli hgetall fortune:user:<alice>", self._redis("hgetall", memory_key("alice"))
        )
        line("That is what onClose saved of alice's conversation before her pod stopped.")

    async def _return(self, alice: Player, first: Answer) -> None:
        heading("alice comes back")
        answer = await self._said(alice, "Do you remember me?", "warm")
        expect(answer.body["messages"] == 1, "the conversation was not a new one")
        expect(answer.body["past_conversations"] == 1, "her past conversation was not remembered")
        old, new = (each.body["session_id"] for each in (first, answer))
        expect(old != new, "the session_id is the old one")
        line(f"A new life: session_id {new} (it was {old}).")

    async def _wait_until_gone(self) -> None:
        ends = time.monotonic() + GONE_WITHIN
        selector = ("-l", f"{OF_GAME},gamelibrary.io/role!=warm", "-o", "name")
        while left := self._target.kubectl("-n", GAMES, "get", "gamesessions,pods", *selector):
            if time.monotonic() > ends:
                raise DidNotHappen(f"after {GONE_WITHIN:.0f} s there still is: {left}")
            await asyncio.sleep(0.25)

    def _uids(self) -> list[str]:
        path = "jsonpath={.items[*].metadata.uid}"
        selector = ("-l", OF_GAME, "-o", path)
        return self._target.kubectl("-n", GAMES, "get", "gamesessions", *selector).split()

    def _kubectl(self, *arguments: str) -> None:
        stage.printed(
            f"{self._target.prefix} {shlex.join(('-n', GAMES, *arguments))}",
            self._target.kubectl("-n", GAMES, *arguments),
        )

    def _redis(self, *command: str) -> str:
        execute = ("-n", GAMES, "exec", "deployment/fortune-redis", "--", "redis-cli")
        return self._target.kubectl(*execute, *command)


def memory_key(user: str) -> str:
    """Where the sample keeps what it remembers of a user (its README says so)."""
    return f"fortune:user:{hashlib.sha256(user.encode()).hexdigest()}"
