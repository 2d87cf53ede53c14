"""Finding what may be searched, by its words and by what it means, and keeping to that.

What the owner forbids is found no more from the transaction on that takes her word in, and the
words are destroyed before `apply` returns (`projections.search.index`). Consent is asked once
more for each hit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

import numpy as np

from projections.embed import UNIT
from projections.labels import Labels
from projections.people import People
from projections.permissions import Judge, Permissions, Standstill, covering, said_of
from projections.search.asking import UNDATED, Asked, By, Words, ancestors, span
from projections.search.codes import Codes
from projections.search.index import Index
from projections.search.ranking import fused
from projections.search.snippets import Snippets
from projections.search.texts import Texts
from projections.timeline import Stored, Timeline
from projections.view import Databases, Value, decode_labels
from vault import points
from vault.consent import Decision, Effect, Filters, Purpose, Statement, normal
from vault.events import (
    CorrectionMade,
    ItemCollected,
    ItemErased,
    ItemRevised,
    LabelCorrected,
    UseResumed,
)
from vault.follow import Entry, Page

__all__ = ["Hit", "Search"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An item that was found, with some of its words, around what was asked for if it has that.

    `by` is `text` where it holds every word of the query, else `meaning`.
    """

    id: str
    at: datetime | None
    type: str
    by: By
    snippet: str


_BATCH = 1000
_TOGETHER = 32
_CACHE_KIB = 32 * 1024
_NEWEST = 1000
_NEAREST = 1000
_ALIKE = UNIT * UNIT // 2
# An item with every word that was asked for comes before one that only means the same, until
# sixty of them have come: names and rare words are what meaning knows least of.
_TEXT, _MEANING = 2, 1


