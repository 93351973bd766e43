"""OSDs: making, listing as the CRUSH tree, removing (PVE/API2/Ceph/OSD.pm)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import paths
from ..cluster import say, warn
from ..errors import Failure, bad_parameters
from ..text import truth
from . import backend, conf, disks, network, node, rados, services

_KINDS = ("dev", "db_dev", "wal_dev")


def assert_network() -> None:
    """The node must have an address where the OSDs talk to each other."""
    settings = conf.read().get("global", {})
    wanted = settings.get("cluster_network") or settings.get("public_network")
    if wanted and not network.local_addresses(wanted):
        raise Failure(
            f"No address from ceph cluster network ({wanted}) found on node '{paths.node_name()}'. "
            "Check your network config."
        )


def devices(params: dict[str, Any]) -> dict[str, str]:
    """Kind (dev, db_dev, wal_dev) → device, each used once."""
    found: dict[str, str] = {}
    for kind in _KINDS:
        if params.get(kind):
            device = disks.verify(str(params[kind]))
            if device in found.values():
                raise bad_parameters({kind: f"cannot chose '{device}' for more than one type."})
            found[kind] = device
    return found


def check(wanted: dict[str, str]) -> dict[str, disks.Disk]:
    """The disks, if all of them may be used."""
    found = {kind: disks.inspect(device) for kind, device in wanted.items()}
    for kind, disk in found.items():
        if disk is None:
            suffix = "" if kind == "dev" else f" for type {kind}"
            raise Failure(f"unable to get device info for '{wanted[kind]}'{suffix}")
        if kind == "dev" and disk.used:
            raise Failure(f"device '{disk.path}' is already in use", 25)
        if kind != "dev" and disk.used == "partitions" and not disk.gpt:
            raise Failure(f"device '{disk.path}' is not GPT partitioned")
        if kind != "dev" and disk.used not in (None, "partitions", "LVM"):
            raise Failure(f"device '{disk.path}' is already in use and has no LVM on it")
    return {kind: disk for kind, disk in found.items() if disk}


def bootstrap_keyring(mon: rados.Rados) -> None:
    file = paths.at(node.BOOTSTRAP_OSD)
    if file.is_file() or conf.read().get("global", {}).get("auth_client_required", "cephx") == "none":
        return
    caps = ["mon", "allow profile bootstrap-osd"]
    node.write_owned(
        node.BOOTSTRAP_OSD,
        mon.mon_command("auth get-or-create", entity="client.bootstrap-osd", caps=caps, format="plain"),
    )


def create(wanted: dict[str, str], params: dict[str, Any]) -> None:
    with disks.lock():
        found = check(wanted)
        disk = found["dev"]
        say(f"create OSD on {disk.path} (bluestore)")
        wish = backend.Wish(
            disk,
            encrypted=truth(params.get("encrypted")),
            device_class=params.get("crush-device-class"),
            count=int(params["osds-per-device"]) if params.get("osds-per-device") else None,
        )
        for kind, share in (("db", 10), ("wal", 100)):
            if f"{kind}_dev" in found:
                size = _size(params, kind, disk.size // share)
                wish = replace(wish, **{kind: (found[f"{kind}_dev"], size)})
        backend.chosen().create(wish)


def _size(params: dict[str, Any], kind: str, otherwise: int) -> int:
    """Bytes: as asked for (GiB), else Ceph's own setting, else a share of the OSD."""
    given = params.get(f"{kind}_dev_size")
    if given:
        return int(float(given) * 2**30)
    name = f"bluestore_block_{kind}_size"
    with rados.connect() as mon:
        stored = mon.mon_command("config-key dump", key="config/") or {}
    written = conf.read()
    for source in (
        stored.get(f"config/osd/{name}"),
        stored.get(f"config/global/{name}"),
        written.get("osd", {}).get(name),
        written.get("global", {}).get(name),
    ):
        if source:
            return int(source)
    return otherwise


# -- what there is


def states(mon: rados.Rados) -> tuple[dict[int, dict[str, Any]], str]:
    """(id → entry of the OSD map, the map's flags)."""
    dump = mon.mon_command("osd dump")
    return {entry["osd"]: entry for entry in dump.get("osds", [])}, dump.get("flags", "")


def state(mon: rados.Rados, ident: int) -> dict[str, Any]:
    known = states(mon)[0]
    if ident not in known:
        raise Failure(f"no such OSD '{ident}'")
    return known[ident]


def tree(mon: rados.Rados) -> dict[str, Any]:
    """The answer of GET …/osd: the CRUSH tree with what is known of each OSD, and the flags."""
    rows = (mon.mon_command("osd df", output_method="tree") or {}).get("nodes")
    if rows is None:
        raise Failure("no tree nodes found")
    if not rows:
        raise Failure("no root node")
    known, flags = states(mon)
    usage = mon.mon_command("pg dump", dumpcontents=["osds"])
    stats = {entry["osd"]: entry for entry in (usage["osd_stats"] if isinstance(usage, dict) else usage)}
    metadata = {entry["id"]: entry for entry in mon.mon_command("osd metadata")}
    versions = services.told("ceph-versions")
    return assemble(rows, known, stats, metadata, versions, flags)


