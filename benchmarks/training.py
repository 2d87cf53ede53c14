"""Training tokens a CPU second on chat lengths, against TRL's SFTTrainer on the same rows.

    python benchmarks/training.py [--data FOLDER] [--me NAME,ADDRESS] [--rows N] [--rounds N]
        [--environment FOLDER]

The rows are those of the real road (the sample by default). Both sides adapt the same base, a
Llama of a few million weights built from a config, with the same adapters, dropout, batch,
optimizer and useful tokens; they take turns, one thread each, and the fastest round of each
counts. TRL runs in an environment of its own, made where `--environment` says, in every way
that its documentation offers for speed on a processor; the fastest way is the yardstick. Its
tokenising is not counted, ours is. What consent and pipes cost is measured apart.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

import msgspec
import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from voice import SAMPLE, rows_of

from projections.rows import Row
from trainer import base
from trainer.base import Templated
from trainer.batches import course
from trainer.environment import observe
from trainer.recipe import Recipe, preset
from trainer.tokenizer import SPECIAL, fixed_file
from trainer.wire import Begin, Example, Learn, Slice
from trainer.worker import Learner

HERE = Path(__file__).parent
TRL = "trl==1.16.0"
SAME = ("torch", "transformers", "peft")
GOAL = 1.5
EPOCHS = 2
TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
# What TRL and transformers document for speed, as far as it runs without a GPU.
_PACKED: dict[str, object] = {"packing": True, "max_length": 512}
_GROUPED: dict[str, object] = {"train_sampling_strategy": "group_by_length"}
_FREE: dict[str, object] = {"padding_free": True, "max_length": None, **_GROUPED}
WAYS: dict[str, dict[str, object]] = {
    f"{name}, {'bfloat16' if bf16 else 'float32'}": {**way, "bf16": bf16}
    for name, way in {"like lengths": _GROUPED, "packed": _PACKED, "no padding": _FREE}.items()
    for bf16 in (True, False)
}


def built(folder: Path, width: int, layers: int) -> int:
    """Make a base in a folder; return how many weights it has."""
    (folder / "raw.json").write_bytes(fixed_file())
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "raw.json"),
        pad_token=SPECIAL[0],
        eos_token=SPECIAL[1],
        chat_template=TEMPLATE,
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=width * 8 // 3 // 32 * 32,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            num_key_value_heads=max(1, width // 128),
            max_position_embeddings=2048,
            pad_token_id=0,
            eos_token_id=1,
            bos_token_id=None,
        )
    )
    model.save_pretrained(folder)
    return sum(weight.numel() for weight in model.parameters())


def ours(folder: Path, rows: Sequence[Row], recipe: Recipe) -> dict[str, float]:
    """Return the CPU seconds of learning rows, tokenising included, and how many steps it took."""
    pinned = base.inspect(folder)
    learner = Learner(
        Begin(
            recipe=recipe.canonical(),
            environment=observe(recipe).canonical(),
            digest=pinned.digest,
            path=pinned.path,
        )
    )
    taken = course(rows, (), recipe, 0)
    steps = [
        Learn(batches=tuple(tuple(Example(messages=r.messages) for r in b) for b in step))
        for epoch in taken.epochs
        for step in epoch
    ]
    read = 0
    started = time.process_time()
    learner.answer(Slice(number=0, steps=taken.steps))
    for step in steps:
        read += learner.learn(step.batches).read
    return {"cpu": time.process_time() - started, "steps": len(steps), "tokens": read}


def over_pipes(rows: Sequence[Row], recipe: Recipe) -> float:
    """Return the CPU seconds of framing, sending and reading the rows of a run."""
    encoder, decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Learn)
    started = time.process_time()
    for epoch in course(rows, (), recipe, 0).epochs:
        for step in epoch:
            batches = tuple(tuple(Example(messages=r.messages) for r in b) for b in step)
            decoder.decode(encoder.encode(Learn(batches=batches)))
    return time.process_time() - started


def environment(folder: Path) -> Path:
    """Return the Python of an environment with TRL and our versions of what lies below it."""
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"  making an environment with {TRL} …", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True)
        code = f"from importlib.metadata import version as v; print(*[f'{{n}}=={{v(n)}}' for n in {SAME}])"
        same = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        )
        quiet = ("--quiet", "--disable-pip-version-check")
        wanted = [TRL, *same.stdout.split()]
        subprocess.run([python, "-m", "pip", "install", *quiet, *wanted], check=True)
    return python


def theirs(python: Path, folder: Path, asked: dict[str, object]) -> dict[str, float]:
    """Train with TRL, and return what it cost."""
    done = subprocess.run(
        [python, HERE / "training_trl.py", folder],
        check=True,
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    return dict(json.loads(done.stdout))


def again(arguments: Sequence[str]) -> dict[str, float]:
    """Measure our side in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--ours", *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    return dict(json.loads(done.stdout))


