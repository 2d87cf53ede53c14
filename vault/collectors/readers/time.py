"""When something was written: to UTC, with what the source really says about it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from vault.items import Precision

__all__ = ["Order", "When", "from_name", "order_of", "parse_iso"]

_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_FARTHEST_ZONE = 24 * 60
_PIVOT = 70
_MANY_DATES = 4

Order = str
"""In which order a date is written: `DMY`, `MDY` or `YMD`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A time as the fields of an item have it."""

    at: datetime | None = None
    offset: int | None = None
    precision: Precision = Precision.SECOND
    assumed: bool = False


_ISO = re.compile(
    r"(\d{4})-?(\d{2})-?(\d{2})(?:[T ]+(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,]\d{1,9})?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?$"
)
_IN_NAME = re.compile(r"(?<!\d)(\d{4})[-_.]?(\d{2})[-_.]?(\d{2})(?!\d)")


def parse_iso(text: str) -> When | None:
    """Return the time that an ISO 8601 date or date and time states, else None.

    Without an offset it is read as UTC and marked as assumed.
    """
    found = _ISO.match(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, zone = found.groups()
    at = moment(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0))
    if at is None:
        return None
    precision = Precision.SECOND if second else Precision.MINUTE if hour else Precision.DAY
    if not zone:
        return When(at=at, precision=precision, assumed=True)
    offset = zone_minutes(zone)
    if abs(offset) > _FARTHEST_ZONE:
        return None
    return When(at=at - timedelta(minutes=offset), offset=offset, precision=precision)


def zone_minutes(zone: str) -> int:
    """Return the minutes east of UTC of `Z`, `+0530` or `+05:30`."""
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def moment(  # noqa: PLR0917 - in the order of every clock and calendar of the standard library
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0
) -> datetime | None:
    """Return an aware time, or None for one that does not exist or cannot be meant."""
    if not _FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    try:
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def from_name(name: str) -> When | None:
    """Return the day that a file name begins with or holds, such as `2024-01-05 at sea.md`."""
    found = _IN_NAME.search(name)
    if found is None:
        return None
    at = moment(*(int(part) for part in found.groups()))
    return When(at=at, precision=Precision.DAY, assumed=True) if at else None


def from_file(modified: datetime | None) -> When:
    """Return what the modification time of a file says, which is not much."""
    return When(at=modified, precision=Precision.FILE, assumed=True)


def order_of(dates: Sequence[tuple[int, int, int]], prefer: Order = "DMY") -> Order:
    """Infer for a whole file in which order its dates are written.

    The order with the fewest dates that do not exist and steps back in time; then, given
    enough dates, the one that spreads them least; then `prefer`.

    Args:
        dates: Their three numbers as they stand, in the order of the file.
        prefer: What to take where nothing decides.
    """
    if not dates:
        return prefer
    candidates = [prefer, *(order for order in ("DMY", "MDY", "YMD") if order != prefer)]
    return min(candidates, key=lambda order: _implausibility(order, dates))


def in_order(order: Order, parts: tuple[int, int, int]) -> datetime | None:
    """Return the day that three numbers mean in an order, or None."""
    first, second, third = parts
    year, month, day = {
        "DMY": (third, second, first),
        "MDY": (third, first, second),
        "YMD": (first, second, third),
    }[order]
    if year < 100:  # noqa: PLR2004 - two digits of a year
        year += 2000 if year < _PIVOT else 1900
    return moment(year, month, day)


def _implausibility(order: Order, dates: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    days = [day for parts in dates if (day := in_order(order, parts)) is not None]
    missing = len(dates) - len(days)
    back = sum(later < earlier for earlier, later in pairwise(days))
    spread = (max(days) - min(days)).days if len(set(days)) >= _MANY_DATES else 0
    return missing + back, spread
