"""The order in which rows are learned: a pure function of their ids.

There is no global shuffle: each row's place follows from a digest of its id, so that a run
without some rows is the run of a person who never had them. Rows of like length share a
batch (measured: useful tokens .55 -> .98); length is counted in bytes, which needs no
tokenizer and follows tokens closely.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from projections.rows import Message, Row
from trainer import private
from trainer.recipe import Recipe

__all__ = ["Batch", "Course", "Step", "batches", "course", "steps"]

Batch = tuple[Row, ...]
Step = tuple[Batch, ...]

# Batches are cut from stretches of this many: wide enough to find rows of like length,
# narrow enough that an epoch stays mixed.
_STRETCH = 16
# One row in this many is watched, and never more than so many.
_WATCHED, _WATCHED_MOST = 16, 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a slice learns: epochs of steps, each of as many batches as are accumulated.

    `watched` rows are kept out of the slice and say when it has learned enough.
    """

    epochs: tuple[tuple[Step, ...], ...]
    watched: tuple[Row, ...]

    @property
    def steps(self) -> int:
        """How many steps the slice takes if nothing ends it early."""
        return sum(map(len, self.epochs))


def course(
    own: Sequence[Row], earlier: Sequence[Row], recipe: Recipe, slice_: int, coins: bytes = b""
) -> Course:
    """Return everything that one slice learns, in the order of learning.

    A private recipe has its steps drawn (`trainer.private`) and watches no row.

    Args:
        own: The rows of the slice.
        earlier: The rows of the slices before it, some of which are rehearsed.
        recipe: Says how many epochs, rows a batch and batches a step.
        slice_: The number of the slice, so that no two are ordered alike.
        coins: What the steps of a private recipe are drawn from.
    """
    if recipe.noise:
        drawn = private.parts(own, earlier, recipe, slice_, coins)
        steps = tuple(_by_length(part, recipe) for part in drawn)
        return Course(epochs=(steps,), watched=())
    watched = _watched(own, recipe, slice_)
    aside = {row.id for row in watched}
    learned = [row for row in own if row.id not in aside]
    return Course(
        epochs=tuple(
            tuple(
                _accumulated(
                    _epoch(learned, earlier, recipe, share, f"{recipe.seed}.{slice_}.{at}"),
                    recipe.accumulate,
                )
            )
            for at, share in enumerate(_shares(recipe, slice_))
        ),
        watched=watched,
    )


def batches(own: Sequence[Row], earlier: Sequence[Row], recipe: Recipe, slice_: int) -> list[Batch]:
    """Return all batches of one slice in the order of learning."""
    taken = course(own, earlier, recipe, slice_)
    return list(chain.from_iterable(chain.from_iterable(taken.epochs)))


def steps(own: Sequence[Row], earlier: Sequence[Row], recipe: Recipe, slice_: int) -> int:
    """Return how many steps a slice takes, without ordering its rows."""
    if recipe.noise:
        return private.pace(len(own), len(earlier), recipe, slice_).steps
    count = len(own) - _watched_count(own, recipe)
    found = 0
    for share in _shares(recipe, slice_):
        mine = round(share * count)
        rows = mine + round(_rehearsed(mine, earlier, recipe) * len(earlier))
        found += math.ceil(math.ceil(rows / recipe.batch) / recipe.accumulate)
    return found


def _shares(recipe: Recipe, slice_: int) -> list[float]:
    """Return the share of the rows that each epoch takes: all, but for a fraction at the end."""
    epochs = recipe.epochs if slice_ == 0 else recipe.later_epochs
    return [min(1.0, epochs - epoch) for epoch in range(math.ceil(epochs))]


def _watched_count(own: Sequence[Row], recipe: Recipe) -> int:
    return min(_WATCHED_MOST, len(own) // _WATCHED) if recipe.patience else 0


def _watched(own: Sequence[Row], recipe: Recipe, slice_: int) -> tuple[Row, ...]:
    ordered = sorted(own, key=lambda row: _place(f"{recipe.seed}.{slice_}.watched", row))
    return tuple(ordered[: _watched_count(own, recipe)])


def _rehearsed(mine: int, earlier: Sequence[Row], recipe: Recipe) -> float:
    return min(1.0, recipe.rehearsal * mine / max(1, len(earlier)))


def _epoch(
    own: Sequence[Row],
    earlier: Sequence[Row],
    recipe: Recipe,
    share: float,
    salt: str,
) -> list[Batch]:
    rows = _first(own, share, salt)
    rows += _first(earlier, _rehearsed(len(rows), earlier, recipe), salt)
    return _batched(rows, recipe, salt)


def _accumulated(cut: Sequence[Batch], many: int) -> Iterator[Step]:
    """Yield steps of so many batches; the last of an epoch may have fewer."""
    for start in range(0, len(cut), many):
        yield tuple(cut[start : start + many])


def _first(rows: Sequence[Row], share: float, salt: str) -> list[Row]:
    """Return a share of the rows, chosen by their digests."""
    ordered = sorted(rows, key=lambda row: _place(salt, row))
    return ordered[: round(share * len(ordered))]


def _batched(rows: list[Row], recipe: Recipe, salt: str) -> list[Batch]:
    ordered = sorted(rows, key=lambda row: _place(f"{salt}.", row))
    stretch = _STRETCH * recipe.batch
    found: list[Batch] = []
    for start in range(0, len(ordered), stretch):
        found += _by_length(ordered[start : start + stretch], recipe)
    return sorted(found, key=lambda batch: _place(salt, batch[0]))


def _by_length(rows: Sequence[Row], recipe: Recipe) -> Step:
    # No more is read of a row than the reply, its context and a system message.
    read, size = recipe.context + 2, recipe.batch
    ordered = sorted(rows, key=lambda row: (_length(row.messages[-read:]), row.id))
    return tuple(tuple(ordered[at : at + size]) for at in range(0, len(ordered), size))


def _length(messages: Sequence[Message]) -> int:
    return sum(len(message.content.encode()) for message in messages)


def _place(salt: str, row: Row) -> bytes:
    return hashlib.sha256(f"{salt}.{row.id}".encode()).digest()
