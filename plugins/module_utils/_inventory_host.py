# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""A machine's own settings as variables: network, repositories, time, kernel, its place in the cluster.

Each is tried before it is told: what would change the machine that it was read from is left out, with a note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _apt, _boot, _interfaces_plan, _network_node
from ansible_collections.baremetal.proxmox.plugins.module_utils import _host_settings as _settings
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._inventory_tables import Found
from ansible_collections.baremetal.proxmox.plugins.module_utils._membership import Local
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._settings import Link, Settings
from ansible_collections.baremetal.proxmox.plugins.module_utils._settings import read as read_file

# pve-docs, pve-package-repos.adoc: by component, what the role calls the repository, and where it is
REPOSITORIES = {
    "pve-no-subscription": ("no-subscription", "http://download.proxmox.com/debian/pve"),
    "pve-enterprise": ("enterprise", "https://enterprise.proxmox.com/debian/pve"),
    "pve-test": ("test", "http://download.proxmox.com/debian/pve"),
    "pvetest": ("test", "http://download.proxmox.com/debian/pve"),
}
BACKUP_REPOSITORIES = {
    "pbs-no-subscription": ("no-subscription", "http://download.proxmox.com/debian/pbs"),
    "pbs-enterprise": ("enterprise", "https://enterprise.proxmox.com/debian/pbs"),
    "pbs-test": ("test", "http://download.proxmox.com/debian/pbs"),
    "pbstest": ("test", "http://download.proxmox.com/debian/pbs"),
}
CEPH_REPOSITORIES = {
    "no-subscription": "http://download.proxmox.com/debian/ceph-",
    "enterprise": "https://enterprise.proxmox.com/debian/ceph-",
    "test": "http://download.proxmox.com/debian/ceph-",
}
Entry = tuple[str, str, frozenset[str]]
MICROCODE = {"GenuineIntel": "intel-microcode", "AuthenticAMD": "amd64-microcode"}
# what the installer or the boot loader puts there
_OF_THE_LOADER = frozenset({"root", "boot", "BOOT_IMAGE", "initrd", "rootflags", "resume", "ro", "rw", "quiet"})


def network(node: _network_node.Node, found: Found) -> None:
    text, links = node.interfaces(), node.links()
    physical = [link.name for link in links.values() if link.physical]
    config, kept = _interfaces_plan.gathered(text, physical)

    def changes(some: Sequence[Mapping[str, Any]]) -> bool:
        made = _interfaces_plan.plan(text, some, overridden=False, physical=physical, known=list(links))
        return bool(made.text != text or made.findings)

    if changes(config):
        for item in [item for item in config if changes([item])]:
            config.remove(item)
            found.notes.append(f"pve_network_interfaces: {item['name']} would be written anew, so it is left out")
    if config and changes(config):
        found.notes.append("pve_network_interfaces: the file would be written anew, so all are left out")
        config = []
    for name, lines in sorted(kept.items()):
        found.notes.append(f"pve_network_interfaces: {name}: no option for: {'; '.join(lines)}. The lines stay")
    found.add("pve_network_interfaces", config)


def settings(machine: Machine, found: Found) -> None:
    """The variables pve_host_X of what the module node_settings knows."""
    known = _read_settings(machine)
    for names in _settings.TOGETHER:
        values = {name: known[name] for name in names if name in known}
        try:
            parts = _settings.parts(values, _settings.Context(machine, check=True))
            result = Settings(machine, parts).result(check=True)
            differs = result["changed"] or result["not_in_force"] or any(part.pending for part in parts)
        except ProxmoxError:
            differs = True
        for name, value in values.items():
            if differs:
                found.notes.append(f"pve_host_{name}: {value} is not what is in force, so it is left out")
            else:
                found.add(f"pve_host_{name}", value)


def _read_settings(machine: Machine) -> dict[str, Any]:
    """What the files say. Those of the collection are read back; Proxmox's own where there is just one."""
    zone = read_file(machine, "/etc/localtime")
    servers = [re.sub(r"^server (\S+) iburst$", r"\1", line) for line in _lines(machine, _settings.CHRONY_SOURCES)]
    options, blacklist = {}, []
    for line in _lines(machine, _settings.MODPROBE):
        word, _blank, rest = line.partition(" ")
        if word == "options":
            options[rest.partition(" ")[0]] = rest.partition(" ")[2]
        elif word == "blacklist":
            blacklist.append(rest)
    kernel = dict(re.split(r"\s*=\s*", line, maxsplit=1) for line in _lines(machine, _settings.SYSCTL))
    swappiness = kernel.pop("vm.swappiness", None)
    arc = dict(re.findall(r"\b(zfs_arc_(?:min|max))=(\d+)", machine.read(_settings.ZFS) or ""))
    watchdog = re.findall(r"^\s*WATCHDOG_MODULE=(\S+)", machine.read(_settings.HA_DEFAULTS) or "", re.MULTILINE)
    swap = read_file(machine, _settings.SWAP)
    found = {
        "timezone": zone.target.partition("/zoneinfo/")[2] if isinstance(zone, Link) else "",
        "ntp_servers": servers,
        "cmdline": _command_line(machine),
        "modules": _lines(machine, _settings.MODULES),
        "module_options": options,
        "module_blacklist": blacklist,
        "sysctl": kernel,
        "swappiness": int(swappiness) if swappiness else None,
        "swap": "off" if swap == Link("/dev/null") else "",
        "zfs_arc_max": arc.get("zfs_arc_max"),
        "zfs_arc_min": arc.get("zfs_arc_min"),
        "watchdog": watchdog[-1].strip("\"'") if watchdog else "",
        "unattended_upgrades": "security" if machine.read(_settings.UNATTENDED) else "",
    }
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _lines(machine: Machine, path: str) -> list[str]:
    lines = (line.strip() for line in (machine.read(path) or "").splitlines())
    return [line for line in lines if line and not line.startswith(("#", "//"))]


