"""The rack's switches: one network namespace, one bridge per network, one cable (veth) per NIC."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

from rack import kernel, processes
from rack.errors import RackError
from rack.spec import Node, Spec

HANDLE = "netns"


def handle(rack_dir: Path) -> Path:
    """A link to the namespace of the switch process: it stops resolving when that process is gone."""
    return rack_dir / HANDLE


def is_up(rack_dir: Path) -> bool:
    """Whether the link leads to this rack's switch: after a crash its PID may be anybody's, in the host's network."""
    try:
        pid = int(os.readlink(handle(rack_dir)).split("/")[2])
    except OSError:
        return False
    return processes.find(rack_dir).get(pid) == "switch"


def bridge(spec: Spec, network: str) -> str:
    return f"br{[item.name for item in spec.networks].index(network)}"


def port(spec: Spec, node: Node, slot: int) -> str:
    """Name of the switch's end of a cable."""
    return f"p{spec.nodes.index(node)}-{slot}"


def hardware_address(spec: Spec, node: Node, slot: int) -> str:
    """The same at every boot, as on hardware; locally administered."""
    nic = node.nics[slot]
    if nic.mac:
        return nic.mac
    second = "" if [item.network for item in node.nics].index(nic.network) == slot else f"/{slot}"
    digest = hashlib.sha256(f"{spec.name}/{node.name}/{nic.network}{second}".encode()).hexdigest()
    return ":".join(["02", *(digest[index : index + 2] for index in range(0, 10, 2))])


def run_ip(commands: list[str]) -> None:
    subprocess.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True)


def _ip_in(namespace: Path, commands: list[str], force: bool = False) -> None:
    subprocess.run(
        ["nsenter", f"--net={namespace}", "ip", *(["-force"] if force else []), "-batch", "-"],
        input="\n".join(commands) + "\n",
        text=True,
        check=not force,
        stderr=subprocess.DEVNULL if force else None,
    )


def plug(rack_dir: Path, spec: Spec, node: Node) -> None:
    """Run in the machine's own new namespace: give it its NICs, each cabled to its switch."""
    if not is_up(rack_dir):
        raise RackError(f"the switch of the rack in {rack_dir} does not run")
    namespace = handle(rack_dir)
    # The cables of an earlier boot go only when the kernel gets round to that boot's namespace.
    pull(rack_dir, spec, node)
    switch = os.readlink(namespace).split("/")[2]
    ours = [
        f"link add name {interface} address {hardware_address(spec, node, slot)} "
        f"type veth peer name {port(spec, node, slot)} netns {switch}"
        for slot, (interface, _network, _address) in enumerate(node.interfaces())
    ]
    theirs = [
        f"link set dev {port(spec, node, slot)} master {bridge(spec, network)} up"
        for slot, (_interface, network, _address) in enumerate(node.interfaces())
    ]
    run_ip(ours)
    _ip_in(namespace, theirs)


def pull(rack_dir: Path, spec: Spec, node: Node) -> None:
    """Take the machine's cables out at the switch; cables or a switch that are not there are no fault."""
    if not is_up(rack_dir):
        return
    commands = [f"link delete dev {port(spec, node, slot)}" for slot in range(len(node.nics))]
    _ip_in(handle(rack_dir), commands, force=True)


def main(arguments: list[str]) -> int:
    """The switch process: holds the namespace, and nothing else, until it is killed."""
    rack_dir = Path(arguments[0])
    spec = Spec.from_dict(json.loads((rack_dir / "spec.json").read_text()))
    kernel.unshare(kernel.CLONE_NEWNET)
    commands = ["link set dev lo up"]
    for network in spec.networks:
        name = bridge(spec, network.name)
        commands += [
            f"link add name {name} type bridge stp_state 0 forward_delay 0",
            f"address add {network.gateway}/{network.network.prefixlen} dev {name}",
            f"link set dev {name} up",
        ]
    run_ip(commands)
    publish(rack_dir)
    while True:
        signal.pause()


def publish(rack_dir: Path) -> None:
    """Let others find the namespace of this process: from now on the rack's network is up."""
    link = handle(rack_dir)
    temporary = link.with_name(f".{HANDLE}.{os.getpid()}")
    os.symlink(f"/proc/{os.getpid()}/ns/net", temporary)
    os.replace(temporary, link)
