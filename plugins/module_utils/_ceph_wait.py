# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Waiting on Ceph's own state, with one deadline and what was last seen.

Each condition is also a function of what C(ceph status), C(health detail) and so on answered, for whoever has read it
already: it gives None when the condition is met, else the sentence for "last seen".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph, CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

INTERVAL = 1.0

# what ceph_health can be told to require, by the condition of CephWait
REQUIREMENTS = ("mons_quorum", "mgr_active", "osds_up", "pgs_clean", "mds_active")


class CephWait:
    """Waits that share one deadline. While Ceph does not answer at all, that is what was last seen."""

    def __init__(self, ceph: Ceph, deadline: Deadline | float) -> None:
        self.ceph = ceph
        self.deadline = deadline if isinstance(deadline, Deadline) else Deadline(deadline)

    def until(self, what: str, lacks: Callable[[], str | None], *, interval: float = INTERVAL) -> None:
        """Calls C(lacks) until it gives None. Raises Timeout."""

        def probe() -> tuple[bool, Any]:
            try:
                lack = lacks()
            except CephError as error:
                if not error.transient:
                    raise
                return False, str(error)
            return lack is None, lack

        self.deadline.until(what, probe, interval=interval)

    def quorum(self, names: Iterable[str] | None = None) -> None:
        """These monitors are in quorum, or all that the monitor map names."""
        wanted = None if names is None else list(names)
        what = f"the monitors {', '.join(wanted)} to be in quorum" if wanted else "all monitors to be in quorum"
        self.until(what, lambda: not_in_quorum(self.ceph.command("quorum_status"), wanted))

    def manager(self, name: str | None = None) -> None:
        """A manager is active, and the named one is active or a standby."""
        what = f"the manager {name} to be active or standby" if name else "a manager to be active"
        self.until(what, lambda: no_manager(self.ceph.command("mgr dump"), name))

    def osds(self, numbers: Collection[int] | None = None) -> None:
        """These OSDs, or all, are up and in."""
        what = f"the OSDs {', '.join(map(str, sorted(numbers)))}" if numbers else "all OSDs"
        self.until(f"{what} to be up and in", lambda: not_up(self.ceph.command("osd dump"), numbers))

    def pgs(self) -> None:
        """All placement groups are active and clean."""
        self.until("all placement groups to be active+clean", lambda: not_clean(self.ceph.command("status")))

    def mds(self, filesystem: str | None = None) -> None:
        """The file system, or each, has as many active metadata servers as it wants."""
        what = f"the file system {filesystem}" if filesystem else "each file system"
        self.until(f"{what} to have its active MDS", lambda: no_mds(self.ceph.command("fs dump"), filesystem))

    def health(self, accept: Collection[str] = ()) -> None:
        """HEALTH_OK, or only checks of these names."""
        what = "HEALTH_OK" + (f", or only {', '.join(sorted(accept))}" if accept else "")
        self.until(what, lambda: unhealthy(self.ceph.command("health", detail="detail"), accept))

    def require(self, name: str) -> None:
        """One of REQUIREMENTS."""
        {
            "mons_quorum": self.quorum,
            "mgr_active": self.manager,
            "osds_up": self.osds,
            "pgs_clean": self.pgs,
            "mds_active": self.mds,
        }[name]()


def not_in_quorum(status: Mapping[str, Any], names: Collection[str] | None = None) -> str | None:
    """Of C(quorum_status)."""
    quorum = set(status["quorum_names"])
    known = [mon["name"] for mon in status["monmap"]["mons"]]
    missing = [name for name in (known if names is None else names) if name not in quorum]
    if not missing:
        return None
    strangers = [name for name in missing if name not in known]
    note = f"; not in the monitor map: {', '.join(strangers)}" if strangers else ""
    return f"in quorum: {', '.join(sorted(quorum)) or 'none'}; not: {', '.join(missing)}{note}"


def no_manager(dump: Mapping[str, Any], name: str | None = None) -> str | None:
    """Of C(mgr dump)."""
    active = dump.get("active_name") or None
    standbys = [one["name"] for one in dump.get("standbys", [])]
    seen = f"active: {active or 'none'}; standby: {', '.join(sorted(standbys)) or 'none'}"
    if not (active and dump.get("available")):
        return f"{seen}; not available"
    return None if name is None or name in (active, *standbys) else seen


def not_up(dump: Mapping[str, Any], numbers: Collection[int] | None = None) -> str | None:
    """Of C(osd dump)."""
    osds = {int(one["osd"]): one for one in dump["osds"]}
    lacks = []
    for number in sorted(osds if numbers is None else numbers):
        one = osds.get(number)
        if one is None:
            lacks.append(f"osd.{number} does not exist")
        elif not (one["up"] and one["in"]):
            lacks.append(f"osd.{number} is {'up' if one['up'] else 'down'} and {'in' if one['in'] else 'out'}")
    return "; ".join(lacks) or None


def not_clean(status: Mapping[str, Any]) -> str | None:
    """Of C(status). What scrubs is clean all the same; without a manager the numbers are old."""
    if not status.get("mgrmap", {}).get("available", True):
        return "no manager is active that counts placement groups"
    states = status["pgmap"].get("pgs_by_state", [])
    bad = [one for one in states if not {"active", "clean"} <= set(one["state_name"].split("+"))]
    unknown = status["pgmap"].get("num_pgs", 0) - sum(one["count"] for one in states)
    lacks = [f"{one['count']} {one['state_name']}" for one in bad]
    return ", ".join(lacks + ([f"{unknown} without a state"] if unknown > 0 else [])) or None


def no_mds(dump: Mapping[str, Any], filesystem: str | None = None) -> str | None:
    """Of C(fs dump)."""
    lacks = []
    found = [one["mdsmap"] for one in dump["filesystems"] if filesystem in (None, one["mdsmap"]["fs_name"])]
    if filesystem and not found:
        return f"there is no file system {filesystem}"
    for one in found:
        active = sum(mds["state"] == "up:active" for mds in one["info"].values())
        if active < one["max_mds"]:
            states = ", ".join(f"{mds['name']} {mds['state']}" for mds in one["info"].values()) or "no MDS"
            lacks.append(f"{one['fs_name']}: {active} of {one['max_mds']} active ({states})")
    return "; ".join(lacks) or None


def unhealthy(health: Mapping[str, Any], accept: Collection[str] = ()) -> str | None:
    """Of C(health detail). Muted checks do not count, as for Ceph itself."""
    bad = [one for one in checks(health) if not one["muted"] and one["check"] not in accept]
    return "; ".join(f"{one['check']}: {one['summary']}" for one in bad) or None


def checks(health: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The checks of C(health detail): check, severity (HEALTH_WARN, HEALTH_ERR), summary, detail (list), muted."""
    return [
        {
            "check": name,
            "severity": one["severity"],
            "summary": one["summary"]["message"],
            "detail": [row["message"] for row in one.get("detail", [])],
            "muted": bool(one.get("muted")),
        }
        for name, one in sorted(health.get("checks", {}).items())
    ]
