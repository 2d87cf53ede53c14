"""Rows that say the same or nearly the same: which of them is learned.

Of equal ones, and of nearly equal ones, the smallest is learned; of those with one skeleton
the three smallest. Small is whose learned event, then whose id, comes first. Who is smallest
depends on what is there and on nothing that happened before, so what a withdrawal brings
back is what would have been there without the row that went.

Rows are compared where they share a band, and each with the first rows of the band alone:
where tens of thousands begin with the same phrase, the work for each stays bounded.
"""

from collections.abc import Iterable
from itertools import islice

import apsw

from projections.curate.near import BANDS, COMPARED, bands, similar
from projections.curate.templates import MOST_ALIKE
from projections.pairs import Pair

__all__ = ["LEARNED", "TABLES", "compare_again", "deleted", "inserted"]

TABLES = """
    CREATE TABLE bands (key INTEGER, learned TEXT, row TEXT, PRIMARY KEY (key, learned, row))
        WITHOUT ROWID;
    CREATE INDEX bands_by_row ON bands (row);
    CREATE TABLE near (row TEXT, of TEXT, key INTEGER, PRIMARY KEY (row, of, key)) WITHOUT ROWID;
    CREATE INDEX near_by_of ON near (of);
    CREATE INDEX near_by_key ON near (key);
    CREATE TABLE compare_again (key INTEGER PRIMARY KEY);
"""

_SMALLER = "(o.learned, o.id) < (r.learned, r.id)"
LEARNED = f""" (r.approved OR NOT (
    EXISTS (SELECT 1 FROM rows o WHERE o.completion = r.completion AND {_SMALLER})
    OR EXISTS (SELECT 1 FROM near n WHERE n.row = r.id)
    OR (r.skeleton != x'' AND (SELECT count(*) FROM (SELECT 1 FROM rows o
        WHERE o.skeleton = r.skeleton AND {_SMALLER} LIMIT {MOST_ALIKE})) = {MOST_ALIKE})))"""  # noqa: S608 - own words
"""The condition that a row `r` is the one to be learned among those alike."""


_Ranked = tuple[str, str, bytes]
_BAND = (
    "SELECT b.learned, b.row, r.signature FROM bands b JOIN rows r ON r.id = b.row"
    " WHERE b.key = ? ORDER BY b.learned, b.row"
)
_HELD = (
    f"WITH own (key) AS (VALUES {', '.join(['(?)'] * BANDS)}) SELECT key FROM own"  # noqa: S608 - a number of our own
    " WHERE EXISTS (SELECT 1 FROM bands b WHERE b.key = own.key)"
)


def inserted(db: apsw.Connection, pair: Pair) -> None:
    """Note which rows a row that was inserted is near to, on either side."""
    own = (pair.learned, pair.row.id, pair.signature)
    keys = bands(pair.signature)
    if not keys:
        return
    for key in [int(str(key)) for (key,) in db.execute(_HELD, keys)]:
        first: list[_Ranked] = list(islice(db.execute(_BAND, (key,)), COMPARED))
        if len(first) == COMPARED and own < first[-1]:
            # It takes the place of another among the first: the whole band is looked at later.
            db.execute("INSERT OR IGNORE INTO compare_again VALUES (?)", (key,))
        _note(db, key, ((own, other) for other in first))
    db.executemany(
        "INSERT OR IGNORE INTO bands VALUES (?, ?, ?)", [(key, *own[:2]) for key in keys]
    )


def _note(db: apsw.Connection, key: int, pairs: Iterable[tuple[_Ranked, _Ranked]]) -> None:
    near = [
        (max(one, other)[1], min(one, other)[1], key)
        for one, other in pairs
        if one[1] != other[1] and similar(one[2], other[2])
    ]
    db.executemany("INSERT OR IGNORE INTO near VALUES (?, ?, ?)", near)


def deleted(db: apsw.Connection, keys: Iterable[tuple[str]]) -> None:
    """Forget rows that were deleted."""
    keys = list(keys)
    # Another row may now be among the first of a band that has more than are compared.
    db.executemany(
        "INSERT OR IGNORE INTO compare_again SELECT b.key FROM bands b WHERE b.row = ? AND"  # noqa: S608 - a number of our own
        f" (SELECT count(*) FROM (SELECT 1 FROM bands o WHERE o.key = b.key LIMIT {COMPARED + 1}))"
        f" > {COMPARED}",
        keys,
    )
    db.executemany("DELETE FROM bands WHERE row = ?", keys)
    db.executemany("DELETE FROM near WHERE row = ?", keys)
    db.executemany("DELETE FROM near WHERE of = ?", keys)


def compare_again(db: apsw.Connection) -> None:
    """Compare anew the rows of bands whose first rows are others than before."""
    for key in [int(str(key)) for (key,) in db.execute("SELECT key FROM compare_again")]:
        db.execute("DELETE FROM near WHERE key = ?", (key,))
        first: list[_Ranked] = []
        for row in db.execute(_BAND, (key,)):
            _note(db, key, ((row, other) for other in first))
            if len(first) < COMPARED:
                first.append(row)
    db.execute("DELETE FROM compare_again")
