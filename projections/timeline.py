"""Every item in its latest words, by time, person, conversation, source and type."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from projections.threads import unit_of
from projections.view import Databases, Value, View, decode_item, encode, marks
from vault.aliases import words
from vault.consent import Filters, Statement, Subject, normal
from vault.errors import Erased, NotFound
from vault.events import CorrectionMade, ItemCollected, ItemErased, ItemRevised
from vault.follow import Page
from vault.items import Item

__all__ = ["Mention", "Stored", "Timeline"]


@dataclass(frozen=True, slots=True)
class Stored:
    """An item as it stands now: `id` is that of the entry that first held it."""

    id: str
    position: int
    item: Item


@dataclass(frozen=True, slots=True)
class Mention:
    """An item that quotes or nearly repeats another: `share` of the shorter one's words."""

    id: str
    of: str
    share: float


_COLUMNS = "i.id, i.position, i.body, c.text"
_FROM = "items i LEFT JOIN corrections c ON c.item = i.id"
_BATCH = 500
_SHINGLE = 5
_QUOTED = 0.5
_QUOTED_RUN = 4
_SHORTEST = 3


class Timeline(View):
    """The follower that keeps items."""

    name = "timeline"
    version = "1"
    tables = """
        CREATE TABLE items (id TEXT PRIMARY KEY, position INTEGER NOT NULL, at INTEGER, type
            TEXT NOT NULL, source TEXT NOT NULL, conversation TEXT NOT NULL, labels BLOB NOT
            NULL, unit TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
        CREATE INDEX items_by_unit ON items (unit, at, position);
        CREATE INDEX items_by_conversation ON items (source, conversation);
        CREATE INDEX items_by_type ON items (type);
        CREATE TABLE entries (entry TEXT PRIMARY KEY, item TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX entries_by_item ON entries (item);
        CREATE TABLE corrections (item TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE gone (item TEXT PRIMARY KEY) WITHOUT ROWID;
    """

    def __init__(
        self, databases: Databases, describe: Callable[[Item], Subject] = Subject.of
    ) -> None:
        super().__init__(databases)
        self._describe = describe

    # ------------------------------------------------------------------ reading

    def show(self, item_id: str) -> Stored:
        """Return one item.

        Raises:
            Erased: It was erased.
            NotFound: There is no such item.
        """
        for stored in self.load([item_id]):
            return stored
        if self._one("SELECT 1 FROM gone WHERE item = ?", (item_id,)):
            raise Erased(f"The item {item_id} was erased; only its signed entry remains.")
        raise NotFound(f"There is no item {item_id}; `twin search` finds ids.")

    def load(self, ids: Iterable[str]) -> Iterator[Stored]:
        """Yield the items among some ids that are there."""
        wanted = list(ids)
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            yield from self._stored(f"i.id IN ({marks(len(batch))})", batch)

    def subject(self, item_id: str) -> Subject | None:
        """Describe an item for a decision, None where it is unknown or erased."""
        for stored in self.load([item_id]):
            return self._describe(stored.item)
        return None

    def count(self) -> int:
        """Return the number of items."""
        return int(self._one("SELECT count(*) FROM items") or 0)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of items by source and type."""
        rows = self._rows("SELECT source, type, count(*) FROM items GROUP BY source, type")
        return {(str(source), str(kind)): int(str(n)) for source, kind, n in rows}

    def select(
        self, *, type_: str = "", source: str = "", conversation: str = "", person: str = ""
    ) -> tuple[str, ...]:
        """Return the ids of the items that match every filter given, in order of time."""
        filters = Filters(source=source, conversation=conversation, person=person)
        return tuple(stored.id for stored in self._matching(type_, filters))

    def covered(self, statement: Statement) -> Iterator[Stored]:
        """Yield the items that a statement is about: its type or label, and its filters."""
        yield from self._matching(statement.type, statement.filters)

    def units_covered(self, statement: Statement) -> set[str]:
        """Return the units that hold an item which a statement might be about, or more."""
        where, values = _about(statement.type, statement.filters)
        rows = self._db.execute(f"SELECT DISTINCT i.unit FROM items i WHERE {where}", values)  # noqa: S608
        return {unit for (unit,) in rows}

    def unit(self, name: str) -> list[Stored]:
        """Return the items of a unit in order of time."""
        return list(self._stored("i.unit = ?", [name]))

    def entries(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return every log entry that holds words of these items: what erasing must destroy."""
        found: dict[str, None] = {}
        for one in ids:
            found[one] = None
            for (entry,) in self._rows("SELECT entry FROM entries WHERE item = ?", (one,)):
                found[str(entry)] = None
        return tuple(found)

    def everything(self) -> Iterator[Stored]:
        """Yield all items in order of time."""
        yield from self._stored("1", [])

    def mentions(self, ids: Sequence[str]) -> tuple[Mention, ...]:
        """Return the other items that quote or nearly repeat some items.

        Compared are runs of five words; the whole text where it is shorter.
        """
        chosen = set(ids)
        owners: dict[str, set[str]] = {}
        sizes: dict[str, int] = {}
        for stored in self.load(ids):
            shingles = _shingles(stored.item.own_text)
            sizes[stored.id] = len(shingles)
            for shingle in shingles:
                owners.setdefault(shingle, set()).add(stored.id)
        found: list[Mention] = []
        for stored in self.everything() if owners else ():
            if stored.id not in chosen:
                found += _compare(stored, owners, sizes)
        return tuple(sorted(found, key=lambda m: (-m.share, m.id, m.of)))

    def _matching(self, type_: str, filters: Filters) -> Iterator[Stored]:
        where, values = _about(type_, filters)
        person = normal(filters.person) if filters.person else ""
        for stored in self._stored(where, values):
            item = stored.item
            names = (item.type, *item.labels)
            if type_ and not any(n == type_ or n.startswith(type_ + ".") for n in names):
                continue
            if person and person not in self._describe(item).people:
                continue
            yield stored

    def _stored(self, where: str, values: Sequence[Value]) -> Iterator[Stored]:
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE {where}"  # noqa: S608 - own clauses only
            " ORDER BY i.at IS NULL, i.at, i.position",
            values,
        )
        for id_, position, body, text in rows:
            item = decode_item(body)
            if text is not None:
                item = replace(item, text=text, text_new=None)
            yield Stored(id_, position, item)

    # ------------------------------------------------------------------ following

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            match entry.event:
                case ItemCollected(item=item):
                    self._keep(entry.id, entry.id, entry.position, item)
                case ItemRevised(item_id=item_id, item=item):
                    self._keep(entry.id, self.root(item_id), entry.position, item)
                case CorrectionMade(item_id=item_id, text=text):
                    self._correct(entry.id, self.root(item_id), text)
                case ItemErased(item_ids=ids):
                    self._erase(ids)
                case _:
                    pass

    def root(self, entry_id: str) -> str:
        """Return the id of the item that an entry belongs to; an item's own id is that."""
        return str(self._one("SELECT item FROM entries WHERE entry = ?", (entry_id,)) or entry_id)

    def _keep(self, entry: str, root: str, position: int, item: Item) -> None:
        if self._one("SELECT 1 FROM gone WHERE item IN (?, ?)", (root, entry)):
            return
        at = None if item.at is None else _micros(item.at)
        self._db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (entry, root))
        self._db.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " at = excluded.at, type = excluded.type, source = excluded.source, conversation ="
            " excluded.conversation, labels = excluded.labels, unit = excluded.unit, body = excluded.body",
            (
                root,
                position,
                at,
                item.type,
                item.source,
                item.conversation,
                encode(item.labels),
                unit_of(root, item),
                encode(item),
            ),
        )

    def _correct(self, entry: str, root: str, text: str) -> None:
        if not self._one("SELECT 1 FROM items WHERE id = ?", (root,)):
            return
        self._db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (entry, root))
        self._db.execute("INSERT OR REPLACE INTO corrections VALUES (?, ?)", (root, text))

    def _erase(self, ids: tuple[str, ...]) -> None:
        roots = {root for one in ids for root in (one, self.root(one))}
        for root in roots:
            self._db.execute("DELETE FROM items WHERE id = ?", (root,))
            self._db.execute("DELETE FROM corrections WHERE item = ?", (root,))
            self._db.execute("DELETE FROM entries WHERE item = ?", (root,))
            self._db.execute("INSERT OR IGNORE INTO gone VALUES (?)", (root,))

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._rows("SELECT id, position, at, unit, body FROM items"):
            yield ("item", *row)
        for row in self._rows("SELECT item, text FROM corrections"):
            yield ("correction", *row)


