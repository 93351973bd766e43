"""`make bench`: how long things take, on one rack, from one run. Prints a table; asserts nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/acceptance"))

from osd_under_test import node, twelve  # noqa: E402
from site_under_test import Site, site  # noqa: E402

DEFINITIONS = [
    {"storage": f"bench{number:02}", "type": "dir", "path": f"/srv/bench{number:02}", "content": ["backup", "iso"]}
    for number in range(50)
]
USERS = [{"userid": f"bench{number:02}@pve", "comment": "of make bench"} for number in range(100)]
ENTRIES = [
    {"path": path, "ugid": user["userid"], "roleid": "PVEAuditor"} for user in USERS for path in ("/vms", "/storage")
]
JOBS = [
    {
        "id": f"bench{number:02}",
        "schedule": f"{number % 24:02}:{number % 60:02}",
        "vmid": [1000 + number],
        "storage": "local",
        "mode": "snapshot",
        "prune_backups": {"keep_daily": 7, "keep_weekly": 4},
        "enabled": False,
    }
    for number in range(100)
]
# module, what its list is of, the list
LISTS = (
    ("storage", "storage definitions", DEFINITIONS),
    ("user", "users", USERS),
    ("acl", "permissions", ENTRIES),
    ("backup_job", "backup jobs", JOBS),
)


def timed(action: Callable[[], object]) -> float:
    begin = time.monotonic()
    action()
    return time.monotonic() - begin


def ansible(bench: Site, *arguments: str) -> None:
    done = subprocess.run(
        ["ansible", "-i", "inventories/rack", *arguments],
        cwd=ROOT,
        env={**os.environ, "RACK_NAME": bench.rack.name},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def requests(bench: Site) -> int:
    """API calls so far, on all nodes; a call that one node forwards to another counts once for each."""
    command = ["sh", "-c", "cat /var/log/pve-standin/requests.jsonl 2>/dev/null | wc -l"]
    return sum(int(bench.run(node, command)) for node in bench.nodes)


def row(what: str, value: str) -> None:
    print(f"{what:<62}{value:>12}", flush=True)


def main() -> None:
    with site("bench") as bench:
        ansible(bench, "all", "-m", "ping")
        ping = min(timed(lambda: ansible(bench, "all", "-m", "ping")) for _time in range(3))
        row("ansible all -m ping (best of three)", f"{ping:.2f} s")
        row("first site.yml", f"{timed(bench.converge):.1f} s")
        before = requests(bench)
        second = timed(bench.converge)
        calls = requests(bench) - before
        row("second site.yml, no change", f"{second:.1f} s")
        row("ratio second run / ping", f"{second / ping:.1f}")
        row("API calls of the second run", str(calls))
        executions = bench.converge("-vvv").output.count("SSH: EXEC ssh ")
        row("remote executions of the second run", str(executions))
        for phase in ("validate", "preflight", "network"):
            seconds = min(timed(lambda: bench.play(playbook=f"{phase}.yml")) for _time in range(3))  # noqa: B023
            row(f"{phase}.yml alone, no change (best of three)", f"{seconds:.1f} s")
        for module, things, config in LISTS:
            arguments = ["pve1", "-m", f"baremetal.proxmox.{module}", "-a", json.dumps({"config": config})]
            for what in (f"{len(config)} {things} created in one task", f"the same {len(config)} again, unchanged"):
                before = requests(bench)
                seconds = timed(lambda: ansible(bench, *arguments))  # noqa: B023
                row(what, f"{seconds:.1f} s")
                row("    API calls", str(requests(bench) - before))
    with node("bench-osd") as ceph:
        for how, (seconds, calls) in twelve(ceph).items():
            row(f"12 OSDs on one node {how}", f"{seconds:.1f} s")
            row("    API calls", str(calls))


if __name__ == "__main__":
    main()
