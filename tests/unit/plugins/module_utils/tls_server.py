# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small HTTPS server with a certificate of its own, whose answers a test writes down as raw bytes."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

import selfsigned


def make_certificate(folder: Path, name: str = "cert") -> tuple[Path, Path]:
    """A self-signed certificate for localhost; returns certificate and key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    selfsigned.make(cert, key, subject=f"/CN={name}")
    return cert, key


def answer(status: int, body: Any, reason: str = "OK") -> bytes:
    """As pveproxy writes it; a refusal closes the connection."""
    content = json.dumps(body).encode()
    close = "Connection: close\r\n" if status >= 400 else ""
    return (
        f"HTTP/1.1 {status} {reason}\r\n{close}Content-Type: application/json;charset=UTF-8\r\n"
        f"Content-Length: {len(content)}\r\n\r\n"
    ).encode() + content


class Server:
    """Answers one request with each entry of C(answers); None drops the connection instead."""

    def __init__(self, cert: Path, key: Path, answers: list[bytes | None]) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, str], str]] = []
        self.connections = 0
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(cert, key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                plain, _peer = self._socket.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self._context.wrap_socket(plain, server_side=True) as connection:
                self.connections += 1
                self._talk(connection)

    def _talk(self, connection: ssl.SSLSocket) -> None:
        stream = connection.makefile("rb")
        while line := stream.readline().decode().strip():
            method, path, _version = line.split(" ")
            headers: dict[str, str] = {}
            while header := stream.readline().decode().strip():
                name, _colon, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = stream.read(int(headers.get("content-length", 0))).decode()
            self.requests.append((method, path, headers, body))
            reply = self.answers.pop(0)
            if reply is None:
                return
            connection.sendall(reply)
            if b"Connection: close" in reply:
                return

    def close(self) -> None:
        self._socket.close()
