"""Rows counted while they pass: what a card says of them, without holding them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC

from projections.roots import Root
from projections.rows import Row

__all__ = ["Counts", "Tally"]

_Counted = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many rows there are, of which sorts, and the content roots that name them.

    `root` is that of all rows and `learned` that of the `train` rows, which is what the manifest
    of a model states. A row counts once under every tag and every statement that it has; `masked` counts what
    was replaced in the learned words, by kind. Years are those of UTC.
    """

    rows: int
    root: str
    learned: str
    by_split: _Counted
    by_kind: _Counted
    by_type: _Counted
    by_source: _Counted
    by_style: _Counted
    by_tag: _Counted
    by_year: _Counted
    by_profile: _Counted
    by_statement: _Counted
    masked: _Counted


class Tally:
    """Counts rows on their way to a file."""

    def __init__(self) -> None:
        self._rows = 0
        self._root, self._learned = Root(), Root()
        self._by = {name: Counter[str]() for name in _BY}

    def through(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Yield rows as they come, counted."""
        for row in rows:
            self._count(row)
            yield row

    def counts(self) -> Counts:
        """Return what was counted so far."""
        sorted_ = {name: tuple(sorted(counter.items())) for name, counter in self._by.items()}
        return Counts(
            rows=self._rows, root=self._root.hex(), learned=self._learned.hex(), **sorted_
        )

    def _count(self, row: Row) -> None:
        facts, by = row.facts, self._by
        self._rows += 1
        self._root.add(row)
        if row.split == "train":
            self._learned.add(row)
        by["by_split"][row.split] += 1
        by["by_kind"][facts.kind or _UNKNOWN] += 1
        by["by_type"][facts.type or _UNKNOWN] += 1
        by["by_source"][facts.source or _UNKNOWN] += 1
        by["by_style"][facts.style or _UNKNOWN] += 1
        by["by_tag"].update(facts.tags)
        by["by_year"][f"{row.at.astimezone(UTC).year:04}" if row.at else _UNKNOWN] += 1
        by["by_profile"][facts.profile.value] += 1
        by["by_statement"].update(row.statements)
        by["masked"].update(dict(facts.masked))


_UNKNOWN = "unknown"
_BY = tuple(name for name in Counts.__slots__ if name not in {"rows", "root", "learned"})
