"""Tone: how far apart two people's habits lie, each habit a distribution over a few classes.

Habits are read from marks, length, case and register, hardly from words, so that they hold
in any language written with letters. Each distance is the Jensen-Shannon divergence in bits
(Lin, Divergence measures based on the Shannon entropy, 1991): 0 the same, 1 nothing shared.
Small samples never give 0: what her own texts are apart from more of hers is the floor.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from projections.curate.style import style_of
from trainer.evaluate.intervals import Floats
from trainer.evaluate.report import Measure
from trainer.evaluate.style import FEWEST, Sides
from trainer.evaluate.texts import words

__all__ = ["HABITS", "distance", "tone"]

_ROUNDS = 200
_EMOJI = re.compile(r"[\u2600-\u27bf\U0001f1e6-\U0001faff]")
_MARK = re.compile(r"[^\w\s]")
_ELONGATED = re.compile(r"([^\W\d_])\1\1")
# Please, thanks and sorry in eight languages.
_POLITENESS = """
please pls thanks thank thx sorry
bitte danke dank entschuldigung
merci svp pardon désolé désolée
favor gracias perdón
grazie prego scusa scusi
obrigado obrigada desculpa
alstublieft bedankt
proszę dziękuję dzięki przepraszam
"""
_POLITE = frozenset(_POLITENESS.split())

Habit = Callable[[str], Sequence[str]]


def _length(text: str) -> Sequence[str]:
    return (str(len(text).bit_length()),)


def _words(text: str) -> Sequence[str]:
    return (str(sum(1 for _ in words(text)).bit_length()),)


def _end(text: str) -> Sequence[str]:
    last = text.rstrip()[-1:]
    return ("letter" if last.isalnum() else "emoji" if _EMOJI.match(last) else last,)


def _marks(text: str) -> Sequence[str]:
    return _MARK.findall(text) or ("none",)


def _capitals(text: str) -> Sequence[str]:
    first = next((letter for letter in text if letter.isalpha()), "")
    loud = any(len(word) > 1 and word.isupper() for word in text.split())
    return (("upper" if first.isupper() else "lower") + (" loud" if loud else ""),)


def _signs(text: str) -> Sequence[str]:
    emoji = _EMOJI.findall(text)
    return emoji or ("elongated" if _ELONGATED.search(text) else "none",)


def _polite(text: str) -> Sequence[str]:
    return ("polite" if any(word in _POLITE for word in words(text)) else "plain",)


def _register(text: str) -> Sequence[str]:
    return (style_of(text),)


HABITS: dict[str, Habit] = {
    "length": _length,
    "words": _words,
    "end": _end,
    "marks": _marks,
    "capitals": _capitals,
    "signs": _signs,
    "politeness": _polite,
    "register": _register,
}
"""What is read of a text, by name: classes, of which a text may show several."""


def distance(first: Sequence[str], second: Sequence[str], habit: Habit) -> float:
    """Return how far apart two sets of texts are in one habit, from 0 to 1 bit."""
    return _divergence(*_counted(first, second, habit))


def tone(sides: Sides, *, seed: int = 0) -> tuple[Measure, ...]:
    """Measure the distance in each habit, and their mean."""
    n = min(len(sides.hers), len(sides.twin))
    if n < FEWEST:
        return (Measure(name="tone", value=None, n=n, note=f"Too few texts to tell: {n}."),)
    apart = [_habit(name, sides, n, seed) for name in HABITS]
    spread = math.sqrt(sum(((one.high or 0) - (one.low or 0)) ** 2 for one in apart)) / 2
    value = _mean([one.value for one in apart]) or 0.0
    mean = Measure(
        name="tone",
        value=value,
        low=max(0.0, value - spread / len(apart)),
        high=min(1.0, value + spread / len(apart)),
        floor=_mean([one.floor for one in apart]),
        ceiling=_mean([one.ceiling for one in apart]),
        n=n,
        note=f"Mean distance in {len(apart)} habits: 0 alike, 1 nothing shared; floor her "
        "against herself, ceiling her against others.",
    )
    return (mean, *apart)


def _habit(name: str, sides: Sides, n: int, seed: int) -> Measure:
    habit = HABITS[name]
    value = distance(sides.hers, sides.twin, habit)
    half = 1.96 * _deviation(sides.hers, sides.twin, habit, seed)
    return Measure(
        name=f"tone.{name}",
        value=value,
        low=max(0.0, value - half),
        high=min(1.0, value + half),
        floor=distance(sides.hers, sides.own, habit) if sides.own else None,
        ceiling=distance(sides.hers, sides.strangers, habit) if sides.strangers else None,
        n=n,
        note=f"Distance in {name}.",
    )


def _deviation(first: Sequence[str], second: Sequence[str], habit: Habit, seed: int) -> float:
    """Return the standard deviation of a distance.

    Quantiles of the bootstrap would lie too high: a resampled distance is biased upward.
    """
    dice = np.random.default_rng(seed)
    left, right = _tables(first, second, habit)
    drawn = []
    for _ in range(_ROUNDS):
        ours = left[dice.integers(0, len(left), len(left))].sum(0)
        theirs = right[dice.integers(0, len(right), len(right))].sum(0)
        drawn.append(_divergence(ours, theirs))
    return float(np.std(drawn))


def _counted(first: Sequence[str], second: Sequence[str], habit: Habit) -> tuple[Floats, Floats]:
    left, right = _tables(first, second, habit)
    return left.sum(0), right.sum(0)


def _tables(first: Sequence[str], second: Sequence[str], habit: Habit) -> tuple[Floats, Floats]:
    """Return texts by classes, how often each text shows each class."""
    shown = [[Counter(habit(text)) for text in texts] for texts in (first, second)]
    classes = {
        name: at
        for at, name in enumerate(sorted({c for side in shown for one in side for c in one}))
    }
    tables = [np.zeros((len(side), len(classes))) for side in shown]
    for table, side in zip(tables, shown, strict=True):
        for at, one in enumerate(side):
            for name, often in one.items():
                table[at, classes[name]] = often
    return tables[0], tables[1]


def _divergence(first: Floats, second: Floats) -> float:
    left, right = first / first.sum(), second / second.sum()
    middle = (left + right) / 2
    return max(0.0, float(_entropy(middle) - (_entropy(left) + _entropy(right)) / 2))


def _entropy(shares: Floats) -> float:
    there = shares[shares > 0]
    return float(-(there * np.log2(there)).sum())


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
