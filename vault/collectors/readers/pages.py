"""Lines of printed pages to text: what the page broke is joined, what it repeats is dropped.

Printed text knows lines, not paragraphs. Lines are joined where the sentence visibly goes on,
words where they were divided; running heads and page numbers are told by standing on many
pages at the same place.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

__all__ = ["text_of"]

_EDGE = 2
"""How many lines at the top and at the bottom of a page may be repeated ones."""

_LEAST_PAGES = 3
_SHARE = 0.4
_NARROWEST = 30
_LONG, _FULL = 0.6, 0.85
"""How much of the width of a page a line has that ends because the next word did not fit."""

_DIGITS = re.compile(r"\d+")
_ROMAN = re.compile(r"[ivxlc]{1,6}", re.IGNORECASE)
_LISTED = re.compile(r"(?:[-\u2013•◦▪*‣]|\(?\w{1,3}[.)]|\[\d+\])\s")
_ENDED = (".", "!", "?", ":", "…", "”", '"')
_MARKS = "\x02\ufffe\u00ad"
_MARKED = re.compile(f"[{_MARKS}]")
_HYPHENS = "-\u2010"
_AROUND_WORDS = ".,;:!?()[]\"'\u201c\u201d\u2018\u2019"
_LONGEST_WORD = 40
_LAST_WORD, _FIRST_WORD = re.compile(r"[^\W\d_]*\Z"), re.compile(r"[^\W\d_]*")


def text_of(pages: Sequence[str]) -> str:
    """Return the text of pages, which an empty line sets apart."""
    lines = [[line.strip() for line in page.splitlines()] for page in pages]
    lines = [[line for line in page if line] for page in lines]
    repeated = _repeated(lines)
    kept: set[tuple[int, str]] = set()
    texts = [_joined(_own(page, repeated, kept)) for page in lines]
    return _undivided("\n\n".join(filter(None, texts)))


def _places(page: Sequence[str]) -> dict[int, int]:
    """Return the lines at the edges: their number from the nearer edge, and where they are."""
    count = len(page)
    top = {place: place for place in range(min(_EDGE, count))}
    return top | {-place: count - place for place in range(1, min(_EDGE, count - len(top)) + 1)}


def _shape(line: str) -> str:
    """Return a line as it looks on every page: its numbers differ."""
    return "#" if _ROMAN.fullmatch(line) else _DIGITS.sub("#", line)


def _repeated(pages: Sequence[Sequence[str]]) -> frozenset[tuple[int, str]]:
    """Return what stands on many pages at the same place, as place and shape."""
    found = Counter(
        (place, _shape(page[at])) for page in pages for place, at in _places(page).items()
    )
    least = max(_LEAST_PAGES, _SHARE * len(pages))
    return frozenset(one for one, count in found.items() if count >= least)


def _own(
    page: Sequence[str], repeated: frozenset[tuple[int, str]], kept: set[tuple[int, str]]
) -> list[str]:
    """Return a page without repeated lines; of words among them the first stays."""
    dropped = set()
    for place, at in _places(page).items():
        one = (place, _shape(page[at]))
        if one in repeated:
            if one in kept or "#" in one[1]:
                dropped.add(at)
            kept.add(one)
    return [line for at, line in enumerate(page) if at not in dropped]


def _joined(lines: Sequence[str]) -> str:
    """Return the lines of a page with those joined that are one paragraph."""
    if not lines:
        return ""
    # The parser joins some divided words itself and marks them: there, too, a line has ended.
    lengths = sorted(len(part) for line in lines for part in _MARKED.split(line))
    width = lengths[len(lengths) * 9 // 10]
    whole = [lines[0]]
    for before, line in pairwise(lines):
        if before[-1] in _MARKS:
            whole.append(line)
        elif before[-1] in _HYPHENS and before[-2:-1].isalpha() and line[0].islower():
            whole[-1] = whole[-1][:-1] + "\ufffe"
            whole.append(line)
        else:
            ended = _MARKED.split(before)[-1]
            whole += (" " if _goes_on(ended, line, width) else "\n", line)
    return "".join(whole)


def _undivided(text: str) -> str:
    """Return a text with its divided words whole, with the hyphen that they have elsewhere."""
    if not _MARKED.search(text):
        return text
    words = (word.strip(_AROUND_WORDS).lower() for word in text.split() if "-" in word)
    compounds = frozenset(words)

    def whole(mark: re.Match[str]) -> str:
        start = _LAST_WORD.search(text[max(0, mark.start() - _LONGEST_WORD) : mark.start()])
        end = _FIRST_WORD.match(text[mark.end() : mark.end() + _LONGEST_WORD])
        word = f"{start.group() if start else ''}-{end.group() if end else ''}"
        return "-" if word.lower() in compounds else ""

    return _MARKED.sub(whole, text)


def _goes_on(before: str, line: str, width: int) -> bool:
    if width < _NARROWEST or _LISTED.match(line):
        return False
    if line[0].islower() and (before[-1:].isalpha() or before.endswith((",", ";", "("))):
        return len(before) >= _LONG * width
    return len(before) >= _FULL * width and not before.endswith(_ENDED)
