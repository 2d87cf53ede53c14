"""Where a text may be cut: between paragraphs, and in long ones between sentences.

Redaction sees every piece alone, so no cut may part what it reads together: a label and the
value on the next line, the lines of a table, of a key, of code.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

__all__ = [
    "LONGEST",
    "Block",
    "binds",
    "blocks",
    "head",
    "is_label",
    "joined",
    "leads",
    "pieces",
    "sentences",
    "tail",
]

LONGEST = 1200
"""Characters of a piece; longer only where there is no border to cut at."""

_MOST = 4 * LONGEST  # what has no border for so long is a log or a dump, and nobody's style

_FENCE = re.compile(r"[ ]{0,3}(`{3}|~{3})")
_CLOSES = re.compile(r"[ ]{0,3}(?:`{3,}|~{3,})\s*$")
_BEGIN, _END = "-----BEGIN ", "-----END "
_ATX = re.compile(r"[ ]{0,3}#{1,6}[ \t]+\S")
_UNDERLINE = re.compile(r"[ ]{0,3}(?:={3,}|-{3,})[ \t]*$")
_MARKER = re.compile(r"[ \t]{0,12}(?:[-*+•]|\d{1,3}[.)])[ \t]")
_COLUMNS = re.compile(r"[,;|\t]")
_LONGEST_HEADING = 120
_PLAIN_HEADING = 60
_MOST_WORDS = 8
_LEAST_CAPITALS = 4
_LEADING = tuple(":=>|-,;/(\uff1a\u2192\u2013\u2014")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a heading, or a stretch that is never cut, such as code.

    `gap` is the white space before it, `heading` its words where it is a heading.
    """

    text: str
    gap: str
    heading: str = ""
    whole: bool = False

    @property
    def is_label(self) -> bool:
        """Whether it ends in a line that may say what stands on the next."""
        return is_label(self.text.partition("\n")[0] if self.heading else self.text)


class _Lines:
    """The lines of a text, with where its fences and its armour end."""

    def __init__(self, text: str) -> None:
        self.all = text.split("\n")
        self._ends: dict[str, list[int]] = {"`": [], "~": [], _END: []}
        for number, line in enumerate(self.all):
            if line.startswith(_END):
                self._ends[_END].append(number)
            elif _CLOSES.match(line):
                self._ends[line.strip()[0]].append(number)

    def whole(self, at: int) -> int:
        """Return behind which line something ends that is never cut, or 0 where nothing begins."""
        line = self.all[at]
        fence = _FENCE.match(line)
        if fence is None and not line.startswith(_BEGIN):
            return 0
        ends = self._ends[fence[1][0] if fence else _END]
        following = bisect_right(ends, at)
        return ends[following] + 1 if following < len(ends) else 0

    def heading(self, at: int, *, first: bool) -> tuple[str, int]:
        """Return the words of a heading and behind which line it ends, if one begins here."""
        line = self.all[at]
        if _ATX.match(line):
            return _words(line), at + 1
        if not first or _MARKER.match(line) or _COLUMNS.search(line):
            return "", at
        if at + 1 < len(self.all) and _UNDERLINE.match(self.all[at + 1]):
            return _words(line), at + 2
        return (_words(line), at + 1) if _is_plain_heading(line.strip()) else ("", at)


def blocks(text: str) -> Iterator[Block]:
    """Take a text apart; what `joined` makes of all blocks is the text, but for empty lines."""
    lines = _Lines(text)
    at, gap = 0, ""
    while at < len(lines.all):
        if not lines.all[at].strip():
            at, gap = at + 1, gap and "\n\n"
            continue
        end, heading = lines.whole(at), ""
        whole = bool(end)
        if not end:
            heading, end = lines.heading(at, first=gap != "\n")
        if not heading and not whole:
            end = _paragraph(lines, at)
        yield Block("\n".join(lines.all[at:end]), gap, heading, whole)
        at, gap = end, "\n"


def _paragraph(lines: _Lines, at: int) -> int:
    """Return behind which line a paragraph ends."""
    end = at + 1
    while end < len(lines.all):
        line = lines.all[end]
        begun = line[:1] in "`~#- " and (_ATX.match(line) or lines.whole(end))
        if begun or not line.strip():
            break
        end += 1
    return end


def _words(line: str) -> str:
    """Return the words of a heading without its marks; none where it is long, or has no letter."""
    bare = " ".join(line.strip(" \t#*_=").rstrip(":").split())
    return bare if len(bare) <= _LONGEST_HEADING and any(map(str.isalpha, bare)) else ""


def _is_plain_heading(line: str) -> bool:
    """Whether a line without marks of Markdown heads what follows: it ends so, or shouts."""
    if len(line) > _PLAIN_HEADING or len(line.split()) > _MOST_WORDS:
        return False
    if line.startswith("**") and line.endswith("**"):
        return True
    capitals = sum(map(str.isupper, line))
    return line.endswith(":") or (capitals >= _LEAST_CAPITALS and not any(map(str.islower, line)))


def is_label(text: str) -> bool:
    """Whether a line may say what stands on the next one, such as `Password:`."""
    return text.rstrip(" \t*_#\"'`").endswith(_LEADING)


def joined(parts: Iterable[Block]) -> str:
    """Put blocks together again."""
    kept = list(parts)
    return "".join(f"{block.gap}{block.text}" for block in kept)[len(kept[0].gap) :] if kept else ""


