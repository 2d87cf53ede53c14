"""Looking at what items are about, and saying better."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from console.bootstrap import Twin
from projections.embed import MINILM, STATIC, chosen
from projections.errors import NoEmbedder
from projections.labels import Found
from vault.consent import SENSITIVE, Purpose
from vault.errors import UsageError

__all__ = [
    "Explained",
    "Labelled",
    "Listed",
    "Relabelled",
    "Used",
    "clear",
    "explain",
    "listed",
    "put",
    "use",
]

_SNIPPET = 80
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """An item beside one matter: the score of its words, whether it counts, and who said so.

    `by` is `you`, `words` or `source`; a source gives no score.
    """

    id: str
    at: datetime | None
    type: str
    label: str
    score: float | None
    holds: bool
    by: str
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Some items with a label, and how many items have which label in all."""

    items: tuple[Labelled, ...]
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Whether an item may be used for a purpose now, and why."""

    purpose: Purpose
    permitted: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Everything that is thought of one item, and what follows from it."""

    id: str
    labels: tuple[Labelled, ...]
    uses: tuple[Use, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelled:
    """A correction, as it went on the record; `changed` is false where it was said before.

    `others` counts the items that say nearly the same and whose labels changed with it.
    """

    id: str
    label: str
    holds: bool
    changed: bool
    others: int
    models_suspended: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What labels are made with from now on, and how many items were read with it."""

    embedder: str
    items: int


def listed(twin: Twin, label: str = "", *, unsure: bool = False, limit: int = 20) -> Listed:
    """List items with their labels, the likeliest first.

    Args:
        twin: The opened vault.
        label: One matter only.
        unsure: Those nearest to the border first, on either side of it.
        limit: How many at most.

    Raises:
        UsageError: The label is none.
    """
    _check(label)
    twin.catch_up()
    found = [one for one in _everything(twin) if not label or one.label == label]
    counts: dict[str, int] = {}
    for one in found:
        counts[one.label] = counts.get(one.label, 0) + one.holds
    if unsure:
        guessed = [one for one in found if one.by == "words" and one.distance < _UNSURE]
        guessed.sort(key=lambda one: (one.distance, one.id, one.label))
        chosen_ = guessed
    else:
        chosen_ = sorted(
            (one for one in found if one.holds),
            key=lambda one: (-(1.0 if one.score is None else one.score), one.id, one.label),
        )
    return Listed(
        items=tuple(_shown(twin, one) for one in islice(chosen_, limit)),
        counts=tuple(sorted((name, n) for name, n in counts.items() if n)),
    )


_UNSURE = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thought:
    """What is thought of an item and one matter, before its words are read."""

    id: str
    label: str
    score: float | None
    distance: float
    holds: bool
    by: str


def _everything(twin: Twin) -> Iterator[_Thought]:
    ids = twin.views.labels.ids()
    for start in range(0, len(ids), _BATCH):
        yield from _thoughts(twin, ids[start : start + _BATCH])


def _thoughts(twin: Twin, ids: tuple[str, ...]) -> Iterator[_Thought]:
    """Yield what is thought of some items: by their words, then by source and owner alone."""
    said = {(item, label): holds for item, label, holds in twin.views.timeline.corrected_labels()}
    stated = {one.id: set(one.item.labels) for one in twin.views.timeline.stated(ids)}
    for found in twin.views.labels.scores(ids):
        own = said.get((found.id, found.label))
        by_source = found.label in stated.get(found.id, ())
        stated.get(found.id, set()).discard(found.label)
        yield _Thought(
            id=found.id,
            label=found.label,
            score=found.score,
            distance=abs(found.score - found.threshold),
            holds=own if own is not None else found.holds or by_source,
            by=_by(own, found, by_source=by_source),
        )
    for id_, labels in stated.items():
        for label in sorted(labels):
            by = "you" if (id_, label) in said else "source"
            yield _Thought(id=id_, label=label, score=None, distance=1.0, holds=True, by=by)


def _by(own: bool | None, found: Found, *, by_source: bool) -> str:
    if own is not None:
        return "you"
    return "source" if by_source and not found.holds else "words"


def _shown(twin: Twin, one: _Thought) -> Labelled:
    stored = twin.views.timeline.show(one.id)
    text = " ".join(f"{stored.item.title} {stored.item.own_text}".split())
    return Labelled(
        id=one.id,
        at=stored.item.at,
        type=stored.item.type,
        label=one.label,
        score=one.score,
        holds=one.holds,
        by=one.by,
        snippet=text if len(text) <= _SNIPPET else text[: _SNIPPET - 1].rstrip() + "…",
    )


def explain(twin: Twin, item_id: str) -> Explained:
    """Say what is thought of an item, and whether it may be searched and learned from.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
    """
    twin.catch_up()
    twin.views.timeline.show(item_id)
    now = twin.vault.now()
    thoughts = sorted(_thoughts(twin, (item_id,)), key=lambda t: (not t.holds, -(t.score or 1.0)))
    decided = {
        Purpose.SEARCH: twin.views.search.decide(item_id, now),
        Purpose.TRAIN: twin.views.permissions.decide(item_id, Purpose.TRAIN, now),
    }
    return Explained(
        id=item_id,
        labels=tuple(_shown(twin, one) for one in thoughts),
        uses=tuple(
            Use(purpose=purpose, permitted=one.permitted, reason=one.reason)
            for purpose, one in decided.items()
        ),
    )


def put(twin: Twin, item_id: str, label: str) -> Relabelled:
    """Say that an item is about a matter.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
        UsageError: The label is none.
    """
    return _say(twin, item_id, label, holds=True)


def clear(twin: Twin, item_id: str, label: str) -> Relabelled:
    """Say that an item is not about a matter; what raises is what `put` raises."""
    return _say(twin, item_id, label, holds=False)


def _say(twin: Twin, item_id: str, label: str, *, holds: bool) -> Relabelled:
    twin.catch_up()
    item = twin.views.timeline.show(item_id).item
    _check(label)
    changed = (item_id, label, holds) not in twin.views.timeline.corrected_labels()
    others = twin.views.labels.swayable() if changed else ()
    before = twin.views.labels.computed(list(twin.views.timeline.stated(others)))
    if changed:
        twin.vault.label(item_id, item, label, holds=holds)
        twin.catch_up()
        twin.views.settle(twin.vault.now())
    after = twin.views.labels.computed(list(twin.views.timeline.stated(others)))
    return Relabelled(
        id=item_id,
        label=label,
        holds=holds,
        changed=changed,
        others=sum(before[one] != after[one] for one in others if one != item_id),
        models_suspended=twin.suspend_tainted(f"label {label}") if changed else (),
    )


def _check(label: str) -> None:
    if label and label not in SENSITIVE:
        raise UsageError(
            f"{label!r} is not a label; a label is one of {', '.join(sorted(SENSITIVE))}."
        )


def use(twin: Twin, name: str) -> Used:
    """Make labels with another embedder from now on, and read every item again.

    Raises:
        NoEmbedder: It is not installed here; labels stay as they are.
    """
    name = name if name in {STATIC, MINILM} else str(Path(name).absolute())
    embedder = chosen(name)
    if not embedder.embed(["a word"]):
        raise NoEmbedder(f"{name} makes no vectors; `twin labels use static` always works.")
    twin.use_embedder(name)
    twin.catch_up()
    twin.views.settle(twin.vault.now())
    return Used(embedder=name, items=len(twin.views.labels.ids()))
