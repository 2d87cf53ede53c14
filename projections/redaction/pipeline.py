"""From a text to one that may be learned from: fold, find, replace, look again.

The last step is a gate: a text in which anything known is still found after replacing is
not `clean`, and whoever asked leaves it out.
"""

import re
from collections import Counter
from dataclasses import dataclass

from projections.redaction import patterns
from projections.redaction.fold import Folded, composed, folded
from projections.redaction.patterns import Kind
from projections.redaction.roster import Known, Roster, Table
from projections.redaction.surrogates import RESERVED, Surrogates
from vault.aliases import Part, phone
from vault.consent import Profile

__all__ = ["REDACTOR", "Redacted", "Redactor", "Span"]

REDACTOR = "1"
"""Version of everything in this room that shapes a redacted text; a change rebuilds views."""

_CACHED = 50_000
_MARK = re.compile("|".join(re.escape(f"[{kind}]") for kind in Kind))


@dataclass(frozen=True, slots=True)
class Span:
    """What was replaced in the original (in NFC), what it was, and the token of whose it was."""

    start: int
    end: int
    kind: Kind
    person: bytes = b""


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text with surrogates, what was replaced in the original, and whether the gate let it by."""

    text: str
    spans: tuple[Span, ...]
    clean: bool = True

    def kinds(self) -> Counter[str]:
        """Count what was replaced."""
        return Counter(str(span.kind) for span in self.spans)


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    end: int
    kind: Kind
    known: Known | None


class Redactor:
    """Redacts texts of one view: one table of people, one key for surrogates."""

    def __init__(self, table: Table, key: bytes) -> None:
        self._table = table
        self._roster = Roster(table)
        self._surrogates = Surrogates(key, table)
        self._done: dict[tuple[str, Profile], Redacted] = {}

    def redact(self, text: str, profile: Profile) -> Redacted:
        """Replace what a profile masks."""
        if profile is Profile.NONE:
            return Redacted(text, ())
        kept = self._done.get((text, profile))
        if kept is None:
            if len(self._done) >= _CACHED:
                self._done.clear()
            kept = self._done[text, profile] = self._redact(composed(text), profile)
        return kept

    def _redact(self, text: str, profile: Profile) -> Redacted:
        fold = folded(text)
        found = _united(self._find(fold, profile))
        if not found:
            return Redacted(text, ())
        pieces: list[str] = []
        spans: list[Span] = []
        done = 0
        for one in found:
            start, end = fold.span(one.start, one.end)
            written = fold.text[one.start : one.end]
            pieces += (text[done:start], self._replacement(one, written))
            spans.append(Span(start, end, one.kind, one.known.person if one.known else b""))
            done = end
        replaced = "".join((*pieces, text[done:]))
        return Redacted(replaced, tuple(spans), self._clean(replaced, profile))

    def _find(self, text: Folded, profile: Profile) -> list[_Found]:
        found = [_Found(m.start, m.end, Kind.PERSON, m.known) for m in self._roster.find(text)]
        shapes = (
            patterns.addresses(text)
            if profile is Profile.NAMES_ONLY
            else patterns.find(text, strict=profile is Profile.STRICT)
        )
        for shape in shapes:
            known = self._whose(shape.kind, text.lower[shape.start : shape.end])
            if known or profile is not Profile.NAMES_ONLY:
                found.append(_Found(shape.start, shape.end, shape.kind, known))
        return found

    def _whose(self, kind: Kind, value: str) -> Known | None:
        if kind is Kind.MAIL:
            return self._table.get(value)
        if kind is Kind.PHONE:
            digits = phone(value)
            return self._table.get(digits) if digits else None
        return None

    def _replacement(self, found: _Found, written: str) -> str:
        if found.known:
            return self._surrogates.person(found.known.person, found.known.part, written)
        return self._surrogates.value(found.kind, written)

    def _clean(self, text: str, profile: Profile) -> bool:
        """Whether nothing known, and nothing that shows by its form, is left beside surrogates."""
        # Marks such as [card] count as empty lines: what they stood for is gone.
        fold = folded(_blank(_MARK, text))
        if self._roster.find(fold):
            return False
        for shape in patterns.addresses(fold):
            if self._whose(shape.kind, fold.lower[shape.start : shape.end]):
                return False
        if profile is Profile.NAMES_ONLY:
            return True
        rest = folded(_blank(RESERVED, fold.text))
        return next(patterns.find(rest, strict=profile is Profile.STRICT), None) is None


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda found: "\n" * len(found.group()), text)


_WEIGHT = {kind: rank for rank, kind in enumerate(Kind)}


def _united(found: list[_Found]) -> list[_Found]:
    """Return spans that do not overlap and cover all that the given ones cover.

    Where some overlap, the longest says what the union is; among equals, a known person.
    """
    united: list[_Found] = []
    group: list[_Found] = []
    end = -1
    for one in sorted(found, key=lambda f: (f.start, f.end)):
        if one.start >= end and group:
            united.append(_union(group))
            group = []
        group.append(one)
        end = max(end if len(group) > 1 else -1, one.end)
    if group:
        united.append(_union(group))
    return united


def _union(group: list[_Found]) -> _Found:
    if len(group) == 1:
        return group[0]
    best = min(group, key=lambda f: (f.start - f.end, f.known is None, _WEIGHT[f.kind], f.start))
    start, end = min(f.start for f in group), max(f.end for f in group)
    whole = best.start == start and best.end == end
    known = best.known if whole or (best.known and best.known.part is not Part.PHONE) else None
    return _Found(start, end, best.kind, known)
