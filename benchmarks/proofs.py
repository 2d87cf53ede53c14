"""Proofs in a log of a million entries: how long one takes to make, and what it reads.

    python benchmarks/proofs.py [--events N] [--proofs P]

A real log.db is filled with small entries in pages of 1000. Then proofs of inclusion of
random entries in the newest checkpoint are made from it, each from nothing (no tile of the
one before is kept), as the bytes of the file that `twin prove` writes, its own check
included; beside it the tree alone, and proofs of consistency from random sizes. Wall time:
most of it is reading, from a warm cache. `goal` is what the median has to stay under.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from vault.events import OwnerNamed
from vault.log import home
from vault.log.merkle import consistency_proof, inclusion_proof
from vault.log.passphrase import Stretch
from vault.log.sealed import Draft, SealedLog
from vault.proofs import prove

PAGE = 1000
GOAL = 0.005


def fill(log: SealedLog, events: int) -> None:
    """Append entries until there are so many."""
    page = [Draft(event=OwnerNamed(names=(str(number),))) for number in range(PAGE)]
    while log.head.size < events:
        log.append(page[: events - log.head.size])
        if sys.stderr.isatty():
            print(f"\r{log.head.size}", end="", file=sys.stderr)


def times(work: Callable[[int], object], numbers: Sequence[int]) -> dict[str, float]:
    """Return the median and the longest of how long some work takes, in milliseconds."""
    taken = []
    for number in numbers:
        start = perf_counter()
        work(number)
        taken.append(perf_counter() - start)
    taken.sort()
    return {
        "median_ms": round(taken[len(taken) // 2] * 1000, 3),
        "p99_ms": round(taken[len(taken) * 99 // 100] * 1000, 3),
        "max_ms": round(taken[-1] * 1000, 3),
    }


def main() -> None:
    """Fill a log, make proofs, print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--proofs", type=int, default=1000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        stretch = Stretch(memory=64, passes=1, lanes=1)
        path = Path(folder)
        log = home.create(path / "home", "passphrase", path / "recovery", stretch=stretch)
        fill(log, chosen.events)
        size, feed = log.head.size, log.feed
        pick = random.Random(1)
        numbers = [pick.randrange(size) for _ in range(chosen.proofs)]
        inclusion = times(lambda n: inclusion_proof(log.tree(feed), n, size), numbers)
        result = {
            "events": size,
            "inclusion_tree": inclusion,
            "inclusion_file": times(lambda n: prove(log, f"{feed.hex()}-{n}"), numbers),
            "consistency_tree": times(
                lambda n: consistency_proof(log.tree(feed), n + 1, size), numbers
            ),
            "goal_ms": GOAL * 1000,
            "goal_met": inclusion["median_ms"] <= GOAL * 1000,
        }
        log.close()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
