"""The whole verification: it goes on after a problem and lists them all.

Besides what every replay checks, it opens every body, compares the index of tags with the
signed headers, and holds what is gone against what signed events asked to erase.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.errors import TamperError, VaultError
from vault.events import ItemErased
from vault.follow import Entry
from vault.log.checkpoint import feed_of
from vault.log.envelope import Record, parse
from vault.log.sqlite import SQLiteDCBRecorder, sqlite_errors
from vault.log.verify import Problem, Report, SealedPage, Trail, walk

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

    def opened(self, records: Sequence[Record]) -> list[Entry]:
        """Decrypt and decode checked records."""

    def located(self, ids: Iterable[str]) -> list[Record]:
        """Return records by id."""

    def with_revisions(self, located: Sequence[Record]) -> list[Record]:
        """Add the records under the same natural keys."""


def audit(
    log: Audited,
    recorder: SQLiteDCBRecorder,
    key: Ed25519PublicKey,
    end: Trail,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check a log from its first record to its end.

    Args:
        log: The log, to open and to find entries.
        recorder: Where the records are.
        key: The device key that signs them.
        end: Where the log was when it was last looked at.
        progress: Told (position, end).
    """
    work = _Audit(log, recorder, feed_of(key), end)
    for page in walk(recorder, key, Trail(), work.complain):
        work.take(page)
        if progress:
            progress(min(page.end.position, end.position), end.position)
    work.finish()
    return Report(events=work.events, checkpoints=work.checkpoints, problems=tuple(work.problems))


class _Audit:
    def __init__(self, log: Audited, recorder: SQLiteDCBRecorder, feed: bytes, end: Trail) -> None:
        self._log = log
        self._recorder = recorder
        self._feed = feed.hex()
        self._end = end
        self._position = 0
        self._indexed = 0
        # Others may append while this runs; what they add can erase older entries only.
        self._gone = _Bits(end.frontier.size)
        self._asked = _Bits(end.frontier.size)
        self.events = self.checkpoints = 0
        self.problems: list[str] = []

    def complain(self, problem: Problem) -> None:
        """Note a problem."""
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem.sentence)

    def _say(self, sentence: str) -> None:
        self.complain(Problem(sentence))

    def take(self, page: SealedPage) -> None:
        """Check what a walk does not: the index of tags, keys, and what is erased."""
        self._position = page.end.position
        self.checkpoints += 1
        self._check_index([(self._feed, self._position)])
        for start in range(0, len(page.records), _PART):
            records = list(self._parsed(page.records[start : start + _PART]))
            self.events += len(records)
            self._check_index([(tag, r.position) for r in records for tag in r.header.tags])
            self._check_bodies(records)

    def _parsed(self, stored: list[tuple[int, bytes]]) -> Iterator[Record]:
        for position, data in stored:
            try:
                yield parse(position, data)
            except TamperError as error:
                self._say(str(error))

    def _check_index(self, pairs: list[tuple[str, int]]) -> None:
        self._indexed += len(pairs)
        with sqlite_errors("log.db"):
            if self._recorder.count_indexed(pairs) != len(pairs):
                self._say(f"The index lacks tags of the page that ends at {self._position}.")

    def _check_bodies(self, records: list[Record]) -> None:
        try:
            entries = self._log.opened(records)
        except TamperError:
            entries = [entry for found in records for entry in self._one(found)]
        for entry in entries:
            if entry.erased:
                self._gone.add(_number(entry.id))
            if isinstance(entry.event, ItemErased):
                for item_id in entry.event.item_ids:
                    if item_id.startswith(f"{self._feed}-"):
                        self._asked.add(_number(item_id))

    def _one(self, found: Record) -> list[Entry]:
        """Open one record of a page in which some do not open."""
        try:
            return self._log.opened([found])
        except TamperError as error:
            self._say(str(error))
            return []

    def finish(self) -> None:
        """Compare the ends, the size of the index, and what is gone with what was to go."""
        if self._position < self._end.position:
            self._say(f"The log ends at {self._position} and should reach {self._end.position}.")
        with sqlite_errors("log.db"):
            surplus = self._recorder.index_size(self._position) - self._indexed
        if surplus > 0:
            self._say(f"The index holds {surplus} tags that no signed header states.")
        for seq in self._gone.minus(self._asked):
            if not any(_number(f.header.id) in self._asked for f in self._family(seq)):
                self._say(f"Entry number {seq} cannot be read, though no event erased it.")
        for seq in self._asked.minus(self._gone):
            # Whoever erases while this runs asks first: what was still there may be gone now.
            family = self._family(seq)
            if not family or not all(entry.erased for entry in self._log.opened(family)):
                self._say(
                    f"Entry number {seq} was to be erased and is still there; "
                    "open the vault again to finish it."
                )

    def _family(self, seq: int) -> list[Record]:
        """Return an entry and those under the same natural key, if they can be found."""
        try:
            return self._log.with_revisions(self._log.located([f"{self._feed}-{seq}"]))
        except VaultError:
            return []


def _number(entry_id: str) -> int:
    number = entry_id.rpartition("-")[2]
    return int(number) if number.isdecimal() else -1
