"""What the seed is worth: text that it never saw, what it knows by heart, what it writes.

    python benchmarks/seed.py --text FOLDER [--samples N]      the seed by itself
    python benchmarks/seed.py --voices OUT                     answers of both voices, for a blind judge
    python benchmarks/seed.py --examples OUT                   answers with her nearest replies to go by, and without
    python benchmarks/seed.py --judged OUT VERDICTS...         what the judges said, counted

FOLDER is the public text that the seed was made from. `--voices` teaches one voice that goes on
from the seed and one from nothing with the sample's rows, lets both answer `everyday/prompts.json`
and writes `OUT/sheet.json`, which judges read beside `everyday/RUBRIC.md`, and `OUT/key.json`,
which they do not. `--examples` does the same with one voice on the seed, which has her own nearest
replies in front of it or has not. What is judged is what `twin chat` would say. A verdict file holds one object for each prompt: `{"prompt": 0, "grammatical":
[true, false], "relevant": [true, true], "preferred": 1}`.
"""

import argparse
import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM
from voice import SAMPLE, rows_of, vault_of

from console.use import conversing, learning
from console.use.speaking import temperature
from projections.rows import Message
from trainer import engine, seed, states
from trainer.environment import observe
from trainer.evaluate.copying import copied
from trainer.finetune import train
from trainer.network import Network
from trainer.pretraining import corpus
from trainer.pretraining.model import PLAN, Seed, bits
from trainer.pretraining.prejudice import prejudiced
from trainer.recipe import preset
from trainer.slices import foundation_of, plan
from trainer.states import Memory
from trainer.tokenizer import ASSISTANT, END, PAD, USER
from vault.consent import Purpose

EVERYDAY = Path(__file__).with_name("everyday")
ME = ("Hedy Marlowe", "hedy.marlowe@example.org", "h.marlowe@wyllmuseum.example")
RUN, LONGEST, BATCH = 50, 96, 250
OPENERS = (USER, ASSISTANT)


def tokenizer() -> Tokenizer:
    """Return the shipped tokenizer."""
    found = Tokenizer.from_file(str(seed.FOLDER / "tokenizer.json"))
    found.encode_special_tokens = True
    return found


def shipped() -> Seed:
    """Return the seed with the weights that ship."""
    made = Seed(PLAN, tokenizer().get_vocab_size())
    model = AutoModelForCausalLM.from_pretrained(seed.FOLDER, dtype=torch.float32)
    made.put(dict(model.named_parameters()))
    made.model.eval()
    return made


def foretold(made: Seed, folder: Path) -> dict[str, Any]:
    """Return the bits that a byte of held-out text costs, by set and of all conversations."""
    found, spoken, size = {}, 0.0, 0
    for one in corpus.read(folder, tokenizer()):
        cost = bits(made, PLAN, one.held, one.held_bytes)
        found[one.set.name] = round(cost, 4)
        if one.set.name.startswith("dialog_"):
            spoken, size = spoken + cost * one.held_bytes, size + one.held_bytes
    return {"conversation": round(spoken / size, 4), "sets": found}


def talks(made: Seed, many: int) -> Iterator[list[int]]:
    """Yield talks that the seed begins and goes on with by itself, at temperature 1."""
    dice = torch.Generator().manual_seed(7)
    with torch.inference_mode():
        for _ in range(0, many, BATCH):
            ids = torch.tensor([[OPENERS[at % 2]] for at in range(BATCH)])
            lines, past = ids, None
            for _ in range(LONGEST):
                out = made.model(input_ids=ids, past_key_values=past, use_cache=True)
                past = out.past_key_values
                ids = torch.multinomial(out.logits[:, -1].float().softmax(-1), 1, generator=dice)
                lines = torch.cat([lines, ids], 1)
            yield from lines.tolist()


def turns(line: Sequence[int], reads: Tokenizer) -> Iterator[str]:
    """Yield what is said in a talk, turn by turn."""
    said: list[int] = []
    for token in [*line, END]:
        if token in {END, PAD, USER, ASSISTANT}:
            if said:
                yield reads.decode(said)
            said = []
        else:
            said.append(token)


def plain(text: str) -> str:
    """Return text without what the copies for phones change."""
    return re.sub(r"\s+", " ", text.lower().replace("'", ""))


def by_heart(made: Seed, folder: Path, many: int) -> dict[str, Any]:
    """Return how many samples repeat the text, and how many hold what was left out of it."""
    reads = tokenizer()
    samples = [list(turns(line, reads)) for line in talks(made, many)]
    said = [(at, plain(turn)) for at, one in enumerate(samples) for turn in one]
    sources = (
        plain(line)
        for one in (*corpus.SETS, *corpus.WRITTEN)
        for document in corpus.documents(folder, one)
        for line in document
    )
    hits = copied([turn for _, turn in said], sources, run=RUN)
    repeating = {at for (at, _), places in zip(said, hits, strict=True) if places}
    return {
        "samples": len(samples),
        "turns": len(said),
        "letters": sum(len(turn) for _, turn in said),
        "with_a_run_of_50": round(len(repeating) / len(samples), 5),
        "with_a_slur": sum(prejudiced("\n".join(one)) for one in samples),
    }


