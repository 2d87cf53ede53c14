"""Many finders' spans become few: none overlaps another, and together they cover all of them.

Everything here is in places of the original text.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from projections.redaction.everyday import vocabulary
from projections.redaction.kinds import Kind, Known
from projections.redaction.meant import is_common
from projections.redaction.shapes.vocabulary import TITLES
from vault.aliases import is_unspaced

__all__ = ["Place", "united", "widened"]


class Place(NamedTuple):
    """A private place of a text; `written` is what stands there, folded or decoded.

    `whole` is unset where a decoded finding stands for a run that holds more than it.
    """

    start: int
    end: int
    kind: Kind
    written: str
    known: Known | None = None
    whole: bool = True


_WEIGHT = {kind: rank for rank, kind in enumerate(Kind)}
_GUESSED = frozenset({Kind.PERSON, Kind.ORG, Kind.LOC})
_WIDEST = 40
_WORD = re.compile(r"\w+")


def united(places: Iterable[Place], text: str) -> list[Place]:
    """Return places that do not overlap and cover all letters that the given ones cover.

    Where some overlap, the one with most letters and digits says what their union is; among
    equals, a known person.
    A guessed name gives way to a known person in it and keeps what is beside her.
    """
    ordered = sorted(places, key=_order)
    known = [one for one in ordered if one.known]
    if known:
        ordered = sorted(_apart(ordered, known, text), key=_order)
    result: list[Place] = []
    group: list[Place] = []
    end = -1
    for one in ordered:
        if group and one.start >= end:
            result.append(_union(group, text))
            group = []
        end = max(end, one.end) if group else one.end
        group.append(one)
    if group:
        result.append(_union(group, text))
    return result


def _order(place: Place) -> tuple[int, int, int]:
    return place.start, place.end, _WEIGHT[place.kind]


def _apart(places: list[Place], known: list[Place], text: str) -> Iterator[Place]:
    """Cut known persons out of names that a model guessed."""
    for place in places:
        if place.known or place.kind not in _GUESSED:
            yield place
            continue
        at = place.start
        for person in known:
            if person.end <= at or person.start >= place.end:
                continue
            yield from _part(place, at, person.start, text)
            at = max(at, person.end)
        yield from _part(place, at, place.end, text)


def _part(place: Place, start: int, end: int, text: str) -> Iterator[Place]:
    """Yield what is left of a guessed name, unless it is a title or a word like any other."""
    if (start, end) == (place.start, place.end):
        yield place
        return
    words = [one for one in _WORD.finditer(text, start, max(start, end)) if len(one[0]) > 1]
    if any(not _is_plain(one[0]) for one in words):
        begin, stop = words[0].start(), words[-1].end()
        yield place._replace(start=begin, end=stop, written=text[begin:stop])


def _is_plain(word: str) -> bool:
    lower = word.lower()
    return lower in TITLES or (lower in vocabulary() if word == lower else is_common(lower))


def _union(group: list[Place], text: str) -> Place:
    if len(group) == 1:
        return group[0]
    best = min(group, key=_rank)
    start, end = min(p.start for p in group), max(p.end for p in group)
    if (start, end) == (best.start, best.end):
        return best
    beside = text[start : best.start] + text[best.end : end]
    if best.known and not any(map(str.isalnum, beside)):
        return best
    return best._replace(start=start, end=end, whole=False)


def _rank(place: Place) -> tuple[int, bool, int, int]:
    """Signs do not count: `@anna` is no longer than `anna`."""
    letters = sum(map(str.isalnum, place.written)) if place.whole else place.end - place.start
    return -letters, place.known is None, _WEIGHT[place.kind], place.start


def widened(place: Place, text: str) -> Place:
    """Return a place that begins and ends at the border of a word: no half name is left."""
    start, end = place.start, place.end
    first, last = text[start], text[end - 1]
    if _joins(first):
        while start and place.start - start < _WIDEST and _joins(text[start - 1]):
            start -= 1
    if _joins(last):
        while end < len(text) and end - place.end < _WIDEST and _joins(text[end]):
            end += 1
    if (start, end) == (place.start, place.end):
        return place
    written = text[start : place.start] + place.written + text[place.end : end]
    return place._replace(start=start, end=end, written=written)


def _joins(character: str) -> bool:
    return character.isalnum() and not is_unspaced(character)
