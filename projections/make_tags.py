"""Make `curate/tags.bin` anew: `python -m projections.make_tags`.

One linear model per tag is learned from `projections/material/tags`, written for this project: a file of
lines for each tag, `mixed.txt` with several tags a line, `neutral.txt` with none, and
`lexicon.txt`, words by tag, each of them an example. The threshold of a tag is where F is best among lines that it had
not learned from, precision counting half as much again as recall. It needs the extra `dev`.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.metrics import precision_recall_curve  # type: ignore[import-untyped]
from sklearn.model_selection import KFold  # type: ignore[import-untyped]

from projections.curate.tags import (
    BUCKETS,
    FEW,
    PART_WEIGHS,
    TAGS,
    WORD_WEIGHS,
    Weights,
    buckets,
    words_of,
)

__all__ = ["Example", "learned", "lexicon", "lines", "main"]

_MATERIAL = Path(__file__).with_name("material") / "tags"
_OUT = Path(__file__).with_name("curate") / "tags.bin"
_LOOSE = 30.0
_BETA_SQUARED = 4 / 9
_FOLDS = 4

_Matrix = Any  # scipy and scikit-learn have no types


class Example(NamedTuple):
    """A line or a word, and what it is about."""

    text: str
    tags: frozenset[str]


def lines() -> list[Example]:
    """Return all lines that were written."""
    return list(_lines())


def _lines() -> Iterator[Example]:
    for name in (*TAGS, "mixed", "neutral"):
        for line in (_MATERIAL / f"{name}.txt").read_text("utf-8").splitlines():
            text, _, also = line.partition(" | ")
            yield Example(text, frozenset((name, *also.split())).intersection(TAGS))


def lexicon() -> list[Example]:
    """Return all words that were written, each once with all its tags."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for line in (_MATERIAL / "lexicon.txt").read_text("utf-8").splitlines():
        tag, _, said = line.partition(": ")
        for word in said.split():
            for part in words_of(word):
                found[part].add(tag)
    return [Example(word, frozenset(found[word]).intersection(TAGS)) for word in sorted(found)]


def _matrix(examples: Sequence[Example]) -> _Matrix:
    rows, columns, values = [], [], []
    for row, example in enumerate(examples):
        words = sorted(words_of(example.text))
        share = 1 / sqrt(len(words) + FEW)
        for word in words:
            whole, *parts = buckets(word)
            rows += [row] * (1 + len(parts))
            columns += [whole, *parts]
            values += [share, *[share * PART_WEIGHS / WORD_WEIGHS] * len(parts)]
    return csr_matrix((values, (rows, columns)), shape=(len(examples), BUCKETS))


def _fit(features: _Matrix, holds: "np.ndarray[Any, Any]") -> Any:  # noqa: ANN401
    return LogisticRegression(C=_LOOSE, solver="liblinear", random_state=1).fit(features, holds)


class _Head(NamedTuple):
    """The weights of one tag, and how much is enough."""

    weights: "np.ndarray[Any, Any]"
    enough: float


def _head(features: _Matrix, holds: "np.ndarray[Any, Any]", written: int) -> _Head:
    """Learn one tag; its threshold comes from written lines that it had not learned from."""
    words = np.arange(written, len(holds))
    said = np.zeros(written)
    for learn, left in KFold(_FOLDS, shuffle=True, random_state=1).split(said):
        rows = np.concatenate([learn, words])
        said[left] = _fit(features[rows], holds[rows]).decision_function(features[left])
    precision, recall, least = precision_recall_curve(holds[:written], said)
    both = precision * recall / np.maximum(_BETA_SQUARED * precision + recall, 1e-9)
    model = _fit(features, holds)
    enough = least[np.argmax(both[:-1])] - model.intercept_[0]
    return _Head(model.coef_[0], float(enough))


def learned(written: Sequence[Example], words: Sequence[Example]) -> Weights:
    """Learn all tags from lines and words."""
    examples = [*written, *words]
    features = _matrix(examples)
    heads = [
        _head(features, np.array([tag in one.tags for one in examples]), len(written))
        for tag in TAGS
    ]
    table = np.array([one.weights for one in heads]).T
    scale = float(np.quantile(np.abs(table), 0.9999) / 127)
    return Weights(
        words=np.clip(np.round(table / scale), -127, 127).astype(np.int8).tobytes(),
        thresholds=tuple(round(WORD_WEIGHS * one.enough / scale) for one in heads),
    )


def main() -> None:
    """Write the weights."""
    written, words = lines(), lexicon()
    content = zlib.compress(msgspec.msgpack.encode(learned(written, words)), 9)
    _OUT.write_bytes(content)
    print(f"{len(written)} lines, {len(words)} words, {len(content)} bytes")  # noqa: T201


if __name__ == "__main__":
    main()
