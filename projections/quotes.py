"""Which of some items another one quotes or nearly repeats, by runs of five words.

The whole text counts where it is shorter. An item may be given in several versions: what quotes
one of them quotes the item.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from vault.aliases import words
from vault.items import Item

__all__ = ["Mention", "Quotes"]

_SHINGLE = 5
_SHORTEST = 3
_QUOTED = 0.5
_QUOTED_RUN = 4


@dataclass(frozen=True, slots=True)
class Mention:
    """An item that quotes or nearly repeats another: `share` of the shorter one's words."""

    id: str
    of: str
    share: float


class Quotes:
    """The runs of words of some items, each known by an id."""

    def __init__(self, versions: Iterable[tuple[str, Item]]) -> None:
        self._owners: dict[str, set[int]] = {}
        self._of: list[tuple[str, int]] = []
        for number, (id_, item) in enumerate(versions):
            shingles = _shingles(item.own_text)
            self._of.append((id_, len(shingles)))
            for shingle in shingles:
                self._owners.setdefault(shingle, set()).add(number)

    def __bool__(self) -> bool:
        return bool(self._owners)

    def by(self, item: Item) -> Iterator[tuple[str, float]]:
        """Yield the id of each item that another one quotes, and how much of it."""
        # The whole text: a quoted reply is where an erased mail lives on.
        own = _shingles(item.text) | _shingles(item.own_text)
        shared: dict[int, int] = {}
        for shingle in own:
            for number in self._owners.get(shingle, ()):
                shared[number] = shared.get(number, 0) + 1
        for number, count in shared.items():
            id_, size = self._of[number]
            share = count / max(1, min(size, len(own)))
            if share >= _QUOTED or count >= _QUOTED_RUN:
                yield id_, round(min(1.0, share), 3)


def _shingles(text: str) -> set[str]:
    found = words(text)
    if len(found) < _SHINGLE:
        return {" ".join(found)} if len(found) >= _SHORTEST else set()
    return {" ".join(found[i : i + _SHINGLE]) for i in range(len(found) - _SHINGLE + 1)}
