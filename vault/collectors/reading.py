"""The child's part of a collection: list, detect, read, and send in batches."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from vault.collectors import registry
from vault.collectors.api import Brought, Carrier, Found, Kept, Record, Refused, Source
from vault.collectors.detect import Part, parts
from vault.collectors.job import (
    ANYBODY,
    HEAD_MARK,
    Finished,
    Job,
    Kind,
    base_of,
    file_of,
    part_mark,
    reader_of,
)
from vault.collectors.readers.archives import grow
from vault.collectors.readers.tree import Tree, Unreadable
from vault.collectors.readers.worker import Outlet
from vault.collectors.survey import Counted, Surveyed, Surveyor
from vault.items import Bad, Content, Item, Progress, Reached

__all__ = ["work"]

_ITEMS_IN_BATCH = 512
_LETTERS_IN_BATCH = 1 << 18
_SECONDS_IN_BATCH = 0.25
_PROGRESS_EVERY = 0.25


def work(encoded: bytes, outlet: Outlet) -> None:
    """Do a job: send everything that a path holds and that was not sent before."""
    job = msgspec.msgpack.decode(encoded, type=Job)
    sources, broken = registry.load(job.source, [registry.Point(*one) for one in job.others])
    if not job.found:
        for sentence in broken:
            outlet.send(Kind.WARNING, sentence.encode())
    sender = _Sender(outlet, job)
    root = Path(job.path)
    try:
        tree = grow(root, marks=sender, but=set(job.but))
    except Unreadable as error:
        sender.refused(Bad(locator=root.name, reason=str(error)))
        return
    if not sources:
        sender.refused(Bad(locator=root.name, reason="no source can be loaded"))
        return
    sender.total = tree.size
    unchanged = _Unchanged(tree, job, sources)
    number = 0
    for part in unchanged.parts(sources):
        if isinstance(part, Bad):
            sender.refused(part)
            continue
        if unchanged.covers(part):
            sender.done += part.tree.size
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
    sender.kept(unchanged.bases())
    sender.tell(tree.size)


class _Unchanged:
    """What of a tree need not be read again: it was read as it is by who would read it now."""

    def __init__(self, tree: Tree, job: Job, sources: list[Source]) -> None:
        today = {reader_of(source.name, source.version) for source in sources} | {ANYBODY}
        self._readers = {base: set(by) for base, by in job.kept.items() if today.issuperset(by)}
        self._bases: dict[str, str] = {}
        for file in tree.files if self._readers else ():
            if file.size and (base := base_of(file.path, self._readers)):
                self._bases[file.path] = base
        # Nobody is asked for what is known, and it is told to nobody as left over.
        tree.opened.update(self._bases)
        self._is_forced = job.source is not None
        self._tree = tree

    def parts(self, sources: list[Source]) -> Iterator[Part | Bad]:
        """Yield parts; claims on folders look at the whole tree, a named source at what is left."""
        if not self._is_forced:
            yield from parts(self._tree, sources)
            return
        left = self._tree.sub(file for file in self._tree if file.path not in self._bases)
        if left.files or not self._bases:
            yield from parts(left, sources, forced=True)

    def covers(self, part: Part) -> bool:
        """Whether a part need not be read; what needs to be is not taken for known any more."""
        reader = reader_of(part.source.name, part.source.version)
        bases = {self._bases.get(file.path, "") for file in part.tree.files}
        if "" not in bases and any(self._readers[base] & {reader, ANYBODY} for base in bases):
            return True
        for file in part.tree.files:
            if self._bases.pop(file.path, ""):
                self._tree.opened.discard(file.path)
        return False

    def bases(self) -> tuple[str, ...]:
        """Return the files and archives of which nothing was read."""
        return tuple(sorted(set(self._bases.values())))


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
                version=part.source.version,
                brings=brought,
            )
        )
    sender.expect(brought or (Brought(source=part.source.name, types=tuple(part.source.types)),))
    # Where a reader has died, each record is sent at once: the next death must cost only its own.
    sender.careful = number == len(job.finished) and bool(job.fatal)
    before = set(tree.opened)
    cursor = _cursor(part, job)
    if cursor is not None and number >= job.found:
        sender.kept((tree.files[0].path,))
    if not sender.enter(part_mark(number)):
        try:
            if job.survey:
                sender.surveyed(_look(part, job, sender.surveyor))
            else:
                for record in part.source.read(tree, cursor, frozenset(job.me)):
                    sender.take(part.source, tree.placed(record))
        except MemoryError:
            raise
        except Exception:
            # What came before is good; the parent is told the place and starts a reader anew.
            sender.flush()
            raise
    own = [file.path for file in tree.files]
    sender.finish(Finished(own=own, opened=sorted(tree.opened - before)), tree.size)


def _cursor(part: Part, job: Job) -> bytes | None:
    """Return where the same source ended, where it is about to read one file that has grown."""
    reader, cursor = job.cursors.get(part.tree.files[0].path, ("", b""))
    is_its_own = reader in {ANYBODY, reader_of(part.source.name, part.source.version)}
    return cursor if is_its_own and len(part.tree.files) == 1 else None


def _look(part: Part, job: Job, surveyor: Surveyor) -> Surveyed:
    """Say what a part holds; what of it was not opened yet counts as its own."""
    tree = part.tree
    said = surveyor.look(
        part.source.read(tree, None, frozenset(job.me)),
        source=part.source.name,
        part=_named(tree),
        files=len(tree.files),
        size=tree.size,
    )
    if said.counted is not Counted.EXACTLY:
        tree.opened.update(file.path for file in tree.files)
    return said


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
        self._attaches = False
        self.surveyor = Surveyor()
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

    def kept(self, files: tuple[str, ...]) -> None:
        """Say which files are not read again, or not from their beginning."""
        self._flush()
        if files:
            self._outlet.send(Kind.KEPT, self._encoder.encode(Kept(files=files)))

    def surveyed(self, said: Surveyed) -> None:
        self._outlet.send(Kind.SURVEYED, self._encoder.encode(said))

    def finish(self, finished: Finished, size: int) -> None:
        self._flush()
        self._outlet.send(Kind.FINISHED, self._encoder.encode(finished))
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
        match record:
            case Item():
                self._item(source, record)
            case Bad():
                self._bad(record)
            case Content():
                if self._attaches:
                    self._flush()
                    self._outlet.send(Kind.CONTENT, self._encoder.encode(record))
            case Reached():
                self._flush()
                self._outlet.send(Kind.REACHED, self._encoder.encode(record))
            case Progress():
                if time.monotonic() - self._told_at > _PROGRESS_EVERY:
                    self._flush()
                    self.tell(self.done + record.done)

    def _item(self, source: Source, item: Item) -> None:
        self._attaches = False
        if (item.source, item.type) not in self._expected:
            reason = f"the source {source.name} broke its contract"
            self._bad(Bad(locator=item.locator, reason=reason))
            return
        if self._is_new(item.locator):
            self._attaches = True
            self._items.append(item)
            self._letters += len(item.text)
        if (
            self.careful
            or len(self._items) >= _ITEMS_IN_BATCH
            or self._letters >= _LETTERS_IN_BATCH
            or time.monotonic() - self._sent_at > _SECONDS_IN_BATCH
        ):
            self._flush()

    def _bad(self, bad: Bad) -> None:
        self._attaches = False
        if bad.locator not in self._fatal and self._is_new(bad.locator):
            self._flush()
            self._outlet.send(Kind.BAD, self._encoder.encode([bad]))

    def _is_new(self, locator: str) -> bool:
        """Whether the parent has not seen it from an earlier child."""
        if not self._received:
            return True
        file = file_of(locator)
        left = self._received.get(file, 0)
        if left:
            self._received[file] = left - 1
            # Its reader may have died in the middle of what belongs to it.
            self._attaches = left == 1
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
