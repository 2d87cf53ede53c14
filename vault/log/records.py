"""The stored records of all feeds: checked as they are read, found by id, put in one order.

log.db keeps pages in the order in which they arrived here. The merged order, which every
device of the vault arrives at, sorts them by (time of their checkpoint, feed); positions
that leave this module count records in that order. As long as nothing came late both are
the same.
"""

from collections.abc import Iterable, Iterator, Mapping

from vault.errors import NotFound, RolledBack, TamperError, UsageError
from vault.log import checkpoint
from vault.log.devices import Devices
from vault.log.envelope import Record, parse
from vault.log.index import Index, PageRow
from vault.log.sqlite import SQLiteDCBRecorder, sqlite_errors
from vault.log.verify import Place, Row, SealedPage, Trail, walk

__all__ = ["FeedTree", "Records"]


class FeedTree:
    """The tree of one feed as proofs read it: leaves from the records, subtrees from tiles."""

    def __init__(self, index: Index, feed: bytes, size: int) -> None:
        self._index = index
        self._feed = feed
        self.size = size

    def leaves(self, first: int, last: int) -> list[bytes]:
        """Return the leaf hashes of the entries from a number up to, not with, another."""
        return self._index.leaves(
            [
                (
                    max(page.position - page.entries, page.position - (page.size - first)),
                    min(page.position - 1, page.position - (page.size - last) - 1),
                )
                for page in self._index.between(self._feed, first, last)
            ]
        )

    def nodes(self, level: int, first: int, last: int) -> list[bytes]:
        """Return the roots of complete subtrees of 2**level leaves, likewise."""
        return self._index.tiles(self._feed, level, first, last)