def measured(said: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Take turns with TRL, and return what to print."""
    weights = built(folder, said.width, said.layers)
    chosen = [row for row in rows_of(said.data, said.me.split(",")) if row.split == "train"]
    chosen = chosen[:: max(1, len(chosen) // said.rows)][: said.rows]
    recipe = recipe_for(len(chosen))
    (folder / "rows").write_bytes(msgspec.msgpack.encode(chosen))
    tokens = Templated(base.inspect(folder), recipe)
    ids = [tokens.example(row.messages) for row in chosen]
    asked = {
        "rows": ids,
        "batch": recipe.batch,
        "epochs": EPOCHS,
        "lora": {
            "r": recipe.rank,
            "lora_alpha": recipe.alpha,
            "lora_dropout": recipe.dropout,
            "target_modules": "all-linear",
        },
    }
    python = environment(said.environment)
    read = EPOCHS * sum(len(prompt) + len(reply) for prompt, reply in ids)
    speeds: dict[str, list[float]] = {}
    for number in range(said.rounds):
        print(f"  round {number + 1} of {said.rounds} …", file=sys.stderr, flush=True)
        for name, options in (WAYS if number == 0 else _fastest(speeds)).items():
            cost = theirs(python, folder, {**asked, "options": options})
            speeds.setdefault(name, []).append(read / cost["cpu"])
        speeds.setdefault("ours", []).append(read / again([str(folder)])["cpu"])
    best = {name: max(found) for name, found in speeds.items()}
    yardstick = max((name for name in best if name != "ours"), key=best.__getitem__)
    ratio = best["ours"] / best[yardstick]
    return {
        "benchmark": "training",
        "weights": weights,
        "rows": len(chosen),
        "tokens_of_a_row": round(read / EPOCHS / len(ids), 1),
        "learned_share": round(EPOCHS * sum(len(reply) for _, reply in ids) / read, 3),
        "tokens_a_cpu_second": {name: round(speed, 1) for name, speed in best.items()},
        "rounds": {name: [round(one, 1) for one in found] for name, found in speeds.items()},
        "yardstick": yardstick,
        "ratio": round(ratio, 2),
        "pipes_share": round(over_pipes(chosen, recipe) * best["ours"] / read, 5),
        "goal": GOAL,
        "met": ratio >= GOAL,
        "trl": TRL,
        "torch": torch.__version__,
        "median_ratio": round(
            statistics.median(speeds["ours"]) / statistics.median(speeds[yardstick]), 2
        ),
    }


def _fastest(speeds: dict[str, list[float]]) -> dict[str, dict[str, object]]:
    """Return the way of TRL that was fastest in the first round."""
    name = max((name for name in speeds if name != "ours"), key=lambda name: speeds[name][0])
    return {name: WAYS[name]}


def recipe_for(rows: int) -> Recipe:
    """Return our recipe: one slice, the epochs of the comparison, nothing watched."""
    return preset("small", epochs=float(EPOCHS), patience=0, trunk=rows)


def main() -> None:
    """Run the benchmark, or one measurement of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=SAMPLE)
    parser.add_argument(
        "--me", default="Hedy Marlowe,hedy.marlowe@example.org,h.marlowe@wyllmuseum.example"
    )
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--environment", type=Path, default=HERE / "out" / "trl")
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    said = parser.parse_args()
    torch.set_num_threads(1)
    if said.ours:
        rows = msgspec.msgpack.decode((said.ours / "rows").read_bytes(), type=list[Row])
        print(json.dumps(ours(said.ours, rows, recipe_for(len(rows)))))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measured(said, Path(folder)), indent=1))


if __name__ == "__main__":
    main()
