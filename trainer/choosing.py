"""Which of several answers fits what was said: the likeliest that is not likely everywhere.

A small voice knows a person's manner better than it knows what an answer is. The seed that it
went on from has read a hundred times more talk, so it is asked: for each answer, how much
likelier it is after these words than after none. Li et al., A Diversity-Promoting Objective
Function for Neural Conversation Models (NAACL 2016), equation 9; drawing first and choosing then
is Adiwardana et al., Towards a Human-like Open-Domain Chatbot (2020), section 2.3.

A small voice also begins better than it ends: what it adds after a sentence that fits may ramble.
So an answer may be cut at the end of one of its first sentences, and one that turns in circles is not
given where there is another.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Self

from projections.rows import Message
from trainer.network import Network
from trainer.recipe import Recipe
from trainer.slices import Foundation

if TYPE_CHECKING:
    import torch

__all__ = ["Chooser"]

_COMMONPLACE = 0.5
"""How much of its likelihood after no words is taken from an answer's, as in the paper."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")
_NO_END = re.compile(r"\b(?:[^\W\d_]|\d+|dr|mr|mrs|ms|st|vs)\.$", re.IGNORECASE)
"""What ends like a sentence and is an initial, a number or a title."""
_STOP = re.compile(r"(?<![.!?])\.$")
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
_BEGINNINGS = 6
_CIRCLE = 3
"""So many words in a row stand in an answer once."""
_AT_ONCE = 16
_LONGEST = 400
"""More ids than an answer that is drawn has, however it is spelled."""


class Chooser:
    """A network that listens, and never speaks."""

    def __init__(self, network: Network) -> None:
        self._network = network
        network.model.eval()

    @classmethod
    def of(cls, recipe: Recipe, foundation: Foundation) -> Self:
        """Return the chooser for voices of a recipe: what they went on from, reading to the end."""
        return cls(Network(replace(recipe, reply_tokens=_LONGEST), foundation))

    def best(self, messages: Sequence[Message], answers: Sequence[str]) -> str:
        """Return the answer, or beginning of one, that fits best; empty only if all are."""
        begun = [*dict.fromkeys(part for answer in answers for part in _beginnings(answer))]
        said = [part for part in begun if not _circles(part)] or begun or [""]
        after, alone = self._likelihood(messages, said), self._likelihood((), said)
        return said[int((after - _COMMONPLACE * alone).argmax())]

    def _likelihood(self, messages: Sequence[Message], answers: Sequence[str]) -> "torch.Tensor":
        """Return the mean log probability of each answer's tokens [answer], its end included."""
        import torch  # noqa: PLC0415

        read = self._network.tokens.example
        pairs = [read((*messages, Message(role="assistant", content=one))) for one in answers]
        rows, start = [prompt + reply for prompt, reply in pairs], len(pairs[0][0])
        parts = (rows[at : at + _AT_ONCE] for at in range(0, len(rows), _AT_ONCE))
        return torch.cat([self._of(part, start) for part in parts])

    def _of(self, rows: Sequence[list[int]], start: int) -> "torch.Tensor":
        """Return the mean log probability of each row's tokens from a place on [row]."""
        import torch  # noqa: PLC0415

        lengths = torch.tensor([len(row) - start for row in rows])
        longest = int(lengths.max())
        ids = torch.full((len(rows), start + longest), self._network.tokens.pad)
        for at, row in enumerate(rows):
            ids[at, : len(row)] = torch.tensor(row)
        with torch.inference_mode():
            logits = self._network.model(
                input_ids=ids[:, :-1], use_cache=False, logits_to_keep=longest
            ).logits
        found = logits.float().log_softmax(-1).gather(2, ids[:, start:, None])[..., 0]
        inside = torch.arange(longest) < lengths[:, None]
        likelihood: torch.Tensor = (found * inside).sum(1) / lengths
        return likelihood


def _beginnings(answer: str) -> Iterator[str]:
    """Yield an answer as far as each of its first sentences, and the whole one.

    Whoever ends without a stop does so where she is cut as well.
    """
    bare = not answer.endswith((".", "!", "?"))
    ends = (answer[: found.start()].strip() for found in _SENTENCE.finditer(answer))
    cut = (part for part in ends if _WORD.search(part) and not _NO_END.search(part))
    for part in islice(cut, _BEGINNINGS):
        yield _STOP.sub("", part) if bare else part
    if answer:
        yield answer


def _circles(answer: str) -> bool:
    """Tell whether some words in a row come again."""
    words = _WORD.findall(answer.lower())
    runs = [*zip(*(words[at:] for at in range(_CIRCLE)), strict=False)]
    return len(set(runs)) < len(runs)
