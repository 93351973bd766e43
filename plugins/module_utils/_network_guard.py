# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The program that changes a node's network, and takes the change back by itself.

M(baremetal.proxmox.node_network) copies this file to the node's C(/run), because it has to go on when Ansible's connection is
gone: it stands alone and needs nothing but Python. systemd runs it, as C(apply) and, by a timer that is armed before
anything else happens, as C(rollback).

Until the confirmation C(/etc/network/interfaces) is the old file. C(apply) shows the new one to ifreload alone, in a mount
namespace of its own, so that a machine that loses power or is rebooted comes up with the old one, without any help from
here: C(/run) is empty then. C(confirm) puts the new file in its place by one rename.

ifreload takes away what its last run set up and the file no longer has (its state file), but not everything: addresses
stay where an interface has several stanzas, and what a run that was cut off had set up is in no state file. C(settle) sees
to both.

Files in the directory: C(transaction.json) (written once, before arming), C(state.json), C(candidate), C(lock).
State: C(armed), C(applying), C(applied), then C(confirmed), or C(rolling_back) and C(rolled_back).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

INTERFACES = Path("/etc/network/interfaces")
APPLY_UNIT = "baremetal-network-apply"
ROLLBACK_UNIT = "baremetal-network-rollback"
VIRTUAL = ("bond", "bridge", "vlan", "OVSBridge", "OVSBond", "OVSIntPort")
ENDED = ("confirmed", "rolled_back")
# ifupdown2: another one is running
BUSY = 89
ENVIRONMENT = {
    "LC_ALL": "C",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
}


class Failed(Exception):
    """The new configuration did not come up; the message says why."""


