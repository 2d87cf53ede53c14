"""Answers that were judged by hand, and how far the judge agrees with them.

642 answers to 80 questions, written sentence by sentence for this purpose and taken from no
corpus. 34 of the questions with all their answers are held back: no rule and no threshold was
chosen by looking at them. Whoever wrote them also wrote the judge, so that with another
person's answers it may agree less often.
"""

from collections import Counter
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from trainer.evaluate.facts.judge import Asked, Judge, Verdict
from trainer.evaluate.intervals import share_interval

__all__ = ["Agreement", "Labelled", "agreement", "labelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """One answer, what it is, and in which way (`how`: reworded, misspelt, invention …)."""

    asked: Asked
    answer: str
    verdict: Verdict
    how: str
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    held: bool
    question: str
    gold: str
    evidence: str
    answers: tuple[tuple[Verdict, str, str], ...]


@cache
def labelled() -> tuple[Labelled, ...]:
    """Return all that was judged by hand."""
    content = files("trainer.evaluate.facts").joinpath("labelled.json").read_bytes()
    return tuple(
        Labelled(
            asked=Asked(question=group.question, gold=group.gold, evidence=group.evidence),
            answer=answer,
            verdict=verdict,
            how=how,
            held=group.held,
        )
        for group in msgspec.json.decode(content, type=tuple[_Group, ...])
        for verdict, how, answer in group.answers
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How a judge and a person agree on the answers held back, over all four verdicts.

    `kappa` is Cohen's (1960): agreement beyond what chance gives. `recall` and `precision`
    are each verdict's own; `commonest` is the accuracy of always saying the commonest.
    """

    n: int
    accuracy: float
    low: float
    high: float
    kappa: float
    commonest: float
    recall: tuple[tuple[Verdict, float], ...]
    precision: tuple[tuple[Verdict, float], ...]

    @property
    def told(self) -> str:
        """The judge's own error, for whoever reads a figure that rests on it."""
        precision, recall = (dict(one)[Verdict.SUPPORTED] for one in (self.precision, self.recall))
        return (
            f"The judge agrees with {self.n} answers judged by hand in {self.accuracy:.0%}"
            f" ({self.low:.0%}-{self.high:.0%}, kappa {self.kappa:.2f}); of what it calls supported"
            f" {precision:.0%} is, and it sees {recall:.0%} of what is."
        )


def agreement(judge: Judge) -> Agreement:
    """Measure a judge on the answers held back."""
    held = [one for one in labelled() if one.held]
    pairs = Counter((one.verdict, judge.judge(one.asked, one.answer)) for one in held)
    hers = Counter(one.verdict for one in held)
    its = Counter(verdict for (_, verdict), n in pairs.items() for _ in range(n))
    n, right = len(held), sum(pairs[verdict, verdict] for verdict in Verdict)
    chance = sum(hers[verdict] * its[verdict] for verdict in Verdict) / (n * n)
    low, high = share_interval(right, n)
    return Agreement(
        n=n,
        accuracy=right / n,
        low=low,
        high=high,
        kappa=(right / n - chance) / (1 - chance),
        commonest=max(hers.values()) / n,
        recall=tuple((v, pairs[v, v] / hers[v]) for v in Verdict),
        precision=tuple((v, pairs[v, v] / max(1, its[v])) for v in Verdict),
    )
