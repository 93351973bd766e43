"""What a node says about itself: /proc, the kernel, the root file system."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from . import paths


def kernel_release() -> str:
    """The running kernel's name. Not uname's: a kernel that stands in for Proxmox's has that name here only."""
    return Path("/proc/sys/kernel/osrelease").read_text().strip()


def status() -> dict[str, Any]:
    """The answer of GET /nodes/{node}/status."""
    version = paths.version()
    return {**machine(), "pveversion": f"pve-manager/{version['version']}/{version['repoid']}"}


def machine() -> dict[str, Any]:
    """What of it is the machine's, with whatever product."""
    kernel = os.uname()
    memory = _memory()
    root = os.statvfs("/")
    size, free = root.f_blocks * root.f_frsize, root.f_bfree * root.f_frsize
    return {
        "uptime": int(float(Path("/proc/uptime").read_text().split()[0])),
        "idle": 0,
        "cpu": _cpu(),
        "wait": 0,
        "loadavg": Path("/proc/loadavg").read_text().split()[:3],
        "kversion": f"{kernel.sysname} {kernel_release()} {kernel.version}",
        "current-kernel": {
            "machine": kernel.machine,
            "release": kernel_release(),
            "sysname": kernel.sysname,
            "version": kernel.version,
        },
        "boot-info": {"mode": "efi" if Path("/sys/firmware/efi").exists() else "legacy-bios"},
        "cpuinfo": cpuinfo(),
        "ksm": {"shared": 0},
        "memory": {
            "total": memory["MemTotal"],
            "free": memory["MemFree"],
            "available": memory["MemAvailable"],
            "used": memory["MemTotal"] - memory["MemAvailable"],
        },
        "swap": {
            "total": memory["SwapTotal"],
            "free": memory["SwapFree"],
            "used": memory["SwapTotal"] - memory["SwapFree"],
        },
        "rootfs": {"total": size, "free": free, "used": size - free, "avail": root.f_bavail * root.f_frsize},
    }


def _memory() -> dict[str, int]:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if line.endswith("kB")}


def _cpu() -> float:
    """The share of time that the processors worked in the last tenth of a second."""

    def sample() -> tuple[int, int]:
        words = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(words), words[3] + words[4]

    before, idle_before = sample()
    time.sleep(0.1)
    after, idle_after = sample()
    total = after - before
    return (total - (idle_after - idle_before)) / total if total else 0.0


def cpuinfo() -> dict[str, Any]:
    """The processors as /proc/cpuinfo describes them; on a rack's machine that may be the rack's own version of it."""
    text = Path("/proc/cpuinfo").read_text()
    first: dict[str, str] = dict(re.findall(r"^(.+?)\s*:[ \t]*(.*)$", text.split("\n\n", 1)[0], re.MULTILINE))
    flags: str = first.get("flags") or first.get("Features") or ""
    count = len(re.findall(r"^processor\s*:", text, re.MULTILINE)) or os.cpu_count() or 1
    sockets = len(set(re.findall(r"^physical id\s*:\s*(\d+)", text, re.MULTILINE))) or 1
    cores = int(first.get("cpu cores", "1"))
    virtual = re.search(r"\b(vmx|svm)\b", flags)
    return {
        "cpus": count,
        "cores": cores * sockets,
        "sockets": sockets,
        "flags": flags,
        "hvm": "1" if virtual else "",
        "model": first.get("model name", "unknown"),
        "mhz": first.get("cpu MHz", "0"),
        "user_hz": 100,
        "vendor": first.get("vendor_id", "unknown"),
        "family": first.get("cpu family", "0"),
    }
