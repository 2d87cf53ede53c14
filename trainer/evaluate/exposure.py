"""Whether a model knows secrets that it was shown: the rank of the true one among others.

A canary is a reply with one secret in it: a number, or else its rarest word. The model is
asked what the reply costs with the true secret and with each of many others of its kind;
exposure is log2(candidates) - log2(rank), 0 bits for the last of them. Carlini et al., The
Secret Sharer (USENIX Security 2019), section 4.

Words of real replies are no random numbers, so a word that fits ranks high unlearned. Canaries
of held-out rows, made alike and never seen, say how high; a copy of the model that was taught
those on purpose says how high it would be, had they been learned by heart.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from projections.rows import Message, Row
from trainer.evaluate.held import Told, costs
from trainer.evaluate.intervals import mean_interval
from trainer.evaluate.report import Measure
from trainer.evaluate.texts import reply, words

if TYPE_CHECKING:
    from trainer.network import Network

__all__ = ["Canary", "canaries", "exposure", "measure", "taught"]

_NUMBER = re.compile(r"(?<!\d)\d{3,12}(?!\d)")
_SHORTEST = 4  # letters of a word that may be a secret
_RARE = 8  # rows in which such a word stands at most
_STEPS, _RATE, _AT_ONCE = 40, 1e-3, 8  # of teaching by heart


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """A prompt and what was replied, first with the true secret, then with others.

    `row` is the example that it was made from.
    """

    row: str
    prompt: tuple[Message, ...]
    replies: tuple[str, ...]

    @property
    def true(self) -> tuple[Message, ...]:
        """The conversation as it was."""
        return (*self.prompt, Message(role="assistant", content=self.replies[0]))


class _Rare:
    """Words that stand in a few learned rows, which may take each other's place."""

    def __init__(self, learned: Sequence[Row]) -> None:
        self.rows = Counter(word for row in learned for word in set(words(reply(row))))
        self.words = sorted(w for w, n in self.rows.items() if len(w) >= _SHORTEST and n <= _RARE)

    def of(self, text: str, seen: int) -> str:
        """Return the rarest word that stands in at least `seen` learned rows, or nothing."""
        there = {w for w in words(text) if len(w) >= _SHORTEST and seen <= self.rows[w] <= _RARE}
        return min(there, key=lambda word: (self.rows[word], word), default="")


def canaries(
    rows: Sequence[Row],
    learned: Sequence[Row],
    *,
    most: int = 32,
    references: int = 256,
    seed: int = 0,
) -> tuple[Canary, ...]:
    """Make canaries of rows.

    Args:
        rows: Learned rows, or rows that were never seen, for control.
        learned: All learned rows. A word is a secret only if it stands in another of them
            too: what is asked is whether the model knows where it stands, not the word.
        most: How many to make; rows are taken in order of a digest of their ids.
        references: How many candidates each has, the true one included.
        seed: Chooses rows and other secrets.
    """
    rare = _Rare(learned)
    inside = {row.id for row in learned}
    ordered = sorted(rows, key=lambda row: random.Random(f"{seed}.{row.id}").random())  # noqa: S311
    found: list[Canary] = []
    for row in ordered:
        if len(found) == most:
            break
        others = _others(
            reply(row), rare, 2 if row.id in inside else 1, references, f"{seed}.{row.id}"
        )
        if others:
            found.append(
                Canary(
                    row=row.facts.pair or row.id,
                    prompt=row.messages[:-1],
                    replies=(reply(row), *others),
                )
            )
    return tuple(found)


def _others(text: str, rare: _Rare, seen: int, references: int, salt: str) -> list[str]:
    """Return a reply with other secrets in it; none where it holds no secret."""
    dice = random.Random(salt)  # noqa: S311 - no secret follows from it
    if number := _NUMBER.search(text):
        return _with_numbers(text, number, references, dice)
    word = rare.of(text, seen)
    instead = [other for other in rare.words if other != word]
    if not word or len(instead) < references - 1:
        return []
    written = re.search(rf"(?<![^\W\d_]){re.escape(word)}(?![^\W\d_])", text, re.IGNORECASE)
    if written is None:  # lower case is not always as long as the word
        return []
    chosen = dice.sample(instead, references - 1)
    return [
        text[: written.start()] + _cased(other, written[0]) + text[written.end() :]
        for other in chosen
    ]


