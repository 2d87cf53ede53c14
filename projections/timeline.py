"""Every item in its latest words, by time, person, conversation, source and type.

Its labels are those of its source, those that its words have (`projections.labels`), and
above both what the owner said. What is kept by a rule of retention goes by what was said
alone: no guess erases anything.

What many items share is kept once: a type with its labels, and a circle, which is a source, a
conversation and the people in it. Whatever a statement can be about is found through these two.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import chain, groupby, islice

from msgspec import structs

from projections import attached, chronicle
from projections.attached import Attached, Blind
from projections.chronicle import Chronicle
from projections.circles import TABLES, Circles, facts, is_sensitive, micros, within
from projections.permissions import Standstill
from projections.quotes import Mention, Quotes
from projections.threads import unit_of
from projections.view import (
    Databases,
    Value,
    View,
    batches,
    decode_item,
    decode_labels,
    encode,
    marks,
)
from vault.consent import Filters, Pause, Statement, Subject, is_paused, normal
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

__all__ = ["Stored", "Timeline"]


@dataclass(frozen=True, slots=True)
class Stored:
    """An item as it stands now: `id` is that of the entry that first held it."""

    id: str
    position: int
    item: Item


_COLUMNS = "i.id, i.position, i.body, t.labels, c.text"
_FROM = "items i JOIN types t ON t.no = i.type LEFT JOIN corrections c ON c.item = i.id"
_ORDER = "ORDER BY i.at IS NULL, i.at, i.position"
_BATCH = 500
_NONE: frozenset[str] = frozenset()


class Timeline(View):
    """The follower that keeps items."""

    name = "timeline"
    version = "7"
    tables = f"""
        {TABLES}
        {attached.TABLES}
        CREATE TABLE items (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, position INTEGER NOT
            NULL, at INTEGER, type INTEGER NOT NULL, circle INTEGER NOT NULL, unit TEXT NOT NULL,
            collected INTEGER NOT NULL, dated INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE INDEX items_by_unit ON items (unit);
        CREATE INDEX items_by_age ON items (type, dated);
        {chronicle.TABLES}
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
        blind: Blind = list,
    ) -> None:
        super().__init__(databases)
        self._describe = describe
        self._labels = labels
        self._mentions = mentions
        self.circles = Circles(self._db, describe)
        self.attached = Attached(self._db, blind)
        self.chronicle = Chronicle(self._db, self.circles, lambda: self._reached)

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
        for batch in batches(list(ids)):
            yield from self._labelled(self._read(f"i.id IN ({marks(len(batch))})", batch))

    def stated(self, ids: Iterable[str]) -> Iterator[Stored]:
        """Yield the items among some ids with the labels that source and owner state, and no more."""
        for batch in batches(list(ids)):
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
        return sum(one.items for one in self.chronicle.counted())

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of items by source and type."""
        found: dict[tuple[str, str], int] = {}
        for one in self.chronicle.counted():
            found[one.source, one.type] = found.get((one.source, one.type), 0) + one.items
        return found

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

    def covered_ids(self, statement: Statement) -> Iterator[str]:
        """Yield the ids of the items that a statement is about, without reading them if possible."""
        if self._must_read(statement):
            yield from (stored.id for stored in self.covered(statement))
            return
        where, values = self.circles.about(statement.type, statement.filters)
        for (id_,) in self._db.execute(f"SELECT i.id FROM items i WHERE {where}", values):  # noqa: S608
            yield id_

    def units_covered(self, statement: Statement) -> set[str]:
        """Return the units that hold an item which a statement is about, or may be about."""
        if is_sensitive(statement.type):
            return {unit_of(stored.id, stored.item) for stored in self.covered(statement)}
        filters = statement.filters
        if self._must_read(statement):
            filters = replace(filters, person="")
        where, values = self.circles.about(statement.type, filters)
        rows = self._db.execute(f"SELECT DISTINCT i.unit FROM items i WHERE {where}", values)  # noqa: S608
        return {unit for (unit,) in rows}

    def _must_read(self, statement: Statement) -> bool:
        """Whether only the words of an item tell if a statement is about it."""
        by_mention = isinstance(statement, Standstill) and statement.filters.person
        return bool(by_mention) or is_sensitive(statement.type)

    def since(self, position: int) -> list[str]:
        """Return the ids of the items that were first held behind a position."""
        rows = self._rows("SELECT id FROM items WHERE position > ?", (position,))
        return [str(id_) for (id_,) in rows]

    def units(self) -> Iterator[tuple[str, str]]:
        """Yield every item's id with the unit that it is in."""
        yield from self._db.execute("SELECT id, unit FROM items")

    def in_units(self, names: Sequence[str]) -> dict[str, list[Stored]]:
        """Return the items of some units, of each in order of time."""
        held = f"i.unit IN ({marks(len(names))})"
        unit = dict(self._db.execute(f"SELECT i.id, i.unit FROM items i WHERE {held}", names))  # noqa: S608
        found: dict[str, list[Stored]] = {name: [] for name in names}
        for stored in self._labelled(self._read(held, names)):
            found[unit[stored.id]].append(stored)
        return found

    def entries(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return every log entry that holds words of these items: what erasing must destroy."""
        found: dict[str, None] = {}
        for one in ids:
            found[one] = None
            found.update(dict.fromkeys(self._revising(one)))
        return tuple(found)

    def items_of(self, entries: Sequence[str]) -> dict[str, str]:
        """Return the item of each of some entries that hold words of one."""
        found = {one: one for one in self._among("items", "id", entries)}
        for batch in batches(entries):
            sql = f"SELECT entry, item FROM entries WHERE entry IN ({marks(len(batch))})"  # noqa: S608
            found |= {str(entry): str(item) for entry, item in self._rows(sql, batch)}
        return found

    def heard_of(self, ids: Sequence[str]) -> set[str]:
        """Return which of some items are here or were erased; of the rest nothing is known here."""
        return self._among("items", "id", ids) | self._among("gone", "item", ids)

    @property
    def restated(self) -> bytes:
        """What changes whenever an item, but for its words, or who carries a file does."""
        return _bytes(self._get("restated"))

    @property
    def reworded(self) -> bytes:
        """What changes whenever words of an item do."""
        return _bytes(self._get("reworded"))

    def holding(self, ids: Iterable[str]) -> int:
        """Return how many of some items are here."""
        return len(self._among("items", "id", list(ids)))

    def were_erased(self, ids: Iterable[str]) -> bool:
        """Whether each of some items was erased."""
        return all(self._one("SELECT 1 FROM gone WHERE item = ?", (one,)) for one in ids)

    def owed(self) -> tuple[str, ...]:
        """Return the log entries that hold words or files of an erased item and are still there.

        Another device wrote them, before it learned of the erasure.
        """
        words = (str(entry) for (entry,) in self._rows("SELECT entry FROM owed"))
        return (*words, *self.attached.orphans())

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
            if not pause.source and not pause.person and not is_sensitive(pause.type)
        ]
        found: list[tuple[Value, ...]] = []
        for number, type_, encoded in self._rows("SELECT * FROM types") if rules else ():
            assert isinstance(encoded, bytes)
            labels = decode_labels(encoded)
            days = days_kept(rules, (str(type_), *labels))
            kind = Subject(type=str(type_), labels=labels)
            if days is None or any(is_paused(pause, kind) for pause in whole):
                continue
            found += self._rows(
                "SELECT dated, id FROM items WHERE type = ? AND dated < ?",
                (number, micros(now - timedelta(days=days))),
            )
        ids = [str(id_) for _, id_ in sorted(found, key=encode)]
        if len(whole) == len(pauses):
            return tuple(ids)
        described = {stored.id: self._describe(stored.item) for stored in self.load(ids)}
        return tuple(
            one for one in ids if not any(is_paused(pause, described[one]) for pause in pauses)
        )

    def everything(self) -> Iterator[Stored]:
        """Yield all items in order of time."""
        yield from self._labelled(self._in_order("1", []))

    def mentions(self, ids: Sequence[str]) -> tuple[Mention, ...]:
        """Return the other items that quote or nearly repeat some items.

        Of an item that was corrected both the words that were collected and those that replace
        them count.
        """
        chosen = set(ids)
        versions = chain(self.load(ids), self._replaced())
        quotes = Quotes((one.id, one.item) for one in versions if one.id in chosen)
        best: dict[tuple[str, str], float] = {}
        for stored in chain(self.everything(), self._replaced()) if quotes else ():
            if stored.id not in chosen:
                for of, share in quotes.by(stored.item):
                    best[stored.id, of] = max(share, best.get((stored.id, of), 0.0))
        found = [Mention(id_, of, share) for (id_, of), share in best.items()]
        return tuple(sorted(found, key=lambda m: (-m.share, m.id, m.of)))

    def _replaced(self) -> Iterator[Stored]:
        """Yield the corrected items, in the words that were collected."""
        corrected = "i.id IN (SELECT item FROM corrections)"
        for stored in self._labelled(self._in_order(corrected, [])):
            [(body,)] = self._rows("SELECT body FROM items WHERE id = ?", (stored.id,))
            assert isinstance(body, bytes)
            yield replace(stored, item=decode_item(body))

    def _matching(
        self, type_: str, filters: Filters, *, mentions: bool = False
    ) -> Iterator[Stored]:
        read = mentions and bool(filters.person)
        where, values = self.circles.about(type_, replace(filters, person="") if read else filters)
        person = normal(filters.person)
        for stored in self._labelled(self._in_order(where, values)):
            item = stored.item
            if is_sensitive(type_) and not any(within(n, type_) for n in (item.type, *item.labels)):
                continue
            if read and not self._concerns(item, person):
                continue
            yield stored

    def _concerns(self, item: Item, person: str) -> bool:
        return person in self._describe(item).people or self._mentions(item, person)

    def _labelled(self, read: Iterable[Stored]) -> Iterator[Stored]:
        """Add the labels that words have, some items at a time."""
        read = iter(read)
        while batch := list(islice(read, _BATCH)):
            computed = self._labels(batch)
            denied = self._denied(computed)
            for stored in batch:
                found = computed.get(stored.id, _NONE)
                if found and (found := found - denied.get(stored.id, _NONE)):
                    labels = tuple(sorted(found.union(stored.item.labels)))
                    yield replace(stored, item=structs.replace(stored.item, labels=labels))
                else:
                    yield stored

    def _denied(self, ids: Iterable[str]) -> dict[str, frozenset[str]]:
        """Return which labels the owner took from which of some items."""
        denied: dict[str, frozenset[str]] = {}
        for item in self._among("relabelled", "item", list(ids)):
            rows = self._rows("SELECT label FROM relabelled WHERE item = ? AND NOT holds", (item,))
            denied[item] = frozenset(str(label) for (label,) in rows)
        return denied

    def _in_order(self, where: str, values: Sequence[Value]) -> Iterator[Stored]:
        """Yield items in order of time; only their numbers are in memory together."""
        rows = self._db.execute(f"SELECT i.no FROM items i WHERE {where} {_ORDER}", values)  # noqa: S608
        for batch in batches(array("q", (number for (number,) in rows))):
            yield from self._read(f"i.no IN ({marks(len(batch))})", list(batch))

    def _read(self, where: str, values: Sequence[Value]) -> Iterator[Stored]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM {_FROM} WHERE {where} {_ORDER}", values)  # noqa: S608
        for id_, position, body, labels, text in list(rows):
            item = decode_item(body)
            if text is not None:
                item = structs.replace(item, text=text, text_new=None)
            told = decode_labels(labels) if labels != _NO_LABELS else ()
            if told != item.labels:
                item = structs.replace(item, labels=told)
            yield Stored(id_, position, item)

    # ------------------------------------------------------------------ following

    def _take(self, page: Page) -> None:
        self.circles.continue_at(self._reached)
        for new, entries in groupby(page.entries, lambda e: isinstance(e.event, ItemCollected)):
            if new:
                self._collect(list(entries))
            else:
                for entry in entries:
                    self._hear(entry)
        self.circles.reached = self._order, page.position

    def _hear(self, entry: Entry) -> None:
        match entry.event:
            case ItemRevised(item_id=item_id, item=item):
                self._revise(entry, self.root(item_id), item)
            case CorrectionMade(item_id=item_id, text=text):
                self._correct(entry.id, self.root(item_id), text)
            case LabelCorrected(item_id=item_id, label=label, holds=holds):
                self._relabel(entry.id, self.root(item_id), label, holds=holds)
            case ItemErased(item_ids=ids):
                self._erase(ids)
            case None if entry.tag and not entry.withheld:
                self._hold(entry)
            case _:
                pass

    def _hold(self, entry: Entry) -> None:
        if entry.erased or self._one("SELECT 1 FROM gone WHERE item = ?", (entry.id,)):
            self.attached.gone(entry.tag)
        else:
            self.attached.hold(entry.id, entry.tag)

    def root(self, entry_id: str) -> str:
        """Return the id of the item that an entry belongs to; the entry that first held it names it."""
        return str(self._one("SELECT item FROM entries WHERE entry = ?", (entry_id,)) or entry_id)

    def _belongs(self, entry: str, root: str) -> bool:
        """Note that an entry holds words of an item; False where the item was erased before."""
        if self._one("SELECT 1 FROM gone WHERE item = ?", (entry,)):
            return False
        if self._one("SELECT 1 FROM gone WHERE item = ?", (root,)):
            self._db.execute("INSERT OR IGNORE INTO owed VALUES (?)", (entry,))
            return False
        if entry != root:
            self._db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?)", (entry, root))
        return True

    def _revising(self, root: str) -> list[str]:
        """Return the entries behind the first that hold words of an item."""
        rows = self._rows("SELECT entry FROM entries WHERE item = ? ORDER BY entry", (root,))
        return [str(entry) for (entry,) in rows]

    def _collect(self, entries: Sequence[Entry]) -> None:
        """Keep items that are new; one that was erased stays away."""
        ids = [entry.id for entry in entries]
        refused = self._among("gone", "item", ids)
        told = self._among("relabelled", "item", ids)
        new = [
            (entry, entry.event.item)
            for entry in entries
            if isinstance(entry.event, ItemCollected) and entry.id not in refused
        ]
        rows = [self._row(entry, entry.id, item, told=entry.id in told) for entry, item in new]
        self._db.executemany(_KEEP, rows)
        files = [(entry.id, item.attachments) for entry, item in new if item.attachments]
        if files and self.attached.carry(files):
            self._note("restated", files[0][0])

    def _revise(self, entry: Entry, root: str, item: Item) -> None:
        if not self._belongs(entry.id, root):
            return
        before = self._rows("SELECT type, circle, body FROM items WHERE id = ?", (root,))
        self._db.execute(_KEEP, self._row(entry, root, item, told=True))
        self.circles.sweep(row[:2] for row in before)
        carried = self.attached.carry([(root, item.attachments)])
        if carried or [facts(decode_item(_bytes(body))) for *_, body in before] != [facts(item)]:
            self._note("restated", entry.id)
        self._note("reworded", entry.id)

    def _note(self, what: str, entry: str) -> None:
        """Let `restated` or `reworded` change, because of an entry."""
        self._set(what, sha256(_bytes(self._get(what)) + entry.encode()).digest())

    def _row(self, entry: Entry, root: str, item: Item, *, told: bool) -> tuple[Value, ...]:
        at, collected = None if item.at is None else micros(item.at), entry.time // 1000
        labels = self._told(root, item.labels) if told else item.labels
        return (
            root,
            entry.position,
            at,
            self.circles.type(item.type, labels),
            self.circles.of(item),
            unit_of(root, item),
            collected,
            collected if at is None else at,
            encode(item),
        )

    def _correct(self, entry: str, root: str, text: str) -> None:
        # The item may be missing though nobody erased it yet, in a log that is read again:
        # then the erasure follows, and must find this entry.
        if self._belongs(entry, root) and self._one("SELECT 1 FROM items WHERE id = ?", (root,)):
            self._db.execute("INSERT OR REPLACE INTO corrections VALUES (?, ?)", (root, text))
            self._note("reworded", entry)

    def _relabel(self, entry: str, root: str, label: str, *, holds: bool) -> None:
        row = self._db.execute(
            "SELECT type, circle, body FROM items WHERE id = ?", (root,)
        ).fetchone()
        if self._belongs(entry, root) and row:
            self._db.execute(
                "INSERT OR REPLACE INTO relabelled VALUES (?, ?, ?)", (root, label, holds)
            )
            item = decode_item(row[2])
            type_ = self.circles.type(item.type, self._told(root, item.labels))
            self._db.execute("UPDATE items SET type = ? WHERE id = ?", (type_, root))
            self.circles.sweep([row[:2]])
            self._note("restated", entry)

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
        left: list[tuple[Value, ...]] = []
        for root in sorted(roots):
            held = [(one,) for one in self._revising(root)]
            if row := self._rows("SELECT type, circle FROM items WHERE id = ?", (root,)):
                left += row
                held.append((root,))
            self._db.execute("DELETE FROM items WHERE id = ?", (root,))
            self._db.execute("DELETE FROM corrections WHERE item = ?", (root,))
            self._db.execute("DELETE FROM relabelled WHERE item = ?", (root,))
            self._db.executemany("INSERT OR IGNORE INTO owed VALUES (?)", held)
            self._db.execute("DELETE FROM entries WHERE item = ?", (root,))
            self._db.execute("INSERT OR IGNORE INTO gone VALUES (?)", (root,))
            if self.attached.drop(root, [root]):
                self._note("restated", root)
        self.circles.sweep(left)
        self._db.executemany("DELETE FROM owed WHERE entry = ?", [(one,) for one in ids])

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for row in self._db.execute(
            "SELECT i.id, i.position, i.at, i.unit, t.type, t.labels, c.source, c.conversation, i.body"
            " FROM items i JOIN types t ON t.no = i.type JOIN circles c ON c.no = i.circle"
        ):
            yield ("item", *row)
        for row in self._rows("SELECT type, labels FROM types"):
            yield ("type", *row)
        for row in self._rows(
            "SELECT c.source, c.conversation, a.id, a.name, count(*) FROM circles c"
            " LEFT JOIN taking_part p ON p.circle = c.no LEFT JOIN agents a ON a.no = p.agent"
            " GROUP BY 1, 2, 3, 4"
        ):
            yield ("circle", *row)
        for row in self._rows("SELECT id, name FROM agents"):
            yield ("agent", *row)
        for row in self._rows("SELECT item, text FROM corrections"):
            yield ("correction", *row)
        for row in self._rows("SELECT item, label, holds FROM relabelled"):
            yield ("relabelled", *row)
        for row in self._rows("SELECT entry FROM owed"):
            yield ("owed", *row)
        yield from self.attached.canonical()


_KEEP = (
    "INSERT INTO items (id, position, at, type, circle, unit, collected, dated, body)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
    " SET at = excluded.at, type = excluded.type, circle = excluded.circle, unit = excluded.unit,"
    " body = excluded.body, dated = coalesce(excluded.at, items.collected)"
)
_NO_LABELS = encode(())


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b""
