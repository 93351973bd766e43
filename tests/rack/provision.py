"""What makes an image one certain machine: name, addresses, keys, package sources."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path

from rack import disks, machine, processes, state
from rack.errors import RackError
from rack.machine import node_dir
from rack.proxy import PORT
from rack.spec import Node, Spec

GUESTS = "etc/pve-standin-guests.json"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def proxy_url(spec: Spec) -> str:
    return f"http://{spec.management.gateway}:{PORT}"


def interfaces(spec: Spec, node: Node) -> str:
    lines = ["auto lo", "iface lo inet loopback"]
    for interface, name, address in node.interfaces():
        network = spec.network(name)
        if address is None:
            lines += ["", f"iface {interface} inet manual"]
            continue
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


def apt_proxy(spec: Spec) -> str:
    """`pveceph install` writes the names of Proxmox's own servers: the way out leads to the rack's repository."""
    return "".join(
        f'Acquire::{scheme}::Proxy::{host}.proxmox.com "{proxy_url(spec)}";\n'
        for scheme, host in (("http", "download"), ("https", "enterprise"))
    )


def make_key(rack_dir: Path, path: Path, comment: str, kind: str = "ed25519") -> str:
    """Create an ssh key pair unless it is there; the public half."""
    if not path.exists():
        path.with_name(path.name + ".pub").unlink(missing_ok=True)
        command = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", comment, "-f", str(path)]
        processes.run(rack_dir, command, check=True, stdin=subprocess.DEVNULL)
    return path.with_name(path.name + ".pub").read_text().strip()


def make_password(path: Path) -> str:
    """The root password of every machine of the rack; kept where only root reads it."""
    if not path.exists():
        state.write_atomically(path, secrets.token_urlsafe(12) + "\n", 0o600)
    return path.read_text().strip()


def hash_password(password: str) -> str:
    result = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password, capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def set_root_password(shadow: str, hashed: str) -> str:
    lines = []
    for line in shadow.splitlines():
        fields = line.split(":")
        if fields[0] == "root":
            fields[1] = hashed
        lines.append(":".join(fields))
    return "\n".join(lines) + "\n"


class Layer:
    """Files laid over an image, in directories with the image's own modes and owners."""

    def __init__(self, root: Path, image: Path) -> None:
        self.root = root
        self.image = image

    def directory(self, relative: str) -> Path:
        path = self.root
        for part in Path(relative).parts:
            path = path / part
            if not path.exists():
                path.mkdir()
                like = (self.image / path.relative_to(self.root)).stat()
                os.chown(path, like.st_uid, like.st_gid)
                path.chmod(like.st_mode & 0o7777)
        return path

    def write(self, relative: str, text: str) -> None:
        """Mode and owner are those of the file in the image; 0644 and root when it is new."""
        path = self.directory(os.path.dirname(relative)) / os.path.basename(relative)
        original = self.image / relative
        path.touch(mode=0o600)
        if original.exists():
            like = original.stat()
            os.chown(path, like.st_uid, like.st_gid)
            path.chmod(like.st_mode & 0o7777)
        else:
            path.chmod(0o644)
        path.write_text(text)


def can_overlay(directory: Path) -> bool:
    """Whether overlayfs works on the state directory's file system (not on another overlay, as in most containers)."""
    with tempfile.TemporaryDirectory(prefix=".overlay-", dir=directory) as place:
        for name in ("image", "upper", "work", "merged"):
            (Path(place) / name).mkdir()
        options = "lowerdir=image,upperdir=upper,workdir=work"
        result = subprocess.run(
            ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "merged", "-o", options],
            cwd=place,
            capture_output=True,
            check=False,
        )
    return result.returncode == 0


def build(
    rack_dir: Path, image: Path, spec: Spec, node: Node, authorized: str, password_hash: str, with_security: bool
) -> None:
    """Make the machine's place: its layer over the image, its disks. A half-made layer is thrown away."""
    directory = node_dir(rack_dir, node.name)
    directory.mkdir(parents=True, exist_ok=True)
    disks.create(directory, node)
    if is_built(rack_dir, node):
        return
    partial = directory / "partial"
    if partial.exists():
        shutil.rmtree(partial)
    overlay = can_overlay(directory)
    if overlay:
        partial.mkdir(mode=0o755)
        (directory / "work").mkdir(exist_ok=True)
        link = directory / "image"
        link.unlink(missing_ok=True)
        link.symlink_to(image)
    else:
        result = processes.run(rack_dir, ["cp", "--archive", "--reflink=auto", str(image), str(partial)])
        if result.returncode != 0:
            raise RackError(f"node {node.name}: the image cannot be copied: {result.stderr.strip().splitlines()[-1]}")

    lay(Layer(partial, image), rack_dir, spec, node, authorized, password_hash, with_security)
    os.replace(partial, directory / ("upper" if overlay else "root"))


def lay(
    layer: Layer, rack_dir: Path, spec: Spec, node: Node, authorized: str, password_hash: str, with_security: bool
) -> None:
    """Write all that makes the machine this one."""
    layer.write("etc/hostname", f"{node.name}\n")
    layer.write("etc/machine-id", (node.machine_id or secrets.token_hex(16)) + "\n")
    layer.write("etc/hosts", hosts(node))
    layer.write("etc/network/interfaces", interfaces(spec, node))
    layer.write("etc/apt/sources.list.d/debian.sources", apt_sources(spec, with_security))
    layer.write("etc/apt/apt.conf.d/05rack-proxmox", apt_proxy(spec))
    layer.write("etc/shadow", set_root_password((layer.image / "etc/shadow").read_text(), password_hash))
    layer.write("root/.ssh/authorized_keys", authorized + "\n")
    if node.guests:
        layer.write(GUESTS, json.dumps([asdict(guest) for guest in node.guests]) + "\n")
    for kind in ("rsa", "ecdsa", "ed25519"):
        make_key(rack_dir, layer.directory("etc/ssh") / f"ssh_host_{kind}_key", f"root@{node.name}", kind)


def is_built(rack_dir: Path, node: Node) -> bool:
    return machine.layer(node_dir(rack_dir, node.name)).exists()


def host_key(rack_dir: Path, node: Node) -> str:
    """`TYPE KEY` of the machine's ssh host key, for known_hosts."""
    path = machine.layer(node_dir(rack_dir, node.name)) / "etc/ssh/ssh_host_ed25519_key.pub"
    return " ".join(path.read_text().split()[:2])
