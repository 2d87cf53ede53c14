"""Numbers and how sure they are: 95 % intervals by the bootstrap, or by a formula where one holds.

Resampled are whole texts or rows, with a seed, so that the same texts give the same interval.
Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: percentiles.
"""

import math

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "auc", "auc_interval", "mean_interval", "ratio_interval", "share_interval"]

Floats = npt.NDArray[np.float64]

_ROUNDS = 1000
_SIDES = (0.025, 0.975)
_Z = 1.959963984540054  # the standard normal's quantile of .975


def auc(positive: Floats, negative: Floats) -> float:
    """Return how often a positive one scores above a negative one, ties counted half.

    The area under the ROC curve as the Mann-Whitney statistic.
    """
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    upto = np.searchsorted(ordered, positive, "right")
    return float((below + upto).mean() / 2 / len(negative))


def auc_interval(positive: Floats, negative: Floats, seed: int = 0) -> tuple[float, float]:
    """Return the interval of an AUC; both sides are resampled."""
    dice = np.random.default_rng(seed)
    return _quantiles([auc(_again(positive, dice), _again(negative, dice)) for _ in range(_ROUNDS)])


def mean_interval(values: Floats, seed: int = 0) -> tuple[float, float]:
    """Return the interval of a mean."""
    dice = np.random.default_rng(seed)
    return _quantiles([float(_again(values, dice).mean()) for _ in range(_ROUNDS)])


def ratio_interval(above: Floats, below: Floats, seed: int = 0) -> tuple[float, float]:
    """Return the interval of sum(above) / sum(below); pairs are resampled together."""
    dice = np.random.default_rng(seed)
    drawn = (dice.integers(0, len(above), len(above)) for _ in range(_ROUNDS))
    return _quantiles([float(above[at].sum() / below[at].sum()) for at in drawn])


def share_interval(hits: int, of: int) -> tuple[float, float]:
    """Return the interval of a share, which has a width even where there was no hit.

    Wilson, Probable inference, the law of succession, and statistical inference (JASA 1927).
    """
    if not of:
        return 0.0, 1.0
    share, wide = hits / of, _Z * _Z / of
    middle = (share + wide / 2) / (1 + wide)
    half = math.sqrt(share * (1 - share) * wide + wide * wide / 4) / (1 + wide)
    return max(0.0, middle - half), min(1.0, middle + half)


def _again(values: Floats, dice: np.random.Generator) -> Floats:
    return values[dice.integers(0, len(values), len(values))]


def _quantiles(drawn: list[float]) -> tuple[float, float]:
    low, high = np.quantile(drawn, _SIDES)
    return float(low), float(high)
