"""Make `sensitive.bin` anew: `python -m projections.make_sensitive FOLDER_OF_PUBLIC_TEXT`.

A head per category and embedder is learned from `projections/material`: lines written for this
project, one category a file, `ordinary.txt` what only sounds like one, `frames.txt` sentences
with slots, `variants` lines that can be said in several ways, beside what sounds like them, and
`told` lines for one matter and such as only sound like it. Whether those are about another
matter nobody said: there they count like public ones. Public conversations count as ordinary,
without the lines that a first round finds telling. The threshold is where one everyday line in
a thousand is taken for it, among public lines that were not learned from, yet no lower than a
chance of a half and no higher than nearly three quarters. What is said of every head was
measured on `material/unseen`, which no weight is learned from; how steep a score is comes from
there too. It needs the extras `search` and `dev`; the text does not ship.
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
from scipy.sparse import csr_matrix, hstack  # type: ignore[import-untyped]
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from projections.embed import MINILM, STATIC, UNIT, Embedder, Sentence, chosen, pieces
from projections.make_embed import public_lines
from projections.sensitive import BUCKETS, CATEGORIES, FINE, SHARE, Head, buckets, share

__all__ = ["Example", "examples", "main", "marked", "runs"]

_MATERIAL = Path(__file__).with_name("material")
_OUT = Path(__file__).with_name("sensitive.bin")
_SLOT = re.compile(r"\{([^{}]+)\}")
_EACH_FRAME, _EACH_VARIANT = 14, 6
_RUN = 6
_SURELY, _DOUBTED = 0.3, 0.1
_FALSE_POSITIVES = 0.02
_LEFT_OUT = 0.001
_EVEN, _SURE = 0.0, 1.0  # as probabilities: a half, and nearly three quarters
_LOOSE = 6.0
_WORDS_WEIGH = 0.25
_KINDS = {MINILM: (8, 0.7), STATIC: (3, 0.85)}
"""Of how many public lines one is learned from, and how alike texts teach each other."""
_EVERYDAY = slice(5, None, 12)  # no line that either kind learns from

_Matrix = Any  # scipy and scikit-learn have no types


class Example(NamedTuple):
    """One line and the categories that it is about; `written` is False where a frame made it.

    `told` is the one category of which this is known, empty where it is known of all.
    """

    text: str
    categories: frozenset[str]
    written: bool = True
    told: str = ""


def _lines(path: Path) -> Iterator[Example]:
    for line in path.read_text("utf-8").splitlines():
        text, *also = (part.strip() for part in line.split(" |"))
        yield Example(text, frozenset((path.stem, *also)).intersection(CATEGORIES))


def _slots(path: Path) -> dict[str, list[str]]:
    named = (line.partition(" = ") for line in path.read_text("utf-8").splitlines())
    return {name: [one.strip() for one in words.split(" | ")] for name, is_, words in named if is_}


def _framed(path: Path) -> Iterator[Example]:
    slots = _slots(path)
    for line in path.read_text("utf-8").splitlines():
        if " = " not in line and ": " in line and not line.startswith("#"):
            category, _, frame = line.partition(": ")
            found = frozenset((category,)).intersection(CATEGORIES)
            child = "{child}" in frame and category != "ordinary"
            about = found | ({"minors"} if child else set())
            for text in _filled(frame, slots, _EACH_FRAME):
                yield Example(text, about, written=False)


def marked(folder: str) -> dict[str, list[tuple[str, bool]]]:
    """Return the lines of a folder of the material and whether they are about their file's matter."""
    return {
        path.stem: [
            (line[2:], line[0] == "+")
            for line in path.read_text("utf-8").splitlines()
            if line[:2] in {"+ ", "- "}
        ]
        for path in sorted((_MATERIAL / folder).glob("*.txt"))
    }


def _varied() -> Iterator[Example]:
    slots = _slots(_MATERIAL / "frames.txt")
    for name, lines in marked("variants").items():
        for frame, holds in lines:
            for text in _filled(frame, slots, _EACH_VARIANT):
                yield Example(text, frozenset({name} if holds else ()), written=False)


