"""Monitors: making the first, adding and removing others (PVE/API2/Ceph/MON.pm)."""

from __future__ import annotations

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from .. import paths, pvefiles
from ..cluster import local_address, run, say, warn
from ..errors import Failure
from ..text import split_list
from . import conf as ceph_conf
from . import network, node, rados, services


@contextlib.contextmanager
def maybe(timeout: int = rados.SHORT) -> Any:
    """A connection, or None where no monitor answers."""
    with contextlib.ExitStack() as stack:
        try:
            mon = stack.enter_context(rados.connect(timeout))
        except Failure:
            mon = None
        yield mon


def lock() -> contextlib.AbstractContextManager[None]:
    return pvefiles.lock_file(ceph_conf.FILE)


def addresses(conf: ceph_conf.Conf, mon: rados.Rados | None, name: str, wanted: str | None) -> list[str]:
    """The addresses of a new monitor on this node: those wanted, or one in each public network."""
    given = list(dict.fromkeys(network.canonical(item) for item in split_list(wanted)))
    known = mon.mon_command("config get", who="mon.", key="public_network", format="plain").strip() if mon else ""
    public = split_list(known or conf.get("global", {}).get("public_network"))
    if not public:
        return given or [local_address(name)]
    if len(public) > 1:
        warn(f"Multiple Ceph public networks detected on {name}: {','.join(public)}")
        warn("Networks must be capable of routing to each other.")
    if given:
        allowed = [address for cidr in public for address in network.local_addresses(cidr)]
        for address in given:
            if address not in allowed:
                raise Failure(f"Specified monitor IP '{address}' not configured or up on {name}!")
        return given
    return [_only(cidr, network.local_addresses(cidr), name) for cidr in public]


def _only(cidr: str, found: list[str], name: str) -> str:
    if not found:
        raise Failure(f"No active IP found for the requested ceph public network '{cidr}' on node '{name}'")
    if len(found) > 1:
        raise Failure(
            f"Multiple IPs for ceph public network '{cidr}' detected on {name}:\n"
            + "\n".join(found)
            + "\nuse 'mon-address' to specify one of them."
        )
    return found[0]


def assert_new(conf: ceph_conf.Conf, known: services.Services, daemon: str, wanted: list[str]) -> None:
    used = ceph_conf.addresses(conf.get("global", {}).get("mon_host", ""))
    used += [address for entry in known.values() for address in ceph_conf.addresses(str(entry.get("addr") or ""))]
    taken = {network.canonical(address) for address in used}
    for address in wanted:
        if network.canonical(address) in taken:
            raise Failure(f"monitor address '{network.canonical(address)}' already in use")
    if daemon in known:
        raise Failure(f"monitor '{daemon}' already exists")


def create(daemon: str, name: str, wanted: list[str], first: bool) -> None:
    """The task: monmap, mkfs, ceph.conf, start; the first monitor also gets a manager beside it."""
    with lock(), contextlib.ExitStack() as stack:
        mon = None if first else stack.enter_context(rados.connect(rados.LONG))
        conf = ceph_conf.read()
        known = services.information("mon", conf, mon)
        assert_new(conf, known, daemon, wanted)
        _make(daemon, wanted, mon, conf)
        _enter(conf, daemon, wanted, known)
        services.command("start", f"mon.{daemon}")
        if first:
            _after_first(conf)
        try:
            services.command("enable", f"mon.{daemon}")
        except Failure as error:
            warn(f"Enable ceph-mon@{daemon}.service failed, do manually: {error.message}")
        services.broadcast()
    if first:
        create_manager(name)


def create_manager(daemon: str) -> None:
    with rados.connect(rados.LONG) as mon:
        services.create_mgr(daemon, mon)


