"""Looking: items, search, and the training view before and after redaction."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from console.bootstrap import Twin
from projections import export as lines
from projections.redaction import canaries
from projections.search import Hit
from vault.aliases import forms
from vault.consent import Profile
from vault.errors import NotFound, StorageError

__all__ = [
    "Built",
    "Conversation",
    "Hits",
    "Preview",
    "Risk",
    "Sample",
    "Shown",
    "ViewStats",
    "Written",
    "a_small_conversation",
    "build",
    "counts",
    "export",
    "preview",
    "received_types",
    "search",
    "show",
    "stats",
    "use_names",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What a search found."""

    hits: tuple[Hit, ...]


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
class Risk:
    """How many invented secrets of a group came through redaction, of those that were planted.

    `at_most` is what their share lies below with 95 % confidence.
    """

    of: str
    planted: int
    left: int
    at_most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewStats:
    """What the training view holds, and what was masked in its learned words, by kind.

    `risks` are measured under `profile`, the least strict that a row was redacted under.
    """

    rows: int
    train: int
    held: int
    by_type: tuple[tuple[str, int], ...]
    redacted: tuple[tuple[str, int], ...]
    refused: int
    duplicates: int
    examples: tuple[Sample, ...]
    profile: Profile | None
    risks: tuple[Risk, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How many rows were written, and where."""

    rows: int
    out: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """A conversation, what a person would call it, and the type that its messages share."""

    name: str
    title: str
    type: str
    items: int


def search(twin: Twin, query: str, limit: int) -> Hits:
    """Find words in what may be searched."""
    twin.catch_up()
    return Hits(hits=tuple(twin.views.search.find(query, now=twin.vault.now(), limit=limit)))


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
    )


def build(twin: Twin, progress: Callable[[int, int], None] | None = None) -> Built:
    """Bring every view to the end of the log."""
    position = twin.catch_up(progress)
    twin.views.settle(twin.vault.now())
    return Built(rows=len(twin.rows()), position=position)


def use_names(twin: Twin, folder: Path | None) -> Built:
    """Guess names with the model in a folder too, and make the rows anew.

    Raises:
        BaseRefused: There is no such model in the folder.
    """
    twin.use_names(folder)
    return build(twin)


def preview(twin: Twin, count: int) -> Preview:
    """Show a few rows, those with most masked first."""
    twin.catch_up()
    found = twin.views.training.preview(count, twin.vault.now())
    return Preview(samples=tuple(Sample(before=one.before, after=one.after) for one in found))


def stats(twin: Twin) -> ViewStats:
    """Count what the training view holds, show examples, and estimate what may be left."""
    twin.catch_up()
    now = twin.vault.now()
    found = twin.views.training.stats(now)
    shown = twin.views.training.preview(_EXAMPLES, now)
    return ViewStats(
        rows=found.rows,
        train=found.by_split.get("train", 0),
        held=found.by_split.get("held", 0),
        by_type=tuple(sorted(found.by_type.items())),
        redacted=tuple(sorted(found.masked.items(), key=lambda kind: (-kind[1], kind[0]))),
        refused=found.refused,
        duplicates=found.duplicates,
        examples=tuple(Sample(before=one.before, after=one.after) for one in shown),
        profile=found.profile,
        risks=tuple(_risks(twin, found.profile)) if found.profile else (),
    )


def _risks(twin: Twin, profile: Profile) -> Iterator[Risk]:
    """Send canaries, invented or of people of the vault, the way that the rows went."""
    redactor = twin.views.training.redactor

    def redact(text: str) -> str | None:
        done = redactor.redact(text, profile)
        return done.text if done.clean else None

    people = (one for one in twin.views.people.persons() if one.names and not one.owner)
    # What one calls one's own family names nobody.
    named = (one.names[0] for one in people if any(forms(f"name:{one.names[0]}")))
    known = [canaries.Person(name) for name in islice(named, _CANARIES_KNOWN)]
    planted = canaries.plant(_SEED, known, rounds=_ROUNDS, unknown=_CANARIES_UNKNOWN)
    for one in canaries.estimate(redact, planted).shares:
        yield Risk(of=one.group, planted=one.planted, left=one.survived, at_most=one.upper)


def export(twin: Twin, out: Path) -> Written:
    """Write the training view as JSON Lines of chat messages, whole or not at all.

    Raises:
        StorageError: The file cannot be written.
    """
    twin.catch_up()
    draft = out.with_name(out.name + ".part")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)
        with draft.open("w", encoding="utf-8") as file:
            count = lines.write(twin.rows(), file)
        draft.replace(out)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise StorageError(f"{out} cannot be written ({error.strerror}); name another.") from error
    return Written(rows=count, out=out.absolute())


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


_ENOUGH = 20
_EXAMPLES = 3
_SEED = 1
_ROUNDS = 3
_CANARIES_KNOWN = 20
_CANARIES_UNKNOWN = 150
