"""What the host must give, and what its own apt configuration says about Debian mirrors."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rack.errors import RackError

TOOLS = {
    "systemd-nspawn": "systemd-container",
    "mmdebstrap": "mmdebstrap",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "losetup": "mount",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "openssl": "openssl",
    "gpg": "gnupg",
    "gpgconf": "gnupg",
    "dpkg-deb": "dpkg",
    "apt-get": "apt",
}
FILES = {
    "/usr/lib/apt/apt-helper": "apt",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEBIAN_SUITES = {"bullseye", "bookworm", "trixie", "forky", "sid", "stable", "oldstable", "testing", "unstable"}
IMAGE_SPACE = 1 << 30
NODE_SPACE = 1 << 30


@dataclass(frozen=True)
class Mirrors:
    """URL of the Debian archive, and of the security archive when the host has one."""

    debian: str
    security: str | None


def check_root() -> None:
    if os.geteuid() != 0:
        raise RackError("the rack needs root for its machines and networks: run it as root or with sudo")


def check_tools(more: Mapping[str, str] | None = None) -> None:
    """Refuse a host that lacks a tool; `more`: {tool: package} of a backend."""
    missing = {
        package for tool, package in {**TOOLS, **(more or {})}.items() if not shutil.which(tool, path=SEARCH_PATH)
    }
    missing |= {package for path, package in FILES.items() if not Path(path).exists()}
    if missing:
        raise RackError(f"the host lacks some tools; install them: apt-get install {' '.join(sorted(missing))}")
    if platform.machine() != "x86_64":
        raise RackError(f"the host is {platform.machine()}; Proxmox VE, and so the rack, is amd64 only")
    if not Path("/dev/fuse").exists():
        raise RackError("/dev/fuse is missing on the host; load the module: modprobe fuse")


def check_space(where: Path, new_nodes: int, new_image: bool) -> None:
    needed = new_nodes * NODE_SPACE + (IMAGE_SPACE if new_image else 0)
    free = shutil.disk_usage(where).free
    if free < needed:
        raise RackError(
            f"{where} has {free >> 20} MiB free and this rack may need {needed >> 20} MiB; "
            "free some, take a rack down, or set RACK_STATE to a directory with room"
        )


def apt_config() -> dict[str, str]:
    output = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    values: dict[str, str] = {}
    for line in output.splitlines():
        key, _space, value = line.partition(" ")
        values[key] = value.strip().rstrip(";").strip('"')
    return values


def parse_mirrors(targets: str) -> Mirrors | None:
    """Choose from lines of `URI RELEASE COMPONENT` the archive that has Debian's own suites."""
    debian: str | None = None
    security: str | None = None
    for line in targets.splitlines():
        fields = line.split()
        if len(fields) != 3 or fields[2] != "main":
            continue
        uri, release = fields[0].rstrip("/"), fields[1]
        base, _dash, suffix = release.partition("-")
        if base not in DEBIAN_SUITES:
            continue
        if suffix == "" and debian is None:
            debian = uri
        elif suffix == "security" and security is None:
            security = uri
    return Mirrors(debian, security) if debian else None


def find_mirrors() -> Mirrors:
    override = os.environ.get("RACK_DEBIAN_MIRROR")
    if override:
        security = os.environ.get("RACK_DEBIAN_SECURITY_MIRROR")
        return Mirrors(override.rstrip("/"), security.rstrip("/") if security else None)
    output = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    mirrors = parse_mirrors(output)
    if mirrors is None:
        raise RackError(
            "this host's apt sources name no Debian archive; add one, "
            "or set RACK_DEBIAN_MIRROR (and RACK_DEBIAN_SECURITY_MIRROR) to URLs"
        )
    return mirrors
