"""What was hidden, at what cost to other words; whose name it was.

An entity is hidden where every letter and digit of it is masked, whatever it was taken for;
leak is the share that is not. Token precision: of the words that are masked, those wholly
masked inside annotated entities; masked words that touch no entity count against it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from benchmarks.redaction.reading import PERSON, Entity, Text

__all__ = ["Hiding", "Naming", "Span", "hiding", "naming", "share", "words_masked"]

_WORD = re.compile(r"\w+")


class Span(NamedTuple):
    """What a redactor masked: where, as what, and as whom."""

    start: int
    end: int
    type: str
    person: int | str | None = None


class Hiding(NamedTuple):
    """Counts over one set."""

    entities: Counter[str]
    hidden: Counter[str]
    tokens_right: int
    tokens_wrong: int
    tokens_missed: int

    @property
    def leak(self) -> float:
        """Share of entities that are not wholly hidden."""
        return 1 - share(self.hidden.total(), self.entities.total())

    @property
    def precision(self) -> float:
        """Share of masked words that are annotated."""
        return share(self.tokens_right, self.tokens_right + self.tokens_wrong)

    @property
    def recall(self) -> float:
        """Share of annotated words that are masked."""
        return share(self.tokens_right, self.tokens_right + self.tokens_missed)


def share(part: float, whole: float) -> float:
    """Return a share; of nothing, 1."""
    return part / whole if whole else 1.0


def hiding(texts: Sequence[Text], masks: Sequence[Sequence[Span]]) -> Hiding:
    """Compare what was masked with what is annotated."""
    entities: Counter[str] = Counter()
    hidden: Counter[str] = Counter()
    tokens: Counter[str] = Counter()
    for text, spans in zip(texts, masks, strict=True):
        masked = _cover(text, spans)
        private = _cover(text, text.entities)
        for entity in text.entities:
            entities[entity.type] += 1
            hidden[entity.type] += _hidden(text.text, entity, masked)
        for word in _WORD.finditer(text.text):
            tokens[_judged(masked[slice(*word.span())], private[slice(*word.span())])] += 1
    return Hiding(entities, hidden, tokens["right"], tokens["wrong"], tokens["missed"])


def _cover(text: Text, spans: Iterable[Span | Entity]) -> bytearray:
    cover = bytearray(len(text.text))
    for span in spans:
        cover[span.start : span.end] = b"\1" * (span.end - span.start)
    return cover


def _hidden(text: str, entity: Entity, masked: bytearray) -> bool:
    return all(masked[at] for at in range(entity.start, entity.end) if text[at].isalnum())


def _judged(masked: bytearray, private: bytearray) -> str:
    if any(private):
        return "right" if all(masked) else "missed"
    return "wrong" if any(masked) else "left"


class Naming(NamedTuple):
    """How people fared: counts of those that a set speaks of, and of those that did well."""

    known: int
    known_hidden: int
    known_right: int
    unlisted: int
    unlisted_hidden: int
    unknown: int
    unknown_hidden: int
    predicted: int
    predicted_right: int


def naming(
    texts: Sequence[Text], masks: Sequence[Sequence[Span]], listed: Callable[[str], bool]
) -> Naming:
    """Count people: known to the roster, unknown, and unknown with a name on no list.

    A predicted person is right where it overlaps an annotated one; a known one has the right
    pseudonym where a span over it bears the person's number.
    """
    count: Counter[str] = Counter()
    for text, spans in zip(texts, masks, strict=True):
        masked = _cover(text, spans)
        people = [entity for entity in text.entities if entity.type == PERSON]
        for entity in people:
            over = [span for span in spans if _overlap(span, entity)]
            is_hidden = _hidden(text.text, entity, masked)
            count.update(
                _fared(entity, over, is_hidden=is_hidden, name=text.words(entity), listed=listed)
            )
        for span in spans:
            if span.type == PERSON:
                count["predicted"] += 1
                count["predicted_right"] += any(_overlap(span, entity) for entity in people)
    return Naming(**{field: count[field] for field in Naming._fields})


def _fared(
    entity: Entity,
    over: Sequence[Span],
    *,
    is_hidden: bool,
    name: str,
    listed: Callable[[str], bool],
) -> Counter[str]:
    count: Counter[str] = Counter()
    if entity.known:
        right = any(span.person is not None and span.person == entity.person for span in over)
        return Counter(known=1, known_hidden=is_hidden, known_right=is_hidden and right)
    count.update(unknown=1, unknown_hidden=is_hidden)
    outside = not listed(name) if entity.listed is None else not entity.listed
    if outside:
        count.update(unlisted=1, unlisted_hidden=is_hidden)
    return count


def _overlap(one: Span | Entity, other: Span | Entity) -> bool:
    return one.start < other.end and other.start < one.end


def words_masked(
    texts: Sequence[Text], masks: Sequence[Sequence[Span]], type_: str = PERSON
) -> float:
    """Return the share of the words of a type's entities that are masked."""
    right = total = 0
    for text, spans in zip(texts, masks, strict=True):
        masked = _cover(text, spans)
        of_type = _cover(text, [entity for entity in text.entities if entity.type == type_])
        for word in _WORD.finditer(text.text):
            if any(of_type[slice(*word.span())]):
                total += 1
                right += all(masked[slice(*word.span())])
    return share(right, total)
