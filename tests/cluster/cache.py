"""Where built things are kept: outside the checkout, so that all clones on a machine share them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.progress import tell


def directory(*parts: str) -> Path:
    """A directory of the cache, made if need be: `$XDG_CACHE_HOME/gamesession/…`.

    An empty or relative `XDG_CACHE_HOME` counts as unset, as the XDG base directory specification
    demands.
    """
    configured = Path(os.environ.get("XDG_CACHE_HOME", ""))
    home = configured if configured.is_absolute() else Path.home() / ".cache"
    path = home.joinpath("gamesession", *parts)
    path.mkdir(parents=True, exist_ok=True)
    return path


def key(files: Iterable[tuple[str, bytes]], *facts: str) -> str:
    """What a thing is built from, as 16 hex digits: names and contents of files, and other facts.

    Lengths go in too, so that no two different inputs run together into one.
    """
    digest = hashlib.sha256()
    for name, content in sorted(files):
        digest.update(f"{len(name)} {len(content)} {name}\n".encode())
        digest.update(content)
    for fact in facts:
        digest.update(f"{len(fact)} {fact}\n".encode())
    return digest.hexdigest()[:16]


@contextmanager
def workspace(kind: str, name: str) -> Iterator[Path]:
    """An empty directory in the cache to make something in, removed in the end.

    Only for who holds the lock of that kind and name: what a killed predecessor left goes too.
    """
    path = directory(kind) / f".{name}"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def lock(path: Path, waiting: str) -> Iterator[None]:
    """Holds an exclusive lock on a file; says `waiting` if another process has it.

    The kernel releases it when the holder dies, however it dies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell(waiting)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
