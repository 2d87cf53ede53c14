"""The text that the seed learns from, as streams of token ids.

Conversations are written as the voice reads them, `<|user|>` and `<|assistant|>` in turns,
and once more as people type on a phone; novels run on as they are. A document that holds
period prejudice is left out whole, or by its paragraph. One document in fifty is held out by
the digest of its text, so that it stays held out whatever else changes. (A speech of a novel may
stand in both of its files, so what is measured on novels flatters; the card says by how much.)
"""

import gzip
import hashlib
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from trainer.pretraining.prejudice import prejudiced
from trainer.tokenizer import ASSISTANT, END, PAD, USER
from vault.errors import NotFound, UsageError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = ["SETS", "WRITTEN", "Drawn", "Set", "Stream", "documents", "draws", "read", "texted"]

Ids = NDArray[np.uint16]

_BATCH = 4096
_HELD = 50
_PHONE = 0.3
_PROSE = 400
"""Letters below which a stretch of a novel is a heading, or torn from its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """One file of text: its digest, and its shares of the rows by `Plan.phase`."""

    name: str
    digest: str
    spoken: bool
    shares: tuple[float, ...]


# The self-dialogues are about films, music and sport, Topical-Chat about facts: neither may
# fill a talk about dinner. What is near to everyday talk is small, and is read more often. The
# third lap leaves one set out: its talks are so like each other that whole sentences stuck.
SETS = (
    Set(
        name="dialog_self-dialogue.txt.gz",
        digest="65170efcff528573651ae5046db6d9e030f1a6badffa4670220889d6527ee929",
        spoken=True,
        shares=(0.36, 0.28, 0.18, 0.34),
    ),
    Set(
        name="dialog_topical-chat.txt.gz",
        digest="2d9c93bd754c36a665750172d696c28a3af344ec050e71db5d7573cbeb1aae4e",
        spoken=True,
        shares=(0.16, 0.12, 0.08, 0.12),
    ),
    Set(
        name="dialog_synthetic-persona-chat.txt.gz",
        digest="6011ad80ff080bb547df05a5b49091e5b48b10e37d0524777cf6c21f2396884d",
        spoken=True,
        shares=(0.12, 0.20, 0.18, 0.0),
    ),
    Set(
        name="novels_dialogues.txt.gz",
        digest="780d98636fee187387b51fbbde32950e0bd4c43296075c377d6decfb0a3c9672",
        spoken=True,
        shares=(0.14, 0.14, 0.12, 0.14),
    ),
    Set(
        name="novels.txt.gz",
        digest="eded3a85613f26ab4fb187223659db892316d10a0cffca3918c57d1849765b48",
        spoken=False,
        shares=(0.22, 0.14, 0.10, 0.14),
    ),
)
# Ours; each set after the first came when the laps before it were run.
WRITTEN = (
    Set(name="everyday", digest="", spoken=True, shares=(0.0, 0.12, 0.06, 0.06)),
    Set(name="everyday_replies", digest="", spoken=True, shares=(0.0, 0.0, 0.28, 0.10)),
    Set(name="everyday_more", digest="", spoken=True, shares=(0.0, 0.0, 0.0, 0.10)),
)


@dataclass(frozen=True, slots=True)
class Stream:
    """One set as token ids: as it was written, as it would be typed, and where rows may begin."""

    set: Set
    plain: "Drawn"
    phone: "Drawn | None"
    held: Ids
    held_bytes: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """Token ids from which rows are drawn; `starts` are the places where a turn begins."""

    ids: Ids
    starts: NDArray[np.int64]

    def row(self, dice: np.random.Generator, length: int) -> Ids:
        """Return one row, from the beginning of a turn (of a novel: from anywhere)."""
        last = len(self.ids) - length
        if not len(self.starts):
            start = int(dice.integers(last))
        else:
            start = int(self.starts[dice.integers(np.searchsorted(self.starts, last))])
        return self.ids[start : start + length]


def read(folder: Path, tokenizer: "Tokenizer") -> Iterator[Stream]:
    """Yield every set of a folder as ids.

    Args:
        folder: Holds the files of `SETS`.
        tokenizer: The shipped one.

    Raises:
        NotFound: A file is missing.
        UsageError: A file is not the one that its digest names.
    """
    for one in (*SETS, *WRITTEN):
        learned, held = list[list[str]](), list[list[str]]()
        for document in documents(folder, one):
            first = hashlib.sha256("\n".join(document).encode()).digest()
            (held if first[0] * 256 + first[1] < 65536 // _HELD else learned).append(document)
        yield Stream(
            set=one,
            plain=_drawn(learned, one, tokenizer),
            phone=_drawn([texted(document) for document in learned], one, tokenizer)
            if one.spoken
            else None,
            held=_drawn(held, one, tokenizer).ids,
            held_bytes=sum(len(line.encode()) for document in held for line in document),
        )


def documents(folder: Path, one: Set) -> Iterator[list[str]]:
    """Yield a set's conversations as turns, or its chapters as paragraphs, without prejudice."""
    for block in _text(folder, one).split("\n\n"):
        lines = [line for line in block.split("\n") if line]
        if one.spoken:
            said = [line[3:].strip() for line in lines]
            if len(said) > 1 and all(said) and not prejudiced("\n".join(said)):
                yield said
        else:
            kept = [line for line in lines if len(line) > 1 and not prejudiced(line)]
            if sum(map(len, kept)) >= _PROSE:
                yield kept


