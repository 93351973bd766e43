# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.
"""Single values that their type does not say enough about: settings of the host, times, what has to answer.

What the roles or their modules would refuse on the machine, as far as it can be told without one.
"""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _boot, _names
from ansible_collections.baremetal.proxmox.plugins.module_utils import _host_settings as _host
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError
from ansible_collections.baremetal.proxmox.plugins.module_utils._interfaces_check import MTU
from ansible_collections.baremetal.proxmox.plugins.plugin_utils import _net
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._findings import Finding, nearest
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._reading import Inventory
from ansible_collections.baremetal.proxmox.plugins.plugin_utils._specs import Place

_URL = re.compile(r"[a-z][a-z0-9+.-]*:/\S+")
# deb-version(7); apt takes NAME=VERSION, NAME/RELEASE and NAME:ARCHITECTURE
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?([=/]\S+)?")
# of ansible.builtin.get_url: digits, or where they are
_CHECKSUM = re.compile(r"[a-z0-9]+:([0-9a-fA-F]{32,}|[a-z]+:/\S+)")
_CHECK = re.compile(r"[A-Z][A-Z0-9_]+")
_SYSCTL = re.compile(r"-?[A-Za-z0-9_*][A-Za-z0-9_./*:-]*")

# Each value, or each of a list: what it has to look like
_FORMS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("pve_host_timezone", _host.ZONE, "a time zone such as Europe/Vienna"),
    ("pve_host_watchdog", _host.MODULE, "the name of a kernel module"),
    ("pve_host_modules", _host.MODULE, "the name of a kernel module"),
    ("pve_host_module_blacklist", _host.MODULE, "the name of a kernel module"),
    ("pve_host_ntp_servers", _host.ONE_LINE, "an address or a name, perhaps with options of chrony"),
    ("pve_host_packages", _PACKAGE, "the name of one Debian package"),
    ("pve_host_repository_url", _URL, "a URL"),
    ("pve_host_keyring_url", _URL, "a URL"),
    ("pve_host_keyring_checksum", _CHECKSUM, "a checksum as algorithm:digest"),
    ("pve_ceph_repository_url", _URL, "a URL"),
    ("pve_ceph_health_accept", _CHECK, "the name of a health check, such as OSDMAP_FLAGS"),
    ("pve_host_subscription_key", _names.SUBSCRIPTION, _names.SUBSCRIPTION_MEANING),
)
# vm.swappiness: Documentation/admin-guide/sysctl/vm.rst. Times: seconds
_RANGES: tuple[tuple[str, int, int | None], ...] = (
    ("pve_host_swappiness", 0, 200),
    ("pve_host_reboot_timeout", 1, None),
    ("pve_cluster_timeout", 1, None),
    ("pve_network_confirm_timeout", 1, None),
    ("pve_ceph_timeout", 1, None),
    ("pve_ceph_osds_timeout", 1, None),
    ("pve_ceph_drain_timeout", 1, None),
    ("pve_ceph_health_timeout", 1, None),
)


def forms(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        for variable, form, expected in _FORMS:
            value, place = host.get(variable), host.place(variable)
            several = isinstance(value, list)
            for index, one in enumerate(value) if several else [(0, value)]:
                if one is not None and not form.fullmatch(str(one).strip()):
                    yield (place.item(index) if several else place).wrong(expected, one)


def ranges(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        for variable, least, most in _RANGES:
            value = host.get(variable)
            if value is not None and not least <= value <= (value if most is None else most):
                expected = f"a number of {least} or more" if most is None else f"a number from {least} to {most}"
                yield host.place(variable).wrong(expected, value)


def zones(inventory: Inventory) -> Iterator[Finding]:
    """A zone that the controller does not know is perhaps one that the machine knows."""
    known = zoneinfo.available_timezones()
    for host in inventory if known else ():
        zone = host.get("pve_host_timezone")
        if zone and _host.ZONE.fullmatch(zone) and zone not in known:
            near = nearest(zone, known)
            expected = "a time zone that the controller knows as well" + (f" (nearest: {near})" if near else "")
            yield host.place("pve_host_timezone").finding(expected, f"'{zone}'", warning=True)


def kernel(inventory: Inventory) -> Iterator[Finding]:
    """Command line and options of modules."""
    for host in inventory:
        words = {name: host.get(f"pve_host_{name}", []) for name in ("cmdline", "cmdline_absent")}
        present, absent = ([word for word in some if word is not None] for some in words.values())
        for name, one in (("cmdline", _boot.Wish(present)), ("cmdline_absent", _boot.Wish((), absent))):
            yield from _refused(host.place(f"pve_host_{name}"), one.check)
        if both := [word for word in present if f"-{word}" in _boot.Wish((), absent).leftover([word])]:
            expected = "words that are not in pve_host_cmdline_absent"
            yield host.place("pve_host_cmdline").wrong(expected, " ".join(both))
        for name, text in host.get("pve_host_module_options", {}).items():
            place = host.place("pve_host_module_options").inside(name)
            if not _host.MODULE.fullmatch(str(name)):
                yield place.wrong("the name of a kernel module", str(name))
            if not isinstance(text, (str, int)) or not _host.ONE_LINE.fullmatch(str(text)):
                yield place.wrong("the options of the module in one line, such as 'ids=10de:1eb8'", text)


def _refused(place: Place, check: Callable[[], Any]) -> Iterator[Finding]:
    """The sentence C(NAME: expected X, found Y.) of a module as a finding."""
    try:
        check()
    except InputError as error:
        expected, _comma, found = error.message.partition(": expected ")[2].rpartition(", found ")
        yield place.finding(expected, found.rstrip("."))


def sysctl(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        for name, value in host.get("pve_host_sysctl", {}).items():
            place = host.place("pve_host_sysctl").inside(name)
            if not _SYSCTL.fullmatch(str(name)):
                yield place.wrong("the name of a kernel setting, such as net.ipv4.ip_forward", str(name))
            if isinstance(value, (list, dict)) or value is None or "\n" in str(value).strip():
                yield place.wrong("a number or a text in one line", value)


def zfs(inventory: Inventory) -> Iterator[Finding]:
    """Sizes; a maximum not above the minimum is ignored by ZFS."""
    for host in inventory:
        least, most = (host.get(f"pve_host_zfs_arc_{name}") for name in ("min", "max"))
        wrong = [
            finding
            for name, text in (("zfs_arc_min", least), ("zfs_arc_max", most))
            if text is not None
            for finding in _refused(host.place(f"pve_host_{name}"), partial(_host.number_of_bytes, name, text))
        ]
        yield from wrong
        if None in (least, most) or wrong:
            continue
        if 0 < _host.number_of_bytes("", most) <= _host.number_of_bytes("", least):
            yield host.place("pve_host_zfs_arc_max").wrong("more than pve_host_zfs_arc_min", most)


def pings(inventory: Inventory) -> Iterator[Finding]:
    for host in inventory:
        for place, ping in host.items("pve_network_confirm_pings"):
            if _net.address(ping["address"]) is None:
                yield place.inside("address").wrong("an IP address", ping["address"])
            if ping.get("mtu") is not None and ping["mtu"] not in MTU:
                yield place.inside("mtu").wrong(f"a number from {MTU.start} to {MTU.stop - 1}", ping["mtu"])


RULES = (forms, ranges, zones, kernel, sysctl, zfs, pings)
