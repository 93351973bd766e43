# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""What only shows when all machines are looked at together: copies, skew, clocks, names."""

from __future__ import annotations

import ipaddress
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.plugin_utils._preflight import FAIL, WARN, Finding, Machine, number

Check = Callable[[Sequence[Machine]], Iterator[Finding]]


def _shared(
    machines: Sequence[Machine], name: str, what: str, values: Callable[[Machine], set[str]], advice: str
) -> Iterator[Finding]:
    """One finding for every machine that has something that another one has too."""
    owners: dict[str, list[str]] = {}
    for machine in machines:
        for value in values(machine):
            owners.setdefault(value, []).append(machine.name)
    for machine in machines:
        for value in sorted(values(machine)):
            if others := [owner for owner in owners[value] if owner != machine.name]:
                found = f"{value}, which {_and(others)} has too" if len(others) == 1 else f"{value}, as {_and(others)}"
                yield Finding(machine.name, name, what, found, advice)


def _and(names: Sequence[str]) -> str:
    return ", ".join(names)


def copies(machines: Sequence[Machine]) -> Iterator[Finding]:
    """Machines that were installed from one image."""
    yield from _shared(
        machines,
        "machine_id_unique",
        "a machine-id of its own",
        lambda machine: {machine.facts["machine_id"]} - {None},
        "On a copy: rm /etc/machine-id && systemd-machine-id-setup, and reboot",
    )
    yield from _shared(
        machines,
        "host_keys_unique",
        "SSH host keys of its own",
        lambda machine: {f"{kind} {digest}" for kind, digest in machine.facts["host_keys"].items()},
        "On a copy: rm /etc/ssh/ssh_host_* && dpkg-reconfigure openssh-server",
    )
    yield from _shared(
        machines,
        "mac_unique",
        "MAC addresses of its own",
        # a virtual function that nobody has set up has none
        lambda machine: {nic["mac"] for nic in machine.facts["nics"] if nic["mac"] and nic["mac"].strip("0:")},
        "",
    )
    yield from _shared(machines, "address_unique", "addresses of its own", addresses, "")


def addresses(machine: Machine) -> set[str]:
    """What others could reach it by."""
    return {own["address"] for own in machine.facts["addresses"] if own["scope"] == "global"}


def skew(machines: Sequence[Machine]) -> Iterator[Finding]:
    """What differs from most; a release that is none of the supported ones has a finding already."""
    known = [one for one in machines if one.facts["debian"]["release"] in one.limits["debian_releases"]]
    yield from _alike(known, "debian_skew", "the Debian release", lambda machine: machine.facts["debian"]["release"])
    installed = [
        one for one in machines if one.facts["proxmox"]["installed"] and _major(one) in one.limits["proxmox_releases"]
    ]
    level = FAIL if len({_major(machine) for machine in installed}) > 1 else WARN
    yield from _alike(
        installed, "proxmox_skew", "the Proxmox VE release", lambda machine: machine.facts["proxmox"]["release"], level
    )
    # guests cannot be migrated while they run
    yield from _alike(
        machines, "cpu_vendor_skew", "the processor's maker", lambda machine: machine.facts["cpu"]["vendor"]
    )


def _major(machine: Machine) -> str:
    return (machine.facts["proxmox"]["release"] or "").partition(".")[0]


def _alike(
    machines: Sequence[Machine], name: str, what: str, value: Callable[[Machine], Any], level: str | None = None
) -> Iterator[Finding]:
    """A finding for each machine that differs from most, the first ones being right where there is no majority."""
    values = [value(machine) for machine in machines]
    if len(set(values)) > 1:
        usual = max(values, key=values.count)
        for machine, own in zip(machines, values, strict=True):
            if own != usual:
                others = [other.name for other, found in zip(machines, values, strict=True) if found == usual]
                yield Finding(machine.name, name, f"{what} of {_and(others)}, {usual}", str(own), level=level)


