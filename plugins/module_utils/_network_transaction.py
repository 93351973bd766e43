# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""Arms, starts, awaits, confirms: the module's side of _network_guard."""

from __future__ import annotations

import concurrent.futures
import importlib
import json
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _cli, _errors
from ansible_collections.baremetal.proxmox.plugins.module_utils import _network_guard as _guard

DIRECTORY = Path("/run/baremetal-proxmox-network")
# how long the answer of the module may take to reach the controller before the network changes
DELAY = 2
# seconds that bringing the old configuration up may take; most of a minute on a slow machine with many interfaces
PATIENCE = 300
SYSTEMD_RUN = _cli.Command(
    ("systemd-run", "--quiet", "--collect"),
    (),
    {
        "unit": _cli.value("--unit"),
        "on_active": _cli.value("--on-active"),
        "description": _cli.value("--description"),
    },
    rest="program",
)
# refused with 1 while the unit is there, which then does the same
ROLLBACK_NOW = _cli.Command(
    ("systemd-run", "--quiet", "--collect", f"--unit={_guard.ROLLBACK_UNIT}"), rest="program", ok=(0, 1)
)
START = _cli.Command(("systemctl", "start", "--no-block"), ("unit",))
RESET = _cli.Command(("systemctl", "reset-failed"), rest="units", ok=tuple(range(256)))
PING = _cli.Command(
    ("ping", "-n", "-q", "-c", "1", "-W", "1", "-M", "do"),
    (),
    {"interface": _cli.value("-I"), "size": _cli.value("-s")},
    rest="address",
    ok=(0, 1, 2),
)


def summary(items: Mapping[str, Mapping[str, Any]], listed: Iterable[str]) -> dict[str, Any]:
    """What the guard has to know of a configuration, by device: an alias is part of the device below it."""
    devices: dict[str, Any] = {}
    wanted = {name.partition(":")[0] for name in listed}
    for name, item in items.items():
        device = devices.setdefault(
            name.partition(":")[0],
            {
                "type": item["type"],
                "autostart": item["autostart"],
                "addresses": [],
                "dhcp": [],
                "gateways": [],
                "routes": [],
            },
        )
        device["listed"] = name.partition(":")[0] in wanted
        device["addresses"] += item["addresses"]
        device["dhcp"] += [version for version, key in ((4, "method"), (6, "method6")) if item[key] == "dhcp"]
        device["gateways"] += [item[key] for key in ("gateway", "gateway6") if item[key]]
        device["routes"] += [[route["to"], route["via"]] for route in item["routes"]]
    return {"interfaces": devices}


