"""Which of several answers fits what was said: the likeliest that is not likely everywhere.

A small voice knows a person's manner better than it knows what an answer is. The seed that it
went on from has read a hundred times more talk, so it is asked: for each answer, how much
likelier it is after these words than after none. Li et al., A Diversity-Promoting Objective
Function for Neural Conversation Models (NAACL 2016), equation 9; drawing first and choosing then
is Adiwardana et al., Towards a Human-like Open-Domain Chatbot (2020), section 2.3.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from projections.rows import Message
from trainer.network import Network

if TYPE_CHECKING:
    import torch

__all__ = ["Chooser"]

_COMMONPLACE = 0.5
"""How much of its likelihood after no words is taken from an answer's, as in the paper."""


class Chooser:
    """A network that listens, and never speaks."""

    def __init__(self, network: Network) -> None:
        self._network = network
        network.model.eval()

    def best(self, messages: Sequence[Message], answers: Sequence[str]) -> str:
        """Return the answer that fits best to what was said; an empty one only if all are."""
        said = [*dict.fromkeys(filter(None, answers))] or [""]
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
