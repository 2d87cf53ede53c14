"""By how much `twin train --plan` is off: told before a run, and measured in it.

    python benchmarks/estimate.py [--data FOLDER] [--me NAME,ADDRESS] [--rows N]

Two runs on the rows of the sample exports: the no-download voice, and adapters on a base of a
few million weights that is made on the spot (its words mean nothing; its shapes do). Each is
estimated first, then carried out. `seconds` and `memory` are estimate / reality, so 1 is
right and .8 promised a fifth too little; `memory_by_shapes` is what is told of a run that
would never fit, `memory_tried` what a trial of a few steps showed.
"""

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from voice import SAMPLE, rows_of

from projections.rows import Row
from trainer import base, estimate
from trainer.environment import observe
from trainer.finetune import Progress, train
from trainer.recipe import Recipe, preset
from trainer.slices import plan
from trainer.states import Memory
from trainer.tokenizer import END, PAD, SPECIAL, Fixed, fixed_file

TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def make(folder: Path) -> Path:
    """Write a Llama of some million weights that speaks with the shipped tokenizer."""
    (folder / "fixed.json").write_bytes(fixed_file())
    words = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "fixed.json"), pad_token=SPECIAL[PAD], eos_token=SPECIAL[END]
    )
    (folder / "fixed.json").unlink()
    words.chat_template = TEMPLATE
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32_000,
            hidden_size=384,
            intermediate_size=1024,
            num_hidden_layers=6,
            num_attention_heads=6,
            num_key_value_heads=2,
            max_position_embeddings=2048,
            pad_token_id=PAD,
            eos_token_id=END,
            bos_token_id=None,
        )
    )
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def compare(rows: list[Row], recipe: Recipe, folder: Path | None) -> dict[str, object]:
    """Estimate a run, carry it out, and return by how much the estimate is off."""
    foundation = base.inspect(folder) if folder else None
    planned = plan(rows, recipe, observe(recipe), foundation)
    described = base.check(foundation, recipe) if foundation else None
    tokens = base.Templated(foundation, recipe) if foundation else Fixed(recipe)

    def everything(asked):  # noqa: ANN001, ANN202
        return {row.id for row in asked}

    began = time.perf_counter()
    there = estimate.lengths((*planned.rows, *planned.held), tokens)
    left = estimate.counted(planned, there, ())
    told = estimate.memory(recipe, left.widest, described)
    measured = estimate.measure(planned, left.work, everything)
    asked = time.perf_counter() - began
    peak = 0

    def watch(at: Progress) -> None:
        nonlocal peak
        peak = max(peak, int(at.memory or 0))

    began = time.perf_counter()
    train(planned, Memory(), everything, watch)
    seconds = time.perf_counter() - began
    return {
        "rows": len(planned.rows),
        "steps": len(left.work),
        "tokens": left.read,
        "seconds": round(measured.seconds(left) / seconds, 3),
        "memory_by_shapes": round(told.total / peak, 3),
        "memory_tried": round(measured.peak / peak, 3),
        "estimating_of_training": round(asked / seconds, 3),
        "widest": left.widest,
        "told": asdict(told),
        "real": {"seconds": round(seconds, 1), "peak": peak},
    }


def main() -> None:
    """Run all cases and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SAMPLE)
    parser.add_argument("--me", default="Hedy Marlowe,hedy.marlowe@example.org")
    parser.add_argument("--rows", type=int, default=320, help="how many the base learns")
    said = parser.parse_args()
    rows = rows_of(said.data, said.me.split(","))
    few = sorted(rows, key=lambda row: row.id)[: said.rows]
    small = replace(preset("small"), epochs=1.0, later_epochs=1.0, patience=0)
    with tempfile.TemporaryDirectory() as folder:
        made = make(Path(folder))
        json.dump(
            {
                "benchmark": "estimate",
                "scratch": compare(rows, preset("scratch"), None),
                "small": compare(few, small, made),
                "small_saving": compare(
                    few, replace(small, gradient_checkpointing=True, bf16_base=True), made
                ),
            },
            sys.stdout,
            indent=1,
        )


if __name__ == "__main__":
    main()
