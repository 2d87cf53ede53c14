"""What is asked, as the index understands it: words, and what narrows them.

Nothing typed is an operator but quotes and a final asterisk. Type, source, conversation and
people are words of the index themselves, each a digest, so that what narrows a search is met
together with the words, before anything is counted off. Time is the number of a row: the newest
item has the smallest, and the newest rows that match are read first.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from vault.consent import Filters, Subject

__all__ = ["UNDATED", "Asked", "By", "Words", "ancestors", "facts", "number", "span"]


class By(StrEnum):
    """What an item is found by: its words, what it is about, or whichever says more."""

    TEXT = "text"
    MEANING = "meaning"
    BOTH = "both"


_PART = re.compile(r'"([^"]{1,200})"|(\S+)')
_PARTS = 32
_KNOWN = 10_000

_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHIFT = 28
_TIES = (1 << _SHIFT) - 1
_NEVER = (1 << 35) - 1
_NOW = 1 << 34
_LAST = (_NEVER << _SHIFT) | _TIES

UNDATED = _NEVER << _SHIFT
"""The first number of the rows without a date."""


class Words(NamedTuple):
    """The words and "quoted phrases" of a query, as phrases of FTS5's syntax."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, query: str) -> "Words":
        """Read a query; parts beyond the 32nd are left out."""
        parts: list[str] = []
        clean = query.replace("\0", " ").encode("utf-8", "replace").decode()
        for phrase, word in _PART.findall(clean):
            text = (phrase or word.strip('"')).replace('"', " ")
            ending = "*" if word.endswith("*") else ""
            if any(character.isalnum() for character in text):
                parts.append(f'"{text.rstrip("*")}"{ending}')
        return cls(tuple(dict.fromkeys(parts[:_PARTS])))

    def match(self, narrowed: str = "") -> str:
        """Return what FTS5 is asked: every part, and what narrows them."""
        said = f"{{title body}} : ({' '.join(self.parts)})" if self.parts else ""
        return " AND ".join(filter(None, (said, narrowed)))


# ---------------------------------------------------------------------- facts as words


@lru_cache(_KNOWN)
def _token(kind: str, value: str) -> str:
    """Return the word of the index that a fact is."""
    content = f"{kind}\0{value}".encode("utf-8", "surrogatepass")
    return kind + blake2b(content, digest_size=6).hexdigest()


def ancestors(names: Iterable[str]) -> tuple[str, ...]:
    """Return some types and labels with all that they are beneath."""
    found: dict[str, None] = {}
    for name in names:
        while name:
            found[name] = None
            name = name.rpartition(".")[0]  # noqa: PLW2901 - walks up
    return tuple(found)


def facts(subject: Subject) -> str:
    """Return the words that say what an item is: types, source, conversation, who takes part."""
    words = [_token("t", name) for name in ancestors((subject.type, *subject.labels))]
    words += [_token("s", subject.source), _token("c", subject.conversation)]
    words += [_token("p", form) for form in sorted(subject.people)]
    return " ".join(words)


@dataclass(frozen=True, slots=True)
class Asked:
    """What narrows a search: `forms` are those of whoever is asked for, None of everybody."""

    type: str
    filters: Filters
    forms: frozenset[str] | None

    def covers(self, subject: Subject) -> bool:
        """Whether an item is within it; one without a date is within no bounds."""
        filters, at = self.filters, subject.at
        bounded = filters.since is not None or filters.until is not None
        return (
            (not self.type or self.type in ancestors((subject.type, *subject.labels)))
            and filters.source in {"", subject.source}
            and filters.conversation in {"", subject.conversation}
            and (self.forms is None or bool(self.forms & subject.people))
            and (not bounded or at is not None)
            and (filters.since is None or at is None or filters.since <= at)
            and (filters.until is None or at is None or at < filters.until)
        )

    @property
    def match(self) -> str:
        """What FTS5 is asked for it."""
        filters = self.filters
        words = [("t", self.type), ("s", filters.source), ("c", filters.conversation)]
        told = [f'"{_token(kind, value)}"' for kind, value in words if value]
        if self.forms is not None:
            anybody = " OR ".join(f'"{_token("p", form)}"' for form in sorted(self.forms))
            told.append(f"({anybody})")
        return f"{{facts}} : ({' AND '.join(told)})" if told else ""


# ---------------------------------------------------------------------- time as numbers


def number(at: datetime | None, id_: str) -> int:
    """Return the number that a row would have: the newer, the smaller; undated come last.

    Within a second the id decides.
    """
    tie = int.from_bytes(blake2b(id_.encode(), digest_size=4).digest()) & _TIES
    return (_NEVER if at is None else _second(at)) << _SHIFT | tie


def span(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """Return the first and last number of the rows from one time until before another.

    Without bounds undated rows are among them. Bounds count in whole seconds.
    """
    if since is None and until is None:
        return 0, _LAST
    first = 0 if until is None else _second(until) << _SHIFT
    last = _NEVER - 1 if since is None else _second(since)
    return first, (last << _SHIFT) | _TIES


def _second(at: datetime) -> int:
    return min(_NEVER - 1, max(0, _NOW - (at - _EPOCH) // _SECOND))
