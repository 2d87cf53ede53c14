"""What it costs to keep the bytes of attachments, against writing the same files in the clear.

    python benchmarks/attachments.py [--size MB] [--rounds N]

Prints one JSON object. Ours is what an import does with them: every file is hashed and compared
with what its item says, and its blocks are sealed, signed and committed, and the log is emptied
into its file. The baseline writes each file and syncs it, once without and once with the hash
that a store by content needs. Times are processor time. `growth` is how much more than the
files the log takes; `following` what a view of all items costs with contents in the log,
against one without; `resident` what storing and following adds at most to memory, in MB.
"""

import argparse
import json
import os
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from projections.timeline import Timeline
from vault import contents
from vault.application import Export, Vault
from vault.collectors.readers.attached import blocks
from vault.derived import Derived
from vault.follow import catch_up
from vault.items import Attachment, Content, Item
from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import SealedLog

_MB = 1 << 20
_CHEAP = Stretch(memory=64, passes=1, lanes=1)


def files(size: int) -> list[bytes]:
    """Return files as they come with messages: many photographs, some documents, a few films."""
    chance = random.Random(7)
    made, total = [], 0
    while total < size:
        median = chance.choices((40_000, 300_000, 2_500_000, 20_000_000), (30, 30, 38, 2))[0]
        made.append(os.urandom(min(int(median * chance.uniform(0.3, 2)), 64 * _MB)))
        total += len(made[-1])
    return made


def records(of: list[bytes], *, bare: bool = False) -> Iterator[Item | Content]:
    """Yield an item for each file, and the file's blocks unless it is to be bare."""
    for number, data in enumerate(of):
        digest = sha256(data).hexdigest()
        yield Item(
            source="phone",
            native_id=str(number),
            type="message.chat.direct.received",
            conversation=f"chat {number % 20}",
            text="Have a look at this picture. " * 4,
            attachments=(
                Attachment(name="a.jpg", media_type="image/jpeg", size=len(data), sha256=digest),
            ),
        )
        if not bare:
            yield from blocks(data, digest)


def spent(work: Callable[[], object]) -> float:
    """Return the processor time of something, in seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def created(folder: Path) -> SealedLog:
    """Return the log of a new vault."""
    return home.create(folder / "home", "passphrase", folder / "recovery.txt", stretch=_CHEAP)


def sealed(folder: Path, found: list[Item | Content]) -> tuple[float, SealedLog]:
    """Store what a source yielded; return the time, and the log."""
    log = created(folder)
    vault = Vault(log)

    def work() -> None:
        vault.collect(found, export=Export(locator="phone"), permits=lambda _: True)
        log.records.recorder.truncate_wal()

    return spent(work), log


def plain(folder: Path, of: list[bytes], *, hashed: bool) -> float:
    """Write files in the clear; return the time."""

    def work() -> None:
        for number, data in enumerate(of):
            name = sha256(data).hexdigest() if hashed else str(number)
            with (folder / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

    folder.mkdir()
    return spent(work)


def followed(folder: Path, log: SealedLog) -> float:
    """Make a view of all items; return the time."""
    view = Timeline(Derived(folder, bytes(32)), blind=log.keys.blind_natural_key.each)
    took = spent(lambda: catch_up(log, [view]))
    view.close()
    return took


def resident() -> int:
    """Return the most memory that this process has had, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def one_round(of: list[bytes]) -> dict[str, float]:
    """Measure everything once."""
    size = sum(map(len, of))
    found = list(records(of))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ours").mkdir()
        (folder / "bare").mkdir()
        before = resident()
        ours, log = sealed(folder / "ours", found)
        took, bare = sealed(folder / "bare", list(records(of, bare=True)))
        with_contents = followed(folder / "views", log)
        more = resident() - before
        without = followed(folder / "views of bare", bare)
        grown = sum(
            (folder / "ours" / "home" / one).stat().st_size
            - (folder / "bare" / "home" / one).stat().st_size
            for one in ("log.db", "keys.db")
        )
        log.close()
        bare.close()
        return {
            "sealed": ours - took,
            "plain": plain(folder / "plain", of, hashed=False),
            "hashed": plain(folder / "hashed", of, hashed=True),
            "growth": grown / size - 1,
            "following": with_contents,
            "following_without": without,
            "resident": more / 1024,
        }


def main() -> None:
    """Print the figures, medians of some rounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=200, help="MB of files")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    of = files(given.size * _MB)
    size = sum(map(len, of)) / _MB
    rounds = [one_round(of) for _ in range(given.rounds)]
    median = {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
    told = {
        "files": len(of),
        "MB": round(size),
        "blocks": sum(len(contents.block_keys(_attachment(data))) for data in of),
        "sealed_MB_per_cpu_second": round(size / median["sealed"]),
        "plain_MB_per_cpu_second": round(size / median["plain"]),
        "hashed_MB_per_cpu_second": round(size / median["hashed"]),
        "ratio_to_plain": round(median["plain"] / median["sealed"], 3),
        "ratio_to_hashed": round(median["hashed"] / median["sealed"], 3),
        "growth": round(median["growth"], 5),
        "following_ms": round(1000 * median["following"]),
        "following_without_ms": round(1000 * median["following_without"]),
        "following_ms_per_MB": round(
            1000 * (median["following"] - median["following_without"]) / size, 3
        ),
        "resident_MB": round(max(one["resident"] for one in rounds)),
    }
    print(json.dumps(told, indent=1))


def _attachment(data: bytes) -> Attachment:
    return Attachment(name="", media_type="", size=len(data), sha256="")


if __name__ == "__main__":
    main()
