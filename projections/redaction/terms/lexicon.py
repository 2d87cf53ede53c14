"""Texts as strings of letters, one for each word, which short patterns then read.

A lexicon gives every word the letter of its class (a condition, an organ, a number …). What a
pattern matches in the letters is a run of words. That is linear, and the thousands of words
stay out of the patterns.
"""

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from importlib.resources import files

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind

__all__ = [
    "BREAK",
    "COLON",
    "COMMA",
    "MORE",
    "NUMBER",
    "OTHER",
    "Lexicon",
    "Reader",
    "Tokens",
    "windows",
]

OTHER = "."
"""The letter of a word that a lexicon does not know."""
MORE = "~"
"""The letter of the second and each further word of a phrase."""
NUMBER = "n"
COMMA = ","
COLON = ":"
BREAK = "|"
"""The letter of what ends a sentence or a line."""

_BEGINS = "1"
"""The last letter of a word with which phrases begin."""

_TOKEN = re.compile(
    r"\d+(?:[.,]\d+){0,4}[^\W\d_]{0,12}"  # 12.5mg
    r"|[^\W_]+"
    r"|\n(?![ \t]{0,8}[a-z])"  # a line that goes on in lower case was only wrapped
    r"|(?<=\s)-+(?=\s)"
    r"|[^\w\s'/-]+"
)
_COUNTED = re.compile(r"[0-9]+[a-z]{1,12}")
_SENTENCE_END = frozenset(".!?;\n-\u2013\u2014|\u2022*")
_WINDOW = 65_536
_BORDER = 2_000
_REMEMBERED = 60_000
_LONGEST_WORD = 32
_SHORTEST_STEM = 4
_SHORTEST_ENDING = 2
_BEFORE_ENDING = 3
_SHORTEST_PLURAL = 4


