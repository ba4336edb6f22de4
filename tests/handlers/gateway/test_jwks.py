"""Keys of an issuer's JWKS URL: fetched, kept, renewed, and taken back."""

from __future__ import annotations

import asyncio
import gzip
import hmac
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID
from jwt.utils import base64url_encode

from gamesession.api.errors import Unavailable
from gamesession.gateway import jwks
from gamesession.gateway.jwks import Jwks
from gamesession.gateway.keyring import Key
from tests.eventually import eventually
from tests.handlers.gateway.issuer import Issuer, new_key, signed
from tests.handlers.gateway.stage import Stage, token
from tests.handlers.gateway.test_refusals import error_of

ONE, TWO, EVIL = new_key(), new_key(), new_key()
HOUR = 3600.0


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with Issuer(one=ONE) as found:
        yield found


@asynccontextmanager
async def running(keys: Jwks) -> AsyncIterator[Jwks]:
    task = asyncio.create_task(keys.run())
    try:
        yield keys
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def fetched(issuer: Issuer, *, pause: float = HOUR) -> AsyncIterator[Jwks]:
    """The issuer's keys, fetched once, and not again unless a token asks for it."""
    async with running(Jwks(issuer.url, "RS256", refresh=HOUR, pause=pause)) as keys:

        async def found() -> bool:
            return keys.found

        await eventually(found)
        yield keys


def kids(found: tuple[Key, ...]) -> list[str | None]:
    return [key.kid for key in found]


# Fetching -----------------------------------------------------------------------------------------


async def test_keys_are_fetched_once_and_found_by_their_ids(issuer: Issuer) -> None:
    async with fetched(issuer) as keys:
        for _ in range(5):
            assert kids(await keys.find("one")) == ["one"]
        assert kids(await keys.find(None)) == ["one"]
    assert issuer.fetches == 1


async def test_an_unknown_id_has_them_fetched_again(issuer: Issuer) -> None:
    async with fetched(issuer) as keys:
        issuer.keys["two"] = TWO
        assert kids(await keys.find("two")) == ["two"]
    assert issuer.fetches == 2


async def test_however_many_unknown_ids_come_they_are_fetched_once_in_a_while(
    issuer: Issuer,
) -> None:
    async with fetched(issuer) as keys:
        for round_ in range(3):
            found = await asyncio.gather(*(keys.find(f"no-{round_}-{n}") for n in range(200)))
            assert set(found) == {()}
    assert issuer.fetches == 2


async def test_who_gives_up_asking_does_not_make_it_be_asked_more(issuer: Issuer) -> None:
    async with fetched(issuer) as keys:
        for n in range(20):
            asking = asyncio.create_task(keys.find(f"no-{n}"))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        await keys.find("no")
    assert issuer.fetches == 2


async def test_all_who_ask_meanwhile_wait_for_one_answer_though_the_first_gives_up(
    issuer: Issuer,
) -> None:
    async with fetched(issuer) as keys:
        issuer.keys["two"] = TWO
        issuer.gate.clear()
        asking = [asyncio.create_task(keys.find("two")) for _ in range(20)]

        async def asked() -> bool:
            return issuer.fetches == 2

        await eventually(asked)
        asking[0].cancel()
        issuer.gate.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [kids(found) for found in answers[1:]] == [["two"]] * 19  # type: ignore[arg-type]
    assert issuer.fetches == 2


async def test_after_a_pause_an_unknown_id_counts_again(issuer: Issuer) -> None:
    async with fetched(issuer, pause=0.001) as keys:
        assert await keys.find("two") == ()
        issuer.keys["two"] = TWO

        async def found() -> bool:
            return kids(await keys.find("two")) == ["two"]

        await eventually(found)


async def test_they_are_fetched_again_in_time_and_a_removed_one_is_told(issuer: Issuer) -> None:
    removed: list[frozenset[Key]] = []
    keys = Jwks(issuer.url, "RS256", refresh=0.01)
    keys.on_removed = removed.append
    async with running(keys):

        async def found() -> bool:
            return kids(keys.known("one")) == ["one"]

        await eventually(found)
        issuer.keys = {"two": TWO}

        async def replaced() -> bool:
            return kids(keys.known(None)) == ["two"]

        await eventually(replaced)
    assert [key.kid for each in removed for key in each] == ["one"]


# Failing ------------------------------------------------------------------------------------------


async def status(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=500, text="sorry")


async def page(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="<html>Welcome to our portal</html>")


