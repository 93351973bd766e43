"""The files that only show something: .members, .version, .vmlist, .clusterlog, .rrd, .debug. Each node has its own."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from .fsm import Fsm
from .memdb import MemDb

OBSERVED = [
    "corosync.conf",
    "corosync.conf.new",
    "storage.cfg",
    "user.cfg",
    "domains.cfg",
    "notifications.cfg",
    "priv/notifications.cfg",
    "priv/shadow.cfg",
    "priv/acme/plugins.cfg",
    "priv/tfa.cfg",
    "priv/token.cfg",
    "priv/wg-keys.cfg",
    "datacenter.cfg",
    "vzdump.cron",
    "vzdump.conf",
    "jobs.cfg",
    "ha/crm_commands",
    "ha/manager_status",
    "ha/resources.cfg",
    "ha/rules.cfg",
    "ha/groups.cfg",
    "ha/fence.cfg",
    "status.cfg",
    "replication.cfg",
    "ceph.conf",
    "sdn/vnets.cfg",
    "sdn/zones.cfg",
    "sdn/controllers.cfg",
    "sdn/subnets.cfg",
    "sdn/ipams.cfg",
    "sdn/mac-cache.json",
    "sdn/pve-ipam-state.json",
    "sdn/dns.cfg",
    "sdn/fabrics.cfg",
    "sdn/route-maps.cfg",
    "sdn/prefix-lists.cfg",
    "sdn/.running-config",
    "virtual-guest/cpu-models.conf",
    "virtual-guest/profiles.cfg",
    "firewall/cluster.fw",
    "mapping/directory.cfg",
    "mapping/pci.cfg",
    "mapping/usb.cfg",
]
SINCE_9 = {
    "priv/wg-keys.cfg",
    "sdn/fabrics.cfg",
    "sdn/route-maps.cfg",
    "sdn/prefix-lists.cfg",
    "virtual-guest/profiles.cfg",
}
LOG_LINES = 50


def observed(major: int) -> list[str]:
    """The files whose changes Proxmox's services watch."""
    return [file for file in OBSERVED if major >= 9 or file not in SINCE_9]


class View:
    """What this node knows about the cluster."""

    def __init__(self, db: MemDb, name: str, files: list[str]) -> None:
        self.db, self.name = db, name
        self.fsm: Fsm | None = None
        self.own: dict[str, Any] = {"name": name, "kv": {}}
        self.quorate = False
        self.cluster: tuple[str, int] | None = None
        """Name and config version, None while corosync is not there."""
        self.nodes: dict[int, str] = {}
        self._start = int(time.time())
        self._version = 0
        self._changes = dict.fromkeys(files, 1)
        self._log: list[dict[str, Any]] = []
        self._uid = 0
        self._mutex = threading.Lock()
        db.on_change = self._changed

    def _changed(self, path: str | None) -> None:
        for name in self._changes if path is None else (path,):
            if name in self._changes:
                self._changes[name] += 1

    def set_cluster(self, name: str, version: int, nodes: dict[int, str]) -> None:
        if (self.cluster, self.nodes) != ((name, version), nodes):
            self.cluster, self.nodes = (name, version), nodes
            self._version += 1

    def members_changed(self) -> None:
        self._version += 1

    def set_quorate(self, quorate: bool) -> None:
        if quorate != self.quorate:
            self.quorate = quorate
            self._version += 1

    # -- key and value

    def put(self, key: str, value: str) -> None:
        """Our own value; an empty one removes the key."""
        with self._mutex:
            if not value:
                self.own["kv"].pop(key, None)
                return
            version = self.own["kv"].get(key, [-1, ""])[0] + 1
            self.own["kv"][key] = [version, value]

    def get(self, node: str, key: str) -> str | None:
        said = self._said().get(node, {})
        return said[key][1] if key in said else None

    def _said(self) -> dict[str, dict[str, Any]]:
        table = {said["name"]: said["kv"] for said in dict(self.fsm.kv).values()} if self.fsm else {}
        table[self.name] = self.own["kv"]
        return table

    # -- log

    def entry(self, user: str, priority: int, tag: str, pid: int, message: str) -> dict[str, Any]:
        self._uid += 1
        return {
            "uid": self._uid,
            "time": int(time.time()),
            "pri": priority,
            "tag": tag,
            "pid": pid,
            "node": self.name,
            "user": user,
            "msg": message,
        }

    def log(self, entry: dict[str, Any]) -> None:
        self._log = [entry, *self._log][:LOG_LINES]

    # -- the files

    def text(self, file: str) -> str:
        made: dict[str, Callable[[], str]] = {
            ".members": self._members,
            ".version": self._versions,
            ".vmlist": self._guests,
            ".clusterlog": self._clusterlog,
        }
        return made[file]() if file in made else {".rrd": "", ".debug": "0\n"}[file]

    def _members(self) -> str:
        head = f'{{\n"nodename": "{self.name}",\n"version": {self._version}'
        if not self.cluster or not self.nodes:
            return head + "\n}\n"
        name, version = self.cluster
        online = {node for node, _unused in self.fsm.members} if self.fsm else set()
        said = self._said()
        lines = []
        for number, node in sorted(self.nodes.items()):
            address = said.get(node, {}).get("nodeip", [0, ""])[1]
            lines.append(
                f'  "{node}": {{ "id": {number}, "online": {int(number in online)}'
                + (f', "ip": "{address}"' if address else "")
                + "}"
            )
        listed = ",\n".join(lines)
        return (
            f'{head},\n"cluster": {{ "name": "{name}", "version": {version}, "nodes": {len(self.nodes)}, '
            f'"quorate": {int(self.quorate)} }},\n"nodelist": {{\n{listed}\n  }}\n}}\n'
        )

    def _versions(self) -> str:
        lines = [f'"starttime": {self._start}', f'"clinfo": {self._version}', f'"vmlist": {self.db.guest_version}']
        lines += [f'"{path}": {number}' for path, number in self._changes.items()]
        stores = []
        for node, said in self._said().items():
            keys = ",\n".join(f'"{key}": {version}' for key, (version, _unused) in said.items() if key != "nodeip")
            stores.append(f'"{node}": {{\n{keys}}}\n')
        return "{\n" + ",\n".join(lines) + ',\n"kvstore": {\n' + ",\n".join(stores) + "}\n}\n"

    def _guests(self) -> str:
        with self.db.mutex:
            lines = [
                f'"{vmid}": {{ "node": "{node}", "type": "{kind}", "version": {version} }}'
                for vmid, (kind, node, version) in self.db.guests.items()
            ]
            version = self.db.guest_version
        if not lines:
            return f'{{\n"version": {version}\n\n}}\n'
        listed = ",\n".join(lines)
        return f'{{\n"version": {version},\n"ids": {{\n{listed}}}\n\n}}\n'

    def _clusterlog(self) -> str:
        listed = ",\n".join(json.dumps(entry) for entry in self._log)
        return f'{{\n"data": [\n{listed}\n]\n}}\n'
