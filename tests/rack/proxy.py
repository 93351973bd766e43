"""The one way out of a rack: an HTTP server on the rack's management network.

It gives Debian's archive through the host's mirror, and the Proxmox repository (the stand-in's or a real one).
It listens in the rack's network namespace and fetches in the host's; nothing else passes.
"""

from __future__ import annotations

import email.utils
import http.server
import json
import os
import shutil
import socket
import threading
import urllib.parse
from pathlib import Path
from typing import Any

from rack import kernel
from rack.acquire import NotFound
from rack.errors import RackError
from rack.upstream import Upstream

PORT = 3142
PROXMOX_HOSTS = (".proxmox.com",)
"""What some of Proxmox's commands write into apt's sources is found here, too."""
_KEYRING = "proxmox-archive-keyring.gpg"
_REAL_KEYRINGS = {
    "trixie": "debian/proxmox-archive-keyring-trixie.gpg",
    "bookworm": "debian/proxmox-release-bookworm.gpg",
}


def real_keyring(release: str) -> str:
    """Where Proxmox's own server has what the rack serves as /proxmox/proxmox-archive-keyring.gpg."""
    return _REAL_KEYRINGS[release]


def listen_in(namespace: Path, address: str, port: int) -> socket.socket:
    """A listening socket that belongs to `namespace`, for a process that stays where it is."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    away = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.setns(away, kernel.CLONE_NEWNET)
        try:
            return socket.create_server((address, port), backlog=64)
        finally:
            kernel.setns(home, kernel.CLONE_NEWNET)
    finally:
        os.close(away)
        os.close(home)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, with_body: bool) -> None:
        asked = urllib.parse.urlsplit(self.path)
        path = urllib.parse.unquote(asked.path)
        if (asked.hostname or "").endswith(PROXMOX_HOSTS):
            path = f"/proxmox{path}"  # asked as a proxy, by apt on a machine
        if path == "/health":
            self._text(200, "ok\n", with_body)
            return
        try:
            found = self.server.find(path)
        except NotFound as error:
            self._text(404, f"{error}\n", with_body)
        except RackError as error:
            self._text(502, f"{error}\n", with_body)
        else:
            self._file(found, with_body)

    def _text(self, status: int, text: str, with_body: bool) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _file(self, path: Path, with_body: bool) -> None:
        with path.open("rb") as source:
            status = os.fstat(source.fileno())
            modified = email.utils.formatdate(int(status.st_mtime), usegmt=True)
            if self.headers.get("If-Modified-Since") == modified:
                self.send_response(304)
                self.send_header("Last-Modified", modified)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(status.st_size))
            self.send_header("Last-Modified", modified)
            self.end_headers()
            if with_body:
                shutil.copyfileobj(source, self.wfile, 1 << 20)

    def log_message(self, format: str, *args: Any) -> None:
        if not self.server.quiet:
            print(f"{self.log_date_time_string()} {self.address_string()} {format % args}", flush=True)


class Server(http.server.ThreadingHTTPServer):
    """Serves `upstream` and, below /proxmox, a directory when one is given."""

    daemon_threads = True

    def __init__(
        self,
        listener: socket.socket,
        upstream: Upstream,
        repository: Path | None = None,
        release: str = "",
        quiet: bool = False,
    ) -> None:
        super().__init__(listener.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener
        self.upstream = upstream
        self.repository = repository
        self.release = release
        self.quiet = quiet

    def find(self, path: str) -> Path:
        if self.repository is not None and path.startswith("/proxmox/"):
            target = (self.repository / path.removeprefix("/proxmox/")).resolve()
            if not target.is_relative_to(self.repository.resolve()) or not target.is_file():
                raise NotFound(f"{path}: not in the rack's Proxmox repository")
            return target
        if path == f"/proxmox/{_KEYRING}" and self.release in _REAL_KEYRINGS:
            path = f"/proxmox/{real_keyring(self.release)}"
        return self.upstream.get(path)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, daemon=True).start()


def main(arguments: list[str]) -> int:
    config = json.loads(Path(arguments[0]).read_text())
    listener = listen_in(Path(config["namespace"]), config["address"], config["port"])
    upstream = Upstream(Path(config["cache"]), config["archives"])
    repository = Path(config["repository"]) if config["repository"] else None
    Server(listener, upstream, repository, config["release"]).serve_forever()
    return 0
