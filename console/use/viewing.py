"""Looking: items, and training views before and after redaction."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from itertools import islice
from pathlib import Path

from console.bootstrap import Twin
from console.use.attachments import Kept, kept
from projections.exports.card import Residual
from projections.redaction import canaries
from projections.training import Training
from vault.aliases import forms
from vault.consent import Profile
from vault.errors import NotFound

__all__ = [
    "Built",
    "Conversation",
    "Piece",
    "Preview",
    "Sample",
    "Seen",
    "Shown",
    "ViewStats",
    "a_small_conversation",
    "build",
    "counts",
    "preview",
    "received_types",
    "risks",
    "seen",
    "show",
    "stats",
    "use_names",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One item as a person reads it."""

    id: str
    at: datetime | None
    type: str
    source: str
    conversation: str
    author: str
    title: str
    text: str
    tags: tuple[str, ...]
    attachments: tuple[Kept, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """How many rows the training view has, and how far it read."""

    rows: int
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Words of an item beside what a model would see of them."""

    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A few rows."""

    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A run of words, and whether they were put in the place of others."""

    text: str
    is_masked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An example as a model sees it, beside what was written.

    `before` are the messages that it answers, each with who says it (`user` is somebody else,
    `assistant` the owner); only `answer` is learned. `own` are the owner's words as they were.
    """

    pair: str
    type: str
    at: datetime | None
    before: tuple[tuple[str, str], ...]
    answer: tuple[Piece, ...]
    own: str
    masked: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewStats:
    """What the training view holds, and what was masked in its learned words, by kind.

    `risks` are measured under `profile`, the least strict that a row was redacted under.
    """

    rows: int
    train: int
    held: int
    by_type: tuple[tuple[str, int], ...]
    by_kind: tuple[tuple[str, int], ...]
    by_source: tuple[tuple[str, int], ...]
    by_style: tuple[tuple[str, int], ...]
    by_tag: tuple[tuple[str, int], ...]
    by_year: tuple[tuple[str, int], ...]
    redacted: tuple[tuple[str, int], ...]
    left_out: tuple[tuple[str, int], ...]
    refused: int
    duplicates: int
    examples: tuple[Sample, ...]
    profile: Profile | None
    risks: tuple[Residual, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation, what a person would call it, and the type that its messages share."""

    name: str
    title: str
    type: str
    items: int


def show(twin: Twin, item_id: str) -> Shown:
    """Show one item; the owner may always see her own vault.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
    """
    twin.catch_up()
    stored = twin.views.timeline.show(item_id)
    item = stored.item
    return Shown(
        id=stored.id,
        at=item.at,
        type=item.type,
        source=item.source,
        conversation=item.conversation,
        author=(item.author.name or item.author.id) if item.author else "",
        title=item.title,
        text=item.text,
        tags=item.tags,
        attachments=kept(twin, item.attachments),
    )


def build(
    twin: Twin, progress: Callable[[int, int], None] | None = None, *, view: str = ""
) -> Built:
    """Bring every view to the end of the log.

    Raises:
        NotFound: There is no such view.
    """
    position = twin.catch_up(progress)
    twin.views.settle(twin.now)
    return Built(rows=len(twin.rows(view=view)), position=position)


def use_names(twin: Twin, folder: Path | None) -> Built:
    """Guess names with the model in a folder too, and make the rows anew.

    Raises:
        BaseRefused: There is no such model in the folder.
    """
    twin.use_names(folder)
    return build(twin)


def preview(twin: Twin, count: int, *, view: str = "") -> Preview:
    """Show a few rows, those with most masked first."""
    twin.catch_up()
    found = twin.views.named(view).preview(count, twin.now)
    return Preview(samples=tuple(Sample(before=one.before, after=one.after) for one in found))


def seen(twin: Twin, count: int, *, most_masked: bool = False, view: str = "") -> tuple[Seen, ...]:
    """Show some examples exactly as a model would see them now.

    Args:
        twin: The opened vault.
        count: How many at most.
        most_masked: Those with most masked first; else a fair draw, the same every time.
        view: Whose.
    """
    twin.catch_up()
    drawn = twin.views.named(view).drawn(count, twin.now, most_masked=most_masked)
    return tuple(
        Seen(
            pair=one.row.facts.pair,
            type=one.row.facts.type,
            at=one.row.at,
            before=tuple((said.role, said.content) for said in one.row.messages[:-1]),
            answer=_pieces(one.before, one.after),
            own=one.before,
            masked=one.row.facts.masked,
        )
        for one in drawn
    )


def _pieces(before: str, after: str) -> tuple[Piece, ...]:
    """Cut words where they are others than before."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    if max(len(old), len(new)) > _COMPARED:
        return (Piece(text=after, is_masked=False),)
    found = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple(
        Piece(text="".join(new[start:end]), is_masked=what != "equal")
        for what, _, _, start, end in found
        if end > start
    )


def stats(twin: Twin, *, view: str = "") -> ViewStats:
    """Count what a training view holds, show examples, and estimate what may be left."""
    twin.catch_up()
    training = twin.views.named(view)
    found = training.stats(twin.now)
    shown = training.preview(_EXAMPLES, twin.now)
    counts = found.counts
    split = dict(counts.by_split)
    return ViewStats(
        rows=counts.rows,
        train=split.get("train", 0),
        held=split.get("held", 0),
        by_type=counts.by_type,
        by_kind=counts.by_kind,
        by_source=counts.by_source,
        by_style=counts.by_style,
        by_tag=counts.by_tag,
        by_year=counts.by_year,
        redacted=tuple(sorted(counts.masked, key=lambda kind: (-kind[1], kind[0]))),
        left_out=tuple(found.left_out.items()),
        refused=found.refused,
        duplicates=found.duplicates,
        examples=tuple(Sample(before=one.before, after=one.after) for one in shown),
        profile=found.profile,
        risks=tuple(risks(twin, training, found.profile)) if found.profile else (),
    )


def risks(twin: Twin, training: Training, profile: Profile) -> Iterator[Residual]:
    """Send canaries, invented or of people of the vault, the way that the rows went."""
    redactor = training.redactor

    def redact(text: str) -> str | None:
        done = redactor.redact(text, profile)
        return done.text if done.clean else None

    people = (one for one in twin.views.people.persons() if one.names and not one.owner)
    # What one calls one's own family, or a group in small letters, names nobody.
    called = (one.names[0] for one in people if not one.names[0].islower())
    named = (name for name in called if any(forms(f"name:{name}")))
    known = [canaries.Person(name) for name in islice(named, _CANARIES_KNOWN)]
    planted = canaries.plant(_SEED, known, rounds=_ROUNDS, unknown=_CANARIES_UNKNOWN)
    for one in canaries.estimate(redact, planted).shares:
        yield Residual(of=one.group, planted=one.planted, left=one.survived, at_most=one.upper)


def counts(twin: Twin) -> tuple[tuple[str, int], ...]:
    """Count items by data type."""
    found = Counter[str]()
    for (_, data_type), number in twin.views.timeline.counts().items():
        found[data_type] += number
    return tuple(sorted(found.items()))


def received_types(twin: Twin) -> tuple[str, ...]:
    """Return the types of other people's words in the vault."""
    return tuple(name for name, _ in counts(twin) if name.endswith(".received"))


def a_small_conversation(twin: Twin) -> Conversation:
    """Return a conversation to try a withdrawal on: a chat with some of the owner's messages.

    Where there is no chat, any conversation of hers; the smallest that has at least twenty
    items of hers, or the largest.

    Raises:
        NotFound: She wrote in no conversation.
    """
    found = Counter[tuple[str, str, str]]()
    titles: dict[str, str] = {}
    for stored in twin.views.timeline.everything():
        item = stored.item
        if item.sent and item.conversation:
            found[item.conversation, item.type.removesuffix(".sent"), item.source] += 1
            titles.setdefault(item.conversation, item.title)
    if not found:
        raise NotFound("Nothing here was written by you; name yourself with ME= and try again.")
    chats = {key: n for key, n in found.items() if key[1].startswith("message.chat")} or found
    enough = {key: n for key, n in chats.items() if n >= _ENOUGH}
    (name, data_type, _), number = (
        min(enough.items(), key=lambda one: (one[1], one[0]))
        if enough
        else max(chats.items(), key=lambda one: (one[1], one[0]))
    )
    is_chat = data_type.startswith("message.chat")
    title = name if is_chat else titles[name] or name
    return Conversation(name=name, title=title, type=data_type, items=number)


_WORDS = re.compile(r"\w+|\W", re.DOTALL)
_COMPARED = 2000
_ENOUGH = 20
_EXAMPLES = 3
_SEED = 1
_ROUNDS = 3
_CANARIES_KNOWN = 20
_CANARIES_UNKNOWN = 150
