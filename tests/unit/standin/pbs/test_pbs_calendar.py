"""Calendar events and the job that is due."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from pbsstandin import calendar, jobs, scheduler


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    yield
    monkeypatch.delenv("TZ")
    time.tzset()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("event", "last", "upcoming"),
    [
        ("daily", "2026-11-21T02:00", "2026-11-22T00:00"),
        ("02:00", "2026-11-21T02:00", "2026-11-22T02:00"),
        ("02:00", "2026-11-21T01:59:59", "2026-11-21T02:00"),
        ("sun 03:00", "2026-11-21T12:00", "2026-11-22T03:00"),
        ("mon..fri 22:30", "2026-11-20T22:30", "2026-11-23T22:30"),
        ("mon,wed..thu 1:00", "2026-11-23T01:00", "2026-11-25T01:00"),
        ("*:0/15", "2026-11-21T10:50", "2026-11-21T11:00"),
        ("0/6:30", "2026-11-21T07:00", "2026-11-21T12:30"),
        ("8..16:00", "2026-11-21T16:30", "2026-11-22T08:00"),
        ("30", "2026-11-21T10:31", "2026-11-21T11:30"),
        ("*-*-31 04:00", "2026-11-21T00:00", "2026-12-31T04:00"),
        ("*-*-1..7 04:00", "2026-11-21T00:00", "2026-12-01T04:00"),
        ("02-29", "2026-11-21T00:00", "2028-02-29T00:00"),
        ("2027-01-01 00:00", "2026-11-21T00:00", "2027-01-01T00:00"),
        ("monthly", "2026-12-31T23:00", "2027-01-01T00:00"),
        ("quarterly", "2026-11-21T00:00", "2027-01-01T00:00"),
        ("*:*:20", "2026-11-21T10:00:20", "2026-11-21T10:01:20"),
        ("12:00 UTC", "2026-11-21T00:00", "2026-11-21T13:00"),
    ],
)
def test_the_next_time(event: str, last: str, upcoming: str) -> None:
    found = calendar.parse(event).next_after(at(last))
    assert found is not None
    assert datetime.fromtimestamp(found) == datetime.fromisoformat(upcoming)


@pytest.mark.parametrize("event", ["2020-01-01", "02-30"])
def test_never(event: str) -> None:
    assert calendar.parse(event).next_after(at("2026-11-21T00:00")) is None


@pytest.mark.parametrize(
    "event",
    ["", "someday", "24:00", "1:60", "fri..mon", "mon 2026-11-21 1:00 2:00", "5..2:00", "2026-13-01", "1:2:3:4"],
)
def test_what_is_no_event(event: str) -> None:
    with pytest.raises(ValueError, match="unable to parse calendar event at"):
        calendar.parse(event)


def test_what_is_due_runs_once(pbs: Any) -> None:
    """A new job counts from when it was made, one that ran from when it began."""
    pbs.datastore(gc_schedule="hourly")
    pbs.call("POST", "/config/prune", id="minutely", store="store1", schedule="minutely", keep_last="3")
    pbs.call("POST", "/config/prune", id="paused", store="store1", schedule="minutely", keep_last="3", disable="1")
    now = int(time.time())
    assert scheduler.run_due(now - 61) == []
    (upid,) = scheduler.run_due(now - now % 60 + 60)
    result, log = pbs.task(upid)
    assert result == "OK"
    assert log.startswith("prune job 'minutely'\ntask triggered by schedule 'minutely'\n")
    assert scheduler.run_due(now) == []


def test_a_new_schedule_does_not_look_back(pbs: Any) -> None:
    pbs.datastore()
    pbs.call("POST", "/config/verify", id="weekly", store="store1", schedule="weekly")
    jobs._write(jobs.VERIFY, "weekly", {"created": {"time": at("2020-01-01T00:00")}})
    assert len(scheduler.run_due(int(time.time()))) == 1
    jobs._write(jobs.VERIFY, "weekly", {"created": {"time": at("2020-01-01T00:00")}})
    pbs.call("PUT", "/config/verify/weekly", schedule="monthly")
    assert scheduler.run_due(int(time.time())) == []
