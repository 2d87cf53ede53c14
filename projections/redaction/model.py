"""The model of names that ships, asked about many texts at once.

Only words that may be names are weighed, with two words on either side. Weights are small
integers, so that the same text has the same names on every machine, whatever is read with it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found, Kind
from projections.redaction.naming.features import EDGE, KINDS, TOKEN, chunks
from projections.redaction.naming.weighing import Path, Rows, Words
from projections.redaction.naming.weights import LABELS, Weights
from projections.redaction.shapes.rules import words

__all__ = ["Model"]

_BATCH = 60_000
"""So many characters are weighed together, and no more than one piece beyond."""
_SURE = 0.8
_RIM = (EDGE, EDGE)


class _Piece(NamedTuple):
    """A part of the text of this number, and where it begins there."""

    number: int
    start: int
    text: str


class Model:
    """Finds names by weights."""

    def __init__(self, file: bytes) -> None:
        weights = Weights.unpacked(file)
        self._version = hashlib.sha256(file).hexdigest()[:16]
        self._words = Words(weights.lexicon, Rows(weights.keys, weights.values, LABELS))
        self._path = Path(weights.steps, LABELS)

    @property
    def version(self) -> str:
        """The digest of the model's file."""
        return self._version

    def find(self, text: Folded) -> Iterator[Found]:
        """Yield names in order of the text, each after the title before it; see `Names`."""
        yield from self.find_all((text,))[0]

    def find_all(self, texts: Sequence[Folded]) -> list[list[Found]]:
        """Return the names of each text; quicker than asking for one after the other."""
        found: list[list[Found]] = [[] for _ in texts]
        pieces = (
            _Piece(number, start, text.text[start:end])
            for number, text in enumerate(texts)
            for start, end in chunks(text.text)
        )
        for batch in _batches(pieces):
            for number, one in self._find(batch):
                found[number].append(one)
        return found

    def _find(self, pieces: Sequence[_Piece]) -> Iterator[tuple[int, Found]]:
        """Yield the names of some pieces, each with the number of its text."""
        tokens: list[str] = []
        begins: list[int] = []
        ends: list[int] = []
        for piece in pieces:
            tokens += _RIM
            begins.append(len(tokens))
            tokens += [found[0] for found in TOKEN.finditer(piece.text)]
            ends.append(len(tokens))
            tokens += _RIM
        numbers = self._words.numbered(tokens)
        at = self._words.weighed(numbers)
        if not at.size:
            return
        scores = self._words.scores(numbers, at)
        live = self._path.may_name(scores)
        names = self._path.names(at[live], scores[live])
        which = np.searchsorted(begins, names[:, 0], "right") - 1
        placed = -1
        for (first, end, kind), piece in zip(names.tolist(), which.tolist(), strict=True):
            begin, (number, start, text) = begins[piece], pieces[piece]
            if piece != placed:
                placed, places = piece, _places(text, tokens[begin : ends[piece]], start)
            if KINDS[kind] is Kind.PERSON and (title := _title(tokens, first)):
                at_title = places[title - begin]
                yield number, Found(at_title[0], at_title[1], Kind.JOB, _SURE)
            told = Kind.HANDLE if tokens[first][0] == "@" else KINDS[kind]
            last = places[end - 1 - begin]
            yield number, Found(places[first - begin][0], last[1], told, _SURE)


def _places(text: str, tokens: Sequence[str], start: int) -> list[tuple[int, int]]:
    """Return where tokens stand, between which there are but spaces."""
    places: list[tuple[int, int]] = []
    end = 0
    for token in tokens:
        at = text.index(token, end)
        end = at + len(token)
        places.append((start + at, start + end))
    return places


def _batches(pieces: Iterable[_Piece]) -> Iterator[list[_Piece]]:
    batch: list[_Piece] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece.text)
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


_TITLES = words(
    "mr mrs ms miss mx dr doctor prof professor sir madam dame rev judge nurse captain herr frau herrn doktor "
    "monsieur madame mademoiselle m mme mlle maitre docteur professeur senor senora senorita sr sra srta don dona "
    "doctora profesor profesora signor signora signorina sig dott dottor dottoressa professoressa avv avvocato "
    "senhor senhora doutor doutora meneer mevrouw mijnheer dhr mw mevr dokter pan pani panie panu doktora"
)


def _title(tokens: Sequence[str], start: int) -> int:
    """Return where a title stands before a name, or 0."""
    at = start - 2 if tokens[start - 1] == "." else start - 1
    return at if tokens[at][0].isupper() and tokens[at].lower() in _TITLES else 0
