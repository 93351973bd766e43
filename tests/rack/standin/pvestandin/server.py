"""The API on port 8006: HTTPS, kept-alive connections that end with any answer >= 400, as pveproxy's do."""

from __future__ import annotations

import contextlib
import email.message
import gzip
import http.server
import json
import os
import re
import signal
import socket
import ssl
import sys
import threading
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from . import auth, dispatch, faults, paths, registry, requestlog
from .errors import ApiError

PORT = int(os.environ.get("PVE_STANDIN_PORT", "8006"))
# As pveproxy has them: a client must be ready to find its connection closed.
_BODY_LIMIT = 512 * 1024
_IDLE = 5.0
_REQUESTS = 100
_COMPRESSED = 1024


class _Dropped(Exception):
    """The connection ends without an answer."""


def decode_form(text: str) -> dict[str, Any]:
    """Form parameters; what comes twice is a list. A value ends at a second `=`, as Proxmox's own decoder has it."""
    params: dict[str, Any] = {}
    for pair in re.split(r"[&;]", text):
        if not pair:
            continue
        parts = pair.split("=")
        name, value = unquote_plus(parts[0]), unquote_plus(parts[1]) if len(parts) > 1 else None
        if name in params:
            known = params[name]
            params[name] = [*(known if isinstance(known, list) else [known]), value]
        else:
            params[name] = value
    return params


