"""What makes an image one certain machine: name, addresses, keys, package sources."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from rack import disks, processes, state
from rack.errors import RackError
from rack.machine import node_dir
from rack.proxy import PORT
from rack.spec import Node, Spec

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def proxy_url(spec: Spec) -> str:
    return f"http://{spec.management.gateway}:{PORT}"


def interfaces(spec: Spec, node: Node) -> str:
    lines = ["auto lo", "iface lo inet loopback"]
    for interface, name, address in node.interfaces():
        network = spec.network(name)
        lines += ["", f"auto {interface}", f"iface {interface} inet static"]
        lines.append(f"\taddress {address}/{network.network.prefixlen}")
        if network == spec.management:
            lines.append(f"\tgateway {network.gateway}")
    return "\n".join(lines) + "\n"


def hosts(node: Node) -> str:
    """As Debian's installer writes it: the machine's own name on 127.0.1.1, which Proxmox cannot use."""
    return (
        "127.0.0.1\tlocalhost\n"
        f"127.0.1.1\t{node.name}\n"
        "\n"
        "# The following lines are desirable for IPv6 capable hosts\n"
        "::1     localhost ip6-localhost ip6-loopback\n"
        "ff02::1 ip6-allnodes\n"
        "ff02::2 ip6-allrouters\n"
    )


def apt_sources(spec: Spec, with_security: bool) -> str:
    base = proxy_url(spec)
    text = (
        "Types: deb\n"
        f"URIs: {base}/debian\n"
        f"Suites: {spec.release} {spec.release}-updates\n"
        "Components: main\n"
        f"Signed-By: {KEYRING}\n"
    )
    if with_security:
        text += (
            "\nTypes: deb\n"
            f"URIs: {base}/debian-security\n"
            f"Suites: {spec.release}-security\n"
            "Components: main\n"
            f"Signed-By: {KEYRING}\n"
        )
    return text


def make_key(path: Path, comment: str) -> str:
    """Create an ssh key pair unless it is there; the public half."""
    if not path.exists():
        path.with_name(path.name + ".pub").unlink(missing_ok=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(path)],
            check=True,
            stdin=subprocess.DEVNULL,
        )
    return path.with_name(path.name + ".pub").read_text().strip()


def make_password(path: Path) -> str:
    """The root password of every machine of the rack; kept where only root reads it."""
    if not path.exists():
        state.write_atomically(path, secrets.token_urlsafe(12) + "\n", 0o600)
    return path.read_text().strip()


def build(
    rack_dir: Path, image: Path, spec: Spec, node: Node, authorized: str, password: str, with_security: bool
) -> None:
    """Make the machine's place: root/, disks/. Half-made ones are thrown away and made again."""
    directory = node_dir(rack_dir, node.name)
    directory.mkdir(parents=True, exist_ok=True)
    disks.create(directory, node)
    root = directory / "root"
    if root.exists():
        return
    partial = directory / "root.partial"
    if partial.exists():
        shutil.rmtree(partial)
    result = processes.run(rack_dir, ["cp", "--archive", "--reflink=auto", str(image), str(partial)])
    if result.returncode != 0:
        raise RackError(f"node {node.name}: the image cannot be copied: {result.stderr.strip().splitlines()[-1]}")

    (partial / "etc/hostname").write_text(f"{node.name}\n")
    (partial / "etc/machine-id").write_text(secrets.token_hex(16) + "\n")
    (partial / "etc/hosts").write_text(hosts(node))
    (partial / "etc/network/interfaces").write_text(interfaces(spec, node))
    (partial / "etc/apt/sources.list.d/debian.sources").write_text(apt_sources(spec, with_security))
    make_key(partial / "etc/ssh/ssh_host_ed25519_key", f"root@{node.name}")
    keys = partial / "root/.ssh/authorized_keys"
    keys.write_text(authorized + "\n")
    keys.chmod(0o600)
    processes.run(rack_dir, ["chroot", str(partial), "chpasswd"], input=f"root:{password}\n", check=True)
    os.replace(partial, root)


def host_key(directory: Path) -> str:
    """`TYPE KEY` of the machine's ssh host key, for known_hosts."""
    text = (directory / "root/etc/ssh/ssh_host_ed25519_key.pub").read_text()
    return " ".join(text.split()[:2])
