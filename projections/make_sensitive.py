"""Make `sensitive.bin` anew: `python -m projections.make_sensitive FOLDER_OF_PUBLIC_TEXT`.

A head per category and embedder is learned from `projections/material`: lines written for
this project, one category a file, `ordinary.txt` what only sounds like one, and
`frames.txt` sentences with slots. Public conversations count as ordinary, without the lines
that a first round finds telling. Leaving an ordinary message out costs little, and missing a
sensitive one much: the threshold is where one everyday line in two hundred is left out, yet no
lower than a chance of one third and no higher than seven tenths. What is
said of every head was measured on written lines that it had not learned from. It needs the extras `search` and `dev`; the text does not ship.
"""

import random
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from scipy.sparse import csr_matrix, hstack, vstack  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]
from sklearn.model_selection import KFold  # type: ignore[import-untyped]

from projections.embed import MINILM, STATIC, UNIT, chosen, pieces
from projections.make_embed import public_lines
from projections.sensitive import BUCKETS, CATEGORIES, Head, buckets, share

__all__ = ["Example", "examples", "main"]

_MATERIAL = Path(__file__).with_name("material")
_OUT = Path(__file__).with_name("sensitive.bin")
_SLOT = re.compile(r"\{(\w+)\}")
_EACH_FRAME = 14
_EVERY = 4
_TELLING_PUBLIC = 0.2
_FALSE_POSITIVES = 0.02
_LEFT_OUT = 0.005
_LEAST, _SURE = -0.7, 0.85  # as probabilities: a third, and seven tenths
_FOLDS = 3
_LOOSE = 6.0
_WORDS_WEIGH = 0.25
_ALIKE = {MINILM: 0.7, STATIC: 0.85}
_NOTHING = 0.02

_Matrix = Any  # scipy and scikit-learn have no types


class Example(NamedTuple):
    """One line and the categories that it is about; `written` is False where a frame made it."""

    text: str
    categories: frozenset[str]
    written: bool = True


def _lines(path: Path) -> Iterator[Example]:
    for line in path.read_text("utf-8").splitlines():
        text, *also = (part.strip() for part in line.split(" |"))
        yield Example(text, frozenset((path.stem, *also)).intersection(CATEGORIES))


def _framed(path: Path) -> Iterator[Example]:
    slots: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if " = " in line:
            name, _, words = line.partition(" = ")
            slots[name] = [word.strip() for word in words.split(" | ")]
        elif ": " in line and not line.startswith("#"):
            category, _, frame = line.partition(": ")
            found = frozenset((category,)).intersection(CATEGORIES)
            child = "{child}" in frame and category != "ordinary"
            about = found | ({"minors"} if child else set())
            for text in _filled(frame, slots):
                yield Example(text, about, written=False)


def _filled(frame: str, slots: dict[str, list[str]]) -> list[str]:
    """Return sentences that a frame makes, the same ones every time."""
    chance = random.Random(frame)  # noqa: S311 - no secret
    made = {
        _SLOT.sub(lambda slot: chance.choice(slots[slot[1]]), frame) for _ in range(_EACH_FRAME)
    }
    return sorted(made)


def examples() -> list[Example]:
    """Return everything that was written, and what the frames make."""
    named = [*CATEGORIES, "ordinary"]
    lines = [one for name in named for one in _lines(_MATERIAL / f"{name}.txt")]
    return lines + list(_framed(_MATERIAL / "frames.txt"))


class _Lines(NamedTuple):
    """Lines as numbers: vectors, words, what each is about, and how it counts."""

    vectors: "np.ndarray[Any, Any]"
    words: _Matrix
    about: "np.ndarray[Any, Any]"
    written: "np.ndarray[Any, Any]"
    public: "np.ndarray[Any, Any]"


def _words(texts: Sequence[str]) -> _Matrix:
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        found = pieces(text)
        for column in buckets(found):
            rows.append(row)
            columns.append(column)
            values.append(_WORDS_WEIGH * share(found))
    return csr_matrix((values, (rows, columns)), shape=(len(texts), BUCKETS))


def lines_of(
    learned: Sequence[Example],
    public: Sequence[str],
    vectors: Any,  # noqa: ANN401
    taught: "np.ndarray[Any, Any] | None" = None,
) -> _Lines:
    """Return all lines as numbers.

    Args:
        learned: The lines of this project.
        public: Public lines.
        vectors: What an embedder makes of both, in this order.
        taught: What a better head thinks of the public lines; without one, nothing.
    """
    about = np.array([[float(name in one.categories) for name in CATEGORIES] for one in learned])
    nothing = np.zeros((len(public), len(CATEGORIES)))
    return _Lines(
        vectors=np.asarray(vectors, dtype=np.float64),
        words=_words([*(one.text for one in learned), *public]),
        about=np.concatenate([about, nothing if taught is None else taught]),
        written=np.array([one.written for one in learned] + [False] * len(public)),
        public=np.array([False] * len(learned) + [True] * len(public)),
    )


def _fit(lines: _Lines, category: int, rows: "np.ndarray[Any, Any]") -> Any:  # noqa: ANN401
    """Fit a head; a line that is about a matter by a half counts as two halves."""
    features = hstack([csr_matrix(lines.vectors[rows]), lines.words[rows]]).tocsr()
    weights = np.where(lines.written[rows], 1.0, np.where(lines.public[rows], 0.3, 0.5))
    about = lines.about[rows, category]
    partly = np.flatnonzero(about > _NOTHING)
    model = LogisticRegression(C=_LOOSE, max_iter=400)
    return model.fit(
        vstack([features, features[partly]]).tocsr(),
        np.repeat([False, True], [len(rows), len(partly)]),
        sample_weight=np.concatenate([weights * (1 - about), (weights * about)[partly]]),
    )