def texted(document: list[str]) -> list[str]:
    """Return a conversation as it would be typed on a phone: small letters, few stops."""
    bare = hashlib.sha256("\n".join(document).encode()).digest()[2] % 2
    typed = [re.sub(r"(?<![.!?])\.$", "", line.lower()) for line in document]
    return [line.replace("'", "") for line in typed] if bare else typed


def draws(
    streams: Sequence[Stream], rows: int, length: int, step: int, phase: int
) -> NDArray[np.int64]:
    """Return the rows of one step; they follow from its number alone, so a run may stop anywhere."""
    dice = np.random.default_rng([step, 20])
    shares = np.array([one.set.shares[phase] for one in streams])
    chosen = dice.choice(len(streams), size=rows, p=shares / shares.sum())
    found = []
    for at in chosen:
        stream = streams[int(at)]
        phone = stream.phone if dice.random() < _PHONE else None
        found.append((phone or stream.plain).row(dice, length))
    return np.stack(found).astype(np.int64)


def _text(folder: Path, one: Set) -> str:
    if not one.digest:
        ours = Path(__file__).with_name(one.name)
        written = sorted(ours.glob("*.txt"))
        if not written:
            raise NotFound(f"There is nothing in {ours}; make the seed in a checkout.")
        return "\n\n".join(file.read_text("utf-8").strip() for file in written)
    try:
        packed = (folder / one.name).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(
            f"There is no {one.name} in {folder}; see the card for its source."
        ) from error
    if hashlib.sha256(packed).hexdigest() != one.digest:
        raise UsageError(f"{folder / one.name} is not the file that the seed was made from.")
    return gzip.decompress(packed).decode("utf-8").strip()


def _drawn(documents: list[list[str]], one: Set, tokenizer: "Tokenizer") -> Drawn:
    whole = documents if one.spoken else [["\n".join(document)] for document in documents]
    encoded = _encoded((text for document in whole for text in document), tokenizer)
    ids, starts = array("H"), array("q")
    for document in whole:
        for turn, _ in enumerate(document):
            if one.spoken:
                starts.append(len(ids))
                ids.append(ASSISTANT if turn % 2 else USER)
            ids.extend(next(encoded))
            if one.spoken:
                ids.append(END)
        ids.append(PAD)
    return Drawn(np.array(ids, np.uint16), np.array(starts, np.int64))


def _encoded(texts: Iterable[str], tokenizer: "Tokenizer") -> Iterator[list[int]]:
    waiting = iter(texts)
    while batch := list(islice(waiting, _BATCH)):
        yield from (one.ids for one in tokenizer.encode_batch(batch, add_special_tokens=False))
