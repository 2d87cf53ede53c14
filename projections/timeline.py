"""Every item in its latest words, by time, person, conversation, source and type.

Its labels are those of its source, those that its words have (`projections.labels`), and
above both what the owner said. What is kept by a rule of retention goes by what was said
alone: no guess erases anything.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, islice

from projections.permissions import Standstill
from projections.threads import unit_of
from projections.view import Databases, Value, View, decode_item, decode_labels, encode, marks
from vault.aliases import words
from vault.consent import SENSITIVE, Filters, Pause, Statement, Subject, is_paused, normal
from vault.errors import Erased, NotFound
from vault.events import (
    CorrectionMade,
    ItemCollected,
    ItemErased,
    ItemRevised,
    LabelCorrected,
)
from vault.follow import Entry, Page
from vault.items import Item
from vault.retention import days_kept

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


_Version = tuple[str, int]

_COLUMNS = "i.id, i.position, i.body, i.labels, c.text"
_FROM = "items i LEFT JOIN corrections c ON c.item = i.id"
_BATCH = 500
_SHINGLE = 5
_QUOTED = 0.5
_QUOTED_RUN = 4
_SHORTEST = 3
_NONE: frozenset[str] = frozenset()


class Timeline(View):
    """The follower that keeps items."""

    name = "timeline"
    version = "3"
    tables = """
        CREATE TABLE items (id TEXT PRIMARY KEY, position INTEGER NOT NULL, at INTEGER, type
            TEXT NOT NULL, source TEXT NOT NULL, conversation TEXT NOT NULL, labels BLOB NOT
            NULL, unit TEXT NOT NULL, body BLOB NOT NULL, collected INTEGER NOT NULL, dated
            INTEGER NOT NULL) WITHOUT ROWID;
        CREATE INDEX items_by_unit ON items (unit, at, position);
        CREATE INDEX items_by_conversation ON items (source, conversation);
        CREATE INDEX items_by_age ON items (type, labels, dated);
        CREATE TABLE entries (entry TEXT PRIMARY KEY, item TEXT NOT NULL) WITHOUT ROWID;
        CREATE INDEX entries_by_item ON entries (item);
        CREATE TABLE corrections (item TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE relabelled (item TEXT, label TEXT, holds INTEGER NOT NULL, PRIMARY KEY
            (item, label)) WITHOUT ROWID;
        CREATE TABLE gone (item TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE owed (entry TEXT PRIMARY KEY) WITHOUT ROWID;
    """

    def __init__(
        self,
        databases: Databases,
        describe: Callable[[Item], Subject] = Subject.of,
        mentions: Callable[[Item, str], bool] = lambda _item, _person: False,
        labels: Callable[[Sequence[Stored]], Mapping[str, frozenset[str]]] = lambda _stored: {},
    ) -> None:
        super().__init__(databases)
        self._describe = describe
        self._labels = labels
        self._mentions = mentions

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

    def stated(self, ids: Iterable[str]) -> Iterator[Stored]:
        """Yield the items among some ids with the labels that source and owner state, and no more."""
        wanted = list(ids)
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            yield from self._read(f"i.id IN ({marks(len(batch))})", batch)

    def corrected_labels(self) -> list[tuple[str, str, bool]]:
        """Return what the owner said of items' labels: item, label, and whether it holds."""
        rows = self._rows("SELECT item, label, holds FROM relabelled ORDER BY item, label")
        return [(str(item), str(label), bool(holds)) for item, label, holds in rows]

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
        """Yield the items that a statement is about: its type or label, and its filters.

        What stands for a pause is also about the items that mention its person.
        """
        mentions = isinstance(statement, Standstill)
        yield from self._matching(statement.type, statement.filters, mentions=mentions)

    def units_covered(self, statement: Statement) -> set[str]:
        """Return the units that hold an item which a statement might be about, or more."""
        if _is_sensitive(statement.type):
            return {unit_of(stored.id, stored.item) for stored in self.covered(statement)}
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

    def holding(self, ids: Iterable[str]) -> int:
        """Return how many of some items are here."""
        return sum(1 for _ in self.load(ids))

    def were_erased(self, ids: Iterable[str]) -> bool:
        """Whether each of some items was erased."""
        return all(self._one("SELECT 1 FROM gone WHERE item = ?", (one,)) for one in ids)

    def owed(self) -> tuple[str, ...]:
        """Return the log entries that hold words of an erased item and were not erased with it.

        Another device wrote them, before it learned of the erasure.
        """
        return tuple(str(entry) for (entry,) in self._rows("SELECT entry FROM owed"))

    def outlived(
        self, rules: Mapping[str, int | None], now: datetime, pauses: Sequence[Pause] = ()
    ) -> tuple[str, ...]:
        """Return the ids of the items that are kept no longer, the oldest first.

        An item is as old as the time that it states, one without a date as its collection.
        What is paused is kept.
        """
        whole = [
            pause
            for pause in pauses
            if not pause.source and not pause.person and not _is_sensitive(pause.type)
        ]
        found: list[tuple[Value, ...]] = []
        for type_, encoded in self._kinds() if rules else ():
            labels = decode_labels(encoded)
            days = days_kept(rules, (type_, *labels))
            kind = Subject(type=type_, labels=labels)
            if days is None or any(is_paused(pause, kind) for pause in whole):
                continue
            found += self._rows(
                "SELECT dated, id FROM items WHERE type = ? AND labels = ? AND dated < ?",
                (type_, encoded, _micros(now - timedelta(days=days))),
            )
        ids = [str(id_) for _, id_ in sorted(found, key=encode)]
        if len(whole) == len(pauses):
            return tuple(ids)
        described = {stored.id: self._describe(stored.item) for stored in self.load(ids)}
        return tuple(
            one for one in ids if not any(is_paused(pause, described[one]) for pause in pauses)
        )

    def _kinds(self) -> Iterator[tuple[str, bytes]]:
        """Yield every type with the labels it is found with: two steps in the index for each."""
        row = self._db.execute(
            "SELECT type, labels FROM items ORDER BY type, labels LIMIT 1"
        ).fetchone()
        while row:
            yield row
            row = (
                self._db.execute(
                    "SELECT type, labels FROM items WHERE type = ? AND labels > ?"
                    " ORDER BY labels LIMIT 1",
                    row,
                ).fetchone()
                or self._db.execute(
                    "SELECT type, labels FROM items WHERE type > ? ORDER BY type, labels LIMIT 1",
                    row[:1],
                ).fetchone()
            )

    def everything(self) -> Iterator[Stored]:
        """Yield all items in order of time."""
        yield from self._stored("1", [])

    def mentions(self, ids: Sequence[str]) -> tuple[Mention, ...]:
        """Return the other items that quote or nearly repeat some items.

        Compared are runs of five words; the whole text where it is shorter. Of an item that
        was corrected both the words that were collected and those that replace them count.
        """
        chosen = set(ids)
        owners: dict[str, set[_Version]] = {}
        sizes: dict[_Version, int] = {}
        for number, stored in enumerate(chain(self.load(ids), self._replaced())):
            if stored.id in chosen:
                version = (stored.id, number)
                shingles = _shingles(stored.item.own_text)
                sizes[version] = len(shingles)
                for shingle in shingles:
                    owners.setdefault(shingle, set()).add(version)
        best: dict[tuple[str, str], float] = {}
        for stored in chain(self.everything(), self._replaced()) if owners else ():
            if stored.id not in chosen:
                for of, share in _compare(stored, owners, sizes):
                    best[stored.id, of] = max(share, best.get((stored.id, of), 0.0))
        found = [Mention(id_, of, share) for (id_, of), share in best.items()]
        return tuple(sorted(found, key=lambda m: (-m.share, m.id, m.of)))

    def _replaced(self) -> Iterator[Stored]:
        """Yield the corrected items, in the words that were collected."""
        for stored in self._stored("c.item IS NOT NULL", []):
            [(body,)] = self._rows("SELECT body FROM items WHERE id = ?", (stored.id,))
            assert isinstance(body, bytes)
            yield replace(stored, item=decode_item(body))

    def _matching(
        self, type_: str, filters: Filters, *, mentions: bool = False
    ) -> Iterator[Stored]:
        where, values = _about(type_, filters)
        person = normal(filters.person) if filters.person else ""
        for stored in self._stored(where, values):
            item = stored.item
            names = (item.type, *item.labels)
            if type_ and not any(n == type_ or n.startswith(type_ + ".") for n in names):
                continue
            if person and not self._concerns(item, person, mentions=mentions):
                continue
            yield stored

    def _concerns(self, item: Item, person: str, *, mentions: bool) -> bool:
        return person in self._describe(item).people or (mentions and self._mentions(item, person))

    def _stored(self, where: str, values: Sequence[Value]) -> Iterator[Stored]:
        read = self._read(where, values)
        while batch := list(islice(read, _BATCH)):
            computed = self._labels(batch)
            denied = self._denied(computed)
            for stored in batch:
                found = computed.get(stored.id, _NONE) - denied.get(stored.id, _NONE)
                labels = tuple(sorted(found.union(stored.item.labels)))
                yield replace(stored, item=replace(stored.item, labels=labels)) if found else stored

    def _denied(self, ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return which labels the owner took from which of some items."""
        wanted = list(ids)
        denied: dict[str, frozenset[str]] = {}
        for item, label in self._rows(
            "SELECT item, label FROM relabelled WHERE NOT holds"  # noqa: S608 - marks only
            f" AND item IN ({marks(len(wanted))})",
            wanted,
        ):
            denied[str(item)] = denied.get(str(item), _NONE).union((str(label),))
        return denied

    def _read(self, where: str, values: Sequence[Value]) -> Iterator[Stored]:
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM {_FROM} WHERE {where}"  # noqa: S608 - own clauses only
            " ORDER BY i.at IS NULL, i.at, i.position",
            values,
        )
        for id_, position, body, labels, text in rows:
            item = decode_item(body)
            if text is not None:
                item = replace(item, text=text, text_new=None)
            told = decode_labels(labels)
            yield Stored(id_, position, item if told == item.labels else replace(item, labels=told))

    # ------------------------------------------------------------------ following

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            match entry.event:
                case ItemCollected(item=item):
                    self._keep(entry, entry.id, item)
                case ItemRevised(item_id=item_id, item=item):
                    self._keep(entry, self.root(item_id), item)
                case CorrectionMade(item_id=item_id, text=text):
                    self._correct(entry.id, self.root(item_id), text)
                case LabelCorrected(item_id=item_id, label=label, holds=holds):
                    self._relabel(entry.id, self.root(item_id), label, holds=holds)
                case ItemErased(item_ids=ids):
                    self._erase(ids)
                case _:
                    pass

    def root(self, entry_id: str) -> str:
        """Return the id of the item that an entry belongs to; an item's own id is that."""
        return str(self._one("SELECT item FROM entries WHERE entry = ?", (entry_id,)) or entry_id)

    def _belongs(self, entry: str, root: str) -> bool:
        """Note that an entry holds words of an item; False where the item was erased before."""
        if self._one("SELECT 1 FROM gone WHERE item = ?", (entry,)):
            return False
        if self._one("SELECT 1 FROM gone WHERE item = ?", (root,)):
            self._db.execute("INSERT OR IGNORE INTO owed VALUES (?)", (entry,))
            return False
        self._db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (entry, root))
        return True

    def _keep(self, entry: Entry, root: str, item: Item) -> None:
        if not self._belongs(entry.id, root):
            return
        at, collected = None if item.at is None else _micros(item.at), _micros(entry.at)
        self._db.execute(
            "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
            " SET at = excluded.at, type = excluded.type, source = excluded.source, conversation ="
            " excluded.conversation, labels = excluded.labels, unit = excluded.unit, body ="
            " excluded.body, dated = coalesce(excluded.at, items.collected)",
            (
                root,
                entry.position,
                at,
                item.type,
                item.source,
                item.conversation,
                encode(self._told(root, item.labels)),
                unit_of(root, item),
                encode(item),
                collected,
                collected if at is None else at,
            ),
        )

    def _correct(self, entry: str, root: str, text: str) -> None:
        # The item may be missing though nobody erased it yet, in a log that is read again:
        # then the erasure follows, and must find this entry.
        if self._belongs(entry, root) and self._one("SELECT 1 FROM items WHERE id = ?", (root,)):
            self._db.execute("INSERT OR REPLACE INTO corrections VALUES (?, ?)", (root, text))

    def _relabel(self, entry: str, root: str, label: str, *, holds: bool) -> None:
        row = self._db.execute("SELECT body FROM items WHERE id = ?", (root,)).fetchone()
        if self._belongs(entry, root) and row:
            self._db.execute(
                "INSERT OR REPLACE INTO relabelled VALUES (?, ?, ?)", (root, label, holds)
            )
            labels = encode(self._told(root, decode_item(row[0]).labels))
            self._db.execute("UPDATE items SET labels = ? WHERE id = ?", (labels, root))

    def _told(self, root: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return the labels that a source gave an item, as the owner corrected them."""
        told = set(labels)
        for label, holds in self._rows(
            "SELECT label, holds FROM relabelled WHERE item = ?", (root,)
        ):
            (told.add if holds else told.discard)(str(label))
        return labels if told == set(labels) else tuple(sorted(told))

    def _erase(self, ids: tuple[str, ...]) -> None:
        roots = {root for one in ids for root in (one, self.root(one))}
        for root in sorted(roots):
            self._db.execute("DELETE FROM items WHERE id = ?", (root,))
            self._db.execute("DELETE FROM corrections WHERE item = ?", (root,))
            self._db.execute("DELETE FROM relabelled WHERE item = ?", (root,))
            self._db.execute(
                "INSERT OR IGNORE INTO owed SELECT entry FROM entries WHERE item = ?", (root,)
            )
            self._db.execute("DELETE FROM entries WHERE item = ?", (root,))
            self._db.execute("INSERT OR IGNORE INTO gone VALUES (?)", (root,))
        self._db.executemany("DELETE FROM owed WHERE entry = ?", [(one,) for one in ids])

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._rows("SELECT id, position, at, unit, body FROM items"):
            yield ("item", *row)
        for row in self._rows("SELECT item, text FROM corrections"):
            yield ("correction", *row)
        for row in self._rows("SELECT item, label, holds FROM relabelled"):
            yield ("relabelled", *row)
        for row in self._rows("SELECT entry FROM owed"):
            yield ("owed", *row)


def _about(type_: str, filters: Filters) -> tuple[str, list[Value]]:
    """Return a condition that holds for every item a filter is about, and for few others."""
    clauses, values = ["1"], list[Value]()
    # An item of any type may be about a sensitive matter.
    if type_ and not _is_sensitive(type_):
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


def _is_sensitive(type_: str) -> bool:
    return type_.partition(".")[0] in SENSITIVE


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def _shingles(text: str) -> set[str]:
    found = words(text)
    if len(found) < _SHINGLE:
        return {" ".join(found)} if len(found) >= _SHORTEST else set()
    return {" ".join(found[i : i + _SHINGLE]) for i in range(len(found) - _SHINGLE + 1)}


def _compare(
    stored: Stored, owners: dict[str, set[_Version]], sizes: dict[_Version, int]
) -> Iterator[tuple[str, float]]:
    """Yield each of the chosen items that an item quotes, and how much of it."""
    # The whole text: a quoted reply is where an erased mail lives on.
    own = _shingles(stored.item.text) | _shingles(stored.item.own_text)
    shared: dict[_Version, int] = {}
    for shingle in own:
        for of in owners.get(shingle, ()):
            shared[of] = shared.get(of, 0) + 1
    for of, count in shared.items():
        share = count / max(1, min(sizes[of], len(own)))
        if share >= _QUOTED or count >= _QUOTED_RUN:
            yield of[0], round(min(1.0, share), 3)
