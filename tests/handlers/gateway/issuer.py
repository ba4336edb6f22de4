"""An issuer of tokens: it signs them, and publishes its keys over HTTP."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

from tests.handlers.gateway.stage import token

PATH = "/jwks.json"


def new_key() -> RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


class Issuer:
    """Signs with RS256.

    Attributes:
        keys: those that it publishes, by their ids.
        fetches: how often somebody asked for them.
        answer: how it answers, if not with the keys.
        gate: set while it answers at all.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, **keys: RSAPrivateKey) -> None:
        self.keys = keys
        self._tls = tls
        self.fetches = 0
        self.answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]] = self.publish
        self.gate = asyncio.Event()
        self.gate.set()
        self.url = ""
        self._port = 0
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        await self.come()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go_away()

    async def come(self) -> None:
        """Answer, at the same address as before."""
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, ssl_context=self._tls).start()
        self._port = self._runner.addresses[0][1]
        scheme = "https" if self._tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self._port}{PATH}"

    async def go_away(self) -> None:
        """Take no connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def document(self) -> bytes:
        """The JWKS."""
        found: list[dict[str, Any]] = []
        for kid, key in self.keys.items():
            jwk = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
            found.append({**jwk, "kid": kid, "use": "sig", "alg": "RS256"})
        return json.dumps({"keys": found}).encode()

    async def publish(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with the keys."""
        return web.Response(body=self.document(), content_type="application/json")

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.fetches += 1
        await self.gate.wait()
        return await self.answer(request)


def signed(key: RSAPrivateKey, kid: str | None, user: str = "alice", **claims: Any) -> str:
    """A token signed by that key, naming that one."""
    return token(user, key=key, algorithm="RS256", headers={"kid": kid} if kid else {}, **claims)
