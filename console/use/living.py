"""The life of an item: when it came, what was said of it since, and what a model would see of it."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from console.bootstrap import Twin
from console.use.attachments import Kept, kept
from projections.imports import Import
from projections.timeline import Stored
from vault.consent import Profile, Purpose
from vault.events import (
    CorrectionMade,
    Event,
    ItemCollected,
    ItemRevised,
    LabelCorrected,
)
from vault.follow import Entry
from vault.items import Agent, Precision

__all__ = ["Life", "Masked", "Party", "Piece", "Seen", "Step", "life", "masked"]

_READ = 20_000

What = Literal["collected", "revised", "corrected", "labelled", "unlabelled", "withheld"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What was put on the record of an item, and the signed entry that holds it.

    `label` is the one that was given or taken, `here` says whether this device wrote it.
    """

    what: What
    at: datetime
    entry: str
    here: bool
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Somebody who takes part in an item; `person` is her id, empty where nobody is known by it."""

    name: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """An item as it reads now, and how it came to be.

    `collected` are the words that it had at first, where others stand there now; None where
    they are the same. `read_by` is the number of the import that read it, 0 where none that came to
    its end did.
    """

    id: str
    at: datetime | None
    precision: Precision
    assumed: bool
    type: str
    labels: tuple[str, ...]
    source: str
    conversation: str
    author: Party | None
    to: tuple[Party, ...]
    own: bool
    title: str
    text: str
    collected: str | None
    tags: tuple[str, ...]
    locator: str
    read_by: int
    attachments: tuple[Kept, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a text; `kind` says what is masked in it, empty where nothing is."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """How many things of a kind were masked."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The owner's words of an item beside what a model would see of them.

    `permitted` says whether a model may learn from it at all, `profile` what is masked, by the statement
    that permits it or else the strictest. Where it is not `clean` something private was left, and no
    example is made of it. `whole` is false where only the beginning was read.
    """

    id: str
    permitted: bool
    profile: Profile
    before: tuple[Piece, ...]
    after: str
    clean: bool
    whole: bool
    masked: tuple[Masked, ...]


def life(twin: Twin, item_id: str) -> Life:
    """Return the life of an item, or of the one that an entry belongs to.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
    """
    twin.catch_up()
    timeline = twin.views.timeline
    stored = timeline.show(timeline.root(item_id))
    item = stored.item
    found = [twin.log.entry(entry) for entry in timeline.entries([stored.id])]
    found.sort(key=lambda entry: entry.position)
    first = found[0]
    was = _first_words(first.event)
    return Life(
        id=stored.id,
        at=item.at,
        precision=item.precision,
        assumed=item.assumed,
        type=item.type,
        labels=item.labels,
        source=item.source,
        conversation=item.conversation,
        author=_party(twin, item.author) if item.author else None,
        to=tuple(_party(twin, agent) for agent in item.to),
        own=item.sent,
        title=item.title,
        text=item.text,
        collected=None if was in {None, item.text} else was,
        tags=item.tags,
        locator=item.locator,
        read_by=_read_by(twin, stored, first),
        attachments=kept(twin, item.attachments),
        steps=tuple(_step(twin, entry) for entry in found),
    )


def _first_words(event: Event | None) -> str | None:
    return event.item.text if isinstance(event, ItemCollected) else None


def _party(twin: Twin, agent: Agent) -> Party:
    return Party(
        name=agent.name or agent.id.partition(":")[2] or agent.id,
        person=twin.views.people.person_of(agent),
    )


def _read_by(twin: Twin, stored: Stored, first: Entry) -> int:
    """Return the number of the import that read an item: the first to end after it was collected."""
    ended: Import | None = twin.views.imports.ended_after(first.time, stored.item.source)
    if ended is None or not stored.item.locator.startswith(ended.event.locator):
        return 0
    return ended.number


def _step(twin: Twin, entry: Entry) -> Step:
    label = entry.event.label if isinstance(entry.event, LabelCorrected) else ""
    return Step(
        what=_what(entry.event),
        at=entry.at,
        entry=entry.id,
        here=entry.id.startswith(f"{twin.log.feed.hex()}-"),
        label=label,
    )


def _what(event: Event | None) -> What:
    match event:
        case ItemCollected():
            return "collected"
        case ItemRevised():
            return "revised"
        case CorrectionMade():
            return "corrected"
        case LabelCorrected(holds=holds):
            return "labelled" if holds else "unlabelled"
        case _:
            return "withheld"


def masked(twin: Twin, item_id: str) -> Seen:
    """Return an item's own words beside what a model would see of them.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
    """
    twin.catch_up()
    views = twin.views
    stored = views.timeline.show(views.timeline.root(item_id))
    decision = views.permissions.judge(Purpose.TRAIN, twin.now)(views.people.subject(stored.item))
    profile = decision.redact if decision.permitted else Profile.STRICT
    text = stored.item.own_text
    done = views.training.redactor.redact(text[:_READ], profile)
    pieces: list[Piece] = []
    at = 0
    for span in sorted(done.spans, key=lambda span: span.start):
        pieces.append(Piece(text=text[at : span.start], kind=""))
        pieces.append(Piece(text=text[span.start : span.end], kind=str(span.kind)))
        at = span.end
    pieces.append(Piece(text=text[at:_READ], kind=""))
    counted = Counter(str(span.kind) for span in done.spans)
    return Seen(
        id=stored.id,
        permitted=decision.permitted,
        profile=profile,
        before=tuple(piece for piece in pieces if piece.text),
        after=done.text,
        clean=done.clean,
        whole=len(text) <= _READ,
        masked=tuple(Masked(kind=kind, count=n) for kind, n in sorted(counted.items())),
    )
