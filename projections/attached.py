"""Which blocks of attachments the log holds, and which items carry the files.

A block is known by the tag of its entry, which stays sealed: no view reads bytes of files, and
none keeps their digests. A file that no item carries any more is to go with the last that did.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

import apsw

from projections.view import Value, batches, marks
from vault.contents import block_keys
from vault.items import Attachment

__all__ = ["TABLES", "Attached", "Blind"]

Blind = Callable[[Iterable[bytes]], list[bytes]]
"""Returns the tags of natural keys, as the log blinds them."""

TABLES = """
        CREATE TABLE blocks (entry TEXT PRIMARY KEY, tag BLOB NOT NULL) WITHOUT ROWID;
        CREATE INDEX blocks_by_tag ON blocks (tag);
        CREATE TABLE carried (item TEXT, tag BLOB, PRIMARY KEY (item, tag)) WITHOUT ROWID;
        CREATE INDEX carried_by_tag ON carried (tag);
        CREATE TABLE let_go (tag BLOB PRIMARY KEY) WITHOUT ROWID;
"""


class Attached:
    """Blocks and their carriers, in the database of the view that keeps items."""

    def __init__(self, db: apsw.Connection, blind: Blind) -> None:
        self._db = db
        self._blind = blind

    def carry(self, stated: Iterable[tuple[str, tuple[Attachment, ...]]]) -> bool:
        """Note that a version of each of some items carries files; whether one was here already."""
        named = [
            (item, key) for item, files in stated for file in files for key in block_keys(file)
        ]
        tags = self._blind(key for _, key in named)
        self._db.executemany(
            "INSERT OR IGNORE INTO carried VALUES (?, ?)",
            [(item, tag) for (item, _), tag in zip(named, tags, strict=True)],
        )
        return any(
            self._db.execute(
                f"SELECT 1 FROM blocks WHERE tag IN ({marks(len(batch))})",  # noqa: S608
                batch,
            ).get
            for batch in batches(tags)
        )

    def hold(self, entry: str, tag: bytes) -> None:
        """Note that an entry holds a block."""
        self._db.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?)", (entry, tag))

    @property
    def lost(self) -> int:
        """How many tags were let go: what was read before may be needed again."""
        return int(self._db.execute("SELECT count(*) FROM let_go").get)

    def gone(self, tag: bytes) -> None:
        """Note that a block under a tag was erased."""
        self._db.execute("INSERT OR IGNORE INTO let_go VALUES (?)", (tag,))

    def drop(self, item: str, entries: Sequence[str]) -> bool:
        """Forget what an item carried, and entries that were erased; whether it carried any."""
        self._db.execute(
            "INSERT OR IGNORE INTO let_go SELECT tag FROM carried WHERE item = ?", (item,)
        )
        self._db.execute("DELETE FROM carried WHERE item = ?", (item,))
        carried = self._db.changes() > 0
        self._db.executemany("DELETE FROM blocks WHERE entry = ?", [(one,) for one in entries])
        return carried

    def blocks(self, file: Attachment) -> tuple[str, ...]:
        """Return the entries that hold a file, in order; none where not all of it is there."""
        found = []
        for tag in self._blind(block_keys(file)):
            entry = self._db.execute("SELECT max(entry) FROM blocks WHERE tag = ?", (tag,)).get
            if entry is None:
                return ()
            found.append(str(entry))
        return tuple(found)

    def carriers(self, entries: Sequence[str]) -> dict[str, set[str]]:
        """Return, for those of some entries that hold a block, the items that carry its file."""
        found: dict[str, set[str]] = {}
        for batch in batches(entries):
            rows = self._db.execute(
                "SELECT b.entry, c.item FROM blocks b LEFT JOIN carried c USING (tag)"  # noqa: S608
                f" WHERE b.entry IN ({marks(len(batch))})",
                batch,
            )
            for entry, item in rows:
                items = found.setdefault(str(entry), set())
                if item is not None:
                    items.add(str(item))
        return found

    def alone(self, items: Sequence[str]) -> tuple[str, ...]:
        """Return the entries that hold files which none but some items carry."""
        chosen = set(items)
        tags = {tag for batch in batches(items) for tag in self._of(batch)}
        found: list[str] = []
        for batch in batches(sorted(tags)):
            rows = self._db.execute(
                f"SELECT tag, item FROM carried WHERE tag IN ({marks(len(batch))})",  # noqa: S608
                batch,
            )
            others = {tag for tag, item in rows if item not in chosen}
            left = [tag for tag in batch if tag not in others]
            entries = self._db.execute(
                f"SELECT entry FROM blocks WHERE tag IN ({marks(len(left))}) ORDER BY entry",  # noqa: S608
                left,
            )
            found += [str(entry) for (entry,) in entries]
        return tuple(found)

    def _of(self, items: Sequence[str]) -> Iterator[bytes]:
        rows = self._db.execute(
            f"SELECT tag FROM carried WHERE item IN ({marks(len(items))})",  # noqa: S608
            items,
        )
        return (tag for (tag,) in rows)

    def orphans(self) -> tuple[str, ...]:
        """Return the entries that hold files which were let go and which no item carries.

        That no item carries a file says nothing by itself: it may not have arrived yet, or be of
        a later release.
        """
        rows = self._db.execute(
            "SELECT entry FROM blocks b JOIN let_go USING (tag) WHERE NOT EXISTS"
            " (SELECT 1 FROM carried c WHERE c.tag = b.tag) ORDER BY entry"
        )
        return tuple(str(entry) for (entry,) in rows)

    def holding(self, entries: Sequence[str]) -> int:
        """Return how many of some entries hold a block."""
        return sum(
            self._db.execute(
                f"SELECT count(*) FROM blocks WHERE entry IN ({marks(len(batch))})",  # noqa: S608
                batch,
            ).get
            for batch in batches(entries)
        )

    def canonical(self) -> Iterator[tuple[Value, ...]]:
        """Yield all that is noted here."""
        return chain(
            (("block", *row) for row in self._db.execute("SELECT entry, tag FROM blocks")),
            (("carried", *row) for row in self._db.execute("SELECT item, tag FROM carried")),
        )
