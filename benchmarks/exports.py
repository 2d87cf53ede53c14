"""What it costs to write rows out, in every format.

    python benchmarks/exports.py [--rows N]

Each writer runs in a process of its own over the same generated rows (four messages, about
800 characters), which are made while they are written and never held. `rows_a_second` counts
CPU time without that of making the rows; `memory_mb` is the peak above what the process held
before. Beside the writers stand the shortest programs that do the same with everything at
hand: the standard library's `json` line by line, and pyarrow with all rows in one table.
`ratios` compare the two in this run: speed (above 1 is faster) and memory
(below 1 is less).
"""

import argparse
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from projections.exports import chat, parquet, preferences
from projections.exports.card import Summary, card
from projections.exports.counts import Tally
from projections.exports.services import SERVICES
from projections.rows import Facts, Message, Row

START = datetime(2020, 1, 1, tzinfo=UTC)
WORDS = ("late", "train", "home", "with", "bread,", "figs", "—", "and", "both", "your", "books")


def rows(count: int) -> Iterator[Row]:
    """Yield rows, no two alike, in order of nothing."""
    for number in range(count):
        turns = [" ".join((*WORDS[(number + n) % 11 :], str(number)) * 4) for n in range(4)]
        yield Row.of(
            events=(f"{number:08x}-1", f"{number:08x}-2"),
            statements=("feed-1", f"feed-{number % 7}"),
            messages=tuple(
                Message(role="assistant" if n % 2 else "user", content=text)
                for n, text in enumerate(turns)
            ),
            split="held" if number % 8 == 0 else "train",
            group="g",
            at=START + timedelta(minutes=number),
            facts=Facts(
                pair=f"{number:08x}",
                kind="reply",
                type="message.chat.direct.sent",
                source="phone",
                style="brief",
                tags=("personal",),
                masked=(("person", 1 + number % 3),),
            ),
        )


def as_preferences(found: Iterable[Row]) -> Iterator[preferences.Preference]:
    """Yield a preference for each row."""
    for row in found:
        yield preferences.Preference(
            prompt=row.messages[:-1],
            chosen=row.messages[-1].content,
            rejected=row.messages[0].content,
            model="m",
            events=row.events,
        )


def plain(row: Row) -> dict[str, object]:
    """Return a row as pyarrow and json take it."""
    facts = row.facts
    return {
        "id": row.id,
        "pair": facts.pair,
        "kind": facts.kind,
        "split": row.split,
        "messages": [{"role": m.role, "content": m.content} for m in row.messages],
        "type": facts.type,
        "source": facts.source,
        "style": facts.style,
        "tags": list(facts.tags),
        "at": row.at,
        "statements": list(row.statements),
        "profile": facts.profile.value,
        "masked": list(facts.masked),
    }


def by_json(found: Iterable[Row], out: Path) -> None:
    """Write chat lines as one would by hand."""
    with out.open("w", encoding="utf-8") as file:
        for row in found:
            said = [{"role": m.role, "content": m.content} for m in row.messages]
            file.write(json.dumps({"messages": said}, ensure_ascii=False) + "\n")


def by_table(found: Iterable[Row], out: Path) -> None:
    """Write Parquet as one would by hand: all rows in one table."""
    fields = [(name, pa.string()) for name in parquet.COLUMNS if name != "content"]
    kinds = {
        "messages": pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())])),
        "tags": pa.list_(pa.string()),
        "statements": pa.list_(pa.string()),
        "at": pa.timestamp("us", tz="UTC"),
        "masked": pa.map_(pa.string(), pa.int32()),
    }
    schema = pa.schema([(name, kinds.get(name, kind)) for name, kind in fields])
    table = pa.Table.from_pylist([plain(row) for row in found], schema=schema)
    pq.write_table(table, out, compression="zstd")


def by_card(found: Iterable[Row], out: Path) -> None:
    """Count rows and write their card."""
    tally = Tally()
    deque(tally.through(found), maxlen=0)
    told = Summary(
        counts=tally.counts(), position=1, checkpoint="", at=START, redactor="", refused=0,
        duplicates=0,
    )  # fmt: skip
    out.write_text(card(told))


def by_check(found: Iterable[Row], out: Path) -> None:
    """Check rows against one service and write nothing."""
    del out
    chat.check(found, SERVICES["openai"])


Found = dict[str, dict[str, float]]
WRITERS: dict[str, Callable[[Iterable[Row], Path], object]] = {
    "chat": lambda found, out: chat.write(found, out, home=out.parent / "vault"),
    "preferences": lambda found, out: preferences.write(
        as_preferences(found), out, home=out.parent / "vault"
    ),
    "parquet": lambda found, out: parquet.write(found, out, home=out.parent / "vault"),
    "check": by_check,
    "card": by_card,
    "json": by_json,
    "pyarrow table": by_table,
}


def peak() -> float:
    """Return the most memory that this process ever held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(name: str, count: int) -> dict[str, float]:
    """Write rows once in this process."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        WRITERS[name](rows(100), out)  # what is imported on first use is not what is measured
        began = time.process_time()
        deque(rows(count), maxlen=0)
        making = time.process_time() - began
        before, began = peak(), time.process_time()
        WRITERS[name](rows(count), out)
        spent = time.process_time() - began - making
        size = out.stat().st_size if out.exists() else 0
        return {
            "rows_a_second": round(count / spent),
            "memory_mb": round(peak() - before, 1),
            "file_mb": round(size / 1e6, 1),
        }


def ratio(found: Found, name: str, by: str, figure: str) -> float:
    """Return how a figure of one writer compares with that of another."""
    return round(found[name][figure] / found[by][figure], 2)


def run(count: int) -> dict[str, object]:
    """Measure every writer in a process of its own, and return what to print."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        found = {name: pool.apply(measure, (name, count)) for name in WRITERS}
    return {
        "rows": count,
        "formats": found,
        "ratios": {
            "chat_speed_to_json": ratio(found, "chat", "json", "rows_a_second"),
            "parquet_speed_to_table": ratio(found, "parquet", "pyarrow table", "rows_a_second"),
            "parquet_memory_to_table": ratio(found, "parquet", "pyarrow table", "memory_mb"),
        },
        "python": sys.version.split()[0],
        "pyarrow": pa.__version__,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    print(json.dumps(run(parser.parse_args().rows), indent=2))
