"""Which snapshots of a group a prune keeps (docs/maintenance.rst; pbs-datastore, prune.rs).

The rules are applied one after the other, each to the snapshots from new to old: keep-last, -hourly, -daily, -weekly,
-monthly, -yearly. A rule keeps the newest snapshot of each of its next N periods (days, ISO weeks, … in local time). A
period for which an earlier rule already kept a snapshot does not count, and the other snapshots of a period for which
this rule keeps one go. Protected snapshots stay and count for nothing. Of the snapshots without a manifest only the
newest stays, and only while nothing finished is newer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, Protocol

KEEP_OPTIONS = ("keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly")


class Snapshot(Protocol):
    """What prune looks at. `time` is in seconds since the epoch and differs between the snapshots of a group."""

    time: int
    finished: bool
    protected: bool


class Mark(Enum):
    """The words of the log."""

    PROTECTED = "protected"
    KEEP = "keep"
    KEEP_PARTIAL = "keep-partial"
    REMOVE = "remove"


_FORMATS = {
    "keep-hourly": "%Y/%m/%d/%H",
    "keep-daily": "%Y/%m/%d",
    "keep-weekly": "%G/%V",
    "keep-monthly": "%Y/%m",
    "keep-yearly": "%Y",
}


def keeps_something(options: dict[str, Any]) -> bool:
    """Without any rule nothing is removed."""
    return any(options.get(name) for name in KEEP_OPTIONS)


def marks(snapshots: Iterable[Snapshot], options: dict[str, Any]) -> list[tuple[Any, Mark]]:
    """Every snapshot with what becomes of it, from new to old. Nothing is kept when there is no rule."""
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.time, reverse=True)
    marked = _unfinished(ordered)
    for rule in KEEP_OPTIONS:
        if options.get(rule) is not None:
            _apply(marked, ordered, int(options[rule]), _period(rule))
    return [
        (snapshot, Mark.PROTECTED if snapshot.protected else marked.get(snapshot.time, Mark.REMOVE))
        for snapshot in ordered
    ]


def _period(rule: str) -> Callable[[Snapshot], str]:
    form = _FORMATS.get(rule)
    if form is None:
        return lambda snapshot: str(snapshot.time)
    return lambda snapshot: time.strftime(form, time.localtime(snapshot.time))


def _unfinished(ordered: Sequence[Snapshot]) -> dict[int, Mark]:
    marked = {snapshot.time: Mark.REMOVE for snapshot in ordered if not snapshot.finished}
    if ordered and not ordered[0].finished:
        marked[ordered[0].time] = Mark.KEEP_PARTIAL
    return marked


def _apply(marked: dict[int, Mark], ordered: Sequence[Snapshot], count: int, period: Callable[[Snapshot], str]) -> None:
    """One rule: marks what it decides, and leaves the rest to the rules after it."""
    taken = {period(snapshot) for snapshot in ordered if marked.get(snapshot.time) is Mark.KEEP}
    chosen: set[str] = set()
    for snapshot in ordered:
        if snapshot.time in marked or snapshot.protected:
            continue
        name = period(snapshot)
        if name in taken:
            continue
        if name in chosen:
            marked[snapshot.time] = Mark.REMOVE
            continue
        if len(chosen) >= count:
            return
        chosen.add(name)
        marked[snapshot.time] = Mark.KEEP
