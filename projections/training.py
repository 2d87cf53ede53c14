"""The training view: consented, redacted examples, and nothing that consent does not cover.

A page marks what it touches and deletes at once the rows that are no longer permitted, in
its own transaction. `settle` then recomputes what was touched; it is a function of the
other views, the roster and the time alone. Whoever takes rows is asked about again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from projections.labels import Labels
from projections.pairs import PAIRS, Pair, pairs_of
from projections.people import People
from projections.permissions import Judge, Permissions, said_of, strictest
from projections.redaction import REDACTOR, Names, Redactor
from projections.rows import Row, Split
from projections.threads import Allowed, cut, unit_of
from projections.timeline import Timeline
from projections.view import Databases, Value, View, encode, marks
from vault import points
from vault.consent import Profile, Purpose, Statement
from vault.events import (
    CorrectionMade,
    ItemCollected,
    ItemErased,
    ItemRevised,
    LabelCorrected,
)
from vault.follow import Entry, Page

__all__ = ["Named", "Sample", "Stats", "Training"]


class Named(Protocol):
    """What consent needs to know of a row: the items it came from, and under which statements."""

    @property
    def id(self) -> str:
        """The id of the row."""

    @property
    def events(self) -> tuple[str, ...]:
        """The ids of its items."""

    @property
    def statements(self) -> tuple[str, ...]:
        """The ids of the statements that permitted them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What the view holds: rows by split, by type of what is learned, by statement.

    `masked` counts what was replaced in the learned words, by kind; `refused` the examples
    that the last look of redaction did not let by, `duplicates` those whose words another
    example already teaches; `profile` is the least strict that any row was redacted under.
    """

    rows: int
    by_split: dict[str, int]
    by_type: dict[str, int]
    by_statement: dict[str, int]
    masked: dict[str, int]
    profile: Profile | None
    refused: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One example beside the words it was made from."""

    row: Row
    before: str
    after: str


_row = msgspec.msgpack.Decoder(Row)
_counts = msgspec.msgpack.Decoder(dict[str, int])
_UNITS = 100
_MANY = 500
_LEARNED_ONCE = (
    " NOT EXISTS (SELECT 1 FROM rows o WHERE o.completion = r.completion"
    " AND (o.learned, o.id) < (r.learned, r.id))"
)


