"""The examples of a view: made, kept in step with the log, and taken away again.

A page marks what it touches and deletes at once the rows that are no longer permitted, in
its own transaction. `settle` then makes anew what was touched; what it makes is a function
of the other views, the roster and the time alone.
"""

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from projections import alike
from projections.definitions import EVERYTHING, holds, says
from projections.drafts import QuestionWriter
from projections.labels import Labels
from projections.pairs import PAIRS, Maker, Pair
from projections.people import People
from projections.permissions import Judge, Permissions, said_of
from projections.redaction import REDACTOR
from projections.redaction.names import Names
from projections.reviews import Reviews
from projections.threads import Allowed, Thread, cut, unit_of
from projections.timeline import Stored, Timeline
from projections.view import Databases, Value, View, encode, marks
from vault import points
from vault.consent import Decision, Profile, Purpose, Statement
from vault.events import (
    CorrectionMade,
    ItemCollected,
    ItemErased,
    ItemRevised,
    LabelCorrected,
    PairReviewed,
    ViewDefined,
)
from vault.follow import Entry, Page

if TYPE_CHECKING:
    from projections.redaction.pipeline import Redactor

__all__ = ["Decide", "Examples"]

Decide = Callable[[Stored], Decision]
"""Decides of an item whether it may be used."""

_UNITS = 100
_MANY = 500


