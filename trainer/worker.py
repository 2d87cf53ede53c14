"""The child of a training run: `python -m trainer.worker`, spoken to over its pipes alone.

It keeps rows in memory only, asks for nothing and writes nothing to disk. What libraries
print goes to stderr, so that no word of theirs falls between two frames.
"""

import math
import os
import resource
import signal
import sys
import traceback
from array import array
from collections.abc import Sequence
from itertools import repeat
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from trainer import held, network, private
from trainer.environment import Environment, device_of, observe
from trainer.errors import Diverged, TrainingError
from trainer.network import Ids
from trainer.optimizing import optimizers
from trainer.rare import Rare
from trainer.recipe import Recipe
from trainer.slices import Foundation
from trainer.tokenizer import Fixed, Tokens
from trainer.wire import (
    Begin,
    Example,
    Failed,
    Finish,
    Held,
    Hold,
    Learn,
    Learned,
    Measure,
    Measured,
    Ready,
    Reply,
    Request,
    Sample,
    Sampled,
    Slice,
    State,
    receive,
    send,
)

if TYPE_CHECKING:
    from trainer.clipping import PrivateGradients


__all__ = ["Learner", "main"]

_SAMPLE = 48
_HOPELESS = 10  # times what a blind guess costs
_NO_MEMORY = (
    "Memory ran out; lower the recipe's batch and raise accumulate by as much, or close other "
    "programs. The same command goes on from what was kept last."
)
_REMEMBERED = 4_000_000  # tokens

# The labels of a batch; none where its replies are learned as they are.
Labels = Sequence[Sequence[int]]


class Learner:
    """One run: a network and the optimizer of the slice it is in."""

    def __init__(self, begin: Begin) -> None:
        import torch  # noqa: PLC0415 - takes seconds

        from trainer.network import Network  # noqa: PLC0415

        self.recipe = Recipe.from_canonical(begin.recipe)
        torch.set_num_threads(self.recipe.threads)
        torch.use_deterministic_algorithms(True)
        # Every tensor here is written before it is read; filling costs an eighth of a step.
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        _same(Environment.from_canonical(begin.environment), observe(self.recipe))
        self._device = device_of(self.recipe)
        self.network = Network(
            self.recipe,
            Foundation(digest=begin.digest, path=begin.path),
            self._device,
        )
        self._hopeless = _HOPELESS * math.log(self.network.model.config.vocab_size)
        self._optimizers: list[torch.optim.Optimizer] = []
        self._private: PrivateGradients | None = None
        self._noise = b""
        self._rare: Rare | None = None
        if self.recipe.noise:
            from trainer import clipping  # noqa: PLC0415

            self._private = clipping.PrivateGradients(self.network)
        self._step = self._steps = 0

    def answer(self, request: Request) -> Reply | None:
        """Carry out one request."""
        match request:
            case Slice():
                self.begin(request)
            case Learn(batches=batches):
                return self.learn(batches)
            case Hold():
                return Held(body=self.hold())
            case Sample(batch=batch):
                return self.sample(batch)
            case Finish():
                return State(weights=self.network.save(), digest=self.network.digest())
            case Measure(batch=batch):
                return self.measure(batch)
            case Begin():
                raise TrainingError("A run begins once.")
        return None

    def begin(self, said: Slice) -> None:
        """Start a slice: earlier weights, a fresh optimizer, random numbers of its own."""
        import torch  # noqa: PLC0415

        if said.weights:
            self.network.restore(said.weights)
        self._step, self._steps, self._noise = 0, said.steps, said.noise
        tokens = self.network.tokens
        self._read = _Read(tokens)
        self._rare = None
        if self.recipe.hides and isinstance(tokens, Fixed):
            self._rare = Rare(tokens, said.common)
        # Dropout draws from here on must not depend on how many slices this process ran.
        seed = self.recipe.seed * 1_000_003 + said.number + 1
        torch.manual_seed(private.dice(said.noise) if said.noise else seed)
        share = 1.0 if said.number == 0 else self.recipe.later_share
        self._optimizers = optimizers(self.network.trained, self.recipe, share)
        self.network.model.train()
        if said.held:
            self._step = held.restore(said.held, self.network, self._optimizers)

    def learn(self, batches: Sequence[Sequence[Example]]) -> Learned:
        """Take one step on the mean loss over the tokens of all its batches.

        Raises:
            Diverged: The loss is many times that of guessing, or no number any more.
        """
        rows = [self._read.all(batch) for batch in batches]
        self._note(rows)
        tokens = sum(network.learned(row) for batch in rows for row in batch)
        labels = [self._labels(batch, read) for batch, read in zip(batches, rows, strict=True)]
        loss = self._gradients(rows, labels, tokens)
        self._advance()
        return Learned(
            loss=loss,
            tokens=tokens,
            read=sum(len(prompt) + len(reply) for batch in rows for prompt, reply in batch),
            rate=self._optimizers[0].param_groups[0]["lr"],
            memory=_memory(),
        )

    def _note(self, rows: Sequence[Sequence[Ids]]) -> None:
        """Let the lexicon learn the words of replies."""
        if self.network.lexicon is not None:
            for batch in rows:
                for _, reply in batch:
                    self.network.lexicon.add(reply)

    def _labels(self, batch: Sequence[Example], rows: Sequence[Ids]) -> Labels:
        """Return what is learned of the replies, where that is not the replies themselves."""
        if self._rare is None:
            return ()
        texts = (example.messages[-1].content for example in batch)
        return [
            self._rare.labels(text, reply) for text, (_, reply) in zip(texts, rows, strict=True)
        ]

    def _gradients(
        self, rows: Sequence[Sequence[Ids]], labels: Sequence[Labels], tokens: int
    ) -> float:
        """Leave a step's clipped gradients, with noise where the recipe asks; return its loss."""
        if self._private is not None:
            # Whether a run goes on must not depend on the loss of single rows either.
            return self._private.step(rows, self._noise, self._step) / max(1, tokens)
        self.network.model.zero_grad(set_to_none=True)
        loss = sum(map(self._backward, rows, labels, repeat(tokens)))
        if not loss <= self._hopeless:
            raise Diverged("Training diverged; lower the recipe's learning rate.")
        self._clip()
        return loss

    def _backward(self, batch: Sequence[Ids], labels: Labels, tokens: int) -> float:
        """Add the gradients of one batch, as a share of a step's tokens; return its loss."""
        others = self._rare.others if self._rare is not None else ()
        total, _ = self.network.loss(batch, labels, others)
        loss = total / max(1, tokens)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.item())

    def _clip(self) -> None:
        import torch  # noqa: PLC0415

        torch.nn.utils.clip_grad_norm_(self.network.trained.values(), self.recipe.clip)

    def _advance(self) -> None:
        """Move the weights, at this step's pace."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * self._pace()
            optimizer.step()
        self._step += 1

    def hold(self) -> bytes:
        """Return everything that the rest of the slice depends on."""
        return held.save(self._step, self.network, self._optimizers)

    def measure(self, batch: Sequence[Example]) -> Measured:
        """Return how many bits the replies of rows cost."""
        import torch  # noqa: PLC0415

        self.network.model.eval()
        with torch.no_grad():
            total, _ = self.network.loss(_Read(self.network.tokens).all(batch))
        self.network.model.train()
        size = sum(len(example.messages[-1].content.encode()) for example in batch)
        return Measured(bits=total.item() / math.log(2), size=size)

    def sample(self, batch: Sequence[Example]) -> Sampled:
        """Answer where the rows answer; no random number of the training is used up.

        On a GPU nothing is said: answering happens on the processor.
        """
        if self._device != "cpu":
            return Sampled(said=("",) * len(batch))
        from trainer.engine import Sampling, Voice  # noqa: PLC0415

        sampling = Sampling(seed=self.recipe.seed, longest=_SAMPLE)
        said = Voice(self.network).answers([one.messages[:-1] for one in batch], sampling)
        return Sampled(said=tuple(said))

    def _pace(self) -> float:
        """Return this step's share of the peak learning rate: warm-up, then a cosine."""
        done = self._step / self._steps
        rise = min(1.0, (self._step + 1) / max(1.0, self.recipe.warmup * self._steps))
        low = self.recipe.final_rate
        return rise * (low + (1 - low) * (1 + math.cos(math.pi * done)) / 2)