class Tokens:
    """Words and marks of a window of a text, in lower case; where they stand, when asked."""

    __slots__ = ("_spans", "_window", "text", "words")

    def __init__(self, text: Folded, start: int, end: int) -> None:
        self.text = text
        self._window = start, end
        self._spans: list[tuple[int, int]] = []
        written = _TOKEN.findall(text.text, start, end)
        # No token holds a space, so that all become lower case at once.
        self.words = " ".join(written).lower().split(" ") if written else []

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Where the tokens stand."""
        if not self._spans:
            self._spans = [found.span() for found in _TOKEN.finditer(self.text.text, *self._window)]
        return self._spans

    def found(self, first: int, last: int, kind: Kind, score: float = 1.0) -> Found:
        """Return the span from one token up to another one, which is not in it."""
        spans = self.spans
        return Found(spans[first][0], spans[last - 1][1], kind, score)

    def capital(self, position: int) -> bool:
        """Whether a token is written with a capital."""
        return self.text.text[self.spans[position][0]].isupper()


def windows(text: Folded) -> Iterator[tuple[int, int]]:
    """Yield the borders of parts that are worked through one after the other."""
    start, size = 0, len(text.text)
    while start < size:
        end = min(start + _WINDOW, size)
        if end < size:
            end = _border(text.text, end)
        yield start, end
        start = end


def _border(text: str, end: int) -> int:
    for mark in ("\n", ". ", " "):
        found = text.rfind(mark, end - _BORDER, end)
        if found >= 0:
            return found + len(mark)
    return end


class Lexicon:
    """Words and phrases with the letters of their classes.

    Args:
        letters: The letter of each class; where a word is in several, the first counts.
        names: The data files.
        other: What gives a letter to words that no file has.
    """

    def __init__(
        self,
        letters: Mapping[str, str],
        names: Iterable[str],
        other: Callable[[str], str] | None = None,
    ) -> None:
        self._ranks = {letter: rank for rank, letter in enumerate(letters.values())}
        self.phrases: dict[str, dict[str, list[tuple[list[str], str]]]] = {}
        self._known: dict[str, str] = {}
        self._stems: dict[str, str] = {}
        self._endings: dict[str, str] = {}
        self._other = other
        never: set[str] = set()
        for name in names:
            for section, entry in _entries(name):
                if section.startswith("ending "):
                    self._endings[entry] = letters[section.removeprefix("ending ")]
                elif section.startswith("not "):
                    never.add(entry)
                else:
                    self._enter(entry, letters[section])
        for word in never:
            self._known.setdefault(word, OTHER)
        for seconds in self.phrases.values():
            for phrases in seconds.values():
                phrases.sort(key=lambda phrase: -len(phrase[0]))
        self._lengths = sorted({len(ending) for ending in self._endings}, reverse=True)
        self._longest = max(map(len, self._stems), default=0)
        # How stems begin and endings end: most words do neither.
        self._begun = {stem[:_SHORTEST_STEM] for stem in self._stems}
        self._ended = {ending[-_SHORTEST_ENDING:] for ending in self._endings}

    def _enter(self, entry: str, letter: str) -> None:
        first, *rest = entry.split()
        if rest:
            seconds = self.phrases.setdefault(first, {})
            for second in {rest[0], rest[0] + "s"} if len(rest) == 1 else {rest[0]}:
                seconds.setdefault(second, []).append((rest, letter))
            return
        stem = first.endswith("*")
        words = self._stems if stem else self._known
        word = first.rstrip("*")
        if self._ranks[letter] <= self._ranks.get(words.get(word, ""), len(self._ranks)):
            words[word] = letter

    def join(self, words: list[str], letters: str, starts: list[int]) -> str:
        """Return the letters with those of phrases, each of which begins at one of the places."""
        joined = list(letters)
        done = 0
        for start in starts:
            if start < done:
                continue
            for rest, letter in self.phrases.get(words[start], {}).get(words[start + 1], ()):
                end = start + 1 + len(rest)
                if _same(words[start + 1 : end], rest):
                    joined[start:end] = letter + MORE * len(rest)
                    done = end
                    break
        return "".join(joined)

    def letter(self, word: str) -> str:
        """Return the letter of one word."""
        known = self._known.get(word)
        if known:
            return known
        if not word[0].isalnum():
            return _mark(word)
        if word[0].isdigit() or len(word) > _LONGEST_WORD:
            return self._fallback(word)
        return self._inflected(word) or self._fallback(word)

    def _fallback(self, word: str) -> str:
        if self._other:
            return self._other(word)
        return NUMBER if word.isdecimal() else OTHER

    def _inflected(self, word: str) -> str:
        if len(word) > _SHORTEST_PLURAL and word[-1] == "s":
            for base in _singulars(word):
                if self._known.get(base, OTHER) != OTHER:
                    return self._known[base]
        if word[:_SHORTEST_STEM] in self._begun:
            for size in range(min(len(word), self._longest), _SHORTEST_STEM - 1, -1):
                if word[:size] in self._stems:
                    return self._stems[word[:size]]
        if word[-_SHORTEST_ENDING:] in self._ended:
            for size in self._lengths:
                if len(word) >= size + _BEFORE_ENDING and word[-size:] in self._endings:
                    return self._endings[word[-size:]]
        return ""


class Reader:
    """Reads words in several lexicons at once, because going over the words is what costs.

    Args:
        lexicons: Each with the letters without one of which its reader finds nothing.
    """

    def __init__(self, *lexicons: tuple[Lexicon, frozenset[str]]) -> None:
        self._lexicons = tuple(lexicon for lexicon, _ in lexicons)
        self._worth = tuple(worth for _, worth in lexicons)
        self._phrases: dict[str, set[str]] = {}
        self._remembered = _Remembered(self._lexicons, self._phrases)
        for lexicon in self._lexicons:
            for first, seconds in lexicon.phrases.items():
                self._phrases.setdefault(first, set()).update(seconds)
        self._telling = {
            first: frozenset(
                frozenset((*rest[:-1], last))
                for lexicon, worth in lexicons
                for phrases in lexicon.phrases.get(first, {}).values()
                for rest, letter in phrases
                if letter in worth
                for last in (rest[-1], rest[-1] + "s")
            )
            for first in self._phrases
        }
        self._dull: set[str] = set()
        self._worthy: set[str] = set()

    def may_tell(self, text: Folded) -> bool:
        """Whether some word of a text, or two, may have a letter that some reader asks for."""
        if not text.plain:
            return True
        rest = text.spoken - self._dull
        if not rest:
            return False
        if not self._worthy.isdisjoint(rest):
            return True
        return any(self._may_tell(word, text.spoken) for word in rest)

    def _may_tell(self, word: str, beside: frozenset[str]) -> bool:
        phrases = self._telling.get(word)
        kept = self._worthy if self._is_worth(word) else self._dull
        if kept is self._worthy or not phrases:
            if len(kept) >= _REMEMBERED:
                kept.clear()
            kept.add(word)
            return kept is self._worthy
        return any(map(beside.issuperset, phrases))

    def _is_worth(self, word: str) -> bool:
        # What begins with digits may be read as several words.
        if word[0].isdigit() and not word.isdigit() and not _COUNTED.fullmatch(word):
            return True
        return any(
            letter in worth
            for letter, worth in zip(self._remembered[word], self._worth, strict=False)
        )

    def read(self, words: list[str]) -> list[str]:
        """Return for each lexicon a string with one letter for each word."""
        together = "".join(map(self._remembered.__getitem__, words))
        count = len(self._lexicons)
        *read, begins = [together[place :: count + 1] for place in range(count + 1)]
        starts: list[int] = []
        start = begins.find(_BEGINS)
        while 0 <= start < len(words) - 1:
            if words[start + 1] in self._phrases[words[start]]:
                starts.append(start)
            start = begins.find(_BEGINS, start + 1)
        if starts:
            for place, lexicon in enumerate(self._lexicons):
                read[place] = lexicon.join(words, read[place], starts)
        return read


class _Remembered(dict[str, str]):
    """The letters of words that were met, so that each is worked out once.

    The last letter says whether phrases begin with the word.
    """

    def __init__(self, lexicons: tuple[Lexicon, ...], phrases: Container[str]) -> None:
        super().__init__()
        self._lexicons = lexicons
        self._phrases = phrases

    def __missing__(self, word: str) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        letters = "".join(lexicon.letter(word) for lexicon in self._lexicons)
        letters += _BEGINS if word in self._phrases else OTHER
        if len(word) <= _LONGEST_WORD:
            self[word] = letters
        return letters


def _singulars(word: str) -> Iterator[str]:
    """Yield what a word in -s may be the plural of."""
    yield word[:-1]
    if word.endswith("es"):
        yield word[:-2]
    if word.endswith("ies"):
        yield word[:-3] + "y"


def _same(words: list[str], phrase: list[str]) -> bool:
    """Whether words are those of a phrase; the last may be in the plural."""
    if words == phrase:
        return True
    return words[:-1] == phrase[:-1] and words[-1:] == [phrase[-1] + "s"]


def _mark(mark: str) -> str:
    if not _SENTENCE_END.isdisjoint(mark):
        return BREAK
    if ":" in mark:
        return COLON
    return COMMA if mark == "," else '"'


def _entries(name: str) -> Iterator[tuple[str, str]]:
    """Yield the sections of a data file and what stands in them."""
    section = ""
    lines = files("projections.redaction.terms").joinpath(name).read_text("utf-8")
    for line in lines.splitlines():
        if line.startswith("["):
            section = line[1:-1]
        elif line and not line.startswith("#"):
            for entry in line.split(", "):
                yield section, entry
