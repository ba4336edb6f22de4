"""The key that tokens are checked with."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import HMACAlgorithm
from jwt.exceptions import InvalidKeyError

from gamesession.gateway.settings import GatewaySettings

SHORTEST_SECRET = 32
"""Bytes; a shorter key than its hash is no key for HS256 (RFC 7518, 3.2)."""

SHORTEST_RSA = 2048
"""Bits (RFC 7518, 3.3)."""

VerificationKey = bytes | RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey


class BadKey(Exception):
    """The configured key cannot be used; the message names the setting and the cure."""


def load_key(settings: GatewaySettings) -> VerificationKey:
    """The key as configured.

    Raises:
        BadKey: it cannot be read, or does not fit the algorithm.
    """
    if settings.jwt_public_key_file is not None:
        return _public_key(settings.jwt_public_key_file, settings.jwt_algorithm)
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


def _public_key(path: Path, algorithm: str) -> VerificationKey:
    name = "GAMESESSION_JWT_PUBLIC_KEY_FILE"
    try:
        key = load_pem_public_key(_read(path, name))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(f"{name}: {path} holds no PEM public key") from error
    match algorithm, key:
        case "RS256", RSAPublicKey() if key.key_size >= SHORTEST_RSA:
            return key
        case "ES256", EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            return key
        case "EdDSA", Ed25519PublicKey() | Ed448PublicKey():
            return key
    wanted = {
        "RS256": f"an RSA key of at least {SHORTEST_RSA} bits",
        "ES256": "a key on the curve P-256",
        "EdDSA": "an Ed25519 or Ed448 key",
    }
    raise BadKey(f"{name}: {path} does not hold {wanted[algorithm]}, as {algorithm} needs")


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadKey(f"{name}: {path} cannot be read: {error.strerror}") from error
