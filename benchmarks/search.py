"""Searching a million items: how long an answer takes, and how soon what is withdrawn is gone.

    python benchmarks/search.py [--items N] [--texts FOLDER]

Items go through the followers that they would go through in a vault, people, permissions,
timeline and the search view, page by page; the log alone is left out. Texts are made of lines of
the files in FOLDER (`*.txt`, `*.txt.gz`), without it of the words that vectors ship for, drawn by
Zipf's law. Vectors are those of 20,000 of the texts, made by the embedder that ships, and
perturbed copies of them for all the others: as many, as large and as crowded, but what an item
means is what its original says.

`find` is timed whole: consent asked again for each hit, the items loaded, the snippets cut.
`ratios.text` compares with FTS5's own `ORDER BY rank LIMIT 20` over the same index, `recall` is
the share of the twenty nearest of all exact vectors that are among the candidates. Times are by the
clock and, `cpu`, of this process on a processor: a busy machine shows in the first. `gone_s` is
the transaction that takes the page in: after it nothing is found; `destroyed_s` is when no word
of it is in the file any more.
"""

import argparse
import gzip
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import numpy as np

from projections.embed import UNIT, Vector, pack, shipped, unpack
from projections.labels import Labels
from projections.people import People
from projections.permissions import Permissions
from projections.search import By, Search
from projections.search.asking import Words
from projections.timeline import Timeline
from projections.view import marks
from vault.aliases import Aliases
from vault.consent import Effect, Filters, Purpose, Statement
from vault.derived import Derived
from vault.events import ConsentGiven, ConsentWithdrawn, Event, ItemCollected
from vault.follow import Entry, Page
from vault.items import Agent, Item

REAL = 20_000
LINES = 200_000
PAGE = 1000
LETTERS = 200
LONGER = 0.7
SHARE = 0.01
QUERIES = 40
NEAREST = 20
WITHDRAWN = "withdrawn"
NOON = datetime(2025, 1, 1, tzinfo=UTC)
NOW = NOON + timedelta(days=3650)
TYPES = {
    "message.chat.direct.sent": 40,
    "message.chat.group.sent": 25,
    "message.email.sent": 20,
    "document.note": 10,
    "post": 5,
}
SOURCES = {"chat": 60, "mail": 30, "notes": 10}
GOALS = {"text_p95_ms": 50, "both_p95_ms": 200, "gone_s": 1.0}