class _Read:
    """Rows as token ids, remembered over the epochs of a slice as far as they are few."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._known: dict[Example, tuple[array[int], array[int]]] = {}
        self._left = _REMEMBERED

    def all(self, batch: Sequence[Example]) -> list[Ids]:
        """Return prompt and reply of each row."""
        return [self._one(example) for example in batch]

    def _one(self, example: Example) -> Ids:
        if (known := self._known.get(example)) is not None:
            return known[0].tolist(), known[1].tolist()
        prompt, reply = self._tokens.example(example.messages)
        if self._left > 0:
            self._left -= len(prompt) + len(reply)
            self._known[example] = array("i", prompt), array("i", reply)
        return prompt, reply


def _same(planned: Environment, found: Environment) -> None:
    if planned != found:
        raise TrainingError(
            "The run was planned for another environment than the one it runs in; plan it again.",
        )


def main() -> int:
    """Answer requests until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    requests, replies = _pipes()
    decoder = msgspec.msgpack.Decoder(Request)
    learner: Learner | None = None
    try:
        while (request := receive(requests, decoder)) is not None:
            if isinstance(request, Begin):
                learner = Learner(request)
                send(replies, Ready(parameters=learner.network.parameters))
            elif learner is not None and (reply := learner.answer(request)) is not None:
                send(replies, reply)
    except BrokenPipeError:
        return 1
    except Exception as error:  # noqa: BLE001 - whatever it was, the parent must hear of it
        send(replies, _failure(error))
        return 1
    return 0


def _failure(error: Exception) -> Failed:
    """Tell what went wrong; messages of strangers' errors may hold content and stay here."""
    if isinstance(error, TrainingError | ImportError):
        return Failed(kind=type(error).__name__, reason=str(error))
    if _is_memory(error):
        return Failed(kind="TrainingError", reason=_NO_MEMORY)
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{type(error).__name__} in {os.path.basename(last.filename)}:{last.lineno}"  # noqa: PTH119
    return Failed(kind="TrainingError", reason=f"Training stopped: {where}.")


def _is_memory(error: Exception) -> bool:
    """Whether memory ran out; on the processor, torch says so in words alone."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and any(said in str(error) for said in ("allocate memory", "out of memory"))
    )


def _memory() -> int:
    """Return the most bytes that this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for ourselves; libraries get nothing to read, and stderr."""
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return requests, replies


if __name__ == "__main__":
    sys.exit(main())
