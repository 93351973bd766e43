# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What a machine has to do with its network: its NICs, its tools, its files. Reads only."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli, _errors, _interfaces_file
from ansible_collections.baremetal.proxmox.plugins.module_utils import _interfaces_words as _words

INTERFACES = "/etc/network/interfaces"
# PVE::INotify shadowfiles; pvenetcommit.service moves it into place at the next boot
PENDING = "/etc/network/interfaces.new"
IFUPDOWN2_CONFIG = "/etc/network/ifupdown2/ifupdown2.conf"
IP_LINK = _cli.Command(("ip", "-details", "-json", "link", "show"))
SYNTAX_CHECK = _cli.Command(("ifup", "--all", "--syntax-check", "--interfaces"), ("file",), ok=tuple(range(256)))
# PVE::IPRoute2 ip_link_is_physical takes what has no kind; containers have these for NICs
CONTAINER_NICS = ("veth", "macvlan", "ipvlan")


@dataclasses.dataclass(frozen=True)
class Link:
    """A network device: C(mac) is the permanent one, C(pci) the path of the card, None if it is on no PCI bus."""

    name: str
    mac: str
    kind: str | None
    pci: str | None
    ether: bool

    @property
    def physical(self) -> bool:
        return self.ether and (
            self.kind is None or (self.kind in CONTAINER_NICS and bool(_words.NIC.fullmatch(self.name)))
        )


