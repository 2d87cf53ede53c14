"""Which of several answers fits what was said: the likeliest that is not likely everywhere.

A small voice knows a person's manner better than it knows what an answer is. The seed that it
went on from has read a hundred times more talk, so it is asked: for each answer, how much
likelier it is after these words than after none. Li et al., A Diversity-Promoting Objective
Function for Neural Conversation Models (NAACL 2016), equation 9; drawing first and choosing then
is Adiwardana et al., Towards a Human-like Open-Domain Chatbot (2020), section 2.3.

A small voice also begins better than it ends: what it adds after a sentence that fits may ramble.
So an answer may be cut at the end of any of its sentences, and one that turns in circles is not
given where there is another.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from projections.rows import Message
from trainer.network import Network

if TYPE_CHECKING:
    import torch

__all__ = ["Chooser"]

_COMMONPLACE = 0.5
"""How much of its likelihood after no words is taken from an answer's, as in the paper."""
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_CIRCLE = 3
"""So many words in a row stand in an answer once."""


class Chooser:
    """A network that listens, and never speaks."""

    def __init__(self, network: Network) -> None:
        self._network = network
        network.model.eval()

    def best(self, messages: Sequence[Message], answers: Sequence[str]) -> str:
        """Return the answer, or beginning of one, that fits best; empty only if all are."""
        begun = [*dict.fromkeys(part for answer in answers for part in _beginnings(answer))]
        said = [part for part in begun if not _circles(part)] or begun or [""]
        after, alone = self._likelihood(messages, said), self._likelihood((), said)
        return said[int((after - _COMMONPLACE * alone).argmax())]

    def _likelihood(self, messages: Sequence[Message], answers: Sequence[str]) -> "torch.Tensor":
        """Return the mean log probability of each answer's tokens [answer], its end included."""
        import torch  # noqa: PLC0415

        rows = [
            self._network.tokens.example((*messages, Message(role="assistant", content=answer)))
            for answer in answers
        ]
        start, longest = len(rows[0][0]), max(len(reply) for _, reply in rows)
        ids = torch.full((len(rows), start + longest), self._network.tokens.pad)
        lengths = torch.tensor([len(reply) for _, reply in rows])
        for at, (prompt, reply) in enumerate(rows):
            ids[at, : start + len(reply)] = torch.tensor(prompt + reply)
        with torch.inference_mode():
            logits = self._network.model(
                input_ids=ids[:, :-1], use_cache=False, logits_to_keep=longest
            ).logits
        found = logits.float().log_softmax(-1).gather(2, ids[:, start:, None])[..., 0]
        inside = torch.arange(longest) < lengths[:, None]
        likelihood: torch.Tensor = (found * inside).sum(1) / lengths
        return likelihood


def _beginnings(answer: str) -> Iterator[str]:
    """Yield an answer as far as each of its sentences, the whole one last.

    Whoever ends without a stop does so where she is cut as well.
    """
    ends = [found.start() for found in _SENTENCE.finditer(answer)]
    stops = answer.endswith(".")
    for end in ends:
        yield answer[:end] if stops else answer[:end].removesuffix(".")
    if answer:
        yield answer


def _circles(answer: str) -> bool:
    """Tell whether some words in a row come again."""
    words = re.findall(r"\w+", answer.lower())
    runs = [*zip(*(words[at:] for at in range(_CIRCLE)), strict=False)]
    return len(set(runs)) < len(runs)
