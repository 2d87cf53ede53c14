"""The whole verification: it goes on after a problem and lists them all.

Besides what every replay checks, it opens every body, compares the index of tags, pages and
tiles with the signed records and the certificates with what events say of devices, and
holds what is gone against what signed events asked to erase. Bodies that another device
kept are counted.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Protocol

from vault.errors import TamperError, VaultError
from vault.events import DeviceRevoked, ItemErased
from vault.follow import Entry
from vault.log.certificate import NO_LIMIT
from vault.log.envelope import FIXED, Record, has_body, parse
from vault.log.index import PageRow
from vault.log.records import Records
from vault.log.sqlite import sqlite_errors
from vault.log.verify import Place, Problem, Report, SealedPage, walk

__all__ = ["Audited", "audit"]

_MOST_PROBLEMS: Final = 100
_PART: Final = 1000


class _Bits:
    """A set of entry numbers at one bit each."""

    def __init__(self, size: int) -> None:
        self._bytes = bytearray(size // 8 + 1)
        self._size = size

    def add(self, number: int) -> None:
        if 0 <= number < self._size:
            self._bytes[number >> 3] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        return 0 <= number < self._size and bool(self._bytes[number >> 3] >> (number & 7) & 1)

    def minus(self, other: "_Bits") -> list[int]:
        """Return what is in this set alone, as far as it is worth listing."""
        alone: list[int] = []
        for place, byte in enumerate(self._bytes):
            if byte:
                alone += [
                    n for n in range(place * 8, place * 8 + 8) if n in self and n not in other
                ]
            if len(alone) > _MOST_PROBLEMS:
                break
        return alone


class Audited(Protocol):
    """What the verification asks of a log beside its records."""

    feed: bytes

    def opened(self, records: Sequence[Record]) -> list[Entry]:
        """Decrypt and decode checked records."""

    def with_revisions(self, located: Sequence[Record]) -> list[Record]:
        """Add the records under the same natural keys."""


def audit(
    log: Audited, records: Records, progress: Callable[[int, int], None] | None = None
) -> Report:
    """Check a log from its first record to its end.

    Args:
        log: The log, to open and to find entries.
        records: What is stored, and the place where the log was when it was last looked at.
        progress: Told (position, end).
    """
    work = _Audit(log, records)
    end = records.recorder.end()
    rows = records.recorder.rows(0, end)
    for page in walk(rows, records.devices.key_of, Place(), work.complain):
        work.take(page)
        if progress:
            progress(min(page.position, work.end), work.end)
    work.finish()
    return Report(
        events=work.events,
        checkpoints=work.checkpoints,
        problems=tuple(work.problems),
        withheld=work.withheld,
    )


class _Audit:
    def __init__(self, log: Audited, records: Records) -> None:
        self._log = log
        self._records = records
        self.end = records.place.position
        self._position = 0
        self._indexed = 0
        sizes = {feed: trail.frontier.size for feed, trail in records.place.trails.items()}
        # Others may append while this runs; what they add can erase older entries only.
        self._gone = {feed.hex(): _Bits(size) for feed, size in sizes.items()}
        self._asked = {feed.hex(): _Bits(size) for feed, size in sizes.items()}
        self._revoked: dict[str, int] = {}
        self.events = self.checkpoints = self.withheld = 0
        self.problems: list[str] = []

    def complain(self, problem: Problem) -> None:
        """Note a problem."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem.sentence)

    def _say(self, sentence: str) -> None:
        self.complain(Problem(sentence))

    def take(self, page: SealedPage) -> None:
        """Check what a walk does not: the indexes, keys, and what is erased."""
        self._position = page.position
        self.checkpoints += 1
        self._check_tags([(page.feed.hex(), self._position)])
        self._check_page(page)
        self._check_absent(page)
        for start in range(0, len(page.records), _PART):
            records = list(self._parsed(page.records[start : start + _PART]))
            self.events += len(records)
            self._check_tags([(tag, r.position) for r in records for tag in r.header.tags])
            self._check_bodies(records)

    def _parsed(self, stored: list[tuple[int, bytes]]) -> Iterator[Record]:
        for position, data in stored:
            try:
                yield parse(position, data)
            except TamperError as error:
                self._say(str(error))

    def _check_tags(self, pairs: list[tuple[str, int]]) -> None:
        self._indexed += len(pairs)
        with sqlite_errors("log.db"):
            if self._records.recorder.count_indexed(pairs) != len(pairs):
                self._say(f"The index lacks tags of the page that ends at {self._position}.")

    def _check_page(self, page: SealedPage) -> None:
        index, size = self._records.index, page.trail.frontier.size
        row = PageRow(page.feed, size, len(page.records), page.position, page.trail.time)
        if index.ending(page.feed, size) != row:
            self._say(f"The index of pages is wrong for the page that ends at {self._position}.")
        for level, first, hashes in page.tiles:
            if index.tiles(page.feed, level, first, first + len(hashes)) != hashes:
                self._say(f"The tiles are wrong for the page that ends at {self._position}.")

    def _check_absent(self, page: SealedPage) -> None:
        size = page.trail.frontier.size
        first = size - len(page.records)
        absent = self._records.index.absent(page.feed, first, size)
        gone = [data for _, data in page.records if len(data) > FIXED.size and not has_body(data)]
        numbers = [FIXED.unpack_from(data)[3] for data in gone]
        if numbers != sorted((*absent.withheld, *absent.erased)):
            self._say(f"The index of absent bodies is wrong for the page at {self._position}.")
        if absent.withheld and page.feed == self._log.feed:
            self._say(
                f"A body is withheld on the page at {self._position}, which was written here."
            )
        self.withheld += len(absent.withheld)

    def _check_bodies(self, records: list[Record]) -> None:
        try:
            entries = self._log.opened(records)
        except TamperError:
            entries = [entry for found in records for entry in self._one(found)]
        for entry in entries:
            if entry.erased:
                self._note(self._gone, entry.id)
            if isinstance(entry.event, ItemErased):
                for item_id in entry.event.item_ids:
                    self._note(self._asked, item_id)
            if isinstance(entry.event, DeviceRevoked):
                known = self._revoked.get(entry.event.device, NO_LIMIT)
                self._revoked[entry.event.device] = min(known, entry.event.size)

    @staticmethod
    def _note(bits: dict[str, _Bits], entry_id: str) -> None:
        feed, _, number = entry_id.rpartition("-")
        if feed in bits and number.isdecimal():
            bits[feed].add(int(number))

    def _one(self, found: Record) -> list[Entry]:
        """Open one record of a page in which some do not open."""
        try:
            return self._log.opened([found])
        except TamperError as error:
            self._say(str(error))
            return []

    def finish(self) -> None:
        """Compare the ends, the indexes, the devices, and what is gone with what was to go."""
        if self._position < self.end:
            self._say(f"The log ends at {self._position} and should reach {self.end}.")
        with sqlite_errors("log.db"):
            surplus = self._records.recorder.index_size(self._position) - self._indexed
        if surplus > 0:
            self._say(f"The index holds {surplus} tags that no signed header states.")
        surplus = self._records.index.count_pages(self._position) - self.checkpoints
        if surplus > 0:
            self._say(f"The index of pages holds {surplus} pages that are not there.")
        for certificate in self._records.devices.all():
            size = self._revoked.get(certificate.feed.hex(), NO_LIMIT)
            if size < certificate.most:
                self._say(
                    f"Device {certificate.feed.hex()} was revoked, and its entries count still; "
                    "open the vault again to finish it."
                )
        for feed in self._gone:
            self._compare_erased(feed)

    def _compare_erased(self, feed: str) -> None:
        gone, asked = self._gone[feed], self._asked[feed]
        for seq in gone.minus(asked):
            if not any(self._was_asked(f.header.id) for f in self._family(feed, seq)):
                self._say(f"Entry {feed}-{seq} cannot be read, though no event erased it.")
        for seq in asked.minus(gone):
            # Whoever erases while this runs asks first: what was still there may be gone now.
            family = self._family(feed, seq)
            if not family or not all(entry.erased for entry in self._log.opened(family)):
                self._say(
                    f"Entry {feed}-{seq} was to be erased and is still there; "
                    "open the vault again to finish it."
                )

    def _was_asked(self, entry_id: str) -> bool:
        feed, _, number = entry_id.rpartition("-")
        return feed in self._asked and int(number) in self._asked[feed]

    def _family(self, feed: str, seq: int) -> list[Record]:
        """Return an entry and those under the same natural key, if they can be found."""
        try:
            located = self._records.located([f"{feed}-{seq}"], revoked=True)
            return self._log.with_revisions(located)
        except VaultError:
            return []
