"""A conditional random field over labels of words, fitted with numpy; made for training only."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Fitted", "Sentence", "fit"]

_Floats = npt.NDArray[np.float64]
_Ids = npt.NDArray[np.int64]


class Sentence(NamedTuple):
    """Numbers of the features of each word, and the label of each."""

    features: Sequence[Sequence[int]]
    labels: Sequence[int]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Weights of features (rows) for labels (columns), and of steps between labels."""

    weights: _Floats
    steps: _Floats


@dataclass(frozen=True, slots=True)
class _Batch:
    """Sentences side by side, shorter ones filled up.

    Args:
        used: The features that occur, each once.
        where: For each occurrence of a feature, its place in `used`.
        word: For each occurrence, the word that has it.
        place: For each word, sentence * length + position.
        gold: Labels, -1 where there is no word.
    """

    used: _Ids
    where: _Ids
    word: _Ids
    place: _Ids
    gold: _Ids


_SIZE = 96
_DROPPED = 0.25
_RATE = 0.2
_DECAY = 2e-5


def fit(
    sentences: Sequence[Sentence],
    features: int,
    labels: int,
    epochs: int,
    tell: Callable[[str], object] = lambda _: None,
) -> Fitted:
    """Fit by AdaGrad; features are dropped by chance, so that none is relied on alone."""
    rng = np.random.default_rng(7)
    batches = _batches(sentences)
    weights = np.zeros((features, labels))
    steps = np.zeros((labels, labels))
    squares, step_squares = np.full((features, labels), 1e-2), np.full((labels, labels), 1.0)
    for epoch in range(epochs):
        loss = 0.0
        rate = _RATE * (1 - epoch / (epochs + 1))
        for at in rng.permutation(len(batches)):
            batch = batches[at]
            kept = (rng.random(len(batch.where)) >= _DROPPED) / (1 - _DROPPED)
            local = weights[batch.used]
            scores = _scores(batch, kept, local)
            value, slope, step_slope = _slopes(scores, steps, batch.gold)
            loss += value
            own = _gathered(batch, kept, slope.reshape(-1, labels)[batch.place], len(batch.used))
            own += _DECAY * _SIZE * local
            squares[batch.used] += own**2
            weights[batch.used] -= rate * own / np.sqrt(squares[batch.used])
            step_squares += step_slope**2
            steps -= rate * step_slope / np.sqrt(step_squares)
        tell(f"epoch {epoch + 1}: {loss / len(sentences):.3f}")
    return Fitted(weights, steps)


def _batches(sentences: Sequence[Sentence]) -> list[_Batch]:
    order = sorted(range(len(sentences)), key=lambda at: len(sentences[at].labels))
    return [
        _batch([sentences[at] for at in order[start : start + _SIZE]])
        for start in range(0, len(order), _SIZE)
    ]


def _batch(sentences: Sequence[Sentence]) -> _Batch:
    length = max(len(one.labels) for one in sentences)
    gold = np.full((len(sentences), length), -1)
    place: list[int] = []
    flat: list[int] = []
    counts: list[int] = []
    for row, one in enumerate(sentences):
        gold[row, : len(one.labels)] = one.labels
        place += range(row * length, row * length + len(one.labels))
        for features in one.features:
            flat += features
            counts.append(len(features))
    used, where = np.unique(np.array(flat, dtype=np.int64), return_inverse=True)
    return _Batch(used, where, np.repeat(np.arange(len(counts)), counts), np.array(place), gold)


def _scores(batch: _Batch, kept: _Floats, weights: _Floats) -> _Floats:
    """Return the sum of weights at [sentence, position, label]."""
    labels = weights.shape[1]
    scores = np.zeros((batch.gold.size, labels))
    for label in range(labels):
        taken = weights[:, label][batch.where] * kept
        scores[batch.place, label] = np.bincount(
            batch.word, weights=taken, minlength=len(batch.place)
        )
    return scores.reshape(*batch.gold.shape, labels)


def _gathered(batch: _Batch, kept: _Floats, slope: _Floats, used: int) -> _Floats:
    """Return the slope of each feature's weights, from the slopes of the words' scores."""
    columns = [
        np.bincount(batch.where, weights=slope[:, label][batch.word] * kept, minlength=used)
        for label in range(slope.shape[1])
    ]
    return np.stack(columns, axis=1)


def _slopes(scores: _Floats, steps: _Floats, gold: _Ids) -> tuple[float, _Floats, _Floats]:
    """Return the loss, and its slopes by score and by step; forward and backward."""
    length = scores.shape[1]
    real = gold >= 0
    forward = np.zeros_like(scores)
    forward[:, 0] = scores[:, 0]
    for at in range(1, length):
        into = _sum(forward[:, at - 1, :, None] + steps, 1) + scores[:, at]
        forward[:, at] = np.where(real[:, at, None], into, forward[:, at - 1])
    total = _sum(forward[:, -1], 1)
    backward = np.zeros_like(scores)
    for at in range(length - 2, -1, -1):
        on = _sum(steps + (scores[:, at + 1] + backward[:, at + 1])[:, None, :], 2)
        backward[:, at] = np.where(real[:, at + 1, None], on, 0.0)
    slope = np.exp(forward + backward - total[:, None, None]) * real[:, :, None]
    step_slope = np.zeros_like(steps)
    for at in range(1, length):
        both = forward[:, at - 1, :, None] + steps + (scores[:, at] + backward[:, at])[:, None, :]
        shares = np.exp(both - total[:, None, None]) * real[:, at, None, None]
        step_slope += shares.sum(0)
    truth = np.where(real, gold, 0)
    picked = np.take_along_axis(scores, truth[:, :, None], 2)[:, :, 0] * real
    pairs = real[:, 1:]
    walked = steps[truth[:, :-1], truth[:, 1:]] * pairs
    np.add.at(step_slope, (truth[:, :-1][pairs], truth[:, 1:][pairs]), -1.0)
    rows, places = np.nonzero(real)
    slope[rows, places, truth[rows, places]] -= 1.0
    return float(total.sum() - picked.sum() - walked.sum()), slope, step_slope


def _sum(logs: _Floats, axis: int) -> _Floats:
    most = logs.max(axis=axis, keepdims=True)
    summed: _Floats = np.log(np.exp(logs - most).sum(axis=axis)) + most.squeeze(axis)
    return summed