def _command_line(machine: Machine) -> list[str]:
    if machine.container():
        return []
    try:
        words = _boot.loader(machine).words
    except ProxmoxError:
        return []
    return [word for word in words if _boot.key(word) not in _OF_THE_LOADER]


def repositories(machine: Machine, about: Mapping[str, Any], found: Found) -> None:
    """Where packages come from, if the role would leave apt's files as they are. C(about): what Machine.host tells."""
    release = about["debian"]["release"]
    sources = _apt.Sources(str(machine.path("/etc/apt")))
    entries = _entries(sources)
    ceph = [entry for entry in entries if "/debian/ceph-" in entry[0]]
    packages = machine.packages(["ceph-base", *MICROCODE.values()])
    strange = [entry for entry in ceph if entry[0].startswith("https://enterprise.") and not packages["ceph-base"]]
    name = _repository("pve_host", REPOSITORIES, entries, strange, release, found)
    if name is None:
        return
    package = MICROCODE.get(str(about["cpu"]["vendor"]))
    if package and not about["cpu"]["virtual"] and not about["container"]:
        _apt.complete(sources, release, ["non-free-firmware"])
        if packages[package] is None or sources.changed():
            found.variables["pve_host_microcode"] = False
    _ceph_repository(ceph, name, release, found)


def backup_repository(machine: Machine, about: Mapping[str, Any], found: Found) -> None:
    """The same for a backup server."""
    entries = _entries(_apt.Sources(str(machine.path("/etc/apt"))))
    _repository("pbs_server", BACKUP_REPOSITORIES, entries, [], about["debian"]["release"], found)


def _entries(sources: _apt.Sources) -> list[Entry]:
    return [entry for _path, _index, some in sources.entries() for entry in some]


def _repository(
    role: str,
    known: Mapping[str, tuple[str, str]],
    entries: Sequence[Entry],
    strange: Sequence[Entry],
    release: str | None,
    found: Found,
) -> str | None:
    """What the role calls the one repository that there is; None if it has to leave apt alone."""
    own = [entry for entry in entries if set(entry[2]) & set(known)]
    fits = len(own) == 1 and len(own[0][2]) == 1 and own[0][1] == release
    name, url = known[next(iter(own[0][2]))] if fits else ("none", "")
    if name == "none" or (strange and name != "enterprise"):
        seen = "; ".join(f"{uri} {suite} {' '.join(sorted(parts))}" for uri, suite, parts in [*own, *strange]) or "none"
        found.notes.append(f"{role}_repository: expected one of Proxmox's, found {seen}; apt's files are left alone")
        found.add(f"{role}_repository", "none")
        return None
    # the role's default
    if name != "no-subscription":
        found.add(f"{role}_repository", name)
    if own[0][0] != url:
        found.add(f"{role}_repository_url", own[0][0])
    return name


def _ceph_repository(entries: Sequence[Entry], host: str, release: str | None, found: Found) -> None:
    if not entries:
        return
    uri, suite, components = entries[0]
    name = next(iter(components))
    line = re.search(r"/debian/ceph-([a-z]+)$", uri)
    if len(entries) > 1 or len(components) > 1 or name not in CEPH_REPOSITORIES or suite != release or line is None:
        found.notes.append("pve_ceph_repository: expected one repository of Ceph, found others; they are left alone")
        found.add("pve_ceph_repository", "manual")
        return
    found.add("pve_ceph_release", line[1])
    if name != host:
        found.add("pve_ceph_repository", name)
    if uri != CEPH_REPOSITORIES[name] + line[1]:
        found.add("pve_ceph_repository_url", uri)


def membership(local: Local, found: Found) -> None:
    """Links and votes of this machine; the cluster's name."""
    conf = local.known_conf
    own = conf.nodes.get(local.hostname) if conf else None
    if conf is None or own is None:
        return
    links = []
    for number, address in sorted(own.links.items()):
        priority = conf.priorities.get(number, 0)
        links.append({"number": number, "address": address, **({"priority": priority} if priority else {})})
    found.add("pve_cluster_name", conf.name)
    found.add("pve_cluster_links", links)
    if own.votes != 1:
        found.add("pve_cluster_votes", own.votes)


def certificate(machine: Machine, found: Found) -> None:
    """PVE/CertHelpers.pm: what pveproxy shows instead of the cluster's."""
    if machine.lstat("/etc/pve/local/pveproxy-ssl.pem"):
        found.notes.append("pve_certificate_pem: the node has a certificate for its interface; it stays as it is")


def who(about: Mapping[str, Any]) -> dict[str, Any]:
    """What the inventory may have to say of the name: {hostname, domain, resolves_to}."""
    name, _dot, domain = str(about["fqdn"]).partition(".")
    return {
        "hostname": about["hostname"],
        "domain": domain if name == about["hostname"] else "",
        "resolves_to": [one for one in about["resolves_to"] if not one.startswith("fe80:")],
    }
