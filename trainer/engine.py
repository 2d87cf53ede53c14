"""Answering in the person's voice, in the caller's process.

Rows of a batch are padded on the left and sampled with one random generator each, seeded
from its place, so an answer does not depend on what else was asked. Where a chooser listens, one
question is answered two dozen times over, and the answer that fits, or its beginning, is given.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from projections.rows import Message
from trainer.lexicon import Word
from trainer.recipe import Recipe
from trainer.slices import Foundation, foundation_of

if TYPE_CHECKING:
    import torch

    from trainer.choosing import Chooser
    from trainer.network import Network

__all__ = ["Sampling", "Voice", "load", "prepare", "untrained"]

_BATCH = 64
_DRAWN = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How words are drawn.

    At temperature 1 a calibrated model has the person's own word frequencies; below, it
    repeats the commonest. `longest` counts tokens.
    """

    temperature: float = 1.0
    longest: int = 160
    seed: int = 0


class Voice:
    """A model that answers; with a chooser, the best of many answers, or the beginning of one."""

    def __init__(self, network: "Network", chooser: "Chooser | None" = None) -> None:
        self._network = network
        self._chooser = chooser
        self._turn = threading.Lock()
        network.model.eval()

    def answer(self, messages: Sequence[Message], sampling: Sampling | None = None) -> str:
        """Return the next message of a conversation."""
        *_, text = ("", *self.growing(messages, sampling))
        return text

    def answers(
        self,
        conversations: Sequence[Sequence[Message]],
        sampling: Sampling | None = None,
    ) -> list[str]:
        """Return one answer to each conversation, computed in batches of like length.

        Each is drawn once and none is chosen, so what is measured on them is the model.
        """
        chosen = sampling or Sampling()
        prompts = [self._network.tokens.prompt(messages) for messages in conversations]
        order = sorted(range(len(prompts)), key=lambda at: len(prompts[at]))
        found = [""] * len(prompts)
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            replies = self._draw([prompts[at] for at in places], places, chosen)
            for at, reply in zip(places, replies, strict=True):
                found[at] = self._network.tokens.decode(reply).strip()
        return found

    def growing(
        self, messages: Sequence[Message], sampling: Sampling | None = None
    ) -> Iterator[str]:
        """Yield the next message of a conversation as far as it is written, longer each time.

        The last one is what `answer` returns. Whoever has read enough stops asking: nothing
        is computed ahead. Each step may be asked for by another thread. Where answers are
        chosen from, it is empty until one is.
        """
        prompt, chosen = self._network.tokens.prompt(messages), sampling or Sampling()
        if self._chooser is not None:
            yield from self._choosing(self._chooser, messages, prompt, chosen)
            return
        said = text = ""
        for replies in self._steps([prompt], [0], chosen):
            text = self._network.tokens.decode(replies[0]).strip()
            # A letter of several bytes is not shown before it is whole.
            if text != said and not text.endswith("\N{REPLACEMENT CHARACTER}"):
                said = text
                yield said
        if text != said:
            yield text

    def _choosing(
        self,
        chooser: "Chooser",
        messages: Sequence[Message],
        prompt: list[int],
        sampling: Sampling,
    ) -> Iterator[str]:
        """Yield nothing while answers are drawn, then the one that fits."""
        replies: list[list[int]] = []
        for step in self._steps([prompt] * _DRAWN, range(_DRAWN), sampling):
            replies = step
            yield ""
        texts = [self._network.tokens.decode(reply).strip() for reply in replies]
        with self._turn, self._quick():
            best = chooser.best(messages, texts)
        yield best

    def _draw(
        self,
        prompts: list[list[int]],
        places: Sequence[int],
        sampling: Sampling,
    ) -> list[list[int]]:
        replies: list[list[int]] = [[] for _ in prompts]
        for step in self._steps(prompts, places, sampling):
            replies = step
        return replies

    def _steps(
        self,
        prompts: list[list[int]],
        places: Sequence[int],
        sampling: Sampling,
    ) -> Iterator[list[list[int]]]:
        """Yield the replies so far, token by token, until each has ended."""
        import torch  # noqa: PLC0415

        ids, seen = _left_padded(prompts, self._network.tokens.pad)
        lines = [_Line(sampling.seed * 1_000_003 + at) for at in places]
        past = None
        for _ in range(sampling.longest):
            # Both belong to a thread, so neither is held while somebody reads.
            with self._turn, self._quick(), torch.inference_mode():
                out = self._network.model(
                    input_ids=ids,
                    attention_mask=seen,
                    position_ids=(seen.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :],
                    past_key_values=past,
                    use_cache=True,
                    logits_to_keep=1,
                )
                past = out.past_key_values
                ids = torch.tensor(self._tokens(out.logits[:, -1].float(), lines, sampling))[
                    :, None
                ]
                seen = torch.cat([seen, torch.ones_like(ids)], 1)
            yield [line.reply for line in lines]
            if not any(line.open for line in lines):
                return

    @contextmanager
    def _quick(self) -> Iterator[None]:
        """Let a small network compute in one thread: in two it took eight times as long."""
        import torch  # noqa: PLC0415

        before = torch.get_num_threads()
        if self._network.recipe.kind != "lora":
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _tokens(
        self,
        logits: "torch.Tensor",
        lines: "list[_Line]",
        sampling: Sampling,
    ) -> list[int]:
        """Draw the next token of each line."""
        import torch  # noqa: PLC0415

        lexicon, ends = self._network.lexicon, self._network.tokens.ends
        logits[:, list(self._network.tokens.never)] = -float("inf")
        if lexicon:
            allowed = torch.stack([lexicon.mask(line.word) for line in lines])
            logits = logits.masked_fill(~allowed, -float("inf"))
        chances = (logits / max(sampling.temperature, 1e-4)).softmax(-1)
        drawn = []
        for line, row in zip(lines, chances, strict=True):
            token = int(torch.multinomial(row, 1, generator=line.dice)) if line.open else min(ends)
            line.open = line.open and token not in ends
            if line.open:
                line.reply.append(token)
                line.word = lexicon.after(line.word, token) if lexicon else ()
            drawn.append(token)
        return drawn


