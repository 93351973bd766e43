# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Whether OSDs can go without loss: by Ceph's own word, and before they are emptied, by what would be left.

After ceph, src/mgr/DaemonServer.cc (osd safe-to-destroy: EBUSY or EAGAIN with a sentence while it is not).
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import Ceph, CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._osd_cluster import Cluster, Osd


def not_safe(ceph: Ceph, numbers: Collection[int]) -> str | None:
    """None when Ceph says that these can be destroyed, else its sentence."""
    try:
        ceph.command("osd safe-to-destroy", ids=[str(number) for number in sorted(numbers)])
    except CephError as error:
        if error.errno not in (errno.EBUSY, errno.EAGAIN):
            raise
        return error.sentence or "placement groups are still on them"
    return None


def not_served(status: Mapping[str, Any]) -> str | None:
    """Of C(status): placement groups that nobody serves, or that miss objects. The dead OSD may have the last copy."""
    pgmap = status["pgmap"]
    bad = [
        f"{one['count']} {one['state_name']}"
        for one in pgmap.get("pgs_by_state", [])
        if "active" not in one["state_name"].split("+") or "unfound" in one["state_name"]
    ]
    if pgmap.get("unfound_objects"):
        bad.append(f"{pgmap['unfound_objects']} objects unfound")
    unknown = pgmap.get("num_pgs", 0) - sum(one["count"] for one in pgmap.get("pgs_by_state", []))
    return ", ".join(bad + ([f"{unknown} without a state"] if unknown > 0 else [])) or None


def unreachable(ceph: Ceph, cluster: Cluster, going: Collection[Osd]) -> Iterator[str]:
    """Why the others could never hold all data, so that waiting would be in vain."""
    if not going or not cluster.dump.get("pools"):
        return
    rules = {int(rule["rule_id"]): rule for rule in ceph.command("osd crush rule dump")}
    gone = {osd.number for osd in going}
    for pool in cluster.dump.get("pools", []):
        rule = rules.get(int(pool["crush_rule"]))
        need = _need(rule, int(pool["size"])) if rule else None
        if need is None:
            continue
        root, kind, count = need
        left = _places(cluster, root, kind, gone)
        if left < count:
            yield (
                f"the pool {pool['pool_name']} needs {count} of type {kind} with OSDs that are in, and without"
                f" {', '.join(sorted(osd.name for osd in going))} there are {left}"
            )
    yield from _full(ceph, cluster, gone)


def _need(rule: Mapping[str, Any], size: int) -> tuple[str, str, int] | None:
    """(root with its class, type of bucket, how many) of a rule that chooses once; None for others."""
    takes = [step["item_name"] for step in rule["steps"] if step["op"] == "take"]
    chooses = [step for step in rule["steps"] if step["op"].startswith("choose")]
    if len(takes) != 1 or len(chooses) != 1:
        return None
    number = int(chooses[0]["num"])
    return takes[0], chooses[0]["type"], number if number > 0 else size + number


def _places(cluster: Cluster, root: str, kind: str, gone: Collection[int]) -> int:
    """Buckets of a type below a root that have an OSD which is in and stays."""
    name, _tilde, wanted = root.partition("~")
    found: set[object] = set()
    for osd in cluster.osds.values():
        node = cluster.nodes.get(osd.number, {})
        if osd.number in gone or not osd.inside or not node.get("crush_weight", 0):
            continue
        if name in osd.location.values() and (not wanted or osd.device_class == wanted):
            found.add(osd.number if kind == "osd" else osd.location.get(kind))
    return len(found - {None})


def _full(ceph: Ceph, cluster: Cluster, gone: Collection[int]) -> Iterator[str]:
    rows: Sequence[Mapping[str, Any]] = ceph.command("osd df")["nodes"]
    inside = [row for row in rows if (osd := cluster.osds.get(int(row["id"]))) and osd.inside]
    left = sum(int(row["kb"]) for row in inside if int(row["id"]) not in gone)
    # without what BlueStore itself takes on each
    used = sum(int(row.get("kb_used_data", row["kb_used"])) for row in inside)
    limit = float(cluster.dump.get("nearfull_ratio", 0.85))
    if inside and used > left * limit:
        share = f"{used * 100 // left} %" if left else "more than all"
        yield f"the data would fill {share} of the OSDs that are left (limit: {limit:.0%})"
