"""How the cost of the log grows from ten thousand to a million entries.

    python benchmarks/scaling.py [--most N]

One log and one raw store grow side by side, as in `append_replay.py`. At 10,000, 100,000 and
1,000,000 entries this measures the CPU time of everything appended so far, of a verified and
of an opened replay, of a raw cursor, and of reading single entries at random places by their
id. `slopes` are those of the straight lines through log(cost) against log(entries): 1 where
an entry costs the same however many there are, 0 where a reading does. `ratios` compare
replays of the largest log with raw cursors in the same run.
"""

import argparse
import json
import math
import random
import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from append_replay import PAGE, cpu, drafts, insert, opened, raw, scan, verified

from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import SealedLog

READINGS = 1000
ROUNDS = 3
GOALS = {"append": (0.95, 1.05), "verify": (0.95, 1.05), "point": (-0.1, 0.1)}
RATIOS = {"replay": 5.5, "opened": 12.0}


def slope(points: Sequence[tuple[int, float]]) -> float:
    """Return the slope of the straight line through the logarithms of points."""
    xs, ys = ([math.log(value) for value in side] for side in zip(*points, strict=True))
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    above = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True))
    return above / sum((a - x) ** 2 for a in xs)


def best(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest of a few rounds."""
    return min(cpu(work) for _ in range(ROUNDS))


def read_some(log: SealedLog, numbers: Sequence[int]) -> None:
    """Read entries by id."""
    for number in numbers:
        log.entry(f"{log.feed.hex()}-{number}")


def grown(place: Path, sizes: Sequence[int]) -> dict[int, dict[str, float]]:
    """Return CPU seconds at each size."""
    stretch = Stretch(memory=64, passes=1, lanes=1)
    log = home.create(place / "vault", "benchmark", place / "recovery.txt", stretch=stretch)
    stores = {"raw cursor": raw(place / "raw.db")}
    stores["raw cursor, 16 KiB pages"] = raw(place / "large.db", 16384)
    pick = random.Random(1)
    appended, found = 0.0, {}
    for start in range(0, sizes[-1], PAGE):
        page = drafts(start)
        appended += cpu(partial(log.append, page))
        for store in stores.values():
            insert(store, start, page)
        size = start + PAGE
        if size in sizes:
            numbers = [pick.randrange(1, size) for _ in range(READINGS)]
            found[size] = {
                "append": appended,
                "verify": best(partial(verified, log)),
                "opened": best(partial(opened, log)),
                "point": best(partial(read_some, log, numbers)) / READINGS,
            } | {name: best(partial(scan, store)) for name, store in stores.items()}
    for each in (log, *stores.values()):
        each.close()
    return found


def run(most: int) -> dict[str, object]:
    """Measure, and return what to print."""
    sizes = [most // 100, most // 10, most]
    with tempfile.TemporaryDirectory() as folder:
        found = grown(Path(folder), sizes)
    slopes = {
        name: slope([(size, found[size][name]) for size in sizes])
        for name in ("append", "verify", "opened", "point")
    }
    end = found[most]
    ratios = {
        "replay": end["verify"] / end["raw cursor"],
        "opened": end["opened"] / end["raw cursor"],
        "replay_to_large_pages": end["verify"] / end["raw cursor, 16 KiB pages"],
        "opened_to_large_pages": end["opened"] / end["raw cursor, 16 KiB pages"],
    }
    return {
        "sizes": sizes,
        "cpu_microseconds_each": {
            size: {
                name: round(seconds / (1 if name == "point" else size) * 1e6, 2)
                for name, seconds in costs.items()
            }
            for size, costs in found.items()
        },
        "slopes": {name: round(value, 3) for name, value in slopes.items()},
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
        "goals": {"slopes": GOALS, "ratios": RATIOS},
        "met": all(low <= slopes[name] <= high for name, (low, high) in GOALS.items())
        and all(ratios[name] <= goal for name, goal in RATIOS.items()),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1_000_000)
    print(json.dumps(run(parser.parse_args().most), indent=2))
