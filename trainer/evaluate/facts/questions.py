"""Questions made from a person's own items: some that one item answers, some that none does.

Which items and which of their facts follows from a seed and from ids, never from the order in
which items come. What nothing answers is a question that an item does answer with something
of it exchanged, and counts as one only after a search for it found no item with all of it.
"""

import hashlib
import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import count, islice, zip_longest

from projections.redaction.surrogates import given_names
from projections.timeline import Stored
from trainer.evaluate.facts.finding import Fact, Kind, evidence, facts, language
from trainer.evaluate.facts.grounding import Permitted, Retrieve
from trainer.evaluate.facts.values import alike, plain, words
from trainer.evaluate.facts.wording import content
from trainer.evaluate.facts.wordings import sentence

__all__ = ["Question", "made"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question; without a `gold` nothing answers it, and `item` is the one it was made from."""

    text: str
    kind: Kind
    item: str
    gold: str = ""
    evidence: str = ""
    language: str = "en"


@dataclass(frozen=True, slots=True)
class _Source:
    """An item with one of its facts."""

    stored: Stored
    fact: Fact

    @property
    def text(self) -> str:
        """The question."""
        item, fact = self.stored.item, self.fact
        told = language(item)
        return sentence(told, fact.pattern, item.type, title=fact.title, slot=fact.slot)


_BATCH = 500
_ATTEMPTS = 8
_YEARS = 60


def made(
    items: Iterable[Stored],
    *,
    permitted: Permitted,
    retrieve: Retrieve,
    seed: int = 0,
    limit: int = 100,
    each: int = 1,
) -> tuple[Question, ...]:
    """Return up to `limit` questions that items answer, and up to as many that none does.

    Args:
        items: In any order; only some of them, for each way of asking, are in memory together.
        permitted: Asked for every item before anything of it is read.
        retrieve: The search by which questions are checked.
        seed: Other seeds choose other items and facts.
        limit: How many of either sort at most.
        each: How many questions of one item at most.
    """
    drawn = _drawn(_allowed(items, permitted), seed, 2 * limit)
    used: Counter[str] = Counter()
    sides: dict[bool, list[Question]] = {True: [], False: []}
    for source in drawn:
        side = sides[_place(seed, source.stored.id) % 2 == 0]
        if len(side) < limit and used[source.stored.id] < each:
            answered = side is sides[True]
            asked = _asked(source, retrieve) if answered else _swapped(source, drawn, retrieve)
            side += asked
            used[source.stored.id] += len(asked)
    return (*sides[True], *sides[False])


def _allowed(items: Iterable[Stored], permitted: Permitted) -> Iterator[Stored]:
    items = iter(items)
    while batch := list(islice(items, _BATCH)):
        allowed = permitted([stored.id for stored in batch])
        yield from (stored for stored in batch if stored.id in allowed)


def _drawn(items: Iterable[Stored], seed: int, most: int) -> list[_Source]:
    """Draw facts, so many for each way of asking, and put the ways in turn."""
    kept: dict[str, list[tuple[int, int, _Source]]] = defaultdict(list)
    ties = count()
    for stored in items:
        for fact in facts(stored):
            place = _place(seed, stored.id, fact.pattern, fact.slot)
            heap = kept[fact.pattern]
            push = heapq.heappush if len(heap) < most else heapq.heappushpop
            push(heap, (-place, next(ties), _Source(stored, fact)))
    ways = [[source for *_, source in sorted(kept[way], reverse=True)] for way in sorted(kept)]
    return [source for turn in zip_longest(*ways) for source in turn if source and source.text]


def _place(seed: int, *names: str) -> int:
    """Return where something stands among its like: a number that follows from seed and names."""
    told = hashlib.sha256("\0".join((str(seed), *names)).encode("utf-8", "surrogatepass"))
    return int.from_bytes(told.digest()[:8])


# ---------------------------------------------------------------------- what an item answers


def _asked(source: _Source, retrieve: Retrieve) -> list[Question]:
    """Return the question, unless another item answers it otherwise."""
    text, gold = source.text, plain(source.fact.gold)
    others = (stored for stored in retrieve(text) if stored.id != source.stored.id)
    for other in (_Source(stored, fact) for stored in others for fact in facts(stored)):
        if other.text == text and plain(other.fact.gold) != gold:
            return []
    return [_question(source, gold=source.fact.gold)]


def _question(source: _Source, *, gold: str) -> Question:
    item = source.stored.item
    return Question(
        text=source.text,
        kind=source.fact.kind,
        item=source.stored.id,
        gold=gold,
        evidence=evidence(item),
        language=language(item),
    )


# ---------------------------------------------------------------------- what nothing answers


def _swapped(source: _Source, drawn: Sequence[_Source], retrieve: Retrieve) -> list[Question]:
    """Return the question with something of it exchanged, so that nothing answers it."""
    for fact in islice(_exchanged(source, drawn), _ATTEMPTS):
        swapped = _Source(source.stored, fact)
        said = content(plain(f"{fact.title} {fact.slot}"))
        found = [*retrieve(swapped.text), *retrieve(" ".join(said)), source.stored]
        if said and not any(_holds(stored, said) for stored in found):
            return [_question(swapped, gold="")]
    return []


def _exchanged(source: _Source, drawn: Sequence[_Source]) -> Iterator[Fact]:
    """Yield a fact with what others of its kind are about: a thing, a name, half a title, a day."""
    fact, stored = source.fact, source.stored
    if fact.pattern in _OF_PEOPLE:
        names = given_names()
        start = _place(0, stored.id, fact.slot)
        yield from (replace(fact, slot=names[(start + n) % len(names)]) for n in range(_ATTEMPTS))
        return
    peers = [other for other in drawn if other.fact.pattern == fact.pattern]
    peers.sort(key=lambda other: _place(0, stored.id, other.stored.id, other.fact.slot))
    if fact.slot and fact.title:
        yield from (replace(fact, slot=other.fact.slot) for other in peers)
    elif fact.slot:
        yield from (replace(fact, slot=_crossed(fact.slot, other.fact.slot)) for other in peers)
    elif _is_day(fact.title):
        at = date.fromisoformat(fact.title)
        yield replace(
            fact, title=at.replace(year=at.year - _YEARS, day=min(at.day, 28)).isoformat()
        )
    else:
        yield from (replace(fact, title=_crossed(fact.title, other.fact.title)) for other in peers)


_OF_PEOPLE = frozenset({"lives", "works", "allergic", "birthday"})


def _crossed(one: str, other: str) -> str:
    """Return the first half of the words of one and the second half of another's."""
    first, second = one.split(), other.split()
    return " ".join([*first[: (len(first) + 1) // 2], *second[len(second) // 2 :]])


def _is_day(title: str) -> bool:
    try:
        return bool(date.fromisoformat(title))
    except ValueError:
        return False


def _holds(stored: Stored, said: Sequence[str]) -> bool:
    """Whether an item has all of some words, in whatever form."""
    item = stored.item
    there = {*words(plain(f"{item.title} {item.text} {evidence(item)}"))}
    return all(word in there or any(alike(word, other) for other in there) for word in said)
