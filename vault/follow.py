"""Followers of the log: whole pages, in order, exactly once.

A follower commits a page and its position in one transaction, so a crash anywhere leaves
it at a page border and running again doubles nothing. SQLite has no subscriptions, so
followers pull.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Final, NamedTuple, Protocol

from vault.events import Event, ItemCollected, ItemErased, ItemRevised

__all__ = ["Entry", "Follower", "Head", "Page", "Readable", "Without", "catch_up", "moment"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Entry(NamedTuple):
    """One record of the log as a follower sees it.

    `time` is when it was appended, in nanoseconds since 1970. `event` is None where the key
    was destroyed (`erased`), the body stayed on another device (`withheld`), the topic is
    unknown, or the entry is a block of an attachment: that is told by its `tag`, the blinded
    natural key, and read by whoever wants its bytes.
    """

    position: int
    id: str
    topic: str
    time: int
    event: Event | None
    erased: bool = False
    tag: bytes = b""
    withheld: bool = False

    @property
    def at(self) -> datetime:
        """When it was appended, to the microsecond."""
        return moment(self.time)


def moment(nanoseconds: int) -> datetime:
    """Return a time of the log, to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Entries that were committed together, and the position they end at."""

    entries: tuple[Entry, ...]
    position: int

    def behind(self, position: int) -> "Page":
        """Return what of it stands behind a position."""
        if not self.entries or self.entries[0].position > position:
            return self
        kept = tuple(entry for entry in self.entries if entry.position > position)
        return Page(entries=kept, position=self.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the log ends: number of leaves, RFC 9162 root, position of the last record.

    With several devices there are as many trees; `root` is then the root over the leaves
    (feed, size, root) of each, by feed.
    """

    size: int
    root: bytes
    position: int


class Readable(Protocol):
    """What a follower needs of a log."""

    @property
    def head(self) -> Head:
        """The newest checkpoint."""

    @property
    def newest(self) -> datetime | None:
        """The time of the newest entry."""

    @property
    def order(self) -> str:
        """What tells one order of the log from another.

        It changes when entries of another device arrive that belong before entries which
        are here, or when a device was revoked: positions then count other entries. It changes
        too when bodies arrive that were withheld: entries which were followed say more then.
        """

    def pages(self, after: int = 0) -> Iterator[Page]:
        """Yield the pages behind a position, in order."""


class Follower(Protocol):
    """A view of the log that remembers how far it has read."""

    name: str

    @property
    def position(self) -> int:
        """The position of the last page applied."""

    def begin(self, order: str) -> None:
        """Start over from nothing if the log's order is not the one followed so far."""

    def apply(self, page: Page) -> None:
        """Take in what of a page it has not read, and its position, in one transaction."""


_MOST: Final = 2000


def _joined(pages: Iterable[Page]) -> Iterator[Page]:
    """Yield pages made one, up to two thousand entries: each costs every follower a commit."""
    entries: list[Entry] = []
    position = 0
    for page in pages:
        if entries and len(entries) + len(page.entries) > _MOST:
            yield Page(entries=tuple(entries), position=position)
            entries.clear()
        entries += page.entries
        position = page.position
    if position:
        yield Page(entries=tuple(entries), position=position)


def catch_up(
    log: Readable,
    followers: Sequence[Follower],
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Bring followers to the end of the log; it is read once for all of them.

    Followers see pages joined, so that one behind a border in the middle takes the rest only.

    Returns:
        The position reached.
    """
    end, order = log.head.position, log.order
    for follower in followers:
        follower.begin(order)
    start = min((follower.position for follower in followers), default=end)
    for page in _joined(log.pages(start)) if start < end else ():
        for follower in followers:
            if follower.position < page.position:
                follower.apply(page)
        if progress:
            progress(page.position, end)
    return end


class Without:
    """A log as it would read had some items never been collected; ids and positions stay.

    What stands behind `until`, and all from the first entry on that was appended after `at`, is
    not there either: what others append meanwhile makes no difference, and any past can be read.
    """

    def __init__(
        self,
        log: Readable,
        item_ids: frozenset[str] = frozenset(),
        *,
        until: int,
        at: datetime | None = None,
    ) -> None:
        self._log = log
        self._ids = item_ids
        self._until = until
        self._at = at

    @property
    def head(self) -> Head:
        """The newest checkpoint of the whole log, at the position where reading ends."""
        return replace(self._log.head, position=self._until)

    @property
    def newest(self) -> datetime | None:
        """The time of the newest entry of the whole log."""
        return self._log.newest

    @property
    def order(self) -> str:
        """The order of the whole log."""
        return self._log.order

    def pages(self, after: int = 0) -> Iterator[Page]:
        """Yield pages without the entries that hold one of the items; the last may be cut."""
        for page in self._log.pages(after):
            past = tuple(takewhile(self._is_past, page.entries))
            whole = len(past) == len(page.entries) and page.position <= self._until
            kept = tuple(entry for entry in past if not self._holds(entry))
            if whole:
                yield Page(entries=kept, position=page.position)
                continue
            if past:
                yield Page(entries=kept, position=past[-1].position)
            return

    def _is_past(self, entry: Entry) -> bool:
        return entry.position <= self._until and (self._at is None or entry.at <= self._at)

    def _holds(self, entry: Entry) -> bool:
        match entry.event:
            case ItemCollected():
                return entry.id in self._ids
            case ItemRevised(item_id=item_id):
                return item_id in self._ids
            case ItemErased():
                return False
            case _:
                return entry.erased and entry.id in self._ids
