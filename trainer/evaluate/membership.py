"""Whether somebody with the weights could tell what was learned: membership inference.

LiRA, offline: the model's confidence in a row is compared with that of shadow models that
never saw the row. Shadows are trained like the model, each on a random half of the rows
learned and held; the spread is shared by all rows, because few shadows say little about one
alone. Carlini et al., Membership Inference Attacks From First Principles (S&P 2022), sections
IV to VI. The loss alone, without shadows, is blind to rows that are easy for everyone.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import numpy as np
import numpy.typing as npt

from projections.rows import Row
from trainer.environment import Environment
from trainer.evaluate.held import Cost
from trainer.evaluate.intervals import Floats, auc, auc_interval
from trainer.evaluate.report import Measure
from trainer.finetune import Permitted, train
from trainer.private import Secret
from trainer.recipe import Recipe
from trainer.slices import Foundation, plan
from trainer.states import Memory, Store, name_of

__all__ = ["Shadows", "confidence", "lira", "membership"]

Confident = Callable[[bytes], Floats]
"""The confidence in each row under trained weights."""

_SALT = b"twinvault.shadows/1"
_RARE = 0.01  # the rate of false alarms at which hits are counted


def confidence(found: Sequence[Cost]) -> Floats:
    """Return the logit of each reply's mean probability per token, which is near normal."""
    nats = np.array([cost.bits / cost.tokens for cost in found], np.float64) * np.log(2)
    nats = nats.clip(1e-9, 50.0)
    return np.asarray(-nats - np.log1p(-np.exp(-nats)), np.float64)


def lira(target: Floats, shadows: Floats, saw: npt.NDArray[np.bool_]) -> Floats:
    """Return how much likelier each row is a member, as a score that only orders.

    Args:
        target: Confidences of the model that is attacked, one a row.
        shadows: Confidences of shadow models, shadows x rows.
        saw: Which shadow learned which row.
    """
    never = np.where(saw, np.nan, shadows)
    middle = np.nanmean(never, axis=0)
    spread = float(np.sqrt(np.nanmean((never - middle) ** 2)))
    return np.asarray((target - middle) / max(spread, 1e-9), np.float64)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """Shadows that were trained already; `of` says for which model, rows and seed."""

    of: str
    confidences: tuple[tuple[float, ...], ...]


class Shadows:
    """Trains shadow models one after the other; what an interrupted run had stays kept.

    Kept are their confidences alone, sealed under `name`; weights live as long as one shadow.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        recipe: Recipe,
        environment: Environment,
        foundation: Foundation | None = None,
        *,
        count: int = 8,
        seed: int = 0,
    ) -> None:
        self._rows = tuple(rows)
        self._recipe, self._environment, self._foundation = recipe, environment, foundation
        self._count, self._seed = count, seed
        self.saw = np.array([_halves(row.id, count, seed) for row in self._rows]).T

    def train(
        self,
        confident: Confident,
        permitted: Permitted,
        store: Store,
        name: str,
        progress: Callable[[int, int], None] | None = None,
    ) -> Floats:
        """Return the confidences of all shadows, shadows x rows.

        Raises:
            NothingPermitted: No permitted row is left.
            TrainingError: A shadow could not be trained.
        """
        found = list(self._kept(store, name))
        for number in range(len(found), self._count):
            if progress:
                progress(number, self._count)
            found.append(tuple(self._one(number, confident, permitted).tolist()))
            store.write(
                name, msgspec.json.encode(_Kept(of=self._digest(), confidences=tuple(found)))
            )
        store.delete(name)
        if progress:
            progress(self._count, self._count)
        return np.array(found, np.float64)

    def _one(self, number: int, confident: Confident, permitted: Permitted) -> Floats:
        half = [
            replace(row, split="train")
            for row, saw in zip(self._rows, self.saw[number], strict=True)
            if saw
        ]
        recipe = replace(self._recipe, seed=self._seed + 1 + number)
        memory = Memory()
        # A shadow is thrown away, so that its noise need not be drawn again.
        secret = Secret(os.urandom(32))
        planned = plan(half, recipe, self._environment, self._foundation, secret)
        trained = train(planned, memory, permitted)
        weights = memory.read(name_of(trained.state))
        assert weights is not None
        return confident(weights)

    def _kept(self, store: Store, name: str) -> tuple[tuple[float, ...], ...]:
        body = store.read(name)
        kept = msgspec.json.decode(body, type=_Kept) if body else None
        return kept.confidences if kept and kept.of == self._digest() else ()

    def _digest(self) -> str:
        told = hashlib.sha256(_SALT)
        parts = (self._recipe.canonical(), self._environment.canonical(), str(self._seed))
        for part in (*parts, *(row.id for row in self._rows)):
            told.update(part.encode() + b"\n")
        return told.hexdigest()


def _halves(row: str, count: int, seed: int) -> list[bool]:
    """Say which shadows learn a row: half of them, chosen by its id, so never all and never none."""
    drawn = [
        (hashlib.sha256(f"{seed}.{number}.{row}".encode()).digest(), number)
        for number in range(count)
    ]
    chosen = {number for _, number in sorted(drawn)[: count // 2]}
    return [number in chosen for number in range(count)]


def membership(
    rows: Sequence[Row],
    members: Sequence[bool],
    scores: Floats,
    blind: Floats,
    seed: int = 0,
) -> tuple[Measure, ...]:
    """Measure how well scores tell members: AUC, and hits at one false alarm in a hundred.

    Args:
        rows: The rows that were scored.
        members: Which of them the model learned.
        scores: What `lira` returned.
        blind: Confidences of the model itself, to say what the loss alone would tell.
        seed: Of the interval.
    """
    inside = np.array(members, np.bool_)
    ours, others = scores[inside], scores[~inside]
    if not len(ours) or not len(others):
        return (Measure(name="membership_auc", value=None, note="There is no row of one side."),)
    low, high = auc_interval(ours, others, seed)
    least = float(np.quantile(others, 1 - _RARE, method="higher"))
    hits = int((ours > least).sum())
    worst = sorted(np.flatnonzero(inside).tolist(), key=lambda at: (-scores[at], rows[at].id))[:5]
    pairs = tuple(dict.fromkeys(rows[at].facts.pair or rows[at].id for at in worst))
    n = min(len(ours), len(others))
    alone = auc(blind[inside], blind[~inside])
    return (
        Measure(
            name="membership_auc",
            value=auc(ours, others),
            low=low,
            high=high,
            floor=0.5,
            ceiling=1.0,
            n=n,
            note=f"How well an attacker tells rows it learned: .5 not at all; by the loss alone {alone:.3f}.",
            worst=pairs,
        ),
        Measure.of_share(
            "membership_hits",
            hits=hits,
            of=len(ours),
            floor=_RARE,
            note="Share of rows it learned that an attacker names at one false alarm in a hundred.",
            worst=pairs,
        ),
    )
