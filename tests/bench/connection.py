"""A client that adds as little as possible to what it measures."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from typing import Self

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
PATIENCE = 30.0


class Connection:
    """One kept-alive HTTP/1.1 connection that sends one and the same GET again and again.

    A library's client would cost more than the gateway: parsing of headers grows with their
    number, and answers of the gateway have more of them.
    """

    def __init__(self, host: str, port: int, path: str, headers: Mapping[str, str]) -> None:
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Accept: */*"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._request = "\r\n".join([*lines, "", ""]).encode()
        self._address = host, port

    def __enter__(self) -> Self:
        self._socket = socket.create_connection(self._address, PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self) -> tuple[float, bytes]:
        """Seconds from sending to the last byte of the answer, and its body.

        Raises:
            OSError: it was not answered, or not with 200 and a body of known length.
        """
        began = time.perf_counter()
        self._socket.sendall(self._request)
        answer, end = b"", -1
        while len(answer) != end:
            if not (more := self._socket.recv(65536)):
                raise OSError(f"the connection ended in an answer: {answer[:200]!r}")
            answer += more
            if end < 0 and (head := answer.find(b"\r\n\r\n")) >= 0:
                length = LENGTH.search(answer, 0, head + 4)
                if length is None or not answer.startswith(b"HTTP/1.1 200 "):
                    raise OSError(f"not the answer that is measured: {answer[:300]!r}")
                end = head + 4 + int(length[1])
        return time.perf_counter() - began, answer[answer.find(b"\r\n\r\n") + 4 :]
