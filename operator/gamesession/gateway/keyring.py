"""The keys that tokens are checked with, and which are good enough for an algorithm."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Self

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SHORTEST_RSA: Final = 2048
"""Bits (RFC 7518, 3.3)."""

VerificationKey = bytes | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey

WANTED: Final = {
    "RS256": f"an RSA key of at least {SHORTEST_RSA} bits",
    "ES256": "a key on the curve P-256",
    "EdDSA": "an Ed25519 or Ed448 key",
}
"""What an algorithm needs, for messages."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Key:
    """A key, equal to another that has the same content and the same id.

    Attributes:
        kid: its id, which tokens name; one without fits every token that it can check.
    """

    kid: str | None
    digest: bytes
    material: VerificationKey = field(compare=False, repr=False)

    @classmethod
    def of(cls, material: VerificationKey, kid: str | None = None) -> Self:
        """The key with that content."""
        if isinstance(material, bytes):
            content = material
        else:
            content = material.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return cls(kid, hashlib.sha256(content).digest(), material)


def fitting(key: object, algorithm: str) -> VerificationKey | None:
    """The key, if it is a public one that is good enough for the algorithm."""
    match algorithm, key:
        case "RS256", RSAPublicKey() if key.key_size >= SHORTEST_RSA:
            return key
        case "ES256", EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            return key
        case "EdDSA", Ed25519PublicKey() | Ed448PublicKey():
            return key
    return None


class Keyring:
    """The keys that count now. These stay as they are; others renew themselves.

    Attributes:
        found: whether it is known which keys there are.
        on_removed: called with the keys that no longer count.
    """

    found = True

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys = tuple(keys)
        self.on_removed: Callable[[frozenset[Key]], None] = lambda removed: None

    async def find(self, kid: str | None) -> tuple[Key, ...]:
        """The keys that may have signed a token.

        Args:
            kid: the key's id, as the token says.

        Raises:
            Unavailable: that cannot be known now.
        """
        return self.known(kid)

    def known(self, kid: str | None) -> tuple[Key, ...]:
        """Those of the present keys that may have signed a token."""
        return tuple(key for key in self._keys if None in (kid, key.kid) or key.kid == kid)

    def replace(self, keys: Iterable[Key]) -> None:
        """Only these keys count from now on."""
        before, self._keys = frozenset(self._keys), tuple(keys)
        now = frozenset(self._keys)
        if now != before:
            log.info("keys changed", kids=[key.kid for key in self._keys if key.kid])
            self.on_removed(before - now)

    async def run(self) -> None:
        """Renew the keys for as long as this is let run."""