class Examples(View):
    """The follower that keeps training rows; it comes last, behind the views it reads."""

    name = "training"
    version = "2"
    tables = (
        """
        CREATE TABLE rows (id TEXT PRIMARY KEY, unit TEXT NOT NULL, split TEXT NOT NULL, type
            TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL, style TEXT NOT NULL, at
            INTEGER, pair TEXT NOT NULL, learned TEXT NOT NULL, completion BLOB NOT NULL,
            skeleton BLOB NOT NULL, signature BLOB NOT NULL, approved INTEGER NOT NULL, profile
            TEXT NOT NULL, masked INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE INDEX rows_by_unit ON rows (unit);
        CREATE INDEX rows_by_pair ON rows (pair);
        CREATE INDEX rows_by_completion ON rows (completion, learned, id);
        CREATE INDEX rows_by_skeleton ON rows (skeleton, learned, id) WHERE skeleton != x'';
        CREATE TABLE row_events (event TEXT, row TEXT, PRIMARY KEY (event, row)) WITHOUT ROWID;
        CREATE INDEX row_events_by_row ON row_events (row);
        CREATE TABLE left_out (unit TEXT, pair TEXT, item TEXT, reason TEXT NOT NULL, PRIMARY KEY
            (unit, pair, item)) WITHOUT ROWID;
        CREATE INDEX left_out_by_item ON left_out (item);
        CREATE TABLE members (item TEXT PRIMARY KEY, unit TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE touched (unit TEXT PRIMARY KEY) WITHOUT ROWID;
        """
        + alike.TABLES
    )

    def __init__(
        self,
        databases: Databases,
        *,
        people: People,
        permissions: Permissions,
        timeline: Timeline,
        labels: Labels,
        reviews: Reviews,
        names: Names,
        key: bytes,
        definition: ViewDefined = EVERYTHING,
        questions: QuestionWriter | None = None,
    ) -> None:
        """Open it.

        Args:
            databases: Where it is kept.
            people: Who is who.
            permissions: What the owner said.
            timeline: The items.
            labels: What they are about.
            reviews: What the owner said of examples.
            names: What guesses names of strangers.
            key: The key of all training views of a vault.
            definition: What the view holds.
            questions: Writes questions on passages, where there is something that can.
        """
        self._people = people
        self._permissions = permissions
        self._timeline = timeline
        self._labels = labels
        self._reviews = reviews
        self._names = names
        self._definition = definition
        self._questions = questions
        self._split_key = key
        # Surrogates of one view say nothing of another's.
        self._key = hmac.digest(key, definition.name.encode(), "sha256") if definition.name else key
        self._redactor: tuple[bytes, Redactor] | None = None
        if definition.name:
            self.name = self.file(definition.name).removesuffix(".db")
        made_with = (
            REDACTOR,
            names.version,
            PAIRS,
            labels.made_with,
            questions.version if questions else "",
            encode(definition).hex(),
        )
        reads = (people, permissions, timeline, labels, reviews)
        super().__init__(databases, version="/".join(made_with), reads=reads)

    @staticmethod
    def file(name: str) -> str:
        """Return the store of a view that the owner defined; without a name, how all begin."""
        return f"training-{name}.db" if name else "training-"

    # ------------------------------------------------------------------ following

    def begin(self, order: str) -> None:
        """Follow the log in this order; a view at its beginning starts where the timeline is.

        What was there before is known from the timeline, so the log is not read again.
        """
        super().begin(order)
        if self.position or self._timeline.order != order:
            return
        with self._writing():
            self._db.executemany("INSERT INTO members VALUES (?, ?)", self._timeline.units())
            self._touch_all()
            self._set("position", self._timeline.position)
            points.reached(f"view.{self.name}.adopted")

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
            case PairReviewed(pair=pair, item_ids=ids):
                self._touch_units(map(self._member, ids))
                self._delete(
                    str(r) for (r,) in self._rows("SELECT id FROM rows WHERE pair = ?", (pair,))
                )
            case ItemErased(item_ids=ids):
                self._touch_units([self._member(one) for one in ids])
                self._delete(self._rows_with(set(ids)))
                named = [(one,) for one in ids]
                self._db.executemany("DELETE FROM members WHERE item = ?", named)
                self._db.executemany("DELETE FROM left_out WHERE item = ?", named)
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

    def _touch_all(self) -> None:
        self._db.execute("INSERT OR IGNORE INTO touched SELECT DISTINCT unit FROM members")

    def _reconsider(self, statements: Iterable[Statement], now: datetime) -> None:
        """Delete rows that some statements forbid, and touch all that they are about."""
        judge = self._permissions.judge(Purpose.TRAIN, now)
        forbidden: set[str] = set()
        doubtful: set[str] = set()
        for statement in statements:
            if statement.purpose is Purpose.TRAIN:
                self._touch_units(self._timeline.units_covered(statement))
                held = self._in_rows(self._timeline.covered_ids(statement))
                (forbidden if judge.forbids(statement) else doubtful).update(held)
        doubtful -= forbidden
        if doubtful:
            decide = self._decider(judge)
            forbidden |= doubtful - self._profiles(doubtful, decide).keys()
        self._delete(self._rows_with(forbidden))

    def _decider(self, judge: Judge) -> Decide:
        return lambda stored: judge(self._people.subject(stored.item))

    def _profiles(self, ids: Iterable[str], decide: Decide) -> dict[str, Profile]:
        """Return the redaction asked for each item that is permitted."""
        profiles: dict[str, Profile] = {}
        for stored in self._timeline.load(sorted(ids)):
            decision = decide(stored)
            if decision.permitted:
                profiles[stored.id] = decision.redact
        return profiles

    def _in_rows(self, ids: Iterable[str]) -> set[str]:
        return self._found("SELECT DISTINCT event FROM row_events WHERE event IN", ids)

    def _rows_with(self, events: Iterable[str]) -> set[str]:
        return self._found("SELECT DISTINCT row FROM row_events WHERE event IN", events)

    def _found(self, sql: str, ids: Iterable[str]) -> set[str]:
        wanted = sorted(ids)
        found: set[str] = set()
        for start in range(0, len(wanted), _MANY):
            batch = wanted[start : start + _MANY]
            found.update(str(one) for (one,) in self._rows(f"{sql} ({marks(len(batch))})", batch))
        return found

    def _delete(self, rows: Iterable[str]) -> None:
        keys = [(row,) for row in sorted(rows)]
        self._db.executemany("DELETE FROM rows WHERE id = ?", keys)
        self._db.executemany("DELETE FROM row_events WHERE row = ?", keys)
        alike.deleted(self._db, keys)

    # ------------------------------------------------------------------ settling

    def settle(self, now: datetime) -> None:
        """Make anew what pages, the roster or time have touched.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self._need(self._people, self._permissions, self._timeline, self._labels, self._reviews)
        now = self._advance(now)
        judge = self._permissions.judge(Purpose.TRAIN, now)
        while self._settle_some(judge):
            pass
        if self._one("SELECT 1 FROM compare_again"):
            with self._writing():
                alike.compare_again(self._db)

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
                self._touch_all()
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
        maker = self.maker
        with self._writing():
            units = [str(u) for (u,) in self._rows("SELECT unit FROM touched LIMIT ?", (_UNITS,))]
            self._renew(units, judge, maker)
            self._db.executemany("DELETE FROM touched WHERE unit = ?", [(u,) for u in units])
            points.reached("view.training.settled")
        return True

    @property
    def redactor(self) -> "Redactor":
        """What rows are redacted with, as people are known now."""
        from projections.redaction.pipeline import Redactor  # noqa: PLC0415 - takes long

        table = self._people.table()
        if self._redactor is None or self._redactor[0] != table.digest:
            self._redactor = table.digest, Redactor.of_view(table, self._names, self._key)
        return self._redactor[1]

    @property
    def maker(self) -> Maker:
        """What rows are made with, as people are known now."""
        return Maker(
            redactor=self.redactor,
            key=self._key,
            split_key=self._split_key,
            reviews=self._reviews.of,
            questions=self._questions,
        )

    def _renew(self, units: list[str], judge: Judge, maker: Maker) -> None:
        threads = self._threads(units, judge)
        # Two drafts may come out as one row where redaction took away what told them apart.
        pairs: dict[str, tuple[str, Pair]] = {}
        left_out: list[tuple[str, str, str, str]] = []
        for thread, made in maker.pairs(threads):
            if isinstance(made, Pair):
                pairs[made.row.id] = thread.key, made
            else:
                left_out += [(thread.key, made.pair, item, made.reason) for item in made.items]
        self._delete(self._found("SELECT id FROM rows WHERE unit IN", units))
        self._db.executemany("DELETE FROM left_out WHERE unit = ?", [(unit,) for unit in units])
        self._insert(pairs.values())
        self._db.executemany("INSERT OR IGNORE INTO left_out VALUES (?, ?, ?, ?)", left_out)

    def _threads(self, units: Sequence[str], judge: Judge) -> Iterator[Thread]:
        for unit, items in self._timeline.in_units(units).items():
            for thread in cut(unit, self._allowed(items, judge)):
                if says(self._definition, (one.item for one in thread.items)):
                    yield thread

    def _allowed(self, items: Iterable[Stored], judge: Judge) -> Iterator[Allowed]:
        for stored in items:
            subject = self._people.subject(stored.item)
            decision = judge(subject)
            if decision.permitted and holds(self._definition, stored.item, subject):
                yield Allowed(stored.id, stored.item, decision)

    def _insert(self, made: Collection[tuple[str, Pair]]) -> None:
        self._db.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_columns(unit, pair) for unit, pair in made),
        )
        self._db.executemany(
            "INSERT INTO row_events VALUES (?, ?)",
            ((event, pair.row.id) for _, pair in made for event in pair.row.events),
        )
        for _, pair in made:
            alike.inserted(self._db, pair)

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        for table in ("rows", "row_events", "left_out", "members", "touched", "near"):
            for row in self._rows(f"SELECT * FROM {table}"):  # noqa: S608 - fixed names
                yield (table, *row)


def _columns(unit: str, pair: Pair) -> tuple[Value, ...]:
    row, facts = pair.row, pair.row.facts
    return (
        row.id,
        unit,
        row.split,
        facts.type,
        facts.source,
        facts.kind,
        facts.style,
        None if row.at is None else round(row.at.timestamp() * 1e6),
        facts.pair,
        pair.learned,
        pair.completion,
        pair.skeleton,
        pair.signature,
        pair.approved,
        facts.profile.value,
        sum(count for _, count in facts.masked),
        encode(row),
    )
