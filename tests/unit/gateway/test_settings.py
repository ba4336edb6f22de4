"""The gateway does not start without a way to know who asks, and says what to do about it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import ValidationError

from gamesession.gateway.keys import BadKey, read_keys
from gamesession.gateway.settings import GatewaySettings

SECRET = "0123456789abcdef0123456789abcdef"
GOOD: dict[str, Any] = {"jwt_secret": SECRET, "jwt_issuer": "iss", "jwt_audience": "aud"}


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"JWT_SECRET": SECRET, "JWT_ISSUER": "i", "JWT_AUDIENCE": "a"}.items():
        monkeypatch.setenv(f"GAMESESSION_{name}", value)
    monkeypatch.setenv("GAMESESSION_HOLD", "1m30s")
    monkeypatch.setenv("GAMESESSION_NAMESPACE", "games")
    settings = GatewaySettings()
    assert settings.hold == timedelta(seconds=90)
    assert settings.namespace == "games"
    assert settings.jwt_user_claim == "sub"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"jwt_secret": None}, "GAMESESSION_JWT_SECRET or GAMESESSION_JWT_SECRET_FILE"),
        ({"jwt_algorithm": "RS256"}, "GAMESESSION_JWT_PUBLIC_KEY_FILE or GAMESESSION_JWT_JWKS_URL"),
        ({"jwt_jwks_url": "https://issuer.test/jwks"}, "exclude each other"),
        ({"jwt_algorithm": "none"}, "HS256"),
        ({"jwt_issuer": ""}, "GAMESESSION_JWT_ISSUER"),
        ({"jwt_audience": ""}, "GAMESESSION_JWT_AUDIENCE"),
        ({"jwt_secret_file": "x"}, "exclude each other"),
        ({"jwt_user_claim": ""}, "jwt_user_claim"),
        ({"hold": "soon"}, "not a duration"),
        ({"hold": "0s"}, "greater than"),
        ({"port": 70000}, "less than or equal"),
        ({"max_body_bytes": 0}, "greater than"),
    ],
)
def test_what_is_missing_or_wrong_is_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named) as refused:
        GatewaySettings(**{**GOOD, **changes})
    assert SECRET not in str(refused.value)


def test_the_secret_is_in_no_text_of_the_settings() -> None:
    assert SECRET not in f"{GatewaySettings(**GOOD)!r} {GatewaySettings(**GOOD)}"


def test_a_secret_comes_from_a_file_without_the_newline_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    settings = GatewaySettings(**{**GOOD, "jwt_secret": None, "jwt_secret_file": path})
    assert [key.material for key in read_keys(settings)] == [SECRET.encode()]


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(BadKey, match="at least 32"):
        read_keys(GatewaySettings(**{**GOOD, "jwt_secret": "short"}))


def test_a_public_key_is_no_secret(tmp_path: Path) -> None:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(BadKey, match="GAMESESSION_JWT_PUBLIC_KEY_FILE"):
        read_keys(GatewaySettings(**{**GOOD, "jwt_secret": pem}))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none"
    with pytest.raises(BadKey, match=r"GAMESESSION_JWT_SECRET_FILE.*none"):
        read_keys(GatewaySettings(**{**GOOD, "jwt_secret": None, "jwt_secret_file": path}))


def public_key_settings(path: Path, algorithm: str) -> GatewaySettings:
    key = {"jwt_secret": None, "jwt_public_key_file": path, "jwt_algorithm": algorithm}
    return GatewaySettings(**{**GOOD, **key})


@pytest.mark.parametrize(
    ("algorithm", "private"),
    [
        ("ES256", rsa.generate_private_key(65537, 2048)),
        ("RS256", ec.generate_private_key(ec.SECP256R1())),
        ("ES256", ec.generate_private_key(ec.SECP384R1())),
        ("RS256", rsa.generate_private_key(65537, 1024)),
        ("EdDSA", ec.generate_private_key(ec.SECP256R1())),
    ],
)
def test_a_key_that_does_not_fit_the_algorithm_is_refused(
    tmp_path: Path, algorithm: str, private: Any
) -> None:
    path = tmp_path / "key.pem"
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path.write_bytes(pem)
    with pytest.raises(BadKey, match=algorithm):
        read_keys(public_key_settings(path, algorithm))


def test_a_private_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    private = ec.generate_private_key(ec.SECP256R1())
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(BadKey, match="no PEM public key"):
        read_keys(public_key_settings(path, "ES256"))


def test_a_fitting_key_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    path.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (key,) = read_keys(public_key_settings(path, "ES256"))
    assert isinstance(key.material, ec.EllipticCurvePublicKey)


@pytest.mark.parametrize(
    ("url", "allow_http"),
    [
        ("https://issuer.test/.well-known/jwks.json", False),
        ("https://issuer.test:8443/keys?tenant=1", False),
        ("http://127.0.0.1:8080/jwks", False),
        ("http://127.8.8.8/jwks", False),
        ("http://[::1]/jwks", False),
        ("http://localhost/jwks", False),
        ("http://issuer.auth.svc/jwks", True),
    ],
)
def test_an_issuers_keys_come_over_tls_or_from_this_machine(url: str, allow_http: bool) -> None:
    settings = jwks_settings(url, jwt_jwks_allow_http=allow_http)
    assert settings.jwt_jwks_url == url


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://issuer.test/jwks", "GAMESESSION_JWT_JWKS_ALLOW_HTTP"),
        ("http://localhost.issuer.test/jwks", "https://"),
        ("http://127.0.0.1.issuer.test/jwks", "https://"),
        ("http://127.0.0.1@issuer.test/jwks", "user"),
        ("http://10.0.0.1/jwks", "https://"),
        ("https://user:password@issuer.test/jwks", "password"),
        ("file:///etc/passwd", "must be a URL"),
        ("ftp://issuer.test/jwks", "must be a URL"),
        ("issuer.test/jwks", "must be a URL"),
        ("https:///jwks", "must be a URL"),
        ("https://issuer.test/jwks#one", "must be a URL"),
        ("", "must be a URL"),
    ],
)
def test_a_url_whose_answer_could_be_anybodys_is_refused(url: str, named: str) -> None:
    with pytest.raises(ValidationError, match=named) as refused:
        jwks_settings(url)
    assert "GAMESESSION_JWT_JWKS_URL" in str(refused.value)


def test_a_jwks_url_has_no_secrets() -> None:
    with pytest.raises(ValidationError, match="GAMESESSION_JWT_SECRET"):
        jwks_settings("https://issuer.test/jwks", jwt_algorithm="HS256")


def jwks_settings(url: str, **of: Any) -> GatewaySettings:
    given = {"jwt_secret": None, "jwt_algorithm": "RS256", "jwt_jwks_url": url}
    return GatewaySettings(**{**GOOD, **given, **of})


# Browsers -----------------------------------------------------------------------------------------


def test_origins_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAMESESSION_ALLOWED_ORIGINS", "https://a.test,https://b.test")
    assert GatewaySettings(**GOOD).allowed_origins == {"https://a.test", "https://b.test"}


def test_nothing_of_browsers_is_on_by_default() -> None:
    settings = GatewaySettings(**GOOD)
    assert settings.allowed_origins == frozenset()
    assert settings.auth_cookie is None
    assert settings.login_url is None


def test_any_origin_will_do_without_cookies_only() -> None:
    assert GatewaySettings(**GOOD, allowed_origins="*").allowed_origins == {"*"}
    with pytest.raises(ValidationError, match="GAMESESSION_ALLOWED_ORIGINS must name each"):
        GatewaySettings(**GOOD, allowed_origins="*", auth_cookie="auth")


@pytest.mark.parametrize(
    "url",
    [
        "/login?next={return}",
        "/login?a=1&next={return}&b=2",
        "https://www.example.com/login?next={return}",
        "http://localhost:3000/?r={return}",
    ],
)
def test_a_login_page_that_can_send_back(url: str) -> None:
    assert GatewaySettings(**GOOD, login_url=url).login_url == url


@pytest.mark.parametrize(
    "url",
    [
        "/login",
        "/login?next=",
        "/{return}",
        "/{return}?next={return}x{return}",
        "//evil.example/login?next={return}",
        "/\\evil.example/login?next={return}",
        "javascript:alert(1)?x={return}",
        "ftp://www.example.com/login?next={return}",
        "https://{return}/?next=1",
        "https://www.example.com?next={return}",
        "https://user@www.example.com/login?next={return}",
        "/login?next={return}#top",
        "/login?next={return}\r\nSet-Cookie: a=1",
        "/lögin?next={return}",
        "",
    ],
)
def test_a_login_page_that_cannot_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="must be an address with"):
        GatewaySettings(**GOOD, login_url=url)


# Fallbacks ----------------------------------------------------------------------------------------


def test_where_fallbacks_may_be_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert GatewaySettings(**GOOD).fallback_urls == ()
    monkeypatch.setenv("GAMESESSION_FALLBACK_URLS", "https://a.test/lobby, http://b.test:81")
    found = GatewaySettings(**GOOD).fallback_urls
    assert [str(each) for each in found] == ["https://a.test:443/lobby", "http://b.test:81"]
    monkeypatch.setenv("GAMESESSION_FALLBACK_URLS", "https://a.test,b.test")
    with pytest.raises(ValidationError, match=r"b\.test is no base URL: it must begin"):
        GatewaySettings(**GOOD)
