"""What differential privacy costs: time, and what is learned. One command, JSON out.

    python benchmarks/privacy.py [--rounds N] [--utility]

Time: CPU seconds per learned token of the same loop with and without privacy, on the same
batches in turn, so that a busy machine slows both: forward and backward pass, clipping, noise,
the step of the optimizer. Once for adapters on a Llama of twenty million weights, once for the
small network that learns from nothing; Opacus' hooks and optimizer, where they run, stand
beside. Rows have the lengths of a chat and words of no meaning.

Utility (`--utility`): bits per byte on held-out rows of the sample, at several epsilons.
"""

import argparse
import json
import math
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from opacus import GradSampleModule
from opacus.optimizers import DPOptimizer

from projections.rows import Row
from tests.trainer.families import make
from trainer import base
from trainer.batches import batches
from trainer.clipping import PrivateGradients
from trainer.network import Ids, Network, learned
from trainer.optimizing import optimizers
from trainer.private import parts, planned_epsilon
from trainer.recipe import Recipe, preset
from trainer.slices import Foundation, foundation_of

KEY = bytes(32)
CLOSE = 1.01
GOAL = 1.6
LLAMA: dict[str, object] = {
    "vocab_size": 8192,
    "hidden_size": 384,
    "intermediate_size": 1024,
    "num_hidden_layers": 8,
    "num_attention_heads": 6,
    "num_key_value_heads": 6,
    "tie_word_embeddings": True,
}
Step = list[list[Ids]]


