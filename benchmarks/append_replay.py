"""The sealed log against raw SQLite and against the library's own log: CPU time, in one run.

    python benchmarks/append_replay.py [--events N] [--rounds R]

All sides take the same events with bodies of 489 bytes, in pages of 1000, under WAL and FULL
sync. Raw is what a store without any of the log's promises would do, the fastest way SQLite
documents: one `executemany` in one transaction a page into (position, topic, body), through
the same codec, and one cursor over all rows. The sealed side blinds two tags an event, issues
data keys, seals, hashes, signs, indexes, and pins. The library's side is `EventSourcedLog` of
`eventsourcing`, compressed by zlib and encrypted by AES-GCM under one key, its events made and
saved by the page. CPU time is compared, since disks differ too much; rounds interleave the
sides, and each counts by its best round.

`append`, `replay` and `opened` compare with SQLite's default page size, `…_to_large_pages`
with a raw store that was given the log's pages of 16 KiB, `bodies_only` with `executemany` of
ready bytes without a topic.
"""

import argparse
import json
import os
import resource
import sqlite3
import sys
import tempfile
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.application import Application, EventSourcedLog
from eventsourcing.domain import DomainEvent

from vault.codec import encode, topic_of
from vault.events import ItemCollected
from vault.items import Agent, Item
from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import Draft, SealedLog

PAGE = 1000
GOALS = {"append": 3.5, "append_to_library": 0.4, "replay": 5.5, "opened": 12.0}


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


class Collected(DomainEvent):
    """An item as the library's own log would keep it."""

    item: dict[str, Any]


def library(path: Path) -> tuple[Application, EventSourcedLog[Collected]]:
    """Return the library's log in SQLite, compressed and encrypted."""
    application = Application[UUID](
        env={
            "PERSISTENCE_MODULE": "eventsourcing.sqlite",
            "SQLITE_DBNAME": os.fspath(path),
            "COMPRESSOR_TOPIC": "eventsourcing.compressor:ZlibCompressor",
            "CIPHER_TOPIC": "eventsourcing.cryptography:AESCipher",
            "CIPHER_KEY": b64encode(bytes(32)).decode(),
        }
    )
    return application, EventSourcedLog(application.events, UUID(int=1), Collected)


def log_in_library(
    application: Application, events: EventSourcedLog[Collected], start: int, page: list[Draft]
) -> None:
    """Append a page by the library; the next version is given, so that it need not look."""
    application.save(
        *(
            events.trigger_event(version, item=msgspec.to_builtins(draft.event.item))
            for version, draft in enumerate(page, start + 1)
        )
    )


def raw(path: Path, page_size: int = 4096) -> sqlite3.Connection:
    """Return a plain database, as durable as the log's."""
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
    database, large = raw(place / "raw.db"), raw(place / "large.db", 16384)
    bare = raw(place / "bare.db", 16384)
    application, events_there = library(place / "library.db")
    sides: dict[str, Callable[[int, list[Draft]], object]] = {
        "raw append": partial(insert, database),
        "raw append, 16 KiB pages": partial(insert, large),
        "raw bodies": lambda start, page: insert_bodies(
            bare, start, [draft.content for draft in page]
        ),
        "library append": partial(log_in_library, application, events_there),
        "sealed append": lambda _, page: log.append(page),
    }
    spent = dict.fromkeys(sides, 0.0)
    for start in range(0, events, PAGE):
        page = drafts(start)
        for name, side in sides.items():
            spent[name] += cpu(partial(side, start, page))
    spent["raw cursor"] = cpu(partial(scan, database))
    spent["raw cursor, 16 KiB pages"] = cpu(partial(scan, large))
    spent["verified replay"] = cpu(partial(verified, log))
    spent["opened replay"] = cpu(partial(opened, log))
    for each in (database, large, bare, log, application):
        each.close()
    return spent


def run(events: int, rounds: int) -> dict[str, object]:
    """Measure, and return what to print."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            for name, seconds in one_round(Path(folder), events).items():
                best[name] = min(seconds, best.get(name, seconds))
    compared = {
        "append": ("sealed append", "raw append"),
        "append_to_large_pages": ("sealed append", "raw append, 16 KiB pages"),
        "bodies_only": ("sealed append", "raw bodies"),
        "append_to_library": ("sealed append", "library append"),
        "replay": ("verified replay", "raw cursor"),
        "replay_to_large_pages": ("verified replay", "raw cursor, 16 KiB pages"),
        "opened": ("opened replay", "raw cursor"),
        "opened_to_large_pages": ("opened replay", "raw cursor, 16 KiB pages"),
    }
    ratios = {name: best[ours] / best[theirs] for name, (ours, theirs) in compared.items()}
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
