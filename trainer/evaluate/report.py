"""What an evaluation found: measures with what to compare them with, as one record.

A report holds numbers, ids and sentences about numbers; sample text stands in `samples`
alone, which is why a report is kept sealed and goes with its model.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import msgspec

from trainer.errors import TrainingError
from trainer.evaluate.intervals import share_interval
from trainer.states import Store

__all__ = ["Group", "Measure", "Report", "evaluated", "forget", "name_of", "shadows_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number. `low` and `high` enclose 95 %; `note` says what to compare it with.

    `n` counts texts (the smaller side, where two are compared). `worst` are ids of rows or
    items that did worst, for the owner to look at.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    ceiling: float | None = None
    n: int = 0
    note: str = ""
    worst: tuple[str, ...] = ()

    @classmethod
    def of_share(
        cls,
        name: str,
        *,
        hits: int,
        of: int,
        floor: float | None,
        note: str,
        worst: tuple[str, ...] = (),
    ) -> Self:
        """Return the measure of a share; a share of nothing is no number."""
        low, high = share_interval(hits, of) if of else (None, None)
        value = hits / of if of else None
        return cls(
            name=name, value=value, low=low, high=high, floor=floor, n=of, note=note, worst=worst
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Held rows of one type or source, and the bits per byte that their replies cost.

    `by` is what they have in common (`type`, `source`), `base` what an untrained model pays.
    """

    by: str
    name: str
    rows: int
    bits_per_byte: float
    base: float
    worst: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that was measured of one model, at one position of the log."""

    model: str
    state: str
    made_at: datetime
    position: int
    rows: int
    seed: int
    environment: str
    measures: tuple[Measure, ...]
    groups: tuple[Group, ...] = ()
    samples: tuple[str, ...] = ()

    def measure(self, name: str) -> Measure | None:
        """Return a measure by its name, if it was taken."""
        return next((found for found in self.measures if found.name == name), None)

    def encode(self) -> bytes:
        """Return the report as JSON, alike for alike reports."""
        return msgspec.json.format(msgspec.json.encode(self, order="deterministic"), indent=1)

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read what `encode` wrote.

        Raises:
            TrainingError: It is no report.
        """
        try:
            return msgspec.json.decode(body, type=cls)
        except msgspec.DecodeError as error:
            raise TrainingError(
                "A kept evaluation is damaged; `twin eval` makes it anew."
            ) from error


_PREFIX = "eval-"


def name_of(model: str) -> str:
    """Return the name under which a model's report is kept."""
    return _PREFIX + model


def shadows_of(model: str) -> str:
    """Return the name under which an unfinished membership measure of a model is kept."""
    return f"{_PREFIX}{model}.shadows"


def evaluated(store: Store, models: Iterable[str]) -> tuple[Report, ...]:
    """Return the kept reports of models, in the order given."""
    bodies = (store.read(name_of(model)) for model in models)
    return tuple(Report.decode(body) for body in bodies if body is not None)


def forget(store: Store, model: str) -> int:
    """Delete everything that evaluations kept of a model; return how much there was."""
    found = {name_of(model), shadows_of(model)} & set(store.names())
    for name in sorted(found):
        store.delete(name)
    return len(found)
