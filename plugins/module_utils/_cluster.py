# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Brings a machine into a cluster, from whatever state a crash left it in.

pvecm exits 0 whatever happened, so only the state afterwards counts. It runs in a session of its own and survives
this process; whoever comes next waits for it (C(_turn)), or helps it when it hangs (C(_push)).
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli, _lifeline, _membership, _node, _session
from ansible_collections.baremetal.proxmox.plugins.module_utils._cluster_checks import (
    Plan,
    Wanted,
    fresher,
    guard,
    plan,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._database import set_aside
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import (
    ApiError,
    AuthError,
    CliError,
    ConnectionLost,
    InputError,
    Timeout,
)
from ansible_collections.baremetal.proxmox.plugins.module_utils._membership import Local
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._peer import Api, Peer
from ansible_collections.baremetal.proxmox.plugins.module_utils._session import TrustError
from ansible_collections.baremetal.proxmox.plugins.module_utils._wait import Deadline

OUR_LOCK = "/run/lock/baremetal-proxmox-cluster.lock"
# PVE/API2/ClusterConfig.pm: held by pvecm as long as it creates or joins
PVECM_LOCK = "/var/lock/pvecm.lock"
# PVE/Cluster/Setup.pm: from the first line on, the cluster may have taken the node in, unless the second one says no
REQUESTED, ABORTED = "Request addition of this node", "Cluster join aborted!"
# No answer, or none that tells: the reason is shown, or the next one is asked
UNANSWERED = (ApiError, AuthError, ConnectionLost, TrustError)
# Seconds that pvecm, or systemd, is left to itself before it is helped
PATIENCE = 10.0


def _served() -> str | None:
    return _node.served(_session.local_address().strip("[]"))


class Cluster:
    """One run. C(served) tells which certificate the API of this node shows."""

    def __init__(
        self,
        machine: Machine,
        api: Api,
        wanted: Wanted,
        peer: Peer | None,
        deadline: Deadline,
        *,
        served: Callable[[], str | None] = _served,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.machine = machine
        self.api = api
        self.wanted = wanted
        self.peer = peer
        self.deadline = deadline
        self.changed = False
        self.warnings: list[str] = []
        self._served = served
        self._clock = clock
        self._pushed_at = clock() - PATIENCE / 2
        self._lock: int | None = None
        self._trouble: str | None = None

    def predict(self) -> tuple[Plan, Local]:
        """What run() would do; C(changed) too. Reads only."""
        local = _membership.read(self.machine)
        step = self._plan(local)
        idle = local.half is None and local.mounted and self.machine.has_corosync()
        self.changed = step is not Plan.NONE and not (step is Plan.FINISH and idle)
        return step, local

    def run(self) -> tuple[Plan, Local]:
        """What was to be done, and the state at the end."""
        with self._turn():
            local = self._mounted()
            step = self._plan(local)
            if step is Plan.CREATE:
                self._create()
            elif step is Plan.JOIN:
                self._join(force=False)
            elif step is Plan.ENTER:
                self._enter(local)
            if step is not Plan.NONE:
                entering = step is not Plan.FINISH or local.half is not None
                local = self._settle(entering=entering, rerun=step is Plan.FINISH)
            return step, local

    def _read(self) -> Local:
        return _membership.read(self.machine, self.deadline)

    def _plan(self, local: Local) -> Plan:
        step = plan(local, self.wanted, self.peer, self.machine.addresses)
        if step is Plan.FINISH and (missing := self._kept_waiting(local)):
            self.warnings.append(
                f"{local.hostname} has no quorum in '{self.wanted.name}' because the join of {', '.join(missing)} was cut"
                " off; it comes back when that is finished."
            )
            return Plan.NONE
        if step is Plan.FINISH and self.peer is None and local.half is None and not self.machine.has_corosync():
            self._refuse_removed(local)
        return step

    def _refuse_removed(self, local: Local) -> None:
        """pvecm delnode stops corosync on a node and leaves all else: that node must not come back by our help."""
        for node in local.known_conf.nodes.values() if local.known_conf else ():
            address = next(iter(node.links.values()), None)
            if node.name == local.hostname or address is None:
                continue
            try:
                listing = self.api.member(address, self.machine.certificate(node.name)).get("/cluster/config/nodes")
            except UNANSWERED:
                continue
            if local.hostname not in {entry["node"] for entry in listing}:
                raise InputError(
                    f"{local.hostname} has the files of the cluster '{self.wanted.name}', but {node.name} does not list"
                    " it: it was removed.",
                    hint="Nothing was changed. Reinstall the machine before it joins again, as Proxmox asks for.",
                    node=local.hostname,
                )
            return

    def _kept_waiting(self, local: Local) -> list[str]:
        """Nodes whose cut-off join took the quorum away, if this node has nothing to do itself."""
        if local.half or local.quorate or not local.connected or local.conf is None:
            return []
        online = {name for name, member in local.members.items() if member.online}
        return sorted(name for name in set(local.conf.nodes) - online if not self.machine.certificate(name))

    # One at a time

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Waits until no create or join runs on this machine: ours of an earlier run, or anybody's."""
        with self._opened(OUR_LOCK) as ours, self._opened(PVECM_LOCK) as theirs:

            def free() -> tuple[bool, str]:
                holder = "an earlier run of this module, or its pvecm"
                if _take(ours):
                    holder = "a pvecm that was started by somebody else"
                    if _take(theirs):
                        fcntl.flock(theirs, fcntl.LOCK_UN)
                        return True, ""
                self._push(self._read(), busy=True)
                return False, holder

            self.deadline.until(f"the create or join that runs on {self.machine.hostname} to end", free)
            self._lock = ours
            yield

    @contextlib.contextmanager
    def _opened(self, absolute: str) -> Iterator[int]:
        path = self.machine.path(absolute)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    # Doing

    def _mounted(self) -> Local:
        """With /etc/pve there: it may be down only because an earlier run was cut off."""
        local = self._read()
        if local.mounted:
            return local
        guard(local, self.wanted, self.peer)
        self._systemctl("start", "pve-cluster")

        def there() -> tuple[bool, Any]:
            now = self._read()
            return now.mounted, "pve-cluster has not mounted it"

        self.deadline.until("/etc/pve to be there", there)
        return self._read()

    def _create(self) -> None:
        self._begin("create", None)
        output = self._pvecm(
            _cli.PVECM_CREATE,
            name=self.wanted.name,
            links=self.wanted.links or None,
            nodeid=self.wanted.nodeid,
            votes=self.wanted.votes,
        )
        local = self._read()
        if local.mounted and local.conf is None:
            if not local.authkey_sha256:
                self._end()
            raise CliError(output.argv, output.rc, output.stdout)

    def _join(self, *, force: bool) -> None:
        peer = self._need_peer()
        self._begin("join", peer.authkey_sha256)
        if self.machine.has_corosync():
            # With Debian's example on loopback, as anything else was refused; but pvecm add refuses that too
            self._systemctl("stop", "corosync")
        output = self._pvecm(
            _cli.PVECM_ADD,
            secret=None if peer.use_ssh else peer.secret,
            peer=peer.address,
            fingerprint=None if peer.use_ssh else peer.fingerprint,
            # The priority belongs to the cluster: pvecm add would not look at it
            links={number: link.address for number, link in self.wanted.links.items()} or None,
            nodeid=self.wanted.nodeid,
            votes=self.wanted.votes,
            use_ssh=peer.use_ssh,
            force=force,
        )
        local = self._read()
        if local.mounted and local.conf is None:
            asked = peer.use_ssh or (REQUESTED in output.stdout and ABORTED not in output.stdout)
            if not (force or asked or local.authkey_sha256):
                self._end()
            raise CliError(output.argv, output.rc, output.stdout)

    def _begin(self, action: str, authkey: str | None) -> None:
        _membership.set_mark(self.machine, action, self.wanted.name, authkey)
        _lifeline.hold(self.machine)

    def _end(self) -> None:
        _lifeline.drop(self.machine)
        _membership.clear_mark(self.machine)

    def _pvecm(self, command: _cli.Command, *, secret: str | None = None, **given: Any) -> _cli.Output:
        self.changed = True
        # It inherits our lock: should this process die, the next run still sees that pvecm is at work
        keep = [] if self._lock is None else [self._lock]
        job = self.machine.cli.start(command, secret=secret, keep=keep, **given)
        output = job.wait(self.deadline.left)
        if output is None:
            raise Timeout(
                f"'{' '.join(job.argv)}' to end (it goes on as process {job.pid}, because half a join is worse than a slow"
                " one; run this again to see it through)",
                self.deadline.seconds,
                job.output().strip(),
            )
        return output

    def _enter(self, local: Local) -> None:
        """The cluster has taken this node in, but its files are still those of a node alone: the rest of the join.

        By hand, because the cluster may have no quorum before this node is in (one of two is no majority), and then it
        refuses to hand out its files a second time.
        """
        peer = fresher(local, self.peer) or self._need_peer()
        key = peer.authkey
        if not peer.conf.text or not (key or local.authkey_sha256):
            self._join(force=True)
            return
        self.changed = True
        with self._opened(PVECM_LOCK) as lock:
            self.deadline.until("pvecm's lock", lambda: (_take(lock), PVECM_LOCK))
            self.machine.path(_membership.LOCAL_CONF).parent.mkdir(exist_ok=True)
            self._begin("join", peer.authkey_sha256)
            if key:
                _membership.replace(self.machine, _membership.AUTHKEY, key, 0o400)
            _membership.replace(self.machine, _membership.LOCAL_CONF, peer.conf.text.encode(), 0o644)
            # Corosync may run already: since a reboot in the midst of the join, or with Debian's example
            self._systemctl("stop", "pve-cluster", *(["corosync"] if self.machine.has_corosync() else []))
            set_aside(self.machine)
            self._systemctl("start", "corosync", "pve-cluster")

    def _push(self, local: Local, *, busy: bool = False) -> None:
        """Starts again what should run and does not, with the cluster's current corosync.conf.

        Corosync leaves when the others have a newer version of it; then a pvecm waits for quorum for ever. While a
        pvecm is at work (C(busy)), that is all that may be done: what else is down, it may have stopped.
        """
        guard(local, self.wanted, self.peer)
        if not local.listed or local.online or self._clock() - self._pushed_at < PATIENCE:
            return
        if local.conf is None or local.stand_alone:
            if not busy and not self.machine.has_corosync():
                self._try("restart", "corosync", "pve-cluster") if local.conf else self._try("start", "pve-cluster")
        elif not self.machine.has_corosync():
            peer = fresher(local, self.peer)
            current = peer.conf if peer else local.conf
            if current.text and current.version > (local.local_conf.version if local.local_conf else 0):
                _membership.replace(self.machine, _membership.LOCAL_CONF, current.text.encode(), 0o644)
            self._try("start", "corosync")

    def _try(self, verb: str, *units: str) -> None:
        """A start that may fail for now: what it said is part of what was last seen."""
        self._pushed_at = self._clock()
        try:
            self._systemctl(verb, *units)
        except CliError as error:
            self._trouble = str(error)
        else:
            self._trouble = None

    def _systemctl(self, verb: str, *units: str) -> None:
        self.changed = True
        self.machine.cli.run(_cli.SYSTEMCTL, verb=verb, units=units, timeout=max(self.deadline.left, 30))

    def _need_peer(self) -> Peer:
        if self.peer is None:
            raise InputError("A join needs a peer.")
        return self.peer

    # Seeing it through

    def _settle(self, *, entering: bool, rerun: bool) -> Local:
        """Waits for quorum and the write bit, the certificate, the API, and what the other members say.

        The others are asked about a node that is new to them; not those who are on their own way in, without a
        certificate yet.
        """
        self.deadline.until(
            f"the cluster '{self.wanted.name}' to take in {self.machine.hostname} (membership, quorum, write access)",
            self._probe_membership,
        )
        local = self._read()
        self._certificates(local, rerun=rerun)
        self.deadline.until(
            f"the API of {self.machine.hostname} with a new ticket", lambda: self._probe_api(self.api.local)
        )
        for name, member in sorted(local.members.items()):
            certificate = self.machine.certificate(name)
            if entering and certificate and name != local.hostname and member.online and member.address:
                ask = functools.partial(self.api.member, member.address, certificate)
                self.deadline.until(f"{name} to see {local.hostname} online", functools.partial(self._probe_api, ask))
        self._end()
        return self._read()

    def _probe_membership(self) -> tuple[bool, str]:
        local = self._read()
        if local.online:
            return True, ""
        self._push(local)
        online = sorted(name for name, member in local.members.items() if member.online)
        access = ("writable" if local.writable else "read-only") if local.mounted else "not mounted"
        seen = [
            f"/etc/pve is {access}",
            "quorum" if local.quorate else "no quorum",
            f"online: {', '.join(online) or 'none'}",
        ]
        if not self.machine.has_corosync():
            seen.append("corosync does not run (see journalctl -u corosync)")
        if self._trouble:
            seen.append(self._trouble)
        return False, ", ".join(seen)

    def _certificates(self, local: Local, *, rerun: bool) -> None:
        """The last steps of pvecm add, if they are missing: a certificate of the cluster's CA, shown by the API."""
        joined = local.mark if local.mark and local.mark.action == "join" else None
        made = local.certificate_time
        if made is None or (joined and made < int(joined.started)):
            self.changed = True
            self.machine.cli.run(_cli.PVECM_UPDATECERTS, force=True, timeout=max(self.deadline.left, 30))
            self._systemctl("reload-or-restart", "pvedaemon", "pveproxy")
        patience = self._clock() + (PATIENCE / 2 if rerun else PATIENCE)
        restarted = False

        def shown() -> tuple[bool, str]:
            nonlocal restarted
            serves = self._served()
            if serves and serves == self.machine.certificate(local.hostname):
                return True, ""
            if not restarted and self._clock() > patience:
                restarted = True
                self._systemctl("reload-or-restart", "pvedaemon", "pveproxy")
            return False, f"it shows {serves}" if serves else "no answer on port 8006"

        self.deadline.until(f"the API of {local.hostname} to show its certificate of the cluster", shown)

    def _probe_api(self, connect: Callable[[], Any]) -> tuple[bool, str]:
        """Whether an API is there, in this cluster, with quorum, and sees this node online."""
        try:
            status = connect().get("/cluster/status")
        except UNANSWERED as error:
            return False, str(error)
        cluster: dict[str, Any] = next((entry for entry in status if entry["type"] == "cluster"), {})
        nodes = {entry["name"]: entry for entry in status if entry["type"] == "node"}
        own = nodes.get(self.machine.hostname, {})
        seen = {"cluster": cluster.get("name"), "quorate": cluster.get("quorate"), "online": own.get("online")}
        good = (
            cluster.get("name") == self.wanted.name and int(cluster.get("quorate") or 0) and int(own.get("online") or 0)
        )
        return bool(good), str(seen)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