def assemble(
    rows: list[dict[str, Any]],
    known: dict[int, dict[str, Any]],
    stats: dict[int, dict[str, Any]],
    metadata: dict[int, dict[str, Any]],
    versions: dict[str, Any],
    flags: str,
) -> dict[str, Any]:
    """`tree` from the monitors' answers, each by OSD id."""
    entries: dict[int, dict[str, Any]] = {}
    for row in rows:
        ident = row["id"]
        wanted = ("id", "name", "type", "status", "crush_weight", "reweight", "device_class", "pgs")
        entry = {key: row[key] for key in wanted if row.get(key) is not None}
        # Proxmox compares the id as a number and shows the one that it printed: a string.
        entry["id"] = str(ident)
        if ident in known:
            entry["in"] = known[ident]["in"]
        if ident in stats:
            entry |= _usage(stats[ident])
        if row["type"] == "osd" and ident in metadata:
            entry |= _described(metadata[ident])
        entries[ident] = entry
    children: set[int] = set()
    kinds = {row["id"]: row["type"] for row in rows}
    for row in rows:
        entry = entries[row["id"]]
        if row.get("children"):
            children |= set(row["children"])
            entry["leaf"] = 0
            entry["children"] = [entries[child] for child in row["children"]]
            if row["type"] == "host":
                for child in row["children"]:
                    if kinds[child] == "osd":
                        entries[child]["host"] = row["name"]
        else:
            entry["leaf"] = int(row["id"] >= 0)
        if row["type"] == "host":
            entry["version"] = versions.get(row["name"], {}).get("version", {}).get("str")
    roots = [entries[row["id"]] for row in rows if row["id"] not in children]
    return {"root": {"leaf": 0, "children": roots}, **({"flags": flags} if flags else {})}


def _usage(stat: dict[str, Any]) -> dict[str, Any]:
    total, used = (stat.get("kb") or 1) * 1024, (stat.get("kb_used") or 0) * 1024
    latency = stat.get("perf_stat") or {}
    return {
        "total_space": total,
        "bytes_used": used,
        "percent_used": used * 100 / total,
        **{key: latency[key] for key in ("commit_latency_ms", "apply_latency_ms") if key in latency},
    }


def _described(metadata: dict[str, Any]) -> dict[str, Any]:
    found = {key: metadata[key] for key in ("ceph_version", "ceph_version_short") if metadata.get(key)}
    if not truth(metadata.get("bluefs")):
        return {**found, "osdtype": "filestore"}
    return {
        **found,
        "osdtype": "bluestore",
        "blfsdev": metadata.get("bluestore_bdev_dev_node"),
        "dbdev": metadata.get("bluefs_db_dev_node"),
        "waldev": metadata.get("bluefs_wal_dev_node"),
    }


# -- removing


def belongs(rows: list[dict[str, Any]], name: str, ident: int) -> bool:
    """Whether the CRUSH tree has the OSD below the node."""
    return any(row["type"] == "host" and row["name"] == name and ident in row.get("children", []) for row in rows)


def assert_removable(mon: rados.Rados, name: str, ident: int) -> None:
    if not belongs((mon.mon_command("osd tree") or {}).get("nodes", []), name, ident):
        where = "at /usr/share/perl5/PVE/API2/Ceph/OSD.pm line 1008."
        raise Failure(f"OSD osd.{ident} does not belong to node {name}! {where}")
    found = state(mon, ident)
    if found["in"]:
        raise Failure("osd is in use (in == 1)")
    if found["up"]:
        raise Failure("osd is still running (up == 1)")


def destroy(daemon: int, cleanup: bool) -> None:
    section = f"osd.{daemon}"
    with rados.connect(rados.LONG) as mon:
        say(f"destroy OSD {section}")
        try:
            services.command("stop", section)
            services.command("disable", section)
        except Failure as error:
            warn(error.message)
        say(f"Remove {section} from the CRUSH map")
        mon.mon_command("osd crush remove", name=section, format="plain")
        say(f"Remove the {section} authentication key.")
        mon.mon_command("auth del", entity=section, format="plain")
        say(f"Remove OSD {section}")
        mon.mon_command("osd rm", ids=[section], format="plain")
        say(f"Remove {section} mclock max capacity iops settings from config")
        for kind in ("ssd", "hdd"):
            mon.mon_command("config rm", who=section, name=f"osd_mclock_max_capacity_iops_{kind}")
        try:
            backend.chosen().remove(str(daemon), cleanup=cleanup)
        except Failure as error:
            warn(error.message)
