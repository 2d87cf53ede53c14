"""Reports as pictures: one page for a model, one for how models grew.

Each measure is a dot with its interval on a line from floor to ceiling, so that a number is
never seen without what to compare it with. Pictures hold names of measures and types, and no
text of anybody.
"""

import io
import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from trainer.errors import TrainingError
from trainer.evaluate.report import Group, Measure, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Panel", "growth", "label", "number", "page", "panels"]

_INK, _PALE, _LINE, _DOT = "#333333", "#8a8a8a", "#d9d9d9", "#2f6c8f"
_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "text.color": _INK,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _PALE,
    "xtick.color": _PALE,
    "ytick.color": _INK,
    "svg.hashsalt": "twinvault",
}
_WORDS = {
    "style_auc": "style",
    "masked_style_auc": "style without content",
    "membership_auc": "membership attack",
    "tone": "all habits",
    "copied": "30 characters copied",
    "unknown_words": "words of nobody",
    "leaked_people": "known people named",
    "leaked_values": "addresses, numbers, keys",
    "membership_hits": "rows an attacker names",
    "canary_exposure": "secrets it learned",
    "held_bits_per_byte": "held-out text",
    "learned_bits_per_byte": "text it learned",
}
_MOST_GROUPS = 8


class Panel(NamedTuple):
    """Measures that go on one scale; values are shown times `times`."""

    title: str
    measures: list[Measure]
    times: int


def panels(report: Report) -> tuple[Panel, ...]:
    """Return what a report's picture shows, from top to bottom."""
    style = [m for m in report.measures if m.name.endswith("_auc")]
    tone = [m for m in report.measures if m.name.split(".")[0] == "tone"]
    given = [m for m in report.measures if m.name in _SHARES]
    secret = [m for m in report.measures if m.name == "canary_exposure"]
    bits = [m for m in report.measures if m.name.endswith("bits_per_byte")]
    bits += [_as_measure(group) for group in report.groups if group.by == "type"][:_MOST_GROUPS]
    shown = {m.name for m in (*style, *tone, *given, *secret, *bits)}
    every = (
        ("Told apart from you, or what it learned from the rest: .5 never, 1 always", style, 1),
        ("Distance in tone: 0 alike, 1 nothing shared", tone, 1),
        ("Given away: % of texts, words or rows", given, 100),
        ("Secrets that stand out, in bits", secret, 1),
        ("Bits that a byte of your words costs", bits, 1),
        (
            "Answers: how near, how true (shares)",
            [m for m in report.measures if m.name not in shown],
            1,
        ),
    )
    return tuple(Panel(*panel) for panel in every if panel[1])


def page(report: Report, kind: str) -> bytes:
    """Draw a report.

    Args:
        report: What was measured.
        kind: `svg` or `png`.

    Raises:
        TrainingError: matplotlib is not installed.
    """
    shown = panels(report)

    def draw(figure: "Figure") -> None:
        rows = [len(panel.measures) + 1.6 for panel in shown]
        axes = figure.subplots(len(shown), 1, height_ratios=rows)
        for axis, panel in zip(axes, shown, strict=True):
            _panel(axis, panel.title, panel.measures, panel.times)
        axes[0].set_xlim(0.45, 1.02)
        title = f"{report.model}  ·  {report.rows} rows  ·  position {report.position}"
        figure.text(0.03, 0.975, title, fontsize=13, va="center")
        figure.text(0.03, 0.955, _LEGEND, color=_PALE, fontsize=8, va="center")
        figure.subplots_adjust(left=0.31, right=0.84, top=0.915, bottom=0.035, hspace=0.42)

    return _drawn(draw, (8.3, 11.0), kind)


_LEGEND = (
    "Dot and bar: measured, with its 95 % interval.   Ticks: floor and ceiling, "
    "how near and how far it could be."
)
_SHARES = ("copied", "unknown_words", "leaked_people", "leaked_values", "membership_hits")


