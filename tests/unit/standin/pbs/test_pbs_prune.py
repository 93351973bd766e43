"""What a prune keeps, against dates worked out by hand and against another way to say the rules."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from pbsstandin import prune
from pbsstandin.prune import Mark

YEAR = [datetime(2025, 11, 22, 2) + timedelta(days=day) for day in range(365)]
"""A snapshot every night, to Saturday, 2026-11-21."""


@dataclass(frozen=True)
class Snapshot:
    time: int
    finished: bool = True
    protected: bool = False


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    yield
    monkeypatch.delenv("TZ")
    time.tzset()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def kept(snapshots: list[Snapshot], **options: int) -> list[str]:
    """Local times of what stays, from old to new."""
    rules = {f"keep-{name}": count for name, count in options.items()}
    found = [snapshot.time for snapshot, mark in prune.marks(snapshots, rules) if mark is not Mark.REMOVE]
    return [datetime.fromtimestamp(when).strftime("%m-%d %H:%M") for when in sorted(found)]


def test_seven_four_three_of_a_year_of_nights() -> None:
    """The seven nights are in weeks 46 and 47, the four Sundays in October and November: both count once."""
    found = kept([Snapshot(int(when.timestamp())) for when in YEAR], daily=7, weekly=4, monthly=3)
    months = ["07-31 02:00", "08-31 02:00", "09-30 02:00"]
    sundays = ["10-18 02:00", "10-25 02:00", "11-01 02:00", "11-08 02:00"]
    assert found == months + sundays + [f"11-{day} 02:00" for day in range(15, 22)]


def test_a_rule_after_another_does_not_count_what_is_kept() -> None:
    snapshots = [Snapshot(at(f"2026-11-{day:02}T02:00")) for day in range(1, 22)]
    assert kept(snapshots, last=2, daily=2) == ["11-18 02:00", "11-19 02:00", "11-20 02:00", "11-21 02:00"]


def test_the_newest_of_an_hour_stays() -> None:
    snapshots = [Snapshot(at(f"2026-11-21T{hour}:{minute}")) for hour in (10, 11, 12) for minute in ("05", "35")]
    assert kept(snapshots, hourly=2) == ["11-21 11:35", "11-21 12:35"]


def test_days_are_those_of_the_local_time() -> None:
    """23:30 UTC is the next day in Vienna."""
    snapshots = [Snapshot(at(f"2026-07-0{day}T23:30+00:00")) for day in (1, 2)] + [
        Snapshot(at("2026-07-03T12:00+00:00"))
    ]
    assert kept(snapshots, daily=2) == ["07-02 01:30", "07-03 14:00"]


def test_weeks_are_iso_weeks() -> None:
    """2027-01-01 is in week 53 of 2026."""
    snapshots = [Snapshot(at(f"{day}T02:00")) for day in ("2026-12-27", "2026-12-31", "2027-01-01", "2027-01-04")]
    assert kept(snapshots, weekly=3) == ["12-27 02:00", "01-01 02:00", "01-04 02:00"]


def test_protected_ones_stay_and_do_not_count() -> None:
    snapshots = [Snapshot(at(f"2026-11-{day:02}T02:00"), protected=day in (5, 21)) for day in range(1, 22)]
    assert kept(snapshots, last=1) == ["11-05 02:00", "11-20 02:00", "11-21 02:00"]
    assert prune.marks(snapshots, {"keep-last": 1})[0][1] is Mark.PROTECTED


def test_an_unfinished_one_stays_while_it_is_the_newest() -> None:
    old, new = Snapshot(at("2026-11-20T02:00"), finished=False), Snapshot(at("2026-11-21T02:00"), finished=False)
    done = Snapshot(at("2026-11-20T03:00"))
    assert [mark for _snapshot, mark in prune.marks([old, done, new], {"keep-last": 1})] == [
        Mark.KEEP_PARTIAL,
        Mark.KEEP,
        Mark.REMOVE,
    ]


def _another_way(times: list[int], rules: dict[str, int]) -> set[int]:
    """The rules by sets: each takes the newest of its next periods among those that no kept snapshot lies in."""
    forms = ["%s", "%Y%m%d%H", "%Y%m%d", "%G%V", "%Y%m", "%Y"]
    kept: set[int] = set()
    gone: set[int] = set()
    for name, form in zip(prune.KEEP_OPTIONS, forms, strict=True):
        if name not in rules:
            continue

        def period(when: int, form: str = form) -> str:
            return str(when) if form == "%s" else datetime.fromtimestamp(when).strftime(form)

        covered = {period(when) for when in kept}
        open_ones = sorted(
            (when for when in times if when not in kept | gone and period(when) not in covered), reverse=True
        )
        periods = list(dict.fromkeys(period(when) for when in open_ones))
        chosen = periods[: rules[name]]
        # What comes after the first snapshot of a period too many is left to the later rules.
        limit = next((when for when in open_ones if period(when) not in chosen), -1)
        for when in (when for when in open_ones if when > limit):
            newest = max(other for other in open_ones if period(other) == period(when))
            (kept if when == newest else gone).add(when)
    return kept


def test_any_rules_on_any_snapshots() -> None:
    chance = random.Random(20261121)
    for _unused in range(200):
        start = int(datetime(2026, 1, 1).timestamp())
        times = sorted({start + chance.randrange(0, 86400 * 500, 1800) for _each in range(chance.randrange(1, 150))})
        rules = {name: chance.randrange(1, 9) for name in prune.KEEP_OPTIONS if chance.random() < 0.5}
        if rules:
            found = {
                entry.time
                for entry, mark in prune.marks([Snapshot(when) for when in times], rules)
                if mark is Mark.KEEP
            }
            assert found == _another_way(times, rules), (rules, times)


def test_a_group_is_pruned(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "vm/100", [int(when.timestamp()) for when in YEAR])
    path, group = "/admin/datastore/store1/prune", {"backup_type": "vm", "backup_id": "100"}
    rules = {"keep_daily": "7", "keep_weekly": "4", "keep_monthly": "3"}
    planned = pbs.call("POST", path, dry_run="1", **group, **rules)
    assert (len(planned), sum(entry["keep"] for entry in planned)) == (365, 14)
    assert len(pbs.call("GET", "/admin/datastore/store1/snapshots")) == 365
    assert pbs.call("POST", path, **group, **rules) == planned
    left = [entry["backup-time"] for entry in pbs.call("GET", "/admin/datastore/store1/snapshots")]
    assert left == [entry["backup-time"] for entry in planned if entry["keep"]]


def test_without_a_rule_everything_stays(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.snapshots(store, "vm/100", [at("2026-11-20T02:00"), at("2026-11-21T02:00")])
    result, log = pbs.task(pbs.call("POST", "/admin/datastore/store1/prune-datastore"))
    assert result == "OK"
    assert "No prune selection - keeping all files." in log
    assert len(pbs.call("GET", "/admin/datastore/store1/snapshots")) == 2


def test_a_job_prunes_its_namespace_down_to_its_depth(pbs: Any) -> None:
    store = pbs.datastore()
    pbs.call("POST", "/admin/datastore/store1/namespace", name="site")
    pbs.call("POST", "/admin/datastore/store1/namespace", name="rack", parent="site")
    for ns in ("", "site", "site/rack"):
        pbs.snapshots(store, "vm/100", [int(when.timestamp()) for when in YEAR[-10:]], ns=ns)
    pbs.call(
        "POST",
        "/config/prune",
        id="nightly",
        store="store1",
        ns="site",
        max_depth="0",
        schedule="daily",
        keep_daily="3",
    )
    result, log = pbs.task(pbs.call("POST", "/admin/prune/nightly/run"))
    assert result == "OK"
    assert log.count("remove vm/100") == 7
    counted = {ns: len(pbs.call("GET", "/admin/datastore/store1/snapshots", ns=ns)) for ns in ("", "site", "site/rack")}
    assert counted == {"": 10, "site": 3, "site/rack": 10}
    (job,) = pbs.call("GET", "/admin/prune")
    assert job["last-run-state"] == "OK"
    assert job["next-run"] > job["last-run-endtime"]
