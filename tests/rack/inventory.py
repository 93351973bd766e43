"""The rack as an Ansible inventory."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from rack import disks, network
from rack.metal import qemu
from rack.spec import Node, Spec

SOCKET_LIMIT = 107
CEPH_DISK = 4 * 2**30
# ssh makes its master socket under a temporary name of this many more characters.
SOCKET_EXTRA = 10 + 18


def proxy_command(rack_dir: Path) -> str:
    script = Path(__file__).with_name("fdpass.py")
    parts = ["nsenter", f"--net={network.handle(rack_dir)}", sys.executable, "-I", "-S", str(script)]
    return shlex.join(parts) + " %h %p"


def ssh_options(rack_dir: Path) -> list[str]:
    """Options for ssh, scp and sftp to reach any machine of the rack from the host's own network."""
    settings = [
        f"UserKnownHostsFile={rack_dir}/known_hosts",
        "GlobalKnownHostsFile=/dev/null",
        "StrictHostKeyChecking=yes",
        "IdentitiesOnly=yes",
        f"ProxyCommand={proxy_command(rack_dir)}",
        "ProxyUseFdpass=yes",
    ]
    return [part for setting in settings for part in ("-o", setting)]


def _disks(spec: Spec, node: Node) -> list[str]:
    """Names that stay, for a metal machine's may come in any order."""
    name = qemu.by_id if spec.backend == "metal" else disks.by_id
    return [name(node, index) for index in range(len(node.disks))]


def host_variables(rack_dir: Path, spec: Spec, node: Node) -> dict[str, Any]:
    return {
        "ansible_host": node.address,
        "rack_networks": node.addresses,
        "rack_interfaces": {name: interface for interface, name, _address in node.interfaces()},
        "rack_disks": _disks(spec, node),
    }


def build(rack_dir: Path, spec: Spec, proxy: str, keyring_sha256: str | None, stand_in: bool = True) -> dict[str, Any]:
    """What `ansible-inventory --list` takes. Without the stand-in, no machine brings guests."""
    variables: dict[str, Any] = {
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(rack_dir / "id_ed25519"),
        "ansible_ssh_common_args": shlex.join(ssh_options(rack_dir)),
        "ansible_python_interpreter": "/usr/bin/python3",
        "rack_name": spec.name,
        "rack_release": spec.release,
        "rack_subnets": {item.name: {"cidr": item.cidr, "gateway": item.gateway} for item in spec.networks},
        "rack_proxy_url": proxy,
        "rack_repository_url": f"{proxy}/proxmox",
        "rack_keyring_sha256": keyring_sha256,
        "rack_password_file": str(rack_dir / "password"),
    }
    sockets = rack_dir / "cp"
    # Masters kept here end with the rack; a path too long for a socket leaves them to Ansible's default place.
    if len(str(sockets)) + 1 + SOCKET_EXTRA <= SOCKET_LIMIT:
        variables["ansible_control_path_dir"] = str(sockets)
    groups: dict[str, Any] = {"pve": {"hosts": _names(spec, "pve")}}
    if for_ceph(spec):
        groups["ceph"] = groups["pve"]
    if stand_in and for_ha(spec):
        groups["ha"] = groups["pve"]
    if _names(spec, "pbs"):
        groups["pbs"] = {"hosts": _names(spec, "pbs")}
        groups["backup"] = groups["pve"]
    return {
        "_meta": {"hostvars": {node.name: host_variables(rack_dir, spec, node) for node in spec.nodes}},
        "all": {"children": list(groups), "vars": variables},
        **groups,
    }


def _names(spec: Spec, group: str) -> list[str]:
    return [node.name for node in spec.nodes if node.group == group]


def for_ceph(spec: Spec) -> bool:
    """Whether all machines have what the demo's Ceph needs: three of them, each with two disks that are large enough."""
    large = [sum(disk.size >= CEPH_DISK for disk in node.disks) for node in spec.nodes if node.group == "pve"]
    return len(large) >= 3 and min(large) >= 2


def for_ha(spec: Spec) -> bool:
    """Whether there are the guests of the demo, and a second node for them."""
    return len(_names(spec, "pve")) >= 2 and {110, 111} <= {guest.vmid for node in spec.nodes for guest in node.guests}
