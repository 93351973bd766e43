# Copyright (c) 2026, the baremetal.proxmox authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This file is private to the baremetal.proxmox collection; its interface may change at any time.

"""The settings of a node: what each of them needs on this machine.

A container has its host's kernel. There, files are written as everywhere, and nothing is asked of the kernel.
"""

from __future__ import annotations

import functools
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.baremetal.proxmox.plugins.module_utils import _boot
from ansible_collections.baremetal.proxmox.plugins.module_utils._cli import Command
from ansible_collections.baremetal.proxmox.plugins.module_utils._errors import InputError, ProxmoxError
from ansible_collections.baremetal.proxmox.plugins.module_utils._node import Machine
from ansible_collections.baremetal.proxmox.plugins.module_utils._settings import Link, Live, Part, Refresh, read

ZONES = "/usr/share/zoneinfo"
CHRONY = "/etc/chrony/chrony.conf"
CHRONY_SOURCES = "/etc/chrony/sources.d/baremetal-proxmox.sources"
MODULES = "/etc/modules-load.d/baremetal-proxmox.conf"
MODPROBE = "/etc/modprobe.d/baremetal-proxmox.conf"
# The last one to be read wins (sysctl.d(5)), and /etc/sysctl.conf is read as 99-sysctl.conf
SYSCTL = "/etc/sysctl.d/zz-baremetal-proxmox.conf"
ZFS = "/etc/modprobe.d/zfs.conf"
ZFS_PARAMETERS = "/sys/module/zfs/parameters"
SWAP = "/etc/systemd/system/swap.target"
# debian/pve-ha-manager.default of pve-ha-manager, read by watchdog-mux.service
HA_DEFAULTS = "/etc/default/pve-ha-manager"
UNATTENDED = "/etc/apt/apt.conf.d/60baremetal-proxmox"

_HEADER = "# Written by Ansible (baremetal.proxmox); changes here are lost.\n"

MODPROBE_LOAD = Command(("modprobe", "--"), ("module",))
SWAPOFF = Command(("swapoff", "--all"))
RESTART_CHRONY = Refresh("chrony", Command(("systemctl", "restart", "chrony.service")))
DAEMON_RELOAD = Refresh("daemon-reload", Command(("systemctl", "daemon-reload")))
# pve-docs, qm-pci-passthrough.adoc; where proxmox-boot-tool is used, a hook of it copies the result
INITRAMFS = Refresh("initramfs", Command(("update-initramfs", "-u", "-k", "all")))

# What validate looks at as well, before any machine is asked
ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")
MODULE = re.compile(r"[A-Za-z0-9_-]+")
ONE_LINE = re.compile(r"\S[^\n]*")

_UNITS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


@dataclass(frozen=True)
class Context:
    """The machine, and whether nothing is to be changed. On a bare machine much is still to come then."""

    machine: Machine
    check: bool

    @property
    def early(self) -> bool:
        return self.check and not self.machine.has_proxmox

    @functools.cached_property
    def container(self) -> bool:
        return self.machine.container()


def time_zone(name: str, on: Context) -> Iterable[Part]:
    """As timedatectl leaves it, which PVE/Systemd.pm calls."""
    if not ZONE.fullmatch(name) or not (on.machine.path(f"{ZONES}/{name}").is_file() or on.early):
        raise InputError(f"timezone: expected a zone below {ZONES}, such as Europe/Vienna, found '{name}'.")
    path = "/etc/localtime"
    found = read(on.machine, path)
    same = isinstance(found, Link) and found.target.partition("/zoneinfo/")[2] == name
    files: dict[str, str | Link | None] = {path: found if same else Link(f"{ZONES}/{name}")}
    # Debian 13 has no such file any more
    if on.machine.lstat("/etc/timezone"):
        files["/etc/timezone"] = f"{name}\n"
    yield Part("timezone", files)


def ntp_servers(servers: Sequence[str], on: Context) -> Iterable[Part]:
    """pve-docs, system-timesync.adoc. Sources of the package's own file are commented out: these are all there are."""
    lines = [server if server.split()[0] in ("server", "pool", "peer") else f"server {server}" for server in servers]
    lines = [line if len(line.split()) > 2 else f"{line} iburst" for line in lines]
    files: dict[str, str | Link | None] = {CHRONY_SOURCES: _HEADER + "".join(f"{line}\n" for line in lines)}
    text = on.machine.read(CHRONY)
    if text is None and not on.check:
        raise InputError("ntp_servers: expected chrony to be installed, found no " + CHRONY + ".")
    if text is not None:
        folder = CHRONY_SOURCES.rpartition("/")[0]
        if not re.search(rf"^\s*sourcedir\s+{re.escape(folder)}/?\s*$", text, re.MULTILINE):
            raise InputError(f"ntp_servers: expected the line 'sourcedir {folder}' in {CHRONY}, found none.")
        files[CHRONY] = re.sub(r"^(?=(?:server|pool|peer)\s)", "# ", text, flags=re.MULTILINE)
    yield Part("ntp_servers", files, refresh=[RESTART_CHRONY])


