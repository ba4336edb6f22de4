"""The requests and answers of the corpora, as the bytes that they stand for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "corpora"


@dataclass(frozen=True, slots=True)
class Specimen:
    """One message, or several that follow each other.

    Attributes:
        good: whether its corpus says that it is to be taken; `None` where it says so of lenient
            readers only, or of none.
    """

    name: str
    data: bytes
    good: bool | None


def of_gunicorn() -> Iterator[Specimen]:
    """Requests; `\\r\\n` and the like stand in them spelled out, line ends mean nothing."""
    for path in sorted((FOLDER / "gunicorn").glob("*/*.http")):
        text = path.read_bytes().replace(b"\n", b"")
        data = _unescape(text, rb"\\(r|n|t|0|x[0-9A-Fa-f]{2})", _meaning)
        yield Specimen(f"{path.parent.name}/{path.stem}", data, path.parent.name == "valid")


def of_llhttp(kind: str) -> Iterator[Specimen]:
    """`request`s or `response`s: blocks of Markdown, each with a log of what its parser does."""
    for path in sorted((FOLDER / "llhttp" / kind).glob("*.md")):
        for number, match in enumerate(_BLOCK.finditer(path.read_text())):
            reader, text, log = match["type"], match["http"], match["log"]
            good = None if reader != kind else "error code=" not in log
            yield Specimen(f"{path.stem}/{number}", _of_markdown(text), good)


_BLOCK: Final = re.compile(
    r'<!-- meta=\{"type": *"(?P<type>[^"]*)".*?```http\n(?P<http>.*?)\n```\n.*?'
    r"```log\n(?P<log>.*?)```",
    re.DOTALL,
)
_SIMPLE: Final = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"f": b"\f"}


def _meaning(code: bytes) -> bytes:
    if code == b"0":
        return b"\0"
    return bytes([int(code[1:], 16)]) if code.startswith(b"x") else _SIMPLE[code]


def _of_markdown(text: str) -> bytes:
    data = re.sub(r"\\\n", "", text).replace("\n", "\r\n").encode()
    data = _unescape(data, rb"\\(r|n|t|f)", lambda code: _SIMPLE[code])
    data = _unescape(data, rb"\\x([0-9a-fA-F]+)", lambda code: chr(int(code, 16)).encode())
    data = _unescape(data, rb"\\([0-7]{1,3})", lambda code: chr(int(code, 8)).encode())
    return re.sub(rb"\$\{'(.)'\.repeat\((\d+)\)\}", lambda found: found[1] * int(found[2]), data)


def _unescape(data: bytes, pattern: bytes, meaning: Callable[[bytes], bytes]) -> bytes:
    return re.sub(pattern, lambda found: meaning(found[1]), data)
