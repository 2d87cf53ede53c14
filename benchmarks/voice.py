"""Can a classifier tell the no-download voice from the person? One command, JSON out.

    python benchmarks/voice.py ROWS.jsonl [--recipe FILE] [--samples FILE]

ROWS.jsonl holds training rows in chat `messages` form with their `split`, as `twin view
export` writes them. A voice is trained on the `train` rows and answers each `held` prompt
once, at temperature 1. Bursts are split into messages on both sides; lengths are left as
they fall. The judge is a logistic regression on character 2-4-grams, cross-validated.
"""

import argparse
import json
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from projections.rows import Message, Row
from trainer import engine, states
from trainer.environment import observe
from trainer.finetune import Trained, train
from trainer.recipe import Recipe, preset
from trainer.slices import plan
from trainer.states import Memory

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


def read(path: Path) -> list[Row]:
    """Read rows in `messages` form."""
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines()):
        told = json.loads(line)
        rows.append(
            Row.of(
                events=tuple(told.get("events", [f"line-{number}"])),
                statements=tuple(told.get("statements", ())),
                messages=tuple(Message(**message) for message in told["messages"]),
                split=told["split"],
                group=told.get("group", ""),
            ),
        )
    return rows


def measure(rows: Sequence[Row], recipe: Recipe, keep: Callable[[list[str]], None]) -> object:
    """Train a voice, let it answer, and have it judged."""
    store, started = Memory(), time.perf_counter()
    planned = plan(rows, recipe, observe(recipe))
    trained: Trained = train(planned, store, lambda asked: {row.id for row in asked})
    seconds = time.perf_counter() - started
    weights = store.read(states.name_of(trained.state))
    assert weights is not None
    answers = engine.load(weights, recipe).answers([row.messages[:-1] for row in planned.held])
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
        "recipe": asdict(recipe),
    }


def _some(texts: Sequence[str], most: int, dice: np.random.Generator) -> list[str]:
    chosen = dice.permutation(len(texts))[:most]
    return [texts[at] for at in chosen]


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--recipe", type=Path)
    parser.add_argument("--samples", type=Path, help="where to write the answers")
    said = parser.parse_args()
    recipe = Recipe.read(said.recipe) if said.recipe else preset("voice")

    def keep(answers: list[str]) -> None:
        if said.samples:
            said.samples.write_text("\n---\n".join(answers), "utf-8")

    json.dump(measure(read(said.rows), recipe, keep), sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
