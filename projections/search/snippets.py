"""A few words of an item around what was asked for, taken from the item as it stands now."""

from collections.abc import Sequence
from typing import NamedTuple, cast

import apsw

from projections.search.asking import Words

__all__ = ["Snippets"]

_WORDS = 16
_BEFORE = 5
_READ = 200_000
_LONGEST = 300
_TOKENIZER = ("unicode61", ["remove_diacritics", "2"])


class _Place(NamedTuple):
    """Where a text says most of what was asked: how many parts, and the number of the word."""

    parts: int
    at: int


class Snippets:
    """Reads texts as the index does."""

    def __init__(self, database: apsw.Connection) -> None:
        self._tokenizer = database.fts5_tokenizer(*_TOKENIZER)

    def of(self, words: Words, texts: Sequence[str]) -> str:
        """Return the words of the text that holds most of what was asked, else the first words."""
        phrases = [(self.words(part.encode()), part.endswith("*")) for part in words.parts]
        best, shown = _Place(-1, 0), ""
        for text in texts:
            content = text[:_READ].encode("utf-8", "replace")
            tokens = self._tokens(content)
            place = _place([word for _, _, word in tokens], phrases)
            if tokens and place.parts > best.parts:
                best, shown = place, _cut(content, tokens, place.at)
        return shown

    def words(self, content: bytes) -> list[str]:
        """Return the words of a text as the index writes them."""
        return [word for _, _, word in self._tokens(content)]

    def _tokens(self, content: bytes) -> list[tuple[int, int, str]]:
        reason = apsw.FTS5_TOKENIZE_DOCUMENT
        found = self._tokenizer(content, reason, None, include_colocated=False)
        return cast(list[tuple[int, int, str]], found)


def _place(words: Sequence[str], phrases: Sequence[tuple[list[str], bool]]) -> _Place:
    """Return where the most parts begin within one snippet, the first such place."""
    begins = [
        (at, number)
        for number, (phrase, is_prefix) in enumerate(phrases)
        for at, word in enumerate(words)
        if phrase and word.startswith(phrase[0]) and _stands(words, at, phrase, is_prefix=is_prefix)
    ]
    found = [
        _Place(len({other for near, other in begins if at <= near < at + _WORDS - _BEFORE}), at)
        for at, _ in sorted(begins)[:_WORDS]
    ]
    return max(found, key=lambda place: (place.parts, -place.at), default=_Place(0, 0))


def _stands(words: Sequence[str], at: int, phrase: list[str], *, is_prefix: bool) -> bool:
    here = list(words[at : at + len(phrase)])
    return here == phrase or (
        is_prefix
        and len(here) == len(phrase)
        and here[:-1] == phrase[:-1]
        and here[-1].startswith(phrase[-1])
    )


def _cut(content: bytes, tokens: Sequence[tuple[int, int, str]], at: int) -> str:
    first = max(0, at - _BEFORE)
    last = min(len(tokens), first + _WORDS)
    start = 0 if first == 0 else tokens[first][0]
    end = len(content) if last == len(tokens) else tokens[last - 1][1]
    told = " ".join(content[start:end].decode("utf-8", "replace").split())[:_LONGEST]
    return ("…" if first else "") + told + ("…" if last < len(tokens) else "")
