"""What the owner said of examples: approved, rejected, in her own wording.

An example is named by the items whose words it teaches, not by its words, so what she said
of it holds however it is redacted. Her wording goes with those items: whoever erases one
erases every entry that says something of an example made of it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from projections.view import Databases, Value, View, batches, marks
from vault.events import ItemErased, PairReviewed
from vault.follow import Page

__all__ = ["APPROVED", "EDITED", "REJECTED", "VERDICTS", "Review", "Reviews"]

APPROVED, REJECTED, EDITED = VERDICTS = ("approved", "rejected", "edited")


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Her newest word on an example; an empty prompt or answer leaves what stands there.

    `position` is where it stands in the log.
    """

    verdict: str
    prompt: str = ""
    answer: str = ""
    position: int = 0


class Reviews(View):
    """The follower that keeps reviews."""

    name = "reviews"
    version = "1"
    tables = """
        CREATE TABLE reviews (pair TEXT PRIMARY KEY, position INTEGER NOT NULL, verdict TEXT NOT
            NULL, prompt TEXT NOT NULL, answer TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE entries (item TEXT, entry TEXT, pair TEXT NOT NULL, PRIMARY KEY
            (item, entry)) WITHOUT ROWID;
        CREATE TABLE gone (item TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE owed (entry TEXT PRIMARY KEY) WITHOUT ROWID;
    """

    def __init__(self, databases: Databases) -> None:
        super().__init__(databases)

    def of(self, pairs: Iterable[str]) -> Mapping[str, Review]:
        """Return what was said of some examples."""
        found: dict[str, Review] = {}
        if self._one("SELECT 1 FROM reviews") is None:
            return found
        for pair in pairs:
            for verdict, prompt, answer, position in self._rows(
                "SELECT verdict, prompt, answer, position FROM reviews WHERE pair = ?", (pair,)
            ):
                found[pair] = Review(
                    verdict=str(verdict),
                    prompt=str(prompt),
                    answer=str(answer),
                    position=int(str(position)),
                )
        return found

    def pairs(self, verdict: str) -> tuple[str, ...]:
        """Return the examples of which the owner's newest word is this one."""
        rows = self._rows("SELECT pair FROM reviews WHERE verdict = ? ORDER BY pair", (verdict,))
        return tuple(str(pair) for (pair,) in rows)

    def counts(self) -> Mapping[str, int]:
        """Return how many examples have each verdict."""
        rows = self._rows("SELECT verdict, count(*) FROM reviews GROUP BY verdict")
        return {str(verdict): int(str(number)) for verdict, number in rows}

    def entries(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return the log entries that say something of examples made of some items."""
        found: dict[str, None] = {}
        for item in ids:
            rows = self._rows("SELECT entry FROM entries WHERE item = ? ORDER BY entry", (item,))
            found |= {str(entry): None for (entry,) in rows}
        return tuple(found)

    def items_of(self, entries: Sequence[str]) -> dict[str, set[str]]:
        """Return, for those of some entries that say something of an example, its items."""
        found: dict[str, set[str]] = {}
        for batch in batches(entries):
            rows = self._rows(
                f"SELECT entry, item FROM entries WHERE entry IN ({marks(len(batch))})",  # noqa: S608
                batch,
            )
            for entry, item in rows:
                found.setdefault(str(entry), set()).add(str(item))
        return found

    def owed(self) -> tuple[str, ...]:
        """Return the entries about examples of erased items that were not erased with them.

        Another device wrote them, before it learned of the erasure.
        """
        return tuple(str(entry) for (entry,) in self._rows("SELECT entry FROM owed"))

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            match entry.event:
                case PairReviewed() as review:
                    self._keep(entry.id, entry.position, review)
                case ItemErased(item_ids=ids):
                    self._erase(ids)
                case _:
                    pass

    def _keep(self, entry: str, position: int, review: PairReviewed) -> None:
        if self._one("SELECT 1 FROM gone WHERE item = ?", (entry,)):
            return
        if any(self._one("SELECT 1 FROM gone WHERE item = ?", (i,)) for i in review.item_ids):
            self._db.execute("INSERT OR IGNORE INTO owed VALUES (?)", (entry,))
            return
        self._db.executemany(
            "INSERT OR REPLACE INTO entries VALUES (?, ?, ?)",
            [(item, entry, review.pair) for item in review.item_ids],
        )
        self._db.execute(
            "INSERT OR REPLACE INTO reviews VALUES (?, ?, ?, ?, ?)",
            (review.pair, position, review.verdict, review.prompt, review.answer),
        )

    def _erase(self, ids: tuple[str, ...]) -> None:
        named = [(one,) for one in ids]
        self._db.executemany("INSERT OR IGNORE INTO gone VALUES (?)", named)
        for item in ids:
            rows = self._rows("SELECT entry, pair FROM entries WHERE item = ?", (item,))
            for entry, pair in rows:
                self._db.execute("INSERT OR IGNORE INTO owed VALUES (?)", (entry,))
                self._db.execute("DELETE FROM reviews WHERE pair = ?", (pair,))
                self._db.execute("DELETE FROM entries WHERE entry = ?", (entry,))
        self._db.executemany("DELETE FROM owed WHERE entry = ?", named)

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for table in ("reviews", "entries", "owed"):
            for row in self._rows(f"SELECT * FROM {table}"):  # noqa: S608 - fixed names
                yield (table, *row)
