"""Differential privacy of a run: who takes part in which step, and what that spends.

Each row takes part in a step by a coin of its own (Poisson sampling), is clipped, and noise is
added to the sum (DP-SGD: Abadi et al., "Deep Learning with Differential Privacy", 2016). Coins
and noise follow from a secret of the vault and the name of the slice's state: the run can be
made again bit by bit, nobody else can take the noise off, and a slice that has lost a row draws
everything anew, because two runs with the same noise would tell their difference.
"""

import functools
import hashlib
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import cast

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from numpy.typing import NDArray

from projections.rows import Row
from trainer.errors import TrainingError
from trainer.recipe import Recipe

__all__ = ["Pace", "Secret", "Spent", "dice", "pace", "parts", "planned_epsilon"]

_DELTA = 1e-5
# Renyi orders. The higher ones matter where much noise meets few steps.
_ORDERS = (
    *(1 + tenth / 10 for tenth in range(1, 100)),
    *range(11, 64),
    *(64, 80, 96, 128, 192, 256, 512),
)


@dataclass(frozen=True, slots=True)
class Secret:
    """What coins and noise are drawn from: 32 bytes of the vault that never leave it.

    `commitment` stands for it in the names of states; it tells nothing about the key.
    """

    key: bytes = field(repr=False)

    @property
    def commitment(self) -> str:
        """What two runs have in common if and only if they draw from the same key."""
        return self._key("commitment").hex()

    def coins(self, state: str) -> bytes:
        """Return the key that decides who takes part in the steps before a state."""
        return self._key(f"coins/{state}")

    def noise(self, state: str) -> bytes:
        """Return the key of the noise in the steps before a state: all that a child is told."""
        return self._key(f"noise/{state}")

    def _key(self, label: str) -> bytes:
        return HKDFExpand(SHA256(), 32, f"twinvault/1/private/{label}".encode()).derive(self.key)


