"""Make the lists anew: `python -m projections.redaction.make_words FOLDER_OF_PUBLIC_TEXT`.

`words.txt` holds the commonest English words, and names that are words as well (will, rose,
mark): as a single word, such a name is a person only where its neighbours say so.
`neighbours.txt` holds how much more often a word stands beside names than beside words that
are names as well, as a logarithm. `vocabulary.txt` holds words that are in use, so that none
of them is taken for a mistyped name. All are counted from gzipped public text, which does
not ship; NOTICE credits it.
"""

import gzip
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from projections.redaction.everyday import everyday_names

__all__ = ["main", "neighbours_of", "vocabulary_of", "words_of"]

_SIZE = 6000
_NOVELS = "novels.txt.gz"
_NOVELS_READ = 12_000_000
_DIALOGUES = ("dialog_topical-chat.txt.gz", "dialog_synthetic-persona-chat.txt.gz")

_NAMES_AND_WORDS = (
    "will mark rose grace hope joy faith bill rich chase grant frank miles may june april august "
    "art guy van dawn ivy lily daisy olive violet ruby pearl amber jade penny sunny summer autumn "
    "melody harmony hunter mason brown green white black gray grey young king hill wood woods "
    "field brook rivers lake marsh bush ford knight page price cross hall hay heather clay cliff "
    "dale heath rock sky star storm bear wolf fox bird swan drake robin jewel crystal candy honey "
    "cherry ginger basil sage pepper bean bell ball banks baker butler cook gardener long short "
    "little small strong sharp swift wise good love case west east north south winter spring boss "
    "doctor team support service customer office news info sales admin"
)

_WORD = re.compile(r"(?<![\w'.-])([A-Za-z]+)(?![\w'-])")
_SENTENCE_END = frozenset('.!?":\n')

# In novels a word counts where lower case is usual; in dialogues, which drop capitals, where
# it is nearly always lower case.
_OFTEN, _USUAL = 10, 0.4
_OFTEN_SAID, _NEARLY_ALWAYS = 20, 0.85
_SHORTEST = 2


class _Counts(NamedTuple):
    lower: Counter[str]
    capital: Counter[str]


def words_of(folder: Path) -> list[str]:
    """Return the list in order of the alphabet."""
    novels = _count(folder / _NOVELS, _NOVELS_READ)
    said = [_count(folder / name) for name in _DIALOGUES]
    found: dict[str, int] = {}
    for word in {*novels.lower, *(word for counts in said for word in counts.lower)}:
        written = novels.lower[word] + novels.capital[word]
        lower = sum(counts.lower[word] for counts in said)
        spoken = lower + sum(counts.capital[word] for counts in said)
        if len(word) < _SHORTEST:
            continue
        if written >= _OFTEN:
            if novels.lower[word] / written >= _USUAL:
                found[word] = novels.lower[word] + lower
        elif lower >= _OFTEN_SAID and lower / spoken >= _NEARLY_ALWAYS:
            found[word] = lower
    commonest = sorted(found, key=lambda word: (-found[word], word))[:_SIZE]
    return sorted({*commonest, *_NAMES_AND_WORDS.split()})