class Guard:
    def __init__(self, directory: Path, interfaces: Path = INTERFACES) -> None:
        self.directory = directory
        self.interfaces = interfaces
        self.candidate = directory / "candidate"
        self.transaction: dict[str, Any] = json.loads((directory / "transaction.json").read_text())

    # state

    def state(self) -> dict[str, Any]:
        return json.loads((self.directory / "state.json").read_text())

    def note(self, state: str, **more: Any) -> None:
        old = self.state() if (self.directory / "state.json").exists() else {}
        write(self.directory / "state.json", json.dumps({**old, **more, "state": state}))

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        with (self.directory / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # the three things that can be asked for

    def apply(self) -> None:
        with self.lock():
            if self.state()["state"] != "armed":
                return
            self.note("applying")
            try:
                self._rename(self.transaction["renames"])
                output = reload(self.candidate)
                self.note("applying", output=output)
                self._judge(output)
                self.settle(self.transaction["new"], self.transaction["old"])
                self._missing(self.transaction["new"])
                self.note("applied")
                return
            except Failed as error:
                self.note("applying", reason=str(error))
            self._roll_back()

    def rollback(self, reason: str) -> None:
        if self.state()["state"] in ENDED:
            return
        run("systemctl", "stop", f"{APPLY_UNIT}.timer")
        run("systemctl", "kill", "--kill-whom=all", "--signal=KILL", f"{APPLY_UNIT}.service")
        with self.lock():
            if self.state()["state"] in ENDED:
                return
            state = self.state()
            self.note(state["state"], reason=state.get("reason") or reason)
            if state["state"] == "armed":
                # nothing was changed yet
                self.note("rolled_back")
            else:
                self._roll_back()

    def confirm(self) -> None:
        """Makes the applied configuration the one of the next boot. Raises Failed if it is not there to be confirmed."""
        with self.lock():
            state = self.state()["state"]
            if state != "applied":
                raise Failed(f"there is no applied change to confirm, it is {state.replace('_', ' ')}")
            if self.interfaces.read_text() != (self.directory / "before").read_text():
                raise Failed(f"{self.interfaces} was changed by somebody else in the meantime")
            # names and their use belong together: one right after the other, and both on the disk
            links = [
                prepare(Path(path), text) for path, text in self.transaction["link_files"].items() if text is not None
            ]
            ready = prepare(self.interfaces, self.candidate.read_text())
            for temporary, path in links:
                temporary.replace(path)
            ready[0].replace(ready[1])
            for path, text in self.transaction["link_files"].items():
                if text is None:
                    Path(path).unlink(missing_ok=True)
            for parent in {path.parent for _temporary, path in [*links, ready]}:
                sync(parent)
            self.note("confirmed")
        run("systemctl", "stop", f"{ROLLBACK_UNIT}.timer")

    # steps

    def _judge(self, output: str) -> None:
        """ifreload tells of commands that failed in warnings only, and ends with 0."""
        new = self.transaction["new"]["interfaces"]
        for line in output.splitlines():
            found = re.match(r"(?:ifreload: )?(error|warning): (?:(\S+): )?(.*)", line)
            hook = re.match(r"(\S+): (pre-up|up|post-up) ", line.partition("warning: ")[2])
            if (found and found.group(1) == "error") or (hook and new.get(hook.group(1), {}).get("listed")):
                raise Failed(f"ifreload failed: {line.strip()}")

    def _missing(self, config: dict[str, Any]) -> None:
        there = addresses()
        for name, interface in config["interfaces"].items():
            for address in interface["addresses"] if interface["listed"] and interface["autostart"] else []:
                if not any(entry[:2] == (name, address) for entry in there):
                    raise Failed(f"{name} did not get its address {address}")

    def _roll_back(self) -> None:
        new, old = self.transaction["new"], self.transaction["old"]
        self.note("rolling_back", without_carrier=without_carrier(new["interfaces"]))
        # in the same order: a NIC that was left under its temporary name is found by its number
        with contextlib.suppress(Failed):
            self._rename([{"old": pair["new"], "new": pair["old"]} for pair in self.transaction["renames"]])
        output = reload(None)
        self._remove_links(new["interfaces"], old["interfaces"])
        self.settle(old, new)
        try:
            self._missing(old)
        except Failed as error:
            # whatever the first run stumbled over is gone now
            output += f"\n{error}, once more\n" + reload(None)
        self.note("rolled_back", rollback_output=output)
        run("systemctl", "stop", f"{ROLLBACK_UNIT}.timer")

    def _rename(self, pairs: list[dict[str, str]]) -> None:
        """By way of names that nobody has, because two NICs may swap theirs."""
        for number, pair in enumerate(pairs):
            if Path(f"/sys/class/net/{pair['old']}").exists():
                run("ip", "link", "set", "dev", pair["old"], "down")
                run("ip", "link", "set", "dev", pair["old"], "name", f"bmtmp{number}")
        for number, pair in enumerate(pairs):
            if Path(f"/sys/class/net/bmtmp{number}").exists():
                done = run("ip", "link", "set", "dev", f"bmtmp{number}", "name", pair["new"])
                if done.returncode:
                    raise Failed(f"{pair['old']} could not be renamed to {pair['new']}: {done.stderr.strip()}")
                run("ip", "link", "set", "dev", pair["new"], "up")

    def _remove_links(self, new: dict[str, Any], old: dict[str, Any]) -> None:
        before = self.transaction["links_before"]
        for name, interface in new.items():
            if name in old or name in before or interface["type"] not in VIRTUAL:
                continue
            if interface["type"] == "OVSBridge":
                run("ovs-vsctl", "--if-exists", "del-br", name)
            elif interface["type"].startswith("OVS"):
                run("ovs-vsctl", "--if-exists", "del-port", name)
            elif Path(f"/sys/class/net/{name}").exists():
                run("ip", "link", "delete", "dev", name)

    def settle(self, target: dict[str, Any], other: dict[str, Any]) -> None:
        """Takes away what C(other) has and C(target) has not, and makes lent addresses of C(target) its own."""
        wanted, unwanted = target["interfaces"], other["interfaces"]
        for name, interface in unwanted.items():
            own = wanted.get(name, {"addresses": [], "dhcp": [], "gateways": [], "routes": []})
            lent = set(interface["dhcp"]) - set(own["dhcp"])
            for version in lent:
                stop_dhcp(name, version)
            for address in own["addresses"] if lent else []:
                run("ip", "address", "replace", address, "dev", name)
            for gateway in own["gateways"] if lent else []:
                run(*ip_for(gateway), "route", "replace", "default", "via", gateway, "dev", name, "onlink")
            for address in set(interface["addresses"]) - set(own["addresses"]):
                run("ip", "address", "del", address, "dev", name)
            for gateway in set(interface["gateways"]) - set(own["gateways"]):
                run(*ip_for(gateway), "route", "del", "default", "via", gateway, "dev", name)
            for route in interface["routes"]:
                if route not in own["routes"]:
                    run(*ip_for(route[1]), "route", "del", route[0], "via", route[1], "dev", name)
        for name, address, lent in addresses():
            if lent and address in wanted.get(name, {"addresses": []})["addresses"]:
                run("ip", "address", "change", address, "dev", name, "valid_lft", "forever", "preferred_lft", "forever")


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    """Output goes through files, not pipes: a dhclient that ifreload leaves behind would keep a pipe open for ever."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            rc = subprocess.run(
                argv, env=ENVIRONMENT, cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False
            ).returncode
        except FileNotFoundError as error:
            return subprocess.CompletedProcess(list(argv), 127, "", str(error))
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return subprocess.CompletedProcess(list(argv), rc, *texts)


def reload(candidate: Path | None) -> str:
    """Runs ifreload, with the candidate in the place of the file if there is one. Its output; Failed if it failed."""
    # without this place, which iproute2 has no more in Debian 13, ifupdown2 3.0 ends with 1 (its addons/vrf.py)
    Path("/etc/iproute2/rt_tables.d").mkdir(parents=True, exist_ok=True)
    command = ["ifreload", "-a"]
    if candidate is not None:
        # slave: what is unmounted on the machine goes in here too, or a dhclient from here would keep it for ever
        shell = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
        prefix = ["unshare", "--mount", "--propagation", "slave", "sh", "-c", shell, "sh"]
        command = [*prefix, str(candidate), str(INTERFACES), *command]
    deadline = time.monotonic() + 30
    while True:
        done = run(*command)
        if done.returncode != BUSY or time.monotonic() > deadline:
            break
        time.sleep(0.5)
    output = done.stdout + done.stderr
    if done.returncode and candidate is not None:
        said = [line for line in output.splitlines() if "error" in line] or output.splitlines() or ["no output"]
        raise Failed(
            f"ifreload failed with exit code {done.returncode}: {'; '.join(line.strip() for line in said[-5:])}"
        )
    return output


def addresses() -> list[tuple[str, str, bool]]:
    """All addresses: device, CIDR, and whether they run out (lent by DHCP)."""
    links = json.loads(run("ip", "-json", "address", "show").stdout or "[]")
    return [
        (link["ifname"], f"{entry['local']}/{entry['prefixlen']}", bool(entry.get("dynamic")))
        for link in links
        for entry in link.get("addr_info", [])
        if "local" in entry
    ]


def ip_for(address: str) -> list[str]:
    return ["ip", "-6"] if ":" in address else ["ip"]


def stop_dhcp(name: str, version: int) -> None:
    """Ends the client. It should not give the address back, which may be the one that stays; not every one obeys."""
    if any(Path("/run/dhcpcd").glob(f"{name}*.pid")):
        run("dhcpcd", "--exit", name)
    client = "dhclient6" if version == 6 else "dhclient"
    for path in (f"/run/{client}.{name}.pid", f"/run/{client}-{name}.pid"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(Path(path).read_text())
            if "dhclient" in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)


def without_carrier(interfaces: dict[str, Any]) -> list[str]:
    found = []
    for name in interfaces:
        try:
            carrier = Path(f"/sys/class/net/{name}/carrier").read_text().strip()
        except OSError:
            continue
        if carrier == "0":
            found.append(name)
    return found


def write(path: Path, text: str) -> None:
    temporary, path = prepare(path, text)
    temporary.replace(path)


def prepare(path: Path, text: str) -> tuple[Path, Path]:
    """A new file beside C(path) with its mode and owner, on the disk, ready to be renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.baremetal")
    with temporary.open("w") as file:
        file.write(text)
        if path.exists():
            shutil.copystat(path, temporary)
            os.chown(temporary, path.stat().st_uid, path.stat().st_gid)
        else:
            temporary.chmod(0o644)
        file.flush()
        os.fsync(file.fileno())
    return temporary, path


def sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main(arguments: list[str]) -> int:
    guard = Guard(Path(arguments[0]))
    if arguments[1] == "apply":
        guard.apply()
    elif arguments[1] == "rollback":
        guard.rollback("it was not confirmed in time")
    else:
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
