"""Three stand-in nodes without machines: one process each, a common /etc/pve that is a plain directory."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import io
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote, urlencode

import machine
import selfsigned

STANDIN = Path(__file__).resolve().parent.parent / "rack" / "standin"
NODES = {"pve1": "127.0.0.11", "pve2": "127.0.0.12", "pve3": "127.0.0.13"}
VERSION = {"version": "9.2.11", "release": "9.2", "repoid": "14a22df3deadbeef"}
INTERFACES = """auto lo
iface lo inet loopback

iface ens18 inet manual

auto vmbr0
iface vmbr0 inet static
\taddress 10.99.0.11/24
\tgateway 10.99.0.1
\tbridge-ports ens18
\tbridge-stp off
\tbridge-fd 0

auto ens19
iface ens19 inet static
\taddress 10.98.0.11/24

iface ens20 inet manual
"""
HOSTS = """127.0.0.1 localhost.localdomain localhost
10.99.0.11 pve1.example.test pve1
# The following lines are desirable for IPv6 capable hosts
::1     ip6-localhost ip6-loopback
"""


class Rig:
    """The nodes' directories below `base`, and the processes that answer for them."""

    def __init__(self, base: Path, schema: Path, nodes: dict[str, str] | None = None, token: str = "") -> None:
        self.base = base
        self.nodes = NODES if nodes is None else nodes
        self.token = token
        self.port = _free_port()
        self.pve = base / "pve"
        self._schema = schema
        self._processes: list[subprocess.Popen[bytes]] = []
        self._make_cluster_files()
        for node in self.nodes:
            self._make_node(node)

    def root(self, node: str) -> Path:
        return self.base / node

    def environment(self, node: str) -> dict[str, str]:
        return {
            **os.environ,
            "PVE_STANDIN_ROOT": str(self.root(node)),
            "PVE_STANDIN_NODE": node,
            "PVE_STANDIN_PORT": str(self.port),
            "PVE_STANDIN_LISTEN": self.nodes[node],
            "PVE_STANDIN_UNAUTHORIZED_DELAY": "0",
            "PATH": f"{self.root(node) / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(STANDIN),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LC_ALL": "C.UTF-8",
        }

    def _make_cluster_files(self) -> None:
        (self.pve / "priv" / "lock").mkdir(parents=True)
        first = next(iter(self.nodes))
        for node in self.nodes:
            (self.pve / "nodes" / node).mkdir(parents=True)
        (self.pve / "local").symlink_to(f"nodes/{first}")
        key, certificate = self.pve / "nodes" / first / "pve-ssl.key", self.pve / "nodes" / first / "pve-ssl.pem"
        selfsigned.make(certificate, key, subject=f"/CN={first}")
        selfsigned.make(self.pve / "pve-root-ca.pem", subject="/CN=Proxmox Virtual Environment/O=rig")
        for node in list(self.nodes)[1:]:
            # Every process answers with the first node's certificate: `local` leads to it in all of them.
            shutil.copy(certificate, self.pve / "nodes" / node / "pve-ssl.pem")
        (self.pve / "pve-www.key").write_text(key.read_text())

    def _make_node(self, node: str) -> None:
        root = self.root(node)
        for directory in ("etc/network", "usr/share/pve-standin", "var/lib/vz", "run/pve-standin"):
            (root / directory).mkdir(parents=True)
        (root / "etc" / "pve").symlink_to(self.pve)
        (root / "usr/share/pve-standin/version.json").write_text(json.dumps(VERSION))
        shutil.copy(self._schema, root / "usr/share/pve-standin/schema.json")
        (root / "etc/network/interfaces").write_text(INTERFACES)
        (root / "etc/hosts").write_text(HOSTS)
        (root / "etc/resolv.conf").write_text("search example.test\nnameserver 127.0.0.1\n")
        machine.make(root, node)
        machine.make_proxy_control(root)

    def start(self) -> None:
        code = "from pvestandin import server; server.serve()"
        for node in self.nodes:
            log = (self.root(node) / "server.log").open("wb")
            self._processes.append(
                subprocess.Popen([sys.executable, "-c", code], env=self.environment(node), stdout=log, stderr=log)
            )
            log.close()
            (self.root(node) / "run/pveproxy.pid").write_text(str(self._processes[-1].pid))
        for node, process in zip(self.nodes, self._processes, strict=True):
            self._wait(node, process)

    def _wait(self, node: str, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 20
        while True:
            try:
                with socket.create_connection((self.nodes[node], self.port), 1):
                    return
            except OSError:
                log = (self.root(node) / "server.log").read_text()
                assert process.poll() is None and time.monotonic() < deadline, f"{node} does not answer: {log}"
                time.sleep(0.05)

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=20)
        self._processes.clear()

    def call(
        self,
        method: str,
        path: str,
        params: dict[str, Any] | None = None,
        *,
        node: str = "",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str, dict[str, Any]]:
        """(status, reason, body) of a call with the token, or with other headers."""
        context = ssl.create_default_context(cafile=str(self.pve / "local" / "pve-ssl.pem"))
        context.check_hostname = False
        address = self.nodes[node or next(iter(self.nodes))]
        connection = http.client.HTTPSConnection(address, self.port, timeout=60, context=context)
        target, body = "/api2/json" + quote(path, safe="/@!:"), None
        headers = {"Authorization": f"PVEAPIToken={self.token}"} if headers is None else headers
        encoded = urlencode(params or {}, doseq=True)
        if method in ("POST", "PUT"):
            body, headers = encoded, {**headers, "Content-Type": "application/x-www-form-urlencoded"}
        elif encoded:
            target += f"?{encoded}"
        try:
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        return response.status, response.reason, json.loads(raw) if raw else {}

    def root_ticket(self) -> dict[str, str]:
        """Headers of a call by root@pam itself, made as the node's own root would."""
        code = (
            "import json; from pvestandin import auth; print(json.dumps({'Cookie': 'PVEAuthCookie=' + "
            "auth.create_ticket('root@pam'), 'CSRFPreventionToken': auth.create_csrf_token('root@pam')}))"
        )
        node = next(iter(self.nodes))
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environment(node),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return json.loads(done.stdout)

    def command(self, node: str, words: list[str]) -> tuple[str, int]:
        """What pvesh, pvesm, pveum or another command of the stand-in prints (both outputs), and its exit code.

        It runs in this process: there are many, and starting Python for each takes longer than all of them.
        """
        printed = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        main = importlib.import_module(f"pvestandin.cli.{words[0]}").main
        with (
            mock.patch.dict(os.environ, self.environment(node)),
            mock.patch.object(sys, "argv", words),
            mock.patch.object(sys, "stdin", io.StringIO()),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            try:
                code = main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
        printed.seek(0)
        return printed.read(), code


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
