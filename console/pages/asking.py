"""What is asked of the timeline, as an address says it: kinds, days and ids, and never a name.

Addresses are kept by browsers and shown to whoever looks over a shoulder; so a person stands in
them under her id, and a conversation under the id of an item that is in it.
"""

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Self
from urllib.parse import urlencode

from fastapi import Depends, Form, Path, Query

from console.bootstrap import Twin
from console.pages.clock import Stretch, begins
from vault.consent import Filters
from vault.errors import NotFound, UsageError

__all__ = [
    "MOST",
    "Asked",
    "NumberInForm",
    "NumberInPath",
    "NumberInQuery",
    "PerhapsNumberInQuery",
    "TheAsked",
    "day",
    "day_after",
    "midnight",
]

MOST = 2**62
"""The largest number that is taken in: views keep no larger ones, and one page may be added."""

NumberInQuery = Annotated[int, Query(ge=0, le=MOST)]
PerhapsNumberInQuery = Annotated[int | None, Query(ge=0, le=MOST)]
NumberInForm = Annotated[int, Form(ge=0, le=MOST)]
NumberInPath = Annotated[int, Path(ge=0, le=MOST)]

_NO_NAME = re.compile(r"[0-9a-f]{0,64}")


def day(text: str) -> date | None:
    """Read a day as browsers write it.

    Raises:
        UsageError: It is none.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError("A day is written like 2024-05-31; go back and choose it again.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which items are wanted: `conversation` is the id of one that is in it.

    They are from `since` on and before `until`, in UTC, as everywhere; `month` is one, or a year,
    by the clock here, as days are headed.
    """

    type: str = ""
    source: str = ""
    person: str = ""
    conversation: str = ""
    since: date | None = None
    until: date | None = None
    month: Stretch | None = None
    before: str = ""

    @classmethod
    def read(
        cls,
        *,
        type: str = "",  # noqa: A002 - as it stands in the address
        source: str = "",
        person: str = "",
        conversation: str = "",
        since: str = "",
        until: str = "",
        month: str = "",
        before: str = "",
    ) -> Self:
        """Read what an address says.

        Raises:
            UsageError: A day or a month is none, or a person stands there under something else
                than her id.
        """
        if not _NO_NAME.fullmatch(person):
            raise UsageError("A person is named in an address by an id; choose one on the page.")
        return cls(
            type=type,
            source=source,
            person=person,
            conversation=conversation,
            since=day(since),
            until=day(until),
            month=Stretch.read(month) if month else None,
            before=before,
        )

    @property
    def is_all(self) -> bool:
        """Whether everything is wanted."""
        return replace(self, before="") == Asked()

    def filters(self, twin: Twin) -> Filters:
        """Return what it means for the views.

        Raises:
            NotFound: There is no item of that id, or it is in no conversation.
            Erased: The item that stood for the conversation was erased.
        """
        conversation, source = "", self.source
        if self.conversation:
            timeline = twin.views.timeline
            item = timeline.show(timeline.root(self.conversation)).item
            conversation, source = item.conversation, item.source
            if not conversation:
                raise NotFound(
                    "This item is in no conversation; the timeline has what was near it."
                )
        since, until = midnight(self.since), midnight(self.until)
        if self.month:
            first, end = begins(self.month.since), begins(self.month.until)
            since, until = max(first, since or first), min(end, until or end)
        return Filters(
            source=source, conversation=conversation, person=self.person, since=since, until=until
        )

    def path(self, **other: object) -> str:
        """Return the address of the timeline as it is asked for here, but for what is `other`."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__} | other
        said = urlencode({name: str(value) for name, value in given.items() if value})
        return f"/timeline?{said}" if said else "/timeline"


def midnight(on: date | None) -> datetime | None:
    """Return the beginning of a day in UTC: by it every page, and every command, means a day."""
    return datetime(on.year, on.month, on.day, tzinfo=UTC) if on else None


def day_after(at: datetime) -> date:
    """Return the day before the beginning of which, in UTC, a time lies; the last day of all has none."""
    on = at.astimezone(UTC).date()
    return on + timedelta(days=1) if on < date.max else on


TheAsked = Annotated[Asked, Depends(Asked.read)]
