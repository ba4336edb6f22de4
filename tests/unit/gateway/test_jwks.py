"""Which keys of an issuer's JWKS count."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

from gamesession.gateway.jwks import NoKeySet, keys_of

RSA = rsa.generate_private_key(65537, 2048)
SMALL_RSA = rsa.generate_private_key(65537, 1024)
P256 = ec.generate_private_key(ec.SECP256R1())
P384 = ec.generate_private_key(ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()
ED448 = ed448.Ed448PrivateKey.generate()


def jwk(key: Any, **of: Any) -> dict[str, Any]:
    """A key as JSON; public if it has a public side."""
    match key:
        case rsa.RSAPrivateKey() | rsa.RSAPublicKey():
            found = RSAAlgorithm.to_jwk(key, as_dict=True)
        case ec.EllipticCurvePrivateKey() | ec.EllipticCurvePublicKey():
            found = ECAlgorithm.to_jwk(key, as_dict=True)
        case str():
            found = HMACAlgorithm.to_jwk(key, as_dict=True)
        case _:
            found = OKPAlgorithm.to_jwk(key, as_dict=True)
    members: dict[str, Any] = {**found, "kid": "k", **of}
    members.pop("key_ops", None)
    if "key_ops" in of:
        members["key_ops"] = of["key_ops"]
    return {name: value for name, value in members.items() if value is not None}


def kids(algorithm: str, *jwks: Any) -> list[str | None]:
    document = json.dumps({"keys": jwks}).encode()
    return [key.kid for key in keys_of(document, algorithm)]


@pytest.mark.parametrize(
    ("algorithm", "private"),
    [("RS256", RSA), ("ES256", P256), ("EdDSA", ED25519), ("EdDSA", ED448)],
)
def test_a_public_key_of_the_algorithms_type_counts(algorithm: str, private: Any) -> None:
    public = private.public_key()
    (key,) = keys_of(json.dumps({"keys": [jwk(public)]}).encode(), algorithm)
    assert (key.kid, key.material) == ("k", public)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", P256.public_key()),
        ("RS256", ED25519.public_key()),
        ("RS256", SMALL_RSA.public_key()),
        ("RS256", "a secret that somebody published, 32 bytes"),
        ("ES256", RSA.public_key()),
        ("ES256", P384.public_key()),
        ("ES256", "a secret that somebody published, 32 bytes"),
        ("EdDSA", RSA.public_key()),
        ("EdDSA", P256.public_key()),
    ],
)
def test_a_key_of_another_type_does_not(algorithm: str, key: Any) -> None:
    assert kids(algorithm, jwk(key)) == []


@pytest.mark.parametrize("algorithm_key", [("RS256", RSA), ("ES256", P256), ("EdDSA", ED25519)])
def test_a_private_key_that_was_published_does_not(algorithm_key: tuple[str, Any]) -> None:
    algorithm, private = algorithm_key
    assert kids(algorithm, jwk(private)) == []


@pytest.mark.parametrize(
    "of",
    [
        {"use": "enc"},
        {"use": ""},
        {"use": 1},
        {"key_ops": ["sign"]},
        {"key_ops": ["encrypt", "wrapKey"]},
        {"key_ops": []},
        {"key_ops": "verify"},
        {"alg": "RS512"},
        {"alg": "PS256"},
        {"alg": "HS256"},
        {"alg": "none"},
        {"alg": 1},
        {"kid": 7},
        {"kid": ["k"]},
        {"kty": "oct"},
        {"kty": None},
        {"n": "!"},
        {"n": 5},
        {"e": None},
    ],
)
def test_a_key_that_is_meant_for_something_else_or_malformed_does_not(of: dict[str, Any]) -> None:
    assert kids("RS256", jwk(RSA.public_key(), **of)) == []


@pytest.mark.parametrize(
    "of",
    [
        {"use": "sig"},
        {"alg": "RS256"},
        {"key_ops": ["verify"]},
        {"key_ops": ["sign", "verify"]},
        {"x5c": ["anything"], "x5t": "…", "unknown": {}},
    ],
)
def test_a_key_that_says_what_it_is_for_counts(of: dict[str, Any]) -> None:
    assert kids("RS256", jwk(RSA.public_key(), **of)) == ["k"]


def test_bad_keys_do_not_spoil_the_good_ones() -> None:
    good = jwk(RSA.public_key(), kid="good")
    assert kids("RS256", None, 1, "x", [], {}, {"kty": "RSA"}, jwk(P256.public_key()), good) == [
        "good"
    ]


def test_a_key_may_have_no_id() -> None:
    assert kids("RS256", jwk(RSA.public_key(), kid=None)) == [None]


def test_an_issuer_may_have_no_keys() -> None:
    assert kids("RS256") == []


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": null}',
        b"\xff\xfe",
        b'{"keys":' + b"[" * 100_000,
    ],
)
def test_what_is_no_jwks_is_an_error(document: bytes) -> None:
    with pytest.raises(NoKeySet):
        keys_of(document, "RS256")
