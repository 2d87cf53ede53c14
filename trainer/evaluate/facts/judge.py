"""Whether an answer says what an item says: supported, contradicted, unsupported or abstained.

A list of rules over values (`values`), and, where an embedder is handed in, closeness of
meaning for what is said in other words. It knows what it is wrong about: `labelled` holds
answers judged by hand, and no figure that rests on this judge is told without its error.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from projections.embed import Embedder, similarity
from trainer.evaluate.facts.values import (
    WORD,
    Date,
    Number,
    Span,
    alike,
    clock,
    dates,
    numbers,
    plain,
    words,
)
from trainer.evaluate.facts.wording import content, denied, denies_premise, refuses

__all__ = ["Asked", "Judge", "Verdict"]


class Verdict(StrEnum):
    """What an answer is.

    `SUPPORTED` states what was asked for, or a true part of it, and adds nothing that the item
    does not hold. `CONTRADICTED` states something else for it, or denies it. `ABSTAINED` says
    that it does not know, and claims nothing. `UNSUPPORTED` is every other claim: beside the
    point, made up, or true with something made up.
    """

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    ABSTAINED = "abstained"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with what answers it: the words asked for and the text that they stand in.

    Without a `gold` nothing answers it, and to abstain is right.
    """

    question: str
    gold: str
    evidence: str = ""


_ROUGHLY = re.compile(
    r"\b(?:about|around|roughly|nearly|almost|over|some|ungefahr|etwa|environ|unos)\b"
)
_MEASURED = (
    "euro euros eur pound pounds gbp dollar dollars usd quid km kilometres kilometers metres hour"
    " hours minutes days weeks months years kg pieces people percent annually stunden heures horas"
)
_UNITS = frozenset(_MEASURED.split())
_CLAUSE = re.compile(
    r"[,.;:!?] | (?:and|because|while|after|where|who|which|so|plus|since|und|weil|et|y|porque) "
)
_EITHER = re.compile(r"\b(?:or|oder|ou|o)\b")
_JOINED = "and or with und oder mit et ou avec y o con"
_JOINING = frozenset(_JOINED.split())
_VALUE = "#"

# Chosen on the labelled answers that are not held back, and on nothing else.
_NEAR = 0.05  # of a number that is said to be rough
_MINUTES = 5  # by which a spoken time may be off
_CHATTER, _FRESH = 3, 1  # new words that a clause may have, with what was asked for and without
_RUN = 4  # words in a row that make a quotation
_SHORT = 2  # words of an answer that is no more than a value
_FEW = 2  # words of a gold in which another word in the place of one is another value
_SENTENCE, _CLOSE, _HELD = 6, 0.4, 0.5  # words of a sentence; cosines: says it, item holds it


class Judge:
    """Judges answers; alike answers alike, whatever their letter case, spaces or Unicode form."""

    def __init__(self, embedder: Embedder | None = None) -> None:
        self._embedder = embedder

    def judge(self, asked: Asked, answer: str) -> Verdict:
        """Return what an answer is."""
        return _Case(asked, answer, self._embedder).verdict()


