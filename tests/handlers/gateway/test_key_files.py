"""Keys in files that change under a running gateway, as a mounted Secret does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from structlog.testing import capture_logs

from gamesession.gateway import keys
from tests.eventually import eventually
from tests.handlers.gateway.issuer import new_key, signed
from tests.handlers.gateway.stage import SECRET, Stage, token

ONE, TWO = new_key(), new_key()


def pem(*of: RSAPrivateKey) -> bytes:
    return b"".join(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in of
    )


class Mount:
    """A Secret as kubelet mounts it: a link to a folder, which is swapped in one step.

    Attributes:
        file: a key of the Secret.
    """

    def __init__(self, directory: Path, content: bytes) -> None:
        self._directory = directory
        self._count = 0
        self.file = directory / "key"
        self.put(content)
        self.file.symlink_to("..data/key")

    def put(self, content: bytes) -> None:
        """Update the Secret."""
        self._count += 1
        version = self._directory / f"..{self._count}"
        version.mkdir()
        (version / "key").write_bytes(content)
        link = self._directory / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(self._directory / "..data")


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "LOOK_SECONDS", 0.01)


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    return Mount(tmp_path, pem(ONE))


@pytest.fixture
async def stage(mount: Mount) -> AsyncIterator[Stage]:
    async with Stage(
        jwt_secret=None, jwt_algorithm="RS256", jwt_public_key_file=mount.file
    ) as found:
        await found.add_game()
        yield found


def answers(stage: Stage, encoded: str, status: int) -> Callable[[], Awaitable[bool]]:
    """A check whether a token is answered so."""

    async def check() -> bool:
        headers = {"Authorization": f"Bearer {encoded}"}
        async with stage.http.get("/api/chess/session/status", headers=headers) as answer:
            return bool(answer.status == status)

    return check


async def test_a_new_key_counts_and_the_old_one_no_more(stage: Stage, mount: Mount) -> None:
    old, new = signed(ONE, None), signed(TWO, None)
    await eventually(answers(stage, old, 200))
    await eventually(answers(stage, new, 401))
    mount.put(pem(TWO))
    await eventually(answers(stage, new, 200))
    assert await answers(stage, old, 401)()


async def test_while_an_issuer_turns_to_a_new_key_both_count(stage: Stage, mount: Mount) -> None:
    mount.put(b"The old key:\n" + pem(ONE) + b"\nand the new one:\n" + pem(TWO))
    await eventually(answers(stage, signed(TWO, "any"), 200))
    assert await answers(stage, signed(ONE, "any", user="bob"), 200)()


@pytest.mark.parametrize("content", [b"", b"nonsense", pem(ONE)[:-40], pem(TWO) + pem(ONE)[:99]])
async def test_a_file_that_is_broken_changes_nothing_and_is_told_once(
    stage: Stage, mount: Mount, content: bytes
) -> None:
    with capture_logs() as lines:
        mount.put(content)

        async def told() -> bool:
            return any(line["log_level"] == "error" for line in lines)

        await eventually(told)
        assert await answers(stage, signed(ONE, None), 200)()
        mount.put(pem(TWO))
        await eventually(answers(stage, signed(TWO, None), 200))
    errors = [line for line in lines if line["log_level"] == "error"]
    assert len(errors) == 1
    assert "GAMESESSION_JWT_PUBLIC_KEY_FILE" in errors[0]["error"]


async def test_a_file_that_is_gone_changes_nothing(stage: Stage, mount: Mount) -> None:
    mount.file.unlink()
    with capture_logs() as lines:

        async def told() -> bool:
            return bool(lines)

        await eventually(told)
        assert await answers(stage, signed(ONE, None), 200)()


async def test_a_secret_in_a_file_is_renewed_too(tmp_path: Path) -> None:
    mount = Mount(tmp_path, SECRET.encode())
    async with Stage(jwt_secret=None, jwt_secret_file=mount.file) as stage:
        await stage.add_game()
        await eventually(answers(stage, token(), 200))
        mount.put(SECRET[::-1].encode() + b"\n")
        await eventually(answers(stage, token(key=SECRET[::-1]), 200))
        assert await answers(stage, token(), 401)()
