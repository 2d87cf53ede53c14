"""Words to token ids and back.

The seed and the from-scratch model share one fixed byte-level BPE that ships with the project,
made from public text by `trainer.pretraining.make_tokenizer`: a tokenizer fitted to a person's
text would itself have learned it, and could not forget. Each line is read as if a space stood
before it, so a word has one id wherever it stands.
"""

import functools
import hashlib
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from projections.rows import Message
from trainer import seed
from trainer.recipe import Recipe

if TYPE_CHECKING:
    from tokenizers import Tokenizer

__all__ = [
    "ASSISTANT",
    "END",
    "PAD",
    "SPECIAL",
    "SYSTEM",
    "USER",
    "Fixed",
    "Tokens",
    "fixed_digest",
    "fixed_file",
]

SPECIAL = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
PAD, END, SYSTEM, USER, ASSISTANT = range(len(SPECIAL))

_OPENING = re.compile("\u0120[A-Za-z]")  # the BPE writes a space so
_OPENS = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT}


class Tokens(Protocol):
    """What training and answering need of a tokenizer."""

    @property
    def pad(self) -> int:
        """The id that fills up short rows."""

    @property
    def ends(self) -> frozenset[int]:
        """The ids that end a reply."""

    @property
    def never(self) -> tuple[int, ...]:
        """The ids that no reply may hold."""

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids up to where the next reply begins."""

    def example(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        """Return the ids of the prompt, and of the last message as the reply to learn."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a reply."""


class Fixed:
    """The shipped tokenizer, with the plain chat format of the networks that are ours."""

    pad = PAD
    ends = frozenset({END})
    never = (PAD, SYSTEM, USER, ASSISTANT)

    def __init__(self, recipe: Recipe) -> None:
        self._bpe = _shipped()
        self._recipe = recipe

    @property
    def size(self) -> int:
        """How many ids there are."""
        return self._bpe.get_vocab_size()

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """Return the ids of system and newest messages, each cut to its last tokens."""
        start = len(messages) - self._recipe.context
        kept = [said for at, said in enumerate(messages) if at >= start or said.role == "system"]
        ids: list[int] = []
        for message in kept:
            words = self._ids(message.content)[-self._recipe.context_tokens :]
            ids += [_OPENS[message.role], *words, END]
        return [*ids, ASSISTANT]

    def example(self, messages: Sequence[Message]) -> tuple[list[int], list[int]]:
        """Return prompt and reply; a reply that is too long does not learn its end."""
        reply = [*self._ids(messages[-1].content), END][: self._recipe.reply_tokens]
        return self.prompt(messages[:-1]), reply

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of a reply."""
        return str(self._bpe.decode(list(ids)))

    def inside(self) -> list[bool]:
        """Tell of each id whether it goes on with a word that is already begun."""
        names = (self._bpe.id_to_token(at) or "" for at in range(self.size))
        letters = (name.removeprefix("'") for name in names)
        return [part.isascii() and part.isalpha() for part in letters]

    def opens(self) -> list[bool]:
        """Tell of each id whether it begins a word."""
        names = (self._bpe.id_to_token(at) or "" for at in range(self.size))
        return [_OPENING.match(name) is not None for name in names]

    def placed(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Return the ids of a text, and which of its characters each stands for."""
        found = self._bpe.encode(text, add_special_tokens=False)
        return list(found.ids), list(found.offsets)

    def _ids(self, text: str) -> list[int]:
        return self.placed(text)[0]


@functools.cache
def _shipped() -> "Tokenizer":
    from tokenizers import Tokenizer  # noqa: PLC0415 - the core installs without it

    bpe = Tokenizer.from_str(fixed_file().decode())
    # Her own words may spell "<|end|>"; they must not become the token of that name.
    bpe.encode_special_tokens = True
    return bpe


def fixed_file() -> bytes:
    """Return the shipped tokenizer as its file.

    Raises:
        BaseRefused: It is missing.
    """
    return seed.file("tokenizer.json")


@functools.cache
def fixed_digest() -> str:
    """Return the hex SHA-256 of the shipped tokenizer."""
    return hashlib.sha256(fixed_file()).hexdigest()
