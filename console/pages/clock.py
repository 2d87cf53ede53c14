"""The clock of this computer: the day under which a time is told here, and months and years by it.

Where a day is asked for it is one of UTC, as in every command (`console.pages.asking.midnight`).
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Self

from vault.errors import UsageError

__all__ = ["Stretch", "begins", "here"]

_WRITTEN = re.compile(r"\d{4}(-\d{2})?", re.ASCII)
_LONGEST_MONTH = 31


def here(value: datetime) -> datetime:
    """Return a time as it is here; the first and the last days of all are so nowhere but in UTC."""
    try:
        return value.astimezone()
    except (OverflowError, ValueError):
        return value


def begins(on: date) -> datetime:
    """Return when a day begins here, in UTC."""
    try:
        return datetime(on.year, on.month, on.day).astimezone(UTC)
    except (OverflowError, ValueError):
        return datetime(on.year, on.month, on.day, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A month or a year: its first day and the first after it. As a text it is 2024-05, or 2024."""

    since: date
    until: date

    @classmethod
    def read(cls, text: str) -> Self:
        """Read what an address says.

        Raises:
            UsageError: It is no month and no year.
        """
        written = f"{text}-01-01"[:10] if _WRITTEN.fullmatch(text) else ""
        try:
            first = date.fromisoformat(written)
        except ValueError:
            raise UsageError("A month is written like 2024-05; choose it in the picture.") from None
        return cls.of(first, is_year="-" not in text)

    @classmethod
    def of(cls, first: date, *, is_year: bool) -> Self:
        """Return the month or the year that begins with a day."""
        year, month = first.year, 12 if is_year else first.month
        if month < 12:  # noqa: PLR2004 - December
            return cls(first, date(year, month + 1, 1))
        return cls(first, date(year + 1, 1, 1) if year < date.max.year else date.max)

    @property
    def is_year(self) -> bool:
        """Whether it is a year."""
        return (self.until - self.since).days > _LONGEST_MONTH

    @property
    def name(self) -> str:
        """What a person calls it."""
        return f"{self.since:%Y}" if self.is_year else f"{self.since:%B %Y}"

    def __str__(self) -> str:
        return self.since.isoformat()[: 4 if self.is_year else 7]
