"""Which rows hold every word of a query, the newest of them, and how much each says of it.

The lists of common words are long and lie sealed, so they are read no more than they must be:
where the rarest words of a query leave few rows, the others are looked for in the texts of these.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import apsw

from projections.search.asking import Words
from projections.search.ranking import read_size, telling, weigh, weigh_read
from projections.view import Value, batches, marks

__all__ = ["Texts"]

_MOST_COUNTED = 2000
_RAREST = (3, 5)
_READ = 20_000
_HOLDING = "FROM texts WHERE texts MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid"


class _Part(NamedTuple):
    """A word or phrase of a query, in how many rows it is, and minus the last of these.

    Rows are counted up to some; the older the last of as many, the rarer it is: the rarest sorts first.
    """

    rows: int
    last: int
    said: str

    @property
    def weight(self) -> int:
        return telling(self.rows, _MOST_COUNTED)


class Texts:
    """Asks the words of the index."""

    def __init__(
        self, database: apsw.Connection, words_of: Callable[[bytes], Sequence[str]]
    ) -> None:
        """Take a database with the index, and what takes a text apart as the index does."""
        self._db = database
        self._words_of = words_of
        database.register_fts5_function("weigh", weigh)
        database.register_fts5_function("weigh_read", weigh_read)
        database.register_fts5_function("read_size", read_size)

    def holding(
        self, words: Words, narrowed: str, between: tuple[int, int], most: int
    ) -> dict[int, int]:
        """Return the newest rows that hold every part of a query, each with its weight.

        Args:
            words: The query.
            narrowed: What else FTS5 must find of a row.
            between: The first and the last row that count.
            most: How many rows at most.
        """
        said = [part for part in words.parts if self._words_of(part.encode())]
        if len(said) <= 1:
            return self._weighed(
                [_Part(_MOST_COUNTED, 0, one) for one in said], narrowed, between, most
            )
        parts = sorted(map(self._counted, said))
        for few in (one for one in _RAREST if one < len(parts)):
            rows = self._few(parts[:few], narrowed, between)
            if rows is not None:
                return self._weighed_by_reading(rows, parts, most)
        return self._weighed(parts, narrowed, between, most)

    def _counted(self, part: str) -> _Part:
        [(count, last)] = self._db.execute(
            "SELECT count(*), max(rowid) FROM"
            " (SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid LIMIT ?)",
            (Words((part,)).match(), _MOST_COUNTED),
        )
        return _Part(count, -(last or 0), part)

    def _weighed(
        self, parts: Sequence[_Part], narrowed: str, between: tuple[int, int], most: int
    ) -> dict[int, int]:
        if not parts:
            return {}
        weights = [part.weight for part in parts]
        found = self._db.execute(
            f"SELECT rowid, weigh(texts, {marks(len(weights))}) {_HOLDING} LIMIT ?",
            (*weights, _match(parts, narrowed), *between, most),
        )
        return dict(found)

    def _few(
        self, parts: Sequence[_Part], narrowed: str, between: tuple[int, int]
    ) -> list[int] | None:
        """Return the rows that hold some parts, None where it would take long to read them."""
        rows: list[int] = []
        size = 0
        asked = (_match(parts, narrowed), *between)
        for row, words in self._db.execute(f"SELECT rowid, read_size(texts) {_HOLDING}", asked):
            rows.append(row)
            size += words
            if size > _READ:
                return None
        return rows

    def _weighed_by_reading(
        self, rows: Sequence[int], parts: Sequence[_Part], most: int
    ) -> dict[int, int]:
        """Return the newest of some rows that hold every part as their texts say."""
        told: list[Value] = []
        for part in parts:
            ending = "*" if part.said.endswith("*") else ""
            told += (" ".join(self._words_of(part.said.encode())) + ending, part.weight)
        found: dict[int, int] = {}
        for batch in batches(rows):
            weighed = self._db.execute(
                f"SELECT rowid, weigh_read(texts, {marks(len(told))}) FROM texts"  # noqa: S608
                f" WHERE rowid IN ({marks(len(batch))}) ORDER BY rowid",
                (*told, *batch),
            )
            for row, weight in weighed:
                if weight is not None and len(found) < most:
                    found[row] = weight
        return found


def _match(parts: Sequence[_Part], narrowed: str) -> str:
    return Words(tuple(part.said for part in parts)).match(narrowed)
