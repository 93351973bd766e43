"""`pveceph install`: the repository, and the packages from it. apt asks before it installs, as everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from .. import paths
from ..commandline import parse
from ..errors import Failure
from . import node, releases

PACKAGES = ("ceph", "ceph-common", "ceph-fuse", "ceph-mds", "ceph-volume", "gdisk", "nvme-cli")
_HINTS = {
    "enterprise": "\nWARN: Enterprise repository selected, but no active subscription!\n",
    "no-subscription": (
        "\nHINT: The no-subscription repository is not the best choice for production setups.\n"
        "Proxmox recommends using the enterprise repository with a valid subscription."
    ),
    "manual": (
        "\nHINT: The manual repository option expects that the Ceph repository is already correctly configured. "
        "For example, when used in combination with Proxmox Offline Mirror."
    ),
    "test": (
        "\nWARN: The test repository should only be used for test setups or after consulting the official Proxmox "
        "support!\n"
    ),
}


def options() -> dict[str, Any]:
    """The options of the node's release."""
    repositories = ["enterprise", "no-subscription", "test", *(["manual"] if paths.release()[0] >= 9 else [])]
    return {
        "version": {"type": "string", "enum": releases.available(), "optional": 1},
        "repository": {"type": "string", "enum": repositories, "optional": 1},
        "allow-experimental": {"type": "boolean", "optional": 1},
    }


def source(release: str, repository: str) -> tuple[str, str]:
    """(file, text) of the apt source that the command writes."""
    base = "https://enterprise.proxmox.com" if repository == "enterprise" else "http://download.proxmox.com"
    if paths.release()[0] < 9:
        return "/etc/apt/sources.list.d/ceph.list", f"deb {base}/debian/ceph-{release} bookworm {repository}\n"
    text = (
        f"Types: deb\nURIs: {base}/debian/ceph-{release}\nSuites: trixie\nComponents: {repository}\n"
        "Signed-By: /usr/share/keyrings/proxmox-archive-keyring.gpg\n"
    )
    return "/etc/apt/sources.list.d/ceph.sources", text


def main(args: list[str]) -> None:
    known = options()
    given = parse(known, args)
    for name in ("version", "repository"):
        if name in given and given[name] not in known[name]["enum"]:
            words = "', '".join(known[name]["enum"])
            raise Failure(
                f"400 Parameter verification failed.\n{name}: value '{given[name]}' does not have a value in the "
                f"enumeration '{words}'\npveceph install  [OPTIONS]"
            )
    release, repository = given.get("version") or releases.default(), given.get("repository") or "enterprise"
    print(_HINTS[repository], file=sys.stderr, flush=True)
    described = f"{releases.RELEASES[release].version} {release.capitalize()}"
    if sys.stdout.isatty() and "version" not in given:
        print(f"This will install Ceph {described} - continue (y/N)? ", end="", flush=True)
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Failure("Aborting installation as requested")
    if repository != "manual":
        file, text = source(release, repository)
        paths.at(file).write_text(text)
    _apt()
    print(f"\ninstalled Ceph {described} successfully!")
    print("\nreloading API to load new Ceph RADOS library...", flush=True)
    subprocess.run(["systemctl", "try-reload-or-restart", "pvedaemon.service", "pveproxy.service"], check=True)


def _apt() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print("update available package list", flush=True)
    subprocess.run(["apt-get", "-q", "update"], env=environment, stdout=subprocess.DEVNULL, check=False)
    print("start installation", flush=True)
    command = ["apt-get", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confnew", "install", "--"]
    flag = paths.at(node.INSTALLING)
    flag.touch()
    try:
        done = subprocess.run([*command, *PACKAGES], env=environment, check=False)
    finally:
        flag.unlink(missing_ok=True)
    if done.returncode:
        raise Failure(f"apt failed during ceph installation ({done.returncode << 8})", 25)