def _told() -> Iterator[Example]:
    for name, lines in marked("told").items():
        for text, holds in lines:
            yield Example(text, frozenset({name} if holds else ()), told=name)


def _filled(frame: str, slots: dict[str, list[str]], count: int) -> list[str]:
    """Return sentences that a frame makes, the same ones every time."""
    chance = random.Random(frame)  # noqa: S311 - no secret
    made = {
        _SLOT.sub(lambda slot: chance.choice(slots.get(slot[1]) or slot[1].split("/")), frame)
        for _ in range(count)
    }
    return sorted(made)


def runs(text: str) -> set[tuple[str, ...]]:
    """Return all runs of six words in a text; what shares one with another is much like it."""
    words = pieces(text)
    return {tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1)}


def examples() -> list[Example]:
    """Return what was written, and what frames and variants make, but for what is like `unseen`."""
    kept = {run for lines in marked("unseen").values() for text, _ in lines for run in runs(text)}
    named = [*CATEGORIES, "ordinary"]
    lines = [one for name in named for one in _lines(_MATERIAL / f"{name}.txt")]
    every = [*lines, *_told(), *_framed(_MATERIAL / "frames.txt"), *_varied()]
    return [one for one in every if kept.isdisjoint(runs(one.text))]


class _Lines(NamedTuple):
    """Lines as numbers: vectors, words, what each is about, whether that is sure, how it counts."""

    vectors: "np.ndarray[Any, Any]"
    words: _Matrix
    about: "np.ndarray[Any, Any]"
    sure: "np.ndarray[Any, Any]"
    written: "np.ndarray[Any, Any]"


def _words(texts: Sequence[str]) -> _Matrix:
    rows, columns, values = [], [], []
    for row, text in enumerate(texts):
        found = pieces(text)
        for column in buckets(found):
            rows.append(row)
            columns.append(column)
            values.append(_WORDS_WEIGH * share(len(set(found))) / (1 << SHARE))
    return csr_matrix((values, (rows, columns)), shape=(len(texts), BUCKETS))


def lines_of(learned: Sequence[Example], public: Sequence[str], embedder: Embedder) -> _Lines:
    """Return lines as numbers, those of this project before public ones."""
    texts = [*(one.text for one in learned), *public]
    embed = embedder.together if isinstance(embedder, Sentence) else embedder.embed
    about = np.zeros((len(texts), len(CATEGORIES)), dtype=bool)
    sure = np.zeros_like(about)
    for row, one in enumerate(learned):
        about[row] = [name in one.categories for name in CATEGORIES]
        sure[row] = [one.told in {"", name} for name in CATEGORIES]
    return _Lines(
        vectors=np.array([list(one) for one in embed(texts)], dtype=np.float64) / UNIT,
        words=_words(texts),
        about=about,
        sure=sure,
        written=np.array([one.written for one in learned] + [False] * len(public)),
    )


def _fit(lines: _Lines, category: int, rows: "np.ndarray[Any, Any]", *, doubted: float) -> Any:  # noqa: ANN401
    features = hstack([csr_matrix(lines.vectors[rows]), lines.words[rows]]).tocsr()
    weights = np.where(lines.written[rows], 1.0, 0.5)
    weights[~lines.sure[rows, category]] = doubted
    model = LogisticRegression(C=_LOOSE, solver="liblinear", tol=1e-3, random_state=0)
    return model.fit(features, lines.about[rows, category], sample_weight=weights)


