"""The words that a network of ours may spell: those it knows or has learned, and no mixtures.

A network this small picks good words and spells rare ones badly: one word in nine it wrote
was none (measured), with this list hardly any. The seed brings the words of its own text. A word
is a run of tokens that continue each other. One of several tokens counts once two different
replies used it, so that what was said a single time is not kept ready to be said again. The list
is part of the state: it is stored, hashed and forgotten with the weights.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["Lexicon", "Word", "words_of"]

Word = tuple[int, ...]

_NAMES = ("lexicon.first", "lexicon.ids", "lexicon.lengths", "lexicon.twice")


class Lexicon:
    """Words seen in replies, as token ids, with the reply that first had each.

    `known` words need not be learned; they are no part of what is stored and forgotten.
    """

    def __init__(
        self, inside: Sequence[bool], ends: Iterable[int], known: AbstractSet[Word] = frozenset()
    ) -> None:
        self._inside = inside
        self._ends = frozenset(ends)
        self._given = known
        self._first: dict[Word, int] = {}
        self._twice: set[Word] = set()
        self._next: dict[Word, set[int]] = {}
        self._masks: dict[Word, torch.Tensor] = {}

    def __bool__(self) -> bool:
        return bool(self._first or self._given)

    def add(self, reply: Sequence[int]) -> None:
        """Take in the words of one reply; the same reply again changes nothing."""
        told = hashlib.sha256(repr(list(reply)).encode()).digest()
        name = int.from_bytes(told[:8], "big", signed=True)
        for word in words_of(reply, self._inside, self._ends):
            self._note(word, name)
        self._next.clear()
        self._masks.clear()

    def after(self, word: Word, token: int) -> Word:
        """Return the word that stands open once a token followed."""
        return _after(word, token, self._inside, self._ends)

    def mask(self, word: Word) -> "torch.Tensor":
        """Return which tokens may follow an open word."""
        if word not in self._masks:
            self._masks[word] = self._allowed(word)
        return self._masks[word]

    def tensors(self) -> "dict[str, torch.Tensor]":
        """Return the list as tensors, in an order that does not depend on learning."""
        import torch  # noqa: PLC0415 - takes seconds

        words = sorted(self._first)
        values = (
            torch.tensor([self._first[word] for word in words], dtype=torch.int64),
            torch.tensor([token for word in words for token in word], dtype=torch.int32),
            torch.tensor([len(word) for word in words], dtype=torch.int32),
            torch.tensor([word in self._twice for word in words], dtype=torch.uint8),
        )
        return dict(zip(_NAMES, values, strict=True))

    def restore(self, tensors: "dict[str, torch.Tensor]") -> None:
        """Put back what `tensors` returned."""
        first, ids, lengths, twice = (tensors[name].tolist() for name in _NAMES)
        self._first, self._twice, self._next, self._masks = {}, set(), {}, {}
        at = 0
        for name, length, again in zip(first, lengths, twice, strict=True):
            word = tuple(ids[at : at + length])
            self._first[word] = name
            self._twice |= {word} if again else set()
            at += length

    def _note(self, word: Word, name: int) -> None:
        if self._first.setdefault(word, name) != name:
            self._twice.add(word)

    def _known(self, word: Word) -> bool:
        return (
            word in self._given or word in self._twice or (len(word) == 1 and word in self._first)
        )

    def _allowed(self, word: Word) -> "torch.Tensor":
        import torch  # noqa: PLC0415

        if not self._next:
            self._next = self._ways()
        allowed = torch.zeros(len(self._inside), dtype=torch.bool)
        allowed[sorted(self._next.get(word, ()))] = True
        if word and self._known(word):
            allowed[sorted(self._next.get((), ()))] = True
        if not word or self._known(word):
            allowed[sorted(self._ends)] = True
        return allowed

    def _ways(self) -> dict[Word, set[int]]:
        """Return how each beginning of a known word may go on."""
        ways: dict[Word, set[int]] = defaultdict(set)
        for word in chain(self._given, filter(self._known, self._first)):
            for at, token in enumerate(word):
                ways[word[:at]].add(token)
        return dict(ways)


def words_of(ids: Iterable[int], inside: Sequence[bool], ends: AbstractSet[int]) -> Iterator[Word]:
    """Yield the words of a text, each once it is over."""
    word: Word = ()
    for token in ids:
        after = _after(word, token, inside, ends)
        if word and len(after) <= len(word):
            yield word
        word = after
    if word:
        yield word


def _after(word: Word, token: int, inside: Sequence[bool], ends: AbstractSet[int]) -> Word:
    if token in ends:
        return ()
    return (*word, token) if word and inside[token] else (token,)
