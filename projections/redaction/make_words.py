"""Make `words.txt` anew: `python -m projections.redaction.make_words FOLDER_OF_PUBLIC_TEXT`.

The list holds the commonest English words, and names that are words as well (will, rose,
mark): as a single word, such a name is a person only where it is written like one. It is
counted from gzipped public text, which does not ship; NOTICE credits it.
"""

import gzip
import re
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

__all__ = ["main", "words_of"]

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


def main() -> None:
    """Write the list beside this module."""
    folder = Path(sys.argv[1])
    target = Path(__file__).with_name("words.txt")
    target.write_text("\n".join(words_of(folder)) + "\n", "utf-8")


if __name__ == "__main__":
    main()
