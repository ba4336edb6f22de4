"""The service `fortune_agent`: tells fortunes, learns the user's past when the pod gets its user,
and saves the conversation when the pod stops."""

from __future__ import annotations

import logging
from dataclasses import asdict

from aiohttp import web

from fortune_game import fortunes
from fortune_game.errors import failure
from fortune_game.life import Life
from fortune_game.message import BadMessage, message_in
from fortune_game.past import PastUnavailable
from fortune_game.service import LIFE, admit, service

log = logging.getLogger(__name__)


def fortune_agent(life: Life) -> web.Application:
    """The service's routes.

    The gateway passes paths on as they came, below `/api/{route}`. What operator and kubelet call
    lies outside of that, where no user's request can lead.
    """
    app = service(life)
    app.router.add_post("/api/{route}/chat", chat)
    app.router.add_get("/api/{route}/conversation", conversation)
    app.router.add_get("/api/{route}/whoami", whoami)
    app.router.add_get("/healthz", healthz)
    app.router.add_post("/on-claim", on_claim)
    app.router.add_get("/on-close", on_close)
    return app


async def chat(request: web.Request) -> web.Response:
    """Answer a message of the user with a fortune."""
    identity = admit(request)
    try:
        message = message_in(await request.read())
    except BadMessage as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    life = request.app[LIFE]
    past = await life.past()
    # No await between reading the count and adding to it: two messages never get one number.
    number = life.conversation.count + 1
    exchange = life.conversation.add(message, fortunes.reply(identity.user, message, number, past))
    return web.json_response(
        {
            "success": True,
            "user": identity.user,
            "session_id": identity.session_id,
            "reply": exchange.reply,
            "messages": exchange.number,
            "past_conversations": None if past is None else past.conversations,
        }
    )


async def conversation(request: web.Request) -> web.Response:
    """What was said so far."""
    identity = admit(request)
    said = request.app[LIFE].conversation
    return web.json_response(
        {
            "success": True,
            "user": identity.user,
            "messages": said.count,
            "exchanges": [asdict(exchange) for exchange in said.exchanges],
        }
    )


async def whoami(request: web.Request) -> web.Response:
    """Who is served here, and what is known of them."""
    identity = admit(request)
    life = request.app[LIFE]
    past = await life.past()
    return web.json_response(
        {
            "success": True,
            "user": identity.user,
            "session_id": identity.session_id,
            "game": identity.game,
            "pod": identity.pod,
            "messages": life.conversation.count,
            "past_known": past is not None,
            "past_conversations": past and past.conversations,
            "past_messages": past and past.messages,
            "last_message": past and past.last_message,
            "saved_at": past and past.saved_at,
        }
    )


async def healthz(_: web.Request) -> web.Response:
    """The pod can answer. Redis is not asked: a conversation goes on without it."""
    return web.json_response({"ok": True})


async def on_claim(request: web.Request) -> web.Response:
    """Load the user's past: the operator calls this before the user's first request, maybe twice.

    A pod gets one Idempotency-Key in its life, and what it has loaded it keeps, so a repeat finds
    the work done. With Redis away the game starts all the same.
    """
    admit(request)
    past = await request.app[LIFE].past()
    return web.json_response({"success": True, "past_known": past is not None})


async def on_close(request: web.Request) -> web.StreamResponse:
    """Save the conversation: kubelet calls this before it stops the pod, maybe more than once."""
    if "X-Game-User" in request.headers:
        # The gateway always names a user and kubelet never does: whatever the Game's paths are set
        # to, a user cannot reach this.
        raise web.HTTPNotFound
    try:
        past_conversations = await request.app[LIFE].save()
    except PastUnavailable as error:
        log.error("the conversation could not be saved: %s", error)
        return failure(request, 503, f"not saved: {error}")
    return web.json_response(
        {
            "success": True,
            "saved": past_conversations is not None,
            "past_conversations": past_conversations,
        }
    )
