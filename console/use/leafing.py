"""Leafing through what is kept: by time, the newest first, and how much of it is from when."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from console.bootstrap import Twin
from console.use import people
from console.use.searching import check
from projections.chronicle import NEWEST, Counted, Mark
from projections.circles import is_sensitive
from projections.timeline import Stored
from vault.consent import Filters, normal
from vault.errors import UsageError
from vault.items import Precision

__all__ = ["Line", "Sheet", "Span", "called", "conversation", "counted", "leaf", "lines", "span"]

_MARK = re.compile(r"(-?\d{1,18})\.(\d{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FARTHEST = 250_000_000_000_000_000  # microseconds to the end of the calendar, nearly
_WORDS = 280


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An item in a few words. `own` says that the owner wrote it, `words` is how it begins.

    `stands` is the time that it stands under: without a date, that of its collection.
    """

    id: str
    at: datetime | None
    precision: Precision
    stands: datetime
    type: str
    source: str
    own: bool
    author: str
    to: tuple[str, ...]
    title: str
    words: str
    conversation: str
    attachments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Items by time, the newest first; `next` is where the older ones begin, empty at the end."""

    items: tuple[Line, ...]
    next: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """How many items there are and, where any has a date, the first and the last month."""

    items: int
    undated: int
    first: datetime | None
    last: datetime | None


def leaf(
    twin: Twin,
    *,
    data_type: str = "",
    filters: Filters | None = None,
    before: str = "",
    limit: int = 50,
) -> Sheet:
    """Return items by time, the newest first.

    Args:
        twin: The open vault.
        data_type: Only items of this type, or of one beneath it.
        filters: Only items that match; a person is named by an id, a name or an address.
        before: Where to go on, as the sheet before said.
        limit: How many at most.

    Raises:
        UsageError: The type is told by words alone, several people are called that, or
            `before` is nothing that a sheet said.
        NotFound: Nothing here is of the type or the source, or nobody is called that.
    """
    twin.catch_up()
    filters = _narrowed(twin, data_type, filters or Filters())
    found = twin.views.timeline.chronicle.latest(data_type, filters, _mark(before), limit + 1)
    shown = found[:limit]
    stands = {id_: mark.dated for mark, id_ in shown}
    last = shown[-1][0] if len(found) > limit else None
    return Sheet(
        items=tuple(lines(twin, [id_ for _, id_ in shown], stands)),
        next=f"{last.dated}.{last.number}" if last else "",
    )


def _narrowed(twin: Twin, data_type: str, filters: Filters) -> Filters:
    """Return filters with the person under a name that is hers alone, where she has one."""
    if data_type and is_sensitive(data_type):
        raise UsageError(
            f"Only words tell what is about {data_type}; `twin search` with --type finds it."
        )
    check(twin, data_type, filters)
    if not filters.person:
        return filters
    person = people.show(twin, filters.person)
    return Filters(
        source=filters.source,
        conversation=filters.conversation,
        person=normal((*person.addresses, *person.names)[0]),
        since=filters.since,
        until=filters.until,
    )


def lines(twin: Twin, ids: Sequence[str], stands: dict[str, int] | None = None) -> Iterable[Line]:
    """Yield items in a few words, in the order of their ids; those that are gone are left out.

    Args:
        twin: The open vault, its views brought up.
        ids: The items.
        stands: The time that each stands under, in microseconds since 1970.
    """
    stored = {one.id: one for one in twin.views.timeline.stated(ids)}
    for one in (stored[id_] for id_ in ids if id_ in stored):
        dated = (stands or {}).get(one.id)
        at = one.item.at or _EPOCH
        yield _line(one, at if dated is None else _EPOCH + timedelta(microseconds=dated))


def _line(stored: Stored, stands: datetime) -> Line:
    item = stored.item
    words = " ".join(item.own_text[: 4 * _WORDS].split())
    return Line(
        id=stored.id,
        at=item.at,
        precision=item.precision,
        stands=stands,
        type=item.type,
        source=item.source,
        own=item.sent,
        author=(item.author.name or item.author.id.partition(":")[2]) if item.author else "",
        to=tuple(agent.name or agent.id.partition(":")[2] for agent in item.to),
        title=item.title,
        words=words if len(words) <= _WORDS else words[:_WORDS].rstrip() + "…",
        conversation=item.conversation,
        attachments=len(item.attachments),
    )


def called(twin: Twin, name: str) -> tuple[people.Person, ...]:
    """Return everybody whom an id, a name, an address or a part of a name may mean."""
    twin.catch_up()
    return tuple(map(people.Person.of, twin.views.people.called(name)))


def conversation(twin: Twin, item_id: str) -> str:
    """Return what a person would call the conversation that an item is in.

    That of a mail is a row of signs, so the title stands for it.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
    """
    item = twin.views.timeline.show(twin.views.timeline.root(item_id)).item
    is_mail = item.type.startswith("message.email")
    return (item.title if is_mail else "") or item.conversation


def counted(twin: Twin, begins: Callable[[date], datetime] | None = None) -> tuple[Counted, ...]:
    """Return how many items there are by month, type and source.

    Args:
        twin: The open vault.
        begins: When a day begins, where months are not to be those of UTC.
    """
    twin.catch_up()
    return twin.views.timeline.chronicle.counted(begins)


def span(twin: Twin) -> Span:
    """Return how many items there are, and from when."""
    found = counted(twin)
    months = sorted(one.month for one in found if one.month)
    return Span(
        items=sum(one.items for one in found),
        undated=sum(one.items for one in found if not one.month),
        first=_begins(months[0]) if months else None,
        last=_begins(months[-1]) if months else None,
    )


def _begins(month: int) -> datetime:
    return datetime(month // 100, month % 100, 1, tzinfo=UTC)


def _mark(before: str) -> Mark:
    if not before:
        return NEWEST
    found = _MARK.fullmatch(before)
    if not found or abs(int(found[1])) > _FARTHEST:
        raise UsageError("That is no place in the timeline; begin at the newest item again.")
    return Mark(int(found[1]), int(found[2]))
