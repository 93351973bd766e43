"""Made-up snapshots, for tests: `python3 -m pbsstandin.lay STORE[:NAMESPACE] TYPE/ID [--owner WHO] TIME…`.

A time is seconds since the epoch or a date such as 2026-11-21T17:00:00 in local time. Without times they are read from
stdin, one a line: a year of hourly snapshots does not fit into a command line.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from datetime import datetime

from . import files, manifests, stores, users


def snapshots(
    store: stores.Store,
    kind: str,
    ident: str,
    times: Iterable[int],
    *,
    ns: str = "",
    owner: str = users.SUPERUSER,
    finished: bool = True,
) -> None:
    """Lay a group's snapshots, one for each time in seconds since the epoch."""
    group = store.group(ns, kind, ident)
    group.directory.mkdir(parents=True, exist_ok=True)
    files.own(group.directory)
    files.own(group.directory.parent)
    if not (group.directory / "owner").exists():
        group.set_owner(owner)
    for when in times:
        directory = group.directory / manifests.stamp(when)
        directory.mkdir()
        files.own(directory)
        manifest, packed = manifests.make(kind, ident, when, {"made-up.conf.blob": f"{when}\n".encode()})
        for name, raw in packed.items():
            (directory / name).write_bytes(raw)
            files.own(directory / name)
        if finished:
            manifests.write(directory, manifest)


def _moment(text: str) -> int:
    return int(text) if text.isdigit() else int(datetime.fromisoformat(text).timestamp())


def main() -> int:
    parser = argparse.ArgumentParser(prog="pbsstandin.lay")
    parser.add_argument("store")
    parser.add_argument("group")
    parser.add_argument("times", nargs="*")
    parser.add_argument("--owner", default=users.SUPERUSER)
    arguments = parser.parse_args()
    name, _unused, ns = arguments.store.partition(":")
    kind, _unused, ident = arguments.group.partition("/")
    times = arguments.times or sys.stdin.read().split()
    snapshots(stores.lookup(name), kind, ident, map(_moment, times), ns=ns, owner=arguments.owner)
    return 0


if __name__ == "__main__":
    sys.exit(main())