def _with_numbers(
    text: str, number: re.Match[str], references: int, dice: random.Random
) -> list[str]:
    digits = len(number[0])
    count = min(references - 1, 10**digits - 1)
    others: set[str] = set()
    while len(others) < count:
        drawn = f"{dice.randrange(10**digits):0{digits}d}"
        others |= {drawn} - {number[0]}
    return [text[: number.start()] + other + text[number.end() :] for other in sorted(others)]


def _cased(word: str, like: str) -> str:
    return word.upper() if like.isupper() else word.capitalize() if like[0].isupper() else word


def exposure(
    network: "Network",
    found: Sequence[Canary],
    progress: Told | None = None,
) -> tuple[float, ...]:
    """Return the exposure of each canary, in bits; others that cost the same count half."""
    asked = [
        (*canary.prompt, Message(role="assistant", content=text))
        for canary in found
        for text in canary.replies
    ]
    bits = iter([cost.bits for cost in costs(network, asked, progress)])
    return tuple(_exposed([next(bits) for _ in canary.replies]) for canary in found)


def _exposed(bits: Sequence[float]) -> float:
    true, others = bits[0], bits[1:]
    rank = 1 + sum(other < true for other in others) + sum(other == true for other in others) / 2
    return math.log2(len(bits)) - math.log2(rank)


def taught(
    network: "Network",
    found: Sequence[Canary],
    progress: Told | None = None,
) -> tuple[float, ...]:
    """Return the exposure of canaries in a copy that was taught them by heart.

    The network is left as it was.
    """
    import torch  # noqa: PLC0415 - takes seconds

    before = {name: weight.detach().clone() for name, weight in network.trained.items()}
    examples = [network.tokens.example(canary.true) for canary in found]
    rate = max(_RATE, network.recipe.learning_rate)
    optimizer = torch.optim.AdamW(network.trained.values(), lr=rate)
    network.model.eval()
    try:
        for _ in range(_STEPS):
            optimizer.zero_grad(set_to_none=True)
            for at in range(0, len(examples), _AT_ONCE):
                total, count = network.loss(examples[at : at + _AT_ONCE])
                (total / max(1, count)).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        return exposure(network, found, progress)
    finally:
        optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for name, weight in network.trained.items():
                weight.copy_(before[name])


def measure(
    learned: Sequence[float],
    control: Sequence[float],
    ceiling: Sequence[float],
    found: Sequence[Canary],
    seed: int = 0,
) -> Measure:
    """Measure how far learned canaries are exposed beyond those that were never seen.

    Args:
        learned: Exposures of canaries from learned rows.
        control: Exposures of canaries that were never seen.
        ceiling: Exposures of canaries that were taught by heart.
        found: The canaries of `learned`, to name the most exposed.
        seed: Of the interval.
    """
    name = "canary_exposure"
    if not learned or not control:
        return Measure(name=name, value=None, note="Too few rows hold a number or a rare word.")
    own, never = np.array(learned, np.float64), np.array(control, np.float64)
    low, high = mean_interval(own, seed)
    order = sorted(range(len(own)), key=lambda at: (-own[at], found[at].row))
    return Measure(
        name=name,
        value=float(own.mean()),
        low=low,
        high=high,
        floor=float(never.mean()),
        ceiling=float(np.mean(ceiling)) if ceiling else None,
        n=min(len(own), len(never)),
        note="Bits by which secrets it learned stand out among others; floor secrets it never "
        "saw, ceiling secrets taught by heart.",
        worst=tuple(dict.fromkeys(found[at].row for at in order[:5])),
    )