def _about(type_: str, filters: Filters) -> tuple[str, list[Value]]:
    """Return a condition that holds for every item a filter is about, and for few others."""
    clauses, values = ["1"], list[Value]()
    if type_:
        empty = encode(())
        clauses.append("(i.type = ? OR (i.type >= ? AND i.type < ?) OR i.labels != ?)")
        values += [type_, type_ + ".", type_ + "/", empty]
    if filters.source:
        clauses.append("i.source = ?")
        values.append(filters.source)
    if filters.conversation:
        clauses.append("i.conversation = ?")
        values.append(filters.conversation)
    if filters.since is not None:
        clauses.append("(i.at IS NULL OR i.at >= ?)")
        values.append(_micros(filters.since))
    if filters.until is not None:
        clauses.append("(i.at IS NULL OR i.at < ?)")
        values.append(_micros(filters.until))
    return " AND ".join(clauses), values


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def _shingles(text: str) -> set[str]:
    found = words(text)
    if len(found) < _SHINGLE:
        return {" ".join(found)} if len(found) >= _SHORTEST else set()
    return {" ".join(found[i : i + _SHINGLE]) for i in range(len(found) - _SHINGLE + 1)}


def _compare(stored: Stored, owners: dict[str, set[str]], sizes: dict[str, int]) -> list[Mention]:
    # The whole text: a quoted reply is where an erased mail lives on.
    own = _shingles(stored.item.text) | _shingles(stored.item.own_text)
    shared: dict[str, int] = {}
    for shingle in own:
        for of in owners.get(shingle, ()):
            shared[of] = shared.get(of, 0) + 1
    found: list[Mention] = []
    for of, count in shared.items():
        share = count / max(1, min(sizes[of], len(own)))
        if share >= _QUOTED or count >= _QUOTED_RUN:
            found.append(Mention(stored.id, of, round(min(1.0, share), 3)))
    return found
