"""Ceph's daemons as the nodes know them (PVE/Ceph/Services.pm).

Every node tells the others which it has (the values ceph-mon, ceph-mgr, ceph-mds, ceph-osd, ceph-versions of pmxcfs).
"""

from __future__ import annotations

import json
import re
import shutil
import time
from typing import Any

from .. import paths, pvefiles
from ..cfs import ipc
from ..cluster import run, say, warn
from ..errors import Failure
from . import conf as ceph_conf
from . import node, rados

TYPES = ("mds", "mgr", "mon", "osd")
Services = dict[str, dict[str, Any]]
_TOLD = "/run/pve-standin/ceph-told"
_TOLD_SECONDS = 10


def flag(value: object) -> bool | int:
    """A boolean as Proxmox answers it: 8.4 with a number."""
    return bool(value) if paths.release()[0] >= 9 else int(bool(value))


def local() -> dict[str, Services]:
    """Type → id → {service: enabled, direxists} on this node."""
    found: dict[str, Services] = {kind: {} for kind in TYPES}
    for kind in TYPES:
        for base in ("/etc/systemd/system", "/run/systemd/system"):
            for unit in sorted(paths.at(f"{base}/ceph-{kind}.target.wants").glob(f"ceph-{kind}@*.service")):
                ident = unit.name.removeprefix(f"ceph-{kind}@").removesuffix(".service")
                found[kind].setdefault(ident, {})["service"] = flag(True)
        for directory in sorted(paths.at(f"/var/lib/ceph/{kind}").glob("*-*")):
            found[kind].setdefault(directory.name.split("-", 1)[1], {})["direxists"] = flag(True)
    return found


def broadcast() -> None:
    for kind, services in local().items():
        _tell(f"ceph-{kind}", json.dumps(services, sort_keys=True))


def broadcast_version() -> None:
    known = node.version()
    if known:
        value = {"version": {"str": known[0], "parts": re.split(r"[.-]", known[0])}, "buildcommit": known[1]}
        _tell("ceph-versions", json.dumps(value, sort_keys=True))


def _tell(key: str, value: str) -> None:
    try:
        if ipc.get(paths.node_name(), key) != value:
            ipc.put(key, value)
    except OSError as error:
        warn(f"broadcasting {key} failed: {error}")


def told(key: str) -> dict[str, Any]:
    """Node → what it told last under the key."""
    found = {}
    for name in pvefiles.node_names():
        try:
            value = ipc.get(name, key)
        except OSError:
            continue
        if value:
            found[name] = json.loads(value)
    return found


def refresh() -> None:
    """What pvestatd does every ten seconds; here it happens when somebody asks, as seldom.

    A directory that was removed by hand is a monitor for up to ten seconds more.
    """
    stamp = paths.at(_TOLD)
    if not node.installed() or (stamp.exists() and time.time() - stamp.stat().st_mtime < _TOLD_SECONDS):
        return
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.touch()
    broadcast()
    broadcast_version()


def command(action: str, service: str | None = None) -> None:
    """systemctl for `mon.ID`, `mon`, or everything of Ceph."""
    match = re.fullmatch(rf"(mon|osd|mds|mgr|radosgw)(?:\.({node.SERVICE_ID}))?", service or "")
    unit = "ceph.target"
    if match:
        unit = f"ceph-{match[1]}@{match[2]}" if match[2] else f"ceph-{match[1]}.target"
    run("/bin/systemctl", action, unit)


def information(kind: str, conf: ceph_conf.Conf, mon: rados.Rados | None) -> Services:
    """Id → what the nodes, ceph.conf and the monitors know of the services of one type.

    One that no node has told of is not there, whatever ceph.conf and the monitors know of it.
    """
    result: Services = {}
    for host, services in sorted(told(f"ceph-{kind}").items()):
        for ident, service in sorted(services.items()):
            state = "stopped" if service.get("service") else "unknown"
            result[ident] = {**service, "host": host, "name": ident, "state": state}
    for section, values in conf.items():
        if section.startswith(f"{kind}."):
            service = result.get(section.split(".", 1)[1], {})
            _fill(
                service,
                addr=values.get(f"{kind}_addr") or values.get("public_addr") or values.get("host"),
                host=values.get("host"),
            )
    for entry in (mon.mon_command(f"{kind} metadata") or []) if mon else []:
        service = result.get(str(entry.get("name", entry.get("id"))), {})
        service.update({key: entry.get(key) for key in ("ceph_version", "ceph_version_short")})
        _fill(service, host=entry.get("hostname"), addr=entry.get("addr"))
    return result


