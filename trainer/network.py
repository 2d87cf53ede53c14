"""The network: restored, run and read out. `building` makes the model that it holds.

All kinds of model are Hugging Face causal models. Padding stands on the right in training
and is never looked at (attention is causal), so no mask is needed and the fast kernels
apply. Only positions of the person's own words reach the output layer, which is most of
the work in a small model with a large vocabulary.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from trainer import base, building, seed
from trainer.errors import TrainingError
from trainer.lexicon import Lexicon
from trainer.rare import IGNORED, RARE
from trainer.recipe import Recipe
from trainer.slices import Foundation
from trainer.tokenizer import Fixed, Tokens, fixed_digest

if TYPE_CHECKING:
    import torch

__all__ = ["Ids", "Network", "learned"]

# The token ids of a prompt, and of the reply to it.
Ids = tuple[list[int], list[int]]


class Network:
    """A model, its tokenizer and the part of its weights that is trained."""

    def __init__(self, recipe: Recipe, foundation: Foundation, device: str = "cpu") -> None:
        import torch  # noqa: PLC0415 - takes seconds

        torch.manual_seed(recipe.seed)
        self.recipe = recipe
        self.tokens: Tokens
        self.lexicon: Lexicon | None = None
        self.model: Any
        if recipe.kind == "lora":
            self.tokens = base.Templated(foundation, recipe)
            self.model = building.adapted(base.load(foundation, recipe), recipe)
        else:
            if recipe.kind == "seed":
                self.model = building.grown(base.load(foundation, recipe), recipe)
            elif foundation.digest == fixed_digest():
                self.model = building.small(recipe, Fixed(recipe).size)
            else:
                raise TrainingError("The model was made with another tokenizer than this one.")
            self.tokens = fixed = Fixed(recipe)
            known = seed.words() if recipe.kind == "seed" else frozenset()
            # A list of the words that rows have is not private, whatever noise the weights have.
            self.lexicon = None if recipe.noise else Lexicon(fixed.inside(), fixed.ends, known)
        self._device = device
        if device != "cpu":
            self.model.to(device)
        self.trained: dict[str, torch.Tensor] = {
            name: weight
            for name, weight in sorted(self.model.named_parameters())
            if weight.requires_grad
        }

    @property
    def parameters(self) -> int:
        """How many weights are trained."""
        return sum(weight.numel() for weight in self.trained.values())

    def save(self) -> bytes:
        """Return the trained weights as safetensors."""
        from safetensors.torch import save  # noqa: PLC0415

        return save(self.tensors())

    def tensors(self) -> "dict[str, torch.Tensor]":
        """Return everything that training changes, by name."""
        words = self.lexicon.tensors() if self.lexicon is not None else {}
        weights = {
            name: weight.detach().cpu().contiguous() for name, weight in self.trained.items()
        }
        return dict(sorted((weights | words).items()))

    def restore(self, weights: bytes) -> None:
        """Put trained weights back.

        Raises:
            TrainingError: They are of another model.
        """
        from safetensors import SafetensorError  # noqa: PLC0415
        from safetensors.torch import load  # noqa: PLC0415

        try:
            kept = load(weights)
        except SafetensorError as error:
            raise TrainingError("A stored state is damaged; delete it and train again.") from error
        self.put(kept)

    def put(self, kept: "dict[str, torch.Tensor]") -> None:
        """Put back what `tensors` returned.

        Raises:
            TrainingError: It is of another model.
        """
        import torch  # noqa: PLC0415

        ours = {name: weight.shape for name, weight in self.trained.items()}
        if ours.items() - {name: weight.shape for name, weight in kept.items()}.items():
            raise TrainingError("A stored state is of another model; delete it and train again.")
        with torch.no_grad():
            for name, weight in self.trained.items():
                weight.copy_(kept[name])
        if self.lexicon is not None:
            self.lexicon.restore(kept)

    def digest(self) -> str:
        """Return the SHA-256 of the trained tensors: names, shapes and bytes, by name."""
        told = hashlib.sha256()
        for name, tensor in self.tensors().items():
            told.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            told.update(tensor.numpy().tobytes())
        return told.hexdigest()

    def loss(
        self, rows: Sequence[Ids], labels: Sequence[Sequence[int]] = (), others: Sequence[int] = ()
    ) -> "tuple[torch.Tensor, int]":
        """Return the summed loss on replies after their prompts, and their token count.

        Args:
            rows: Prompts and replies.
            labels: What is learned of each reply where that is not the reply itself (`rare`).
            others: The ids that a place labelled `RARE` may hold; their likelihood is summed.
        """
        import torch  # noqa: PLC0415

        padded = _padded(rows, labels or [reply for _, reply in rows], self.tokens.pad)
        ids, told = (tensor.to(self._device) for tensor in padded)
        wanted = told[:, 1:]
        learned = wanted != IGNORED
        with torch.autocast(self._device, dtype=torch.bfloat16, enabled=self.recipe.bf16):
            logits = self._logits(ids[:, :-1], learned)
        return _summed(logits.float(), wanted[learned], others), int(learned.sum())

    def _logits(self, ids: "torch.Tensor", learned: "torch.Tensor") -> "torch.Tensor":
        """Return what the model expects at the learned places alone."""
        logits: torch.Tensor
        if self.recipe.kind != "lora":
            hidden = self.model.model(input_ids=ids, use_cache=False).last_hidden_state
            logits = self.model.lm_head(hidden[learned])
            return logits
        # Places that no row of the batch learns are left out; the rest depends on the model.
        places = learned.any(0).nonzero()[:, 0]
        logits = self.model(input_ids=ids, use_cache=False, logits_to_keep=places).logits
        return logits[learned[:, places]]


def _summed(
    logits: "torch.Tensor", wanted: "torch.Tensor", others: Sequence[int]
) -> "torch.Tensor":
    import torch  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    rare = wanted == RARE
    if not rare.any():
        return functional.cross_entropy(logits, wanted, reduction="sum")
    among = torch.zeros(logits.shape[1], dtype=torch.bool, device=logits.device)
    among[list(others)] = True
    any_of = logits[rare].masked_fill(~among, -math.inf).logsumexp(-1)
    told = functional.cross_entropy(logits[~rare], wanted[~rare], reduction="sum")
    return told + (logits[rare].logsumexp(-1) - any_of).sum()


def learned(row: Ids) -> int:
    """Return how many tokens of a row are learned: the first of all has nothing before it."""
    prompt, reply = row
    return len(reply) if prompt else max(0, len(reply) - 1)


def _padded(
    rows: Sequence[Ids], told: Sequence[Sequence[int]], pad: int
) -> "tuple[torch.Tensor, torch.Tensor]":
    import torch  # noqa: PLC0415

    longest = max(len(prompt) + len(reply) for prompt, reply in rows)
    ids = torch.full((len(rows), longest), pad)
    labels = torch.full((len(rows), longest), IGNORED)
    for at, (prompt, reply) in enumerate(rows):
        end = len(prompt) + len(reply)
        ids[at, :end] = torch.tensor(prompt + reply)
        labels[at, len(prompt) : end] = torch.tensor(told[at])
    return ids, labels
