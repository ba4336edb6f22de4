"""An issuer's keys, from the URL where it publishes them (JWKS, RFC 7517)."""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any, Final

import aiohttp
import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from gamesession.api.errors import Unavailable
from gamesession.gateway.keyring import Key, Keyring, fitting

FETCH_SECONDS: Final = 5.0
MOST_BYTES: Final = 2**18
PAUSE_SECONDS: Final = 10.0
"""Between two fetches, however many tokens name keys that nobody knows."""

log = structlog.get_logger(__name__)


class NoKeySet(Exception):
    """What came from the URL is no JWKS."""


class Jwks(Keyring):
    """The keys of a JWKS URL: fetched every now and then, and when a token names an unknown one.

    Args:
        url: with https, or one that was allowed to do without.
        algorithm: of the tokens; keys for other ones are left out.
        refresh: seconds between two fetches; a key that the issuer took back counts for so long.
        pause: seconds between two fetches that tokens ask for.
    """

    found = False

    def __init__(
        self, url: str, algorithm: str, *, refresh: float, pause: float = PAUSE_SECONDS
    ) -> None:
        super().__init__()
        self._url = url
        self._algorithm = algorithm
        self._refresh = refresh
        self._pause = pause
        self._fetching: asyncio.Task[None] | None = None
        self._next = -math.inf
        self._failing = True

    async def run(self) -> None:
        try:
            while True:
                await self._fetch()
                soon = min(self._pause, self._refresh)
                await asyncio.sleep(soon if self._failing else self._refresh)
        finally:
            if self._fetching is not None:
                self._fetching.cancel()

    async def find(self, kid: str | None) -> tuple[Key, ...]:
        if found := self.known(kid):
            return found
        now = asyncio.get_running_loop().time()
        if self._fetching is not None or now >= self._next:
            # Set before it is fetched, not after: who asks may be gone by then.
            self._next = max(self._next, now + self._pause)
            await self._fetch()
        found = self.known(kid)
        if not found and self._failing:
            raise Unavailable(
                "The issuer's keys cannot be had at present.", retry_after=math.ceil(self._pause)
            )
        return found

    async def _fetch(self) -> None:
        """Fetch the keys; who asks meanwhile waits for the same answer."""
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._renew(), name="jwks")
        # The request that began it may be given up; the others wait on.
        await asyncio.shield(self._fetching)

    async def _renew(self) -> None:
        try:
            document = await _get(self._url)
            keys = keys_of(document, self._algorithm)
        except Exception as error:  # whatever the issuer sends, this must not end
            reason = str(error) or type(error).__name__
            log.warning("issuer's keys not fetched: those from before stay", error=reason)
            self._failing = True
        else:
            if not keys:
                log.warning("the issuer has no key for the algorithm", algorithm=self._algorithm)
            self._failing, self.found = False, True
            self.replace(keys)
        finally:
            self._fetching = None


async def _get(url: str) -> bytes:
    """What is at the URL.

    Raises:
        NoKeySet: it is too much, or not there.
        aiohttp.ClientError, OSError: it cannot be had, or not in time (a TimeoutError).
    """
    timeout = aiohttp.ClientTimeout(total=FETCH_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as http,
        # A redirect would lead past what was configured, to http or into the cluster.
        http.get(url, allow_redirects=False, headers={"Accept": "application/json"}) as answer,
    ):
        if answer.status != 200:
            raise NoKeySet(f"the answer is {answer.status}, not 200")
        found = bytearray()
        async for chunk in answer.content.iter_any():
            found += chunk
            if len(found) > MOST_BYTES:
                raise NoKeySet(f"the answer has more than {MOST_BYTES} bytes")
        return bytes(found)


def keys_of(document: bytes, algorithm: str) -> tuple[Key, ...]:
    """The keys of a JWKS that may sign tokens of an algorithm. Others are left out.

    Raises:
        NoKeySet: it is none.
    """
    try:
        found = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise NoKeySet("the answer is no JSON") from error
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise NoKeySet("the answer has no list `keys`")
    keys = (_key(jwk, algorithm) for jwk in found["keys"] if isinstance(jwk, dict))
    return tuple(key for key in keys if key is not None)


def _key(jwk: dict[str, Any], algorithm: str) -> Key | None:
    operations, kid = jwk.get("key_ops", ["verify"]), jwk.get("kid")
    if (
        jwk.get("use", "sig") != "sig"
        or jwk.get("alg", algorithm) != algorithm
        or not isinstance(operations, list)
        or "verify" not in operations
        or not (kid is None or isinstance(kid, str))
    ):
        return None
    try:
        # With the algorithm given, a key of another type is an error rather than another algorithm.
        material = fitting(PyJWK(jwk, algorithm).key, algorithm)
    except (PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
        return None
    return Key.of(material, kid) if material is not None else None
