"""Saying again what a portable copy says that the owner said.

Adding a copy brings items and no permission beyond collecting them: a stranger may have
written it. Names, statements, pauses, retention and corrections come back here, once the
owner has seen what they are. All but corrections go on the record in one page, or not at all.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from console.bootstrap import Twin
from projections.permissions import covering
from vault.collectors.portable import Correction, Named, Said, event_of, person_of, unmasked
from vault.collectors.recalling import recall
from vault.consent import Purpose, Statement, normal
from vault.events import (
    ConsentProhibited,
    ConsentWithdrawn,
    CorrectionMade,
    Event,
    ItemErased,
    MaskedAlias,
    OwnerNamed,
    PersonMerged,
    PersonRelated,
    PersonSplit,
    UsePaused,
)

__all__ = ["Plan", "Reinstated", "Word", "plan", "reinstate"]

_BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """Something that was said; `known_as` are the forms of the person that it is about."""

    at: datetime
    topic: str
    event: Event
    known_as: tuple[str, ...]
    others_known_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would go on the record: names, words in order, corrections by item.

    `already` counts the words and corrections that are on it, `missing` the corrections of
    items that are not here.
    """

    names: tuple[str, ...]
    words: tuple[Word, ...]
    corrections: tuple[tuple[str, str], ...]
    already: int
    missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinstated:
    """What went on the record."""

    names: tuple[str, ...]
    words: tuple[Word, ...]
    corrections: int
    already: int
    missing: int


def plan(twin: Twin, path: Path) -> Plan:
    """Read a copy and return what it would say anew; nothing is changed.

    Raises:
        NotFound: There is no copy.
        TamperError: It is not as it was written.
        ForeignVault: It is of a newer format.
    """
    names: dict[str, None] = {}
    words: list[Word] = []
    made: list[Correction] = []
    for line in recall(path):
        match line:
            case Named():
                names.update(dict.fromkeys(map(normal, line.names)))
            case Said():
                words.append(
                    Word(
                        at=line.at,
                        topic=line.topic,
                        event=_about_people(twin, line),
                        known_as=line.known_as,
                        others_known_as=line.others_known_as,
                    )
                )
            case Correction():
                made.append(line)
    twin.catch_up()
    said, corrected = _on_record(twin)
    known = _said_before([word.event for word in words], said)
    corrections, there, missing = _corrections(twin, made, corrected)
    owned = twin.views.people.owner | {""}
    return Plan(
        names=tuple(name for name in names if name not in owned),
        words=tuple(words[known:]),
        corrections=tuple(corrections),
        already=known + there,
        missing=missing,
    )


def _about_people(twin: Twin, line: Said) -> Event:
    """Return what a line says, with the digests that its people have in this vault."""
    event = event_of(line)
    people = twin.views.people.identities(line.known_as)
    match event:
        case PersonMerged() | PersonRelated():
            return replace(event, people=people)
        case PersonSplit():
            others = twin.views.people.identities(line.others_known_as)
            return replace(event, people=people, others=others)
        case _:
            return event


def reinstate(twin: Twin, planned: Plan) -> Reinstated:
    """Put a plan on the record, and let every view follow."""
    events: list[Event] = []
    if planned.names:
        events.append(OwnerNamed(names=planned.names))
    if links := _links(twin, planned.words):
        # That two forms are one person's may be known from erased items alone, by digests.
        # Here the digests have another key, and no item either: an erasure of nothing
        # carries them, as the erasure there did.
        events.append(ItemErased(item_ids=(), masked=links))
    events += (_masking(twin, word.event) for word in planned.words)
    if events:
        twin.vault.record(*events)
    twin.catch_up()
    for item_id, text in planned.corrections:
        for stored in twin.views.timeline.load([item_id]):
            twin.vault.correct(item_id, stored.item, text)
        twin.catch_up()
    if planned.words:
        twin.suspend_tainted("restored statements")
    return Reinstated(
        names=planned.names,
        words=planned.words,
        corrections=len(planned.corrections),
        already=planned.already,
        missing=planned.missing,
    )


def _on_record(twin: Twin) -> tuple[list[Event], dict[str, list[str]]]:
    """Return what was said here and how items were corrected, both in order."""
    said: list[Event] = []
    corrected: dict[str, list[str]] = defaultdict(list)
    for page in twin.log.pages():
        for entry in page.entries:
            match entry.event:
                case CorrectionMade(item_id=item_id, text=text):
                    corrected[twin.views.timeline.root(item_id)].append(text)
                case event if event is not None:
                    said.append(unmasked(event))
    return said, corrected


def _said_before(wanted: Sequence[object], said: Iterable[object]) -> int:
    """Return how many of the wanted were said, from the first on and in this order."""
    count = 0
    for one in said:
        if count < len(wanted) and one == wanted[count]:
            count += 1
    return count


def _corrections(
    twin: Twin, made: Sequence[Correction], corrected: dict[str, list[str]]
) -> tuple[list[tuple[str, str]], int, int]:
    """Return corrections to be made, how many were, and how many have no item here."""
    wanted: dict[str, list[str]] = defaultdict(list)
    missing = 0
    for start in range(0, len(made), _BATCH):
        batch = made[start : start + _BATCH]
        ids = twin.vault.find([(m.object.source_name, m.object.native_id) for m in batch])
        for one, item_id in zip(batch, ids, strict=True):
            if item_id:
                wanted[item_id].append(one.object.content)
            else:
                missing += 1
    left: list[tuple[str, str]] = []
    for item_id, texts in wanted.items():
        known = _said_before(texts, corrected.get(item_id, ()))
        left += ((item_id, text) for text in texts[known:])
    return left, len(made) - missing - len(left), missing


def _links(twin: Twin, words: Sequence[Word]) -> tuple[MaskedAlias, ...]:
    """Return what makes the persons whom words name as well known here as they were there."""
    return tuple(dict.fromkeys(_unlinked(twin, words)))


def _unlinked(twin: Twin, words: Sequence[Word]) -> Iterator[MaskedAlias]:
    for word in words:
        person = normal(person_of(word.event))
        known = twin.views.people.known_as.get(person, frozenset())
        if person and not known.issuperset(map(normal, word.known_as)):
            yield from twin.views.people.linking((person, *word.known_as))


def _masking(twin: Twin, event: Event) -> Event:
    """Return an event with the people whom it masks in this vault."""
    match event:
        case ConsentProhibited(statement=said) | ConsentWithdrawn(statement=said):
            return replace(event, masked=_masked(twin, said))
        case UsePaused(pause=pause):
            return replace(event, masked=_masked(twin, covering(pause, Purpose.TRAIN)))
        case PersonSplit(people=people, others=others):
            return twin.views.people.parting(people, others)
        case _:
            return event


def _masked(twin: Twin, statement: Statement) -> tuple[MaskedAlias, ...]:
    return twin.masked_of_covered(statement)