def _make(daemon: str, wanted: list[str], mon: rados.Rados | None, conf: ceph_conf.Conf) -> None:
    keyring = node.mon_keyring()
    directory = paths.at(f"/var/lib/ceph/mon/ceph-{daemon}")
    if directory.is_dir():
        raise Failure(f"monitor filesystem '/var/lib/ceph/mon/ceph-{daemon}' already exist")
    with tempfile.TemporaryDirectory() as scratch:
        monmap = Path(scratch) / "monmap"
        try:
            directory.mkdir()
            run("chown", "ceph:ceph", str(directory))
            _bind(conf["global"], wanted, first=mon is None)
            words = [f"{version}:{_host(ip)}:{port}" for ip in wanted for version, port in (("v2", 3300), ("v1", 6789))]
            command = ["monmaptool", "--clobber", "--addv", daemon, f"[{','.join(words)}]", "--print", str(monmap)]
            if mon:
                monmap.write_bytes(mon.mon_bytes("mon getmap", format="plain"))
            else:
                command.append("--create")
            run(*command)
            run("ceph-mon", "--mkfs", "-i", daemon, "--monmap", str(monmap), "--keyring", str(keyring))
            run("chown", "ceph:ceph", "-R", str(directory))
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
    log = paths.at(f"/var/log/ceph/ceph-mon.{daemon}.log")
    if log.exists():
        shutil.chown(log, "ceph", "ceph")


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _bind(settings: dict[str, str], wanted: list[str], *, first: bool) -> None:
    for address in wanted:
        mine, other = ("ms_bind_ipv6", "ms_bind_ipv4") if ":" in address else ("ms_bind_ipv4", "ms_bind_ipv6")
        settings[mine] = "true"
        if first:
            settings[other] = "false"
        first = False


def _enter(conf: ceph_conf.Conf, daemon: str, wanted: list[str], known: services.Services) -> None:
    settings = conf["global"]
    hosts = settings.get("mon_host")
    if hosts is None:
        hosts = " ".join(str(known[name].get("addr")) for name in sorted(known))
    settings["mon_host"] = " ".join([hosts, *wanted])  # the first one's has a blank before it, until it is read again
    conf.setdefault(f"mon.{daemon}", {})["public_addr"] = wanted[0]
    ceph_conf.write(conf)


def _after_first(conf: ceph_conf.Conf) -> None:
    say("created the first monitor, assume it's safe to disable insecure global ID reclaim for new setup")
    try:
        run("ceph", "config", "set", "mon", "auth_allow_insecure_global_id_reclaim", "false")
    except Failure as error:
        warn(error.message)
    say("Configuring keyring for ceph-crash.service")
    try:
        node.crash_keyring()
        conf.setdefault("client.crash", {})["keyring"] = "/etc/pve/ceph/$cluster.$name.keyring"
        ceph_conf.write(conf)
    except Failure as error:
        warn(f"Unable to configure keyring for ceph-crash.service: {error.message}")
    sys.stdout.flush()


def assert_removable(members: list[dict[str, Any]], daemon: str) -> None:
    """Proxmox has a sentence for a monitor that nobody knows, but never says it."""
    directory = f"/var/lib/ceph/mon/ceph-{daemon}"
    if not paths.at(directory).is_dir():
        raise Failure(f"monitor filesystem '{directory}' does not exist on this node", 2)
    if len(members) <= 1:
        raise Failure("can't remove last monitor")


def destroy(daemon: str) -> None:
    with lock(), rados.connect(rados.LONG) as mon:
        conf = ceph_conf.read()
        members = mon.mon_command("quorum_status")["monmap"]["mons"]
        assert_removable(members, daemon)
        gone = [_member_addresses(member) for member in members if member["name"] == daemon]
        mon.mon_command("mon remove", name=daemon, format="plain")  # its daemon ends by itself
        conf.pop(f"mon.{daemon}", None)
        _forget(conf.get("global", {}), gone[0] if gone else [])
        ceph_conf.write(conf)
        shutil.rmtree(paths.at(f"/var/lib/ceph/mon/ceph-{daemon}"))
        try:
            services.command("disable", f"mon.{daemon}")
        except Failure as error:
            warn(error.message)
        services.broadcast()


def _member_addresses(member: dict[str, Any]) -> list[str]:
    vector = member.get("public_addrs", {}).get("addrvec") or [{"addr": member.get("public_addr") or member["addr"]}]
    return [address for entry in vector for address in ceph_conf.addresses(str(entry["addr"]))]


def _forget(settings: dict[str, str], gone: list[str]) -> None:
    if not settings.get("mon_host"):
        return
    written = ceph_conf.addresses(settings["mon_host"])
    for address in gone:
        settings["mon_host"] = ceph_conf.without_address(settings["mon_host"], address)
        for other in written:
            if network.canonical(other) == network.canonical(address):
                settings["mon_host"] = ceph_conf.without_address(settings["mon_host"], other)
