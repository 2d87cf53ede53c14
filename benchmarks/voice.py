"""Can a classifier tell the no-download voice from the person? One command, JSON out.

    python benchmarks/voice.py [--data FOLDER] [--me NAME,ADDRESS] [--seeds N] [--samples FILE]

The exports (the sample by default) go through the real road: collected, consented, redacted.
A voice is trained on the `train` rows and answers each `held` prompt once, at temperature 1;
each seed is another training and another sampling. Bursts are split into messages on both
sides; lengths are left as they fall. The judge is a logistic regression on character
2-4-grams, cross-validated.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from console import bootstrap
from console.use import collecting, consenting, viewing
from projections.rows import Row
from trainer import engine, states
from trainer.environment import observe
from trainer.finetune import Trained, train
from trainer.recipe import Recipe, preset
from trainer.slices import plan
from trainer.states import Memory
from vault.consent import Effect, Filters, Profile, Purpose

SAMPLE = Path(__file__).parents[1] / "console" / "sample"
RUN = 30  # characters that count as copied
WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Told:
    """How well a classifier tells one side from the other."""

    auc: float
    low: float
    high: float
    n: tuple[int, int]


def tell(hers: Sequence[str], others: Sequence[str], repeats: int = 3) -> Told:
    """Return the cross-validated AUC with its 95 % bootstrap interval."""
    texts = [*hers, *others]
    sides = np.array([1] * len(hers) + [0] * len(others))
    chances = np.mean([_chances(texts, sides, seed) for seed in range(repeats)], axis=0)
    dice = np.random.default_rng(0)
    drawn = []
    for _ in range(1000):
        first = dice.integers(0, len(hers), len(hers))
        second = len(hers) + dice.integers(0, len(others), len(others))
        places = np.concatenate([first, second])
        drawn.append(roc_auc_score(sides[places], chances[places]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    auc = float(roc_auc_score(sides, chances))
    return Told(
        auc=round(auc, 3),
        low=round(float(low), 3),
        high=round(float(high), 3),
        n=(len(hers), len(others)),
    )


def _chances(texts: list[str], sides: np.ndarray, seed: int) -> np.ndarray:
    judge = make_pipeline(
        TfidfVectorizer(analyzer="char", ngram_range=(2, 4), lowercase=False, sublinear_tf=True),
        LogisticRegression(C=10, max_iter=1000),
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    found = cross_val_predict(judge, texts, sides, cv=folds, method="predict_proba")
    return np.asarray(found)[:, 1]


def messages(replies: Sequence[str]) -> list[str]:
    """Split bursts into messages."""
    return [line.strip() for reply in replies for line in reply.split("\n") if line.strip()]


def copied(texts: Sequence[str], source: str) -> float:
    """Return the share of texts that contain a run of the source."""
    runs = {source[at : at + RUN] for at in range(len(source) - RUN + 1)}
    hits = [any(text[at : at + RUN] in runs for at in range(len(text) - RUN + 1)) for text in texts]
    return round(float(np.mean(hits)), 4)


def strange(texts: Sequence[str], known: set[str]) -> float:
    """Return the share of words that nobody in the training rows used."""
    words = [word for text in texts for word in WORD.findall(text.lower())]
    return round(float(np.mean([word not in known for word in words])), 4)


def rows_of(data: Path, me: Sequence[str]) -> list[Row]:
    """Return the rows that the real projection makes of a folder of exports."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "vault"
        bootstrap.create(home, "a passphrase for a benchmark")
        twin = bootstrap.open_(home, "a passphrase for a benchmark")
        collecting.add(twin, data, names=me)
        for data_type in ("message", "document", *viewing.received_types(twin)):
            consenting.say(
                twin,
                Effect.ALLOW,
                data_type,
                Purpose.TRAIN,
                filters=Filters(),
                redact=Profile.BALANCED,
                expires=None,
                recipient="",
            )
        rows = list(twin.rows())
        twin.close()
    return rows


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
    answers = engine.load(weights, recipe).answers(
        [row.messages[:-1] for row in planned.held], engine.Sampling(seed=recipe.seed)
    )
    keep(answers)
    learned = [row.messages[-1].content for row in planned.rows]
    hers = messages([row.messages[-1].content for row in planned.held])
    twin = messages(answers)
    dice = np.random.default_rng(0)
    seen = [message for row in rows for message in row.messages[:-1] if message.role == "user"]
    strangers = sorted(set(messages([message.content for message in seen])))
    her_own = sorted(set(messages(learned)))
    known = {
        word
        for row in planned.rows
        for message in row.messages
        for word in WORD.findall(message.content.lower())
    }
    source = "\n".join(learned)
    return {
        "train_seconds": round(seconds, 1),
        "slices": [len(slice_.rows) for slice_ in planned.slices],
        "metrics": dict(trained.metrics),
        "twin_vs_her": asdict(tell(hers, twin)),
        "her_vs_her": asdict(tell(hers, _some(her_own, len(hers), dice))),
        "others_vs_her": asdict(tell(hers, _some(strangers, len(hers), dice))),
        "copied_30": {"twin": copied(twin, source), "her_held_out": copied(hers, source)},
        "words_not_in_training": {
            "twin": strange(twin, known),
            "her_held_out": strange(hers, known),
        },
        "mean_length": {
            "twin": round(float(np.mean([len(text) for text in twin])), 1),
            "her": round(float(np.mean([len(text) for text in hers])), 1),
        },
        "seed": recipe.seed,
    }


def _some(texts: Sequence[str], most: int, dice: np.random.Generator) -> list[str]:
    chosen = dice.permutation(len(texts))[:most]
    return [texts[at] for at in chosen]


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=SAMPLE)
    parser.add_argument(
        "--me", default="Hedy Marlowe,hedy.marlowe@example.org,h.marlowe@wyllmuseum.example"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=Path, help="where to write the answers")
    said = parser.parse_args()

    def keep(answers: list[str]) -> None:
        if said.samples:
            said.samples.write_text("\n---\n".join(answers), "utf-8")

    rows = rows_of(said.data, said.me.split(","))
    runs = [measure(rows, replace(preset("voice"), seed=seed), keep) for seed in range(said.seeds)]
    highest = max(run["twin_vs_her"]["high"] for run in runs)
    json.dump(
        {
            "benchmark": "voice",
            "goal": {"auc_high": 0.68, "others_auc": 0.95, "train_seconds": 60},
            "auc_high_mean": round(float(np.mean([run["twin_vs_her"]["high"] for run in runs])), 3),
            "auc_high_worst": highest,
            "runs": runs,
        },
        sys.stdout,
        indent=1,
    )


if __name__ == "__main__":
    main()
