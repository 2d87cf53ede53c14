"""What it costs to forget a row, and what slices cost in quality. One command, JSON out.

    python benchmarks/forgetting.py [--data FOLDER] [--me NAME,ADDRESS] [--width N] [--epochs X]
                                    [--seeds N] [--of voice,scratch,lora]

The chat rows of the exports (the sample by default) are cut into twelve slices. One row is
withdrawn from the last slice, then one from the seventh; each rebuild is compared, bit by bit,
with a run from nothing that never saw the row. Ratios are to the full run: in steps, and in
CPU seconds of all processes, less what a run costs that learns nothing (`start`).

The voice goes on from the seed that ships; `lora` puts the preset `small` on a tiny Llama.
`joint` learns the same rows in one slice: once with as many rows shown in all as the slices
show, once with the preset's epochs; the better of both is what slices are held against.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from voice import SAMPLE, rows_of

from projections.rows import Row
from trainer import forget
from trainer.base import inspect
from trainer.batches import batches
from trainer.environment import observe
from trainer.finetune import Trained, train
from trainer.manifest import build
from trainer.recipe import Recipe, preset
from trainer.slices import Foundation, Plan, plan
from trainer.states import Memory
from trainer.tokenizer import END, PAD, SPECIAL, fixed_file

SLICES = 12
_COMMON = 100  # rows of a consent class that is talk, and not a letter or a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a run took: steps, and CPU seconds of all its processes."""

    steps: int
    seconds: float


def everything(rows: Sequence[Row]) -> set[str]:
    """Permit every row."""
    return {row.id for row in rows}


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    """Append the CPU seconds that a block takes, here and in its children."""
    before = _cpu()
    yield
    into.append(_cpu() - before)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def twelve(rows: list[Row], recipe: Recipe, base: Foundation | None) -> Plan:
    """Return the plan that cuts rows into twelve slices, the first as large as the preset's."""
    ratio = recipe.trunk / recipe.slice_rows
    learned = sum(row.split == "train" for row in rows)
    size = int(learned / (SLICES - 1 + ratio))
    cut = replace(recipe, slice_rows=size, trunk=learned - (SLICES - 1) * size)
    made = plan(rows, cut, observe(cut), base)
    assert len(made.slices) == SLICES
    return made


def counted(planned: Plan, first: int = 0) -> tuple[int, int]:
    """Return how many steps the slices from one on take, and how many rows they show."""
    every = [
        batches(slice_.rows, planned.before(at), planned.recipe, at)
        for at, slice_ in enumerate(planned.slices)
    ][first:]
    return sum(map(len, every)), sum(len(batch) for cut in every for batch in cut)


def copy_of(store: Memory) -> Memory:
    """Return a store with the same states."""
    twin = Memory()
    for name in store.names():
        twin.write(name, store.read(name) or b"")
    return twin


