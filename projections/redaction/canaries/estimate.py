"""How much of what is private may be left, from the canaries that survived."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

from projections.redaction.canaries.plant import Canary
from projections.redaction.canaries.survival import survived

__all__ = ["Risk", "Share", "estimate", "upper_bound"]

_DOUBT = 0.05
_HALVINGS = 60


class Share(NamedTuple):
    """How many canaries of a group survived."""

    group: str
    planted: int
    survived: int

    @property
    def share(self) -> float:
        """The share that survived."""
        return self.survived / self.planted if self.planted else 0.0

    @property
    def upper(self) -> float:
        """What the share lies below with 95 % confidence."""
        return upper_bound(self.survived, self.planted)


class Risk(NamedTuple):
    """Shares by group (`known people`, `unknown people`, else the kind), and who survived."""

    shares: tuple[Share, ...]
    survivors: tuple[Canary, ...]


def estimate(redact: Callable[[str], str | None], canaries: Iterable[Canary]) -> Risk:
    """Redact canaries and count who survives; None is a text that was held back."""
    planted: Counter[str] = Counter()
    left: list[Canary] = []
    for canary in canaries:
        planted[_group(canary)] += 1
        text = redact(canary.text)
        if text is not None and survived(canary, text):
            left.append(canary)
    counted = Counter(map(_group, left))
    shares = tuple(Share(group, planted[group], counted[group]) for group in sorted(planted))
    return Risk(shares, tuple(left))


def _group(canary: Canary) -> str:
    if canary.known:
        return "known people"
    return "unknown people" if canary.kind == "person" else str(canary.kind)


def upper_bound(hits: int, of: int) -> float:
    """Return the upper bound, one-sided at 95 %, of a share seen as `hits` of `of`.

    Clopper and Pearson's exact bound; with no hits it is close to 3 / `of`.
    """
    if of == 0 or hits >= of:
        return 1.0
    low, high = hits / of, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(hits, of, middle) > _DOUBT else (low, middle)
    return high


def _at_most(hits: int, of: int, share: float) -> float:
    """Return how likely no more than `hits` of `of` are, each with probability `share`."""
    if share <= 0 or share >= 1:
        return float(share <= 0)
    yes, no = math.log(share), math.log1p(-share)
    chosen = (
        math.lgamma(of + 1) - math.lgamma(n + 1) - math.lgamma(of - n + 1) + n * yes + (of - n) * no
        for n in range(hits + 1)
    )
    return math.fsum(map(math.exp, chosen))
