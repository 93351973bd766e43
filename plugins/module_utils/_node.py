# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Reading of a machine, bare or with Proxmox: files first, few processes, no library beyond Python's own."""

from __future__ import annotations

import errno
import functools
import importlib.util
import json
import os
import platform
import re
import socket
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _certificate, _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    CliError,
    InputError,
    NotInstalled,
    ProxmoxError,
)

# unit name: process name, for machines whose first process is not systemd
SERVICES = {
    "corosync": "corosync",
    "pve-cluster": "pmxcfs",
    "pvedaemon": "pvedaemon",
    "pveproxy": "pveproxy",
    "pvestatd": "pvestatd",
    "pvescheduler": "pvescheduler",
    "pve-ha-lrm": "pve-ha-lrm",
    "pve-ha-crm": "pve-ha-crm",
}


# where the roles pve_host, pve_ceph and pbs_server mark what they have begun
MARKS = "/var/lib/baremetal-proxmox"

_BEGUN = ("install", "kernel", "ceph", "backup_server")

# dpkg(1), package states
UNFINISHED = re.compile(r"^Status: \S+ \S+ (?:half-installed|unpacked|half-configured|triggers-\w+)$", re.MULTILINE)

# ENOTCONN: what is left under /etc/pve when pmxcfs died. Not ECONNABORTED, when it ends while it is asked: half of a
# reading would be from before
ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN}


class Unreadable(ProxmoxError):
    """A file that is there and cannot be read: for a moment, when pmxcfs starts, stops or takes over the cluster's files."""

    def __init__(self, path: str, error: OSError) -> None:
        super().__init__(f"{path}: {error.strerror or error}.", path=path)


