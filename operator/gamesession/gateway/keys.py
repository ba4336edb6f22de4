"""The keys that are configured: in the environment, in a file, at an issuer's URL."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import InvalidKeyError

from gamesession.gateway.jwks import Jwks
from gamesession.gateway.keyring import WANTED, Key, Keyring, fitting
from gamesession.gateway.settings import GatewaySettings

SHORTEST_SECRET: Final = 32
"""Bytes; a shorter key than its hash is no key for HS256 (RFC 7518, 3.2)."""

LOOK_SECONDS: Final = 5.0
"""Between two looks at a key's file."""

_PEM: Final = re.compile(rb"-----BEGIN [^-]+-----.*?-----END [^-]+-----", re.DOTALL)

log = structlog.get_logger(__name__)


class BadKey(Exception):
    """The configured key cannot be used; the message names the setting and the cure."""


class FileKeys(Keyring):
    """Keys in a file, which is read again and again: a mounted Secret changes under us.

    Args:
        read: reads them.
        every: seconds between two looks.

    Raises:
        BadKey: they cannot be used. Later, the ones from before stay.
    """

    def __init__(self, read: Callable[[], tuple[Key, ...]], *, every: float) -> None:
        super().__init__(read())
        self._read = read
        self._every = every

    async def run(self) -> None:
        told = ""
        while True:
            await asyncio.sleep(self._every)
            try:
                self.replace(await asyncio.to_thread(self._read))
                told = ""
            except Exception as error:  # whatever stands in the file, this must not end
                if str(error) != told:
                    log.error("keys not read: those from before stay", error=str(error))
                told = str(error)


def load_keys(settings: GatewaySettings) -> Keyring:
    """The keys as configured; they renew themselves while their `run` runs.

    Raises:
        BadKey: they cannot be read, or do not fit the algorithm.
    """
    if settings.jwt_jwks_url is not None:
        refresh = settings.jwt_jwks_refresh.total_seconds()
        return Jwks(settings.jwt_jwks_url, settings.jwt_algorithm, refresh=refresh)
    if settings.jwt_secret is not None:
        return Keyring(read_keys(settings))
    return FileKeys(partial(read_keys, settings), every=LOOK_SECONDS)


def read_keys(settings: GatewaySettings) -> tuple[Key, ...]:
    """The keys that are configured here, in a file or in the environment.

    Raises:
        BadKey: they cannot be read, or do not fit the algorithm.
    """
    if settings.jwt_public_key_file is not None:
        return _public_keys(settings.jwt_public_key_file, settings.jwt_algorithm)
    return (Key.of(read_secret(settings)),)


def read_secret(settings: GatewaySettings) -> bytes:
    """The secret of HS256.

    Raises:
        BadKey: it cannot be read, or is none.
    """
    if settings.jwt_secret_file is not None:
        name = "GAMESESSION_JWT_SECRET_FILE"
        secret = _read(settings.jwt_secret_file, name).strip()
    else:
        name = "GAMESESSION_JWT_SECRET"
        secret = settings.jwt_secret.get_secret_value().encode() if settings.jwt_secret else b""
    if len(secret) < SHORTEST_SECRET:
        raise BadKey(
            f"{name} holds {len(secret)} bytes; HS256 needs at least {SHORTEST_SECRET}, "
            "such as `openssl rand -hex 32` makes"
        )
    try:
        HMACAlgorithm(HMACAlgorithm.SHA256).prepare_key(secret)
    except InvalidKeyError as error:
        raise BadKey(
            f"{name} holds a key of another algorithm ({error}); a public key belongs into "
            "GAMESESSION_JWT_PUBLIC_KEY_FILE, with its GAMESESSION_JWT_ALGORITHM"
        ) from error
    return secret


def _public_keys(path: Path, algorithm: str) -> tuple[Key, ...]:
    """All keys of a PEM file: while an issuer turns to a new one, the file holds both."""
    name = "GAMESESSION_JWT_PUBLIC_KEY_FILE"
    content, found = _read(path, name), []
    for block in _PEM.findall(content):
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadKey(f"{name}: {path} holds what is no PEM public key") from error
        fits = fitting(key, algorithm)
        if fits is None:
            raise BadKey(f"{name}: {path} does not hold {WANTED[algorithm]}, as {algorithm} needs")
        found.append(Key.of(fits))
    if not found or content.count(b"-----BEGIN ") != len(found):
        raise BadKey(f"{name}: {path} holds no PEM public key, or only part of one")
    return tuple(found)


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadKey(f"{name}: {path} cannot be read: {error.strerror}") from error