def _decide(model: Any, lines: _Lines, rows: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":  # noqa: ANN401
    features = hstack([csr_matrix(lines.vectors[rows]), lines.words[rows]]).tocsr()
    found: np.ndarray[Any, Any] = model.decision_function(features)
    return found


def unseen(lines: _Lines, category: int, used: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Return what models say of the written lines that they had not learned from."""
    written = np.flatnonzero(lines.written)
    others = np.flatnonzero(used & ~lines.written)
    said = np.zeros(len(written))
    for learn, left in KFold(_FOLDS, shuffle=True, random_state=1).split(written):
        model = _fit(lines, category, np.concatenate([written[learn], others]))
        said[left] = _decide(model, lines, written[left])
    return said


class Measured(NamedTuple):
    """What a head found of the written lines that it had not learned from.

    `hard` is the share found where 2 % of those that only sound like it are taken for it;
    `recall` and `false` are the shares of both at the threshold that ships.
    """

    hard: float
    recall: float
    false: float


class _Trained(NamedTuple):
    weights: "np.ndarray[Any, Any]"
    bias: float
    threshold: float
    measured: Measured


def _train(lines: _Lines, category: int) -> _Trained:
    """Learn one head; its scale and threshold come from lines that it had not learned from."""
    first = _fit(lines, category, np.flatnonzero(~lines.public))
    public = np.flatnonzero(lines.public)
    telling = 1 / (1 + np.exp(-_decide(first, lines, public))) > _TELLING_PUBLIC
    used = np.ones(len(lines.public), dtype=bool)
    used[public[telling & (lines.about[public, category] == 0)]] = False
    said = unseen(lines, category, used)
    holds = lines.about[lines.written, category] > _NOTHING
    even = LogisticRegression(C=100.0).fit(said[:, None], holds)
    slope, shift = float(even.coef_[0, 0]), float(even.intercept_[0])
    model = _fit(lines, category, np.flatnonzero(used))
    hard = float(np.quantile(said[~holds], 1 - _FALSE_POSITIVES))
    everyday = float(np.quantile(_decide(model, lines, public), 1 - _LEFT_OUT))
    least = everyday
    return _Trained(
        weights=model.coef_[0] * slope,
        bias=float(model.intercept_[0]) * slope + shift,
        threshold=min(max(least * slope + shift, _LEAST), _SURE),
        measured=Measured(
            hard=float((said[holds] > hard).mean()),
            recall=float((said[holds] > least).mean()),
            false=float((said[~holds] > least).mean()),
        ),
    )


def head(lines: _Lines, alike: float) -> tuple[Head, list[Measured]]:
    """Return the head for the vectors of some lines, and what each category finds."""
    trained = [_train(lines, category) for category in range(len(CATEGORIES))]
    size = lines.vectors.shape[1]
    words = np.array([one.weights[size:] for one in trained]).T * _WORDS_WEIGH
    scale = float(np.quantile(np.abs(words), 0.9999) / 127)
    made = Head(
        vector=tuple(tuple(map(float, one.weights[:size])) for one in trained),
        words=np.clip(np.round(words / scale), -127, 127).astype(np.int8).tobytes(),
        scale=scale,
        bias=tuple(one.bias for one in trained),
        threshold=tuple(round(1000 * one.threshold) for one in trained),
        alike=alike,
    )
    return made, [one.measured for one in trained]


def opinions(made: Head, lines: _Lines) -> "np.ndarray[Any, Any]":
    """Return how likely each public line is about each matter, as a head sees it."""
    weights = np.frombuffer(made.words, dtype=np.int8).reshape(BUCKETS, len(CATEGORIES))
    words = lines.words[lines.public] / _WORDS_WEIGH @ (weights * made.scale)
    said = lines.vectors[lines.public] @ np.array(made.vector).T + np.array(made.bias) + words
    found: np.ndarray[Any, Any] = 1 / (1 + np.exp(-said))
    return np.where(found < _NOTHING, 0.0, found)


def packed(heads: dict[str, Head]) -> bytes:
    """Return heads as a file."""
    return zlib.compress(msgspec.msgpack.encode(heads), 9)


def main() -> None:
    """Write the heads, and say what each found among lines that it had not learned from."""
    learned = examples()
    public = public_lines(Path(sys.argv[1]))[::_EVERY]
    texts = [*(one.text for one in learned), *public]
    heads: dict[str, Head] = {}
    taught: np.ndarray[Any, Any] | None = None
    # The better embedder first: it teaches the other one what public lines are about.
    for kind, alike in _ALIKE.items():
        embedder = chosen(kind)
        vectors = np.array(embedder.embed(texts), dtype=np.float64) / UNIT
        lines = lines_of(learned, public, vectors, taught)
        heads[embedder.version], found = head(lines, alike)
        taught = opinions(heads[embedder.version], lines)
        for name, one in zip(CATEGORIES, found, strict=True):
            print(kind, name, *(f"{value:.3f}" for value in one))  # noqa: T201 - a command
    _OUT.write_bytes(packed(heads))


if __name__ == "__main__":
    main()