class Machine:
    """The machine this runs on. C(root) and C(cli) are other ones in tests."""

    def __init__(self, root: str | Path = "/", cli: _cli.Cli | None = None) -> None:
        self.root = Path(root)
        self.cli = cli or _cli.Cli()

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")

    def read(self, absolute: str) -> str | None:
        """Text of a file, or None if it is not there."""
        raw = self.read_bytes(absolute)
        return None if raw is None else raw.decode(errors="replace")

    def read_bytes(self, absolute: str) -> bytes | None:
        try:
            return self.path(absolute).read_bytes()
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise Unreadable(absolute, error) from error

    def lstat(self, absolute: str) -> os.stat_result | None:
        try:
            return self.path(absolute).lstat()
        except OSError as error:
            if error.errno in ABSENT:
                return None
            raise Unreadable(absolute, error) from error

    @functools.cached_property
    def hostname(self) -> str:
        """The node name: the host name up to the first dot, as Proxmox takes it."""
        return socket.gethostname().split(".", 1)[0]

    @property
    def has_proxmox(self) -> bool:
        return self.path("/usr/bin/pveversion").exists()

    def running(self, *names: str) -> set[str]:
        """Those of C(names) that a process has (its comm, 15 characters)."""
        found = set()
        wanted = {name[:15]: name for name in names}
        for entry in self.path("/proc").iterdir():
            if entry.name.isdigit() and (comm := self._comm(entry)) in wanted:
                found.add(wanted[comm])
        return found

    def has_corosync(self) -> bool:
        """Whether corosync runs. By its own file, since machines may share their process numbers."""
        pid = (self.read("/run/corosync.pid") or "").strip()
        return pid.isdigit() and self._comm(self.path(f"/proc/{pid}")) == "corosync"

    @staticmethod
    def _comm(entry: Path) -> str:
        try:
            return (entry / "comm").read_text(errors="replace").strip()
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def addresses(self) -> list[str]:
        """All addresses that are configured on the machine's interfaces."""
        links = json.loads(self.cli.run(_cli.IP_ADDRESS).stdout or "[]")
        return [info["local"] for link in links for info in link.get("addr_info", []) if "local" in info]

    # What a bare machine tells

    def host(self) -> dict[str, Any]:
        fqdn, resolves_to = _resolve(self.hostname)
        release = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', self.read("/etc/os-release") or "", re.MULTILINE))
        running = (self.read("/proc/sys/kernel/osrelease") or "").strip()
        return {
            "hostname": self.hostname,
            "fqdn": fqdn,
            "resolves_to": resolves_to,
            "addresses": self.addresses(),
            "unfinished": {name: self.path(f"{MARKS}/{name}").exists() for name in _BEGUN},
            "debian": {
                "release": release.get("VERSION_CODENAME"),
                "version": (self.read("/etc/debian_version") or "").strip() or None,
            },
            "architecture": platform.machine(),
            "cpu": self._cpu(),
            "container": self.container(),
            "kernel": {
                "running": running,
                "proxmox": running.endswith("-pve"),
                "installed_proxmox": sorted(
                    entry.name.removeprefix("vmlinuz-") for entry in self.path("/boot").glob("vmlinuz-*-pve")
                ),
            },
        }

    def _cpu(self) -> dict[str, Any]:
        """C(virtual) is what a hypervisor tells its guests in the processor's flags."""
        text = self.read("/proc/cpuinfo") or ""
        vendor = re.search(r"^vendor_id\s*: (\S+)", text, re.MULTILINE)
        flags = re.search(r"^flags\s*: (.*)$", text, re.MULTILINE)
        return {"vendor": vendor[1] if vendor else None, "virtual": "hypervisor" in (flags[1] if flags else "").split()}

    def container(self) -> bool:
        if any(self.path(sign).exists() for sign in ("/run/systemd/container", "/run/.containerenv", "/.dockerenv")):
            return True
        try:
            return b"\0container=" in b"\0" + (self.read_bytes("/proc/1/environ") or b"")
        except PermissionError:
            return False

    def proxmox(self) -> dict[str, Any]:
        """{installed, version, release}, from the file that pveversion reads; starting Perl costs 0.3 s."""
        if not self.has_proxmox:
            return {"installed": False, "version": None, "release": None}
        text = self.read("/usr/share/perl5/PVE/pvecfg.pm") or ""
        version = re.search(r"sub version\s*\{\s*return\s*['\"]([^'\"]+)", text)
        found = version[1] if version else self._pveversion()
        return {
            "installed": True,
            "version": found,
            "release": ".".join(found.split(".")[:2]) if found else None,
        }

    def _pveversion(self) -> str | None:
        match = re.search(r"pve-manager/([^/\s]+)", self.cli.run(_cli.PVEVERSION).stdout)
        return match[1] if match else None

    def packages(self, names: Sequence[str]) -> dict[str, str | None]:
        """Versions by name, None for what dpkg has not installed."""
        found: dict[str, str | None] = dict.fromkeys(names)
        if names:
            for line in self.cli.run(_cli.DPKG_QUERY, packages=names).stdout.splitlines():
                name, version, status = line.split("\t")
                if status == "installed" and name in found:
                    found[name] = version
        return found

    def dpkg_unfinished(self) -> bool:
        """Whether a run of dpkg was cut off, so that packages are unpacked or configured by half."""
        updates = self.path("/var/lib/dpkg/updates")
        return bool(UNFINISHED.search(self.read("/var/lib/dpkg/status") or "")) or (
            updates.is_dir() and any(updates.iterdir())
        )

    def python(self, names: Iterable[str]) -> dict[str, bool]:
        """Whether this Python finds a module, by its top-level name."""
        return {name: importlib.util.find_spec(name.partition(".")[0]) is not None for name in names}

    def services(self, names: Sequence[str]) -> dict[str, str]:
        """{name: active | inactive | failed | activating | … | missing}."""
        if not names:
            return {}
        try:
            output = self.cli.run(_cli.SYSTEMCTL_SHOW, units=[f"{name}.service" for name in names]).stdout
        except (CliError, NotInstalled):
            output = ""
        if "ActiveState=" not in output:
            # The first process is not systemd: a process of that name is all there is to see
            alive = self.running(*(SERVICES.get(name, name) for name in names))
            return {name: "active" if SERVICES.get(name, name) in alive else "inactive" for name in names}
        blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in output.split("\n\n")]
        states = {
            unit.removesuffix(".service"): "missing" if block.get("LoadState") == "not-found" else block["ActiveState"]
            for block in blocks
            if "ActiveState" in block
            for unit in block.get("Names", block.get("Id", "")).split()
        }
        return {name: states.get(name, "missing") for name in names}

    def certificate(self, node: str) -> str | None:
        """SHA-256 fingerprint of what pveproxy serves for a node: a custom certificate, else the one of the cluster's CA."""
        return _certificate.fingerprint(self.read(_certificate.serving(f"/etc/pve/nodes/{node}", self.lstat)) or "")


def require_root() -> None:
    """A sentence instead of the first file of /etc/pve that cannot be read."""
    if os.geteuid() != 0:
        raise InputError("This module has to run as root.", hint="Set become: true.")


def served(address: str = "localhost", port: int = 8006, timeout: float = 5) -> str | None:
    """Fingerprint of the certificate that a server shows, or None if none answers. Nothing is sent to it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout) as plain,
            context.wrap_socket(plain, server_hostname=address) as wrapped,
        ):
            return _certificate.of_der(wrapped.getpeercert(binary_form=True) or b"")
    except OSError:
        return None


def _resolve(hostname: str) -> tuple[str, list[str]]:
    """The full name and the addresses that the machine's own host name resolves to."""
    try:
        answers = socket.getaddrinfo(hostname, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except socket.gaierror:
        return hostname, []
    fqdn = next((canonical for _family, _type, _proto, canonical, _address in answers if canonical), hostname)
    return fqdn, list(dict.fromkeys(str(address[0]) for *_rest, address in answers))