_SENTENCE = re.compile(
    r"(?:(?<=[^\W\d_]{2})[.…]|(?<![!?])[!?]++)[\"')\]»”\u2019]{0,3}([ \n]{1,3})(?=\S)|[。\uff01\uff1f]()"
)
_ITEM = re.compile(r"(\n)(?=[ \t]{0,12}(?:[-*+•]|\d{1,3}[.)])[ \t])")
_OPENING = "\"'(«„“\u2018¿¡["
# Behind these a capital goes on: Dr. Nair, ul. Długa. Windows of four letters are enough for them.
_SHORTENED = re.compile(
    r"(?<![^\W\d_])(?:[^\Wa-zà-ÿ\d_][^\W\d_]{0,2}|al|avv?|bd|bzw|ca|co|dhr|dr|etc|fr|geb|hr|ing|ir"
    r"|jr|max|mgr|min|mrs?|ms|mw|no|nr|os|pl|sig|sog|sra?|sta?|ste|str|tel|ul|usw|vs)$"
)
_LONGEST_CELL = 30
_LONG_ITEM = 4  # words with the mark: a list of single ones may be a key in words


def sentences(block: Block) -> Iterator[Block]:
    """Take a paragraph apart, at ends of sentences that nothing else looks like."""
    text, start, gap = block.text, 0, block.gap
    if not block.whole and not block.heading and not _is_table(text):
        for before, after in _borders(text):
            yield Block(text[start:before], gap)
            start, gap = after, text[before:after]
    yield Block(text[start:], gap, block.heading, block.whole)


def _is_table(text: str) -> bool:
    """Whether a first line may name what stands in the columns beneath it."""
    if "|" in text or "\t" in text:
        return True
    first, _, rest = text.partition("\n")
    second = rest.partition("\n")[0]
    return any(
        sign in first and sign in second and max(map(len, first.split(sign))) <= _LONGEST_CELL
        for sign in ",;"
    )


def _borders(text: str) -> Iterator[tuple[int, int]]:
    """Yield where white space between sentences, or between long items of a list, begins and ends."""
    found = [one.span(one.lastindex or 0) for one in _SENTENCE.finditer(text) if _begins(text, one)]
    for one in _ITEM.finditer(text):
        line = text[text.rfind("\n", 0, one.start()) + 1 : one.start()]
        if len(line.split()) >= _LONG_ITEM and not is_label(line):
            found.append(one.span(1))
    last = 0
    for before, after in sorted(set(found)):
        if last < before < len(text) > after:
            yield before, after
            last = after


def _begins(text: str, end: "re.Match[str]") -> bool:
    """Whether a sentence begins behind a full stop, rather than a name behind an abbreviation."""
    if end[2] is not None:
        return True
    if end[0][0] == "." and _SHORTENED.search(text[max(0, end.start() - 4) : end.start()]):
        return False
    first = text[end.end() : end.end() + 3].lstrip(_OPENING)[:1]
    return first.isalpha() and not first.islower()


def pieces(parts: Iterable[Block]) -> Iterator[str]:
    """Put blocks together to pieces; what has no border for four times a piece is left out."""
    piece: list[Block] = []
    size = 0
    for unit in _units(parts):
        length = sum(len(block.gap) + len(block.text) for block in unit)
        if piece and size + length > LONGEST:
            yield joined(piece)
            piece, size = [], 0
        if length <= _MOST:
            piece += unit
            size += length
    if piece:
        yield joined(piece)


def _units(parts: Iterable[Block]) -> Iterator[Sequence[Block]]:
    """Yield what is not parted: a heading or a label with what comes behind it."""
    unit: list[Block] = []
    size = 0
    for block in _short(parts):
        if unit and not _holds(unit[-1], block, size):
            yield unit
            unit, size = [], 0
        unit.append(block)
        size += len(block.gap) + len(block.text)
    if unit:
        yield unit


def _holds(last: Block, block: Block, size: int) -> bool:
    """Whether a block stays with the one before it, always where redaction reads both together."""
    return binds(last, block) or (leads(last, block) and size + len(block.text) <= LONGEST)


def binds(last: Block, block: Block) -> bool:
    """Whether a line says what stands on the next: `Password:`, or the names of columns."""
    return block.gap == "\n" and (last.is_label or _is_table(f"{last.text}\n{block.text}"))


def leads(last: Block, block: Block) -> bool:
    """Whether a block is about the next: a heading, or a line that announces or names it."""
    return bool(last.heading) or last.text.endswith(":") or binds(last, block)


def _short(parts: Iterable[Block]) -> Iterator[Block]:
    for block in parts:
        if len(block.text) > LONGEST:
            yield from sentences(block)
        else:
            yield block


def head(text: str, room: int) -> str:
    """Return the beginning of a text up to a border, as much as fits; nothing where none fits."""
    if len(text) <= room:
        return text
    parts = [part for block in blocks(text) for part in sentences(block)]
    end, size = 0, 0
    while end < len(parts) and size + len(parts[end].gap) + len(parts[end].text) <= room:
        size += len(parts[end].gap) + len(parts[end].text)
        end += 1
    while end > 0 and leads(parts[end - 1], parts[end]):
        end -= 1
    return joined(parts[:end])


def tail(text: str, room: int) -> str:
    """Return the end of a text from a border on, as much as fits; nothing where none fits."""
    if len(text) <= room:
        return text
    parts = [part for block in blocks(text) for part in sentences(block)]
    start, size = len(parts), 0
    while start and size + len(parts[start - 1].gap) + len(parts[start - 1].text) <= room:
        start -= 1
        size += len(parts[start].gap) + len(parts[start].text)
    while 0 < start < len(parts) and leads(parts[start - 1], parts[start]):
        start += 1
    return joined(parts[start:])
