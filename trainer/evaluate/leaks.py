"""What redaction should have kept from the twin, looked for in what it says.

The finder is that of the redaction door itself: people of the vault, found through keyed
digests, and values that show by their form (addresses, numbers to call, cards, keys). Values
from ranges that are reserved for examples are the door's own surrogates and count nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from projections.redaction import secrets, shapes
from projections.redaction.decode import layers
from projections.redaction.fold import composed
from projections.redaction.kinds import Kind
from projections.redaction.reserved import is_ours
from projections.redaction.roster import Roster
from projections.redaction.table import Table
from projections.rows import Row
from trainer.evaluate.report import Measure
from trainer.evaluate.texts import reply

__all__ = ["Finder", "Leak", "leaks"]

Leak = tuple[Kind, str]
"""What something is, and how it is written, without letter case."""

_BY_FORM = frozenset({Kind.EMAIL, Kind.PHONE, Kind.CARD, Kind.SSN, Kind.BANK, Kind.SECRET, Kind.IP})
_WORST = 5


class Finder:
    """Finds what is left of private matters in texts."""

    def __init__(self, table: Table) -> None:
        self._roster = Roster(table)

    def people(self, text: str) -> frozenset[Leak]:
        """Return the known people that a text names."""
        return frozenset(self._people(text))

    def forms(self, text: str) -> frozenset[Leak]:
        """Return the values in a text that their form tells, surrogates left out."""
        return frozenset(self._forms(text))

    def _people(self, text: str) -> Iterator[Leak]:
        for layer in layers(composed(text)):
            for one in self._roster.find(layer):
                yield one.kind, layer.lower[one.start : one.end]

    def _forms(self, text: str) -> Iterator[Leak]:
        for layer in layers(composed(text)):
            for one in (*shapes.by_form(layer), *secrets.find(layer)):
                written = layer.text[one.start : one.end]
                if one.kind in _BY_FORM and not is_ours(one.kind, written):
                    yield one.kind, written.lower()


def leaks(twin: Sequence[str], learned: Sequence[Row], table: Table) -> tuple[Measure, ...]:
    """Measure the share of texts with a known person, and with a value that its form tells.

    What was found stands in no report; `worst` names rows that hold the same, if any do: where
    consent lets rows by unredacted, the twin has it from there.
    """
    finder = Finder(table)
    said = (
        ("leaked_people", finder.people, "a person of the vault"),
        ("leaked_values", finder.forms, "an address, number, card or key"),
    )
    made = []
    for name, find, what in said:
        found = [find(text) for text in twin]
        known = [find(reply(row)) for row in learned]
        hits = sum(map(bool, found))
        made.append(
            Measure.of_share(
                name,
                hits=hits,
                of=len(twin),
                floor=sum(map(bool, known)) / len(known) if known else None,
                note=f"Share of texts with {what}; floor the rows that it learned.",
                worst=_rows_with(frozenset().union(*found), learned, known),
            )
        )
    return tuple(made)


def _rows_with(
    leaked: frozenset[Leak],
    learned: Sequence[Row],
    known: Iterable[frozenset[Leak]],
) -> tuple[str, ...]:
    """Return the examples that hold most of what leaked."""
    shared: dict[str, int] = defaultdict(int)
    for row, there in zip(learned, known, strict=True):
        if leaked & there:
            shared[row.facts.pair or row.id] += len(leaked & there)
    return tuple(sorted(shared, key=lambda pair: (-shared[pair], pair))[:_WORST])
