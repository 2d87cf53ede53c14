"""The order in which rows are learned: a pure function of their ids.

There is no global shuffle: each row's place follows from a digest of its id, so that a run
without some rows is the run of a person who never had them. Rows of like length share a
batch (measured: useful tokens .55 -> .98); length is counted in bytes, which needs no
tokenizer and follows tokens closely.
"""

import hashlib
from collections.abc import Sequence

from projections.rows import Row
from trainer.recipe import Recipe

__all__ = ["Batch", "batches", "steps"]

Batch = tuple[Row, ...]

# Batches are cut from stretches of this many: wide enough to find rows of like length,
# narrow enough that an epoch stays mixed.
_STRETCH = 16


def batches(own: Sequence[Row], earlier: Sequence[Row], recipe: Recipe, slice_: int) -> list[Batch]:
    """Return all batches of one slice in the order of learning.

    Args:
        own: The rows of the slice.
        earlier: The rows of the slices before it, some of which are rehearsed.
        recipe: Says how many epochs and rows a batch.
        slice_: The number of the slice, so that no two are ordered alike.
    """
    epochs = recipe.epochs if slice_ == 0 else recipe.later_epochs
    found: list[Batch] = []
    for epoch in range(-int(-epochs // 1)):
        share = min(1.0, epochs - epoch)
        salt = f"{recipe.seed}.{slice_}.{epoch}"
        rows = _first(own, share, salt)
        rows += _first(earlier, min(1.0, recipe.rehearsal * len(rows) / max(1, len(earlier))), salt)
        found += _epoch(rows, recipe.batch, salt)
    return found


def steps(own: Sequence[Row], earlier: Sequence[Row], recipe: Recipe, slice_: int) -> int:
    """Return how many batches a slice takes."""
    return len(batches(own, earlier, recipe, slice_))


def _first(rows: Sequence[Row], share: float, salt: str) -> list[Row]:
    """Return a share of the rows, chosen by their digests."""
    ordered = sorted(rows, key=lambda row: _place(salt, row))
    return ordered[: round(share * len(ordered))]


def _epoch(rows: list[Row], size: int, salt: str) -> list[Batch]:
    ordered = sorted(rows, key=lambda row: _place(f"{salt}.", row))
    found: list[Batch] = []
    for start in range(0, len(ordered), size * _STRETCH):
        stretch = sorted(ordered[start : start + size * _STRETCH], key=_length)
        found += [tuple(stretch[at : at + size]) for at in range(0, len(stretch), size)]
    return sorted(found, key=lambda batch: _place(salt, batch[0]))


def _length(row: Row) -> tuple[int, str]:
    return sum(len(message.content.encode()) for message in row.messages[-3:]), row.id


def _place(salt: str, row: Row) -> bytes:
    return hashlib.sha256(f"{salt}.{row.id}".encode()).digest()
