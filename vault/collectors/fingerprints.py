"""What was read before and is as it was: so that nothing is read twice for nothing.

A file is known again by its size, its time and a keyed digest of its first and last bytes, an
archive as the one file that it is. No words are kept, and no names but in places of what could
not be read and in cursors, which remember ids of mails; an erasure empties it. Whoever loses
this store loses time, nothing else.
"""

import hashlib
import os
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self, cast

import apsw
import msgspec

from vault.collectors import registry
from vault.collectors.api import Ended, Found, Kept
from vault.collectors.collect import Outcome
from vault.collectors.job import ANYBODY, base_of, file_of, reader_of
from vault.collectors.readers.pieces import piece_of
from vault.collectors.readers.tree import Names, printable, walk
from vault.items import Bad, Content, Item, Progress

__all__ = ["Fingerprints", "Look"]

_ENDS: Final = 1 << 16
_MOST_BAD: Final = 10_000
_MADE: Final = "1"
_TABLES: Final = """
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS files (
        name BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL,
        ends BLOB NOT NULL, readers TEXT NOT NULL, items INTEGER NOT NULL,
        bad BLOB NOT NULL, cursor BLOB, last TEXT NOT NULL) WITHOUT ROWID;
"""
Told = Found | Item | Content | Bad | Progress | Ended

_bads = msgspec.msgpack.Decoder(list[Bad])
_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True, kw_only=True)
class _File:
    """A file or an archive as it was when it was looked at, and what came of reading it.

    `readers` are the sources that read it (`mbox/1`); one that nobody read, or that was only
    opened beside another, has the edition of all sources in their place. `last` says where
    its last record stood, which whoever goes on from the `cursor` may read once more.
    """

    size: int
    modified: int
    ends: bytes
    readers: set[str] = field(default_factory=set)
    items: int = 0
    bad: list[Bad] = field(default_factory=list)
    cursor: bytes | None = None
    last: str = ""