def growth(reports: Sequence[Report], kind: str) -> bytes:
    """Draw how the main measures went from model to model, the oldest first.

    Raises:
        TrainingError: matplotlib is not installed.
    """
    names = [
        name
        for name in ("style_auc", "masked_style_auc", "tone", "held_bits_per_byte", "copied",
                     "canary_exposure")
        if any((found := report.measure(name)) and found.value is not None for report in reports)
    ]  # fmt: skip

    def draw(figure: "Figure") -> None:
        axes = figure.subplots(max(1, -(-len(names) // 2)), 2, squeeze=False).flatten()
        for axis, name in zip(axes, names, strict=False):
            _line(axis, name, reports)
        for axis in axes[len(names) :]:
            axis.set_visible(False)
        figure.text(0.03, 0.97, "From model to model", fontsize=13, va="center")
        figure.text(0.03, 0.935, "Band: 95 % interval.   Dotted: floor.", color=_PALE, fontsize=8)
        figure.subplots_adjust(left=0.08, right=0.97, top=0.87, bottom=0.06, hspace=0.5, wspace=0.2)

    return _drawn(draw, (8.3, 7.0), kind)


def _drawn(draw: "Callable[[Figure], None]", size: tuple[float, float], kind: str) -> bytes:
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra, and slow
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise TrainingError(
            "Pictures need matplotlib: pip install twinvault[eval]; `twin eval --show` needs none."
        ) from error
    with mpl.rc_context(_STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=size, facecolor="white")
        draw(figure)
        body = io.BytesIO()
        # No date: alike reports are alike pictures.
        figure.savefig(body, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else {})
    return body.getvalue()


def _as_measure(group: Group) -> Measure:
    return Measure(
        name=f"{group.name} ({group.rows})",
        value=group.bits_per_byte,
        ceiling=group.base,
        n=group.rows,
    )


def _panel(axis: "Axes", title: str, measures: Sequence[Measure], times: int) -> None:
    """Draw measures below each other on one scale."""
    axis.set_title(title, loc="left", fontsize=9.5, color=_INK, pad=6)
    for at, found in enumerate(measures):
        _dot(axis, at, found, times)
    axis.set_yticks(range(len(measures)), [label(found) for found in measures])
    axis.set_ylim(max(1, len(measures)) - 0.4, -0.6)
    axis.set_xlim(left=0)
    axis.tick_params(length=0)
    axis.spines[["left", "right", "top"]].set_visible(False)


def _dot(axis: "Axes", at: int, found: Measure, times: int) -> None:
    ends = [end * times for end in (found.floor, found.ceiling) if end is not None]
    axis.plot(ends, [at] * len(ends), color=_LINE, linewidth=1, zorder=1)
    axis.plot(ends, [at] * len(ends), "|", color=_PALE, markersize=8, zorder=2, clip_on=False)
    if found.value is not None and found.low is not None and found.high is not None:
        between = [found.low * times, found.high * times]
        axis.plot(between, [at, at], color=_DOT, linewidth=4, alpha=0.35, zorder=3)
    if found.value is not None:
        axis.plot(
            [found.value * times], [at], "o", color=_DOT, markersize=5, zorder=4, clip_on=False
        )
    beside = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
    axis.annotate(number(found.value, times), (1.09, at), ha="right", **beside)  # type: ignore[arg-type]
    scale = " - ".join(
        number(end, times) for end in (found.floor, found.ceiling) if end is not None
    )
    axis.annotate(scale, (1.12, at), color=_PALE, fontsize=7.5, **beside)  # type: ignore[arg-type]


def number(value: float | None, times: int) -> str:
    """Return a value as it is shown."""
    if value is None:
        return "-"
    return f"{value:.2f}" if times == 1 else f"{value * times:.1f} %"


def label(found: Measure) -> str:
    """Return what a measure is called where people read it."""
    plain = found.name.removeprefix("tone.").replace("_plain", " without a search")
    return _WORDS.get(found.name, plain.replace("_", " "))


def _line(axis: "Axes", name: str, reports: Sequence[Report]) -> None:
    """Draw one measure over the models, with its interval and its floor."""
    measured = [report.measure(name) for report in reports]
    there = [
        (at, one, one.value) for at, one in enumerate(measured) if one and one.value is not None
    ]
    places = [at for at, _, _ in there]
    values = [value for _, _, value in there]
    lows = [value if one.low is None else one.low for _, one, value in there]
    highs = [value if one.high is None else one.high for _, one, value in there]
    floors = [math.nan if one.floor is None else one.floor for _, one, _ in there]
    axis.fill_between(places, lows, highs, color=_DOT, alpha=0.18, linewidth=0)
    axis.plot(places, values, "o-", color=_DOT, markersize=4, linewidth=1.4)
    axis.plot(places, floors, ":", color=_PALE, linewidth=1)
    axis.set_title(_WORDS.get(name, name), loc="left", fontsize=9.5)
    axis.set_xticks(range(len(reports)), [report.model for report in reports])
    axis.tick_params(length=0)
    axis.spines[["right", "top"]].set_visible(False)