class _Case:
    """One answer to one question, in plain text."""

    def __init__(self, asked: Asked, answer: str, embedder: Embedder | None) -> None:
        self._question, self._gold = plain(asked.question), plain(asked.gold)
        self._evidence, self._answer = plain(asked.evidence), plain(answer)
        self._embedder = embedder
        self._wanted = content(self._gold) or words(self._gold)
        self._told = content(_blanked(self._answer))

    def verdict(self) -> Verdict:
        """Return what the answer is."""
        if not self._gold:
            abstains = not self._answer or refuses(self._answer) or denies_premise(self._answer)
            return Verdict.ABSTAINED if abstains else Verdict.UNSUPPORTED
        claims = _claims(self._gold, self._question, self._evidence, self._answer)
        right, wrong, typed = claims
        if right and not wrong:
            return Verdict.UNSUPPORTED if self._invents() else Verdict.SUPPORTED
        if not right and (not self._answer or refuses(self._answer)) and not (wrong and typed):
            return Verdict.ABSTAINED
        if wrong:
            return Verdict.UNSUPPORTED if not right and self._recites() else Verdict.CONTRADICTED
        return Verdict.UNSUPPORTED if typed else self._otherwise()

    def _invents(self) -> bool:
        """Whether more is claimed than question and item hold."""
        held = f"{self._question} ; {self._gold} ; {self._evidence}"
        if self._has_fresh_values(held):
            return True
        clauses = _CLAUSE.split(_blanked(self._answer))
        return any(self._is_new(clause, held) for clause in clauses)

    def _has_fresh_values(self, held: str) -> bool:
        """Whether the answer states a number or a day that neither question nor item hold."""
        there = [day for ways, _ in dates(held) for day in ways]
        told = dates(self._answer)
        days = (ways for ways, span in told if not denied(self._answer, span))
        if any(not any(one.fits(day) for one in ways for day in there) for ways in days):
            return True
        roughly = _ROUGHLY.search(self._answer) is not None
        known = [0.0, float(_digits(numbers(self._gold)) or 0), *(n.low for n in numbers(held))]
        spans = [span for _, span in (*told, *clock(self._answer))]
        return any(
            not any(_meet(number.span, span) for span in spans)
            and not denied(self._answer, number.span)
            and not any(_same(number, value, near=roughly) for value in known)
            for number in numbers(self._answer)
        )

    def _is_new(self, clause: str, held: str) -> bool:
        """Whether a clause says what neither question nor item hold, in words or in meaning.

        Where what was asked for stands, it may be said with more words than elsewhere.
        """
        fresh = _beyond(content(clause), words(held))
        there = _VALUE in clause or any(_within(word, self._wanted) for word in words(clause))
        if len(fresh) <= (_CHATTER if there else _FRESH):
            return False
        return self._closeness(clause, self._gold, self._evidence, self._question) < _HELD

    def _recites(self) -> bool:
        """Whether the answer tells something else that the item says."""
        asked = [*words(self._question), *words(self._gold)]
        other = _beyond(self._told, asked)
        runs = {*_runs(words(self._answer))} & {*_runs(words(self._evidence))}
        return (len(other) > 1 and not _beyond(other, words(self._evidence))) or any(
            _beyond(content(" ".join(run)), asked) for run in runs
        )

    def _otherwise(self) -> Verdict:
        """Judge what shares no word with what was asked for: by meaning, then by what it is like.

        A single word that is near is another value, as white is for green; a sentence that is
        near says the same in other words.
        """
        if (
            len(words(self._answer)) >= _SENTENCE
            and self._closeness(self._answer, self._gold) >= _CLOSE
        ):
            return Verdict.SUPPORTED
        own = _beyond(content(self._answer), words(self._question))
        strange = _beyond(own, words(self._evidence))
        if len(strange) * 2 <= len(own) or len(own) > _SHORT:
            return Verdict.UNSUPPORTED
        return Verdict.CONTRADICTED

    def _closeness(self, told: str, *others: str) -> float:
        """Return how near a text is to the nearest of others; not at all without an embedder."""
        if self._embedder is None:
            return 0.0
        vector, *near = self._embedder.embed([told, *others])
        return max(similarity(vector, other) for other in near)


# ---------------------------------------------------------------------- values


class _Claims(NamedTuple):
    """Whether what was asked for is stated, whether something else is, and if values say so."""

    right: bool
    wrong: bool
    typed: bool


def _claims(gold: str, question: str, evidence: str, answer: str) -> _Claims:
    if (read := dates(gold)) and not _left(gold):
        return _of_dates(read[0][0], question, answer)
    if ":" in gold and (times := clock(gold)) and not _left(gold):
        return _of_times(times[0][0], answer)
    counted = numbers(gold)
    if counted and len(_left(gold)) <= 1:
        return _of_numbers(counted, f"{question} ; {evidence}", answer)
    return _of_words(content(gold) or words(gold), question, answer)


def _blanked(text: str) -> str:
    """Return a text with a mark in the place of every number, date and time."""
    spans: list[Span] = []
    for span in (*(s for _, s in (*dates(text), *clock(text))), *(n.span for n in numbers(text))):
        if not any(_meet(span, other) for other in spans):
            spans.append(span)
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]}{_VALUE}{text[end:]}"
    return text


