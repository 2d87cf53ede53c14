"""Names of strangers, places and organisations, found by word, form and context.

Whoever finds them keeps to `Names`. A linear-chain model ships with the project (`names.bin`,
made by `make_names`); it is read when it is first asked for.
"""

import functools
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found

__all__ = ["ManyNames", "Names", "shipped"]


class Names(Protocol):
    """A finder of names that needs no list of people."""

    @property
    def version(self) -> str:
        """Changes whenever the finder may find something else."""

    def find(self, text: Folded) -> Iterator[Found]:
        """Yield what is a person, an organisation or a place, in order of the text."""


@runtime_checkable
class ManyNames(Names, Protocol):
    """A finder of names that is quicker when it is asked about many texts at once."""

    def find_all(self, texts: Sequence[Folded]) -> Sequence[Iterable[Found]]:
        """Return what `find` yields of each text."""


class _Shipped:
    """The model that ships with the project; its weights are unpacked when it is first asked."""

    def __init__(self) -> None:
        self._file = Path(__file__).with_name("names.bin")

    @functools.cached_property
    def version(self) -> str:
        """The digest of the model's file."""
        return hashlib.sha256(self._file.read_bytes()).hexdigest()[:16]

    @functools.cached_property
    def _model(self) -> ManyNames:
        from projections.redaction.model import Model  # noqa: PLC0415 - takes a while

        return Model(self._file.read_bytes())

    def find(self, text: Folded) -> Iterator[Found]:
        """Yield names in order of the text; see `Names`."""
        return self._model.find(text)

    def find_all(self, texts: Sequence[Folded]) -> Sequence[Iterable[Found]]:
        """Return the names of each text; see `ManyNames`."""
        return self._model.find_all(texts)


@functools.cache
def shipped() -> ManyNames:
    """Return the model that ships with the project."""
    return _Shipped()