class Node:
    """The machine below C(root), which only tests set."""

    def __init__(self, cli: _cli.Cli | None = None, root: Path = Path("/")) -> None:
        self.cli = cli or _cli.Cli()
        self.root = root

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def interfaces(self) -> str:
        try:
            return self.path(INTERFACES).read_text()
        except FileNotFoundError:
            return ""

    def links(self) -> dict[str, Link]:
        found = json.loads(self.cli.run(IP_LINK).stdout)
        return {entry["ifname"]: self._link(entry) for entry in found}

    def _link(self, entry: Mapping[str, Any]) -> Link:
        info = entry.get("linkinfo") or {}
        permanent = (info.get("info_slave_data") or {}).get("perm_hwaddr") or entry.get("permaddr")
        device = self.path(f"/sys/class/net/{entry['ifname']}/device")
        # a virtio NIC hangs below the PCI device that counts
        parts = str(device.resolve()).split("/") if device.exists() else []
        pci = [part for part in parts if re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", part)]
        return Link(
            entry["ifname"],
            (permanent or entry.get("address") or "").lower(),
            info.get("info_kind"),
            pci[-1] if pci else None,
            entry.get("link_type") == "ether",
        )

    def missing(self, config: Sequence[Mapping[str, Any]]) -> list[str]:
        """Debian packages that the change needs and that are not here."""
        needed = {"ifupdown2": "/usr/share/ifupdown2", "iputils-ping": "/usr/bin/ping"}
        if any(_words.type_of(item).startswith("OVS") for item in config):
            needed["openvswitch-switch"] = "/usr/bin/ovs-vsctl"
        if any("dhcp" in (item.get("method"), item.get("method6")) for item in config):
            # the only client that ifupdown2 knows
            needed["isc-dhcp-client"] = "/usr/sbin/dhclient"
        return [package for package, path in needed.items() if not self.path(path).exists()]

    def findings(self, config: Sequence[Mapping[str, Any]]) -> list[str]:
        """What stands against changing anything here, each as C(expected ..., found ...)."""
        found = self._foreign()
        sourced = self.sourced()
        found += [
            f"expected {item['name']} in {INTERFACES} alone, found it in {sourced[item['name']]} too. Remove it there."
            for item in config
            if item["name"] in sourced
        ]
        if self.path(PENDING).exists():
            found.append(
                f"expected no unapplied change, found {PENDING}, which Proxmox's GUI or pve-network-interface-pinning left and"
                " which would replace this change at the next boot. Apply or revert it there."
            )
        settings = self._settings()
        if settings.get("use_daemon", "no") in ("yes", "1"):
            found.append(f"expected use_daemon=no in {IFUPDOWN2_CONFIG}, found '{settings['use_daemon']}'")
        file = settings.get("default_interfaces_configfile", INTERFACES)
        if file != INTERFACES:
            found.append(f"expected default_interfaces_configfile={INTERFACES} in {IFUPDOWN2_CONFIG}, found '{file}'")
        return found

    def sourced(self) -> dict[str, str]:
        """Interfaces in the files that the file takes in, by name, with the file; those of SDN are Proxmox's."""
        found: dict[str, str] = {}
        for line in _interfaces_file.parse(self.interfaces()).lines:
            words = line.text.split()
            if len(words) != 2 or words[0] not in ("source", "source-directory"):
                continue
            pattern = words[1] if words[1].startswith("/") else f"/etc/network/{words[1]}"
            pattern += "/*" if words[0] == "source-directory" else ""
            for path in sorted(self.root.glob(pattern.lstrip("/"))):
                if path.is_file() and path.name != "sdn":
                    names = re.findall(r"^\s*iface\s+(\S+)", path.read_text(errors="replace"), re.MULTILINE)
                    found |= dict.fromkeys(names, "/" + str(path.relative_to(self.root)))
        found.pop("lo", None)
        return found

    def _settings(self) -> dict[str, str]:
        path = self.path(IFUPDOWN2_CONFIG)
        lines = path.read_text().splitlines() if path.exists() else []
        pairs = (line.partition("=") for line in lines if not line.lstrip().startswith("#") and "=" in line)
        return {name.strip(): value.strip() for name, _equals, value in pairs}

    def _foreign(self) -> list[str]:
        """Others that configure the network. Two at once give a machine that is there until its next boot."""
        found = []
        for what, patterns in (
            ("netplan", ("/etc/netplan/*.yaml",)),
            ("systemd-networkd", ("/etc/systemd/network/*.network", "/run/systemd/network/*.network")),
            ("NetworkManager", ("/etc/NetworkManager/system-connections/*.nmconnection",)),
        ):
            files = sorted(
                "/" + str(path.relative_to(self.root)) for text in patterns for path in self.root.glob(text.lstrip("/"))
            )
            if files:
                found.append(
                    f"expected nothing but {INTERFACES} to configure the network, found {what} with {', '.join(files)}."
                    f" Write its settings into {INTERFACES}, remove these files, and reboot."
                )
        return found

    def syntax(self, text: str) -> list[str]:
        """What ifupdown2's own check says against a file; empty if it accepts it. Touches nothing."""
        with tempfile.NamedTemporaryFile("w", prefix="interfaces-", suffix=".candidate") as file:
            file.write(text)
            file.flush()
            output = self.cli.run(SYNTAX_CHECK, file=file.name)
            said = [line.strip() for line in (output.stdout + output.stderr).splitlines()]
        # its warnings are no verdict: it warns of every OVS interface, and of a bridge that Proxmox writes without ports
        errors = [line.replace(file.name, INTERFACES) for line in said if "error:" in line]
        return errors or (
            [f"exit code {output.rc}"] if output.rc and not any("warning:" in line for line in said) else []
        )


def resolve(config: Sequence[Mapping[str, Any]], links: Mapping[str, Link]) -> tuple[list[dict[str, Any]], list, dict]:
    """Finds the NICs that are meant by C(match).

    Gives C(config) with names to write, findings as of _interfaces_check, and the renames: by new name the link that gets
    it. Without C(pin) the item takes the name that its NIC has, wherever the list uses its own.
    """
    findings: list[tuple[str, str, str]] = []
    names: dict[str, str] = {}
    renames: dict[str, Link] = {}
    for item in config:
        match = item.get("match")
        if not match:
            continue
        key, value = next((key, str(value).lower()) for key, value in match.items() if value)
        fitting = [link for link in links.values() if link.physical and getattr(link, key) == value]
        if len(fitting) != 1:
            have = ", ".join(f"{link.name} {getattr(link, key)}" for link in links.values() if link.physical) or "none"
            many = f"{len(fitting)} of them" if fitting else "none"
            findings.append((f"[{item['name']}].match", f"one NIC with {key} '{value}' ({have})", many))
        elif item.get("pin"):
            renames[item["name"]] = fitting[0]
        elif fitting[0].name != item["name"]:
            names[item["name"]] = fitting[0].name
    for name, link in renames.items():
        holder = links.get(name)
        if holder and holder.name != link.name and holder.name not in {other.name for other in renames.values()}:
            findings.append(
                (f"[{name}].name", "a name that no other device has", f"'{name}', which is {holder.mac or holder.kind}")
            )
    return [_words.renamed(item, names) for item in config], findings, renames


def require_root() -> None:
    if os.geteuid() != 0:
        raise _errors.InputError("The network is root's.", hint="Set become: true.")