def command_line(wish: _boot.Wish, on: Context) -> Iterable[Part]:
    wish.check()
    if on.container:
        return
    boot = _boot.loader(on.machine)
    files = boot.files(wish)
    lacking = wish.leftover(_boot.running(on.machine))
    # told from what there is, not noted: a later change of mind makes another line
    later = (
        boot.stale(wish)
        or any(on.machine.read(path) != text for path, text in files.items())
        or _boot.changed_since_boot(on.machine, [*files, _boot.GRUB_CONFIG])
    )
    reason = f"kernel command line: {' '.join(lacking)}"

    def verify() -> None:
        if boot.stale(wish):
            raise ProxmoxError(
                f"expected {' '.join(wish.present)} in {_boot.GRUB_CONFIG} after {' '.join(boot.command.words)}, found"
                " another command line in its first entry.",
                hint="See /etc/grub.d.",
            )

    yield Part(
        "cmdline",
        files,
        refresh=[Refresh("boot-loader", boot.command)],
        stale=boot.stale(wish),
        pending=[reason] if lacking and later else [],
        lacking=[reason] if lacking and not later else [],
        verify=verify,
    )


def loaded_modules(names: Sequence[str], on: Context) -> Iterable[Part]:
    """Loaded at boot (modules-load.d(5)) and now."""
    wrong = [name for name in names if not MODULE.fullmatch(name)]
    if wrong:
        raise InputError(f"modules: expected names of kernel modules, found {', '.join(map(repr, wrong))}.")
    files: dict[str, str | Link | None] = {MODULES: _HEADER + "".join(f"{name}\n" for name in names) if names else None}
    missing = [] if on.container else [name for name in names if not _loaded(on.machine, name)]
    here = [name for name in missing if name in _known(on.machine, platform.release())]
    elsewhere = {name for kernel in _kernels(on.machine) for name in missing if name in _known(on.machine, kernel)}
    strange = [name for name in missing if name not in elsewhere]
    if strange and not on.early:
        raise InputError(
            f"modules: expected modules of an installed kernel ({', '.join(_kernels(on.machine)) or 'there is none'}),"
            f" found {', '.join(strange)}."
        )
    later = [f"kernel module {name}" for name in missing if name not in here and not on.early]
    yield Part("modules", files, live=[_load(on.machine, name) for name in here], pending=later)


def _load(machine: Machine, name: str) -> Live:
    return Live(f"module {name}", "not loaded", "loaded", lambda: machine.cli.run(MODPROBE_LOAD, module=name))


def _underscored(name: str) -> str:
    return name.replace("-", "_")


def _loaded(machine: Machine, name: str) -> bool:
    return machine.path(f"/sys/module/{_underscored(name)}").exists() or name in _listed(
        machine, platform.release(), "builtin"
    )


def _kernels(machine: Machine) -> list[str]:
    folder = machine.path("/lib/modules")
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _listed(machine: Machine, kernel: str, what: str) -> set[str]:
    """Names in modules.dep or modules.builtin, with both signs."""
    text = machine.read(f"/lib/modules/{kernel}/modules.{what}") or ""
    names = re.findall(r"^(?:\S*/)?([^/\s:]+)\.ko\S*", text, re.MULTILINE)
    return {form for name in names for form in (name, name.replace("_", "-"), _underscored(name))}


def _known(machine: Machine, kernel: str) -> set[str]:
    return _listed(machine, kernel, "dep") | _listed(machine, kernel, "builtin")


def module_options(options: Mapping[str, str], blacklist: Sequence[str], on: Context) -> Iterable[Part]:
    """pve-docs, qm-pci-passthrough.adoc: the initramfs has a copy of these files."""
    wrong = [name for name in [*options, *blacklist] if not MODULE.fullmatch(name)]
    wrong += [text for text in options.values() if not ONE_LINE.fullmatch(str(text))]
    if wrong:
        raise InputError(
            f"module_options: expected names of kernel modules, with options in one line, found {', '.join(map(repr, wrong))}."
        )
    lines = [f"options {name} {text}" for name, text in sorted(options.items())]
    lines += [f"blacklist {name}" for name in sorted(blacklist)]
    yield Part(
        "module_options",
        {MODPROBE: _HEADER + "".join(f"{line}\n" for line in lines) if lines else None},
        refresh=[] if on.container else [INITRAMFS],
        reboot=None if on.container else "options of kernel modules",
    )