class Transaction:
    """One change of a node's network, from arming to its end. C(directory) is on a file system that a reboot empties."""

    def __init__(self, cli: _cli.Cli | None = None, directory: Path = DIRECTORY) -> None:
        self.cli = cli or _cli.Cli()
        self.directory = directory

    def state(self) -> dict[str, Any]:
        """C(state), the transaction's C(id), its C(timeout) and the seconds that C(remain), the reason if it failed.

        C(state) is V(none) where there was no change since the machine started.
        """
        try:
            transaction = json.loads((self.directory / "transaction.json").read_text())
            state = json.loads((self.directory / "state.json").read_text())
        except FileNotFoundError:
            return {"state": "none", "id": None, "remain": 0.0}
        remain = transaction["deadline"] - time.clock_gettime(time.CLOCK_BOOTTIME)
        return {
            **state,
            "id": transaction["id"],
            "timeout": transaction["timeout"],
            "remain": round(max(remain, 0.0), 1),
        }

    def pending(self) -> bool:
        return self.state()["state"] not in ("none", *_guard.ENDED)

    def await_end(self) -> None:
        """Waits for a change that nobody confirmed to be taken back. Its timer runs, so that this ends."""
        deadline, helped = time.monotonic() + self.state()["remain"] + 5, False
        while self.pending():
            if time.monotonic() > deadline:
                if helped:
                    unit = f"{_guard.ROLLBACK_UNIT}.service"
                    what = f"the unconfirmed network change before this one to be taken back (see journalctl -u {unit})"
                    raise _errors.Timeout(what, PATIENCE, self.state()["state"])
                # a run that was killed before its timer was there left nobody to do it
                helped, deadline = True, time.monotonic() + PATIENCE
                self.cli.run(ROLLBACK_NOW, program=self._program("rollback"))
            time.sleep(0.5)

    def start(self, text: str, before: str, change: Mapping[str, Any], timeout: int) -> str:
        """Arms the rollback and then has the change made. Returns the id, a moment before the network changes.

        C(change) has C(old) and C(new) (see summary), C(renames) ([{old, new}]), C(link_files) (text or None by path) and
        C(links_before) (names of all devices).
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        identity = uuid.uuid4().hex[:12]
        _guard.write(self.directory / "candidate", text)
        _guard.write(self.directory / "before", before)
        _guard.write(self.directory / "guard.py", _source())
        transaction = {
            "id": identity,
            "timeout": timeout,
            "deadline": time.clock_gettime(time.CLOCK_BOOTTIME) + timeout + DELAY,
            **change,
        }
        _guard.write(self.directory / "transaction.json", json.dumps(transaction))
        _guard.write(self.directory / "state.json", json.dumps({"state": "armed"}))
        units = [
            f"{unit}.{kind}" for unit in (_guard.ROLLBACK_UNIT, _guard.APPLY_UNIT) for kind in ("timer", "service")
        ]
        self.cli.run(RESET, units=units)
        self._arm(_guard.ROLLBACK_UNIT, timeout + DELAY, "Takes an unconfirmed network change back", "rollback")
        self._arm(_guard.APPLY_UNIT, DELAY, "Changes the network", "apply")
        return identity

    def _arm(self, unit: str, seconds: int, description: str, verb: str) -> None:
        program = ["--timer-property=AccuracySec=100ms", *self._program(verb)]
        self.cli.run(SYSTEMD_RUN, unit=unit, on_active=f"{seconds}s", description=description, program=program)

    def _program(self, verb: str) -> list[str]:
        guard = str(self.directory / "guard.py")
        return ["--property=KillMode=process", sys.executable, guard, str(self.directory), verb]

    def reject(self, reason: str) -> None:
        """Has the change taken back now rather than at its deadline."""
        guard = _guard.Guard(self.directory)
        with guard.lock():
            guard.note(guard.state()["state"], reason=reason)
        self.cli.run(START, unit=f"{_guard.ROLLBACK_UNIT}.service")

    def confirm(self) -> None:
        try:
            _guard.Guard(self.directory).confirm()
        except _guard.Failed as error:
            raise _errors.ProxmoxError(f"The network change cannot be confirmed: {error}.") from error

    def ping(self, target: Mapping[str, Any]) -> bool:
        """One echo of exactly the MTU, with don't-fragment."""
        size = int(target.get("mtu") or 1500) - (48 if ":" in target["address"] else 28)
        interface = {"interface": target["interface"]} if target.get("interface") else {}
        return self.cli.run(PING, size=size, address=[target["address"]], **interface).rc == 0


def _source() -> str:
    """The text of the guard, from wherever Ansible put it."""
    loader = importlib.import_module(_guard.__name__).__spec__.loader
    return loader.get_source(_guard.__name__)


def silent(
    targets: list[dict[str, Any]], ping: Callable[[Mapping[str, Any]], bool], until: float
) -> list[dict[str, Any]]:
    """Those that did not answer by C(until) (monotonic seconds); asked again and again, because others are still changing."""
    while targets:
        # one that does not answer takes a second, and there may be many
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ping, targets))
        targets = [target for target, answered in zip(targets, answers, strict=True) if not answered]
        if not targets or time.monotonic() > until:
            break
        time.sleep(0.5)
    return targets


def no_answer(target: Mapping[str, Any]) -> str:
    """Such as C(the gateway 192.0.2.1 on vmbr0 did not answer at MTU 1500)."""
    interface = f" on {target['interface']}" if target.get("interface") else ""
    return f"{target['what']} {target['address']}{interface} did not answer at MTU {target['mtu']}"
