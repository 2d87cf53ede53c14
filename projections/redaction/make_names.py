"""Make `names.bin` anew: `python -m projections.redaction.make_names FOLDER`.

The folder holds the public sets that docs/names-model.md lists; none of them ships. The
model learns from them, each also with other names in it, and from the patterns in `naming`,
filled with names of Faker's lists and with invented ones: a name that is on no list must be
found by its form and by what stands around it. The same input gives the same bytes.
"""

import random
import sys
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from projections.redaction.kinds import Kind
from projections.redaction.naming.carriers import Filler
from projections.redaction.naming.crf import Fitted, Sentence, fit
from projections.redaction.naming.features import (
    EDGE,
    JOINTS,
    OFFSETS,
    Lexicon,
    Word,
    digest,
    features,
    joined,
    joint,
    word,
)
from projections.redaction.naming.stock import LANGUAGES, Stock, known_words, stocks
from projections.redaction.naming.texts import (
    Mark,
    Marked,
    cased,
    labelled,
    read,
    replaced,
    tightened,
)
from projections.redaction.naming.weights import LABELS, Weights
from vault.aliases import fold

__all__ = ["main", "make", "weights"]

_SETS = ("btc_train.jsonl.gz", "wnut17_train.jsonl.gz")
_PATTERNS_OF = 3600
_EPOCHS = 10
_SEED = 20
_SCALE = 24.0
_MOST = 127


class _Read(NamedTuple):
    tokens: list[str]
    labels: list[int]


def make(folder: Path, epochs: int = _EPOCHS, count: int = _PATTERNS_OF) -> Weights:
    """Return a model of the sets in a folder, the patterns and Faker's lists."""
    stock = stocks()
    rng = random.Random(_SEED)  # noqa: S311 - nothing is secret here
    filler = Filler(stock, _SEED)
    texts = list(_of_sets(folder, filler, rng))
    for language in LANGUAGES:
        size = 2 * count if language == "en" else count
        texts += [cased(one, rng) for one in filler.texts(language, size)]
    fitted = weights([_Read(*labelled(one)) for one in texts], _lexicon(texts, stock), epochs)
    return replace(fitted, lexicon=_lexicon(texts, stock, withheld=False))


def _of_sets(folder: Path, filler: Filler, rng: random.Random) -> Iterator[Marked]:
    """Yield each text as it is, and again without a tokenizer's spaces and with other names."""

    def other(mark: Mark, name: str) -> str:
        if name[0] in "@#" or rng.random() < _SAME[mark.kind]:
            return name
        made = filler.slot(_SLOTS[mark.kind], rng.choice(("en", "en", *LANGUAGES)))
        return made.lower() if name.islower() else made

    for name in _SETS:
        for one in read(folder / name):
            yield one
            yield cased(replaced(tightened(one), other), rng)


_SAME = {Kind.PERSON: 0.15, Kind.ORG: 0.6, Kind.LOC: 0.5}
_SLOTS = {Kind.PERSON: "P", Kind.ORG: "O", Kind.LOC: "C"}
_SURE_SILENT = 40
_SELDOM = 0.002
_COMMON = 3


def _lexicon(texts: Iterable[Marked], stock: dict[str, Stock], *, withheld: bool = True) -> Lexicon:
    """Return the lists: of Faker's names, all or without some, and of words of the texts."""
    outside: Counter[str] = Counter()
    inside: Counter[str] = Counter()
    for one in texts:
        for token, label in zip(*labelled(one), strict=True):
            if token.isalpha():
                if label:
                    inside[token.lower()] += 1
                elif token.islower():
                    outside[token] += 1
    room = Path(__file__).parent
    english, used = (_words(room / name) for name in ("words.txt", "vocabulary.txt"))
    others = _words(room / "words-others.txt") | _words(room / "naming" / "common.txt")
    if withheld:
        others, used = ({w for w in all_ if digest(w) % _OF} for all_ in (others, used))
    common = {w for w, n in outside.items() if n >= _COMMON and n > inside[w]} | english | others
    silent = {w for w, n in outside.items() if n >= _SURE_SILENT and inside[w] < _SELDOM * n}
    return Lexicon(
        common=frozenset(map(digest, common)),
        silent=frozenset(map(digest, silent)),
        given=known_words(
            (name for one in stock.values() for name in one.given), withheld=withheld
        ),
        family=known_words(
            (name for one in stock.values() for name in one.family), withheld=withheld
        ),
        place=known_words(
            (name for one in stock.values() for name in one.places), withheld=withheld
        ),
        vocabulary=frozenset(map(digest, used)),
    )