def _fill(service: dict[str, Any], **values: Any) -> None:
    for key, value in values.items():
        if service.get(key) is None:
            service[key] = value


def listed(services: Services) -> list[dict[str, Any]]:
    """As an answer: a list with the names in it."""
    return [{**service, "name": name} for name, service in services.items()]


# -- metadata servers


def mds_states(mon: rados.Rados) -> Services:
    """Name → addr, rank, standby_replay, state, and the file system of those that have one."""
    fsmap = mon.mon_command("mds stat")["fsmap"]
    none = {} if paths.release()[0] >= 9 else {"fs_name": None}
    found = {entry["name"]: {**_mds_state(entry), **none} for entry in fsmap["standbys"]}
    for filesystem in fsmap["filesystems"]:
        for entry in filesystem["mdsmap"]["info"].values():
            found[entry["name"]] = {**_mds_state(entry), "fs_name": filesystem["mdsmap"]["fs_name"]}
    return found


def _mds_state(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        **{key: entry.get(key) for key in ("addr", "rank", "state")},
        "standby_replay": flag(entry.get("standby_replay")),
    }


def mds_active(mon: rados.Rados, filesystem: str) -> bool:
    return any(
        state["state"] == "up:active" and state.get("fs_name") == filesystem for state in mds_states(mon).values()
    )


def create_mds(ident: str, mon: rados.Rados) -> None:
    if ident.isdigit():
        raise Failure(f"ID: {ident}, numeric only IDs are not supported")
    directory = f"/var/lib/ceph/mds/ceph-{ident}"
    if paths.at(directory).is_dir():
        raise Failure(f"ceph MDS directory '{directory}' already exists")
    say(f"creating MDS directory '{directory}'")
    paths.at(directory).mkdir(parents=True)
    say(f"creating keys for 'mds.{ident}'")
    _key(mon, directory, f"mds.{ident}", ["mon", "allow profile mds", "osd", "allow rwx", "mds", "allow *"])
    say("setting ceph as owner for service directory")
    _enable("mds", ident, directory)


def create_mgr(ident: str, mon: rados.Rados) -> None:
    directory = f"/var/lib/ceph/mgr/ceph-{ident}"
    if paths.at(directory).is_dir():
        raise Failure(f"ceph manager directory '{directory}' already exists")
    say(f"creating manager directory '{directory}'")
    paths.at(directory).mkdir()
    say(f"creating keys for 'mgr.{ident}'")
    _key(mon, directory, f"mgr.{ident}", ["mon", "allow profile mgr", "osd", "allow *", "mds", "allow *"])
    say("setting owner for directory")
    _enable("mgr", ident, directory)


def _key(mon: rados.Rados, directory: str, entity: str, caps: list[str]) -> None:
    text = mon.mon_command("auth get-or-create", entity=entity, caps=caps, format="plain")
    node.write_owned(f"{directory}/keyring", text)


def _enable(kind: str, ident: str, directory: str) -> None:
    run("chown", "ceph:ceph", "-R", str(paths.at(directory)))
    for action, doing in (("enable", "enabling"), ("start", "starting")):
        say(f"{doing} service 'ceph-{kind}@{ident}.service'")
        command(action, f"{kind}.{ident}")
    broadcast()


def destroy_mds(ident: str, mon: rados.Rados) -> None:
    directory = f"/var/lib/ceph/mds/ceph-{ident}"
    _disable("mds", ident)
    if paths.at(directory).is_dir():
        say(f"removing ceph-mds directory '{directory}'")
        shutil.rmtree(paths.at(directory))
    else:
        warn(f"cannot cleanup MDS {ident} directory, '{directory}' not found")
    say(f"removing ceph auth for 'mds.{ident}'")
    mon.mon_command("auth del", entity=f"mds.{ident}", format="plain")
    broadcast()


def destroy_mgr(daemon: str) -> None:
    directory = f"/var/lib/ceph/mgr/ceph-{daemon}"
    if not paths.at(directory).is_dir():
        raise Failure(f"ceph manager directory '{directory}' not found")
    _disable("mgr", daemon)
    say(f"removing manager directory '{directory}'")
    shutil.rmtree(paths.at(directory))
    say(f"removing authkeys for mgr.{daemon}")
    with rados.connect() as mon:
        mon.mon_command("auth del", entity=f"mgr.{daemon}")
    broadcast()


def _disable(kind: str, ident: str) -> None:
    for action, doing in (("disable", "disabling"), ("stop", "stopping")):
        say(f"{doing} service 'ceph-{kind}@{ident}.service'")
        command(action, f"{kind}.{ident}")