class _Line:
    """One answer in the making."""

    def __init__(self, seed: int) -> None:
        import torch  # noqa: PLC0415

        self.dice = torch.Generator().manual_seed(seed)
        self.reply: list[int] = []
        self.word: Word = ()
        self.open = True


def prepare() -> None:
    """Load what every voice needs, and no voice: seconds, which the first answer then has not."""
    # Where it is not installed, whoever asks is told so.
    with suppress(ImportError):
        import torch  # noqa: F401, PLC0415


def load(
    weights: bytes,
    recipe: Recipe,
    foundation: Foundation | None = None,
) -> Voice:
    """Return the voice whose trained weights a state holds.

    Raises:
        BaseModelChanged: The base is not the one that was pinned.
        TrainingError: The weights are damaged or of another recipe.
    """
    from trainer.choosing import Chooser  # noqa: PLC0415 - pulls in torch
    from trainer.network import Network  # noqa: PLC0415

    pinned = foundation or foundation_of(recipe)
    network = Network(recipe, pinned)
    network.restore(weights)
    return Voice(network, Chooser.of(recipe, pinned) if recipe.kind == "seed" else None)


def untrained(recipe: Recipe, foundation: Foundation | None = None) -> Voice:
    """Return the voice before it learned anything, for comparison."""
    from trainer.network import Network  # noqa: PLC0415 - pulls in torch

    return Voice(Network(recipe, foundation or foundation_of(recipe)))


def _left_padded(prompts: list[list[int]], pad: int) -> "tuple[torch.Tensor, torch.Tensor]":
    import torch  # noqa: PLC0415

    longest = max(map(len, prompts))
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts])
    seen = torch.tensor([[0] * (longest - len(p)) + [1] * len(p) for p in prompts])
    return ids, seen
