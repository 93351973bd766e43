"""CephFS (PVE/API2/Ceph/FS.pm)."""

from __future__ import annotations

import time
from typing import Any

from .. import paths
from ..cluster import say, warn
from ..errors import Failure
from ..storage import config
from ..text import truth
from . import pools, rados, services

_ACTIVE_SECONDS = 10


def listed(mon: rados.Rados) -> list[dict[str, Any]]:
    more = ("metadata_pool_id", "data_pools", "data_pool_ids") if paths.release()[0] >= 9 else ()
    wanted = ("name", "metadata_pool", *more)
    return [
        {**{key: entry[key] for key in wanted}, "data_pool": entry["data_pools"][0]}
        for entry in mon.mon_command("fs ls")
    ]


def assert_possible(mon: rados.Rados, name: str) -> None:
    data, metadata = f"{name}_data", f"{name}_metadata"
    if {data, metadata} & set(pools.names(mon)):
        raise Failure(f"ceph pools '{data}' and/or '{metadata}' already exist")
    if any(entry["name"] == name for entry in mon.mon_command("fs ls")):
        raise Failure(f"ceph fs '{name}' already exists")
    running = services.mds_states(mon)
    if not running:
        raise Failure("no running Metadata Server (MDS) found!")
    if not any(entry["state"] == "up:standby" for entry in running.values()):
        raise Failure("no standby Metadata Server (MDS) found!")


def create_work(name: str, pg_num: int, storage: bool) -> None:
    data, metadata = f"{name}_data", f"{name}_metadata"
    created: list[str] = []
    with rados.connect() as mon:
        try:
            say(f"creating data pool '{data}'...")
            pools.create(mon, data, {"application": "cephfs", "pg_num": pg_num})
            created.append(data)
            say(f"creating metadata pool '{metadata}'...")
            # The application was set for the first pool; Proxmox's table of what is to be set has lost it by then.
            pools.create(mon, metadata, {"pg_num": quarter(pg_num)})
            created.append(metadata)
            say(f"configuring new CephFS '{name}'")
            mon.mon_command("fs new", fs_name=name, metadata=metadata, data=data, format="plain")
        except Failure:
            _clean_up(created)
            raise
        say(f"Successfully create CephFS '{name}'")
        if storage:
            say(f"Adding '{name}' to storage configuration...")
            _wait_for_mds(mon, name)
    if storage:
        definition = {"type": "cephfs", "storage": name, "content": "backup,iso,vztmpl", "fs-name": name}
        try:
            pools.add_storage(definition, "")
        except Failure as error:
            reason = error.message.split("failed: ", 1)[-1]
            raise Failure(
                f"adding storage for CephFS '{name}' failed, check log and add manually!\n{reason}"
            ) from error


def quarter(pg_num: int) -> int | float:
    """Placement groups of the metadata pool. Of one that is no multiple of four Ceph will not have the quarter."""
    share = pg_num / 4
    return 8 if pg_num < 32 else int(share) if share.is_integer() else share


def _clean_up(created: list[str]) -> None:
    if not created:
        return
    warn("Encountered error after creating at least one pool")
    with rados.connect() as mon:
        for pool in created:
            warn(f"cleaning up left over pool '{pool}'")
            try:
                pools.delete(mon, pool)
            except Failure as error:
                warn(error.message)


def _wait_for_mds(mon: rados.Rados, name: str) -> None:
    deadline = time.monotonic() + _ACTIVE_SECONDS
    while not services.mds_active(mon, name):
        if time.monotonic() > deadline:
            raise Failure("Need MDS to add storage, but none got active!")
        say("Waiting for an MDS to become active")
        time.sleep(1)


def destroy_work(name: str, metadata: str, data: list[str], with_storages: bool, with_pools: bool) -> None:
    with rados.connect() as mon:
        if with_storages:
            found = _storages(mon, name)
            for storage, section in found.items():
                if not truth(section.get("disable")):
                    raise Failure(
                        f"storage '{storage}' is not disabled, make sure to disable and unmount the storage first"
                    )
            pools.remove_storages(found)
        mon.mon_command("fs rm", fs_name=name, yes_i_really_mean_it=True, format="plain")
        for what, pool in [("metadata", metadata), *(("data", pool) for pool in data)] if with_pools else []:
            warn(f"removing {what} pool '{pool}'")
            try:
                pools.delete(mon, pool)
            except Failure as error:
                warn(error.message)


def _storages(mon: rados.Rados, name: str) -> dict[str, Any]:
    """The CephFS storages on it; those that name none are on the default one."""
    dump = mon.mon_command("fs dump")
    default = [entry["mdsmap"]["fs_name"] for entry in dump["filesystems"] if entry["id"] == dump.get("default_fscid")]
    if not default:
        warn("no default fs found, maybe not all relevant storages are removed")
    return {
        storage: section
        for storage, section in config.read().ids.items()
        if section["type"] == "cephfs" and section.get("fs-name", default[0] if default else None) == name
    }
