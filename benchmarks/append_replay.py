"""The sealed log against raw SQLite: CPU time of appending and replaying, in one run.

    python benchmarks/append_replay.py [--events N] [--rounds R]

Both sides take the same events with bodies of 489 bytes, in pages of 1000, through the same
codec, under WAL and FULL sync. Raw is what a store without any of the log's promises would
do, the fastest way SQLite documents: one `executemany` in one transaction a page into
(position, topic, body), and one cursor over all rows. The sealed side blinds two tags an
event, issues data keys, seals, hashes, signs, indexes, and pins. CPU time is compared, since
disks differ too much; rounds interleave the sides, and each counts by its best round.
`append_to_default_pages` compares with SQLite's default page size, `bodies_only` with
`executemany` of ready bytes without a topic.
"""

import argparse
import json
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time

from vault.codec import encode, topic_of
from vault.events import ItemCollected
from vault.items import Agent, Item
from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import Draft, SealedLog

PAGE = 1000
GOALS = {"append": 4.0, "replay": 7.0}


def drafts(start: int) -> list[Draft]:
    """Return a page of items whose encoded bodies have 489 bytes each."""
    page = []
    for i in range(start, start + PAGE):
        item = Item(
            source="bench",
            native_id=f"{i:012d}",
            type="message.chat.direct.sent",
            author=Agent(id="name:Me", name="Me"),
            conversation="conversation",
            text="x" * 250,
        )
        event = ItemCollected(item=item)
        key = f"bench\x1f{i:012d}".encode()
        page.append(
            Draft(
                event=event, scope="bench\x1fconversation", natural_key=key, content=encode(event)
            )
        )
    return page


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds that some work takes."""
    start = process_time()
    work()
    return process_time() - start


def raw(path: Path, page_size: int = 16384) -> sqlite3.Connection:
    """Return a plain database, as durable as the log's, with pages as large: a third faster."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(f"PRAGMA page_size={page_size}")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE event(position INTEGER PRIMARY KEY, topic TEXT, body BLOB)")
    return database


def insert(database: sqlite3.Connection, start: int, page: list[Draft]) -> None:
    """Insert events as a plain store would."""
    rows = [(i, topic_of(d.event), encode(d.event)) for i, d in enumerate(page, start + 1)]
    database.execute("BEGIN")
    database.executemany("INSERT INTO event VALUES(?, ?, ?)", rows)
    database.execute("COMMIT")


def insert_bodies(database: sqlite3.Connection, start: int, bodies: list[bytes]) -> None:
    """Insert bytes that are ready."""
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO event(position, body) VALUES(?, ?)", enumerate(bodies, start + 1)
    )
    database.execute("COMMIT")


def scan(database: sqlite3.Connection) -> None:
    """Read every row."""
    for _ in database.execute("SELECT position, topic, body FROM event ORDER BY position"):
        pass


def verified(log: SealedLog) -> None:
    """Replay with every hash, root and signature checked."""
    for _ in log.sealed():
        pass


def opened(log: SealedLog) -> None:
    """Replay as followers do: verified, decrypted, decoded."""
    for _ in log.pages():
        pass


def one_round(place: Path, events: int) -> dict[str, float]:
    """Append and replay on both sides; return CPU seconds."""
    log = home.create(
        place / "vault",
        "benchmark",
        place / "recovery.txt",
        stretch=Stretch(memory=64, passes=1, lanes=1),
    )
    database = raw(place / "raw.db")
    bare = raw(place / "bare.db")
    default = raw(place / "default.db", 4096)
    spent = {
        "raw append": 0.0,
        "raw append, SQLite's default pages": 0.0,
        "raw bodies": 0.0,
        "sealed append": 0.0,
    }
    for start in range(0, events, PAGE):
        page = drafts(start)
        bodies = [encode(draft.event) for draft in page]
        spent["raw append"] += cpu(partial(insert, database, start, page))
        spent["raw append, SQLite's default pages"] += cpu(partial(insert, default, start, page))
        spent["raw bodies"] += cpu(partial(insert_bodies, bare, start, bodies))
        spent["sealed append"] += cpu(partial(log.append, page))
    spent["raw cursor"] = cpu(partial(scan, database))
    spent["verified replay"] = cpu(partial(verified, log))
    spent["opened replay"] = cpu(partial(opened, log))
    database.close()
    bare.close()
    default.close()
    log.close()
    return spent


def run(events: int, rounds: int) -> dict[str, object]:
    """Measure, and return what to print."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, seconds in one_round(Path(folder), events).items():
                best[name] = min(seconds, best.get(name, seconds))
    ratios = {
        "append": best["sealed append"] / best["raw append"],
        "append_to_default_pages": best["sealed append"]
        / best["raw append, SQLite's default pages"],
        "bodies_only": best["sealed append"] / best["raw bodies"],
        "replay": best["verified replay"] / best["raw cursor"],
        "opened": best["opened replay"] / best["raw cursor"],
    }
    return {
        "events": events,
        "body_bytes": len(encode(drafts(0)[0].event)),
        "cpu_microseconds_each": {
            name: round(seconds / events * 1e6, 2) for name, seconds in best.items()
        },
        "ratios": {name: round(ratio, 2) for name, ratio in ratios.items()},
        "goals": GOALS,
        "met": all(ratios[name] <= goal for name, goal in GOALS.items()),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(json.dumps(run(options.events, options.rounds), indent=2))