class Fingerprints:
    """The store of a device: what it read, for the log as it stands."""

    def __init__(self, database: apsw.Connection, key: bytes, *, order: str, position: int) -> None:
        """Open it; what was noted for another order of the log, or a longer one, is forgotten.

        Args:
            database: Where it is kept, sealed.
            key: What digests of names and bytes are made with.
            order: `vault.follow.Readable.order`.
            position: The end of the log.
        """
        self._db = database
        self._key = key
        with self._db:
            self._db.execute(_TABLES)
            said = [self._get(key) for key in ("made", "order", "position")]
            if said[:2] != [_MADE, order] or not 0 <= int(said[2] or 0) <= position:
                self._db.execute("DELETE FROM files")
                self._set("made", _MADE)
                self._set("order", order)
                self._set("position", position)

    def _get(self, key: str) -> str | int | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return cast("str | int", row[0]) if row else None

    def _set(self, key: str, value: str | int) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def look(
        self,
        path: Path,
        me: Iterable[str],
        *,
        source: str = "",
        again: Iterable[str] | None = None,
        but: Container[tuple[int, int]] = (),
    ) -> "Look":
        """Look which files beneath a path are as they were when the same person read them.

        Args:
            path: What is added.
            me: The owner's names: they decide what a reading says.
            source: The source that reads everything, if one was named.
            again: Read only what holds these places again, whatever it is like now; none:
                only that of which something could not be read.
            but: Files and folders that are no part of it, by device and inode.
        """
        under = self.digest("\0".join((source, *sorted(me))).encode())
        look = Look(self, path, under, but)
        if again is None:
            look.compare()
        else:
            look.choose(frozenset(again))
        return look

    def digest(self, *parts: bytes) -> bytes:
        """Return a keyed digest of bytes."""
        made = hashlib.blake2b(key=self._key, digest_size=16)
        for part in parts:
            made.update(len(part).to_bytes(8, "big") + part)
        return made.digest()

    def get(self, name: bytes) -> _File | None:
        """Return what is noted of a file."""
        row = self._db.execute(
            "SELECT size, modified, ends, readers, items, bad, cursor, last FROM files "
            "WHERE name = ?",
            (name,),
        ).fetchone()
        if row is None:
            return None
        size, modified, ends, readers, items, bad, cursor, last = row
        return _File(
            size=size,
            modified=modified,
            ends=ends,
            readers=set(readers.split()),
            items=items,
            bad=_bads.decode(bad),
            cursor=cursor,
            last=last,
        )

    def put(self, files: Mapping[bytes, _File], position: int) -> None:
        """Note what came of files of which everything stands in the log up to a position."""
        rows = [
            (
                name,
                file.size,
                file.modified,
                file.ends,
                " ".join(sorted(file.readers)),
                file.items,
                _encode(file.bad),
                file.cursor,
                file.last,
            )
            for name, file in files.items()
            if len(file.bad) <= _MOST_BAD
        ]
        with self._db:
            self._db.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
            )
            self._set("position", position)

    def clear(self) -> None:
        """Forget everything: after an erasure nothing here says what was read of it."""
        with self._db:
            self._db.execute("DELETE FROM files")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Look:
    """One look at what is added: which files are known, and what comes of reading the others.

    `kept` and `cursors` are those of `vault.collectors.collect`.
    """

    def __init__(
        self,
        prints: Fingerprints,
        path: Path,
        under: bytes,
        but: Container[tuple[int, int]] = (),
    ) -> None:
        self._prints = prints
        self._path = path.absolute()
        self._but = but
        self._under = under + os.fsencode(self._path.parent)
        self._edition = _edition()
        self._now: dict[str, _File] = {}
        self._before: dict[str, _File] = {}
        self._pieces: dict[str, str] = {}
        self._denied: set[str] = set()
        self._bases: dict[str, str] = {}
        self._going_on: list[str] = []
        self._is_retry = False
        self._is_placed = True
        self.kept: dict[str, list[str]] = {}
        self.cursors: dict[str, tuple[str, bytes]] = {}
        self._list()

    @property
    def is_anything_new(self) -> bool:
        """Whether any file is not as it was."""
        return len(self.kept) < len(self._now) or not self._now

    @property
    def source(self) -> str | None:
        """The source that read the one file that this is, and reads it again if it still can."""
        if len(self._now) != 1 or self._path.is_dir():
            return None
        for path in (*self.kept, *self.cursors):
            [*readers] = self._readers(path)
            name, _, number = readers[0].partition("/") if len(readers) == 1 else ("", "", "")
            if name in registry.names():
                found, _ = registry.load(name)
                if [str(one.version) for one in found] == [number]:
                    return name
        return None

    def _name(self, path: str) -> bytes:
        return self._prints.digest(self._under, path.encode())

    # What is as it was.

    def _list(self) -> None:
        """Look at every file; parts of one download are one file, as they are to their reader."""
        pieces: dict[str, list[_File]] = {}
        for path, place, facts in _listed(self._path, self._but):
            try:
                now = self._looked_at(path, place, facts)
            except OSError:
                continue  # whoever reads it will say so
            if piece := piece_of(path):
                self._pieces[path] = piece.whole
                pieces.setdefault(piece.whole, []).append(now)
            else:
                self._now[path] = now
        for whole, files in pieces.items():
            self._now[whole] = _File(
                size=sum(file.size for file in files),
                modified=max(file.modified for file in files),
                ends=self._prints.digest(*sorted(file.ends for file in files)),
            )
            self._remember(whole)

    def _looked_at(self, path: str, place: bytes, facts: os.stat_result) -> _File:
        descriptor = os.open(place, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        try:
            ends = self._ends(descriptor, facts.st_size)
            before = self._remember(path)
            if before and before.cursor is not None and facts.st_size > before.size:
                [*readers] = before.readers - {self._edition}
                if len(readers) == 1 and self._ends(descriptor, before.size) == before.ends:
                    self.cursors[path] = (readers[0], before.cursor)
            return _File(size=facts.st_size, modified=facts.st_mtime_ns, ends=ends)
        finally:
            os.close(descriptor)

    def _ends(self, descriptor: int, size: int) -> bytes:
        head = os.pread(descriptor, min(size, _ENDS), 0)
        tail = os.pread(descriptor, _ENDS, size - _ENDS) if size > _ENDS else b""
        return self._prints.digest(head, tail)

    def _remember(self, path: str) -> _File | None:
        """Return what is noted of a file, unless sources may read it that were not there."""
        before = self._prints.get(self._name(path))
        if before is None or {one for one in before.readers if "/" not in one} - {self._edition}:
            return None
        self._before[path] = before
        return before

    def _is_as_it_was(self, path: str) -> bool:
        now, before = self._now[path], self._before.get(path)
        return before is not None and (now.size, now.modified, now.ends) == (
            before.size,
            before.modified,
            before.ends,
        )

    def _was_shown(self, before: _File) -> bool:
        """Whether a file was opened for another one, and read by nobody."""
        return before.readers == {self._edition} and not before.bad

    def compare(self) -> None:
        """Keep what is as it was."""
        for path in self._now:
            if self._is_as_it_was(path):
                self.kept[path] = sorted(self._readers(path))
            elif path in self._before and self._was_shown(self._before[path]):
                # Who shows it may not have changed, and would show it as it is now.
                self.kept.clear()
                self.cursors.clear()
                return

    def choose(self, places: frozenset[str]) -> None:
        """Keep everything but what holds some places, or else what was not read as a whole."""
        self._is_retry = True
        self.cursors.clear()
        bases = {self._base(place) for place in places}
        if "" in bases:
            return
        for path in self._now:
            if places:
                is_kept = path not in bases
            else:
                is_kept = self._is_as_it_was(path) and not self._before[path].bad
            if is_kept:
                self.kept[path] = [ANYBODY]

    # What comes of reading the others.

    def deny(self, locator: str) -> None:
        """Note that consent refused an item: its file is read again the next time."""
        self._denied.add(self._base(locator))

    def following(self, outcomes: Iterable[Outcome]) -> Iterator[Told]:
        """Pass on what a reading says and count along; what is kept is told as it was told."""
        for one in outcomes:
            match one:
                case Kept():
                    yield from self._kept(one)
                    continue
                case Item() | Bad():
                    self._count(one)
                case Ended():
                    yield from self._went_on(one)
                case _:
                    pass
            yield one

    def _base(self, locator: str) -> str:
        path = file_of(locator)
        base = self._bases.get(path)
        if base is None:
            base = base_of(path, self._now) or self._pieces.get(base_of(path, self._pieces), "")
            self._bases[path] = base
        return base

    def _count(self, record: Item | Bad) -> None:
        base = self._base(record.locator)
        file = self._now.get(base)
        if isinstance(record, Bad):
            self._is_placed &= file is not None
        if file is None:
            return
        file.last = record.locator.rpartition("#")[2]
        if base in self._going_on and file.last == self._before[base].last:
            self._read_twice(self._before[base], record.locator)
        if isinstance(record, Bad):
            file.bad.append(record)
        else:
            file.items += 1

    def _read_twice(self, before: _File, locator: str) -> None:
        """Take the last record of before back, which is told anew."""
        left = [bad for bad in before.bad if bad.locator != locator]
        before.items -= len(left) == len(before.bad)
        before.bad = left

    def _kept(self, kept: Kept) -> Iterator[Found | Bad | Ended]:
        """Tell of kept files what was told when they were read, unless others were asked for."""
        count = 0
        for reader in sorted({one for path in kept.files for one in self._readers(path)}):
            name, _, number = reader.partition("/")
            yield Found(source=name, part=self._path.name, files=0, size=0, version=int(number))
        for path in () if self._is_retry else kept.files:
            if path in self.cursors:
                self._going_on.append(path)
                continue
            count += self._before[path].items
            yield from self._before[path].bad
            self._take_over(path)
        yield Ended(kept=count)

    def _readers(self, path: str) -> set[str]:
        before = None if self._is_retry else self._before.get(path)
        return before.readers - {self._edition} if before else set()

    def _went_on(self, part: Ended) -> Iterator[Bad | Ended]:
        """Tell of a file that was read from a cursor on what had been told up to there."""
        for path in part.files:
            if path in self._going_on:
                yield from self._before[path].bad
                yield Ended(kept=self._before[path].items)
                self._take_over(path)

    def _take_over(self, path: str) -> None:
        before, now = self._before[path], self._now[path]
        now.items += before.items
        now.bad += before.bad
        now.readers |= before.readers

    def ended(self, part: Ended, position: int) -> None:
        """Note the files of a part of which everything is stored; archives wait for `finish`."""
        for end in part.reached:
            if file := self._now.get(end.file):
                file.cursor = end.cursor
        opened = set(part.opened)
        own = {self._base(path) for path in part.files if path in opened} - {""}
        for base in own:
            self._now[base].readers.add(reader_of(part.source, part.version))
        self._put((base for base in own if base in opened), position)

    def finish(self, position: int) -> None:
        """Note all other files, once everything was read.

        Nothing is noted of those that nobody read if a failure has no place: it may be theirs.
        """
        read = [path for path in self._now if path not in self.kept]
        if self._is_placed:
            for path in read:
                self._now[path].readers |= set() if self._now[path].readers else {self._edition}
        self._put((path for path in read if self._now[path].readers), position)

    def _put(self, paths: Iterable[str], position: int) -> None:
        chosen = [path for path in paths if path not in self._denied]
        for path in chosen:
            if self._now[path].bad:
                # A source that is not there yet may read it.
                self._now[path].readers.add(self._edition)
        self._prints.put({self._name(path): self._now[path] for path in chosen}, position)


def _edition() -> str:
    """Return what names all sources there are, in whatever version."""
    said = f"{version('twinvault')} {registry.edition()}"
    return hashlib.blake2b(said.encode(), digest_size=8).hexdigest()


def _listed(
    root: Path, but: Container[tuple[int, int]] = ()
) -> Iterator[tuple[str, bytes, os.stat_result]]:
    """Yield every file that the tree has, as it calls it, where it lies, and what it is."""
    if not root.is_dir():
        if root.is_file():
            yield printable(root.name), os.fsencode(root.resolve()), root.stat()
        return
    for path, key, facts in walk(root, Names(), but):
        if not isinstance(facts, str):
            yield path, os.path.join(os.fsencode(root), key), facts  # noqa: PTH118