def clocks(machines: Sequence[Machine]) -> Iterator[Finding]:
    """Against the middle of all clocks, by more than could be the measurement's fault.

    Two clocks that differ do not tell which of them is wrong: then the controller's is the third.
    """
    known = [(machine, machine.clock) for machine in machines if machine.clock]
    if not known:
        return
    offsets = [clock["offset"] for _machine, clock in known]
    if len(known) > 2:
        middle = min((statistics.median_low(offsets), statistics.median_high(offsets)), key=abs)
        whose = "of the other machines"
    else:
        middle, whose = 0.0, "of the controller"
    doubt = min((clock["error"] for _machine, clock in known if clock["offset"] == middle), default=0.0)
    for machine, clock in known:
        apart = clock["offset"] - middle
        error = clock["error"] + doubt
        sure = abs(apart) - error
        limit = machine.limits["clock_fail_seconds"]
        if sure > min(limit, machine.limits["clock_warn_seconds"]):
            direction = "ahead" if apart > 0 else "behind"
            kept = _and(machine.facts["clock"]["services"]) or "nothing"
            yield Finding(
                machine.name,
                "clock_offset",
                f"a clock within {number(machine.limits['clock_warn_seconds'])} s {whose}",
                f"{abs(apart):.2f} s {direction} (± {error:.2f} s), kept in time by {kept}",
                level=FAIL if sure > limit else WARN,
            )


def names(machines: Sequence[Machine]) -> Iterator[Finding]:
    """What each machine takes the others' names and addresses for."""
    owner = {address: machine.name for machine in machines for address in addresses(machine)}
    called = {machine.declared["name"].lower(): machine.name for machine in machines}
    for machine in machines:
        yield from _forward(machine, owner, called)
        yield from _reverse(machine, owner, called)
        questions = {**machine.probe.get("names", {}), **machine.probe.get("addresses", {})}
        late = sorted(item for item, told in questions.items() if "no answer within" in (told["error"] or ""))
        if late:
            yield Finding(
                machine.name,
                "name_service",
                "answers from the name service",
                f"{questions[late[0]]['error']} for {_and(late)}",
                "Look at /etc/resolv.conf",
            )


def _forward(machine: Machine, owner: dict[str, str], called: dict[str, str]) -> Iterator[Finding]:
    for name, told in machine.probe.get("names", {}).items():
        whose = called.get(name.partition(".")[0].lower())
        if whose is None or told["answer"] is None:
            continue
        # 127.0.1.1 is how Debian installs a machine's own name; the role pve_host puts that right
        found = [address for address in told["answer"] if not ipaddress.ip_address(address).is_loopback]
        wrong = [address for address in found if owner.get(address) not in (None, whose)]
        strange = [address for address in found if address not in owner]
        kind = "name_own" if whose == machine.name else "name_forward"
        if wrong:
            text = f"{_and(wrong)}, which {owner[wrong[0]]} has"
            yield Finding(
                machine.name, kind, f"{name} to be an address of {whose}", text, "Look at /etc/hosts and the DNS"
            )
        elif strange and len(strange) == len(found):
            text = f"{_and(strange)}, which no machine has"
            yield Finding(
                machine.name, kind, f"{name} to be an address of {whose}", text, "Look at /etc/hosts and the DNS", WARN
            )
        elif not told["answer"] and whose != machine.name:
            yield Finding(machine.name, "name_unresolved", f"{name} to be an address of {whose}", "no address")


def _reverse(machine: Machine, owner: dict[str, str], called: dict[str, str]) -> Iterator[Finding]:
    for address, told in machine.probe.get("addresses", {}).items():
        whose = owner.get(address)
        if whose is None or told["answer"] is None:
            continue
        for name in told["answer"]:
            other = called.get(name.partition(".")[0].lower())
            if other not in (None, whose):
                yield Finding(
                    machine.name,
                    "name_reverse",
                    f"{address} to be called {whose}",
                    name,
                    "Look at /etc/hosts and the DNS",
                )


def ceph(machines: Sequence[Machine]) -> Iterator[Finding]:
    """Counted by the inventory: a machine that is down today, or left out by --limit, is no machine less."""
    with_osds = [machine for machine in machines if machine.osds]
    for machine in with_osds[:1]:
        wanted = machine.limits["ceph_nodes"]
        names = list(dict.fromkeys([*(other.name for other in with_osds), *machine.declared.get("ceph_hosts", [])]))
        if len(names) < wanted:
            found = f"{len(names)} ({_and(names)})"
            yield Finding(machine.name, "ceph_nodes", f"{number(wanted)} or more nodes with OSDs", found)


CHECKS: tuple[Check, ...] = (copies, skew, clocks, names, ceph)