class Training(View):
    """The follower that keeps training rows; it comes last, behind the views it reads."""

    name = "training"
    version = "1"
    tables = """
        CREATE TABLE rows (id TEXT PRIMARY KEY, unit TEXT NOT NULL, split TEXT NOT NULL, type
            TEXT NOT NULL, learned TEXT NOT NULL, completion BLOB NOT NULL, profile TEXT NOT
            NULL, masked BLOB NOT NULL, body BLOB NOT NULL) WITHOUT ROWID;
        CREATE INDEX rows_by_unit ON rows (unit);
        CREATE INDEX rows_by_completion ON rows (completion, learned, id);
        CREATE TABLE row_events (event TEXT, row TEXT, PRIMARY KEY (event, row)) WITHOUT ROWID;
        CREATE INDEX row_events_by_row ON row_events (row);
        CREATE TABLE members (item TEXT PRIMARY KEY, unit TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE touched (unit TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE refused (unit TEXT PRIMARY KEY, rows INTEGER NOT NULL) WITHOUT ROWID;
    """

    def __init__(
        self,
        databases: Databases,
        people: People,
        permissions: Permissions,
        timeline: Timeline,
        labels: Labels,
        *,
        names: Names,
        key: bytes,
    ) -> None:
        self._people = people
        self._permissions = permissions
        self._timeline = timeline
        self._labels = labels
        self._names = names
        self._key = key
        self._redactor: tuple[bytes, Redactor] | None = None
        super().__init__(
            databases, version=f"{REDACTOR}/{names.version}/{PAIRS}/{labels.made_with}"
        )

    # ------------------------------------------------------------------ reading

    def rows(self, split: Split | None = None, *, now: datetime) -> Iterator[Row]:
        """Yield what may be learned from at this moment, in order of id.

        Consent is asked again for every item of every row.

        Args:
            split: One side only.
            now: The time; the newest entry counts where it is later.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self.settle(now)
        last = ""
        while True:
            page = [
                _row.decode(_bytes(body))
                for (body,) in self._rows(
                    f"SELECT r.body FROM rows r WHERE r.id > ? AND (?2 = '' OR r.split = ?2) AND"  # noqa: S608
                    f"{_LEARNED_ONCE} ORDER BY r.id LIMIT {_MANY}",
                    (last, split or ""),
                )
            ]
            if not page:
                return
            permitted = self.still_permitted(page, now)
            yield from (row for row in page if row.id in permitted)
            last = page[-1].id

    def still_permitted(self, rows: Iterable[Named], now: datetime) -> set[str]:
        """Return the ids of the rows of which every item is permitted now, as redacted as then.

        A row that was redacted less than a statement now asks for is not permitted.
        """
        rows = list(rows)
        asked = self._profiles({event for row in rows for event in row.events}, now)
        return {row.id for row in rows if self._stands(row, asked)}

    def _stands(self, row: Named, asked: dict[str, Profile]) -> bool:
        if not all(event in asked for event in row.events):
            return False
        had = self._permissions.profile_of(row.statements)
        return had is not None and _no_stricter(strictest(asked[e] for e in row.events), had)

    def _profiles(self, ids: Iterable[str], now: datetime) -> dict[str, Profile]:
        """Return the redaction asked for each item that is permitted."""
        judge = self._permissions.judge(Purpose.TRAIN, now)
        profiles: dict[str, Profile] = {}
        for stored in self._timeline.load(sorted(ids)):
            decision = judge(self._people.subject(stored.item))
            if decision.permitted:
                profiles[stored.id] = decision.redact
        return profiles

    def stats(self, now: datetime) -> Stats:
        """Count what the view holds."""
        self.settle(now)
        by_split, by_type = Counter[str](), Counter[str]()
        by_statement, masked = Counter[str](), Counter[str]()
        kept = self._rows(f"SELECT r.type, r.masked, r.body FROM rows r WHERE{_LEARNED_ONCE}")  # noqa: S608
        for type_, counts, body in kept:
            row = _row.decode(_bytes(body))
            by_split[row.split] += 1
            by_type[str(type_)] += 1
            by_statement.update(row.statements)
            masked.update(_counts.decode(_bytes(counts)))
        everything = int(self._one("SELECT count(*) FROM rows") or 0)
        used = {str(profile) for (profile,) in self._rows("SELECT DISTINCT profile FROM rows")}
        return Stats(
            rows=len(kept),
            by_split=dict(by_split),
            by_type=dict(sorted(by_type.items())),
            by_statement=dict(sorted(by_statement.items())),
            masked=dict(sorted(masked.items())),
            profile=next((one for one in reversed(Profile) if one.value in used), None),
            refused=int(self._one("SELECT sum(rows) FROM refused") or 0),
            duplicates=everything - len(kept),
        )

    def preview(self, count: int, now: datetime) -> list[Sample]:
        """Return some examples, those with most masked first, beside their own words."""
        self.settle(now)
        rows = self._rows(
            f"SELECT r.body FROM rows r WHERE{_LEARNED_ONCE} ORDER BY length(r.masked) DESC, r.id LIMIT ?",  # noqa: S608
            (count,),
        )
        return [self._sample(_row.decode(_bytes(body))) for (body,) in rows]

    def _sample(self, row: Row) -> Sample:
        after = row.messages[-1].content
        stored = sorted(self._timeline.load(row.events), key=lambda s: row.events.index(s.id))
        # What is learned are the last items of the row, as many as its words need.
        own = [s.item.own_text.strip() for s in stored if s.item.sent]
        before: list[str] = []
        missing = after.count("\n") + 1
        while own and missing > 0:
            before.insert(0, own.pop())
            missing -= before[0].count("\n") + 1
        return Sample(row=row, before="\n".join(before), after=after)

    def going(self, statement: Statement, now: datetime) -> int:
        """Return how many rows would go if a prohibition were said now."""
        if statement.purpose is not Purpose.TRAIN:
            return 0
        self.settle(now)
        return self.holding(stored.id for stored in self._timeline.covered(statement))

    def holding(self, item_ids: Iterable[str]) -> int:
        """Return how many rows hold one of some items."""
        return len(self._rows_with(set(item_ids)))

    def units(self, item_ids: Iterable[str]) -> frozenset[str]:
        """Return the units that some items are in: what is made anew when they go."""
        return frozenset(map(self._member, item_ids)) - {""}

    def rows_in(self, units: Iterable[str]) -> int:
        """Return how many rows some units hold."""
        counts = (self._one("SELECT count(*) FROM rows WHERE unit = ?", (u,)) for u in units)
        return sum(int(count or 0) for count in counts)

    # ------------------------------------------------------------------ following

    def _take(self, page: Page) -> None:
        for entry in page.entries:
            self._touch(entry)
        spoken = [s for entry in page.entries if (s := said_of(entry.event, Purpose.TRAIN))]
        if spoken:
            now = max(entry.at for entry in page.entries)
            self._reconsider(spoken, self._permissions.moment(now))

    def _touch(self, entry: Entry) -> None:
        match entry.event:
            case ItemCollected(item=item):
                self._touch_units([self._member(entry.id), unit_of(entry.id, item)])
                self._join(entry.id, unit_of(entry.id, item))
            case ItemRevised(item_id=item_id, item=item):
                root = self._timeline.root(item_id)
                self._touch_units([self._member(root), unit_of(root, item)])
                self._join(root, unit_of(root, item))
            case CorrectionMade(item_id=item_id):
                self._touch_units([self._member(self._timeline.root(item_id))])
            case LabelCorrected(item_id=item_id):
                root = self._timeline.root(item_id)
                self._touch_units([self._member(root)])
                self._delete(self._rows_with({root}))
            case ItemErased(item_ids=ids):
                self._touch_units([self._member(one) for one in ids])
                self._delete(self._rows_with(set(ids)))
                self._db.executemany("DELETE FROM members WHERE item = ?", [(one,) for one in ids])
            case _:
                pass

    def _member(self, item: str) -> str:
        return str(self._one("SELECT unit FROM members WHERE item = ?", (item,)) or "")

    def _join(self, item: str, unit: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO members VALUES (?, ?)", (item, unit))

    def _touch_units(self, units: Iterable[str]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO touched VALUES (?)", [(unit,) for unit in units if unit]
        )

    def _reconsider(self, statements: Iterable[Statement], now: datetime) -> None:
        """Delete rows that some statements forbid, and touch all that they are about."""
        doubtful: set[str] = set()
        for statement in statements:
            if statement.purpose is Purpose.TRAIN:
                self._touch_units(self._timeline.units_covered(statement))
                doubtful |= self._in_rows(s.id for s in self._timeline.covered(statement))
        if doubtful:
            self._delete(self._rows_with(doubtful - self._profiles(doubtful, now).keys()))

    def _in_rows(self, ids: Iterable[str]) -> set[str]:
        wanted = list(ids)
        found: set[str] = set()
        for start in range(0, len(wanted), _MANY):
            batch = wanted[start : start + _MANY]
            sql = f"SELECT DISTINCT event FROM row_events WHERE event IN ({marks(len(batch))})"  # noqa: S608
            found.update(str(event) for (event,) in self._rows(sql, batch))
        return found

    def _rows_with(self, events: set[str]) -> set[str]:
        wanted = sorted(events)
        found: set[str] = set()
        for start in range(0, len(wanted), _MANY):
            batch = wanted[start : start + _MANY]
            sql = f"SELECT DISTINCT row FROM row_events WHERE event IN ({marks(len(batch))})"  # noqa: S608
            found.update(str(row) for (row,) in self._rows(sql, batch))
        return found

    def _delete(self, rows: Iterable[str]) -> None:
        keys = [(row,) for row in sorted(rows)]
        self._db.executemany("DELETE FROM rows WHERE id = ?", keys)
        self._db.executemany("DELETE FROM row_events WHERE row = ?", keys)

    # ------------------------------------------------------------------ settling

    def settle(self, now: datetime) -> None:
        """Recompute what pages, the roster or time have touched.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self._need(self._people, self._permissions, self._timeline, self._labels)
        now = self._advance(now)
        judge = self._permissions.judge(Purpose.TRAIN, now)
        while self._settle_some(judge):
            pass

    def _advance(self, now: datetime) -> datetime:
        """Move the view's own time on, never back, and touch what that changes."""
        now = self._permissions.moment(now)
        asked = self._asked
        roster = self._people.digest
        self._relearn()
        if asked is not None and asked >= now and self._get("roster") == roster:
            return asked
        with self._writing():
            if asked is None or asked < now:
                if asked is not None:
                    self._reconsider(self._permissions.expired(asked, now), now)
                self._set("asked", round(now.timestamp() * 1e6))
            if self._get("roster") != roster:
                self._db.execute("INSERT OR IGNORE INTO touched SELECT DISTINCT unit FROM members")
                self._set("roster", roster)
        return now if asked is None else max(now, asked)

    def _relearn(self) -> None:
        """Touch the items whose labels may be others since the owner corrected similar ones."""
        lessons = self._labels.lessons
        if self._get("lessons") == lessons:
            return
        with self._writing():
            if self._get("lessons") is not None or lessons:
                self._touch_units(map(self._member, self._labels.swayable()))
            self._set("lessons", lessons)

    @property
    def _asked(self) -> datetime | None:
        micros = self._get("asked")
        return None if micros is None else datetime.fromtimestamp(int(micros) / 1e6, UTC)

    def _settle_some(self, judge: Judge) -> bool:
        if not self._one("SELECT 1 FROM touched"):
            return False
        redactor = self.redactor
        with self._writing():
            units = [str(u) for (u,) in self._rows("SELECT unit FROM touched LIMIT ?", (_UNITS,))]
            for unit in units:
                self._renew(unit, judge, redactor)
            self._db.executemany("DELETE FROM touched WHERE unit = ?", [(u,) for u in units])
            points.reached("view.training.settled")
        return True

    @property
    def redactor(self) -> Redactor:
        """What rows are redacted with, as people are known now."""
        table = self._people.table()
        if self._redactor is None or self._redactor[0] != table.digest:
            self._redactor = table.digest, Redactor.of_view(table, self._names, self._key)
        return self._redactor[1]

    def _renew(self, unit: str, judge: Judge, redactor: Redactor) -> None:
        allowed: list[Allowed] = []
        for stored in self._timeline.unit(unit):
            decision = judge(self._people.subject(stored.item))
            if decision.permitted:
                allowed.append(Allowed(stored.id, stored.item, decision))
        types = {one.id: one.item.type for one in allowed}
        pairs = [
            pair for thread in cut(unit, allowed) for pair in pairs_of(thread, redactor, self._key)
        ]
        self._delete(
            str(row) for (row,) in self._rows("SELECT id FROM rows WHERE unit = ?", (unit,))
        )
        clean = {pair.row.id: pair for pair in pairs if pair.clean}
        self._insert(unit, clean.values(), types)
        self._db.execute("DELETE FROM refused WHERE unit = ?", (unit,))
        refused = sum(not pair.clean for pair in pairs)
        if refused:
            self._db.execute("INSERT INTO refused VALUES (?, ?)", (unit, refused))

    def _insert(self, unit: str, pairs: Iterable[Pair], types: dict[str, str]) -> None:
        pairs = list(pairs)
        self._db.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    pair.row.id,
                    unit,
                    pair.row.split,
                    types[pair.learned],
                    pair.learned,
                    pair.completion,
                    pair.profile.value,
                    encode(dict(pair.masked)),
                    encode(pair.row),
                )
                for pair in pairs
            ],
        )
        self._db.executemany(
            "INSERT INTO row_events VALUES (?, ?)",
            [(event, pair.row.id) for pair in pairs for event in pair.row.events],
        )

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for table in ("rows", "row_events", "members", "touched", "refused"):
            for row in self._rows(f"SELECT * FROM {table}"):  # noqa: S608 - fixed names
                yield (table, *row)


def _no_stricter(asked: Profile, had: Profile) -> bool:
    """Whether redacting under one profile satisfies another."""
    return strictest((asked, had)) is had


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value
