"""Pictures made here, as numbers that templates put into SVG: curves, and dots on a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from trainer.evaluate.picture import Panel, label, number
from trainer.evaluate.report import Measure
from trainer.runs import Line

__all__ = ["Curve", "Dot", "Tick", "curve", "dots"]

_WIDTH, _HEIGHT = 640.0, 290.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 8.0, 10.0, 24.0
_MOST_POINTS = 400
_MOST_TICKS = 6
_STEPS = (0.2, 0.25, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A line of the grid: where it lies, and what stands beside it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How a loss went, as the path of an SVG of `width` by `height`; `points` are (step, loss)."""

    width: float
    height: float
    left: float
    bottom: float
    path: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A measure on a line from 0 to the most of its panel; places are in per cent of the line."""

    label: str
    value: str
    between: str
    ends: str
    at: float | None
    low: float | None
    high: float | None
    floor: float | None
    ceiling: float | None
    n: int
    note: str


def curve(lines: Iterable[Line]) -> Curve | None:
    """Draw how the loss of a run went; None where it has not told of one yet."""
    told: list[tuple[int, float]] = []
    for line in lines:
        if line.loss is not None:
            # Steps that are taken again stand in the place of those taken before.
            while told and told[-1][0] >= line.step:
                told.pop()
            told.append((line.step, line.loss))
    points = told[:: max(1, -(-len(told) // _MOST_POINTS))]
    if told and points[-1] != told[-1]:
        points.append(told[-1])
    if not points:
        return None
    first, last = points[0][0], max(points[-1][0], points[0][0] + 1)
    ups = _round_numbers(min(loss for _, loss in points), max(loss for _, loss in points))
    low, high = ups[0], ups[-1]

    def across(step: float) -> float:
        share = (step - first) / (last - first)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def up(loss: float) -> float:
        share = (loss - low) / (high - low)
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)

    steps = [step for step in _round_numbers(first, last) if first <= step <= last]
    return Curve(
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        bottom=_HEIGHT - _BOTTOM,
        path="M" + " ".join(f"{across(step)},{up(loss)}" for step, loss in points),
        across=tuple(Tick(at=across(step), label=f"{step:,.0f}") for step in steps),
        up=tuple(Tick(at=up(loss), label=f"{loss:g}") for loss in ups),
        points=tuple(points),
    )


def _round_numbers(low: float, high: float) -> list[float]:
    """Return a few round numbers that enclose two others."""
    span = max(high - low, 1e-6)
    unit: float = 10 ** floor(log10(span))
    step = next(unit * part for part in _STEPS if span / (unit * part) <= _MOST_TICKS)
    begin, end = floor(low / step), ceil(high / step)
    return [round(at * step, 10) for at in range(begin, max(end, begin + 1) + 1)]


def dots(panel: Panel) -> tuple[Dot, ...]:
    """Place the measures of a panel on one line."""
    most = max((end for found in panel.measures for end in _ends(found)), default=0.0) or 1.0
    return tuple(_dot(found, most, panel.times) for found in panel.measures)


def _ends(found: Measure) -> Sequence[float]:
    every = (found.value, found.low, found.high, found.floor, found.ceiling)
    return [end for end in every if end is not None]


def _dot(found: Measure, most: float, times: int) -> Dot:
    def place(value: float | None) -> float | None:
        return None if value is None else round(2 + 96 * max(0.0, value) / most, 2)

    is_between = found.low is not None and found.high is not None
    scale = [number(end, times) for end in (found.floor, found.ceiling) if end is not None]
    return Dot(
        label=label(found),
        value=number(found.value, times),
        between=f"{number(found.low, times)} to {number(found.high, times)}" if is_between else "",
        ends=" to ".join(scale),
        at=place(found.value),
        low=place(found.low),
        high=place(found.high),
        floor=place(found.floor),
        ceiling=place(found.ceiling),
        n=found.n,
        note=found.note,
    )
