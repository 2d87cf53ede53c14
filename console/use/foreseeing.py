"""What forgetting would take away, looked at first; and forgetting exactly that, or nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from console.bootstrap import Twin
from console.looking import taught
from console.use import forgetting
from console.use.forgetting import Forgotten, WrittenOut
from vault.errors import UsageError

__all__ = ["Choice", "Foreseen", "Glimpse", "Meant", "called", "foresee", "forget"]

_GLIMPSES = 5
_MENTIONS = 50
_WORDS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which items are meant: those that every filter given is about."""

    item: str = ""
    person: str = ""
    conversation: str = ""
    source: str = ""
    type: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen."""
        return self == Choice()


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """An item that would go, its words cut short."""

    id: str
    at: datetime | None
    type: str
    author: str
    title: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What was looked at, without a word of it.

    `items` is how many there were, `mark` stands for exactly these items and models.
    """

    choice: Choice
    mark: str
    items: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen(Meant):
    """What would go.

    `mentions` are the first of `mentioned` other items that quote them, and would stay; `pod`
    is the linked pod, which would be told; `written_out` would stay where they are.
    """

    keys: int
    rows: int
    models: tuple[str, ...]
    by_type: tuple[tuple[str, int], ...]
    first_at: datetime | None
    last_at: datetime | None
    glimpses: tuple[Glimpse, ...] = field(repr=False)
    mentioned: int
    mentions: tuple[str, ...]
    written_out: tuple[WrittenOut, ...]
    pod: str


def called(twin: Twin, name: str) -> str:
    """Return the form by which a person is meant, whom an id, a name or an address names.

    Raises:
        UsageError: Several people may be meant.
    """
    twin.catch_up()
    found = twin.views.people.called(name)
    if len(found) > 1:
        raise UsageError(
            "Several people may be meant; open the page of the one you mean, and forget from there."
        )
    return twin.views.people.form_of(found[0]) if found else name


def foresee(twin: Twin, choice: Choice) -> Foreseen:
    """Say what forgetting would take away; nothing is changed.

    Raises:
        NotFound: No item matches.
        UsageError: Nothing was chosen.
    """
    ids = _meant(twin, choice)
    gone = forgetting.preview(twin, ids)
    by_type, times = Counter[str](), list[datetime]()
    for stored in twin.views.timeline.stated(ids):
        by_type[stored.item.type] += 1
        times += [stored.item.at] if stored.item.at else []
    return Foreseen(
        choice=choice,
        mark=_mark(ids, gone.models_suspended),
        items=gone.items,
        keys=gone.keys_destroyed,
        rows=gone.rows_removed,
        models=gone.models_suspended,
        by_type=tuple(sorted(by_type.items(), key=lambda one: (-one[1], one[0]))),
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        glimpses=_glimpses(twin, ids[-_GLIMPSES:]),
        mentioned=len(gone.mentions),
        mentions=gone.mentions[:_MENTIONS],
        written_out=gone.written_out,
        pod=twin.pod.linked.url if twin.is_linked else "",
    )


def forget(twin: Twin, seen: Meant) -> Forgotten:
    """Forget what was foreseen, if that is still what would go.

    Raises:
        UsageError: Something else would go now; nothing was forgotten.
    """
    ids = _meant(twin, seen.choice)
    if _mark(ids, taught(twin, ids)) != seen.mark:
        raise UsageError(
            f"What would go has changed since you looked: {seen.items:,} items then, "
            f"{len(ids):,} now, or other models. Nothing was forgotten; look at it again."
        )
    return forgetting.forget(twin, ids)


def _meant(twin: Twin, choice: Choice) -> tuple[str, ...]:
    if choice.is_empty:
        raise UsageError("Say what is to be forgotten: fill in at least one of the fields.")
    return forgetting.plan(
        twin,
        item_id=choice.item,
        conversation=choice.conversation,
        person=choice.person,
        source=choice.source,
        data_type=choice.type,
        since=choice.since,
        until=choice.until,
    )


def _mark(ids: Sequence[str], models: Sequence[str]) -> str:
    return sha256("\n".join((*sorted(ids), "", *models)).encode()).hexdigest()


def _glimpses(twin: Twin, ids: Sequence[str]) -> tuple[Glimpse, ...]:
    found = []
    for stored in twin.views.timeline.load(ids):
        item = stored.item
        found.append(
            Glimpse(
                id=stored.id,
                at=item.at,
                type=item.type,
                author=(item.author.name or item.author.id) if item.author else "",
                title=item.title,
                words=item.text[:_WORDS] + ("…" if len(item.text) > _WORDS else ""),
            )
        )
    return tuple(found)
