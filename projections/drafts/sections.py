"""What a note states before its text, and its text by headings."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from projections.drafts.asking import flat
from projections.drafts.blocks import Block, binds, blocks

__all__ = ["Front", "Section", "fronted", "of_text", "sections"]

_MOST_LINES = 500
_MOST_TAGS = 5
_FENCE = "---"
_KEY = re.compile(r"([^\W\d_][\w -]{0,40})(?<! ):(?::?[ \t]+(\S.*)|:?[ \t]*)$")
_VALUE = re.compile(r"[ \t]*-[ \t]+(\S.*)$|[ \t]+(\S.*)$")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?!\d)")
_SEPARATOR = re.compile(r"[,;]")
_KNOWN = re.compile(
    "title|tags?|keywords?|categor(?:y|ies)|date|created|modified|updated|published|authors?|alias(?:es)?"
    "|slug|layout|draft|status|type|id|uid|uuid|lang|language|cssclass(?:es)?|permalink|publish"
)
_TAGS = ("tags", "tag", "keywords", "categories", "category")
_DATES = ("date", "created")
_LISTED = re.compile(r"[ \t]{0,12}(?:[-*+•]|\d{1,3}[.)]|\[[ xX]\])[ \t]")
_LEAST_ITEMS = 2


@dataclass(frozen=True, slots=True)
class Front:
    """What keys before a text say of it: titles it goes by, its tags, its day."""

    titles: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, empty before the first, and what stands beneath it."""

    heading: str
    blocks: tuple[Block, ...]

    @property
    def is_list(self) -> bool:
        """Whether nearly every paragraph of it is made of items."""
        lines = [
            line for block in self.blocks if not block.heading for line in block.text.split("\n")
        ]
        items = sum(_LISTED.match(line) is not None for line in lines)
        return items >= _LEAST_ITEMS and 5 * items >= 4 * len(lines)


def fronted(text: str) -> tuple[Front, str]:
    """Part the keys before a text from the text.

    They stand between lines of three hyphens, or are keys that programs write and end with an
    empty line. Values are words, on the line of their key or in a list behind it.
    """
    lines = text.split("\n", _MOST_LINES)
    fenced = lines[0].rstrip() == _FENCE
    facts: dict[str, list[str]] = {}
    key = ""
    for at, line in enumerate(lines[:_MOST_LINES]):
        if at == 0 and fenced:
            continue
        if fenced and line.rstrip() in {_FENCE, "..."}:
            return (_front(facts), "\n".join(lines[at + 1 :])) if facts else (Front(), text)
        if not line.strip():
            if fenced:
                continue
            return (_front(facts), "\n".join(lines[at + 1 :])) if facts else (Front(), text)
        if found := _KEY.match(line):
            key = found[1].lower()
            if not fenced and not _KNOWN.fullmatch(key):
                return Front(), text
            facts.setdefault(key, []).append(found[2] or "")
        elif key and (value := _VALUE.match(line)):
            facts[key].append(value[1] or value[2])
        elif not line.startswith("#") or not fenced:
            return Front(), text
    return (Front(), text) if fenced or not facts else (_front(facts), "")


def _front(facts: dict[str, list[str]]) -> Front:
    titles = [*_values(facts, ("title",), parted=False), *_values(facts, ("aliases", "alias"))]
    tags = _values(facts, _TAGS)
    return Front(
        tuple(titles), tuple(tags[:_MOST_TAGS]), _day(_values(facts, _DATES, parted=False))
    )


def _values(facts: dict[str, list[str]], keys: Iterable[str], *, parted: bool = True) -> list[str]:
    stated = [value.strip("[] \"'") for key in keys for value in facts.get(key, ())]
    parts = [part for value in stated for part in (_SEPARATOR.split(value) if parted else [value])]
    words = (part.strip(" \"'#") for part in parts)
    return list(dict.fromkeys(word for word in words if word))


def _day(stated: Iterable[str]) -> date | None:
    for value in stated:
        if found := _DAY.match(value):
            try:
                return date(*map(int, found.groups()))
            except ValueError:
                continue
    return None


def sections(body: Iterable[Block]) -> Iterator[Section]:
    """Yield what stands beneath each heading; headings beneath which nothing stands are none.

    A heading that redaction reads together with the next line, such as `Password:`, stays there.
    """
    head: Block | None = None
    under: list[Block] = []
    for block in body:
        if block.heading:
            if under:
                yield Section(flat(head.heading) if head else "", tuple(under))
            head, under = block, []
        elif head and not under and binds(head, block):
            under = [head, block]
        else:
            under.append(block)
    if under:
        yield Section(flat(head.heading) if head else "", tuple(under))


def of_text(text: str, titles: Iterable[str]) -> tuple[Block, ...]:
    """Return the blocks of a text without a first heading that only says a title of it."""
    body = tuple(blocks(text))
    repeats = bool(body) and flat(body[0].heading) in titles
    return body[1:] if repeats and not (len(body) > 1 and binds(body[0], body[1])) else body
