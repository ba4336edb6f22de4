"""What can be configured. Every setting comes from the environment, prefix `GAMESESSION_`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gamesession.api.duration import parse_duration
from gamesession.gateway.allowed import BaseUrl, base_urls
from gamesession.gateway.cookie import CookieName
from gamesession.gateway.issuer import check_jwks_url
from gamesession.gateway.login import LoginUrl
from gamesession.gateway.origin import ANY, Origins


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]
Delay = Annotated[timedelta, BeforeValidator(_duration), Field(ge=timedelta(0))]
Count = Annotated[int, Field(ge=1)]
PortNumber = Annotated[int, Field(ge=0, le=65535)]

Algorithm = Literal["HS256", "RS256", "ES256", "EdDSA"]


class GatewaySettings(BaseSettings):
    """How the gateway runs.

    There is no mode without authentication: issuer, audience and a key have no defaults.
    """

    model_config = SettingsConfigDict(
        env_prefix="GAMESESSION_",
        frozen=True,
        # Errors would print what was given, secrets among it.
        hide_input_in_errors=True,
    )

    namespace: str = "default"
    """Namespace of the Games and sessions."""

    kubeconfig: Path | None = None
    context: str | None = None

    host: str = "0.0.0.0"
    port: PortNumber = 8080
    admin_host: str = "0.0.0.0"
    admin_port: PortNumber = 9090
    """Port of `/healthz`, `/readyz` and `/metrics`."""

    jwt_algorithm: Algorithm = "HS256"
    jwt_secret: SecretStr | None = None
    """The secret of HS256, at least 32 bytes (RFC 7518, 3.2)."""
    jwt_secret_file: Path | None = None
    """A file that holds it; white space at its ends does not count."""
    jwt_public_key_file: Path | None = None
    """PEM file with the public key of RS256, ES256 or EdDSA, or several."""
    jwt_jwks_url: str | None = None
    """URL where the issuer publishes such keys (JWKS, RFC 7517)."""
    jwt_jwks_refresh: Duration = timedelta(minutes=5)
    """How long they count without another look."""
    jwt_jwks_allow_http: bool = False
    """Whether the URL may do without TLS: whoever can answer in its place can be anybody."""
    jwt_issuer: str = ""
    jwt_audience: str = ""
    jwt_user_claim: Annotated[str, Field(min_length=1)] = "sub"

    allowed_origins: Origins = frozenset()
    """Origins of pages that may use the gateway, beside its own."""
    auth_cookie: CookieName | None = None
    """A cookie that may hold the token."""
    login_url: LoginUrl | None = None
    """Where browsers go that have no token; `{return}` becomes where they are to come back."""

    hold: Duration = timedelta(seconds=25)
    """How long a request waits for its session to start."""
    max_held: Count = 1000
    """Requests that may wait at once."""
    max_held_per_game: Count = 200
    """Requests for one game that may wait at once."""

    max_held_per_user: Count = 100
    """Requests of one user that may wait at once; fewer while many wait."""
    page_after: Duration = timedelta(seconds=2)
    """How long a browser's navigation waits before it gets the waiting page."""

    max_sessions_per_user: Count | None = None
    """Live sessions that a user may have, over all Games; without it, any number."""
    creations_per_user: Count = 10
    """Sessions that a user may have made in a minute."""

    fallback_urls: Annotated[tuple[BaseUrl, ...], NoDecode, BeforeValidator(base_urls)] = ()
    """Where the fallbacks of Games that are given by URL may be: at or below these."""

    max_body_bytes: Count = 100 * 1024 * 1024
    max_header_bytes: Count = 16 * 1024
    """The request line, or one header, may be this long; there may be 128 headers."""

    connect_timeout: Duration = timedelta(seconds=5)
    """How long a Ready pod may refuse connections before the request fails."""
    response_timeout: Duration = timedelta(seconds=60)
    """How long a pod may take from the end of a request to the head of its answer."""
    idle_stream_timeout: Duration = timedelta(minutes=5)
    """How long a body may stand still, in either direction."""
    websocket_ping: Duration = timedelta(seconds=20)
    """Between two pings to the client of a WebSocket; one that misses two is cut off."""
    shutdown_delay: Delay = timedelta(seconds=5)
    """How long after SIGTERM connections are still taken, until nobody sends any more."""
    shutdown_grace: Duration = timedelta(seconds=20)
    """How long open requests may go on after that."""

    @model_validator(mode="after")
    def _shields_cookies(self) -> Self:
        if self.auth_cookie is not None and ANY in self.allowed_origins:
            raise ValueError(
                "GAMESESSION_ALLOWED_ORIGINS must name each origin while GAMESESSION_AUTH_COOKIE "
                "is set: with * any page could act in the name of who looks at it"
            )
        return self

    @model_validator(mode="after")
    def _authenticates(self) -> Self:
        keys = {
            "GAMESESSION_JWT_SECRET": self.jwt_secret,
            "GAMESESSION_JWT_SECRET_FILE": self.jwt_secret_file,
            "GAMESESSION_JWT_PUBLIC_KEY_FILE": self.jwt_public_key_file,
            "GAMESESSION_JWT_JWKS_URL": self.jwt_jwks_url,
        }
        secret = self.jwt_algorithm == "HS256"
        fitting = [name for name in keys if ("SECRET" in name) == secret]
        given = [name for name, value in keys.items() if value is not None]
        if not set(given) & set(fitting):
            raise ValueError(
                f"no key to check tokens with: set {' or '.join(fitting)}"
                f" for GAMESESSION_JWT_ALGORITHM={self.jwt_algorithm}"
            )
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other: set only one")
        if self.jwt_jwks_url is not None:
            check_jwks_url(self.jwt_jwks_url, allow_http=self.jwt_jwks_allow_http)
        for name in ("jwt_issuer", "jwt_audience"):
            if not getattr(self, name):
                raise ValueError(
                    f"GAMESESSION_{name.upper()} is not set: tokens must name their "
                    f"{name.removeprefix('jwt_')}, so say which one is right"
                )
        return self