def forgotten(whole: Trained, store: Memory, at: int, full: Cost, start: float) -> dict[str, Any]:
    """Withdraw a row of one slice, rebuild, and compare with a run that never saw it."""
    manifest = build(whole, model="m", position=1, checkpoint="")
    slice_ = whole.plan.slices[at]
    planned = whole.plan.without({slice_.rows[len(slice_.rows) // 2].id})
    seconds: list[float] = []
    with timed(seconds):
        again = forget.rebuild(manifest, planned, copy_of(store), everything).trained
    clean = forget.clean_run(planned, everything)
    made = build(again, model="m", position=2, checkpoint="")
    net = (seconds[0] - start) / (full.seconds - start)
    return {
        "slice": at + 1,
        "replayed": again.replayed,
        "steps_ratio": round(counted(planned, SLICES - again.replayed)[0] / full.steps, 3),
        "cpu_ratio": round(net, 3),
        "cpu_ratio_with_start": round(seconds[0] / full.seconds, 3),
        "identical_to_clean_run": forget.verdict(made, clean),
    }


def cost(rows: list[Row], recipe: Recipe, base: Foundation | None = None) -> dict[str, Any]:
    """Measure what forgetting costs with a recipe."""
    planned, store, seconds = twelve(rows, recipe, base), Memory(), list[float]()
    with timed(seconds):
        whole = train(planned, store, everything)
    with timed(seconds):
        train(planned, store, everything)
    full, start = Cost(steps=counted(planned)[0], seconds=seconds[0]), seconds[1]
    return {
        "slices": [len(slice_.rows) for slice_ in planned.slices],
        "full": {"steps": full.steps, "cpu_seconds": round(full.seconds, 1)},
        "start_cpu_seconds": round(start, 1),
        "last": forgotten(whole, store, SLICES - 1, full, start),
        "middle": forgotten(whole, store, SLICES // 2, full, start),
    }


def held(planned: Plan) -> float:
    """Return held-out bits per byte after a run."""
    return dict(train(planned, Memory(), everything).metrics)["held_bits_per_byte"]


def quality(
    rows: list[Row], recipe: Recipe, seeds: int, base: Foundation | None = None
) -> dict[str, Any]:
    """Compare slices with joint training, the mean over seeds."""
    found: list[dict[str, float]] = []
    for seed in range(seeds):
        sliced = twelve(rows, replace(recipe, seed=seed), base)
        learned = len(sliced.rows)
        shown = counted(sliced)[1] / learned

        def joint(epochs: float, like: Plan = sliced) -> float:
            one = replace(like.recipe, trunk=len(like.rows), epochs=epochs)
            return held(plan(rows, one, observe(one), base))

        found.append(
            {
                "sliced": held(sliced),
                "joint_as_many_rows": joint(shown),
                "joint_preset": joint(recipe.epochs),
            }
        )
    mean = {name: sum(one[name] for one in found) / seeds for name in found[0]}
    best = min(mean["joint_as_many_rows"], mean["joint_preset"])
    rounded = {name: round(value, 4) for name, value in mean.items()}
    return rounded | {"seeds": seeds, "ratio_to_better_joint": round(mean["sliced"] / best, 3)}


def tiny_base(folder: Path) -> Foundation:
    """Make a base of the Llama family, small and untrained, with the shipped tokenizer."""
    bpe = Tokenizer.from_str(fixed_file().decode())
    tokens = PreTrainedTokenizerFast(
        tokenizer_object=bpe, pad_token=SPECIAL[PAD], eos_token=SPECIAL[END]
    )
    config = LlamaConfig(
        vocab_size=len(tokens), hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=1024,
        tie_word_embeddings=True, pad_token_id=PAD, eos_token_id=END, bos_token_id=None,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokens.save_pretrained(folder)
    return inspect(folder)


def chats(rows: list[Row]) -> list[Row]:
    """Return the rows of large consent classes, and as many held ones as there are."""
    sizes: dict[str, int] = {}
    for row in rows:
        sizes[row.group] = sizes.get(row.group, 0) + (row.split == "train")
    return [row for row in rows if sizes[row.group] >= _COMMON]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SAMPLE)
    parser.add_argument(
        "--me", default="Hedy Marlowe,hedy.marlowe@example.org,h.marlowe@wyllmuseum.example"
    )
    parser.add_argument("--width", type=int, default=96)
    parser.add_argument("--epochs", type=float, help="of the first slice; by default the preset's")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--of", default="voice,scratch,lora")
    said = parser.parse_args()
    rows = chats(rows_of(said.data, said.me.split(",")))
    wanted = said.of.split(",")
    found: dict[str, Any] = {
        "benchmark": "forgetting",
        "goal": {"last": 0.10, "middle": 0.50, "sliced_to_joint": 1.05},
    }
    if "voice" in wanted:
        voice = preset("voice", threads=1)  # CPU time is work, and not waiting
        found["voice"] = cost(rows, voice) | {
            "held_bits_per_byte": quality(rows, voice, said.seeds)
        }
    if "scratch" in wanted:
        scratch = preset("scratch", width=said.width)
        scratch = replace(scratch, epochs=said.epochs or scratch.epochs)
        found["scratch"] = cost(rows, scratch) | {
            "held_bits_per_byte": quality(rows, scratch, said.seeds)
        }
    if "lora" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            found["lora"] = cost(rows[::2], preset("small", threads=1), tiny_base(Path(folder)))
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
