"""pmxcfs: mounts /etc/pve, stays connected to corosync, and keeps /etc/corosync/corosync.conf in step."""

from __future__ import annotations

import grp
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import syslog
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .. import daemon, guests, paths
from . import DATABASE, ipc
from .corosync import CorosyncError, Group, Map, Quorum
from .files import Files
from .fsm import AWAY, Fsm, pack
from .kernel import Kernel, Stopped, unmount
from .memdb import MemDb
from .view import View, observed

GROUP = "pve_dcdb_v1"
RETRY_SECONDS = 5
PIDFILE = "/run/pve-cluster.pid"
LOCAL_CONF = "/etc/corosync/corosync.conf"


def config_version(text: bytes) -> int:
    """0 if there is none."""
    match = re.search(rb"^\s*config_version\s*:\s*(\d+)", text, re.MULTILINE)
    return int(match[1]) if match else 0


def sync_corosync_conf(db: MemDb, notify: bool) -> None:
    """Write the cluster's corosync.conf to this node unless the node's is newer; tell corosync if asked to."""
    new = db.read("corosync.conf") or b""
    version = config_version(new)
    if not version:
        return
    target = paths.at(LOCAL_CONF)
    old = target.read_bytes() if target.exists() else b""
    if old == new:
        return
    if version < config_version(old):
        syslog.syslog(syslog.LOG_CRIT, "local corosync.conf is newer")
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    unfinished.write_bytes(new)
    unfinished.chmod(0o644)
    unfinished.rename(target)
    syslog.syslog(f"wrote new corosync config '{LOCAL_CONF}' (version = {version})")
    if notify and config_version(old):
        # The other members need a moment to write theirs before all of them read it again.
        time.sleep(1)
        reload = subprocess.run(
            ["corosync-cfgtool", "-R"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if reload.returncode:
            syslog.syslog(syslog.LOG_CRIT, f"corosync-cfgtool -R failed with exit code {reload.returncode}")


def node_address(name: str) -> str | None:
    """The first address of the name that is no loopback."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return None
    for entry in found:
        address = str(entry[4][0])
        if not address.startswith("127.") and address != "::1":
            return address
    return None


class Link:
    """The connections to corosync, each tried again some seconds after it failed."""

    def __init__(self, db: MemDb, view: View, address: str) -> None:
        self.db, self.view = db, view
        view.put("nodeip", address)
        self.fsm = Fsm(db, (0, 0), self._send)
        self.fsm.own = view.own
        self.fsm.on_write = self._written
        self.fsm.on_adopt = lambda: sync_corosync_conf(db, False)
        self.fsm.on_leave = self._want_leave
        self.fsm.on_log = view.log
        self.fsm.on_members = view.members_changed
        view.fsm = self.fsm
        self._group: Group | None = None
        self._sending = threading.Lock()
        self._leaving = False
        self._services: dict[str, Any] = {}
        self._tried: dict[str, float] = {}
        self._connect: dict[str, Callable[[], Any]] = {
            "quorum": lambda: Quorum(self._quorate),
            "map": Map,
            "group": self._join,
        }

    def run(self) -> None:
        """Never returns."""
        while True:
            for name in self._connect:
                self._ensure(name)
            self._read_map()
            self._wait()

    def say(self) -> None:
        """Our values have changed."""
        if self.fsm.mode != AWAY:
            self._send(pack({"kind": "kv", **self.view.own}))

    def _ensure(self, name: str) -> None:
        now = time.monotonic()
        if name in self._services or now - self._tried.get(name, -RETRY_SECONDS) <= RETRY_SECONDS:
            return
        self._tried[name] = now
        try:
            self._services[name] = self._connect[name]()
        except CorosyncError as error:
            syslog.syslog(syslog.LOG_CRIT, str(error))

    def _join(self) -> Group:
        # The first membership message arrives with the first dispatch: our own id is known by then.
        group = Group(GROUP, self.fsm.message, self.fsm.change)
        self.fsm.me = (group.nodeid, os.getpid())
        self._group = group
        return group

    def _wait(self) -> None:
        with selectors.DefaultSelector() as selector:
            for name, service in list(self._services.items()):
                if name == "map":
                    continue
                try:
                    selector.register(service.fileno(), selectors.EVENT_READ, name)
                except CorosyncError as error:
                    self._lost(name, error)
            ready = selector.select(1.0)
        # Quorum first: a write that follows the loss of quorum must find it lost.
        for name in sorted((key.data for key, _unused in ready), reverse=True):
            try:
                self._services[name].dispatch()
            except CorosyncError as error:
                self._lost(name, error)
        if self._leaving:
            self._leaving = False
            self._lost("group", CorosyncError("received write while not quorate - trigger resync"))
            self._tried.pop("group", None)

    def _lost(self, name: str, error: CorosyncError) -> None:
        syslog.syslog(syslog.LOG_CRIT, str(error))
        service = self._services.pop(name)
        if name == "quorum":
            self._quorate(False)
        if name == "group":
            with self._sending:
                self._group = None
            self.fsm.leave()
        service.close()

    def _send(self, data: bytes) -> None:
        with self._sending:
            if self._group is None:
                raise CorosyncError("not connected to corosync")
            self._group.send(data)

    def _quorate(self, quorate: bool) -> None:
        if quorate != self.fsm.quorate:
            syslog.syslog(f"node {'has' if quorate else 'lost'} quorum")
        self.fsm.quorate = quorate
        self.view.set_quorate(quorate)

    def _want_leave(self) -> None:
        self._leaving = True

    def _written(self, path: str, ours: bool) -> None:
        if path == "corosync.conf":
            sync_corosync_conf(self.db, ours)

    def _read_map(self) -> None:
        running = self._services.get("map")
        if running is None:
            return
        try:
            nodes = running.nodes()
            name, version = running.text("totem.cluster_name"), running.number("totem.config_version")
        except CorosyncError as error:
            self._lost("map", error)
            return
        if name:
            self.view.set_cluster(name, version or 0, nodes)


def _database(local: bool) -> MemDb:
    """Open it; a new one takes the corosync.conf that lies on the node already (that is how a node joins).

    Without one the node is new, and gets the guests that the rack gave it.
    """
    db = MemDb(paths.at(DATABASE))
    conf = paths.at(LOCAL_CONF)
    now = int(time.time())
    if db.created and conf.exists():
        if not local:
            db.create("corosync.conf", 0, now)
            db.write("corosync.conf", 0, now, conf.read_bytes(), 0, True)
    elif db.created:
        for path, text in guests.given(paths.node_name()).items():
            _lay(db, path, text.encode(), now)
    return db


def _lay(db: MemDb, path: str, data: bytes, now: int) -> None:
    """A file and the directories above it."""
    parts = path.split("/")
    for depth in range(1, len(parts)):
        db.mkdir("/".join(parts[:depth]), 0, now)
    db.create(path, 0, now)
    db.write(path, 0, now, data, 0, True)


def run(ready: Callable[[], None], local: bool) -> None:
    """The server: returns when the file system is unmounted (SIGTERM)."""
    name = paths.node_name()
    address = node_address(name)
    if address is None:
        print(
            f"[main] crit: Unable to resolve node name '{name}' to a non-loopback IP address - missing entry in"
            " '/etc/hosts' or DNS?",
            file=sys.stderr,
        )
        raise SystemExit(255)
    try:
        group = grp.getgrnam("www-data").gr_gid
    except KeyError:
        print("[main] crit: Unable to get www-data group ID", file=sys.stderr)
        raise SystemExit(255) from None
    syslog.openlog("pmxcfs", syslog.LOG_PID, syslog.LOG_DAEMON)
    os.umask(0o027)
    run_directory = paths.at("/run/pve-cluster")
    run_directory.mkdir(mode=0o750, parents=True, exist_ok=True)
    os.chown(run_directory, 0, group)
    db = _database(local)
    view = View(db, name, observed(paths.release()[0]))
    link = None
    if db.read("corosync.conf") is not None and not local:
        link = Link(db, view, address)
        sync_corosync_conf(db, True)
    else:
        view.set_quorate(True)
        view.put("nodeip", address)
    mount = paths.at("/etc/pve")
    unmount(str(mount))
    mount.mkdir(mode=0o750, parents=True, exist_ok=True)

    def mounted() -> None:
        if link:
            threading.Thread(target=link.run, daemon=True).start()
        ipc.serve(lambda request: _answer(request, view, link))
        ready()

    def stop(*_: object) -> None:
        raise Stopped

    kernel = Kernel(Files(db, view, link.fsm if link else None, group, mounted), str(mount))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop)
    kernel.loop()
    if link:
        link.fsm.leave()
    kernel.pool.shutdown()
    db.close()


def _answer(request: dict[str, Any], view: View, link: Link | None) -> Any:
    if request["do"] == "put":
        view.put(request["key"], request["value"])
        if link:
            link.say()
        return None
    if request["do"] == "get":
        return view.get(request["node"], request["key"])
    entry = view.entry(request["user"], request["priority"], request["tag"], request["pid"], request["message"])
    if link:
        link.fsm.tell("log", entry=entry)
    if not link or link.fsm.mode == AWAY:
        view.log(entry)
    return None


def main() -> int:
    arguments = set(sys.argv[1:])
    if arguments - {"-f", "--foreground", "-l", "--local"}:
        print("USAGE: pmxcfs [-f] [-l]", file=sys.stderr)
        return 1
    local = bool(arguments & {"-l", "--local"})
    pidfile = paths.at(PIDFILE)
    if arguments & {"-f", "--foreground"}:
        pidfile.write_text(f"{os.getpid()}\n")
        run(lambda: None, local)
    else:
        daemon.start(pidfile, lambda ready: run(ready, local))
    return 0


def mounted(path: Path) -> bool:
    """Whether the cluster file system is there."""
    return (path / "local").is_symlink()