def _left(text: str) -> list[str]:
    """Return the words of a text that say something beside its values."""
    return [word for word in content(_blanked(text)) if word not in _UNITS]


def _of_dates(wanted: Sequence[Date], question: str, answer: str) -> _Claims:
    asked = [d for read, _ in dates(question) for d in read]
    right = wrong = False
    for read, span in dates(answer):
        fits, not_so = any(d.fits(w) for d in read for w in wanted), denied(answer, span)
        right |= fits and not not_so
        wrong |= not_so if fits else not not_so and not any(d.fits(a) for d in read for a in asked)
    return _Claims(right, wrong, typed=True)


def _of_times(wanted: int, answer: str) -> _Claims:
    told = [(abs(t - wanted), denied(answer, span)) for t, span in clock(answer)]
    right = any(apart <= _MINUTES and not not_so for apart, not_so in told)
    return _Claims(right, any((apart > _MINUTES) != not_so for apart, not_so in told), typed=True)


def _of_numbers(wanted: Sequence[Number], context: str, answer: str) -> _Claims:
    dated = [span for read, span in dates(answer) if any(d.day or d.year for d in read)]
    told = [n for n in numbers(answer) if not any(_meet(n.span, span) for span in dated)]
    if len(wanted) > 1:
        return _Claims(
            _digits(told) == _digits(wanted),
            bool(told) and _digits(told) != _digits(wanted),
            typed=True,
        )
    roughly = _ROUGHLY.search(answer) is not None
    fits = [(n, _same(n, wanted[0].low, near=roughly), denied(answer, n.span)) for n in told]
    right = any(fit and not not_so for _, fit, not_so in fits)
    held = [n.low for n in numbers(context)] if right else []
    # Beside the right number another may count something else, or stand in the item too.
    others = (n for n, fit, not_so in fits if not fit and not not_so)
    wrong = any(fit and not_so for _, fit, not_so in fits) or any(
        not (right and _counting(n, answer)) and not any(_same(n, k) for k in held) for n in others
    )
    return _Claims(right, wrong, typed=True)


def _of_words(wanted: Sequence[str], question: str, answer: str) -> _Claims:
    told = [(m.group(), denied(answer, Span(*m.span()))) for m in WORD.finditer(answer)]
    stated = {w for w in wanted for word, not_so in told if alike(word, w) and not not_so}
    refused = {w for w in wanted for word, not_so in told if alike(word, w) and not_so}
    missing = [w for w in wanted if w not in stated]
    others = _beyond(content(answer), [*wanted, *words(question)])
    coded = any(c.isdigit() for w in missing for c in w) and any(
        c.isdigit() for w in others for c in w
    )
    replaced = (
        len(wanted) <= _FEW and len(missing) >= len(stated) > 0 and _beside(answer, stated, others)
    )
    replaced |= bool(stated and others) and _EITHER.search(answer) is not None
    return _Claims(
        bool(stated) and not coded, bool(refused - stated) or coded or replaced, typed=False
    )


def _runs(told: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(told[at : at + _RUN]) for at in range(len(told) - _RUN + 1))


def _counting(number: Number, answer: str) -> bool:
    """Whether a number is followed by what it counts."""
    after = words(answer[number.span.end :])[:1]
    return bool(content(" ".join(after))) and after[0] not in _UNITS


def _beside(answer: str, stated: Iterable[str], others: Sequence[str]) -> bool:
    """Whether a word stands beside one that was asked for, as if for another of them."""
    told = [word for word in words(answer) if word not in _JOINING]
    return any(
        (_within(one, stated) and other in others) or (_within(other, stated) and one in others)
        for one, other in pairwise(told)
    )


def _digits(told: Sequence[Number]) -> str:
    return "".join(f"{n.low:g}" for n in told)


def _same(number: Number, value: float, *, near: bool = False) -> bool:
    slack = abs(value) * _NEAR if near else 0.0
    return number.low - slack <= value <= number.high + slack


def _meet(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _within(word: str, known: Iterable[str]) -> bool:
    return any(alike(word, other) for other in known)


def _beyond(told: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return the words that are none of some others, numbers aside."""
    return [word for word in told if not _within(word, known)]
