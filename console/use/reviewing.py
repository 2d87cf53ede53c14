"""Examples, one by one: read, approved, rejected, put in the owner's own words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from unicodedata import normalize

from console.bootstrap import Twin
from projections.curate.bias import Bias, Seen
from projections.curate.bias import report as weighed
from projections.pairs import LeftOut
from projections.reviews import APPROVED, EDITED, REJECTED, Review
from projections.rows import Message, Row
from projections.who import forms_of
from vault.errors import NotFound, UsageError
from vault.events import PairReviewed

__all__ = [
    "Example",
    "Listed",
    "Pair",
    "Reviewed",
    "Words",
    "approve",
    "edit",
    "example",
    "listed",
    "reject",
    "report",
    "words",
]

_SHORTEST = 4
_MANY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An example as a model would see it; `verdict` is what the owner said of it, if anything."""

    pair: str
    kind: str
    split: str
    at: datetime | None
    type: str
    style: str
    tags: tuple[str, ...]
    verdict: str
    prompt: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Some examples, how many there are, and those of which none was made."""

    pairs: tuple[Pair, ...]
    of: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One example, whole: as a model would see it, and the words that it was made from.

    `items` are those whose words are learned, `masked` says what was replaced in these words, by
    kind, and `position` where the owner's newest word on it stands in the log (0: she said none).
    """

    pair: str
    kind: str
    split: str
    at: datetime | None
    type: str
    source: str
    style: str
    tags: tuple[str, ...]
    profile: str
    masked: tuple[tuple[str, int], ...]
    items: tuple[str, ...]
    verdict: str
    position: int
    messages: tuple[Message, ...]
    prompt: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The last question and the answer of an example, before they are redacted."""

    pair: str
    prompt: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """What went on the record; `changed` is false where it was said before."""

    pair: str
    verdict: str
    changed: bool


def listed(
    twin: Twin,
    *,
    view: str = "",
    kind: str = "",
    tag: str = "",
    verdict: str = "",
    reason: str = "",
    limit: int = 20,
    after: str = "",
) -> Listed:
    """List examples in the order of their names.

    Args:
        twin: The opened vault.
        view: Whose.
        kind: Only of this kind.
        tag: Only with this tag.
        verdict: Only those that the owner approved, edited or rejected.
        reason: Of those of which none was made, only those left out for it.
        limit: How many at most.
        after: Only those behind this name.

    Raises:
        NotFound: There is no such view.
    """
    twin.catch_up()
    training, now = twin.views.named(view), twin.now
    pairs = twin.views.reviews.pairs(verdict) if verdict else None

    def wanted(after: str) -> Iterator[Row]:
        rows = training.by_name(kind=kind, after=after, pairs=pairs, now=now)
        return (row for row in rows if not tag or tag in row.facts.tags)

    shown = tuple(islice(wanted(after), limit))
    said = twin.views.reviews.of(row.facts.pair for row in shown)
    is_plain = not (tag or verdict or training.definition.most or training.definition.augment)
    return Listed(
        pairs=tuple(_pair(row, said.get(row.facts.pair)) for row in shown),
        of=sum(training.counted(kind).values()) if is_plain else sum(1 for _ in wanted("")),
        left_out=training.left_out(after=after, reason=reason or verdict, limit=limit),
    )


def _pair(row: Row, said: Review | None) -> Pair:
    facts = row.facts
    return Pair(
        pair=facts.pair,
        kind=facts.kind,
        split=row.split,
        at=row.at,
        type=facts.type,
        style=facts.style,
        tags=facts.tags,
        verdict=said.verdict if said else "",
        prompt=row.messages[-2].content,
        answer=row.messages[-1].content,
    )


def example(twin: Twin, name: str, *, view: str = "") -> Example | LeftOut:
    """Return an example, or why none was made of it; `prompt` and `answer` are not yet redacted.

    Raises:
        NotFound: There is no such example.
        UsageError: Several begin so.
    """
    twin.catch_up()
    if out := _left_out(twin, name, view):
        return out
    row = _the_row(twin, name, view)
    sample, facts = twin.views.named(view).sample(row, twin.now), row.facts
    said = twin.views.reviews.of([facts.pair]).get(facts.pair)
    return Example(
        pair=facts.pair,
        kind=facts.kind,
        split=row.split,
        at=row.at,
        type=facts.type,
        source=facts.source,
        style=facts.style,
        tags=facts.tags,
        profile=facts.profile.value,
        masked=facts.masked,
        items=facts.learned,
        verdict=said.verdict if said else "",
        position=said.position if said else 0,
        messages=row.messages,
        prompt=sample.prompt,
        answer=sample.before,
    )


def words(twin: Twin, name: str, *, view: str = "") -> Words:
    """Return what an example says before it is redacted, to be edited.

    Raises:
        NotFound: There is no such example.
        UsageError: Several begin so.
    """
    twin.catch_up()
    row = _the_row(twin, name, view)
    sample = twin.views.named(view).sample(row, twin.now)
    return Words(pair=row.facts.pair, prompt=sample.prompt, answer=sample.before)


def approve(twin: Twin, name: str, *, view: str = "", believed: int | None = None) -> Reviewed:
    """Put on the record that an example is good; what was rejected comes back.

    Raises:
        NotFound: There is no such example.
        UsageError: Several begin so.
    """
    return _review(twin, name, APPROVED, view=view, believed=believed)


def reject(twin: Twin, name: str, *, view: str = "", believed: int | None = None) -> Reviewed:
    """Put on the record that nothing is to be learned from an example.

    Raises:
        NotFound: There is no such example.
        UsageError: Several begin so.
    """
    return _review(twin, name, REJECTED, view=view, believed=believed)


def edit(
    twin: Twin,
    name: str,
    *,
    prompt: str,
    answer: str,
    view: str = "",
    believed: int | None = None,
) -> Reviewed:
    """Put other words in the place of an example's; they are redacted like all others.

    Raises:
        NotFound: There is no such example.
        UsageError: Several begin so, or there is no answer.
    """
    asked, said = (
        normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
        for text in (prompt, answer)
    )
    if not said:
        raise UsageError("There is no answer to learn; `twin pairs reject` leaves the example out.")
    return _review(twin, name, EDITED, view=view, prompt=asked, answer=said, believed=believed)


def _review(
    twin: Twin,
    name: str,
    verdict: str,
    *,
    view: str,
    prompt: str = "",
    answer: str = "",
    believed: int | None,
) -> Reviewed:
    twin.catch_up()
    pair, items = _named(twin, name, view)
    said = twin.views.reviews.of([pair]).get(pair)
    if believed not in {None, said.position if said else 0}:
        raise UsageError(
            "This changed meanwhile: you said something else of the example. Look at it again, "
            "then decide."
        )
    same = said is not None and (said.verdict, said.prompt, said.answer) == (
        verdict,
        prompt,
        answer,
    )
    if not same:
        event = PairReviewed(
            pair=pair, item_ids=items, verdict=verdict, prompt=prompt, answer=answer
        )
        twin.vault.review(event, twin.views.timeline.show(items[0]).item)
        twin.catch_up()
    return Reviewed(pair=pair, verdict=verdict, changed=not same)


def _named(twin: Twin, name: str, view: str) -> tuple[str, tuple[str, ...]]:
    """Return the name of an example, made or left out, and the items whose words it teaches."""
    if out := _left_out(twin, name, view):
        return out.pair, out.items
    row = _the_row(twin, name, view)
    return row.facts.pair, row.facts.learned


def _left_out(twin: Twin, name: str, view: str) -> LeftOut | None:
    out = twin.views.named(view).left_out(name, limit=2) if len(name) >= _SHORTEST else ()
    return out[0] if len(out) == 1 and not twin.views.named(view).pair(name, twin.now) else None


def _the_row(twin: Twin, name: str, view: str) -> Row:
    if len(name) < _SHORTEST:
        raise UsageError(f"Give at least {_SHORTEST} letters of the example's name.")
    rows = twin.views.named(view).pair(name, twin.now)
    permitted = twin.still_permitted(rows)
    found = {row.facts.pair: row for row in rows if row.id in permitted}
    if not found:
        raise NotFound(f"There is no example {name!r}; `twin pairs list` shows their names.")
    if len(found) > 1:
        raise UsageError(f"Several examples begin with {name!r}; give more of the name.")
    return next(iter(found.values()))


def report(twin: Twin, view: str = "") -> Bias:
    """Say whose words, which sources, types, times and tags dominate what would be learned."""
    twin.catch_up()
    return weighed(_seen(twin, twin.rows(view=view)))


def _seen(twin: Twin, rows: tuple[Row, ...]) -> Iterator[Seen]:
    names = _names(twin)
    for start in range(0, len(rows), _MANY):
        batch = rows[start : start + _MANY]
        wanted = {item for row in batch for item in row.facts.learned}
        whom = {
            stored.id: {
                names[form]
                for agent in stored.item.people
                for text in (agent.id, agent.name)
                for form in forms_of(text)
                if form in names
            }
            for stored in twin.views.timeline.load(sorted(wanted))
        }
        for row in batch:
            facts = row.facts
            yield Seen(
                people=tuple(sorted(set().union(*(whom.get(item, ()) for item in facts.learned)))),
                source=facts.source,
                type=facts.type,
                kind=facts.kind,
                style=facts.style,
                tags=facts.tags,
                at=row.at,
                characters=len(row.messages[-1].content),
            )


def _names(twin: Twin) -> dict[str, str]:
    """Return what everybody but the owner is called, by each form that she is known by."""
    return {
        form: (person.names or person.addresses)[0]
        for person in twin.views.people.persons()
        if not person.owner
        for text in (*person.names, *person.addresses)
        for form in forms_of(text)
    }
