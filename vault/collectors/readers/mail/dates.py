"""When a message was sent: its own word first, then that of whoever passed it on.

A zone that is named but not known is no zone: the clock is then read as UTC and marked.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from vault.collectors.readers.time import When, moment, parse_iso, zone_minutes

__all__ = ["envelope_date", "received_date", "when"]

_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_FARTHEST = 24 * 60
_COMMON = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})"
)
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_NUMERIC_ZONE = re.compile(r"(?<=[\s\d])([+-]\d\d):?(\d\d)\b(?!:)")
_NAMED_ZONE = re.compile(r"\b([A-Z]{1,5})\b(?![.,])")
# Of the names of zones those that mean one thing; a German or a Pole writes these.
_ZONES = {
    **dict.fromkeys(("UT", "UTC", "GMT", "Z"), 0),
    **dict.fromkeys(("WEST", "CET", "MET", "MEZ"), 60),
    **dict.fromkeys(("CEST", "MEST", "MESZ", "EET"), 120),
    **dict.fromkeys(("EEST", "MSK"), 180),
    "JST": 540,
    "KST": 540,
    "AEST": 600,
    "AEDT": 660,
    "NZST": 720,
    "NZDT": 780,
    "EST": -300,
    "EDT": -240,
    "CST": -360,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
}
_RECEIVED = re.compile(rb"(?:^|\n)Received:((?:[^\n]|\n[ \t]){0,4000})", re.IGNORECASE)
_HEADER_LOOKED_AT = 1 << 16


def when(date: str, others: Callable[[], Iterable[str]]) -> When:
    """Return the time of a `Date` header, else the first of the others that is one.

    What others say of a message is when they got it, so it is marked as assumed.
    """
    if found := _read(date):
        at, offset = found
        return When(at=at, offset=offset, assumed=offset is None)
    for text in others():
        if found := _read(text):
            at, offset = found
            return When(at=at, offset=offset, assumed=True)
    return When(assumed=True)


def envelope_date(envelope: bytes) -> str:
    """Return the time in the envelope of an mbox: `From address time`."""
    return envelope.decode("ascii", "replace").partition(" ")[2].partition(" ")[2]


def received_date(raw: bytes) -> str:
    """Return when the last server on the way got a message."""
    found = _RECEIVED.search(raw, 0, _HEADER_LOOKED_AT)
    return found.group(1).rpartition(b";")[2].decode("ascii", "replace") if found else ""


def _read(text: str) -> tuple[datetime, int | None] | None:
    """Return a time in UTC and its offset; the common form at a tenth of the cost."""
    if found := _COMMON.match(text):
        day, month, year, hour, minute, second, zone = found.groups()
        number = _MONTHS.get(month)
        at = number and moment(int(year), number, int(day), int(hour), int(minute), int(second))
        if at:
            offset = zone_minutes(zone)
            if abs(offset) <= _FARTHEST:
                return at - timedelta(minutes=offset), None if zone == "-0000" else offset
    return _read_odd(" ".join(text.split())) if text else None


def _read_odd(text: str) -> tuple[datetime, int | None] | None:
    if iso := parse_iso(text):
        at, offset = iso.at, iso.offset
        return (at, offset) if at and at.year >= _FIRST_YEAR else None
    from email.utils import parsedate_tz  # noqa: PLC0415 - slow to load, and seldom needed

    try:
        fields = parsedate_tz(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        fields = None
    year = fields[0] if fields else 0
    # Programs that took the years since 1900 for a year of two digits wrote 100 for 2000.
    year += 1900 if 100 <= year < 200 else 0  # noqa: PLR2004
    at = moment(year, *fields[1:6]) if fields else None
    offset = _offset(text)
    if at is None or not _FIRST_YEAR <= year <= _LAST_YEAR or abs(offset or 0) > _FARTHEST:
        return None
    return (at - timedelta(minutes=offset or 0)).astimezone(UTC), offset


def _offset(text: str) -> int | None:
    """Return the minutes east of UTC that a date states, None where it states none."""
    if found := _NUMERIC_ZONE.search(text):
        return None if found.group() == "-0000" else zone_minutes(found.group())
    for name in reversed(_NAMED_ZONE.findall(text)):
        if name in _ZONES:
            return _ZONES[name]
    return None
