"""What is kept of items that may be searched, how it comes in and how it is destroyed.

Few rows leave with their words, in the transaction that takes them out. Of many it is noted there
that they leave, and nothing finds them any more; then rows and bits are taken out, and their words
destroyed in the cheapest of three ways. Whoever opens the index after a crash ends that.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from projections.embed import Vector
from projections.search.asking import Asked, facts, number
from projections.search.codes import PASSAGE, coded, without
from projections.timeline import Stored
from projections.view import Value, View, batches, encode, marks
from vault.consent import Subject

__all__ = ["Index"]

_BLOCK = 2048 * PASSAGE.itemsize
_AT_ONCE = 100
# Taking a row's words out one by one costs as much as rewriting the words of so many rows.
_DEAR = 200
_STEP = 1000
# Each part in which words were written is read for every question. When rows as many as this
# share of all have come, all are written as one: each is written a few times in its life.
_SCATTERED, _PARTED = 1000, 3
_FOUND = "row NOT IN (SELECT row FROM leaving)"


class Index(View):
    """Words in FTS5, bits in blocks; both are found through the number of an item's row."""

    name = "search"
    version = "2"
    tables = """
        CREATE VIRTUAL TABLE texts USING fts5 (
            title, body, facts, tokenize = 'unicode61 remove_diacritics 2');
        -- Deleted words leave the index at once instead of at the next merge.
        INSERT INTO texts (texts, rank) VALUES ('secure-delete', 1);
        CREATE TABLE indexed (row INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE,
            kind INTEGER NOT NULL, block INTEGER NOT NULL);
        CREATE TABLE kinds (kind INTEGER PRIMARY KEY, types BLOB NOT NULL, source TEXT NOT NULL,
            UNIQUE (types, source));
        CREATE TABLE codes (block INTEGER PRIMARY KEY, passages BLOB NOT NULL);
        CREATE TABLE touched (item TEXT PRIMARY KEY) WITHOUT ROWID;
        -- Rows that nothing finds any more, of which something is still to be destroyed.
        CREATE TABLE leaving (row INTEGER PRIMARY KEY);
    """

    # ------------------------------------------------------------------ reading

    def count(self) -> int:
        """Return how many items are in the index."""
        return int(self._one(f"SELECT count(*) FROM indexed WHERE {_FOUND}") or 0)  # noqa: S608

    def holding(self, ids: Iterable[str]) -> int:
        """Return how many of some items are in the index."""
        held = f"SELECT 1 FROM indexed WHERE item = ? AND {_FOUND}"  # noqa: S608 - fixed words
        return sum(self._one(held, (one,)) is not None for one in ids)

    def _items(self, rows: Sequence[int]) -> dict[int, str]:
        found = self._rows(
            f"SELECT row, item FROM indexed WHERE row IN ({marks(len(rows))}) AND {_FOUND}",  # noqa: S608
            rows,
        )
        return {int(str(row)): str(item) for row, item in found}

    def _rows_about(self, asked: Asked) -> list[int]:
        """Return every row that the index says is about something, whenever it was."""
        if not asked.match:
            return [int(str(row)) for (row,) in self._rows("SELECT row FROM indexed")]
        found = self._rows("SELECT rowid FROM texts WHERE texts MATCH ?", (asked.match,))
        return [int(str(row)) for (row,) in found]

    def _touch(self, ids: Iterable[str]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO touched VALUES (?)", [(i,) for i in ids])

    # ------------------------------------------------------------------ adding

    def _index(self, fresh: Iterable[Stored], vectors: Mapping[str, Sequence[Vector]]) -> None:
        # FTS5 writes a segment whenever a number is smaller than the one before.
        ordered = sorted(self._numbered(fresh))
        if not ordered:
            return
        block = int(self._one("SELECT max(block) FROM codes") or 1)
        held = self._one("SELECT passages FROM codes WHERE block = ?", (block,))
        filled = bytearray(held if isinstance(held, bytes) else b"")
        rows: list[tuple[Value, ...]] = []
        told = [[one for one in vectors.get(id_, ()) if any(one)] for _, id_, _ in ordered]
        bits = coded([one for some in told for one in some])
        ends = accumulate(map(len, told))
        for (row, id_, stored), some, end in zip(ordered, told, ends, strict=True):
            kind = self._kind(stored)
            passages = _passages(row, kind, bits[end - len(some) : end])
            if len(filled) + len(passages) > _BLOCK and filled:
                self._keep(block, filled)
                block, filled = block + 1, bytearray()
            filled += passages
            rows.append((row, id_, kind, block))
        self._keep(block, filled)
        self._db.executemany("INSERT INTO indexed VALUES (?, ?, ?, ?)", rows)
        self._db.executemany(
            "INSERT INTO texts (rowid, title, body, facts) VALUES (?, ?, ?, ?)",
            (
                (row, stored.item.title, stored.item.text, facts(Subject.of(stored.item)))
                for row, _, stored in ordered
            ),
        )
        self._set("scattered", int(self._get("scattered") or 0) + len(rows))
        self._change()

    def _keep(self, block: int, passages: bytearray) -> None:
        self._db.execute("INSERT OR REPLACE INTO codes VALUES (?, ?)", (block, bytes(passages)))

    def _numbered(self, fresh: Iterable[Stored]) -> Iterator[tuple[int, str, Stored]]:
        """Yield items with the first numbers from theirs on that no row has."""
        given: set[int] = set()
        taken = (
            "SELECT 1 FROM indexed WHERE row = ?1 UNION ALL SELECT 1 FROM leaving WHERE row = ?1"
        )
        for stored in fresh:
            row = number(stored.item.at, stored.id)
            while row in given or self._one(taken, (row,)):
                row += 1
            given.add(row)
            yield row, stored.id, stored

    def _kind(self, stored: Stored) -> int:
        """Return the number of the types, labels and source of an item."""
        told = (encode((stored.item.type, *stored.item.labels)), stored.item.source)
        known = "SELECT kind FROM kinds WHERE types = ? AND source = ?"
        kind = self._one(known, told)
        if kind is None:
            self._db.execute("INSERT INTO kinds (types, source) VALUES (?, ?)", told)
            kind = self._db.last_insert_rowid()
        return int(kind)

    def _change(self) -> None:
        self._set("generation", int(self._get("generation") or 0) + 1)

    def _start_over(self) -> None:
        # What other processes read of the codes must not pass for what comes now.
        generation = self._get("generation")
        super()._start_over()
        self._set("generation", int(generation or 0) + 1)

    # ------------------------------------------------------------------ taking out

    def _drop(self, ids: Iterable[str]) -> None:
        found = (self._one("SELECT row FROM indexed WHERE item = ?", (one,)) for one in ids)
        self._leave(int(row) for row in found if row is not None)

    def _hide(self, rows: Sequence[int]) -> None:
        """Let nothing find rows any more: few leave at once, of many it is noted that they do."""
        if len(rows) <= _AT_ONCE:
            self._leave(rows)
        else:
            self._note_leaving(rows)

    def _leave(self, rows: Iterable[int]) -> None:
        """Take rows out: few with all their words, of many all but these."""
        gone = sorted(rows)
        if not gone:
            return
        self._unlist(gone)
        if len(gone) <= _AT_ONCE:
            self._db.executemany("DELETE FROM texts WHERE rowid = ?", [(row,) for row in gone])
        else:
            self._note_leaving(gone)

    def _note_leaving(self, rows: Iterable[int]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO leaving VALUES (?)", [(row,) for row in rows])

    def _unlist(self, gone: Sequence[int]) -> None:
        """Take rows out of all but the words."""
        blocks: defaultdict[Value, list[int]] = defaultdict(list)
        for batch in batches(gone):
            held = f"SELECT row, block FROM indexed WHERE row IN ({marks(len(batch))})"  # noqa: S608
            for row, block in self._rows(held, batch):
                blocks[block].append(int(str(row)))
        for block, own in blocks.items():
            stored = self._one("SELECT passages FROM codes WHERE block = ?", (block,))
            if isinstance(stored, bytes):
                left = without(stored, own)
                self._db.execute("UPDATE codes SET passages = ? WHERE block = ?", (left, block))
        self._db.executemany("DELETE FROM indexed WHERE row = ?", [(row,) for row in gone])
        self._change()

    def _destroy(self) -> None:
        """Destroy what is kept of rows that leave, their words the cheapest way."""
        hidden = "SELECT row FROM indexed WHERE row IN (SELECT row FROM leaving) ORDER BY row"
        if self._one(hidden) is not None:
            with self._writing():
                self._unlist([int(str(row)) for (row,) in self._rows(hidden)])
        while gone := int(self._one("SELECT count(*) FROM leaving") or 0):
            staying = int(self._one("SELECT count(*) FROM indexed") or 0)
            with self._writing():
                if gone > staying:
                    self._start_again()
                elif gone * _DEAR > staying:
                    self._take_words(gone, traceless=False)
                    self._set("residue", 1)
                else:
                    self._take_words(_AT_ONCE, traceless=True)
        self._rewrite()

    def _take_words(self, count: int, *, traceless: bool) -> None:
        """Delete the words of rows that left; with traces they stay in the file, marked."""
        self._db.execute(
            "INSERT INTO texts (texts, rank) VALUES ('secure-delete', ?)", (traceless,)
        )
        rows = self._rows("SELECT row FROM leaving ORDER BY row LIMIT ?", (count,))
        self._db.executemany("DELETE FROM texts WHERE rowid = ?", rows)
        self._db.executemany("DELETE FROM leaving WHERE row = ?", rows)
        self._db.execute("INSERT INTO texts (texts, rank) VALUES ('secure-delete', 1)")

    def _start_again(self) -> None:
        """Drop the whole index and touch what stays: less than what left."""
        self._db.execute(
            "CREATE TABLE kept AS SELECT item FROM touched UNION SELECT item FROM indexed"
        )
        for table in ("texts", "indexed", "kinds", "codes", "touched", "leaving"):
            self._db.execute(f"DROP TABLE {table}")
        self._db.execute(self.tables)
        self._db.execute("INSERT INTO touched SELECT item FROM kept")
        self._db.execute("DROP TABLE kept")
        self._set("residue", 0)
        self._change()

    def _gather(self) -> None:
        """Note that all words are to be written as one where many have come since they were."""
        scattered = int(self._get("scattered") or 0)
        if scattered >= _SCATTERED and scattered * _PARTED >= self.count():
            with self._writing():
                self._set("residue", 1)

    def _rewrite(self) -> None:
        """Write all words anew, as one, where that is due; some in every transaction."""
        pages = -_STEP
        while self._get("residue"):
            with self._writing():
                before = self._db.total_changes()
                self._db.execute("INSERT INTO texts (texts, rank) VALUES ('merge', ?)", (pages,))
                if self._db.total_changes() - before < 2:  # noqa: PLR2004 - FTS5 counts so: no work left
                    self._set("residue", 0)
                    self._set("scattered", 0)
            pages = _STEP

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        yield from self._rows(
            "SELECT 'text', i.item, t.title, t.body, t.facts, k.types, k.source FROM indexed i"
            " JOIN texts t ON t.rowid = i.row JOIN kinds k ON k.kind = i.kind"
        )
        items = {int(str(row)): item for row, item in self._rows("SELECT row, item FROM indexed")}
        for (stored,) in self._rows("SELECT passages FROM codes"):
            assert isinstance(stored, bytes)
            for passage in np.frombuffer(stored, PASSAGE):
                yield ("code", items[int(passage["row"])], passage["bits"].tobytes())
        yield from self._rows("SELECT 'touched', item FROM touched")


def _passages(row: int, kind: int, bits: NDArray[np.uint64]) -> bytes:
    made = np.zeros(len(bits), PASSAGE)
    made["row"], made["kind"], made["bits"] = row, kind, bits
    return made.tobytes()
