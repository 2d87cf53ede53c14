"""Can a classifier tell the no-download voice from the person? One command, JSON out.

    python benchmarks/voice.py [--data FOLDER] [--me NAME,ADDRESS] [--seeds N] [--samples FILE]
                               [--presets voice,scratch]

The exports (the sample by default) go through the real road: collected, consented, redacted.
A voice is trained on the `train` rows and answers each `held` prompt once, at temperature 1;
each seed is another training and another sampling. Bursts are split into messages on both
sides; lengths are left as they fall. The judge is a logistic regression on character
2-4-grams, cross-validated. Non-words are words that neither English at large (wordfreq, if it is
installed) nor anybody in the rows has.
"""

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from console import bootstrap
from console.bootstrap import Twin
from console.use import collecting, consenting, viewing
from projections.rows import Row
from trainer import engine, states
from trainer.environment import observe
from trainer.evaluate.copying import copied, strange
from trainer.evaluate.exposure import canaries, exposure
from trainer.evaluate.style import Told, tell
from trainer.evaluate.texts import messages, reply, some, strangers, words
from trainer.finetune import Trained, train
from trainer.network import Network
from trainer.recipe import Recipe, preset
from trainer.slices import plan
from trainer.states import Memory
from vault.consent import Effect, Filters, Profile, Purpose

CANDIDATES = 128  # among which a secret is ranked
SAMPLE = Path(__file__).parents[1] / "console" / "sample"


@contextmanager
def vault_of(
    data: Path, me: Sequence[str], purposes: Sequence[Purpose] = (Purpose.TRAIN,)
) -> Iterator[Twin]:
    """Open a vault, for a while, with a folder of exports that may be used for some purposes."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "vault"
        bootstrap.create(home, "a passphrase for a benchmark")
        twin = bootstrap.open_(home, "a passphrase for a benchmark")
        collecting.add(twin, data, names=me)
        for data_type in ("message", "document", *viewing.received_types(twin)):
            for purpose in purposes:
                consenting.say(
                    twin,
                    Effect.ALLOW,
                    data_type,
                    purpose,
                    filters=Filters(),
                    redact=Profile.BALANCED,
                    expires=None,
                    recipient="",
                )
        twin.catch_up()
        with closing(twin):
            yield twin


def rows_of(data: Path, me: Sequence[str]) -> list[Row]:
    """Return the rows that the real projection makes of a folder of exports."""
    with vault_of(data, me) as twin:
        return list(twin.rows())


def measure(
    rows: Sequence[Row], recipe: Recipe, keep: Callable[[list[str]], None]
) -> dict[str, object]:
    """Train a voice, let it answer, and have it judged."""
    store, started = Memory(), time.perf_counter()
    planned = plan(rows, recipe, observe(recipe))
    trained: Trained = train(planned, store, lambda asked: {row.id for row in asked})
    seconds = time.perf_counter() - started
    weights = store.read(states.name_of(trained.state))
    assert weights is not None
    network = Network(recipe, planned.foundation)
    network.restore(weights)
    answers = engine.Voice(network).answers(
        [row.messages[:-1] for row in planned.held], engine.Sampling(seed=recipe.seed)
    )
    keep(answers)
    learned = list(map(reply, planned.rows))
    hers = messages(map(reply, planned.held))
    twin = messages(answers)
    her_own = sorted(set(messages(learned)))
    known = {w for row in planned.rows for said in row.messages for w in words(said.content)}
    return {
        "train_seconds": round(seconds, 1),
        "slices": [len(slice_.rows) for slice_ in planned.slices],
        "metrics": dict(trained.metrics),
        "twin_vs_her": shown(tell(hers, twin)),
        "her_vs_her": shown(tell(hers, some(her_own, len(hers), 0))),
        "others_vs_her": shown(tell(hers, some(strangers(rows), len(hers), 0))),
        "copied_30": {"twin": repeated(twin, learned), "her_held_out": repeated(hers, learned)},
        "non_words": {"twin": invented(twin, known), "her_held_out": invented(hers, known)},
        "words_not_in_training": {
            "twin": unknown(twin, known),
            "her_held_out": unknown(hers, known),
        },
        "canary_exposure_bits": {
            "learned": exposed(network, planned.rows, planned.rows),
            "never_seen": exposed(network, planned.held, planned.rows),
            "most": math.log2(CANDIDATES),
        },
        "mean_length": {
            "twin": round(float(np.mean([len(text) for text in twin])), 1),
            "her": round(float(np.mean([len(text) for text in hers])), 1),
        },
        "seed": recipe.seed,
    }


def shown(told: Told) -> dict[str, object]:
    """Return a verdict, rounded."""
    return {
        "auc": round(told.auc, 3),
        "low": round(told.low, 3),
        "high": round(told.high, 3),
        "n": told.n,
    }


def repeated(texts: Sequence[str], sources: Sequence[str]) -> float:
    """Return the share of texts that hold a run of a source."""
    return round(float(np.mean([bool(places) for places in copied(texts, sources)])), 4)


def exposed(network: Network, rows: Sequence[Row], learned: Sequence[Row]) -> float:
    """Return the mean exposure of secrets in rows."""
    made = canaries(rows, learned, references=CANDIDATES)
    return round(float(np.mean(exposure(network, made))), 2)


def unknown(texts: Sequence[str], known: set[str]) -> float:
    """Return the share of words that nobody in the training rows used."""
    hits, of = strange(texts, known)
    return round(hits / of, 4)


def invented(texts: Sequence[str], known: set[str]) -> float | None:
    """Return the share of words that are none, as far as one can tell."""
    if find_spec("wordfreq") is None:
        return None
    from wordfreq import zipf_frequency  # noqa: PLC0415

    said = [word for text in texts for word in words(text)]
    none = sum(word not in known and not zipf_frequency(word, "en") for word in said)
    return round(none / max(1, len(said)), 5)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SAMPLE)
    parser.add_argument(
        "--me", default="Hedy Marlowe,hedy.marlowe@example.org,h.marlowe@wyllmuseum.example"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--presets", default="voice")
    parser.add_argument("--samples", type=Path, help="where to write the answers")
    said = parser.parse_args()

    def keep(answers: list[str]) -> None:
        if said.samples:
            said.samples.write_text("\n---\n".join(answers), "utf-8")

    rows = rows_of(said.data, said.me.split(","))
    runs = [
        {"preset": name} | measure(rows, replace(preset(name), seed=seed), keep)
        for name in said.presets.split(",")
        for seed in range(said.seeds)
    ]
    highest = max(run["twin_vs_her"]["high"] for run in runs)
    json.dump(
        {
            "benchmark": "voice",
            "goal": {"auc_high": 0.62, "others_auc": 0.95, "train_seconds": 60},
            "auc_high_mean": round(float(np.mean([run["twin_vs_her"]["high"] for run in runs])), 3),
            "auc_high_worst": highest,
            "runs": runs,
        },
        sys.stdout,
        indent=1,
    )


if __name__ == "__main__":
    main()
