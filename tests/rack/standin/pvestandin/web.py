"""What the servers on ports 8006 and 8007 share: HTTPS on every address, kept-alive connections, faults on demand."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import signal
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from . import faults

_COMPRESSED = 1024


class Dropped(Exception):
    """The connection ends without an answer."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection. A server's own handler says what is answered, in `serve`."""

    protocol_version = "HTTP/1.1"
    server_version = ""
    sys_version = ""
    server: Server  # type: ignore[assignment]
    idle = 5.0
    """Seconds after which a silent connection is closed."""
    left: float = 100
    """How many requests the connection may still have."""
    closes_after_errors = True

    def serve(self, method: str) -> None:
        raise NotImplementedError

    def available(self) -> bool:
        """Whether the server can answer at all; connections are closed without a word when it cannot."""
        return True

    def handle(self) -> None:
        with contextlib.suppress(OSError, Dropped):  # the client is gone, or has to believe that we are
            if not self.available():
                return
            self.request.settimeout(self.idle)
            self.request.do_handshake()
            super().handle()

    def version_string(self) -> str:
        return self.server_version

    def log_message(self, format: str, *args: Any) -> None:
        """The request log says more."""

    def do_GET(self) -> None:
        self._next("GET")

    def do_POST(self) -> None:
        self._next("POST")

    def do_PUT(self) -> None:
        self._next("PUT")

    def do_DELETE(self) -> None:
        self._next("DELETE")

    def _next(self, method: str) -> None:
        self.left -= 1
        if not self.available():
            raise Dropped
        self.serve(method)

    def body(self, limit: int, refusal: tuple[int, str]) -> bytes:
        """The request's body. One that is longer than `limit` is refused with a status and a sentence."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > limit:
            self.send(*refusal, b"", "text/plain")
            raise Dropped
        return self.rfile.read(length) if length else b""

    def injected(self, rule: faults.Rule | None) -> tuple[int, str] | None:
        """What a fault answers instead of the API, as status and sentence; a delay happens here."""
        if rule is None:
            return None
        if rule["action"] == "drop":
            raise Dropped
        if rule["action"] == "delay":
            time.sleep(float(rule["seconds"]))
        elif rule["action"] == "status":
            return int(rule["status"]), rule.get("message", "fault injected by the rack")
        return None

    def send(self, status: int, message: str | None, body: bytes, kind: str) -> None:
        """Answer. `message` goes into the status line."""
        reason = (message or "").split("\n", 1)[0] or _reason(status)
        ends = (status >= 400 and self.closes_after_errors) or self.left <= 0
        self.close_connection = self.close_connection or ends
        # The reason carries the sentence; it may hold more than Latin-1.
        line = f"{self.protocol_version} {status} {reason}\r\n".encode(errors="replace")
        packed = {}
        if len(body) > _COMPRESSED and "gzip" in self.headers.get("Accept-Encoding", ""):
            body, packed = gzip.compress(body, 1), {"Content-Encoding": "gzip"}
        head = {
            **({"Server": self.server_version} if self.server_version else {}),
            "Date": self.date_time_string(),
            "Cache-Control": "max-age=0",
            "Pragma": "no-cache",
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Connection": "close" if self.close_connection else "Keep-Alive",
            **packed,
        }
        self.wfile.write(
            line + "".join(f"{name}: {value}\r\n" for name, value in head.items()).encode() + b"\r\n" + body
        )
        self.wfile.flush()


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "error"


class Server(http.server.ThreadingHTTPServer):
    """Listens on every address; reloads its certificate for new connections when told to."""

    daemon_threads = True
    request_queue_size = 128
    address_family = socket.AF_INET6
    handler: type[Handler]

    def __init__(self, address: tuple[str, int], family: socket.AddressFamily) -> None:
        self.address_family = family
        self.context = self._load()
        super().__init__(address, self.handler)

    def certificates(self) -> Iterable[tuple[Path, Path]]:
        """Certificates and keys; the first pair that is there is shown."""
        raise NotImplementedError

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def reload(self) -> None:
        self.context = self._load()

    def _load(self) -> ssl.SSLContext:
        """A new context: one that has had a certificate with another kind of key would go on with that."""
        looked = list(self.certificates())
        for certificate, key in looked:
            if certificate.exists() and key.exists():
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate, key)
                return context
        raise SystemExit(f"no certificate in {looked[0][0].parent}")

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        plain, address = super().get_request()
        # The handshake is left to the connection's own thread: a silent client must not hold up the others.
        wrapped = self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        return wrapped, (address[0].removeprefix("::ffff:"), *address[1:])

    def handle_error(self, request: Any, client_address: Any) -> None:
        print(f"{client_address[0]}: {sys.exc_info()[1]!r}", file=sys.stderr)


def bind(kind: type[Server], port: int, address: str = "") -> Server:
    """A server that is bound and not yet running. Without an address it listens on all, IPv6 included."""
    if address:
        return kind((address, port), socket.AF_INET)
    try:
        return kind(("::", port), socket.AF_INET6)
    except OSError:
        return kind(("0.0.0.0", port), socket.AF_INET)


def run(server: Server, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM; SIGHUP reloads the certificate."""
    signal.signal(signal.SIGHUP, lambda *_: _reload(server))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    ready()
    server.serve_forever(poll_interval=0.2)
    server.server_close()


def _reload(server: Server) -> None:
    try:
        server.reload()
    except (OSError, ssl.SSLError, SystemExit) as error:
        print(f"the certificate stays as it is: {error}", file=sys.stderr)
