"""How true a model's answers are about the person's own items, with and without a search.

Every figure stands between two others made by the same judge: the floor, where answers are
given to the wrong questions, and the ceiling, where every answer is the right one; and its
note says how often the judge agrees with a person.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from projections.embed import Embedder
from projections.timeline import Stored
from trainer.evaluate.facts.grounding import Answerer, Permitted, Retrieve
from trainer.evaluate.facts.judge import Asked, Judge, Verdict
from trainer.evaluate.facts.labelled import Agreement, agreement
from trainer.evaluate.facts.questions import Question, made
from trainer.evaluate.intervals import share_interval
from trainer.evaluate.report import Measure

__all__ = ["measure"]

_WORST = 10


def measure(
    items: Iterable[Stored],
    *,
    permitted: Permitted,
    retrieve: Retrieve,
    aided: Answerer,
    plain: Answerer | None = None,
    embedder: Embedder | None = None,
    seed: int = 0,
    limit: int = 100,
) -> tuple[Measure, ...]:
    """Ask a model what its person's items say, and judge the answers.

    Args:
        items: In any order; see `questions.made`.
        permitted: Asked before an item is read, and again before a question about it is put.
        retrieve: The search, as `searching` makes it.
        aided: The model with what a search finds (`grounded`), or anything that answers.
        plain: The same model without, for comparison.
        embedder: What tells how near two texts are in meaning; without one words decide.
        seed: Other seeds ask other questions.
        limit: How many questions that items answer, and how many that none does.

    Returns:
        Nothing where no question can be made.
    """
    drawn = made(items, permitted=permitted, retrieve=retrieve, seed=seed, limit=limit)
    allowed = permitted({question.item for question in drawn})
    asked = [question for question in drawn if question.item in allowed]
    if not asked:
        return ()
    judge = Judge(embedder)
    agreed = agreement(judge)
    found = [_agreed(agreed), _retrieved(asked, retrieve)]
    for name, answerer in (("", aided), ("_plain", plain)):
        if answerer:
            found += _judged(asked, answerer, judge, name, agreed)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Answered:
    question: Question
    verdict: Verdict


def _judged(
    asked: Sequence[Question], answerer: Answerer, judge: Judge, name: str, agreed: Agreement
) -> list[Measure]:
    answers = answerer([question.text for question in asked])
    told = [
        _Answered(question, judge.judge(_as_asked(question), answer))
        for question, answer in zip(asked, answers, strict=True)
    ]
    held = [one for one in told if one.question.gold]
    empty = [one for one in told if not one.question.gold]
    silent = [one for one in told if one.verdict is Verdict.ABSTAINED]
    floor, ceiling = _bounds([one.question for one in held], judge)
    note = f"{agreed.told} Floor: right answers to other questions; ceiling: the right answers."
    plainly = agreed.told
    return [
        _share(
            f"factuality{name}", held, _is(Verdict.SUPPORTED), note, floor=floor, ceiling=ceiling
        ),
        _share(f"hallucination_answerable{name}", held, _claims_more, plainly, wanted=False),
        _share(f"hallucination_unanswerable{name}", empty, _claims_more, plainly, wanted=False),
        _share(f"abstention_precision{name}", silent, _unanswerable, plainly),
        _share(f"abstention_recall{name}", empty, _is(Verdict.ABSTAINED), plainly),
    ]


def _is(verdict: Verdict) -> Callable[[_Answered], bool]:
    return lambda one: one.verdict is verdict


def _claims_more(one: _Answered) -> bool:
    return one.verdict in {Verdict.CONTRADICTED, Verdict.UNSUPPORTED}


def _unanswerable(one: _Answered) -> bool:
    return not one.question.gold


def _share(
    name: str,
    told: Sequence[_Answered],
    counts: Callable[[_Answered], bool],
    note: str,
    *,
    wanted: bool = True,
    floor: float | None = None,
    ceiling: float | None = None,
) -> Measure:
    """Return a share with its interval; the worst are those where it is not as wanted."""
    hits = [counts(one) for one in told]
    low, high = share_interval(sum(hits), len(hits))
    worst = [one.question.item for one, hit in zip(told, hits, strict=True) if hit is not wanted]
    return Measure(
        name=name,
        value=sum(hits) / len(hits) if hits else None,
        low=low if hits else None,
        high=high if hits else None,
        floor=floor,
        ceiling=ceiling,
        n=len(hits),
        note=note,
        worst=tuple(worst[:_WORST]),
    )


def _bounds(asked: Sequence[Question], judge: Judge) -> tuple[float | None, float | None]:
    """Return how much is judged supported where every answer is another's, and where each is right."""
    if not asked:
        return None, None
    golds = [question.gold for question in asked]
    others = [*golds[1:], golds[0]]
    floor, ceiling = (
        [
            judge.judge(_as_asked(q), a) is Verdict.SUPPORTED
            for q, a in zip(asked, said, strict=True)
        ]
        for said in (others, golds)
    )
    return float(np.mean(floor)), float(np.mean(ceiling))


def _as_asked(question: Question) -> Asked:
    return Asked(question=question.text, gold=question.gold, evidence=question.evidence)


def _retrieved(asked: Sequence[Question], retrieve: Retrieve) -> Measure:
    """Return how often the search finds the item that answers: no answer can be truer than that."""
    held = [question for question in asked if question.gold]
    hits = [q.item in {stored.id for stored in retrieve(q.text)} for q in held]
    low, high = share_interval(sum(hits), len(hits))
    return Measure(
        name="retrieval",
        value=sum(hits) / len(hits) if hits else None,
        low=low if hits else None,
        high=high if hits else None,
        n=len(hits),
        note="Share of answerable questions to which the search finds the item that answers.",
        worst=tuple(q.item for q, hit in zip(held, hits, strict=True) if not hit)[:_WORST],
    )


def _agreed(agreed: Agreement) -> Measure:
    return Measure(
        name="judge_accuracy",
        value=agreed.accuracy,
        low=agreed.low,
        high=agreed.high,
        floor=agreed.commonest,
        n=agreed.n,
        note=f"{agreed.told} Floor: always the commonest verdict.",
    )
