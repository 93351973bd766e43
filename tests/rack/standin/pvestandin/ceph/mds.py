"""The tasks of metadata servers: their sections in ceph.conf, and the service (PVE/API2/Ceph/MDS.pm)."""

from __future__ import annotations

from .. import paths
from ..cluster import warn
from ..errors import Failure
from . import conf as ceph_conf
from . import rados, services


def create(daemon: str, name: str, hotstandby: bool = False) -> None:
    section = f"mds.{daemon}"
    with rados.connect(rados.LONG) as mon:
        conf = ceph_conf.read()
        if section in conf:
            raise Failure(f"MDS '{daemon}' already referenced in ceph config, abort!")
        conf.setdefault("mds", {}).setdefault("keyring", "/var/lib/ceph/mds/ceph-$id/keyring")
        conf[section] = {"host": name}
        if paths.release()[0] < 9:
            conf[section] |= {"mds_standby_for_name": "pve", **({"mds_standby_replay": "true"} if hotstandby else {})}
        ceph_conf.write(conf)
        try:
            services.create_mds(daemon, mon)
        except Failure:
            warn(f"Encountered error, remove '{section}' from ceph.conf")
            _forget(section)
            raise


def destroy(daemon: str) -> None:
    with rados.connect(rados.LONG) as mon:
        _forget(f"mds.{daemon}")
        services.destroy_mds(daemon, mon)


def _forget(section: str) -> None:
    conf = ceph_conf.read()
    if conf.pop(section, None) is not None:
        ceph_conf.write(conf)