class Search(Index):
    """The follower that keeps the index; it comes behind people, permissions and timeline."""

    def __init__(
        self,
        databases: Databases,
        people: People,
        permissions: Permissions,
        timeline: Timeline,
        labels: Labels,
    ) -> None:
        reads = (people, permissions, timeline, labels)
        super().__init__(databases, version=labels.made_with, reads=reads)
        self._db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._snippets = Snippets(self._db)
        self._texts = Texts(self._db, self._snippets.words)
        self._people = people
        self._permissions = permissions
        self._timeline = timeline
        self._labels = labels
        self._codes = Codes([])
        self._codes_at: Value = None

    # ------------------------------------------------------------------ finding

    def find(
        self,
        query: str,
        *,
        now: datetime,
        by: By = By.TEXT,
        type_: str = "",
        filters: Filters | None = None,
        limit: int = 20,
    ) -> list[Hit]:
        """Return items that hold every word or "quoted phrase" of a query or mean it, the best first.

        Of words that stand in more than a thousand items the newest thousand are ranked.

        Args:
            query: Words; an asterisk at the end of one stands for any ending.
            now: The time at which consent is asked, once more, for each hit.
            by: Whether words, meaning or both decide.
            type_: Only items of this type, or with this label.
            filters: Only items that match; a person is whoever the name may mean.
            limit: How many at most.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self.settle(now)
        filters = filters or Filters()
        words = Words.of(query)
        # One state of this view and of all that it reads, whatever others write meanwhile.
        with self._standing(), self._still():
            forms = self._meant(filters.person) if filters.person else None
            asked = Asked(type_, filters, forms)
            by_text = self._by_text(words, asked) if by is not By.MEANING else []
            by_meaning = self._by_meaning(query, asked) if by is not By.TEXT else []
            ranked = fused((_TEXT, by_text), (_MEANING, by_meaning))
            found = self._permitted(ranked, asked, now)
            worded = frozenset(by_text)
            return [
                Hit(
                    id=stored.id,
                    at=stored.item.at,
                    type=stored.item.type,
                    by=By.TEXT if row in worded else By.MEANING,
                    snippet=self._snippets.of(words, (stored.item.text, stored.item.title)),
                )
                for row, stored in islice(found, limit)
            ]

    def _permitted(
        self, ranked: Sequence[int], asked: Asked, now: datetime
    ) -> Iterator[tuple[int, Stored]]:
        """Yield what may be found of what was, as consent stands now, in its order."""
        judge = self._permissions.judge(Purpose.SEARCH, now)
        for rows in (ranked[at : at + _TOGETHER] for at in range(0, len(ranked), _TOGETHER)):
            items = self._items(rows)
            loaded = {one.id: one for one in self._timeline.load(items.values())}
            for row in rows:
                stored = loaded.get(items.get(row, ""))
                if stored and self._may(judge, stored) and self._covered(asked, stored):
                    yield row, stored

    def _covered(self, asked: Asked, stored: Stored) -> bool:
        return asked.covers(self._people.subject(stored.item))

    def _by_text(self, words: Words, asked: Asked) -> list[int]:
        """Return the newest rows that hold every word, those that hold them most first."""
        between = span(asked.filters.since, asked.filters.until)
        scores = self._texts.holding(words, asked.match, between, _NEWEST)
        return sorted(scores, key=lambda row: (-scores[row], row))

    def _by_meaning(self, query: str, asked: Asked) -> list[int]:
        """Return the rows whose passages are most like a query, as exact vectors say."""
        vector = np.array(list(self._labels.vector_of(query)), np.int64)
        if not vector.any():
            return []
        rows = self._read_codes().nearest(
            vector.tolist(),
            _NEAREST,
            between=span(asked.filters.since, asked.filters.until),
            kinds=self._kinds(asked),
            among=self._rows_among(asked),
        )
        items = self._items(rows)
        told = self._labels.vectors(list(items.values()))
        passages = [(row, one) for row, item in items.items() for one in told.get(item, ())]
        exact = np.array([list(one) for _, one in passages], np.int64).reshape(-1, len(vector))
        near: dict[int, int] = {}
        for (row, _), one in zip(passages, (exact @ vector).tolist(), strict=True):
            near[row] = max(one, near.get(row, one))
        return sorted(
            (row for row, one in near.items() if one >= _ALIKE), key=lambda row: (-near[row], row)
        )

    def _read_codes(self) -> Codes:
        """Return the bits of all passages, read again where any process changed them."""
        generation = self._get("generation")
        if self._codes_at != generation:
            stored = self._rows("SELECT passages FROM codes ORDER BY block")
            self._codes = Codes([one for (one,) in stored if isinstance(one, bytes)])
            self._codes_at = generation
        return self._codes

    def _kinds(self, asked: Asked) -> list[int] | None:
        """Return the kinds of items that have a type and a source, None where any has."""
        if not asked.type and not asked.filters.source:
            return None
        return [
            int(str(kind))
            for kind, types, source in self._rows("SELECT kind, types, source FROM kinds")
            if asked.filters.source in {"", source}
            and isinstance(types, bytes)
            and (not asked.type or asked.type in ancestors(decode_labels(types)))
        ]

    def _rows_among(self, asked: Asked) -> list[int] | None:
        """Return the rows of a person or a conversation, None where any may be meant."""
        narrowed = Asked("", Filters(conversation=asked.filters.conversation), asked.forms)
        return self._rows_about(narrowed) if narrowed.match else None

    def _meant(self, person: str) -> frozenset[str]:
        """Return the forms of everybody whom a name, an address or an id may mean."""
        texts = (
            text for one in self._people.called(person) for text in (*one.names, *one.addresses)
        )
        return self._forms([person, *texts])

    def _forms(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the forms of the people for whom statements mean items by some names."""
        wanted = {normal(text) for text in texts}
        known = self._people.known_as.items()
        return frozenset(wanted.union(form for form, own in known if not wanted.isdisjoint(own)))

    # ------------------------------------------------------------------ deciding

    def decide(self, item_id: str, now: datetime) -> Decision:
        """Decide whether an item may be found, and say why.

        Raises:
            NotFound: There is no such item.
            Erased: It was erased.
        """
        judge = self._permissions.judge(Purpose.SEARCH, now)
        return self._decided(judge, self._timeline.show(item_id))

    def decided(self, items: Iterable[Stored], now: datetime) -> Iterator[tuple[Stored, Decision]]:
        """Yield some items, each with what is decided of whether it may be found."""
        judge = self._permissions.judge(Purpose.SEARCH, now)
        return ((stored, self._decided(judge, stored)) for stored in items)

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

    # ------------------------------------------------------------------ settling

    def settle(self, now: datetime) -> None:
        """Bring the index up to what is permitted now.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self._need(self._people, self._permissions, self._timeline, self._labels)
        self._destroy()
        self._relearn()
        now = self._advance(self._permissions.moment(now))
        judge = self._permissions.judge(Purpose.SEARCH, now)
        while self._one("SELECT 1 FROM touched"):
            with self._writing():
                rows = self._rows("SELECT item FROM touched LIMIT ?", (_BATCH,))
                ids = [str(item) for (item,) in rows]
                permitted = [one for one in self._timeline.load(ids) if self._may(judge, one)]
                fresh = list(self._fresh(permitted))
                staying = {one.id for one in permitted} - {one.id for one in fresh}
                self._drop(one for one in ids if one not in staying)
                self._index(fresh, self._labels.vectors([one.id for one in fresh]))
                self._db.executemany("DELETE FROM touched WHERE item = ?", [(i,) for i in ids])
                points.reached("view.search.settled")
        self._gather()
        self._destroy()

    def _fresh(self, permitted: Sequence[Stored]) -> Iterator[Stored]:
        """Yield what is not in the index as it is now; other words were dropped when they came."""
        held = self._among("indexed", "item", [stored.id for stored in permitted])
        for stored in permitted:
            known = "SELECT kind FROM indexed WHERE item = ?"
            if stored.id not in held or self._one(known, (stored.id,)) != self._kind(stored):
                yield stored

    def _advance(self, now: datetime) -> datetime:
        """Move the view's own time on, never back, and touch what that or the roster changes."""
        asked = self._asked
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

    @property
    def _asked(self) -> datetime | None:
        """The view's own time: the latest at which it was asked anything."""
        micros = self._get("asked")
        return None if micros is None else datetime.fromtimestamp(int(micros) / 1e6, UTC)

    def _relearn(self) -> None:
        """Touch the items whose labels may be others since the owner corrected similar ones."""
        lessons = self._labels.lessons
        if self._get("lessons") == lessons:
            return
        with self._writing():
            if self._get("lessons") is not None or lessons:
                self._touch(self._labels.swayable())
            self._set("lessons", lessons)

    # ------------------------------------------------------------------ following

    def apply(self, page: Page) -> None:
        """Take in one page; the words of what it forbids are destroyed when this returns."""
        super().apply(page)
        self._destroy()

    def _take(self, page: Page) -> None:
        self._touch(e.id for e in page.entries if isinstance(e.event, ItemCollected))
        for entry in page.entries:
            match entry.event:
                case (
                    ItemRevised(item_id=item_id)
                    | CorrectionMade(item_id=item_id)
                    | LabelCorrected(item_id=item_id)
                ):
                    root = self._timeline.root(item_id)
                    self._drop([root])
                    self._touch([root])
                case ItemErased(item_ids=ids):
                    self._drop(ids)
                    self._db.executemany("DELETE FROM touched WHERE item = ?", [(i,) for i in ids])
                case _:
                    pass
        said = [(e, s) for e in page.entries if (s := said_of(e.event, Purpose.SEARCH))]
        if said:
            now = self._permissions.moment(max(e.at for e in page.entries))
            for entry, statement in said:
                if _only_forbids(entry, statement, max(now, self._asked or now)):
                    self._forbid(statement)
                else:
                    self._reconsider([statement], now)

    def _forbid(self, statement: Statement) -> None:
        """Drop what the index says that a prohibition covers; nothing of it need be read again."""
        filters = statement.filters
        person = self._forms([filters.person]) if filters.person else None
        first, last = span(filters.since, filters.until)
        about = self._rows_about(Asked(statement.type, filters, person))
        self._hide([row for row in about if first <= row <= last or row >= UNDATED])

    def _reconsider(self, statements: Iterable[Statement], now: datetime) -> None:
        """Drop at once what some statements forbid; touch the rest that they are about."""
        judge = self._permissions.judge(Purpose.SEARCH, now)
        for statement in statements:
            if statement.purpose is Purpose.SEARCH:
                covered = self._timeline.covered(statement)
                while batch := list(islice(covered, _BATCH)):
                    self._touch(stored.id for stored in batch)
                    self._drop(s.id for s in batch if not self._may(judge, s))


def _only_forbids(entry: Entry, statement: Statement, now: datetime) -> bool:
    """Whether a statement does nothing but forbid what the index knows that it covers.

    What a pause on a person covers stands in the words; a statement that has ended, or the
    end of a pause, gives back what was forbidden before.
    """
    return (
        statement.effect is Effect.DENY
        and not isinstance(entry.event, UseResumed)
        and not (isinstance(statement, Standstill) and statement.filters.person)
        and (statement.expires is None or now < statement.expires)
    )
