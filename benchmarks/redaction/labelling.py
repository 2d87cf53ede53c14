"""Labels of sensitive matters on sets where nothing is called by its name."""

from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.redaction.metrics import share
from benchmarks.redaction.reading import labelled
from projections.embed import chosen
from projections.sensitive import CATEGORIES, Classifier

__all__ = ["Labelling", "measured", "recall_at"]

_FALSE_POSITIVES = 0.02


class Labelling(NamedTuple):
    """How one label fares.

    `at_two` is its recall where 2 % of the negatives are taken for positives; `recall` and
    `false` are those at the threshold that ships.
    """

    label: str
    lines: int
    at_two: float
    recall: float
    false: float


def recall_at(scores: Sequence[float], truth: Sequence[bool], false: float) -> float:
    """Return the recall at the lowest threshold that lets through no more than a share."""
    negatives = sorted(
        (s for s, is_so in zip(scores, truth, strict=True) if not is_so), reverse=True
    )
    # Scores equal to the first that must not pass do not pass either.
    allowed = int(false * len(negatives))
    bar = negatives[allowed] if allowed < len(negatives) else float("-inf")
    positives = [s for s, is_so in zip(scores, truth, strict=True) if is_so]
    return share(sum(s > bar for s in positives), len(positives))


def measured() -> list[Labelling]:
    """Measure every label that has a set."""
    classifier = Classifier(chosen(""))
    found = []
    for number, label in enumerate(CATEGORIES):
        lines = labelled(f"{label}.txt")
        truth = [is_so for _, is_so in lines]
        scores = [one.logits[number] for one in classifier.judge([text for text, _ in lines])]
        held = [score >= classifier.threshold[number] for score in scores]
        found.append(
            Labelling(
                label,
                len(lines),
                recall_at(scores, truth, _FALSE_POSITIVES),
                share(sum(h and t for h, t in zip(held, truth, strict=True)), sum(truth)),
                share(
                    sum(h and not t for h, t in zip(held, truth, strict=True)),
                    len(truth) - sum(truth),
                ),
            )
        )
    return found
