"""What of the vault speaks to a question: passages of items that may be searched, or nothing.

Words weigh by how rare they are here, and must stand near each other: one long journal holds
nearly every word, and answers little. A word that stands nowhere weighs most, so a question
about what is not kept finds nothing, which is what then is said. The figures were chosen on
questions over a made-up life, half of them about things that it does not hold.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from console.bootstrap import Twin
from console.talking import Source
from console.use import searching
from projections.drafts.language import common_words
from projections.search import By
from projections.timeline import Stored
from vault.aliases import words

__all__ = ["as_they_stand", "asks_for_facts", "searchable", "sources"]

_MOST = 3
_ASKED = 6
_EACH = 40
_ENOUGH = 0.55
_LONGEST = 400
_READ = 50_000
_WINDOW = 2
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_ENDINGS = ("ings", "ing", "ied", "ies", "ed", "es", "s", "e", "y")
_STEM = 3


def sources(twin: Twin, question: str, *, most: int = _MOST) -> tuple[Source, ...]:
    """Return the passages that speak to a question, the best first; none where none does.

    Only what may be searched is looked at, and consent is asked as it stands now.
    """
    twin.catch_up()
    asked = _content(question)
    if not asked:
        return ()
    found, counts = _candidates(twin, question, asked)
    weights = {word: 1 / (1 + counts[word]) ** 0.25 for word in asked}
    ranked = sorted(_ranked(twin.views.timeline.load(found), weights), key=lambda one: one[:2])
    return tuple(
        Source(
            number=number,
            id=stored.id,
            type=stored.item.type,
            at=stored.item.at,
            passage=passage,
        )
        for number, (_, _, passage, stored) in enumerate(ranked[:most], start=1)
    )


def searchable(twin: Twin, ids: Iterable[str]) -> frozenset[str]:
    """Return which of some items may still be searched; what was erased may not."""
    twin.catch_up()
    there = list(twin.views.timeline.load(set(ids)))
    decided = twin.views.search.decided(there, twin.now)
    return frozenset(one.id for one, decision in decided if decision.permitted)


def as_they_stand(twin: Twin, found: Iterable[Source]) -> tuple[Source, ...]:
    """Return sources without the passages that their items do not have any more."""
    found = tuple(found)
    now = {one.id: one.item for one in twin.views.timeline.load({one.id for one in found})}
    said = {name: " ".join(f"{item.title} {item.text}".split()) for name, item in now.items()}
    return tuple(
        one
        if one.passage.removesuffix("…") in said.get(one.id, "")
        else replace(one, passage="", changed=True)
        for one in found
    )


def _candidates(
    twin: Twin, question: str, asked: Sequence[str]
) -> tuple[list[str], Mapping[str, int]]:
    """Return the ids of items that may speak to a question, and how many hold each word."""
    found: dict[str, None] = {}
    counts: dict[str, int] = {}
    queries = [" ".join(map(_query, asked)), *map(_query, asked)]
    for query in dict.fromkeys(queries):
        hits = searching.search(twin, query, limit=_EACH).hits
        counts[query] = len(hits)
        found |= {hit.id: None for hit in hits}
    by_meaning = searching.search(twin, question, by=By.MEANING, limit=_EACH).hits
    found |= {hit.id: None for hit in by_meaning}
    return list(found), {word: counts[_query(word)] for word in asked}


def _ranked(
    items: Iterable[Stored], weights: Mapping[str, float]
) -> Iterator[tuple[float, str, str, Stored]]:
    """Yield the best passage of each item that says enough of what was asked."""
    whole = sum(weights.values())
    stems = {_stem(word): weight for word, weight in weights.items()}
    for stored in items:
        share, passage = max(
            ((_share(one, stems) / whole, one) for one in _passages(stored)),
            default=(0.0, ""),
            key=lambda one: (one[0], -len(one[1])),
        )
        if share >= _ENOUGH:
            yield -share, stored.id, _cut(passage), stored


def _share(passage: str, stems: Mapping[str, float]) -> float:
    said = words(passage)
    return sum(weight for stem, weight in stems.items() if any(_says(word, stem) for word in said))


def _says(word: str, stem: str) -> bool:
    return word == stem or (len(stem) >= _STEM and _stem(word) == stem)


def _passages(stored: Stored) -> Iterator[str]:
    """Yield runs of two sentences or lines, with the title before the first."""
    text = stored.item.text[:_READ]
    sentences = [one.strip() for one in _SENTENCE.split(text) if one.strip()]
    if stored.item.title:
        sentences.insert(0, stored.item.title)
    for at in range(max(1, len(sentences) - _WINDOW + 1)):
        yield " ".join(sentences[at : at + _WINDOW])


def _cut(passage: str) -> str:
    told = " ".join(passage.split()).lstrip("-*#> ")
    return told if len(told) <= _LONGEST else told[: _LONGEST - 1].rstrip() + "…"


def _content(question: str) -> list[str]:
    """Return the words of a question that say what it is about, the longest of them."""
    aside = common_words(question) | _ASKING
    said = dict.fromkeys(
        word for word in words(question[:_READ]) if word not in aside and len(word) > 1
    )
    kept = sorted(said, key=len, reverse=True)[:_ASKED]
    return [word for word in said if word in kept]


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _STEM:
            return word[: -len(ending)]
    return word


def _query(word: str) -> str:
    stem = _stem(word)
    return f"{stem}*" if len(stem) >= _STEM else stem


# ---------------------------------------------------------------------- what kind of question

_ASIDE = (
    "who whom whose what when where which why how much many long often far old ago did does do"
    " done doing is are was were has have had can could should would will shall may might tell"
    " remember know say said told ever last first time day me my mine please about think get got"
    " wer wen wem wessen wann wo welche welcher welches warum wieviel wie hat hatte"
    " qui quand où quel quelle quels quelles pourquoi combien comment"
    " quién cuándo dónde cuál cuánto cuántos cómo"
)
_ASKING = frozenset(_ASIDE.split())
_FACTS = re.compile(
    r"\b(who(?:m|se|'s)?|when|where|which|how\s+(?:much|many|long|often|far|old|tall|big|late|early)"
    r"|what(?!\s+an?\b)"
    r"|(?:wer|wen|wem|wann|wo|welche[rsn]?|wie\s*viele?)|(?:qui|quand|où|combien|quelle?s?)"
    r"|(?:quién|cuándo|dónde|cuántos?|cuál))\b",
    re.IGNORECASE,
)
_WAS = re.compile(
    r"^\W*(?:did|was|were|has|had|have)\s+(?:i|we|he|she|they|my|our|the|[A-Z])", re.IGNORECASE
)
_CHAT = re.compile(
    r"\b(?:how\s+are\s+you|how's\s+it|what's\s+up|what\s+(?:do|would|did)\s+you\s+(?:think|want|say|fancy|reckon)"
    r"|do\s+you\s+(?:want|like|fancy)|shall\s+we|fancy\s+a|are\s+you\s+(?:ok|coming|free|well)"
    r"|who\s+cares|when\s+you're\s+ready|what\s+are\s+you\s+(?:doing|up\s+to))\b",
    re.IGNORECASE,
)


def asks_for_facts(question: str) -> bool:
    """Whether a question asks for something that is so, and not for company or an opinion."""
    if _CHAT.search(question):
        return False
    return bool(_WAS.search(question) or (_FACTS.search(question) and _is_asked(question)))


def _is_asked(question: str) -> bool:
    """Whether words such as "when" ask here: at the beginning, or before a question mark."""
    told = question.strip()
    return "?" in told or bool(_FACTS.match(told))
