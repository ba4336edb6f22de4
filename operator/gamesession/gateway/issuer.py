"""The URL where an issuer publishes its keys."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def check_jwks_url(url: str, *, allow_http: bool) -> None:
    """Refuse a URL whose answer could be anybody's.

    Raises:
        ValueError: it is none, or does without TLS.
    """
    name = "GAMESESSION_JWT_JWKS_URL"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
        raise ValueError(f"{name} must be a URL, such as https://issuer.example.com/jwks.json")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{name} must not hold a user or a password: a JWKS is public")
    if parts.scheme == "http" and not (allow_http or _is_loopback(parts.hostname)):
        raise ValueError(
            f"{name} must begin with https://: whoever can answer in its place can be anybody; "
            "GAMESESSION_JWT_JWKS_ALLOW_HTTP=true takes that risk"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