class Records:
    """What is stored, seen from a place up to which everything was checked."""

    def __init__(self, recorder: SQLiteDCBRecorder, devices: Devices, index: Index) -> None:
        self.recorder = recorder
        self.index = index
        self.devices = devices
        self.place = Place()
        self._newest: dict[bytes, tuple[int, bytes]] = {}
        # One feed is in order as it stands.
        self._late = index.late() if len(devices.all()) > 1 else 0
        self._excluded = index.excluded()
        self._last = (0, b"")

    def start_at(self, place: Place, newest: Mapping[bytes, tuple[int, bytes]]) -> None:
        """Trust everything up to a place, whose checkpoints were verified.

        Args:
            place: Where a walk begins.
            newest: The checkpoints there, with their positions.
        """
        self.place = place
        self._newest = dict(newest)
        self._last = max((trail.time, feed) for feed, trail in place.trails.items())

    def advance(self) -> bool:
        """Check and take in what others appended; tell whether there was anything."""
        end = self.recorder.end()
        if end == self.place.position:
            return False
        if end < self.place.position:
            raise RolledBack(
                f"The log ended at {self.place.position} and is shorter now; "
                "put its newest copy back."
            )
        self.devices.refresh()
        rows = self.recorder.rows(self.place.position, end)
        for page in walk(rows, self.devices.key_of, self.place):
            self.took(page)
        self.count_excluded()
        return True

    def took(self, page: SealedPage) -> None:
        """Move the place behind a page of log.db."""
        self.place = self.place.after(page)
        self._newest[page.feed] = (page.position, page.checkpoint)
        key = (page.trail.time, page.feed)
        if key <= self._last:
            self._late = page.position
        self._last = max(key, self._last)

    def count_excluded(self) -> None:
        """Look again which pages count, after a revocation."""
        self._excluded = self.index.excluded()

    @property
    def order(self) -> str:
        """What tells one merged order from another.

        It changes when a position may have, and when bodies came for entries that were here.
        """
        order, filled = f"{self._late}.{self._excluded}", self.index.fillings()
        return f"{order}.{filled}" if filled else order

    @property
    def _in_order(self) -> bool:
        return not self._late and not self._excluded

    @property
    def end(self) -> int:
        """The position of the last record in merged order."""
        return self.index.length() if self._excluded else self.place.position

    @property
    def newest(self) -> Mapping[bytes, tuple[int, bytes]]:
        """The newest checkpoint of every feed, with its position in log.db."""
        return self._newest

    def checkpoint(self, feed: bytes) -> bytes:
        """Return the newest checkpoint of a feed.

        Raises:
            NotFound: There is no such feed.
        """
        found = self._newest.get(feed)
        if found is None:
            raise NotFound(f"There is no feed {feed.hex()}.")
        return found[1]

    def tree(self, feed: bytes) -> FeedTree:
        """Return the tree of a feed."""
        return FeedTree(self.index, feed, self.place.trail(feed).frontier.size)

    # Reading in merged order.

    def pages(self, after: int = 0) -> Iterator[SealedPage]:
        """Yield the pages behind a position, each checked.

        Raises:
            UsageError: No page ends there.
            TamperError: Something does not verify.
        """
        if self._in_order:
            start = self._place_at(after)
            rows = self.recorder.rows(after, self.place.position)
            return walk(rows, self.devices.key_of, start)
        pages = self.index.merged()
        trails: dict[bytes, PageRow] = {}
        position = 0
        while position < after:
            page = next(pages, None)
            if page is None:
                break
            trails[page.feed] = page
            position += page.entries + 1
        if position != after:
            raise UsageError(f"Position {after} is not the end of a page.")
        start = Place(after, {row.feed: self._trail(row) for row in trails.values()})
        return walk(self._merged(pages, after), self.devices.key_of, start)

    def _merged(self, pages: Iterable[PageRow], position: int) -> Iterator[Row]:
        """Yield the records of pages under their positions in merged order."""
        for page in pages:
            expected = page.position - page.entries
            for at, topic, tags, data in self.recorder.rows(expected - 1, page.position):
                if at != expected:
                    break
                expected += 1
                position += 1
                yield position, topic, tags, data
            if expected != page.position + 1:
                raise TamperError(f"The record at {expected} of log.db is missing.")

    def _place_at(self, position: int) -> Place:
        if position == 0:
            return Place()
        if position >= self.place.position:
            return self.place
        if self.index.at(position) is None:
            raise UsageError(f"Position {position} is not the end of a page.")
        rows = self.index.newest(self.place.trails, position)
        return Place(position, {row.feed: self._trail(row) for row in rows})

    def _trail(self, row: PageRow) -> Trail:
        """Return a feed's trail at the end of a page, from its checkpoint."""
        with sqlite_errors("log.db"):
            stored = self.recorder.at([row.position]).get(row.position)
        if stored is None or stored[0] != checkpoint.TOPIC:
            raise TamperError(f"The checkpoint at {row.position} of log.db is missing.")
        stated = checkpoint.parse(stored[1], self.devices.key_of(row.feed))
        return Trail(stated.frontier, stated.time)

    def merged_position(self, record: Record) -> int:
        """Return a record's position in merged order."""
        if self._in_order:
            return record.position
        page = self.index.holding(record.header.feed, record.header.seq)
        assert page is not None, "a located record is on a page"
        return (
            self.index.records_before(page) + record.position - (page.position - page.entries) + 1
        )

    # Finding by id.

    def located(
        self, ids: Iterable[str], *, revoked: bool = False, outlines: bool = False
    ) -> list[Record]:
        """Return records by id, in the order of log.db.

        Args:
            ids: The entries.
            revoked: Those too that count no more.
            outlines: With the beginning and the last 32 bytes of a long body alone.

        Raises:
            NotFound: There is no such entry.
            TamperError: The index of pages is wrong.
        """
        self.advance()
        places = {
            self._position(*self.taken_apart(entry_id, revoked=revoked)): entry_id
            for entry_id in ids
        }
        with sqlite_errors("log.db"):
            stored = self.recorder.at(places, outlines=outlines)
        found: list[Record] = []
        for position in sorted(places):
            if position not in stored:
                raise TamperError(f"The record at {position} of log.db is missing.")
            record = parse(position, stored[position][1])
            if record.header.id != places[position]:
                raise TamperError(f"The index of pages names the wrong record at {position}.")
            found.append(record)
        return found

    def _position(self, feed: bytes, seq: int) -> int:
        page = self.index.holding(feed, seq)
        if page is None or seq < page.size - page.entries:
            raise TamperError(f"The index of pages lacks entry number {seq} of a feed.")
        return page.position - (page.size - seq)

    def taken_apart(self, entry_id: str, *, revoked: bool = False) -> tuple[bytes, int]:
        """Return feed and number of an entry that counts, or of any.

        Raises:
            NotFound: There is no such entry.
        """
        name, _, number = entry_id.rpartition("-")
        try:
            feed, seq = bytes.fromhex(name), int(number) if number.isascii() else -1
        except ValueError:
            feed, seq = b"", -1
        size = self.place.trail(feed).frontier.size
        size = size if revoked else min(size, self.devices.most(feed))
        if f"{feed.hex()}-{seq}" != entry_id or not 0 <= seq < size:
            raise NotFound(f"There is no entry {entry_id!r}.")
        return feed, seq
