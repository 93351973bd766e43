# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""A monitor on this node: made, completed when its making was cut off, or removed.

What a cut-off createmon (PVE/API2/Ceph/MON.pm) leaves, in its order: keyrings; a data directory, without or with a
store; section and address in ceph.conf; a daemon that runs; one that is also enabled. A store holds nothing that a
quorum without it does not know. Without a quorum, a store is touched only when its monitor map has never been agreed
on (epoch 0), which is so until the first monitor of a cluster has started.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _ceph_conf, _cli
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph import CephError
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_node import CephNode, converge
from ansible_collections.baremetal.proxmox.plugins.module_utils._ceph_wait import CephWait, not_in_quorum
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import CliError, ProxmoxError, Timeout
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

RUNS = frozenset({"active", "activating", "reloading"})
MON_KEYRING = "/etc/pve/priv/ceph.mon.keyring"
CRASH_KEYRING = "/etc/pve/ceph/ceph.client.crash.keyring"

EXTRACT = _cli.Command(("ceph-mon", "-i"), ("ident",), {"target": _cli.value("--extract-monmap")})
PRINT = _cli.Command(("monmaptool", "--print"), ("path",))


@dataclass(frozen=True)
class State:
    """C(answers): a quorum could be asked. C(map): addresses of all monitors in the map, by name."""

    ident: str
    directory: bool
    store: bool
    unit: str
    enabled: bool
    section: Mapping[str, str] | None
    mon_host: str
    fsid: str
    answers: bool
    map: Mapping[str, list[str]] = field(default_factory=dict)
    quorum: frozenset[str] = frozenset()

    @property
    def member(self) -> bool:
        return self.ident in self.map

    @property
    def running(self) -> bool:
        return self.unit in RUNS

    @property
    def leftover(self) -> bool:
        return self.directory or self.enabled or self.section is not None

    @property
    def here(self) -> bool:
        return self.member or self.leftover or self.running

    @property
    def addresses(self) -> list[str]:
        """Where it is, as far as anything says."""
        return self.map.get(self.ident) or _ceph_conf.addresses((self.section or {}).get("public_addr", ""))

    def view(self) -> dict[str, Any]:
        return {
            "name": self.ident,
            "address": self.addresses[0] if self.addresses else None,
            "in_quorum": self.ident in self.quorum,
            "running": self.running,
            "enabled": self.enabled,
        }


