"""The long run over damaged samples of all sources: `N` of them, in confined children.

Each source gets its share. A child that dies over a sample is a finding, and a new one goes on
behind it; now and then a healthy child is killed, as a machine without memory would. What was
done is written down after each round, and the next run goes on from there.
"""

import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from random import Random
from typing import cast

import msgspec

from tests.vault.collectors.samples import OWNER, SAMPLES
from vault.collectors import registry
from vault.collectors.conformance import files_of, read_everything, wrong_in
from vault.collectors.mutations import mutated
from vault.collectors.readers import worker
from vault.collectors.readers.archives import planted
from vault.collectors.readers.worker import Died, Limits, Outlet

_ROUND = 5000
_KILLED_EVERY = 7
_TOLD_EVERY = 100
_STATE = Path("benchmarks/out/fuzz.json")
_LIMITS = Limits(memory=512 << 20, cpu_seconds=10)


class Round(msgspec.Struct):
    """Damaged samples of one source, from one number to another."""

    source: str
    sample: str
    start: int
    stop: int


def work(encoded: bytes, outlet: Outlet) -> None:
    """Read a round of damaged samples, in the child, and tell what is wrong with any."""
    job = msgspec.msgpack.decode(encoded, type=Round)
    (source,), _ = registry.load(job.source)
    files = files_of(Path(job.sample))
    for number in range(job.start, job.stop):
        outlet.enter(str(number))
        tree = planted("sample", mutated(files, Random(number)))
        try:
            reason = wrong_in(list(read_everything(source, tree, OWNER)), source, tree)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever escapes is the finding
            reason = f"{type(error).__name__} escapes"
        if worker.refused:
            reason = f"it tried {worker.refused.pop()}"
        if reason:
            outlet.send(b"w", f"{number} {reason}".encode())
        elif number % _TOLD_EVERY == 0:
            outlet.send(b"n", str(number).encode())


def run(source: str, sample: Path, start: int, stop: int) -> list[str]:
    """Read a round to its end, through every death; return what was found."""
    found = []
    kill_at = (start + stop) // 2 if start // _ROUND % _KILLED_EVERY == 0 else stop
    while start < stop:
        job = msgspec.msgpack.encode(Round(source, str(sample), start, stop))
        frames = worker.run("tests.vault.collectors.fuzz:work", job, _LIMITS)
        try:
            for kind, payload in frames:
                start = int(payload.partition(b" ")[0]) + 1
                if kind == b"w":
                    found.append(f"{source} {payload.decode()}")
                if start > kill_at:
                    kill_at = stop
                    break
            else:
                start = stop
        except Died as death:
            found.append(f"{source} {death.where} died: {death.reason}")
            start = int(death.where or start) + 1
        finally:
            cast("Generator[worker.Frame]", frames).close()
    return found


def main() -> None:
    """Do what is left of `N` (a million), and print the sum as JSON."""
    wanted = int(os.environ.get("N", "1000000"))
    names = [name for name in registry.names() if name in SAMPLES]
    done: Counter[str] = Counter()
    found: list[str] = []
    if _STATE.exists():
        state = json.loads(_STATE.read_text())
        done, found = Counter(state["done"]), state["found"]
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            sample = Path(folder) / name
            sample.mkdir()
            SAMPLES[name](sample)
            share = wanted // len(names)
            while done[name] < share:
                stop = min(share, done[name] + _ROUND)
                found += run(name, sample, done[name], stop)
                done[name] = stop
                _STATE.parent.mkdir(exist_ok=True)
                _STATE.write_text(json.dumps({"done": done, "found": found}))
                print(f"{sum(done.values())} of {wanted}, {len(found)} found", file=sys.stderr)  # noqa: T201
    print(json.dumps({"damaged": sum(done.values()), "found": found}, indent=1))  # noqa: T201
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