def sysctl(values: Mapping[str, Any], on: Context, loading: Sequence[str] = ()) -> Iterable[Part]:
    wanted = {name: _sysctl_text(value) for name, value in sorted(values.items())}
    text = _HEADER + "".join(f"{name} = {value}\n" for name, value in wanted.items())
    live = []
    for name, value in () if on.container else wanted.items():
        # sysctl(8): where the first separator is a slash, a dot is part of a name
        path = "/proc/sys/" + (name if "/" in name.partition(".")[0] else name.replace(".", "/"))
        found = on.machine.read(path)
        if found is None and not on.early and not loading:
            raise InputError(f"sysctl: expected settings of this kernel, found {name}.")
        if found is None or found.split() != value.split():
            live.append(_write(on.machine, name, path, " ".join((found or "not there").split()), value))
    yield Part("sysctl", {SYSCTL: text if wanted else None}, live=live)


def _sysctl_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else " ".join(str(value).split())


def _write(machine: Machine, name: str, path: str, before: str, after: str) -> Live:
    return Live(name, before, after, lambda: machine.path(path).write_text(f"{after}\n"))


def zfs_arc(limits: Mapping[str, str], on: Context) -> Iterable[Part]:
    """C(limits) by zfs_arc_max and zfs_arc_min. pve-docs, local-zfs.adoc: a maximum not above the minimum is ignored."""
    wanted = {name: number_of_bytes(name, value) for name, value in limits.items()}
    memory = re.search(r"^MemTotal:\s+(\d+) kB$", on.machine.read("/proc/meminfo") or "", re.MULTILINE)
    least = wanted.get("zfs_arc_min", int(memory[1]) * 1024 // 32 if memory else 0)
    if 0 < wanted.get("zfs_arc_max", 0) <= least:
        raise InputError(
            f"zfs_arc_max: expected more than zfs_arc_min ({least} bytes; 1/32 of the memory if it is not given), found"
            f" {wanted['zfs_arc_max']} bytes.",
            hint="ZFS ignores such a limit; give a zfs_arc_min below it.",
        )
    live = []
    for name, value in () if on.container else wanted.items():
        found = (on.machine.read(f"{ZFS_PARAMETERS}/{name}") or "").strip()
        if found and found != str(value):
            live.append(_write(on.machine, name, f"{ZFS_PARAMETERS}/{name}", found, str(value)))
    # a lower minimum has to be there before the maximum can go below it
    live.sort(key=lambda one: one.name != "zfs_arc_min")
    root = re.search(r"^\S+ / zfs ", on.machine.read("/proc/mounts") or "", re.MULTILINE)
    yield Part(
        "zfs_arc",
        {ZFS: _zfs_text(on.machine.read(ZFS) or "", wanted)},
        refresh=[INITRAMFS] if root and not on.container else [],
        live=live,
    )


def number_of_bytes(name: str, value: str) -> int:
    match = re.fullmatch(r"(\d+)([KMGT]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
    if match is None:
        raise InputError(f"{name}: expected a number of bytes or a size such as 8G, found '{value}'.")
    return int(match[1]) * 1024 ** _UNITS[match[2].upper()]


def _zfs_text(text: str, wanted: Mapping[str, int]) -> str:
    """The file with these options of zfs, and the rest of it as it is."""
    left = {name: f"{name}={value}" for name, value in wanted.items()}
    lines = []
    for line in text.splitlines():
        parts = line.split()
        if parts[:2] == ["options", "zfs"] and any(part.partition("=")[0] in wanted for part in parts[2:]):
            kept = [
                left.pop(part.partition("=")[0], "") if part.partition("=")[0] in wanted else part for part in parts[2:]
            ]
            line = " ".join(["options zfs", *filter(None, kept)])
            if line == "options zfs":
                continue
        lines.append(line)
    lines += [f"options zfs {option}" for option in left.values()]
    return "".join(f"{line}\n" for line in lines)


def no_swap(on: Context) -> Iterable[Part]:
    """Masked, so that fstab and partitions that systemd finds by their type (systemd-gpt-auto-generator(8)) count for nothing."""
    areas = [line.split()[0] for line in (on.machine.read("/proc/swaps") or "").splitlines()[1:]]
    live = []
    if areas and not on.container:
        _room_for_swap(on.machine)
        live = [Live("swap", ", ".join(areas), "none", lambda: on.machine.cli.run(SWAPOFF, timeout=600))]
    yield Part("swap", {SWAP: Link("/dev/null")}, refresh=[DAEMON_RELOAD], live=live)


def _room_for_swap(machine: Machine) -> None:
    found = {
        name: int(kib)
        for name, kib in re.findall(r"^(\w+):\s+(\d+) kB$", machine.read("/proc/meminfo") or "", re.MULTILINE)
    }
    used = found.get("SwapTotal", 0) - found.get("SwapFree", 0)
    if used > found.get("MemAvailable", 0):
        raise InputError(
            f"swap: expected memory for the {used // 1024} MiB that are swapped out, found"
            f" {found.get('MemAvailable', 0) // 1024} MiB available.",
            hint="Stop or move guests first.",
        )


def watchdog(module: str, on: Context) -> Iterable[Part]:
    """pve-docs, ha-manager.adoc; watchdog-mux loads it when it starts, and is never restarted here: it may be armed."""
    if not MODULE.fullmatch(module):
        raise InputError(f"watchdog: expected the name of a kernel module, found '{module}'.")
    text = on.machine.read(HA_DEFAULTS)
    if not on.machine.has_proxmox and not on.check:
        raise InputError("watchdog: expected Proxmox VE to be installed, found no Proxmox VE.")
    lines = (text or "").splitlines()
    assigned = [number for number, line in enumerate(lines) if re.match(r"\s*WATCHDOG_MODULE=", line)]
    current = lines[assigned[-1]].partition("=")[2].strip("\"' ") if assigned else "softdog"
    if current == module:
        new = text
    else:
        lines = [line for number, line in enumerate(lines) if number not in assigned]
        # softdog is what watchdog-mux takes when nothing is said
        lines += [] if module == "softdog" else [f"WATCHDOG_MODULE={module}"]
        new = "".join(f"{line}\n" for line in lines)
    yield Part("watchdog", {HA_DEFAULTS: new}, reboot=None if on.container else f"watchdog {module}")


def unattended_upgrades(policy: str, on: Context) -> Iterable[Part]:
    """Debian's security archive only. Proxmox's packages come from other origins, and are named once more."""
    text = (
        _HEADER.replace("#", "//", 1)
        + """#clear Unattended-Upgrade::Allowed-Origins;
#clear Unattended-Upgrade::Origins-Pattern;
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Origins-Pattern {
  "origin=Debian,codename=${distro_codename},label=Debian-Security";
  "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
};
Unattended-Upgrade::Package-Blacklist {
  "^(proxmox|pve|ceph|qemu|lxc)";
  "^(corosync|libknet|libcorosync)";
};
Unattended-Upgrade::Automatic-Reboot "false";
"""
    )
    yield Part("unattended_upgrades", {UNATTENDED: text if policy == "security" else None})


Given = Mapping[str, Any]

# In the order in which they are made: what options belong together, and what makes their parts
_MAKE: dict[tuple[str, ...], Callable[[Given, Context], Iterable[Part]]] = {
    ("timezone",): lambda given, on: time_zone(given["timezone"], on),
    ("ntp_servers",): lambda given, on: ntp_servers(given["ntp_servers"], on) if given["ntp_servers"] else (),
    ("module_options", "module_blacklist"): lambda given, on: module_options(
        given.get("module_options", {}), given.get("module_blacklist", ()), on
    ),
    ("modules",): lambda given, on: loaded_modules(given["modules"], on),
    ("zfs_arc_min", "zfs_arc_max"): lambda given, on: zfs_arc(
        {name: given[name] for name in ("zfs_arc_min", "zfs_arc_max") if name in given}, on
    ),
    ("sysctl", "swappiness"): lambda given, on: sysctl(_with_swappiness(given), on, given.get("modules", ())),
    ("swap",): lambda given, on: no_swap(on) if given["swap"] == "off" else (),
    ("watchdog",): lambda given, on: watchdog(given["watchdog"], on),
    ("unattended_upgrades",): lambda given, on: unattended_upgrades(given["unattended_upgrades"], on),
    ("cmdline", "cmdline_absent"): lambda given, on: command_line(
        _boot.Wish(given.get("cmdline", ()), given.get("cmdline_absent", ())), on
    ),
}
# Those that are in one file
TOGETHER = tuple(_MAKE)
SETTINGS = frozenset(name for names in TOGETHER for name in names)


def parts(config: Mapping[str, Any], on: Context) -> list[Part]:
    """The parts of what C(config) names; None is not named. Raises one InputError with every finding."""
    given = {name: value for name, value in config.items() if value is not None}
    problems: list[str] = []
    result: list[Part] = []
    for names, make in _MAKE.items():
        if not set(names) & set(given):
            continue
        try:
            result += make(given, on)
        except InputError as error:
            problems.append(str(error))
    if problems:
        raise InputError(" ".join(problems) + " Nothing was changed.", problems=problems)
    return result


def _with_swappiness(given: Given) -> dict[str, Any]:
    values = dict(given.get("sysctl", {}))
    if "swappiness" in given:
        values["vm.swappiness"] = given["swappiness"]
    return values