def _count(path: Path, limit: int = -1) -> _Counts:
    """Count words in lower case, and capitalised ones that do not begin a sentence."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        text = file.read(limit)
    counts = _Counts(Counter(), Counter())
    for match in _WORD.finditer(text):
        word = match.group(1)
        if word.islower():
            counts.lower[word] += 1
        elif word[0].isupper() and word[1:].islower():
            before = text[max(0, match.start() - 2) : match.start()]
            if before.endswith(" ") and before[0] not in _SENTENCE_END:
                counts.capital[word.lower()] += 1
    return counts


_TOKEN = re.compile(r"[A-Za-z]+|'s\b|[^\sA-Za-z]")
_BEGIN = "^"
_CAPITAL = "Xx"
_LONG_READ = 8_000_000
_LONG = "dialog_self-dialogue.txt.gz"
_FEW, _FEW_OF_A_WORD = 25, 30
_PRIOR = 2e-4
_COMMONEST = 300
_VOCABULARY = 20_000
_IN_USE, _SHORTEST_MISTYPED = 3, 4


def _texts(folder: Path) -> Iterator[str]:
    for name, limit in (
        (_NOVELS, _NOVELS_READ),
        *((n, -1) for n in _DIALOGUES),
        (_LONG, _LONG_READ),
    ):
        with gzip.open(folder / name, "rt", encoding="utf-8") as file:
            yield file.read(limit)


class _Sides(NamedTuple):
    """What stood before and what after."""

    before: Counter[str]
    after: Counter[str]


def neighbours_of(folder: Path, words: list[str]) -> list[str]:
    """Return the commonest words, then a line for each neighbour: side, word, weight."""
    names = everyday_names() - set(words)
    doubtful = set(_NAMES_AND_WORDS.split())
    of_names = _Sides(Counter(), Counter())
    of_words: dict[str, _Sides] = defaultdict(lambda: _Sides(Counter(), Counter()))
    uses: Counter[str] = Counter()
    for text in _texts(folder):
        tokens = [_BEGIN, *_TOKEN.findall(text.replace("\n", f" {_BEGIN} ")), _BEGIN]
        for previous, token, following in zip(tokens, tokens[1:], tokens[2:], strict=False):
            lower = token.lower()
            uses[lower] += 1
            if lower in names and token.istitle():
                sides = of_names
            elif lower in doubtful and (token.islower() or previous in _SENTENCE_END | {_BEGIN}):
                sides = of_words[lower]
            else:
                continue
            sides.before[previous.lower()] += 1
            capital = following[0].isupper() and len(following) > 1
            sides.after[_CAPITAL if capital else following.lower()] += 1
    frequent = [word for word, _ in uses.most_common() if word in set(words)][:_COMMONEST]
    lines = [" ".join(sorted(frequent))]
    for side, name in enumerate(_Sides._fields):
        weights = _weights(of_names[side], [sides[side] for sides in of_words.values()])
        kept = {_BEGIN, _CAPITAL, "'s", *words}
        lines += [
            f"{name}\t{word}\t{weight:.1f}"
            for word, weight in sorted(weights.items())
            if word in kept or not word.isalnum()
        ]
    return lines


def _weights(of_names: Counter[str], of_words: list[Counter[str]]) -> dict[str, float]:
    """Return log ratios; every doubtful word counts the same, however often it is used."""
    told = [counts for counts in of_words if counts.total() >= _FEW_OF_A_WORD]
    beside_words: dict[str, float] = defaultdict(float)
    for counts in told:
        for word, count in counts.items():
            beside_words[word] += count / counts.total() / len(told)
    total = of_names.total()
    return {
        word: math.log((of_names[word] / total + _PRIOR) / (beside_words[word] + _PRIOR))
        for word in {*of_names, *beside_words}
        if of_names[word] + sum(counts[word] for counts in told) >= _FEW
    }


def vocabulary_of(folder: Path, words: list[str]) -> list[str]:
    """Return the commonest words in any letter case that the list of common ones lacks."""
    uses: Counter[str] = Counter()
    for text in _texts(folder):
        uses.update(match.group(1).lower() for match in _WORD.finditer(text))
    known = set(words)
    found = [
        word
        for word, count in sorted(uses.items(), key=lambda one: (-one[1], one[0]))
        if count >= _IN_USE and len(word) >= _SHORTEST_MISTYPED and word not in known
    ]
    return sorted(found[:_VOCABULARY])


def main() -> None:
    """Write the lists beside this module."""
    folder, here = Path(sys.argv[1]), Path(__file__).parent
    words = words_of(folder)
    for name, lines in (
        ("words.txt", words),
        ("neighbours.txt", neighbours_of(folder, words)),
        ("vocabulary.txt", vocabulary_of(folder, words)),
    ):
        (here / name).write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