_OF = 4


def _words(path: Path) -> set[str]:
    lines = path.read_text("utf-8").splitlines()
    return set(fold(" ".join(line for line in lines if not line.startswith("#"))).lower().split())


def weights(texts: Sequence[_Read], lexicon: Lexicon, epochs: int) -> Weights:
    """Fit a model to tokens and labels."""
    words: dict[str, _Digested] = {}
    counts: Counter[int] = Counter()
    all_: list[list[list[int]]] = []
    for one in texts:
        all_.append(list(_features(one.tokens, words, lexicon)))
        for found in all_[-1]:
            counts.update(found)
    known = sorted(feature for feature, count in counts.items() if count >= _OFTEN)
    ids = {feature: at for at, feature in enumerate(known)}
    sentences = [
        Sentence([[ids[name] for name in names if name in ids] for names in found], one.labels)
        for one, found in zip(texts, all_, strict=True)
        if one.tokens
    ]
    sys.stderr.write(f"{len(texts)} texts, {len(known)} features\n")
    fitted = fit(sentences, len(known), LABELS, epochs, lambda line: sys.stderr.write(f"{line}\n"))
    return _small(known, fitted, lexicon)


_OFTEN = 3


class _Digested(NamedTuple):
    """A word, and its features at each offset."""

    own: Word
    at: tuple[list[int], ...]


def _digested(token: str, lexicon: Lexicon) -> _Digested:
    own = word(token, lexicon)
    return _Digested(
        own,
        tuple([digest(name, offset) for name in features(own, abs(offset))] for offset in OFFSETS),
    )


def _features(
    tokens: Sequence[str], words: dict[str, _Digested], lexicon: Lexicon
) -> Iterator[list[int]]:
    """Yield digests of the features of each token, as the model sums them."""
    near = []
    for token in (EDGE, EDGE, *tokens, EDGE, EDGE):
        if token not in words:
            words[token] = _digested(token, lexicon)
        near.append(words[token])
    for at in range(2, len(near) - 2):
        found = [name for offset in range(5) for name in near[at + offset - 2].at[offset]]
        several = joined(near[at - 1].own, near[at].own, near[at + 1].own, near[at - 2].own)
        pairs = zip(JOINTS, several, strict=True)
        yield found + [digest(joint(name, key)) for name, key in pairs]


def _small(known: Sequence[int], fitted: Fitted, lexicon: Lexicon) -> Weights:
    """Return whole numbers; what rounds to nothing is left out."""
    rows: dict[int, bytes] = {}
    for name, row in zip(known, fitted.weights.tolist(), strict=True):
        numbers = [max(-_MOST, min(_MOST, round(value * _SCALE))) for value in row]
        if max(map(abs, numbers)) > _FAINT:
            rows[name] = bytes(number + _RAISED for number in numbers)
    keys = array("I", sorted(rows))
    return Weights(
        lexicon,
        tuple(round(value * _SCALE) for row in fitted.steps.tolist() for value in row),
        keys,
        b"".join(rows[key] for key in keys),
    )


_FAINT = 1
_RAISED = 128


def main(arguments: list[str]) -> int:
    """Write the model beside this module."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m projections.redaction.make_names FOLDER\n")
        return 2
    made = make(Path(arguments[0])).packed()
    Path(__file__).with_name("names.bin").write_bytes(made)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