def _decide(model: Any, lines: _Lines, rows: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":  # noqa: ANN401
    features = hstack([csr_matrix(lines.vectors[rows]), lines.words[rows]]).tocsr()
    found: np.ndarray[Any, Any] = model.decision_function(features)
    return found


class Measured(NamedTuple):
    """What a head finds of the lines that nothing was learned from.

    `hard` is the share found where 2 % of those that only sound like it are taken for it;
    `recall` and `false` are the shares of both at the threshold that ships, `everyday` that of
    public lines.
    """

    hard: float
    recall: float
    false: float
    everyday: float


class Unseen(NamedTuple):
    """Lines to measure on: those written for each matter, and public ones as they come."""

    hard: dict[str, tuple[_Lines, list[bool]]]
    everyday: _Lines


class _Trained(NamedTuple):
    weights: "np.ndarray[Any, Any]"
    bias: float
    threshold: float
    measured: Measured


def _train(lines: _Lines, category: int, unseen: Unseen) -> _Trained:
    """Learn one head; its scale and threshold come from lines that it did not learn from."""
    every = np.arange(len(lines.about))
    first = _fit(lines, category, every, doubted=_DOUBTED)
    telling = ~lines.sure[:, category] & (_decide(first, lines, every) >= 0)
    model = _fit(lines, category, every[~telling], doubted=_SURELY)
    hard, truth = unseen.hard[CATEGORIES[category]]
    holds = np.array(truth)
    said = _decide(model, hard, np.arange(len(holds)))
    everyday = _decide(model, unseen.everyday, np.arange(len(unseen.everyday.about)))
    even = LogisticRegression(C=1.0).fit(said[:, None], holds)
    slope, shift = float(even.coef_[0, 0]), float(even.intercept_[0])
    two = float(np.quantile(said[~holds], 1 - _FALSE_POSITIVES))
    rare = float(np.quantile(everyday, 1 - _LEFT_OUT))
    least = min(max(rare, (_EVEN - shift) / slope), (_SURE - shift) / slope)
    return _Trained(
        weights=model.coef_[0] * slope,
        bias=float(model.intercept_[0]) * slope + shift,
        threshold=least * slope + shift,
        measured=Measured(
            hard=float((said[holds] > two).mean()),
            recall=float((said[holds] >= least).mean()),
            false=float((said[~holds] >= least).mean()),
            everyday=float((everyday >= least).mean()),
        ),
    )


def head(lines: _Lines, unseen: Unseen, alike: float) -> tuple[Head, list[Measured]]:
    """Return the head for the vectors of some lines, and what each category finds."""
    trained = [_train(lines, category, unseen) for category in range(len(CATEGORIES))]
    size = lines.vectors.shape[1]
    words = np.array([one.weights[size:] for one in trained]).T * _WORDS_WEIGH
    scale = float(np.quantile(np.abs(words), 0.9999) / 127)
    vector = np.array([one.weights[:size] for one in trained]) * (1000 / UNIT * (1 << FINE))
    made = Head(
        vector=tuple(tuple(map(int, row)) for row in np.round(vector)),
        words=np.clip(np.round(words / scale), -127, 127).astype(np.int8).tobytes(),
        scale=round(scale * 1000 * (1 << SHARE)),
        bias=tuple(round(1000 * one.bias) for one in trained),
        threshold=tuple(round(1000 * one.threshold) for one in trained),
        alike=alike,
    )
    return made, [one.measured for one in trained]


def packed(heads: dict[str, Head]) -> bytes:
    """Return heads as a file."""
    return zlib.compress(msgspec.msgpack.encode(heads), 9)


def unseen(everyday: Sequence[str], embedder: Embedder) -> Unseen:
    """Return the lines to measure on as numbers."""
    hard = {
        name: (
            lines_of([], [text for text, _ in lines], embedder),
            [holds for _, holds in lines],
        )
        for name, lines in marked("unseen").items()
    }
    return Unseen(hard, lines_of([], everyday, embedder))


def main() -> None:
    """Write the heads, and say what each found among lines that it had not learned from."""
    folder, learned = Path(sys.argv[1]), examples()
    everyday = public_lines(folder, "dialog_")[_EVERYDAY]
    heads: dict[str, Head] = {}
    for kind, (every, alike) in _KINDS.items():
        embedder = chosen(kind)
        lines = lines_of(learned, public_lines(folder)[::every], embedder)
        heads[embedder.version], found = head(lines, unseen(everyday, embedder), alike)
        for name, one in zip(CATEGORIES, found, strict=True):
            print(kind, name, *(f"{value:.4f}" for value in one))  # noqa: T201 - a command
    _OUT.write_bytes(packed(heads))


if __name__ == "__main__":
    main()
