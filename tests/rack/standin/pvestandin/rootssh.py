"""root's ssh keys, which Proxmox moves into the cluster's files. A node whose /etc/pve is away accepts no key."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from . import paths
from .errors import Failure

_KEY_LINE = re.compile(r"(?:^|\s)ssh-(?:rsa|dsa)\s+(\S+)\s+\S+$")
_CIPHERS = (
    "Ciphers aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
    "chacha20-poly1305@openssh.com\n"
)


def _home() -> Path:
    return paths.at("/root/.ssh")


def _warn(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def permit_root() -> None:
    """Let root in by password too, as a join wants it."""
    file = paths.at("/etc/ssh/sshd_config")
    text = file.read_text()
    if re.search(r"^PermitRootLogin\s+yes\s*$", text, re.MULTILINE):
        return
    text, count = re.subn(r"^#?PermitRootLogin.*$", "PermitRootLogin yes", text, count=1, flags=re.MULTILINE)
    if not count:
        text = text.rstrip("\n") + "\nPermitRootLogin yes\n"
    replace(file, text.encode())
    subprocess.run(["systemctl", "reload-or-restart", "sshd"], check=True)


def make_keys() -> None:
    """root's own key pair and client configuration."""
    home = _home()
    home.mkdir(mode=0o700, exist_ok=True)
    if not (home / "id_rsa.pub").exists():
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "rsa", "-N", "", "-b", "4096", "-f", str(home / "id_rsa")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=True,
        )
    if not (home / "config").exists():
        (home / "config").write_text(_CIPHERS)
        (home / "config").chmod(0o640)


def share_keys() -> None:
    """Make root's authorized_keys a link to the cluster's; what it held before goes into the cluster's if that is new."""
    shared, own = paths.pve("priv/authorized_keys"), _home() / "authorized_keys"
    backup = own.with_name("authorized_keys.org")
    shared.parent.mkdir(exist_ok=True)
    imported = False
    if not shared.exists():
        shared.write_bytes(own.read_bytes() if own.exists() else b"")
        imported = True
    if own.exists() and not own.is_symlink():
        own.rename(backup)
    if not own.is_symlink():
        own.symlink_to(shared)
    if imported:
        backup.unlink(missing_ok=True)


def merge_keys() -> None:
    """Add the node's own key (and a backup that was not imported) to the cluster's, without repetitions."""
    shared, own = paths.pve("priv/authorized_keys"), _home() / "authorized_keys"
    backup = own.with_name("authorized_keys.org")
    text = shared.read_text() if shared.exists() else ""
    if backup.exists():
        text = text.rstrip("\n") + "\n" + backup.read_text()
    public = _home() / "id_rsa.pub"
    if public.exists():
        text = text.rstrip("\n") + "\n" + public.read_text()
    seen: set[str] = set()
    lines = []
    for line in text.rstrip("\n").split("\n"):
        match = None if line.startswith("#") else _KEY_LINE.search(line)
        if match and match[1] in seen:
            continue
        if match:
            seen.add(match[1])
        lines.append(line)
    replace(shared, "".join(f"{line}\n" for line in lines).encode())
    if backup.exists() and own.is_symlink():
        backup.unlink()


def unmerge_known_hosts() -> None:
    """Have ssh's system-wide known hosts as a file of the node again, while /etc/pve goes away."""
    system, shared = paths.at("/etc/ssh/ssh_known_hosts"), paths.pve("priv/known_hosts")
    if system.is_symlink():
        replace(system, shared.read_bytes() if shared.exists() else b"")


def merge_known_hosts(name: str, address: str) -> None:
    """Add the node to the cluster's known hosts and let ssh use these."""
    system, shared = paths.at("/etc/ssh/ssh_known_hosts"), paths.pve("priv/known_hosts")
    key = _host_key()
    lines: dict[str, str] = {}
    sources = [shared] if system.is_symlink() else [shared, system]
    for source in sources:
        for line in source.read_text().splitlines() if source.exists() else []:
            match = re.match(r"(\S+)\s(ssh-rsa\s\S+)", line)
            if match:
                lines.setdefault(match[1].lower(), line)
    for alias in (name.lower(), address.lower()):
        if lines.get(alias) != f"{alias} {key}":
            lines.setdefault(alias, f"{alias} {key}")
    replace(shared, "".join(f"{line}\n" for line in lines.values()).encode())
    system.unlink(missing_ok=True)
    system.symlink_to(shared)


def publish_host_key(name: str) -> None:
    """The node's host key, where the other nodes find it."""
    replace(paths.pve(f"nodes/{name}/ssh_known_hosts"), f"{name} {_host_key()}".encode())


def _host_key() -> str:
    file = paths.at("/etc/ssh/ssh_host_rsa_key.pub")
    match = re.search(r"^(ssh-rsa\s\S+)(\s.*)?$", file.read_text() if file.exists() else "", re.MULTILINE)
    if not match:
        raise Failure(f"can't parse {file}")
    return match[1]


def replace(file: Path, data: bytes) -> None:
    """Write beside it and rename, as everything in Proxmox does."""
    unfinished = file.with_name(f"{file.name}.tmp.{os.getpid()}")
    unfinished.write_bytes(data)
    unfinished.rename(file)