async def too_much(request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(body=b'{"keys": [' + b" " * jwks.MOST_BYTES + b"]}")


async def bomb(request: web.BaseRequest) -> web.StreamResponse:
    body = gzip.compress(b'{"keys": [' + b" " * (100 * jwks.MOST_BYTES) + b"]}")
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


async def endless(request: web.BaseRequest) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    while True:
        await answer.write(b" " * 1000)


async def broken_off(request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


FAILURES = [status, page, too_much, bomb, endless, broken_off]


@pytest.mark.parametrize("answer", FAILURES)
async def test_a_fetch_that_fails_leaves_the_keys_as_they_are(issuer: Issuer, answer: Any) -> None:
    async with fetched(issuer) as keys:
        issuer.answer = answer
        with pytest.raises(Unavailable):
            await keys.find("two")
        assert kids(await keys.find("one")) == ["one"]


async def test_a_redirect_leads_nowhere(issuer: Issuer) -> None:
    async with Issuer(evil=EVIL) as evil, fetched(issuer) as keys:

        async def elsewhere(request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": evil.url})

        issuer.answer = elsewhere
        with pytest.raises(Unavailable):
            await keys.find("evil")
        assert evil.fetches == 0


@pytest.mark.parametrize("answer", FAILURES)
async def test_without_any_keys_it_is_said_that_they_cannot_be_had(
    issuer: Issuer, answer: Any
) -> None:
    issuer.answer = answer
    async with running(Jwks(issuer.url, "RS256", refresh=HOUR)) as keys:
        for kid in ("one", None):
            with pytest.raises(Unavailable) as refused:
                await keys.find(kid)
            assert refused.value.retry_after == jwks.PAUSE_SECONDS
        assert not keys.found


def certificate(directory: Path) -> Path:
    """A certificate for 127.0.0.1 that it signed itself, and its key, in one file."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer")])
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = directory / "issuer.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + private)
    return path


async def test_an_issuer_that_cannot_show_who_it_is_is_not_believed(tmp_path: Path) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate(tmp_path))
    async with (
        Issuer(tls, evil=EVIL) as issuer,
        running(Jwks(issuer.url, "RS256", refresh=HOUR)) as keys,
    ):
        with pytest.raises(Unavailable):
            await keys.find("evil")
        assert issuer.fetches == 0


async def test_an_answer_that_does_not_come_is_not_waited_for(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks, "FETCH_SECONDS", 0.05)
    issuer.gate.clear()
    async with running(Jwks(issuer.url, "RS256", refresh=HOUR)) as keys:
        with pytest.raises(Unavailable):
            await keys.find("one")
    issuer.gate.set()


async def test_after_a_failure_it_is_tried_again_soon(issuer: Issuer) -> None:
    await issuer.go_away()
    async with running(Jwks(issuer.url, "RS256", refresh=HOUR, pause=0.01)) as keys:
        with pytest.raises(Unavailable):
            await keys.find("one")
        await issuer.come()

        async def found() -> bool:
            return kids(keys.known("one")) == ["one"]

        await eventually(found)


async def test_an_issuer_that_takes_back_all_keys_is_believed(issuer: Issuer) -> None:
    async with fetched(issuer) as keys:
        issuer.keys = {}
        assert await keys.find("two") == ()
        assert await keys.find("one") == ()


# A whole gateway ----------------------------------------------------------------------------------


def staged(issuer: Issuer, **settings: Any) -> Stage:
    of = {"jwt_secret": None, "jwt_algorithm": "RS256", "jwt_jwks_url": issuer.url}
    return Stage(**{**of, **settings})


async def answer_to(stage: Stage, encoded: str) -> tuple[int, str]:
    """Status, and the error's message if it is one."""
    headers = {"Authorization": f"Bearer {encoded}"}
    async with stage.http.get("/api/chess/session/status", headers=headers) as answer:
        if answer.status == 200:
            return 200, ""
        error = await error_of(answer)
        return answer.status, f"{error['code']}: {error['message']}"


async def test_tokens_of_the_issuer_are_let_in_and_no_others(issuer: Issuer) -> None:
    async with staged(issuer) as stage:
        await stage.add_game()
        assert await answer_to(stage, signed(ONE, "one")) == (200, "")
        assert await answer_to(stage, signed(ONE, None)) == (200, "")
        for bad, why in (
            (signed(EVIL, "one"), "signature does not match"),
            (signed(EVIL, None), "signature does not match"),
            (signed(EVIL, "evil"), "key that is not known"),
            (signed(ONE, "one", exp=1), "expired"),
            (signed(ONE, "one", iss="other"), "another issuer"),
        ):
            code, message = await answer_to(stage, bad)
            assert code == 401
            assert why in message
    assert issuer.fetches == 2


@pytest.mark.parametrize("where", ["jku", "x5u", "jwk"])
async def test_a_token_cannot_bring_its_own_key(issuer: Issuer, where: str) -> None:
    """RFC 7515, 4.1: headers that say where the key is, or what."""
    async with Issuer(evil=EVIL) as evil, staged(issuer) as stage:
        await stage.add_game()
        value: Any = {"kty": "RSA"} if where == "jwk" else evil.url
        for kid in ("evil", "one", None):
            headers = {where: value, **({"kid": kid} if kid else {})}
            forged = token(key=EVIL, algorithm="RS256", headers=headers)
            assert (await answer_to(stage, forged))[0] == 401
        assert evil.fetches == 0


def by_hand(secret: bytes, **header: Any) -> str:
    """A token of HS256 as a liar signs it: libraries refuse a public key as a secret."""
    head = base64url_encode(json.dumps({"alg": "HS256", "typ": "JWT", **header}).encode())
    signed_part = b".".join([head, token().split(".")[1].encode()])
    signature = hmac.digest(secret, signed_part, "sha256")
    return b".".join([signed_part, base64url_encode(signature)]).decode()


async def test_a_published_key_is_no_secret(issuer: Issuer) -> None:
    """The classic: HS256, with the public key's text as the secret. No key is looked for."""
    public = ONE.public_key()
    secrets = [
        public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        for encoding in (Encoding.PEM, Encoding.DER)
    ]
    async with staged(issuer) as stage:
        await stage.add_game()
        for secret in (*secrets, issuer.document()):
            forged = by_hand(secret, kid="one")
            code, message = await answer_to(stage, forged)
            assert (code, "another algorithm" in message) == (401, True)
    assert issuer.fetches == 1


async def test_a_new_key_counts_without_a_restart(issuer: Issuer) -> None:
    async with staged(issuer) as stage:
        await stage.add_game()
        issuer.keys["two"] = TWO
        assert await answer_to(stage, signed(TWO, "two")) == (200, "")
        assert await answer_to(stage, signed(ONE, "one")) == (200, "")


async def test_a_token_that_was_let_in_is_not_once_its_key_is_taken_back(issuer: Issuer) -> None:
    async with staged(issuer, jwt_jwks_refresh=timedelta(seconds=0.05)) as stage:
        await stage.add_game()
        issuer.keys["two"] = TWO
        old, new = signed(ONE, "one"), signed(TWO, "two")
        assert await answer_to(stage, old) == (200, "")
        assert await answer_to(stage, new) == (200, "")
        del issuer.keys["one"]

        async def refused() -> bool:
            code, message = await answer_to(stage, old)
            return code == 401 and "key that is not known" in message

        await eventually(refused)
        assert await answer_to(stage, new) == (200, "")


async def test_a_key_that_changes_under_its_id_takes_its_tokens_with_it(issuer: Issuer) -> None:
    async with staged(issuer, jwt_jwks_refresh=timedelta(seconds=0.05)) as stage:
        await stage.add_game()
        old, new = signed(ONE, "one"), signed(TWO, "one")
        assert await answer_to(stage, old) == (200, "")
        issuer.keys["one"] = TWO

        async def renewed() -> bool:
            return (await answer_to(stage, new))[0] == 200

        await eventually(renewed)
        assert (await answer_to(stage, old))[0] == 401


async def test_an_issuer_that_is_away_at_the_start_is_waited_for(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await issuer.go_away()
    of = {"jwt_jwks_refresh": timedelta(seconds=0.05)}
    stage = staged(issuer, **of)
    async with stage.unready():
        stage.api.put("games", {"metadata": {"name": "chess"}, "spec": {}})
        encoded = signed(ONE, "one")
        code, message = await answer_to(stage, encoded)
        assert (code, message.partition(":")[0]) == (503, "unavailable")
        assert await answer_to(stage, "nonsense") == (
            401,
            "unauthorized: The token is not valid: it cannot be read.",
        )
        assert "the issuer's keys not fetched yet" in stage.service.unready()
        assert stage.service.unhealthy() == []
        await issuer.come()

        async def known() -> bool:
            return (await answer_to(stage, encoded))[0] != 503 and not stage.service.unready()

        await eventually(known)
        assert stage.api.writes == []


async def test_an_issuer_that_goes_away_later_is_not_missed(issuer: Issuer) -> None:
    async with staged(issuer) as stage:
        await stage.add_game()
        await issuer.go_away()
        assert await answer_to(stage, signed(ONE, "one", user="bob")) == (200, "")
        code, message = await answer_to(stage, signed(TWO, "two"))
        assert (code, message.partition(":")[0]) == (503, "unavailable")
        assert stage.service.unready() == []
