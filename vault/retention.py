"""For how long items are kept, as pure functions: which rule holds, and whether the time is known.

Erasing cannot be undone, and a clock can be wrong by years. So rules act by themselves only
on a clock that agrees with the log and has run for a while without a leap.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

__all__ = ["LEAP", "MOST_DAYS", "days_kept", "doubt"]

MOST_DAYS = 36_500
"""The longest that a rule can keep items: a hundred years."""

LEAP = timedelta(days=31)
"""A longer step from one entry to the next is a leap; after one, as long is waited."""


def days_kept(rules: Mapping[str, int | None], names: Iterable[str]) -> int | None:
    """Return for how many days an item is kept, None for ever.

    For each of its names, which are its type and its labels, the nearest rule holds: the one
    on the name itself, else the one on the closest type above it. The shortest of them counts.

    Args:
        rules: Days by type; None where a type is kept for ever.
        names: The item's type and its labels.
    """
    found = [days for name in names if (days := _nearest(rules, name)) is not None]
    return min(found, default=None)


def _nearest(rules: Mapping[str, int | None], name: str) -> int | None:
    while name:
        if name in rules:
            return rules[name]
        name = name.rpartition(".")[0]
    return None


def doubt(clock: datetime, newest: datetime | None, leapt: datetime | None) -> str:
    """Return why the time is not certain enough to erase by, empty where it is.

    Args:
        clock: What this machine's clock says.
        newest: The time of the newest entry.
        leapt: The time of the entry to which the log last leapt, None where somebody vouched
            for the time since.
    """
    if newest is None:
        return "the vault is empty"
    apart = abs(clock - newest)
    if apart > LEAP:
        return f"this clock and the newest entry are {apart.days} days apart"
    if leapt is not None and max(clock, newest) - leapt < LEAP:
        return f"the log has known this time only since {leapt:%Y-%m-%d}"
    return ""