def chat(recipe: Recipe, prompt: int, count: int) -> Iterator[Step]:
    """Yield steps of rows whose replies have the lengths of messages."""
    dice = random.Random(0)
    for _ in range(count):
        rows: list[Ids] = []
        for _ in range(recipe.batch * recipe.accumulate):
            reply = min(recipe.reply_tokens, max(2, int(dice.lognormvariate(2.8, 0.8))))
            asked = dice.randint(prompt // 6, prompt)
            rows.append(
                (
                    [dice.randrange(10, 250) for _ in range(asked)],
                    [dice.randrange(10, 250) for _ in range(reply)],
                )
            )
        rows.sort(key=lambda row: len(row[0]) + len(row[1]))
        yield [rows[at : at + recipe.batch] for at in range(0, len(rows), recipe.batch)]


class Loop:
    """A network and its optimizers, learning steps."""

    def __init__(self, recipe: Recipe, foundation: Foundation) -> None:
        self.network = Network(recipe, foundation)
        self.network.model.train()
        self.optimizers = optimizers(self.network.trained, recipe)
        self.private = PrivateGradients(self.network) if recipe.noise else None
        self.done = 0

    def step(self, batches_: Sequence[Sequence[Ids]]) -> None:
        """Take one step."""
        recipe = self.network.recipe
        if self.private:
            self.private.step(batches_, KEY, self.done)
        else:
            self.network.model.zero_grad(set_to_none=True)
            tokens = sum(learned(row) for batch in batches_ for row in batch)
            for batch in batches_:
                (self.network.loss(batch)[0] / max(1, tokens)).backward()
            torch.nn.utils.clip_grad_norm_(self.network.trained.values(), recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        self.done += 1


class Opacus(Loop):
    """The same with Opacus' hooks and optimizer, drawing noise its secure way."""

    def __init__(self, recipe: Recipe, foundation: Foundation) -> None:
        super().__init__(replace(recipe, noise=0.0), foundation)
        self.wrapped: Any = GradSampleModule(self.network.model, loss_reduction="sum")
        self.network.model = self.wrapped
        self.found = DPOptimizer(
            self.optimizers[0],
            noise_multiplier=recipe.noise,
            max_grad_norm=recipe.clip,
            expected_batch_size=None,
            loss_reduction="sum",
            secure_mode=True,
        )

    def step(self, batches_: Sequence[Sequence[Ids]]) -> None:
        """Take one step."""
        for at, batch in enumerate(batches_, start=1):
            self.found.signal_skip_step(do_skip=at < len(batches_))
            self.found.zero_grad()
            self.network.loss(batch)[0].backward()
            self.found.step()


def cost(loops: dict[str, Loop], steps: Sequence[Step], rounds: int) -> dict[str, float]:
    """Return CPU microseconds per learned token of each loop, after one round to warm up."""
    spent = dict.fromkeys(loops, 0.0)
    for turn in range(rounds + 1):
        for step in steps:
            for name, loop in loops.items():
                began = time.process_time()
                loop.step(step)
                spent[name] += (time.process_time() - began) * bool(turn)
    tokens = rounds * sum(learned(row) for step in steps for batch in step for row in batch)
    return {name: round(1e6 * seconds / tokens, 2) for name, seconds in spent.items()}


def overhead(
    recipe: Recipe, foundation: Foundation, steps: Sequence[Step], rounds: int
) -> dict[str, object]:
    """Return what privacy costs of one kind of model."""
    open_ = replace(recipe, noise=0.0)
    loops = {"open": Loop(open_, foundation), "private": Loop(recipe, foundation)}
    missing = ""
    try:
        other = Opacus(recipe, foundation)
        other.step(steps[0])
        loops["opacus"] = other
    except (NotImplementedError, RuntimeError) as error:
        missing = f"{type(error).__name__}: {str(error)[:120]}"
    found = cost(loops, steps, rounds)
    return {
        "weights": sum(weight.numel() for weight in loops["open"].network.model.parameters()),
        "trained": loops["open"].network.parameters,
        "rows_a_step": recipe.batch * recipe.accumulate,
        "bf16": recipe.bf16,
        "microseconds_per_token": found,
        "ratio": round(found["private"] / found["open"], 3),
        "opacus_ratio": round(found["opacus"] / found["open"], 3) if "opacus" in found else missing,
    }


def noise_for(epsilon: float, rows: int, recipe: Recipe) -> float:
    """Return the least noise that spends no more than an epsilon."""
    low, high = 0.1, 200.0
    while high / low > CLOSE:
        middle = (low * high) ** 0.5
        spent = planned_epsilon([rows], replace(recipe, noise=middle))
        low, high = (middle, high) if spent.epsilon > epsilon else (low, middle)
    return high


def fitted(recipe: Recipe, rows: Sequence[Row], pace: Callable[[float], float]) -> Network:
    """Return a network that learned rows as a run would."""
    loop = Loop(recipe, foundation_of(recipe))
    read = {row.id: loop.network.tokens.example(row.messages) for row in rows}
    if recipe.noise:
        cut = [
            [part[at : at + recipe.batch] for at in range(0, len(part), recipe.batch)]
            for part in parts(rows, [], recipe, 0, KEY)
        ]
    else:
        cut = [[list(batch)] for batch in batches(rows, [], recipe, 0)]
    for number, step in enumerate(cut):
        for optimizer in loop.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * pace(number / len(cut))
        loop.step([[read[row.id] for row in batch] for batch in step])
    return loop.network


def bits_per_byte(network: Network, rows: Sequence[Row]) -> float:
    """Return what held-out replies cost."""
    network.model.eval()
    bits = 0.0
    with torch.no_grad():
        for row in rows:
            bits += network.loss([network.tokens.example(row.messages)])[0].item() / math.log(2)
    return round(bits / sum(len(row.messages[-1].content.encode()) for row in rows), 3)


def utility(rows: Sequence[Row]) -> dict[str, object]:
    """Return held-out bits per byte without privacy and at several epsilons."""
    taught = [row for row in rows if row.split == "train"]
    held = [row for row in rows if row.split == "held"]

    def pace(done: float) -> float:
        return min(1.0, 20 * done + 0.05) * (1 - 0.95 * done)

    private = preset(
        "scratch",
        accumulate=16,
        epochs=30.0,
        learning_rate=3e-3,
        matrix_rate=0.0,
        trunk=len(taught),
        weight_decay=0.0,
    )
    untrained = Network(private, foundation_of(private))
    found: dict[str, object] = {
        "rows": len(taught),
        "held": len(held),
        "untrained": bits_per_byte(untrained, held),
        "without": bits_per_byte(fitted(preset("scratch"), taught, pace), held),
    }
    for epsilon in (1000.0, 8.0, 3.0):
        noise = noise_for(epsilon, len(taught), private)
        network = fitted(replace(private, noise=noise), taught, pace)
        found[f"epsilon {epsilon:g}"] = {
            "noise": round(noise, 2),
            "bits_per_byte": bits_per_byte(network, held),
        }
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--utility", action="store_true")
    said = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    voice = preset("scratch", accumulate=8, noise=1.0)
    small = preset("small", accumulate=4, noise=1.0, dropout=0.0)
    found: dict[str, object] = {"benchmark": "privacy", "goal": {"ratio": GOAL}}
    with tempfile.TemporaryDirectory() as folder:
        llama = base.inspect(make("llama", Path(folder), **LLAMA))
        for name, recipe, foundation, prompt in (
            ("adapters", small, llama, 120),
            ("from nothing", voice, foundation_of(voice), 33),
        ):
            for bf16 in (True, False):
                each = replace(recipe, bf16=bf16)
                steps = list(chat(each, prompt, 2))
                told = overhead(each, foundation, steps, said.rounds)
                found[f"{name}, {'16' if bf16 else '32'} bits"] = told
    if said.utility:
        from voice import SAMPLE, rows_of  # noqa: PLC0415 - needs the whole console

        me = "Hedy Marlowe,hedy.marlowe@example.org,h.marlowe@wyllmuseum.example"
        found["utility"] = utility(rows_of(SAMPLE, me.split(",")))
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
