"""Whether a classifier can tell the twin's texts from the person's: a two-sample test.

The judge is a logistic regression on character 2-4-grams, cross-validated, so that it is
asked about no text that it learned from. At .5 it guesses. Beside it stand the same judge on
her texts against more of hers (the floor) and on hers against other people's (the ceiling);
a number without these two says little. Lopez-Paz & Oquab, Revisiting Classifier Two-Sample
Tests (ICLR 2017).
"""

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from trainer.errors import TrainingError
from trainer.evaluate.intervals import Floats, auc, auc_interval
from trainer.evaluate.report import Measure

__all__ = ["FEWEST", "Sides", "Told", "masked", "style", "tell"]

FEWEST = 20
"""Texts a side below which no verdict is given: the interval would span nearly everything."""

_FOLDS = 5
_PIECE = re.compile(r"[^\W\d_]+|\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How well a classifier tells one side from the other; `n` counts texts a side."""

    auc: float
    low: float
    high: float
    n: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """The texts that are compared: her held-out ones, the twin's, and as many for scale.

    `own` are texts of hers that the twin learned from, `strangers` those of other people.
    """

    hers: Sequence[str]
    twin: Sequence[str]
    own: Sequence[str]
    strangers: Sequence[str]


def tell(
    hers: Sequence[str],
    others: Sequence[str],
    *,
    repeats: int = 3,
    seed: int = 0,
) -> Told:
    """Return the AUC with its interval.

    Args:
        hers: One side, at least five texts.
        others: The other side, at least five.
        repeats: How many cross-validations, each cut anew, are averaged.
        seed: Of cuts and interval.

    Raises:
        TrainingError: scikit-learn is not installed.
    """
    texts = [*hers, *others]
    sides = np.array([1] * len(hers) + [0] * len(others))
    chances = np.mean([_chances(texts, sides, seed + again) for again in range(repeats)], axis=0)
    mine, theirs = chances[: len(hers)], chances[len(hers) :]
    low, high = auc_interval(mine, theirs, seed)
    return Told(auc=auc(mine, theirs), low=low, high=high, n=(len(hers), len(others)))


def _chances(
    texts: list[str], sides: "np.ndarray[tuple[int], np.dtype[np.int64]]", seed: int
) -> Floats:
    """Return for each text how surely a judge that has not seen it calls it hers."""
    try:
        # An extra, which ships without types.
        from sklearn.feature_extraction.text import (  # type: ignore[import-untyped]  # noqa: PLC0415
            TfidfVectorizer,
        )
        from sklearn.linear_model import (  # type: ignore[import-untyped]  # noqa: PLC0415
            LogisticRegression,
        )
        from sklearn.model_selection import (  # type: ignore[import-untyped]  # noqa: PLC0415
            StratifiedKFold,
            cross_val_predict,
        )
        from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(
            "The judge of style needs scikit-learn: pip install twinvault[eval]."
        ) from error
    judge = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(2, 4), lowercase=False, sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    found = cross_val_predict(judge, texts, sides, cv=folds, method="predict_proba")
    return np.asarray(found, np.float64)[:, 1]


def masked(texts: Iterable[str], kept: AbstractSet[str]) -> list[str]:
    """Return texts without their matter: words that are not kept become a sign of their case.

    What is left are function words, marks, spaces, and the rhythm of capitals: what a
    person keeps whatever she writes about. Stamatatos, Authorship Attribution Using Text
    Distortion (EACL 2017).
    """

    def sign(found: re.Match[str]) -> str:
        word = found[0]
        if word.lower() in kept:
            return word
        if word[0].isdigit():
            return "0"
        return "W" if word.isupper() else "V" if word[0].isupper() else "w"

    return [_PIECE.sub(sign, text) for text in texts]


def style(
    sides: Sides, *, kept: AbstractSet[str], repeats: int = 3, seed: int = 0
) -> tuple[Measure, ...]:
    """Measure style, plain and with content masked, each with floor and ceiling."""
    bare = Sides(
        hers=masked(sides.hers, kept),
        twin=masked(sides.twin, kept),
        own=masked(sides.own, kept),
        strangers=masked(sides.strangers, kept),
    )
    return (
        _judged("style_auc", sides, "with all words", repeats, seed),
        _judged("masked_style_auc", bare, "without content words", repeats, seed),
    )


def _judged(name: str, sides: Sides, what: str, repeats: int, seed: int) -> Measure:
    note = (
        f"How well a classifier tells twin from person {what}: .5 not at all, 1 always; "
        "floor her against herself, ceiling her against others."
    )
    n = min(len(sides.hers), len(sides.twin))
    if n < FEWEST:
        return Measure(name=name, value=None, n=n, note=f"Too few texts to tell: {n}.")
    told = tell(sides.hers, sides.twin, repeats=repeats, seed=seed)
    return Measure(
        name=name,
        value=told.auc,
        low=told.low,
        high=told.high,
        floor=_scale(sides.hers, sides.own, repeats, seed),
        ceiling=_scale(sides.hers, sides.strangers, repeats, seed),
        n=n,
        note=note,
    )


def _scale(hers: Sequence[str], others: Sequence[str], repeats: int, seed: int) -> float | None:
    if len(others) < FEWEST:
        return None
    return tell(hers, others, repeats=repeats, seed=seed).auc
