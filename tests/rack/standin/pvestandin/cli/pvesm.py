"""pvesm: storages (PVE/CLI/pvesm.pm)."""

from __future__ import annotations

import sys
from typing import Any

from .. import paths, registry
from ..commandline import Command, run


def _show_status(data: list[dict[str, Any]]) -> None:
    rows = sorted(data, key=lambda entry: entry["storage"])
    width = max([0, *(len(entry["storage"]) for entry in rows)]) + 1
    print(
        f"{'Name':<{width}} {'Type':>10} {'Status':>10} {'Total (KiB)':>15} {'Used (KiB)':>15} "
        f"{'Available (KiB)':>15} {'%':>8}"
    )
    for entry in rows:
        sizes = [int(entry.get(key) or 0) // 1024 for key in ("total", "used", "avail")]
        state = "active" if entry["active"] else "inactive"
        share = f"{entry['used'] * 100 / (entry['total'] or 1):.2f}%"
        if not entry["enabled"]:
            state, share = "disabled", "N/A"
        print(
            f"{entry['storage']:<{width}} {entry['type']:>10} {state:>10} {sizes[0]:>15} {sizes[1]:>15} "
            f"{sizes[2]:>15} {share:>8}"
        )


def _show_content(data: list[dict[str, Any]]) -> None:
    print("Volid Format  Type      Size VMID")
    for entry in data:
        print(
            f"{entry['volid']} {entry['format']:>7} {entry['content']:>9} {entry['size']:>14} {entry.get('vmid', '')}"
        )


def main() -> int:
    registry.load()
    here = {"node": paths.node_name()}
    commands = {
        "add": Command("POST", "/storage", ("type", "storage"), asked="password"),
        "set": Command("PUT", "/storage/{storage}", ("storage",), asked="password"),
        "remove": Command("DELETE", "/storage/{storage}", ("storage",)),
        "status": Command("GET", "/nodes/{node}/storage", (), here, _show_status),
        "list": Command("GET", "/nodes/{node}/storage/{storage}/content", ("storage",), here, _show_content),
    }
    return run("pvesm", commands, sys.argv[1:])
