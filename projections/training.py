"""Training views as they are read: rows, what they are made of, and why an item is in or out.

Whoever takes rows is asked about again. Beside the view of everything there is one for each
that the owner defined, with surrogates of its own; a thread that is held out is held out in
all of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import msgspec

from projections import alike
from projections.curate.augment import rare_styles, variants
from projections.curate.sampling import Stratified, sample
from projections.definitions import holds, says
from projections.drafts import Draft, drafts_of
from projections.examples import Decide, Examples
from projections.exports.counts import Counts, Tally
from projections.pairs import UNCLEAN, LeftOut, Maker
from projections.permissions import Judge, strictest
from projections.rows import Row, Split
from projections.threads import Thread, split_of
from projections.timeline import Stored
from projections.view import Value, batches, marks
from vault.consent import Decision, Profile, Purpose, Statement
from vault.events import ViewDefined
from vault.items import Item

__all__ = ["Named", "Sample", "Stats", "Training", "Whereabouts"]


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
    """What the view holds, and what it does not.

    `left_out` counts the examples that are none, by reason, and `refused` those of them that
    the last look of redaction did not let by; `duplicates` those whose words another example
    already teaches, or nearly; `profile` is the least strict that a row was redacted under.
    """

    counts: Counts
    left_out: dict[str, int]
    profile: Profile | None
    refused: int
    duplicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One example beside its last question, and her answer, before they were redacted."""

    row: Row
    prompt: str
    before: str

    @property
    def after(self) -> str:
        """Her answer as it is learned."""
        return self.row.messages[-1].content


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where an item is in a view, or why it is not.

    `learned` names the examples that teach its words, `held` those that a model is measured on
    instead, `context` those that show them; `alike` those that would teach them, did others not
    say the same; `left_out` holds reasons.
    `within` is False where the item lies outside of what the owner defined.
    """

    decision: Decision
    within: bool
    learned: tuple[str, ...]
    held: tuple[str, ...]
    context: tuple[str, ...]
    alike: tuple[str, ...]
    left_out: tuple[str, ...]


T = TypeVar("T", bound=Named)

_row = msgspec.msgpack.Decoder(Row)
_MANY = 500
_SOME = 60  # a page of examples, as a person reads them, and a few more


class Training(Examples):
    """A training view, to be read."""

    @property
    def definition(self) -> ViewDefined:
        """What the view holds."""
        return self._definition

    def rows(self, split: Split | None = None, *, now: datetime) -> Iterator[Row]:
        """Yield what may be learned from at this moment, in order of id.

        Consent is asked again for every item of every row. Where the owner wants a part of
        the examples, or variants of rare ones, these are what is yielded.

        Args:
            split: One side only.
            now: The time; the newest entry counts where it is later.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self.settle(now)
        chosen = self._chosen()
        rare = self._rare() if self._definition.augment else frozenset()
        for page in self._pages(split):
            wanted = page if chosen is None else [row for row in page if row.id in chosen]
            permitted = self.still_permitted(wanted, now)
            for row in wanted:
                if row.id in permitted:
                    yield row
                    if row.facts.style in rare:
                        yield from variants(row)

    def _pages(self, split: Split | None) -> Iterator[list[Row]]:
        last = ""
        while True:
            page = [
                _row.decode(_bytes(body))
                for (body,) in self._rows(
                    "SELECT r.body FROM rows r WHERE r.id > ?1 AND (?2 = '' OR r.split = ?2) AND"  # noqa: S608
                    f"{alike.LEARNED} ORDER BY r.id LIMIT {_MANY}",
                    (last, split or ""),
                )
            ]
            if not page:
                return
            yield page
            last = page[-1].id

    def by_name(
        self, *, kind: str = "", after: str = "", pairs: Sequence[str] | None = None, now: datetime
    ) -> Iterator[Row]:
        """Yield what `rows` yields, in the order of the examples' names, as it is asked for.

        Args:
            kind: Only of this kind.
            after: Only those behind this name.
            pairs: Only these examples.
            now: The time; the newest entry counts where it is later.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self.settle(now)
        chosen = self._chosen()
        rare = self._rare() if self._definition.augment else frozenset()
        last = after + "\x7f" if after else ""
        wanted = None if pairs is None else sorted(pair for pair in pairs if pair > last)
        for page in self._named_pages(kind, last) if wanted is None else self._of(wanted, kind):
            kept = page if chosen is None else [row for row in page if row.id in chosen]
            permitted = self.still_permitted(kept, now)
            for row in kept:
                if row.id in permitted:
                    yield row
                    if row.facts.style in rare:
                        yield from variants(row)

    def _named_pages(self, kind: str, after: str) -> Iterator[list[Row]]:
        last = (after, "")
        while True:
            found = self._rows(
                "SELECT r.body FROM rows r WHERE (r.pair, r.id) > (?1, ?2) AND"  # noqa: S608
                f" ?3 IN ('', r.kind) AND{alike.LEARNED} ORDER BY r.pair, r.id LIMIT {_SOME}",
                (*last, kind),
            )
            page = [_row.decode(_bytes(body)) for (body,) in found]
            if not page:
                return
            yield page
            last = (page[-1].facts.pair, page[-1].id)

    def _of(self, pairs: Sequence[str], kind: str) -> Iterator[list[Row]]:
        for batch in batches(pairs):
            found = self._rows(
                "SELECT r.body FROM rows r WHERE ? IN ('', r.kind) AND"  # noqa: S608
                f" r.pair IN ({marks(len(batch))}) AND{alike.LEARNED} ORDER BY r.pair, r.id",
                (kind, *batch),
            )
            yield [_row.decode(_bytes(body)) for (body,) in found]

    def counted(self, kind: str = "") -> Mapping[str, int]:
        """Return how many rows are on each side of the split, without asking consent again."""
        found = self._rows(
            "SELECT r.split, count(*) FROM rows r WHERE ? IN ('', r.kind) AND"  # noqa: S608
            f"{alike.LEARNED} GROUP BY r.split",
            (kind,),
        )
        return {str(split): int(str(number)) for split, number in found}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of examples that there are."""
        return tuple(
            str(kind) for (kind,) in self._rows("SELECT DISTINCT kind FROM rows ORDER BY 1")
        )

    def holds_out(self, unit: str) -> bool:
        """Whether models are measured on a unit, so that they are never shown what is in it."""
        return split_of(Thread(unit, ()), self._split_key) == "held"

    @property
    def pending(self) -> int:
        """How many conversations or documents are to be made into examples anew."""
        if self._get("roster") != self._people.digest:
            return int(self._one("SELECT count(DISTINCT unit) FROM members") or 0)
        return int(self._one("SELECT count(*) FROM touched") or 0)

    def _chosen(self) -> frozenset[str] | None:
        """Return the rows that the owner's definition takes, None for all of them."""
        definition = self._definition
        if not definition.most:
            return None
        found = self._db.execute(
            "SELECT r.id, r.source, r.type, r.style, r.kind, r.at FROM rows r WHERE"  # noqa: S608
            + alike.LEARNED
        )
        rows = [
            Stratified(id=id_, source=source, type=type_, style=style, kind=kind, at=_moment(at))
            for id_, source, type_, style, kind, at in found
        ]
        return sample(
            rows,
            definition.most,
            by=definition.balance,
            balanced=bool(definition.balance),
            seed=self._key,
        )

    def _rare(self) -> frozenset[str]:
        counts = self._rows(
            "SELECT r.style, count(*) FROM rows r WHERE r.split = 'train' AND"  # noqa: S608
            f"{alike.LEARNED} GROUP BY r.style"
        )
        return rare_styles({str(style): int(str(number)) for style, number in counts})

    def still_permitted(
        self, rows: Iterable[Named], now: datetime, *, resumed: bool = False
    ) -> set[str]:
        """Return the ids of the rows of which every item is permitted now, as redacted as then.

        A row that was redacted less than a statement now asks for is not permitted.

        Args:
            rows: Rows as they were learned or are to be.
            now: When consent is asked.
            resumed: As if every pause had been ended: what is paused is kept for when it is.
        """
        rows = list(rows)
        judge = self._permissions.judge(Purpose.TRAIN, now, resumed=resumed)
        return self.standing_by(rows, self._decider(judge))

    def standing_by(self, rows: Iterable[Named], decide: Decide) -> set[str]:
        """Return the ids of the rows that may be learned from, as somebody decides of each item."""
        rows = list(rows)
        asked = self._profiles({event for row in rows for event in row.events}, decide)
        return {row.id for row in rows if self._stands(row, asked)}

    def heard_of(self, rows: Sequence[T]) -> tuple[T, ...]:
        """Return the rows of which every item is here, or was erased."""
        here = self._timeline.heard_of(sorted({event for row in rows for event in row.events}))
        return tuple(row for row in rows if here.issuperset(row.events))

    def _stands(self, row: Named, asked: dict[str, Profile]) -> bool:
        if not all(event in asked for event in row.events):
            return False
        had = self._permissions.profile_of(row.statements)
        return had is not None and _no_stricter(strictest(asked[e] for e in row.events), had)

    # ------------------------------------------------------------------ telling

    def stats(self, now: datetime) -> Stats:
        """Count what the view holds."""
        self.settle(now)
        tally = Tally()
        for page in self._pages(None):
            for _ in tally.through(page):
                pass
        counts = tally.counts()
        left_out = {
            str(reason): int(str(number))
            for reason, number in self._rows(
                "SELECT reason, count(DISTINCT pair) FROM left_out GROUP BY reason ORDER BY reason"
            )
        }
        used = {profile for profile, _ in counts.by_profile}
        return Stats(
            counts=counts,
            left_out=left_out,
            profile=next((one for one in reversed(Profile) if one.value in used), None),
            refused=left_out.get(UNCLEAN, 0),
            duplicates=int(self._one("SELECT count(*) FROM rows") or 0) - counts.rows,
        )

    def count(self) -> int:
        """Return how many examples were made, those among them that are nearly alike included."""
        return int(self._one("SELECT count(*) FROM rows") or 0)

    def preview(self, count: int, now: datetime) -> list[Sample]:
        """Return some examples, those with most masked first, beside their own words."""
        self.settle(now)
        return [self.sample(row, now) for row in self._first("r.masked DESC, r.id", "1", count)]

    def drawn(self, count: int, now: datetime, *, most_masked: bool = False) -> list[Sample]:
        """Return some examples that would be learned now, beside their own words.

        Their names are digests, so that the first ones by name are a fair draw.
        """
        self.settle(now)
        order = "r.masked DESC, r.id" if most_masked else "r.id"
        rows = self._first(order, "r.split = 'train'", count)
        permitted = self.still_permitted(rows, now)
        return [self.sample(row, now) for row in rows if row.id in permitted]

    def _first(self, order: str, where: str, count: int) -> list[Row]:
        rows = self._rows(
            f"SELECT r.body FROM rows r WHERE {where} AND{alike.LEARNED} ORDER BY {order} LIMIT ?",  # noqa: S608 - fixed words
            (count,),
        )
        return [_row.decode(_bytes(body)) for (body,) in rows]

    def sample(self, row: Row, now: datetime) -> Sample:
        """Return an example beside the words it was made from, in the owner's wording."""
        draft = self._draft(row, self.maker, now)
        words = [said for _, said in draft.messages] if draft else ["", ""]
        return Sample(row=row, prompt=words[-2], before=words[-1])

    def unedited(self, row: Row, now: datetime) -> str:
        """Return what stood in the place of an answer that the owner edited, redacted."""
        draft = self._draft(row, replace(self.maker, reviews=lambda _: {}), now)
        if draft is None:
            return ""
        done = self.redactor.redact(draft.messages[-1][1], row.facts.profile)
        return done.text if done.clean else ""

    def _draft(self, row: Row, maker: Maker, now: datetime) -> Draft | None:
        unit = self._one("SELECT unit FROM rows WHERE pair = ?", (row.facts.pair,))
        judge = self._permissions.judge(Purpose.TRAIN, now)
        for thread in self._threads([str(unit)], judge):
            for draft in maker.drafts(thread):
                if draft.key == row.facts.pair:
                    return draft
        return None

    def pair(self, name: str, now: datetime) -> tuple[Row, ...]:
        """Return the rows of an example whose name begins so, a few where several do."""
        self.settle(now)
        rows = self._rows(
            "SELECT body FROM rows WHERE pair >= ? AND pair < ? ORDER BY pair, id LIMIT 3",
            (name, name + "\x7f"),
        )
        return tuple(_row.decode(_bytes(body)) for (body,) in rows)

    def left_out(
        self, name: str = "", *, after: str = "", reason: str = "", limit: int = 1000
    ) -> tuple[LeftOut, ...]:
        """Return examples that are none and why, in the order of their names.

        Args:
            name: How their names begin.
            after: Only those behind this name.
            reason: Only those left out for it.
            limit: How many at most.
        """
        found: dict[str, LeftOut] = {}
        for pair, item, why in self._db.execute(
            "SELECT pair, item, reason FROM left_out WHERE pair >= ? AND pair < ? AND pair > ?"
            " AND ? IN ('', reason) ORDER BY pair, item",
            (name, name + "\x7f", after + "\x7f" if after else "", reason),
        ):
            before = found[pair].items if pair in found else ()
            if not before and len(found) == limit:
                break
            found[pair] = LeftOut(pair=pair, items=(*before, item), reason=why)
        return tuple(found.values())

    def whereabouts(self, stored: Stored, now: datetime) -> Whereabouts:
        """Say where an item is, or why it is not.

        Raises:
            BehindLog: A view that this one reads has yet to catch up.
        """
        self.settle(now)
        subject = self._people.subject(stored.item)
        found = self._rows(
            "SELECT r.body,"  # noqa: S608
            f"{alike.LEARNED} FROM row_events e JOIN rows r ON r.id = e.row WHERE e.event = ?"
            " ORDER BY r.pair",
            (stored.id,),
        )
        rows = [(_row.decode(_bytes(body)), bool(kept)) for body, kept in found]
        taught = {r.facts.pair: kept for r, kept in rows if stored.id in r.facts.learned}
        held = {r.facts.pair for r, _ in rows if r.split == "held"}
        shown = {r.facts.pair for r, kept in rows if kept} - taught.keys()
        out = self._rows(
            "SELECT DISTINCT reason FROM left_out WHERE item = ? ORDER BY reason", (stored.id,)
        )
        return Whereabouts(
            decision=self._permissions.judge(Purpose.TRAIN, now)(subject),
            within=holds(self._definition, stored.item, subject)
            and says(self._definition, self._said_in(self._member(stored.id))),
            learned=tuple(pair for pair, kept in taught.items() if kept and pair not in held),
            held=tuple(pair for pair, kept in taught.items() if kept and pair in held),
            context=tuple(sorted(shown)),
            alike=tuple(pair for pair, kept in taught.items() if not kept),
            left_out=tuple(str(reason) for (reason,) in out),
        )

    def _said_in(self, unit: str) -> Iterator[Item]:
        return (stored.item for stored in self._timeline.in_units([unit])[unit])

    # ------------------------------------------------------------------ counting what goes

    def going(self, statement: Statement, now: datetime) -> int:
        """Return how many rows would go if a prohibition were said now."""
        if statement.purpose is not Purpose.TRAIN:
            return 0
        self.settle(now)
        return self.holding(self._timeline.covered_ids(statement))

    def holding(self, item_ids: Iterable[str]) -> int:
        """Return how many rows hold one of some items."""
        return len(self._rows_with(set(item_ids)))

    def teaching(self, item_ids: Iterable[str]) -> tuple[Row, ...]:
        """Return the rows that are learned from and hold one of some items."""
        rows: list[Row] = []
        for batch in batches(sorted(self._rows_with(item_ids))):
            sql = f"SELECT r.body FROM rows r WHERE r.id IN ({marks(len(batch))}) AND"  # noqa: S608
            rows += [
                _row.decode(_bytes(body)) for (body,) in self._rows(sql + alike.LEARNED, batch)
            ]
        return tuple(rows)

    def drafted(self, units: Iterable[str], judge: Judge) -> int:
        """Return how many examples some units would give that are none yet, before redaction."""
        return sum(len(self._new_drafts(unit, judge)) for unit in units)

    def _new_drafts(self, unit: str, judge: Judge) -> set[str]:
        found = {
            draft.key
            for thread in self._threads([unit], judge)
            for draft in drafts_of(thread, self._questions)
        }
        held = self._rows("SELECT pair FROM rows WHERE unit = ?", (unit,))
        return found - {str(pair) for (pair,) in held}

    def units(self, item_ids: Iterable[str]) -> frozenset[str]:
        """Return the units that some items are in: what is made anew when they go."""
        return frozenset(map(self._member, item_ids)) - {""}

    def rows_in(self, units: Iterable[str]) -> int:
        """Return how many rows some units hold."""
        counts = (self._one("SELECT count(*) FROM rows WHERE unit = ?", (u,)) for u in units)
        return sum(int(count or 0) for count in counts)


def _moment(micros: Value) -> datetime | None:
    return None if micros is None else datetime.fromtimestamp(int(micros) / 1e6, UTC)


def _no_stricter(asked: Profile, had: Profile) -> bool:
    """Whether redacting under one profile satisfies another."""
    return strictest((asked, had)) is had


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value