def unauthorized_delay() -> float:
    """Seconds by which Proxmox delays every 401."""
    return float(os.environ.get("PVE_STANDIN_UNAUTHORIZED_DELAY", "3"))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "pve-api-daemon/3.0"
    sys_version = ""
    timeout = _IDLE
    server: Server  # type: ignore[assignment]
    left = _REQUESTS

    def handle(self) -> None:
        with contextlib.suppress(OSError, _Dropped):  # the client is gone, or has to believe that we are
            if not paths.pve("local").exists():
                return  # the cluster file system is away: pveproxy cannot answer either
            self.request.settimeout(_IDLE)
            self.request.do_handshake()
            super().handle()

    def version_string(self) -> str:
        return self.server_version

    def log_message(self, format: str, *args: Any) -> None:
        """The request log says more."""

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        self.left -= 1
        if not paths.pve("local").exists():
            raise _Dropped
        url = urlsplit(self.path)
        path = unquote(url.path)
        if not path.startswith("/api2/"):
            self._page(path)
            return
        match = re.fullmatch(r"/api2/(json|extjs)(/.*)?", path)
        body = self._body()
        if not match:
            self._send(501, "no such uri", b"", "text/plain")
            return
        params: dict[str, Any] = {}
        user: str | None = None
        relative = "/" + "/".join(part for part in (match[2] or "").split("/") if part)
        try:
            if body and method not in ("PUT", "POST"):
                raise ApiError(501, f"Unexpected content for method '{method}'")
            user, call = self._call(method, relative)
            params = {**self._parse(method, body), **decode_form(url.query)}
            params.pop("_dc", None)
            rule = faults.take(method, relative)
            answer = self._injected(rule) or dispatch.answer(dispatch.Call(**call, params=params))
        except ApiError as error:
            answer = dispatch.Answer(error.status, None, error.message, error.errors)
            rule = None
        requestlog.write(
            peer=self.client_address[0],
            user=user,
            method=method,
            path=relative,
            params=params,
            status=answer.status,
            message=answer.message,
        )
        if rule and rule["action"] == "drop-after":
            raise _Dropped
        self._answer(answer, extjs=match[1] == "extjs", login=relative == "/access/ticket")

    def _call(self, method: str, path: str) -> tuple[str | None, dict[str, Any]]:
        ticket, api_token = _credentials(self.headers)
        user = None
        if not dispatch.is_open(method, path):
            user = auth.identify(ticket, api_token)
            if ticket and method != "GET":
                auth.verify_csrf_token(user, self.headers.get("CSRFPreventionToken"))
        return user, {
            "method": method,
            "path": path,
            "user": user,
            "ticket": ticket,
            "api_token": api_token,
            "forwarded": "PVEDisableProxy" in self.headers,
        }

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length") or 0)
        if length > _BODY_LIMIT:
            self._send(501, "for data too large", b"", "text/plain")
            raise _Dropped
        return self.rfile.read(length) if length else b""

    def _parse(self, method: str, body: bytes) -> dict[str, Any]:
        if method not in ("PUT", "POST") or not body:
            return {}
        if self.headers.get_content_type() != "application/json":
            return decode_form(body.decode(errors="replace"))
        try:
            params = json.loads(body)
        except ValueError as error:
            raise ApiError(500, f"malformed JSON string: {error}") from error
        if not isinstance(params, dict):
            raise ApiError(500, "Not a HASH reference")
        return params

    def _injected(self, rule: faults.Rule | None) -> dispatch.Answer | None:
        if rule is None:
            return None
        if rule["action"] == "drop":
            raise _Dropped
        if rule["action"] == "delay":
            time.sleep(float(rule["seconds"]))
        elif rule["action"] == "status":
            return dispatch.Answer(int(rule["status"]), None, rule.get("message", "fault injected by the rack"))
        return None

    def _answer(self, answer: dispatch.Answer, *, extjs: bool, login: bool) -> None:
        if answer.status == 401:
            time.sleep(unauthorized_delay())
            if not login:
                self._send(401, answer.message or "", b"", "text/plain")
                return
        body = answer.body()
        status, message = answer.status, answer.message
        if extjs:
            body = {
                **body,
                "success": int(status < 400 and not answer.errors),
                **({"status": status} if status >= 400 else {}),
            }
            status, message = 200, None
        self._send(
            status,
            message,
            json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
            "application/json;charset=UTF-8",
        )

    def _page(self, path: str) -> None:
        if path == "/" and self.command == "GET":
            page = f"<!DOCTYPE html><title>{paths.node_name()} - Proxmox Virtual Environment</title>\n"
            self._send(200, None, page.encode(), "text/html; charset=UTF-8")
        else:
            self._send(501, f"method '{self.command} {path}' not available", b"", "text/plain")

    def _send(self, status: int, message: str | None, body: bytes, kind: str) -> None:
        reason = (message or "").split("\n", 1)[0] or _reason(status)
        self.close_connection = self.close_connection or status >= 400 or self.left <= 0
        # The reason carries the sentence; it may hold more than Latin-1.
        line = f"{self.protocol_version} {status} {reason}\r\n".encode(errors="replace")
        packed = {}
        if len(body) > _COMPRESSED and "gzip" in self.headers.get("Accept-Encoding", ""):
            body, packed = gzip.compress(body, 1), {"Content-Encoding": "gzip"}
        head = {
            "Server": self.server_version,
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


def _credentials(headers: email.message.Message) -> tuple[str | None, str | None]:
    """Ticket and API token: the cookie first, then the Authorization header with either."""
    for header in (headers.get("Cookie", ""), headers.get("Authorization", "")):
        match = re.search(r"(?:^|[\s;])PVEAuthCookie=([^;]*)", header)
        if match:
            return unquote(match[1]), None
    match = re.search(r"(?:^|[\s;])PVEAPIToken=([^;]*)", headers.get("Authorization", ""))
    return None, unquote(match[1]) if match else None


class Server(http.server.ThreadingHTTPServer):
    """Listens on every address; reloads its certificate for new connections when told to."""

    daemon_threads = True
    request_queue_size = 128
    address_family = socket.AF_INET6

    def __init__(self, address: tuple[str, int], family: socket.AddressFamily) -> None:
        self.address_family = family
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.reload()
        super().__init__(address, Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def reload(self) -> None:
        """Take the certificate that an administrator has put there, or else the node's own."""
        for name in ("pveproxy-ssl", "pve-ssl"):
            certificate, key = paths.pve(f"local/{name}.pem"), paths.pve(f"local/{name}.key")
            if certificate.exists() and key.exists():
                self.context.load_cert_chain(certificate, key)
                return
        raise SystemExit(f"no certificate in {paths.pve('local')}")

    def get_request(self) -> tuple[ssl.SSLSocket, Any]:
        plain, address = super().get_request()
        # The handshake is left to the connection's own thread: a silent client must not hold up the others.
        wrapped = self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
        return wrapped, (address[0].removeprefix("::ffff:"), *address[1:])

    def handle_error(self, request: Any, client_address: Any) -> None:
        print(f"{client_address[0]}: {sys.exc_info()[1]!r}", file=sys.stderr)


def create(port: int = PORT, address: str = "") -> Server:
    """A server that is bound and not yet running. Without an address it listens on all, IPv6 included."""
    registry.load()
    if address:
        return Server((address, port), socket.AF_INET)
    try:
        return Server(("::", port), socket.AF_INET6)
    except OSError:
        return Server(("0.0.0.0", port), socket.AF_INET)


def serve(ready: Any = lambda: None) -> None:
    """Run until SIGTERM; SIGHUP reloads the certificate."""
    server = create(address=os.environ.get("PVE_STANDIN_LISTEN", ""))
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
