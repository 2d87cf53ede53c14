"""The network of the seed, and everything that its making depends on besides the text."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from trainer.pretraining.corpus import Ids
from trainer.recipe import Recipe
from trainer.tokenizer import END, PAD

__all__ = ["PLAN", "Lap", "Plan", "Seed", "bits"]


_RATES = Recipe(
    name="seed",
    kind="scratch",
    seed=20,
    threads=2,
    learning_rate=4e-3,
    matrix_rate=6e-3,
    weight_decay=0.1,
)


class Lap(NamedTuple):
    """So many steps, and which of a set's shares are read while the pace is level, and falls.

    The pace is `peak` of the peak rates while it is level, and falls over the share `decay`.
    """

    steps: int
    level: int
    fall: int
    peak: float = 1.0
    decay: float = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Shape, pace and length of the run. Rows and their lengths count ids.

    A lap is a rise, a long level and a straight fall of the pace. What a later one adds to the
    first is what more reading adds: the end of a fall is where a network is at its best.
    """

    width: int = 256
    layers: int = 6
    heads: int = 4
    key_heads: int = 2
    inner: int = 672
    longest: int = 1024
    row: int = 256
    rows: int = 16
    laps: tuple[Lap, ...] = (Lap(7000, 0, 1), Lap(5500, 0, 2), Lap(2000, 3, 3, 0.4, 0.65))
    warmup: int = 150
    recipe: Recipe = _RATES

    @property
    def steps(self) -> int:
        """How many steps there are."""
        return sum(lap.steps for lap in self.laps)

    def phase(self, step: int) -> int:
        """Return which of its shares each set has in a step."""
        lap, at, turn = self._place(step)
        return lap.fall if at >= turn else lap.level

    def pace(self, step: int) -> float:
        """Return a step's share of the peak rates."""
        lap, at, turn = self._place(step)
        if at < turn:
            return lap.peak * min(1.0, (at + 1) / self.warmup)
        return lap.peak * (lap.steps - at) / (lap.steps - turn)

    def _place(self, step: int) -> tuple[Lap, int, int]:
        """Return the lap, the step within it, and the step there from which the pace falls."""
        for lap in self.laps:
            if step < lap.steps:
                return lap, step, round(lap.steps * (1 - lap.decay))
            step -= lap.steps
        raise IndexError("There is no such step.")


PLAN = Plan()


class Seed:
    """A Llama that learns every id of its rows; see `trainer.held.Holder`."""

    def __init__(self, plan: Plan, vocabulary: int) -> None:
        torch.manual_seed(plan.recipe.seed)
        self.model = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=vocabulary,
                hidden_size=plan.width,
                intermediate_size=plan.inner,
                num_hidden_layers=plan.layers,
                num_attention_heads=plan.heads,
                num_key_value_heads=plan.key_heads,
                max_position_embeddings=plan.longest,
                tie_word_embeddings=True,
                pad_token_id=PAD,
                eos_token_id=END,
                bos_token_id=None,
            )
        )
        self.trained = dict(sorted(self.model.named_parameters()))

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the weights by name."""
        return {name: weight.detach().contiguous() for name, weight in self.trained.items()}

    def put(self, kept: dict[str, torch.Tensor]) -> None:
        """Put weights back."""
        with torch.no_grad():
            for name, weight in self.trained.items():
                weight.copy_(kept[name])

    def loss(self, rows: torch.Tensor, first: int = 0, reduction: str = "mean") -> torch.Tensor:
        """Return what it costs to foretell rows of ids [row, place], from a place on, in nats."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.model(input_ids=rows[:, :-1], use_cache=False).logits[:, first:]
        return functional.cross_entropy(
            logits.float().flatten(0, 1), rows[:, first + 1 :].flatten(), reduction=reduction
        )


def bits(seed: Seed, plan: Plan, ids: Ids, size: int, most: int | None = None) -> float:
    """Return the bits that a byte of held-out text costs.

    Each id is foretold from half a row at least, ends and turns included.

    Args:
        seed: The network.
        plan: Says how long its rows are.
        ids: The text.
        size: How many bytes it has.
        most: How many half rows are measured; by default all.
    """
    half = plan.row // 2
    starts = range(0, len(ids) - plan.row, half)[:most]
    total = 0.0
    seed.model.eval()  # type: ignore[no-untyped-call]
    with torch.no_grad():
        for at in range(0, len(starts), plan.rows):
            cut = [ids[start : start + plan.row + 1] for start in starts[at : at + plan.rows]]
            rows = torch.from_numpy(np.stack(cut).astype(np.int64))
            total += float(seed.loss(rows, half, "sum"))
    seed.model.train()
    return total / (len(starts) * half) / math.log(2) * len(ids) / size
