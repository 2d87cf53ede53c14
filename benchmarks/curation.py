"""What it costs to sort examples and to choose among them, and how often tags are right.

    python benchmarks/curation.py [--rows N]

Style and tags are told of the lines of `curation.txt`, which the weights were not made from,
cut and joined to 200 characters, and, as a yardstick of this machine in the same run, words
of the same texts are found by one regular expression and counted. A sample of a tenth is
taken from N light records in some hundred strata, proportional and balanced; memory is what
Python allocates beside the records. Precision and recall are those of whole lines.
"""

import argparse
import json
import re
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import process_time

from projections.curate.sampling import Stratified, sample
from projections.curate.style import style_of
from projections.curate.tags import TAGS, tags_of

LINES = Path(__file__).with_name("curation.txt")
SIZE = 200
ROUNDS = 5
REPEATED = 20
GOALS = {"tag_microseconds": 15, "precision": 0.85, "recall": 0.7}
WORD = re.compile(r"\w+")
BY = ("source", "style", "time")


def lines() -> list[tuple[frozenset[str], str]]:
    """Return lines with what they are about."""
    found = (line.partition(" | ") for line in LINES.read_text("utf-8").splitlines())
    return [(frozenset(about.split()), text.replace("\\n", "\n")) for about, _, text in found]


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest of a few rounds."""
    taken = []
    for _ in range(ROUNDS):
        start = process_time()
        work()
        taken.append(process_time() - start)
    return min(taken)


def each(work: Callable[[str], object], texts: Sequence[str]) -> float:
    """Return the microseconds that a text takes."""
    many = texts * REPEATED
    return cpu(lambda: list(map(work, many))) / len(many) * 1e6


def costs() -> dict[str, float]:
    """Return microseconds a text of 200 characters."""
    flat = " ".join(text for _, text in lines())
    texts = [flat[start : start + SIZE] for start in range(0, len(flat) - SIZE, SIZE)]
    return {
        "style": round(each(style_of, texts), 2),
        "tags": round(each(partial(tags_of, type_=""), texts), 2),
        "words_counted": round(each(lambda text: Counter(WORD.findall(text)), texts), 2),
    }


def figures() -> dict[str, dict[str, float]]:
    """Return how often each tag is right, how often it is found, and the means of both."""
    found = [(about, tags_of(text, "")) for about, text in lines()]
    told = {}
    for tag in TAGS:
        hits = sum(tag in about and tag in said for about, said in found)
        told[tag] = {
            "lines": sum(tag in about for about, _ in found),
            "precision": hits / max(1, sum(tag in said for _, said in found)),
            "recall": hits / sum(tag in about for about, _ in found),
        }
    mean = {
        name: sum(one[name] for one in told.values()) / len(TAGS)
        for name in ("precision", "recall")
    }
    told["macro"] = {"lines": len(found), **mean}
    return {tag: {k: round(v, 3) for k, v in one.items()} for tag, one in told.items()}


def records(count: int) -> list[Stratified]:
    """Return records of four sources, five styles and six years, some of them far more often."""
    begun = datetime(2018, 1, 1, tzinfo=UTC)
    return [
        Stratified(
            id=f"{number:064x}",
            source=("mbox", "whatsapp", "markdown", "text")[min(3, number % 11 // 3)],
            type="message",
            style=("plain", "casual", "terse", "formal", "expressive")[min(4, number % 23 // 5)],
            kind="reply",
            at=begun + timedelta(days=number * 7919 % 2190),
        )
        for number in range(count)
    ]


def sampling(count: int) -> dict[str, dict[str, float]]:
    """Return CPU seconds and memory of taking a tenth."""
    rows = records(count)
    told = {}
    for name, balanced in (("proportional", False), ("balanced", True)):
        take = partial(sample, rows, count // 10, by=BY, balanced=balanced, seed=b"seed")
        start = process_time()
        taken = take()
        seconds = process_time() - start
        tracemalloc.start()
        take()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        told[name] = {
            "taken": len(taken),
            "seconds": round(seconds, 2),
            "peak_memory_mb": round(most / 1e6),
        }
    return told


def run(rows: int) -> dict[str, object]:
    """Measure, and return what to print."""
    cost, quality = costs(), figures()
    macro = quality["macro"]
    return {
        "microseconds_per_200_characters": cost,
        "ratios_to_counting_words": {
            name: round(cost[name] / cost["words_counted"], 2) for name in ("style", "tags")
        },
        "tags": quality,
        "sampling": {"rows": rows, **sampling(rows)},
        "goals": GOALS,
        "met": {
            "tag_microseconds": cost["tags"] <= GOALS["tag_microseconds"],
            "precision": macro["precision"] >= GOALS["precision"],
            "recall": macro["recall"] >= GOALS["recall"],
        },
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    print(json.dumps(run(parser.parse_args().rows), indent=2))
