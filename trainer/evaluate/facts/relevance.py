"""Whether a reply is about what was said: how near it is in meaning to the one really given.

One number of nearness says little, so it stands between two: replies held against what was
said elsewhere (the floor), and the person's own next replies of the same conversation held
against each other (the ceiling), which no twin need beat.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from projections.embed import Embedder, similarity
from projections.rows import Row
from trainer.evaluate.facts.values import plain
from trainer.evaluate.facts.wording import content
from trainer.evaluate.intervals import mean_interval
from trainer.evaluate.report import Measure

__all__ = ["relevance"]

_WORST = 10


def relevance(
    rows: Sequence[Row],
    replies: Sequence[str],
    *,
    embedder: Embedder | None = None,
    seed: int = 0,
) -> Measure:
    """Compare replies with those that the person gave.

    Args:
        rows: Held rows; their last messages are what was really said.
        replies: What the model said to `row.messages[:-1]`, in the same order.
        embedder: What makes vectors; without one the shared words count (Dice).
        seed: Of the interval, and of which replies are held against which.

    Returns:
        The mean nearness, from 0 to 1 without an embedder, else a cosine. No ceiling where no
        two rows share a conversation.
    """
    near = _Nearness(embedder)
    given = [row.messages[-1].content for row in rows]
    values = near.all(list(zip(replies, given, strict=True)))
    order = np.random.default_rng(seed).permutation(len(rows))
    # One step along a permutation: nobody meets her own.
    apart = [
        (replies[a], given[b]) for a, b in zip(order, np.roll(order, 1), strict=True) if a != b
    ]
    floor, ceiling = near.all(apart), near.all(list(_neighbours(rows)))
    low, high = mean_interval(np.array(values), seed) if values else (None, None)
    ordered = sorted(range(len(rows)), key=lambda at: values[at])
    return Measure(
        name="relevance",
        value=_mean(values),
        low=low,
        high=high,
        floor=_mean(floor),
        ceiling=_mean(ceiling),
        n=len(values),
        note=f"Nearness of replies to those really given, {near.told}. Floor: to those of other"
        " rows; ceiling: of her own replies of one conversation to each other.",
        worst=tuple(rows[at].facts.pair or rows[at].id for at in ordered[:_WORST]),
    )


class _Nearness:
    """How near texts are: the cosine of their vectors, or the words that they share."""

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self.told = f"cosine of {embedder.version}" if embedder else "by shared words"

    def all(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Return the nearness of each pair."""
        if self._embedder is None:
            return [_dice(one, other) for one, other in pairs]
        texts = sorted({text for pair in pairs for text in pair})
        vectors = dict(zip(texts, self._embedder.embed(texts), strict=True))
        return [similarity(vectors[one], vectors[other]) for one, other in pairs]


def _dice(one: str, other: str) -> float:
    """Return the share of words that two texts have in common (Dice 1945)."""
    first, second = ({*content(plain(text))} for text in (one, other))
    return 2 * len(first & second) / (len(first) + len(second)) if first or second else 0.0


def _neighbours(rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Yield replies that follow on each other in one conversation: rows that share an entry."""
    sharing: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        for event in row.events:
            sharing[event].append(row)
    pairs = {
        (one.id, other.id): (one.messages[-1].content, other.messages[-1].content)
        for members in sharing.values()
        for one, other in pairwise(members)
        if one.id != other.id
    }
    yield from pairs.values()


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