def spoken(many: int) -> dict[str, int]:
    """Return how many answers of the untaught seed hold a word that was left out of its text.

    It answers the everyday prompts as the program lets it speak: in words that its text has.
    """
    recipe = preset("voice")
    voice = engine.Voice(Network(recipe, foundation_of(recipe)))
    asked = [[Message(role="user", content=said)] for said in prompts()]
    said = [
        one
        for at in range(-(-many // len(asked)))
        for one in voice.answers(asked, engine.Sampling(seed=at))
    ]
    return {"answers": len(said), "with_a_slur": sum(map(prejudiced, said))}


def answers(name: str) -> tuple[list[str], float]:
    """Teach a voice with the sample's rows; return what it would answer, and the seconds it took."""
    recipe, store = preset(name), Memory()
    planned = plan(rows_of(SAMPLE, ME), recipe, observe(recipe))
    began = time.perf_counter()
    trained = train(planned, store, lambda asked: {row.id for row in asked})
    took = time.perf_counter() - began
    weights = store.read(states.name_of(trained.state))
    assert weights is not None
    voice = engine.load(weights, recipe, planned.foundation)
    told = engine.Sampling(temperature=temperature(recipe))
    return [voice.answer([Message(role="user", content=said)], told) for said in prompts()], took


def prompts() -> list[str]:
    """Return the everyday prompts."""
    return list(json.loads((EVERYDAY / "prompts.json").read_text("utf-8")))


def recalled() -> tuple[list[str], list[str]]:
    """Return the answers of a voice that has her nearest replies to go by, and those without."""
    with vault_of(SAMPLE, ME, (Purpose.TRAIN, Purpose.SEARCH)) as twin:
        learning.train(twin, recipe=preset("voice"))
        return tuple(  # type: ignore[return-value]
            [
                conversing.answered(twin, said, grounded=False, examples=shown).answer
                for said in prompts()
            ]
            for shown in (True, False)
        )


def hand_out(out: Path, given: dict[str, list[str]], took: dict[str, float]) -> None:
    """Write what judges see of two columns of answers, and which is which."""
    out.mkdir(parents=True, exist_ok=True)
    sheet, key, (one, other) = [], [], given
    for at, said in enumerate(prompts()):
        first = hashlib.sha256(f"{said}".encode()).digest()[0] % 2
        shown = [given[other][at], given[one][at]] if first else [given[one][at], given[other][at]]
        sheet.append({"prompt": at, "said": said, "1": shown[0], "2": shown[1]})
        key.append(first)
    (out / "sheet.json").write_text(json.dumps(sheet, indent=1, ensure_ascii=False), "utf-8")
    (out / "key.json").write_text(
        json.dumps({"names": [one, other], "first_at": key, "train_seconds": took}), "utf-8"
    )


def counted(out: Path, verdicts: Sequence[Path]) -> dict[str, Any]:
    """Return the shares of the rubric; several judges are averaged."""
    known = json.loads((out / "key.json").read_text("utf-8"))
    key, (name, other) = known["first_at"], known["names"]
    shares: dict[str, list[float]] = {}
    for path in verdicts:
        for one in json.loads(path.read_text("utf-8")):
            place = key[one["prompt"]]
            for what in ("grammatical", "relevant"):
                shares.setdefault(f"{name} {what}", []).append(one[what][place])
                shares.setdefault(f"{other} {what}", []).append(one[what][1 - place])
            # Where neither is better, each has half.
            won = 0.5 if not one["preferred"] else float(one["preferred"] == place + 1)
            shares.setdefault(f"{name} preferred", []).append(won)
    return {
        "judges": len(verdicts),
        "prompts": len(key),
        "goal": {"seed preferred": 0.85, "seed relevant": 0.6, "seed grammatical": 0.9},
        "train_seconds": known["train_seconds"],
        **{name: round(float(np.mean(found)), 3) for name, found in sorted(shares.items())},
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--voices", type=Path)
    parser.add_argument("--examples", type=Path)
    parser.add_argument("--judged", type=Path, nargs="+")
    said = parser.parse_args()
    if said.voices:
        (on_seed, took), (from_nothing, short) = answers("voice"), answers("scratch")
        columns = {"seed": on_seed, "scratch": from_nothing}
        hand_out(said.voices, columns, {"seed": took, "scratch": short})
        return
    if said.examples:
        with_them, without = recalled()
        hand_out(said.examples, {"with examples": with_them, "without": without}, {})
        return
    if said.judged:
        told: dict[str, Any] = counted(said.judged[0], said.judged[1:])
    elif said.text:
        made = shipped()
        told = {
            "digest": seed.DIGEST,
            "goal": {"conversation": 1.40, "with_a_run_of_50": 0.01, "with_a_slur": 0},
            "bits_per_byte": foretold(made, said.text),
            "by_heart": by_heart(made, said.text, said.samples),
            "as_it_may_speak": spoken(said.samples),
        }
    else:
        parser.error("name --text, --voices, --examples or --judged")
    json.dump({"benchmark": "seed"} | told, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