def lines(folder: Path | None) -> list[str]:
    """Return what texts are made of: lines of files, or words by Zipf's law."""
    if folder is None:
        pick = random.Random(1)
        words = [word for word in shipped()._words if word.isalpha()]  # noqa: SLF001
        shares = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
        return [
            " ".join(pick.choices(words, cum_weights=shares, k=pick.randint(4, 20)))
            for _ in range(REAL * 5)
        ]
    found: list[str] = []
    for path in sorted(folder.glob("*.txt*")):
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
            found += [line.strip() for line in file if len(line) > LETTERS // 10]
    random.Random(1).shuffle(found)
    return found[:LINES]


class Took(NamedTuple):
    """Seconds by the clock, and of this process on a processor."""

    clock: float
    cpu: float


def clocks() -> Took:
    """Return what both clocks show."""
    return Took(time.perf_counter(), time.process_time())


def since(start: Took) -> Took:
    """Return how long it is since both clocks showed something."""
    return Took(*(now - then for now, then in zip(clocks(), start, strict=True)))


class Copies(Labels):
    """Labels without labels, whose vectors are perturbed copies of given ones, sealed as theirs."""

    tables = "CREATE TABLE items (id TEXT PRIMARY KEY, vectors BLOB NOT NULL) WITHOUT ROWID;"
    lessons = ""
    originals = np.empty((0, 0))

    def vectors(self, ids: Sequence[str]) -> dict[str, tuple[Vector, ...]]:
        """Return the one vector of each item."""
        rows = self._rows(f"SELECT * FROM items WHERE id IN ({marks(len(ids))})", ids)
        return {str(id_): (unpack(bytes(packed)),) for id_, packed in rows}

    def _take(self, page: Page) -> None:
        fresh = [e for e in page.entries if isinstance(e.event, ItemCollected)]
        if not fresh:
            return
        noise = np.random.Generator(np.random.PCG64(page.position))
        chosen = self.originals[[e.position % len(self.originals) for e in fresh]]
        moved = chosen + noise.normal(0, 0.35 * UNIT / chosen.shape[1] ** 0.5, chosen.shape)
        whole = np.rint(moved * (UNIT / np.linalg.norm(moved, axis=1, keepdims=True)))
        self._db.executemany(
            "INSERT INTO items VALUES (?, ?)",
            [(e.id, pack(row)) for e, row in zip(fresh, whole.astype(int).tolist(), strict=True)],
        )


class Watched(Search):
    """Notes when a page was taken in, before words are destroyed."""

    started: Took | None = None
    taken: Took | None = None

    def _destroy(self) -> None:
        if self.started:
            self.taken = self.taken or since(self.started)
        super()._destroy()


def drawn(pick: random.Random, shares: dict[str, int]) -> str:
    """Return one of some names, as often as each has a share."""
    return pick.choices(list(shares), weights=list(shares.values()))[0]


def items(said: Sequence[str], count: int) -> Iterator[Item]:
    """Yield items of about two hundred letters, in a thousand conversations."""
    pick = random.Random(2)
    me = Agent(id="name:Asha Rao", name="Asha Rao")
    for at in range(count):
        text = pick.choice(said)
        while len(text) < LETTERS and pick.random() < LONGER:
            text += " " + pick.choice(said)
        other = f"Person {int(pick.paretovariate(0.7)) % 1000}"
        withdrawn = pick.random() < SHARE
        yield Item(
            source=drawn(pick, SOURCES),
            native_id=str(at),
            type=drawn(pick, TYPES),
            at=NOON + timedelta(seconds=pick.randrange(300_000_000)),
            author=me,
            to=(Agent(id=f"name:{other}", name=other),),
            conversation=WITHDRAWN if withdrawn else other,
            text=text[: 5 * LETTERS],
        )


def page(events: Sequence[Event], start: int) -> Page:
    """Return a page of the log."""
    entries = tuple(
        Entry(
            position=start + n,
            id=f"{'f' * 16}-{start + n}",
            topic="t",
            time=int(NOW.timestamp() * 1e9),
            event=event,
        )
        for n, event in enumerate(events, start=1)
    )
    return Page(entries=entries, position=start + len(entries))


def statement(effect: Effect, type_: str, filters: Filters = Filters()) -> Statement:  # noqa: B008
    """Return what is said for `search`."""
    name = f"{effect}{type_}"
    return Statement(id=name, effect=effect, type=type_, purpose=Purpose.SEARCH, filters=filters)


def timed(work: Callable[[], object]) -> float:
    """Return how long something takes by the clock, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def took(work: Callable[[], object]) -> Took:
    """Return how long something takes."""
    start = clocks()
    work()
    return since(start)


def spread(found: Sequence[Took]) -> dict[str, float]:
    """Return the median and the 95th percentile in milliseconds."""
    clock = quantiles((one.clock for one in found), n=20)
    cpu = quantiles((one.cpu for one in found), n=20)
    told = {"p50_ms": clock[9], "p95_ms": clock[18], "p50_cpu_ms": cpu[9], "p95_cpu_ms": cpu[18]}
    return {name: round(one * 1e3, 1) for name, one in told.items()}


def queries(said: Sequence[str]) -> dict[str, list[str]]:
    """Return what is asked: of each sort as many, words as often as they are said."""
    pick = random.Random(3)
    words = [w for line in said[:REAL] for w in line.split() if w.isalpha()]
    often: dict[str, int] = {}
    for word in words:
        often[word.lower()] = often.get(word.lower(), 0) + 1
    ranked = sorted(often, key=lambda word: (-often[word], word))
    rare = [word for word in ranked if often[word] <= 3]  # noqa: PLR2004
    long = [line.split() for line in said if len(line.split()) > 8]  # noqa: PLR2004
    pairs = [(line[n], line[n + 1]) for line in long for n in [pick.randrange(len(line) - 1)]]
    return {
        "common word": ranked[:QUERIES],
        "any word": [pick.choice(words) for _ in range(QUERIES)],
        "rare word": pick.sample(rare, QUERIES),
        "two words": [
            f"{pick.choice(line)} {pick.choice(line)}" for line in pick.sample(long, QUERIES)
        ],
        "phrase": [f'"{one} {two}"' for one, two in pick.sample(pairs, QUERIES)],
        "prefix": [f"{word[:4]}*" for word in pick.sample(ranked[50:5000], QUERIES)],
        "sentence": [" ".join(line[:8]) for line in pick.sample(long, QUERIES)],
    }


FILTERS: dict[str, tuple[str, Filters]] = {
    "type": ("document.note", Filters()),
    "source": ("", Filters(source="mail")),
    "person": ("", Filters(person="Person 17")),
    "since": ("", Filters(since=NOON + timedelta(seconds=270_000_000))),
}


def answers(search: Search, asked: dict[str, list[str]], by: By) -> dict[str, object]:
    """Return how long answers take, by sort of query and with each filter."""
    every = [query for some in asked.values() for query in some]

    def each(some: Sequence[str], type_: str = "", filters: Filters | None = None) -> list[Took]:
        return [
            took(lambda q=q: search.find(q, now=NOW, by=by, type_=type_, filters=filters))
            for q in some
        ]

    each(every[:3])  # the bits are read once a process
    by_sort = {name: each(some) for name, some in asked.items()}
    return {
        "all": spread([one for some in by_sort.values() for one in some]),
        "by_sort": {name: spread(some) for name, some in by_sort.items()},
        "filtered": {name: spread(each(every[::4], *given)) for name, given in FILTERS.items()},
    }


def ranked_by_fts5(search: Search, asked: dict[str, list[str]]) -> dict[str, float]:
    """Return how long FTS5 takes to rank everything itself."""
    sql = "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 20"
    every = [Words.of(query).match() for some in asked.values() for query in some]
    return spread([took(lambda m=m: search._db.execute(sql, (m,)).fetchall()) for m in every])  # noqa: SLF001


def recall(search: Search, labels: Copies, asked: Sequence[str]) -> float:
    """Return the share of the nearest vectors of all that are among the candidates."""
    db = labels._db  # noqa: SLF001
    ids, packed = zip(*db.execute("SELECT id, vectors FROM items"), strict=True)
    every = np.frombuffer(b"".join(packed), "<i2").reshape(len(ids), -1)
    rows = dict(search._db.execute("SELECT item, row FROM indexed"))  # noqa: SLF001
    shares: list[float] = []
    for query in asked:
        vector = labels.vector_of(query)
        told = np.array(list(vector), np.float32)
        far = np.concatenate([part.astype(np.float32) @ told for part in np.array_split(every, 50)])
        nearest = {rows[ids[at]] for at in np.argpartition(-far, NEAREST)[:NEAREST]}
        codes = search._read_codes()  # noqa: SLF001
        shares.append(len(nearest & set(codes.nearest(vector, 1000, between=(0, 2**63 - 1)))))
    return sum(shares) / len(shares) / NEAREST


def run(count: int, folder: Path | None, place: Path) -> dict[str, object]:
    """Measure, and return what to print."""
    said = lines(folder)
    Copies.originals = np.array([list(v) for v in shipped().embed(said[:REAL])], np.float64)
    stores = Derived(place / "views", bytes(32))
    people = People(stores, Aliases(bytes(32)))
    timeline = Timeline(stores, people.subject, people.mentions)
    permissions = Permissions(stores, timeline.subject)
    labels = Copies(stores, people, permissions, timeline, shipped())
    search = Watched(stores, people, permissions, timeline, labels)
    followers = (people, permissions, timeline, labels, search)
    for one in followers:
        one.begin("first")
    given = page(
        [
            ConsentGiven(statement=statement(Effect.ALLOW, t))
            for t in ("message", "document", "post")
        ],
        0,
    )
    position, spent = (
        given.position,
        {one.name: timed(lambda one=one: one.apply(given)) for one in followers},
    )
    source = items(said, count)
    while some := list(islice(source, PAGE)):
        made = page([ItemCollected(item=item) for item in some], position)
        position = made.position
        for one in followers:
            spent[one.name] += timed(lambda one=one, made=made: one.apply(made))
        if position % (50 * PAGE) < PAGE:
            spent["search"] += timed(lambda: search.settle(NOW))
    spent["search"] += timed(lambda: search.settle(NOW))
    asked = queries(said)
    found: dict[str, object] = {
        "items": count,
        "build_us_an_item": {name: round(s / count * 1e6) for name, s in spent.items()},
        "file_mb": round((place / "views" / "search.db").stat().st_size / 1e6),
        "first_answer_s": round(timed(lambda: search.find("hello", now=NOW, by=By.BOTH)), 3),
    }
    found |= {by.value: answers(search, asked, by) for by in By}
    found["peak_memory_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    fts5 = ranked_by_fts5(search, asked)
    found["fts5_ranks_all"] = fts5
    found["recall"] = round(recall(search, labels, asked["sentence"]), 4)
    found["withdrawal"] = withdrawal(followers, search, position)
    return found


def withdrawal(
    followers: Sequence[People | Permissions | Timeline | Labels | Search],
    search: Watched,
    position: int,
) -> dict[str, object]:
    """Take one item in a hundred back, and return how long it took to be gone, and destroyed."""
    filters = Filters(conversation=WITHDRAWN)
    event = ConsentWithdrawn(statement=statement(Effect.DENY, "message", filters), masked=())
    taken_back = page([event], position)
    before = len(search._rows("SELECT row FROM indexed"))  # noqa: SLF001
    for one in followers[:-1]:
        one.apply(taken_back)
    search.started = clocks()
    search.apply(taken_back)
    done, gone = since(search.started), search.taken
    assert gone, "the page was taken in"
    return {
        "rows": before - len(search._rows("SELECT row FROM indexed")),  # noqa: SLF001
        "gone_s": round(gone.clock, 3),
        "gone_cpu_s": round(gone.cpu, 3),
        "destroyed_s": round(done.clock, 3),
        "destroyed_cpu_s": round(done.cpu, 3),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--texts", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        result = run(given.items, given.texts, Path(folder))
    json.dump({**result, "goals": GOALS, "python": sys.version.split()[0]}, sys.stdout, indent=2)
