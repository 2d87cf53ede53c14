"""Full text of what may be searched; the rest is not even in the index."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from projections.labels import Labels
from projections.people import People
from projections.permissions import Judge, Permissions, covering, said_of
from projections.timeline import Stored, Timeline
from projections.view import Databases, Value, View
from vault import points
from vault.consent import Decision, Filters, Purpose, Statement
from vault.events import (
    CorrectionMade,
    ItemCollected,
    ItemErased,
    ItemRevised,
    LabelCorrected,
)
from vault.follow import Page

__all__ = ["Hit", "Search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An item that was found, with some of its words around what was asked for."""

    id: str
    at: datetime | None
    type: str
    snippet: str


_QUERY_PART = re.compile(r'"([^"]{1,200})"|(\S+)')
_BATCH = 1000
_WORDS = 16


class Search(View):
    """The follower that keeps the index; it comes behind people, permissions and timeline."""

    name = "search"
    version = "1"
    tables = """
        CREATE VIRTUAL TABLE texts USING fts5 (
            title, body, tokenize = 'unicode61 remove_diacritics 2');
        -- Deleted words leave the index at once instead of at the next merge.
        INSERT INTO texts (texts, rank) VALUES ('secure-delete', 1);
        CREATE TABLE indexed (no INTEGER PRIMARY KEY, item TEXT NOT NULL UNIQUE);
        CREATE TABLE touched (item TEXT PRIMARY KEY) WITHOUT ROWID;
    """

    def __init__(
        self,
        databases: Databases,
        people: People,
        permissions: Permissions,
        timeline: Timeline,
        labels: Labels,
    ) -> None:
        super().__init__(databases, version=labels.made_with)
        self._people = people
        self._permissions = permissions
        self._timeline = timeline
        self._labels = labels

    def find(self, query: str, *, now: datetime, limit: int = 20) -> list[Hit]:
        """Return items that hold every word or "quoted phrase" of a query, the best first.

        Args:
            query: Words; an asterisk at the end of one stands for any ending.
            now: The time at which consent is asked, once more, for each hit.
            limit: How many at most.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self.settle(now)
        match = _match(query)
        if not match:
            return []
        judge = self._permissions.judge(Purpose.SEARCH, now)
        found = self._db.execute(
            "SELECT i.item, snippet(texts, -1, '', '', '…', ?) FROM texts JOIN indexed i"
            " ON i.no = texts.rowid WHERE texts MATCH ? ORDER BY bm25(texts, 3.0, 1.0), i.item",
            (_WORDS, match),
        )
        hits: list[Hit] = []
        for item_id, snippet in found:
            for stored in self._timeline.load([item_id]):
                if self._may(judge, stored):
                    at, type_ = stored.item.at, stored.item.type
                    hits.append(
                        Hit(id=item_id, at=at, type=type_, snippet=" ".join(snippet.split()))
                    )
            if len(hits) >= limit:
                break
        return hits

    def holding(self, ids: Iterable[str]) -> int:
        """Return how many of some items are in the index."""
        found = (self._one("SELECT 1 FROM indexed WHERE item = ?", (one,)) for one in ids)
        return sum(one is not None for one in found)

    def settle(self, now: datetime) -> None:
        """Bring the index up to what is permitted now.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self._need(self._people, self._permissions, self._timeline, self._labels)
        self._relearn()
        now = self._advance(self._permissions.moment(now))
        judge = self._permissions.judge(Purpose.SEARCH, now)
        while self._one("SELECT 1 FROM touched"):
            with self._writing():
                rows = self._rows("SELECT item FROM touched LIMIT ?", (_BATCH,))
                ids = [str(item) for (item,) in rows]
                self._drop(ids)
                for stored in self._timeline.load(ids):
                    if self._may(judge, stored):
                        self._index(stored)
                self._db.executemany("DELETE FROM touched WHERE item = ?", [(i,) for i in ids])
                points.reached("view.search.settled")

    def _advance(self, now: datetime) -> datetime:
        """Move the view's own time on, never back, and touch what that or the roster changes."""
        micros = self._get("asked")
        asked = None if micros is None else datetime.fromtimestamp(int(micros) / 1e6, UTC)
        roster = self._people.digest
        if asked is not None and asked >= now and self._get("roster") == roster:
            return asked
        with self._writing():
            if asked is not None:
                self._reconsider(self._permissions.expired(asked, now), now)
            if self._get("roster") != roster:
                # Who is who decides only where a statement or a pause names a person.
                paused = (covering(p, Purpose.SEARCH) for p in self._permissions.pauses)
                said = (*self._permissions.statements, *paused)
                named = [s for s in said if s.filters.person]
                self._reconsider((replace(s, filters=Filters()) for s in named), now)
                self._set("roster", roster)
            now = now if asked is None else max(now, asked)
            self._set("asked", round(now.timestamp() * 1e6))
        return now

    def _relearn(self) -> None:
        """Touch the items whose labels may be others since the owner corrected similar ones."""
        lessons = self._labels.lessons
        if self._get("lessons") == lessons:
            return
        with self._writing():
            if self._get("lessons") is not None or lessons:
                self._touch(self._labels.swayable())
            self._set("lessons", lessons)

    def _take(self, page: Page) -> None:
        spoken = [s for entry in page.entries if (s := said_of(entry.event, Purpose.SEARCH))]
        for entry in page.entries:
            match entry.event:
                case ItemCollected():
                    self._touch([entry.id])
                case ItemRevised(item_id=item_id) | CorrectionMade(item_id=item_id):
                    self._touch([self._timeline.root(item_id)])
                case LabelCorrected(item_id=item_id):
                    root = self._timeline.root(item_id)
                    self._drop([root])
                    self._touch([root])
                case ItemErased(item_ids=ids):
                    self._drop(ids)
                    self._db.executemany("DELETE FROM touched WHERE item = ?", [(i,) for i in ids])
                case _:
                    pass
        if spoken:
            self._reconsider(spoken, self._permissions.moment(max(e.at for e in page.entries)))

    def _reconsider(self, statements: Iterable[Statement], now: datetime) -> None:
        """Drop at once what some statements forbid; touch the rest that they are about."""
        judge = self._permissions.judge(Purpose.SEARCH, now)
        for statement in statements:
            if statement.purpose is Purpose.SEARCH:
                covered = list(self._timeline.covered(statement))
                self._touch(stored.id for stored in covered)
                self._drop(s.id for s in covered if not self._may(judge, s))

    def decide(self, item_id: str, now: datetime) -> Decision:
        """Decide whether an item may be found, and say why.

        Raises:
            NotFound: There is no such item.
            Erased: It was erased.
        """
        judge = self._permissions.judge(Purpose.SEARCH, now)
        return self._decided(judge, self._timeline.show(item_id))

    def _may(self, judge: Judge, stored: Stored) -> bool:
        return self._decided(judge, stored).permitted

    def _decided(self, judge: Judge, stored: Stored) -> Decision:
        """Decide for an item: what is thought of it forbids where a statement says so.

        To find her own words again she need not have allowed what a guess takes them for.
        """
        decision = judge(self._people.subject(stored.item))
        if decision.permitted or decision.statement:
            return decision
        for one in self._timeline.stated([stored.id]):
            decision = judge(self._people.subject(one.item))
        return decision

    def _touch(self, ids: Iterable[str]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO touched VALUES (?)", [(i,) for i in ids])

    def _index(self, stored: Stored) -> None:
        self._db.execute("INSERT INTO indexed (item) VALUES (?)", (stored.id,))
        self._db.execute(
            "INSERT INTO texts (rowid, title, body) VALUES (?, ?, ?)",
            (self._db.last_insert_rowid(), stored.item.title, stored.item.text),
        )

    def _drop(self, ids: Iterable[str]) -> None:
        for item in ids:
            number = self._one("SELECT no FROM indexed WHERE item = ?", (item,))
            if number is not None:
                self._db.execute("DELETE FROM texts WHERE rowid = ?", (number,))
                self._db.execute("DELETE FROM indexed WHERE no = ?", (number,))

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        yield from self._rows(
            "SELECT 'text', i.item, t.title, t.body FROM indexed i JOIN texts t ON t.rowid = i.no"
        )
        yield from self._rows("SELECT 'touched', item FROM touched")


def _match(query: str) -> str:
    """Return a query in FTS5's syntax, in which nothing typed is an operator."""
    parts: list[str] = []
    for phrase, word in _QUERY_PART.findall(query.replace("\0", " ")):
        text = (phrase or word.strip('"')).replace('"', " ")
        ending = "*" if word.endswith("*") else ""
        if any(character.isalnum() for character in text):
            parts.append(f'"{text.rstrip("*")}"{ending}')
    return " ".join(parts)
