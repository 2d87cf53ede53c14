"""What a part holds, said before any of it is stored: read whole if small, else a beginning.

Counts of what was not read to its end are worked out by bytes, or are a lower bound where a
source does not say how far it came; either way the survey says which.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from vault.collectors.api import Record
from vault.items import Bad, Item, Progress

__all__ = ["Counted", "Surveyed", "Surveyor"]

_RECORDS = 5_000
_SECONDS = 2.0
_SECONDS_IN_ALL = 20.0
_SECONDS_LATE = 0.1
_SAMPLES = 5


class Counted(StrEnum):
    """How a survey counted."""

    EXACTLY = "exactly"
    ABOUT = "about"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """What one part of an export holds; the counts are as exact as `counted` says.

    `own` are items that the owner wrote and `others` what she received; `bad` are records
    that cannot be read. Of a part that was not read to its end, the dates are those of the
    beginning. `samples` are a few items from it.
    """

    source: str
    part: str
    files: int
    size: int
    counted: Counted = Counted.EXACTLY
    own: int = 0
    others: int = 0
    bad: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    samples: tuple[Item, ...] = ()


@dataclass(slots=True)
class _Tally:
    own: int = 0
    others: int = 0
    bad: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    samples: list[Item] = field(default_factory=list)

    def take(self, item: Item) -> None:
        if item.sent:
            self.own += 1
        else:
            self.others += 1
        if item.at is not None:
            self.first_at = min(item.at, self.first_at or item.at)
            self.last_at = max(item.at, self.last_at or item.at)
        if len(self.samples) < _SAMPLES:
            self.samples.append(item)


class Surveyor:
    """Looks at parts one by one; many of them together take no longer than a few large ones."""

    def __init__(self) -> None:
        self._spent = 0.0

    def look(
        self, records: Iterator[Record], *, source: str, part: str, files: int, size: int
    ) -> Surveyed:
        """Read a part, or as much of it as a survey may."""
        began = time.process_time()
        most = _SECONDS if self._spent < _SECONDS_IN_ALL else _SECONDS_LATE
        tally = _Tally()
        done, seen, is_whole = 0, 0, True
        at_progress = _Tally()
        for record in records:
            match record:
                case Item():
                    tally.take(record)
                case Bad():
                    tally.bad += 1
                case Progress():
                    done = record.done
                    at_progress = _Tally(tally.own, tally.others, tally.bad)
                case _:
                    continue
            seen += 1
            if seen >= _RECORDS or time.process_time() - began > most:
                is_whole = False
                break
        self._spent += time.process_time() - began
        counted, own, others, bad = _stretched(tally, at_progress, done, size, is_whole=is_whole)
        return Surveyed(
            source=source,
            part=part,
            files=files,
            size=size,
            counted=counted,
            own=own,
            others=others,
            bad=bad,
            first_at=tally.first_at,
            last_at=tally.last_at,
            samples=tuple(tally.samples),
        )


def _stretched(
    tally: _Tally, told: _Tally, done: int, size: int, *, is_whole: bool
) -> tuple[Counted, int, int, int]:
    """Return the counts of the whole part, from those of the bytes that were read."""
    if is_whole:
        return Counted.EXACTLY, tally.own, tally.others, tally.bad
    if not 0 < done < size or not told.own + told.others:
        return Counted.AT_LEAST, tally.own, tally.others, tally.bad
    by = size / done
    return Counted.ABOUT, round(told.own * by), round(told.others * by), round(told.bad * by)