def dice(noise: bytes) -> int:
    """Return the seed of a private slice's dropout, given the key of its noise.

    Which rows share a batch moves the place in the stream that others are drawn from. Somebody
    who knew the stream would see more of a row than its own clipped gradient.
    """
    return int.from_bytes(hashlib.sha256(b"dropout" + noise).digest()[:8], "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """With what chance the rows of a slice, and rows of earlier ones, are in each of its steps."""

    own: float
    earlier: float
    steps: int


def pace(own: int, earlier: int, recipe: Recipe, slice_: int) -> Pace:
    """Return the pace at which rows are looked at as often as without privacy, on average.

    It depends on the recipe and on how many rows there are, which is taken to be known.

    Args:
        own: How many rows the slice has.
        earlier: How many are in the slices before it, to be rehearsed.
        recipe: Says how many epochs, and how many rows a step should have.
        slice_: The number of the slice.
    """
    epochs = recipe.epochs if slice_ == 0 else recipe.later_epochs
    rehearsed = min(recipe.rehearsal * own, earlier)
    chance = min(1.0, recipe.batch * recipe.accumulate / (own + rehearsed))
    return Pace(
        own=chance,
        earlier=chance * rehearsed / max(1, earlier),
        steps=max(1, round(epochs / chance)),
    )


def parts(
    own: Sequence[Row], earlier: Sequence[Row], recipe: Recipe, slice_: int, key: bytes
) -> list[list[Row]]:
    """Return the rows of each step of a slice; it may have none, and is a step none the less.

    Whether a row takes part depends on the key and its id alone, not on who else is there.

    Args:
        own: The rows of the slice.
        earlier: The rows of the slices before it.
        recipe: Says how often rows are looked at.
        slice_: The number of the slice.
        key: `Secret.coins` of the slice's state.
    """
    at = pace(len(own), len(earlier), recipe, slice_)
    found: list[list[Row]] = [[] for _ in range(at.steps)]
    for rows, chance in ((own, at.own), (earlier, at.earlier)):
        for row in rows:
            for step in np.flatnonzero(_coins(key, row.id, at.steps) < chance):
                found[step].append(row)
    return found


def _coins(key: bytes, row: str, steps: int) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each step, of 53 bits (SHAKE256 with the key in front)."""
    drawn = hashlib.shake_256(key + row.encode()).digest(8 * steps)
    return np.ldexp((np.frombuffer(drawn, "<u8") >> np.uint64(11)).astype(np.float64), -53)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What a run tells of a row at most: odds change by e^epsilon, except with chance delta."""

    epsilon: float
    delta: float


def planned_epsilon(rows_per_slice: Sequence[int], recipe: Recipe, *, together: int = 1) -> Spent:
    """Return what a run spends on the row that it spends most on.

    A row spends in the steps of its own slice and, where it may be rehearsed, of each later
    one. Renyi curves add up (Mironov, "Renyi Differential Privacy", 2017); those of sampled
    Gaussian noise, and the step from them to epsilon, are Opacus'. Delta is 1/100,000, less for
    more than 10,000 rows: a tenth of one row.

    Args:
        rows_per_slice: How many rows each slice has, in order.
        recipe: Its `noise` is the standard deviation in units of `clip`.
        together: How many rows are to be protected as one, as those of one person; epsilon grows
            faster than their number.

    Raises:
        TrainingError: Opacus is not installed.
    """
    delta = min(_DELTA, 1 / (10 * max(1, sum(rows_per_slice))))
    if not recipe.noise:
        return Spent(epsilon=math.inf, delta=delta)
    curves = _curves(rows_per_slice, recipe)
    return Spent(epsilon=max(_of_group(curve, delta, together) for curve in curves), delta=delta)


_Curve = NDArray[np.float64]


def _curves(rows_per_slice: Sequence[int], recipe: Recipe) -> list[_Curve]:
    """Return what a row of each slice spends by the end of the run, at each order."""
    paces = [
        pace(rows, sum(rows_per_slice[:index]), recipe, index)
        for index, rows in enumerate(rows_per_slice)
    ]
    found = []
    later = np.zeros(len(_ORDERS))
    for at in reversed(paces):
        found.append(later + at.steps * _curve(at.own, recipe.noise))
        later = later + at.steps * _curve(at.earlier, recipe.noise)
    return found


@functools.lru_cache(maxsize=256)
def _curve(chance: float, noise: float) -> _Curve:
    """Return what one step spends on a row that is in it with some chance."""
    orders = list(_ORDERS)
    told = _opacus().compute_rdp(q=chance, noise_multiplier=noise, steps=1, orders=orders)
    return np.asarray(told, dtype=np.float64)


def _opacus() -> ModuleType:
    try:
        from opacus.accountants.analysis import (  # type: ignore[import-untyped] # noqa: PLC0415
            rdp,
        )
    except ImportError as error:
        raise TrainingError(
            "A recipe with noise needs Opacus, which says what it spends; "
            "pip install 'twinvault[private]'."
        ) from error
    return cast(ModuleType, rdp)


def _of_group(curve: _Curve, delta: float, size: int) -> float:
    """Return the epsilon of some rows together (Dwork and Roth, 2014, theorem 2.2).

    Rows that are (e, d)-private one by one are (k e, k exp((k - 1) e) d)-private together, so
    the least e is looked for whose d is small enough.
    """
    if size == 1:
        return _epsilon(curve, delta)
    found = math.inf
    for halves in range(1, 600):
        small = delta * 2.0**-halves
        alone = _epsilon(curve, small)
        if math.log(size * small) + (size - 1) * alone <= math.log(delta):
            found = min(found, size * alone)
    return found


def _epsilon(curve: _Curve, delta: float) -> float:
    with warnings.catch_warnings():
        # It would like more orders where the best is the first or last of them.
        warnings.simplefilter("ignore")
        found, _ = _opacus().get_privacy_spent(orders=list(_ORDERS), rdp=curve, delta=delta)
    return max(0.0, float(found))
