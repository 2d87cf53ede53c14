"""Answers with what a search finds before the model's eyes, and answers without.

What is shown passed through `projections.search`, which asks consent again for each hit. The
coming chat can be measured in the place of these: an `Answerer` is all that is asked for.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import Protocol

from projections.rows import Message
from projections.search import By, Search
from projections.timeline import Stored, Timeline
from trainer.evaluate.facts.finding import evidence
from trainer.evaluate.facts.values import dates, plain
from trainer.evaluate.facts.wording import content
from vault.consent import Filters

__all__ = ["Answerer", "Answers", "Permitted", "Retrieve", "grounded", "searching", "unaided"]

Answers = Callable[[Sequence[Sequence[Message]]], Sequence[str]]
"""What a model says next in some conversations: `Voice.answers`."""


class Answerer(Protocol):
    """Whatever answers questions, one answer for each in their order."""

    def __call__(self, questions: Sequence[str], /) -> Sequence[str]:
        """Return the answers."""


class Retrieve(Protocol):
    """Whatever finds items by a question or by words, the best first."""

    def __call__(self, query: str, /) -> Sequence[Stored]:
        """Return the items."""


class Permitted(Protocol):
    """Whatever tells which of some items may be searched at this moment."""

    def __call__(self, ids: Collection[str], /) -> AbstractSet[str]:
        """Return the ids of those."""


_QUOTED = re.compile(r"[“„«\"]\s?([^“”„«»\"]{2,200}?)\s?[“”»\"]")
_LOOKED_AT = 20
_MOST_WORDS = 12
_PREFIX = 4
_EXACT = 4.0
_LINES = 6
_WIDE = 600


def searching(search: Search, timeline: Timeline, now: datetime, *, limit: int = 4) -> Retrieve:
    """Return what finds items through the search view.

    A search wants every word; a question has words that no item has. So each word is looked
    for by itself and tells the more the fewer items hold it; quoted words count as one, and
    a day that the question names narrows the search. Meaning is asked where words find too few.
    """

    def retrieve(query: str) -> list[Stored]:
        scores: dict[str, float] = defaultdict(float)
        for asked, filters, weight in _searches(query):
            hits = search.find(asked, now=now, filters=filters, limit=_LOOKED_AT)
            for hit in hits:
                scores[hit.id] += weight / len(hits)
        if len(scores) < limit:
            meant = search.find(query, now=now, by=By.MEANING, limit=limit)
            scores.update({hit.id: 0.0 for hit in meant if hit.id not in scores})
        best = sorted(scores, key=lambda id_: (-scores[id_], id_))[:limit]
        found = {stored.id: stored for stored in timeline.load(best)}
        return [found[id_] for id_ in best if id_ in found]

    return retrieve


def _searches(query: str) -> Iterator[tuple[str, Filters | None, float]]:
    """Yield what to look for, within which days, and how much it tells."""
    told = plain(_QUOTED.sub(" ", query))
    days = [d for ways, _ in dates(told) for d in ways if d.year and d.day and d.months]
    spans = [_day(datetime(d.year, min(d.months), d.day, tzinfo=UTC)) for d in days]
    quotes = [f'"{phrase}"' for phrase in _QUOTED.findall(query)]
    loose = content(plain(query))[:_MOST_WORDS]
    for quote in quotes:
        yield quote, None, _EXACT
    for word in loose:
        asked = f"{word}*" if len(word) >= _PREFIX else word
        yield asked, None, 1.0
        for span in spans:
            yield asked, span, _EXACT


def _day(at: datetime) -> Filters:
    """Return a day with the hours by which zones differ."""
    return Filters(since=at - timedelta(hours=14), until=at + timedelta(hours=38))


def unaided(answers: Answers) -> Answerer:
    """Return the model as it is: it sees a question and nothing else."""

    def answer(questions: Sequence[str]) -> Sequence[str]:
        return answers([[Message(role="user", content=question)] for question in questions])

    return answer


def grounded(answers: Answers, retrieve: Retrieve) -> Answerer:
    """Return the model with what is found to each question shown before it."""

    def answer(questions: Sequence[str]) -> Sequence[str]:
        return answers([_shown(question, retrieve(question)) for question in questions])

    return answer


def _shown(question: str, found: Sequence[Stored]) -> list[Message]:
    told = "\n---\n".join(_excerpt(stored, question) for stored in found) or "Nothing was found."
    said = f"What was found in your own notes and messages:\n{told}"
    return [Message(role="system", content=said), Message(role="user", content=question)]


def _excerpt(stored: Stored, question: str) -> str:
    """Return the lines around the one that shares most words with a question."""
    lines = [line for line in evidence(stored.item).splitlines() if line.strip()]
    asked = set(content(plain(question)))
    shared = [len(asked.intersection(content(plain(line)))) for line in lines]
    best = max(range(len(lines)), key=lambda at: (shared[at], -at), default=0)
    first = max(0, best - 1)
    kept = lines[:1] if first else []
    return "\n".join([*kept, *lines[first : first + _LINES]])[:_WIDE]
