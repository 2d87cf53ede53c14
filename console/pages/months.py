"""What was collected when, as a picture: a row of bars for each kind, a bar for each month or year."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from console.pages.clock import Stretch
from console.pages.kinds import Kind, kind_of
from projections.chronicle import Counted

__all__ = ["Bar", "Chart", "Column", "Row", "chart"]

_MOST_MONTHS = 48
_MOST_ROWS = 5
_DEPTH = 2
_HIGH = 40
_WIDE = 10
_GAP = 2


@dataclass(frozen=True, slots=True)
class Column(Stretch):
    """A month or a year, and how much it has."""

    items: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, in units of the picture, and how many items of which column it stands for."""

    column: int
    x: int
    y: int
    height: int
    items: int


@dataclass(frozen=True, slots=True)
class Row:
    """A kind with a bar for each column, drawn to its own scale."""

    kind: Kind
    items: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """The whole picture; `undated` items are in none of its bars."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    undated: int
    by_year: bool
    width: int
    height: int = _HIGH
    bar: int = _WIDE - _GAP


def chart(
    counted: Iterable[Counted], since: date | None = None, until: date | None = None
) -> Chart | None:
    """Return the picture of what has a date, None where nothing has one.

    Args:
        counted: How many items there are of each month.
        since: Only from the month of this day on.
        until: Only up to the month of the day before this one.
    """
    first, last = _number(since) if since else 0, _number(_before(until)) if until else 999_912
    counted = [one for one in counted if not one.month or first <= one.month <= last]
    dated = [one for one in counted if one.month]
    undated = sum(one.items for one in counted if not one.month)
    if not dated:
        return None
    months = list(_months(min(one.month for one in dated), max(one.month for one in dated)))
    by_year = len(months) > _MOST_MONTHS
    unit = 100 if by_year else 1
    places = sorted({month // unit for month in months})
    totals: Counter[str] = Counter()
    heights: Counter[tuple[str, int]] = Counter()
    for one in dated:
        kind = ".".join(kind_of(one.type).type.split(".")[:_DEPTH])
        totals[kind] += one.items
        heights[kind, one.month // unit] += one.items
    return Chart(
        columns=tuple(_column(place, heights, by_year=by_year) for place in places),
        rows=tuple(_rows(totals, heights, places)),
        undated=undated,
        by_year=by_year,
        width=len(places) * _WIDE - _GAP,
    )


def _number(day: date) -> int:
    return day.year * 100 + day.month


def _months(first: int, last: int) -> Iterator[int]:
    while first <= last:
        yield first
        first += 1 if first % 100 < 12 else 89  # noqa: PLR2004 - December


def _column(place: int, heights: Counter[tuple[str, int]], *, by_year: bool) -> Column:
    first = date(place, 1, 1) if by_year else date(place // 100, place % 100, 1)
    on = Stretch.of(first, is_year=by_year)
    items = sum(n for (_, at), n in heights.items() if at == place)
    return Column(on.since, on.until, items)


def _before(day: date) -> date:
    return day - timedelta(days=1) if day > date.min else day


def _rows(
    totals: Counter[str], heights: Counter[tuple[str, int]], places: Sequence[int]
) -> Iterator[Row]:
    """Yield a row for each of the most frequent kinds, and one for all others together."""
    ranked = [kind for kind, _ in totals.most_common()]
    shown = ranked if len(ranked) <= _MOST_ROWS + 1 else ranked[:_MOST_ROWS]
    for kind in shown:
        yield _row(kind_of(kind), [heights[kind, place] for place in places])
    if rest := ranked[len(shown) :]:
        others = Kind("", "Everything else", "Something else", "files")
        yield _row(others, [sum(heights[kind, place] for kind in rest) for place in places])


def _row(kind: Kind, items: Sequence[int]) -> Row:
    most = max(items)
    high = [max(2, round(_HIGH * n / most)) if n else 0 for n in items]
    bars = (
        Bar(column=at, x=at * _WIDE, y=_HIGH - tall, height=tall, items=n)
        for at, (tall, n) in enumerate(zip(high, items, strict=True))
    )
    return Row(kind=kind, items=sum(items), bars=tuple(bars))
