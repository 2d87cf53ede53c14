"""What dominates a training set: whose words, which sources, sorts and times, in one pass.

A model learns by the letter, so classes weigh what their characters weigh. Memory grows with
the number of classes, not of rows. What a finding takes is stated beside it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import exp, log

__all__ = ["Bias", "Class", "Dimension", "Seen", "report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What of a row is weighed; `people` are those it was written to or with, by any names."""

    people: tuple[str, ...]
    source: str
    type: str
    kind: str
    style: str
    tags: tuple[str, ...]
    at: datetime | None
    characters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """One person, source, year …; `share` is that of all characters, in thousandths."""

    name: str
    rows: int
    characters: int
    share: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    """The classes of one sort, the heaviest first.

    A row may be in several classes, or in none. `effective` is how many classes of the same
    weight would be as diverse: the exponential of Shannon's entropy (Hill 1973, order 1).
    """

    name: str
    classes: tuple[Class, ...]
    effective: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """What was seen, by dimension, and what stands out, a sentence each."""

    rows: int
    characters: int
    dimensions: tuple[Dimension, ...]
    findings: tuple[str, ...]


_DIMENSIONS = ("people", "source", "type", "kind", "style", "tag", "month", "year")
_DOMINATES = {
    "people": (400, "was written to one person"),
    "source": (800, "comes from one source, {name}"),
    "type": (800, "is of one type, {name}"),
    "kind": (800, "is asked for in one way, {name}"),
    "style": (700, "is written in one style, {name}"),
    "tag": (600, "is about one thing, {name}"),
    "year": (600, "was written in one year, {name}"),
    "month": (400, "was written in one month, {name}"),
}
"""From how many thousandths the heaviest class is a finding, and how it is said."""

_FEW = 200
_UNDATED = 100  # thousandths


def report(rows: Iterable[Seen]) -> Bias:
    """Weigh rows."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    weights: defaultdict[str, Counter[str]] = defaultdict(Counter)
    total, characters, undated = 0, 0, 0
    for row in rows:
        total += 1
        characters += row.characters
        undated += 0 if row.at else row.characters
        for dimension, names in _classes(row):
            for name in names:
                counts[dimension][name] += 1
                weights[dimension][name] += row.characters
    dimensions = tuple(
        _dimension(name, counts[name], weights[name], characters) for name in _DIMENSIONS
    )
    found = _findings(dimensions, total, _share(undated, characters))
    return Bias(rows=total, characters=characters, dimensions=dimensions, findings=tuple(found))


def _classes(row: Seen) -> Iterator[tuple[str, Iterable[str]]]:
    yield "people", dict.fromkeys(row.people)
    yield "tag", dict.fromkeys(row.tags)
    for name in ("source", "type", "kind", "style"):
        if value := getattr(row, name):
            yield name, (value,)
    if row.at:
        yield "month", (f"{row.at:%Y-%m}",)
        yield "year", (f"{row.at:%Y}",)


def _share(part: int, whole: int) -> int:
    """Return thousandths, halves up."""
    return (2000 * part + whole) // (2 * whole) if whole else 0


def _dimension(name: str, rows: Counter[str], weights: Counter[str], whole: int) -> Dimension:
    order = sorted(rows, key=lambda one: (-weights[one], -rows[one], one))
    return Dimension(
        name=name,
        classes=tuple(
            Class(
                name=one,
                rows=rows[one],
                characters=weights[one],
                share=_share(weights[one], whole),
            )
            for one in order
        ),
        effective=_effective([weights[one] for one in order]),
    )


def _effective(weights: list[int]) -> float:
    """Return the effective number of classes, to two places."""
    total = sum(weights)
    parts = [weight / total for weight in weights if weight]
    return round(exp(-sum(part * log(part) for part in parts)), 2) if parts else 0.0


def _findings(dimensions: tuple[Dimension, ...], rows: int, undated: int) -> Iterator[str]:
    if rows < _FEW:
        yield f"There are {rows} rows only: shares say little." if rows else "There are no rows."
    for dimension in dimensions:
        least, words = _DOMINATES[dimension.name]
        if dimension.classes and (first := dimension.classes[0]).share >= least:
            said = words.format(name=first.name)
            yield f"{_percent(first.share)} of what is learned {said}."
    if undated >= _UNDATED:
        yield f"{_percent(undated)} of what is learned has no date."
    years = sorted(int(one.name) for one in dimensions[-1].classes)
    if years:
        yield f"No rows before {years[0]}."
    for one, other in pairwise(years):
        if other > one + 1:
            yield f"No rows {_between(one, other)}."


def _between(one: int, other: int) -> str:
    first, last = one + 1, other - 1
    return f"in {first}" if first == last else f"from {first} to {last}"


def _percent(thousandths: int) -> str:
    return f"{(thousandths + 5) // 10} %"
