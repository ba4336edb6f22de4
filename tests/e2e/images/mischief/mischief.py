"""A game's service that tells what it sees, and misbehaves when the path says so.

The last part of a path names what it does; any other is answered with what the request looked
like from here. The environment says how the process begins and ends:

MISCHIEF_START_DELAY   seconds before it listens
MISCHIEF_EXIT_AFTER    seconds after which it ends by itself
MISCHIEF_EXIT_CODE     how it ends then
MISCHIEF_LAST_WORDS    what it leaves as termination message
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from echo import accept, echo  # type: ignore[import-not-found]  # beside this one in the image

PORT = 8000
BLOCK = bytes(range(256)) * 256
RESET = struct.pack("ii", 1, 0)

users: set[str] = set()
"""Everyone who was ever served here."""
heard: list[str] = []
"""Every request so far but kubelet's probes: method and path."""
claims: list[dict[str, object]] = []
"""What onClaim said, each time."""
refusing = threading.Event()
"""Set once it is to refuse its user."""


class Mischief(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do(self) -> None:
        """Do what the last part of the path says."""
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if user := self.headers.get("X-Game-User"):
            users.add(unquote(user))
        if not self.headers.get("User-Agent", "").startswith("kube-probe/"):
            heard.append(f"{self.command} {parts.path}")
        name = parts.path.rpartition("/")[2].replace("-", "_")
        getattr(self, f"at_{name}", self.at_anywhere)()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do  # noqa: N815 (names of http.server)

    # Well behaved -------------------------------------------------------------------------------

    def at_anywhere(self) -> None:
        """What the request looked like from here."""
        digest, size = self.read_body()
        self.tell(
            {
                "pod": os.environ.get("GAMESESSION_POD_UID"),
                "users": sorted(users),
                "heard": heard,
                "claims": claims,
                "method": self.command,
                "target": self.path,
                "headers": list(self.headers.items()),
                "bytes": size,
                "sha256": digest,
            }
        )

    def at_claim(self) -> None:
        """Whom it serves from now on, if it will."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        claims.append({"headers": dict(self.headers.items()), "body": body})
        if refusing.is_set():
            self.send_error(503, "Service Unavailable", f"refused {len(claims)} times")
        else:
            self.tell({"success": True})

    def at_refuse_claims(self) -> None:
        """From now on it refuses its user."""
        refusing.set()
        self.at_anywhere()

    def at_inside(self) -> None:
        """What the process is and sees."""
        status = dict(
            line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines()
        )
        names = ("Uid", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")
        secrets = Path("/var/run/secrets")
        self.tell(
            {
                "status": {name: status[name].split()[0] for name in names},
                "secrets": sorted(map(str, secrets.rglob("*"))) if secrets.exists() else [],
                "environment": dict(os.environ),
            }
        )

    def at_download(self) -> None:
        """As many bytes as `bytes` says, in chunks if `chunked` is there."""
        left = int(self.query["bytes"])
        chunked = "chunked" in self.query
        self.head("Transfer-Encoding: chunked" if chunked else f"Content-Length: {left}")
        while left:
            block = BLOCK[:left]
            left -= len(block)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def at_slow(self) -> None:
        """An answer that takes its time."""
        time.sleep(float(self.query["seconds"]))
        self.at_anywhere()

    def at_echo(self) -> None:
        """The body on its way back while it comes, in chunks."""
        self.head("Transfer-Encoding: chunked")
        left = int(self.headers["Content-Length"])
        while left:
            block = self.rfile.read1(min(left, len(BLOCK)))
            left -= len(block)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
        self.wfile.write(b"0\r\n\r\n")

    def at_play(self) -> None:
        """A WebSocket that says what it hears."""
        offered = self.headers.get("Sec-WebSocket-Protocol", "")
        self.wfile.write(accept(self.headers["Sec-WebSocket-Key"], offered).encode())
        echo(self.rfile, self.wfile.write)
        self.close_connection = True

    def at_events(self) -> None:
        """Server-sent events: one, and then none for as long as the connection stands."""
        self.head("Transfer-Encoding: chunked", b"9\r\ndata: 1\n\n\r\n", "text/event-stream")
        self.at_stall()

    def at_drip(self) -> None:
        """An answer without an end: a few bytes now, and then nothing for long."""
        self.head("Transfer-Encoding: chunked", b"4\r\ndrip\r\n")
        self.at_stall()

    # Badly behaved ------------------------------------------------------------------------------

    def at_garbage(self) -> None:
        """Bytes that are no HTTP."""
        self.wfile.write(b"\x00\xff garbage \r\n\r\n" * 100)
        self.close_connection = True

    def at_stall(self) -> None:
        """Nothing, for as long as the connection stands."""
        self.connection.recv(1)
        self.close_connection = True

    def at_stall_in_mid_body(self) -> None:
        """Half of what was promised, and then nothing."""
        self.head("Content-Length: 1000", b"x" * 500)
        self.at_stall()

    def at_hang_up(self) -> None:
        """The end of the connection for an answer."""
        self.connection.shutdown(socket.SHUT_RDWR)
        self.close_connection = True

    def at_hang_up_in_mid_body(self) -> None:
        """Half of what was promised, and the end of the connection."""
        self.head("Content-Length: 1000", b"x" * 500)
        self.at_hang_up()

    def at_hang_up_in_mid_chunk(self) -> None:
        """A chunk, half of another, and the end of the connection."""
        self.head("Transfer-Encoding: chunked", b"5\r\nwhole\r\n100\r\nhalf")
        self.at_hang_up()

    def at_reset_in_mid_body(self) -> None:
        """An answer whose end is the end of the connection, which is reset instead."""
        self.head("Connection: close", b"x" * 500)
        # What was written must have left before the connection is thrown away.
        time.sleep(0.5)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        os.close(self.connection.detach())
        self.close_connection = True

    def at_until_closed(self) -> None:
        """An answer whose end is the end of the connection, as it should be."""
        self.head("Connection: close", b"x" * 500)
        self.close_connection = True

    def at_misdirected(self) -> None:
        """The request of somebody else."""
        self.wfile.write(b"HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n")

    def at_exit(self) -> None:
        """The end of the process for an answer."""
        leave(int(self.query.get("code", "1")))

    # Parts --------------------------------------------------------------------------------------

    def head(
        self, header: str, begin_of_body: bytes = b"", kind: str = "application/octet-stream"
    ) -> None:
        """The head of an answer, and what follows at once."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{header}\r\n\r\n"
        self.wfile.write(head.encode() + begin_of_body)

    def tell(self, what: dict[str, object]) -> None:
        """An answer in JSON."""
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read_body(self) -> tuple[str, int]:
        """SHA-256 and size of the request's body."""
        digest, size = hashlib.sha256(), 0
        for block in self.blocks():
            digest.update(block)
            size += len(block)
        return digest.hexdigest(), size

    def blocks(self) -> Iterator[bytes]:
        """The request's body, by its length or by its chunks."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", "0"))
        while left:
            block = self.rfile.read(min(left, len(BLOCK)))
            if not block:
                return
            left -= len(block)
            yield block

    def log_message(self, *_: object) -> None:
        """Nothing: what is probed every second would fill the log."""


class Server(ThreadingHTTPServer):
    """Takes a crowd at once."""

    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that leaves is none of our business."""


def leave(code: int) -> None:
    """End the process."""
    if words := os.environ.get("MISCHIEF_LAST_WORDS"):
        Path("/dev/termination-log").write_text(words)
    os._exit(code)


def main() -> None:
    """Begin, listen, end: as the environment says."""
    # As process 1 of a container, a signal without a handler would be ignored.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if (after := os.environ.get("MISCHIEF_EXIT_AFTER")) is not None:
        code = int(os.environ.get("MISCHIEF_EXIT_CODE", "0"))
        threading.Timer(float(after), leave, [code]).start()
    time.sleep(float(os.environ.get("MISCHIEF_START_DELAY", "0")))
    print("listening", file=sys.stderr)
    Server(("", PORT), Mischief).serve_forever()


if __name__ == "__main__":
    main()
