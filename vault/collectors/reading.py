"""The child's part of a collection: list, detect, read, and send in batches."""

import time
from pathlib import Path

import msgspec

from vault.collectors import registry
from vault.collectors.api import Brought, Carrier, Found, Record, Source
from vault.collectors.copied import Refused
from vault.collectors.detect import Part, parts
from vault.collectors.job import HEAD_MARK, Job, Kind, file_of, part_mark
from vault.collectors.readers.archives import grow
from vault.collectors.readers.tree import Tree, Unreadable
from vault.collectors.readers.worker import Outlet
from vault.items import Bad, Item, Progress

__all__ = ["work"]

_ITEMS_IN_BATCH = 512
_LETTERS_IN_BATCH = 1 << 18
_SECONDS_IN_BATCH = 0.25
_PROGRESS_EVERY = 0.25


def work(encoded: bytes, outlet: Outlet) -> None:
    """Do a job: send everything that a path holds and that was not sent before."""
    job = msgspec.msgpack.decode(encoded, type=Job)
    sources, broken = registry.load(job.source)
    if not job.found:
        for sentence in broken:
            outlet.send(Kind.WARNING, sentence.encode())
    sender = _Sender(outlet, job)
    root = Path(job.path)
    try:
        tree = grow(root, marks=sender)
    except Unreadable as error:
        sender.refused(Bad(locator=root.name, reason=str(error)))
        return
    if not sources:
        sender.refused(Bad(locator=root.name, reason="no source can be loaded"))
        return
    sender.total = tree.size
    number = 0
    for part in parts(tree, sources, forced=job.source is not None):
        if isinstance(part, Bad):
            sender.refused(part)
            continue
        try:
            brought = _brought(part, number, job)
        except Refused as error:
            if len(part.tree.files) == sum(1 for file in tree.files if file.size):
                outlet.send(Kind.NEWER if error.newer else Kind.UNTRUSTED, str(error).encode())
                return
            tree.opened.update(file.path for file in part.tree.files)
            sender.refused(Bad(locator=part.tree.base, reason=str(error)))
            continue
        _read(part, number, job, sender, brought)
        number += 1
    sender.tell(tree.size)


def _brought(part: Part, number: int, job: Job) -> tuple[Brought, ...]:
    """Return what a part brings of other sources, once the whole part was checked.

    Only what is built in may speak for another source.

    Raises:
        Refused: The part is not as it was written.
    """
    trusted = part.source.name in {point.name for point in registry.BUILT_IN}
    if number < len(job.finished) or not (trusted and isinstance(part.source, Carrier)):
        return ()
    return part.source.brings(part.tree)


def _read(
    part: Part, number: int, job: Job, sender: "_Sender", brought: tuple[Brought, ...]
) -> None:
    """Read a part, unless an earlier child has finished it."""
    tree = part.tree
    if number < len(job.finished):
        tree.opened.update(job.finished[number])
        sender.done += tree.size
        return
    if number >= job.found:
        sender.found(
            Found(
                source=part.source.name,
                part=_named(tree),
                files=len(tree.files),
                size=tree.size,
                brings=brought,
            )
        )
    sender.expect(brought or (Brought(source=part.source.name, types=tuple(part.source.types)),))
    # Where a reader has died, each record is sent at once: the next death must cost only its own.
    sender.careful = number == len(job.finished) and bool(job.fatal)
    before = set(tree.opened)
    if not sender.enter(part_mark(number)):
        try:
            for record in part.source.read(tree, job.cursor, frozenset(job.me)):
                sender.take(part.source, record)
        except MemoryError:
            raise
        except Exception:
            # What came before is good; the parent is told the place and starts a reader anew.
            sender.flush()
            raise
    sender.finish(sorted(tree.opened - before), tree.size)


def _named(tree: Tree) -> str:
    return tree.files[0].path if len(tree.files) == 1 else tree.name


class _Sender:
    """Batches on their way to the parent; also where the reader says what it touches."""

    def __init__(self, outlet: Outlet, job: Job) -> None:
        self._outlet = outlet
        self._fatal = job.fatal
        self._received = job.received
        self._refused = job.refused
        self._encoder = msgspec.msgpack.Encoder()
        self._items: list[Item] = []
        self._letters = 0
        self._sent_at = time.monotonic()
        self._told_at = 0.0
        self._place = ""
        self._expected: frozenset[tuple[str, str]] = frozenset()
        self.careful = False
        self.total = 0
        self.done = 0

    # --- marks ---

    def enter(self, locator: str) -> str:
        self._place = locator
        self._outlet.enter(locator)
        return self._fatal.get(locator, "")

    def beat(self) -> None:
        self._outlet.beat()

    # --- records ---

    def found(self, found: Found) -> None:
        self._flush()
        self._outlet.send(Kind.FOUND, self._encoder.encode(found))

    def expect(self, brought: tuple[Brought, ...]) -> None:
        """Say of which sources and types the items of a part may be."""
        self._expected = frozenset((one.source, name) for one in brought for name in one.types)

    def finish(self, opened: list[str], size: int) -> None:
        self._flush()
        self._outlet.send(Kind.FINISHED, self._encoder.encode(opened))
        self._received.clear()
        self.done += size
        self.tell(self.done)

    def refused(self, bad: Bad) -> None:
        """Send what stands outside of all parts."""
        if bad.locator in self._fatal or bad.locator + HEAD_MARK in self._fatal:
            return
        if self._refused:
            self._refused -= 1
            return
        self._outlet.send(Kind.REFUSED, self._encoder.encode([bad]))

    def take(self, source: Source, record: Record) -> None:
        """Send a record of a source, sooner or later."""
        if isinstance(record, Item):
            if (record.source, record.type) not in self._expected:
                where = record.locator
                reason = f"the source {source.name} broke its contract"
                record = Bad(locator=where, reason=reason)
            elif self._is_new(record.locator):
                self._items.append(record)
                self._letters += len(record.text)
        if isinstance(record, Bad) and record.locator not in self._fatal:
            if self._is_new(record.locator):
                self._flush()
                self._outlet.send(Kind.BAD, self._encoder.encode([record]))
        elif isinstance(record, Progress):
            if time.monotonic() - self._told_at > _PROGRESS_EVERY:
                self._flush()
                self.tell(self.done + record.done)
        elif (
            self.careful
            or len(self._items) >= _ITEMS_IN_BATCH
            or self._letters >= _LETTERS_IN_BATCH
            or time.monotonic() - self._sent_at > _SECONDS_IN_BATCH
        ):
            self._flush()

    def _is_new(self, locator: str) -> bool:
        """Whether the parent has not seen it from an earlier child."""
        if not self._received:
            return True
        file = file_of(locator)
        left = self._received.get(file, 0)
        if left:
            self._received[file] = left - 1
        return not left

    def tell(self, done: int) -> None:
        """Send how far the reading has come."""
        self._told_at = time.monotonic()
        progress = Progress(done=min(done, self.total), total=self.total)
        self._outlet.send(Kind.PROGRESS, self._encoder.encode(progress))

    def flush(self) -> None:
        """Send the items that wait; the place stays what it was."""
        if self._items:
            self._outlet.send(Kind.ITEMS, self._encoder.encode(self._items))
            self._items.clear()
            self._letters = 0
        self._sent_at = time.monotonic()

    def _flush(self) -> None:
        """Send the items that wait, between two records."""
        if self._items:
            # A death from here on is not the fault of the record that was read last.
            self._place = file_of(self._place)
            self._outlet.enter(self._place)
        self.flush()