class Monitor:
    def __init__(self, node: CephNode, ident: str, address: str | None = None) -> None:
        self.node = node
        self.ident = ident
        self.address = address
        self.unit = f"ceph-mon@{ident}"
        self.directory = f"/var/lib/ceph/mon/ceph-{ident}"
        self._started = False
        self.where = f"{node.name}: monitor {ident}"

    def present(self, *, check: bool) -> tuple[State, State, list[str]]:
        before, after, steps = converge(self.read, self.to_have, self.apply, check=check, what=self.where)
        if not check:
            self._join()
            if {"start", "enable"} & set(steps) and "create" not in steps:
                self._as_first()
            after = self.read()
        return before, after, steps

    def _join(self) -> None:
        ceph = self.node.asked()

        def lacks() -> str | None:
            self.node.alive(self.unit)
            return not_in_quorum(ceph.command("quorum_status"), [self.ident])

        try:
            CephWait(ceph, self.node.deadline).until(f"{self.where} to be in quorum", lacks)
        except Timeout as error:
            error.hint = f"{self.unit} is {self.node.state(self.unit)}: see 'journalctl -u {self.unit}'."
            raise

    def absent(self, *, check: bool) -> tuple[State, State, list[str]]:
        before, after, steps = converge(self.read, self.to_lack, self.apply, check=check, what=self.where)
        if steps and not check and after.answers:
            CephWait(self.node.asked(), self.node.deadline).quorum(sorted(before.quorum - {self.ident}))
        return before, after, steps

    def read(self) -> State:
        self.node.settle(("cephcreatemon", "cephdestroymon"), f"mon.{self.ident}")
        conf = self.node.conf()
        status = self._status()
        mons = (status or {}).get("monmap", {}).get("mons", [])
        return State(
            ident=self.ident,
            directory=self.node.is_dir(self.directory),
            store=self.node.machine.lstat(f"{self.directory}/store.db/CURRENT") is not None,
            unit=self.node.state(self.unit),
            enabled=self.node.enabled(self.unit),
            section=conf.get(f"mon.{self.ident}"),
            mon_host=conf.get("global", {}).get("mon_host", ""),
            fsid=conf.get("global", {}).get("fsid", ""),
            answers=status is not None,
            map={mon["name"]: addresses_of(mon) for mon in mons},
            quorum=frozenset((status or {}).get("quorum_names", [])),
        )

    def _status(self) -> dict[str, Any] | None:
        if self.node.ceph is None:
            return None
        try:
            return dict(self.node.ceph.command("quorum_status"))
        except CephError as error:
            if not error.transient:
                raise
            return None

    # What has to be done

    def to_have(self, now: State) -> list[str]:
        if now.member and self.address and _ceph_conf.canonical(self.address) not in now.addresses:
            raise ProxmoxError(
                f"{self.where}: address: expected {self.address}, found {', '.join(now.addresses)} in the monitor map.",
                hint="An address is not changed in place: remove the monitor, and make it again.",
            )
        if now.running or (now.store and (now.member or not now.answers) and now.mon_host):
            return self._completion(now)
        if now.ident in now.quorum:
            raise ProxmoxError(
                f"{self.where}: expected it on this node, found it in quorum at {', '.join(now.addresses)} without a"
                f" running {self.unit} here.",
                hint="Two monitors cannot have one name: remove the other, or give this one another name.",
            )
        if not now.answers and now.mon_host:
            raise ProxmoxError(
                f"{self.where}: expected the monitors at {now.mon_host} to answer, found no quorum.",
                hint="Start them, most of them have to run: 'systemctl start ceph-mon.target' on their nodes.",
            )
        return ["forget", "create"] if now.leftover or now.member else ["create"]

    def _completion(self, now: State) -> list[str]:
        if now.running and not now.mon_host:
            raise ProxmoxError(
                f"{self.where}: expected {_ceph_conf.PATH} to name the monitors, found none, though {self.unit} runs.",
                hint="Was ceph.conf replaced? Put the old one back.",
            )
        steps = [] if now.running else ["start"]
        steps += [] if now.enabled else ["enable"]
        known = _ceph_conf.addresses(now.mon_host)
        if now.member and (now.section is None or not set(now.addresses) & set(known)):
            steps.append("conf")
        return steps

    def to_lack(self, now: State) -> list[str]:
        if not now.answers and now.mon_host:
            raise ProxmoxError(
                f"{self.where}: expected a quorum that agrees to its removal, found none at {now.mon_host}.",
                hint="Start the monitors first.",
            )
        if not now.member:
            return ["forget"] if now.leftover else []
        if now.ident in now.quorum and not now.running:
            raise ProxmoxError(f"{self.where}: expected it on this node, found it running elsewhere.")
        rest, alive = set(now.map) - {now.ident}, now.quorum - {now.ident}
        if len(alive) * 2 <= len(rest):
            raise ProxmoxError(
                f"{self.where}: expected most of the other monitors in quorum, found {len(alive)} of {len(rest)}"
                f" ({', '.join(sorted(alive)) or 'none'}).",
                hint="Without it, Ceph would stand still. Add monitors, or repair the others, first.",
            )
        return ["destroy"] if now.directory else ["forget"]

    # Doing it

    def apply(self, step: str, now: State) -> None:
        {
            "create": self._create,
            "destroy": lambda _now: self.node.task("DELETE", f"mon/{self.ident}"),
            "start": self._start,
            "enable": lambda _now: self.node.systemctl("enable", self.unit),
            "conf": self._enter,
            "forget": self._forget,
        }[step](now)

    def _create(self, now: State) -> None:
        if not now.mon_host:
            self._alone()
            self._whole_keyring()
        self.node.task("POST", f"mon/{self.ident}", **{"mon-address": self.address})

    def _alone(self) -> None:
        """createmon makes a first monitor only where no node tells of another one, be it a directory that is left."""

        def probe() -> tuple[bool, Any]:
            rows = self.node.api.get(f"/nodes/{self.node.name}/ceph/mon")
            seen = sorted(f"{row['name']} on {row.get('host')}" for row in rows)
            return not seen, ", ".join(seen)

        try:
            Deadline(min(30.0, self.node.deadline.left)).until(f"{self.where} to be the first", probe, interval=1.0)
        except Timeout as error:
            error.hint = (
                f"{_ceph_conf.PATH} names none of these: clear what is left of them (state=absent on that node)."
            )
            raise

    def _whole_keyring(self) -> None:
        """createmon takes a keyring that is there as it is, also one that was cut off before client.admin was in it."""
        found = _ceph_conf.parse(self.node.machine.read(MON_KEYRING) or "")
        if self.node.machine.lstat(MON_KEYRING) and not all(
            "key" in found.get(one, {}) for one in ("mon.", "client.admin")
        ):
            self.node.machine.path(MON_KEYRING).unlink()

    def _start(self, _now: State) -> None:
        if self._started:
            self.node.alive(self.unit)
        self._started = True
        self.node.own(self.directory)
        self.node.start(self.unit)

    def _enter(self, now: State) -> None:
        """ceph.conf as createmon writes it."""

        def change(conf: _ceph_conf.Sections) -> None:
            part = conf.setdefault("global", {})
            known = _ceph_conf.addresses(part.get("mon_host", ""))
            words = [part.get("mon_host", ""), *(one for one in now.addresses if one not in known)]
            part["mon_host"] = " ".join(filter(None, words))
            conf.setdefault(f"mon.{self.ident}", {}).setdefault("public_addr", now.addresses[0])

        self.node.edit(change)

    def _forget(self, now: State) -> None:
        """Takes away what is left of a monitor that does not work; the quorum, if any, goes on without it."""
        dispose = self._judge(now)
        if now.member:
            self.node.asked().command("mon remove", name=self.ident)
        if now.running:
            self.node.systemctl("stop", self.unit)
        if now.enabled:
            self.node.systemctl("disable", self.unit)

        def change(conf: _ceph_conf.Sections) -> None:
            conf.pop(f"mon.{self.ident}", None)
            part = conf.get("global", {})
            part["mon_host"] = _ceph_conf.without(part.get("mon_host", ""), now.addresses)
            if not part["mon_host"]:
                del part["mon_host"]

        self.node.edit(change)
        if dispose == "keep":
            self.node.set_aside(self.directory, f"mon-{self.ident}")
        else:
            self.node.drop(self.directory)
        self._unlisted()

    def _judge(self, now: State) -> str:
        """What becomes of the data directory: C(drop) or C(keep). Raises where it may be all that is left of a Ceph."""
        if not now.store or now.running:
            return "drop" if not now.store else "keep"
        found = self._stored()
        if found is None:
            return "keep"
        epoch, fsid = found
        if fsid != now.fsid or (epoch > 0 and not now.answers):
            raise ProxmoxError(
                f"{self.where}: expected {self.directory} to be empty or of this Ceph ({now.fsid}), found the store of a"
                f" monitor that has run (Ceph {fsid}, map {epoch}).",
                hint="Nothing was touched. Bring back that Ceph's ceph.conf, or move the directory away yourself.",
            )
        return "drop" if epoch == 0 else "keep"

    def _stored(self) -> tuple[int, str] | None:
        """Epoch and fsid of the monitor map in the store; None when it cannot be read."""
        with tempfile.TemporaryDirectory() as scratch:
            target = str(Path(scratch) / "monmap")
            try:
                self.node.machine.cli.run(EXTRACT, ident=self.ident, target=target)
                text = self.node.machine.cli.run(PRINT, path=target).stdout
            except CliError:
                return None
        epoch = re.search(r"^epoch (\d+)", text, re.MULTILINE)
        fsid = re.search(r"^fsid (\S+)", text, re.MULTILINE)
        return (int(epoch[1]), fsid[1]) if epoch and fsid else None

    def _unlisted(self) -> None:
        """createmon refuses a name that nodes still tell each other of; pvestatd does so every ten seconds."""

        def probe() -> tuple[bool, Any]:
            rows = self.node.api.get(f"/nodes/{self.node.name}/ceph/mon")
            seen = [row for row in rows if row["name"] == self.ident]
            return not seen, seen

        self.node.deadline.until(f"Proxmox to forget the monitor {self.ident} (pvestatd)", probe, interval=1.0)

    def _as_first(self) -> None:
        """What createmon does after it has started a cluster's first monitor."""
        now, ceph = self.read(), self.node.asked()
        if list(now.map) != [self.ident]:
            return
        rows = ceph.command("config dump")
        if not any(row["name"] == "auth_allow_insecure_global_id_reclaim" for row in rows):
            ceph.command("config set", who="mon", name="auth_allow_insecure_global_id_reclaim", value="false")
        if "client.crash" not in self.node.conf():
            caps = ["mon", "profile crash", "mgr", "profile crash"]
            text = ceph.command("auth get-or-create", entity="client.crash", caps=caps, format="plain")
            self.node.machine.path(CRASH_KEYRING).write_text(text)
            crash = {"keyring": "/etc/pve/ceph/$cluster.$name.keyring"}
            self.node.edit(lambda conf: conf.setdefault("client.crash", {}).update(crash))


def addresses_of(mon: Mapping[str, Any]) -> list[str]:
    """Of an entry of quorum_status, without ports."""
    vector = mon.get("public_addrs", {}).get("addrvec") or [{"addr": mon.get("public_addr") or mon.get("addr", "")}]
    return list(dict.fromkeys(one for entry in vector for one in _ceph_conf.addresses(str(entry["addr"]))))
