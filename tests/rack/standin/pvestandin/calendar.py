"""Calendar events, as Proxmox reads them (proxmox-time; docs/calendarevents.rst of PBS): a subset of systemd.time(7).

    [WEEKDAYS] [[YEAR-]MONTH-DAY] [[HOUR:]MINUTE[:SECOND]] [UTC]

`*` is any value, `a..b` a range, `a/n` every n from a on, commas make lists. There is no `~`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPECIAL = {
    "minutely": "*:*:00",
    "hourly": "*:00:00",
    "daily": "00:00:00",
    "weekly": "mon 00:00:00",
    "monthly": "*-*-1 00:00:00",
    "yearly": "*-1-1 00:00:00",
    "annually": "*-1-1 00:00:00",
    "quarterly": "*-1,4,7,10-1 00:00:00",
    "semiannually": "*-1,7-1 00:00:00",
    "semi-annually": "*-1,7-1 00:00:00",
}
_UNITS = ("year", "month", "day", "hour", "minute", "second")
_LIMITS = {"year": (0, 2199), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}
_FIRST = {"month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
_STEPS = 1000
"""After so many steps PBS says that there is no next time."""

Values = frozenset[int] | None
"""None: any."""


@dataclass(frozen=True)
class CalendarEvent:
    values: dict[str, Values]
    weekdays: Values = None
    """0 is Monday."""
    utc: bool = False

    def next_after(self, last: int) -> int | None:
        """The first moment of the event after `last`, in seconds since the epoch; None when there is none."""
        moment = datetime.fromtimestamp(last + 1, UTC if self.utc else None).replace(tzinfo=None)
        for _unused in range(_STEPS):
            try:
                following = self._corrected(moment)
            except OverflowError:
                return None
            if following is None:
                return None
            if following == moment:
                return int((moment.replace(tzinfo=UTC) if self.utc else moment).timestamp())
            moment = following
        return None

    def _corrected(self, moment: datetime) -> datetime | None:
        """The moment itself if it fits, else the next one that may; None when no year is left."""
        for unit in _UNITS:
            allowed, value = self.values[unit], getattr(moment, unit)
            if allowed is not None and value not in allowed:
                later = min((item for item in allowed if item > value), default=None)
                return _advanced(moment, unit, later)
            if unit == "day" and self.weekdays is not None and moment.weekday() not in self.weekdays:
                return _start_of(moment, "day") + timedelta(days=1)
        return moment


def _start_of(moment: datetime, unit: str) -> datetime:
    """The moment with everything smaller than the unit at its beginning."""
    smaller = _UNITS[_UNITS.index(unit) + 1 :]
    return moment.replace(microsecond=0, **{name: _FIRST[name] for name in smaller})  # type: ignore[arg-type]


def _advanced(moment: datetime, unit: str, value: int | None) -> datetime | None:
    """The unit's next value, or without one the beginning of the next larger unit."""
    begun = _start_of(moment, unit)
    if value is not None:
        try:
            return begun.replace(**{unit: value})  # type: ignore[arg-type]
        except ValueError:  # February 30
            return _advanced(moment, unit, None)
    if unit == "year":
        return None
    if unit == "month":
        return begun.replace(year=begun.year + 1, month=1)
    if unit == "day":
        return (begun.replace(day=28) + timedelta(days=4)).replace(day=1)
    return (
        begun.replace(**{unit: 0})
        + {  # type: ignore[arg-type]
            "hour": timedelta(days=1),
            "minute": timedelta(hours=1),
            "second": timedelta(minutes=1),
        }[unit]
    )


def parse(text: str) -> CalendarEvent:
    """Raises ValueError for what PBS refuses."""
    rest, utc = text, False
    if rest.endswith("UTC"):
        rest, utc = rest[:-3].rstrip(" "), True
    rest = _SPECIAL.get(rest, rest)
    weekdays: Values = None
    values: dict[str, Values] = {unit: None for unit in _UNITS}
    try:
        match = re.match(r"[A-Za-z][A-Za-z.,]*", rest)
        if match:
            weekdays = _weekdays(match[0])
            rest = rest[match.end() :].lstrip()
        date, time = _split(rest)
        if not (match or date or time):
            raise ValueError("date or time specification")
        if date:
            parts = date.split("-")
            for unit, part in zip(_UNITS[3 - len(parts) : 3], parts, strict=True):
                values[unit] = _values(part, unit)
        for unit, part in zip(("hour", "minute", "second"), _clock(time), strict=True):
            values[unit] = _values(part, unit)
    except ValueError as error:
        raise ValueError(f"unable to parse calendar event at '{text}' - {error}") from error
    return CalendarEvent(values, weekdays, utc)


def _split(text: str) -> tuple[str, str]:
    """Date and time: a date has dashes."""
    parts = text.split()
    if len(parts) > 2 or (len(parts) == 2 and not ("-" in parts[0] and "-" not in parts[1])):
        raise ValueError(f"nothing expected after '{parts[0] if parts else ''}'")
    date = parts[0] if parts and "-" in parts[0] else ""
    if date.count("-") > 2:
        raise ValueError("invalid date spec")
    time = parts[-1] if parts and parts[-1] != date else ""
    return date, time


def _clock(text: str) -> list[str]:
    """Hour, minute and second. A lone number is the minute of every hour; no time at all is midnight."""
    if not text:
        return ["0", "0", "0"]
    parts = text.split(":")
    if len(parts) == 1:
        return ["*", parts[0], "0"]
    if len(parts) > 3:
        raise ValueError("time specification")
    return [*parts, "0"] if len(parts) == 2 else parts


def _weekdays(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, dots, last = part.partition("..")
        start, end = _weekday(first), _weekday(last) if dots else _weekday(first)
        if start > end:
            raise ValueError("range start is bigger than end")
        found.update(range(start, end + 1))
    return frozenset(found)


def _weekday(text: str) -> int:
    """What the parser says of anything else is all that Proxmox tells."""
    for number, name in enumerate(_WEEKDAYS):
        if text.lower() in (name, name[:3]):
            return number
    raise ValueError('Context("weekday")')


def _values(text: str, unit: str) -> Values:
    low, high = _LIMITS[unit]
    if text == "*":
        return None
    found: set[int] = set()
    for part in [text] if text.startswith("*/") else text.split(","):
        match = re.fullmatch(r"(\*|\d+)(?:\.\.(\d+))?(?:/(\d+))?", part)
        if not match or (match[1] == "*" and not match[3]):
            raise ValueError(f"unexpected '{part}'")
        start = low if match[1] == "*" else int(match[1])
        end = int(match[2]) if match[2] else (high if match[3] else start)
        if max(start, end) > high:
            raise ValueError(f"value out of range '{part}'")
        if start > end:
            raise ValueError("range start is bigger than end")
        found.update(range(start, end + 1, int(match[3] or 1) or 1))
    return frozenset(found)
