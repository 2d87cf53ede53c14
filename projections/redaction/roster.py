"""Known people in a text, found through keyed digests alone.

Words are looked up one to four at a time, the longest first; a digest that marks the first
word of longer aliases keeps most words at one lookup. Someone known only from the events
of an erasure is found exactly like someone known from metadata.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise

from projections.redaction.fold import Folded
from vault.aliases import ASCII_WORD, WORD, Aliases, Part

__all__ = ["Known", "Match", "Roster", "Table"]


@dataclass(frozen=True, slots=True)
class Known:
    """Whose alias a digest is (token of the person), and what it is of hers."""

    person: bytes
    part: Part


@dataclass(frozen=True, slots=True)
class Match:
    """A known alias in a folded text."""

    start: int
    end: int
    known: Known


class Table:
    """Digest of an alias → whose it is; the same content always has the same `digest`."""

    def __init__(self, aliases: Aliases, entries: Mapping[bytes, Known]) -> None:
        self.aliases = aliases
        self.entries = entries
        hashed = hashlib.sha256()
        for key in sorted(entries):
            known = entries[key]
            hashed.update(key + known.person + known.part.encode() + b"\n")
        self.digest = hashed.digest()

    def get(self, folded: str) -> Known | None:
        """Look up a folded alias."""
        return self.entries.get(self.aliases.folded(folded))


_LONGEST = 4
_WIDEST_GAP = 3
_CACHED = 200_000
_RUN = 3


class Roster:
    """Finds the people of a table in texts."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._single: dict[str, tuple[Known | None, bool]] = {}
        self._several: dict[str, Known | None] = {}

    def find(self, text: Folded) -> list[Match]:
        """Return the aliases in a text, left to right, never overlapping."""
        lower = text.lower
        pattern = ASCII_WORD if lower.isascii() else WORD
        found: list[Match] = []
        seen = self._single
        spans: list[tuple[int, int]] | None = None
        index = -1
        skip = -1
        for at in pattern.finditer(lower):
            index += 1
            if index < skip:
                continue
            word = at.group()
            single, starts = seen.get(word) or self._look_up(word)
            if single is None and not starts:
                continue
            if spans is None:
                spans = [m.span() for m in pattern.finditer(lower)]
            match, used = self._at(text, spans, index, single, starts=starts)
            if match:
                found.append(match)
                skip = index + used
        return found

    def _at(
        self,
        text: Folded,
        spans: list[tuple[int, int]],
        index: int,
        single: Known | None,
        *,
        starts: bool,
    ) -> tuple[Match | None, int]:
        """Return the longest alias that begins with a word, and of how many words it is."""
        if starts:
            for count in range(min(_LONGEST, len(spans) - index), 1, -1):
                run = spans[index : index + count]
                if not all(_joined(text.lower, a[1], *b) for a, b in pairwise(run)):
                    continue
                known = self._phrase(" ".join(text.lower[a:b] for a, b in run))
                if known:
                    return Match(run[0][0], run[-1][1], known), count
        start, end = spans[index]
        if single and _means_person(text, start, end):
            return Match(start, end, single), 1
        return None, 1

    def _phrase(self, phrase: str) -> Known | None:
        if phrase not in self._several:
            if len(self._several) >= _CACHED:
                self._several.clear()
            known = self._table.get(phrase)
            self._several[phrase] = None if known and known.part is Part.START else known
        return self._several[phrase]

    def _look_up(self, word: str) -> tuple[Known | None, bool]:
        if len(self._single) >= _CACHED:
            self._single.clear()
        table = self._table
        known = table.get(word)
        if known is None and word not in common_words():
            known = next((k for w in _variants(word) if (k := table.get(w))), None)
        starts = table.aliases.start(word) in table.entries
        self._single[word] = known, starts
        return known, starts


def _joined(lower: str, end: int, start: int, stop: int) -> bool:
    """Whether a word belongs with the one before it; the s of a possessive does not."""
    gap = lower[end:start]
    return len(gap) <= _WIDEST_GAP and not ("'" in gap and lower[start:stop] == "s")


def _variants(word: str) -> list[str]:
    """A name as plural or without its apostrophe (`priyas`), or drawn out (`priyaaaa`)."""
    variants = [word[:-1]] if word.endswith("s") and len(word) > _LONGEST else []
    drawn = "".join(c for i, c in enumerate(word) if i < _RUN - 1 or word[i - 2 : i] != c + c)
    if drawn != word:
        variants += [drawn, drawn[:-1] if drawn[-1:] == drawn[-2:-1] else drawn]
    return [variant for variant in variants if variant not in common_words()]


@cache
def common_words() -> frozenset[str]:
    """Words of English that are more often a word than a name, in lower case."""
    text = files("projections.redaction").joinpath("words.txt").read_text("utf-8")
    return frozenset(text.split())


_CALLS = {"hi", "hey", "hello", "dear", "told", "tell", "ask", "asked", "thanks", "cheers", "love"}
_SAYS = {
    *("said", "says", "told", "tells", "is", "was", "has", "had", "wants", "wanted", "thinks"),
    *("thought", "came", "went", "asked", "and"),
}


def _means_person(text: Folded, start: int, end: int) -> bool:
    """Whether a single word is the person: always, unless it is a common word as well.

    A common word is the person where it is capitalised within a sentence, possessive,
    addressed, or begins a sentence as its subject.
    """
    word = text.lower[start:end]
    if word not in common_words():
        return True
    before = text.text[:start].rstrip(" *_\"'([")[-40:]
    after = text.lower[end : end + 24]
    if after.startswith(("'s ", "' ")):
        return True
    previous = before.lower().split()[-1:] if before else []
    if not text.text[start].isupper():
        return before.endswith("@") or (bool(previous) and previous[0] in _CALLS)
    if before and before[-1] not in ".!?:\n" and "\n" not in text.text[max(0, start - 2) : start]:
        # Whole lines in capitals say nothing.
        return not (text.text[start:end].isupper() and before[-20:].isupper() and end - start > 1)
    following = after.split()[:1]
    return after.startswith(",") or (bool(following) and following[0].strip(",.!?") in _SAYS)
