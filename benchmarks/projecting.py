"""What views cost at a million events: CPU time by view and stage, memory, and a withdrawal.

    python benchmarks/projecting.py [--most N] [--names]

A log of chats (60 in a hundred, about 200 characters each, in bursts, 500 conversations of
300 people), mail (25) and notes (15) is made at three sizes, each a tenth of the next, with the
same number of events a day: a million span twelve years. Words are drawn by rank from the
vocabulary that ships, one message in ten names somebody, one in forty gives a number or an
address. Then, in a process of its own, every view is made from zero over the sealed log with
all at rest as in a vault: `read` is the log alone, verified, decrypted and decoded; each view
has what its pages and its settling take. Without `--names` nothing guesses names; people of the
metadata, patterns and labels are found as ever.

`slope` is that of the straight line through log(cost) against log(events). `withdrawn` is the
time by the clock from appending that one conversation, and then that one person, may be
neither learned from nor found, until no view teaches or finds them (`gone`), and until their words
are destroyed and what they were among is made anew (`done`); `masking` comes before and gathers the
people concerned. `library` is the projection runner of `eventsourcing` with its SQLite
tracking recorder, one transaction an event, WAL and FULL sync, keeping items in tables like the
timeline's; its application lies in memory, because SQLite has no subscriptions there. It is
measured on fewer events, and its cost, one an event, is compared with that of the timeline alone
over the middle log, read from disk, verified and decrypted; by the clock, since waiting for
the disk is what durable costs, and by CPU time.
"""

import argparse
import json
import os
import random
import resource
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib.resources import files
from itertools import accumulate
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.application import Application, EventSourcedLog
from eventsourcing.domain import DomainEvent
from eventsourcing.persistence import Tracking
from eventsourcing.projection import Projection, ProjectionRunner
from eventsourcing.sqlite import SQLiteTrackingRecorder
from scaling import slope

from projections.redaction.fold import Folded
from projections.redaction.kinds import Found
from projections.threads import unit_of
from projections.view import View, encode
from projections.views import Views
from vault.application import Vault
from vault.codec import encode as encode_event
from vault.consent import Effect, Filters, Purpose, Statement, normal
from vault.derived import Derived
from vault.events import ConsentGiven, ConsentWithdrawn, Event, ItemCollected, OwnerNamed
from vault.follow import Page, catch_up
from vault.items import Agent, Item
from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import Draft, SealedLog

PAGE = 1000
START = datetime(2013, 1, 7, tzinfo=UTC)
A_DAY = 228  # events
PEOPLE, DIRECT, GROUPS = 300, 300, 200
BIG = 1 / 60  # of all bursts: one conversation holds about one event in a hundred
HALF, NAMED, REACHED = 0.5, 0.1, 0.025
LIBRARY = 3000
PASSPHRASE = "benchmark"
GOALS = {"a_cpu_second": 10_000, "slope": 1.05, "library": 50, "gone_seconds": 1, "mb": 500}
FLATTEST = 0.95
ALLOWED = (
    "message",
    "message.chat.direct.received",
    "message.chat.group.received",
    "message.email.received",
    "document",
)
ME = Agent(id="mailto:asha.rao@home.example", name="Asha Rao")


class Nobody:
    """A names model that guesses nothing."""

    version = "nobody"

    def find(self, text: Folded) -> Iterator[Found]:
        """Find nothing."""
        del text
        return iter(())


# ---------------------------------------------------------------------- a life


@cache
def people() -> tuple[Agent, ...]:
    """Return everybody she knows."""
    given, families = (
        [w.title() for w in files("projections.redaction").joinpath(n).read_text("utf-8").split()]
        for n in ("given.txt", "family.txt")
    )
    pick = random.Random(7)
    found: dict[str, Agent] = {}
    while len(found) < PEOPLE:
        first, last = pick.choice(given), pick.choice(families) + pick.choice(("", "son", "er"))
        if first.isalpha() and last.isalpha():
            address = f"mailto:{first}.{last}@{pick.choice('abcde')}.example".lower()
            found.setdefault(f"{first} {last}", Agent(id=address, name=f"{first} {last}"))
    return tuple(found.values())


class Life:
    """Draws events, one after the other; the same number always draws the same."""

    def __init__(self, seed: int) -> None:
        self._pick = random.Random(seed)
        vocabulary = files("projections.redaction").joinpath("vocabulary.txt").read_text("utf-8")
        self._words = [w for w in vocabulary.split() if w.isalpha()]
        self._weights = list(accumulate(1 / rank for rank in range(3, 3 + len(self._words))))
        groups = random.Random(8)
        self._groups = [groups.sample(people(), groups.randint(3, 6)) for _ in range(GROUPS)]
        self._count = 0

    def items(self) -> Iterator[Item]:
        """Yield items for ever."""
        while True:
            # Bursts of chat have eight messages in the mean, threads of mail three.
            (kind,) = self._pick.choices(
                (self._burst, self._mails, self._note), (60 / 8, 25 / 3, 15)
            )
            yield from kind()

    def _burst(self) -> Iterator[Item]:
        place = 0 if self._pick.random() < BIG else self._pick.randrange(1, DIRECT + GROUPS)
        them = [people()[place]] if place < DIRECT else self._groups[place - DIRECT]
        kind = "direct" if place < DIRECT else "group"
        for _ in range(self._pick.randint(1, 15)):
            received = self._pick.random() < HALF
            author = self._pick.choice(them) if received else ME
            yield self._item(
                f"message.chat.{kind}.{'received' if received else 'sent'}",
                self._text(self._pick.randint(15, 45)),
                source="phone",
                author=author,
                to=tuple(one for one in (ME, *them) if one is not author),
                conversation=f"chat {place}",
            )

    def _mails(self) -> Iterator[Item]:
        them = self._pick.sample(people(), self._pick.choice((1, 1, 1, 2, 3)))
        conversation, title = f"mail {self._count}", self._text(4)
        for _ in range(self._pick.randint(1, 5)):
            received = self._pick.random() < HALF
            author = self._pick.choice(them) if received else ME
            yield self._item(
                f"message.email.{'received' if received else 'sent'}",
                self._text(self._pick.randint(30, 90)),
                source="mail",
                author=author,
                to=tuple(one for one in (ME, *them) if one is not author),
                conversation=conversation,
                title=title,
            )

    def _note(self) -> Iterator[Item]:
        yield self._item(
            "document.note",
            self._text(self._pick.randint(20, 60)),
            source="notes",
            author=ME,
            title=self._text(3),
        )

    def _text(self, length: int) -> str:
        found = self._pick.choices(self._words, cum_weights=self._weights, k=length)
        chance = self._pick.random()
        if chance < NAMED:
            found[length // 2] = self._pick.choice(people()).name.split()[0]
        elif chance < NAMED + REACHED:
            number = f"0151 {self._pick.randrange(10**6, 10**7)}"
            found.append(self._pick.choice((number, f"{found[0]}@{found[1]}.example")))
        found[0] = found[0].title()
        return " ".join(found) + "."

    def _item(self, type_: str, text: str, **fields: Any) -> Item:  # noqa: ANN401 - an item's
        self._count += 1
        at = START + timedelta(days=self._count / A_DAY)
        return Item(native_id=f"{self._count:09d}", type=type_, at=at, text=text, **fields)


def made(
    place: Path, events: int, purposes: tuple[Purpose, ...] = (Purpose.TRAIN, Purpose.SEARCH)
) -> None:
    """Make a vault with so many events, all of which may be used for some purposes."""
    log = home.create(
        place / "vault",
        PASSPHRASE,
        place / "recovery.txt",
        stretch=Stretch(memory=64, passes=1, lanes=1),
    )
    given = (_statement(t, p) for t in ALLOWED for p in purposes)
    Vault(log).record(
        OwnerNamed(names=("Asha Rao", "asha.rao@home.example")),
        *(ConsentGiven(statement=one) for one in given),
    )
    life = Life(1).items()
    for _ in range(0, events, PAGE):
        log.append([_draft(next(life)) for _ in range(PAGE)])
    log.close()


def _statement(
    type_: str,
    purpose: Purpose,
    effect: Effect = Effect.ALLOW,
    filters: Filters = Filters(),  # noqa: B008 - frozen
) -> Statement:
    name = f"{effect}/{type_}/{purpose}/{filters}"
    return Statement(id=name, effect=effect, type=type_, purpose=purpose, filters=filters)


def _draft(item: Item) -> Draft:
    event = ItemCollected(item=item)
    key = f"{item.source}\x1f{item.native_id}".encode()
    scope = f"{item.source}\x1f{item.conversation}"
    return Draft(event=event, scope=scope, natural_key=key, content=encode_event(event))


# ---------------------------------------------------------------------- views


@dataclass(slots=True)
class Clock:
    """Seconds by some clock, by what took them."""

    now: Callable[[], float]
    spent: dict[str, float] = field(default_factory=dict)

    def took(self, name: str, work: Callable[[], object]) -> None:
        """Count what some work takes."""
        start = self.now()
        work()
        self.spent[name] = self.spent.get(name, 0.0) + self.now() - start


@dataclass(slots=True)
class Timed:
    """A view whose pages are timed."""

    name: str
    view: View
    clock: Clock

    @property
    def position(self) -> int:
        """The position of the last page applied."""
        return self.view.position

    def begin(self, order: str) -> None:
        """Follow the log in this order."""
        self.view.begin(order)

    def apply(self, page: Page) -> None:
        """Take in one page."""
        self.clock.took(self.name, partial(self.view.apply, page))


def followed(views: Views, log: SealedLog, clock: Clock) -> None:
    """Bring views to the end of the log and settle them."""
    start, before = clock.now(), sum(clock.spent.values())
    catch_up(log, [Timed(view.name, view, clock) for view in views.all])
    clock.spent["read"] = clock.now() - start - (sum(clock.spent.values()) - before)
    now = Vault(log).now()
    for view in views.all:
        settle = getattr(view, "settle", None)
        if settle:
            clock.took(f"{view.name}, settled", partial(settle, now))


def measured(place: Path, *, names: bool) -> dict[str, object]:
    """Make every view over a vault, then withdraw; return what it took."""
    log = home.open_(place / "vault", PASSPHRASE)
    views = _open(place, names=names)
    clock, started = Clock(process_time), perf_counter()
    followed(views, log, clock)
    by_clock = perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    events = views.timeline.count()
    found: dict[str, object] = {
        "events": events,
        "cpu_seconds": sum(clock.spent.values()),
        "cpu_microseconds_each": {
            name: round(seconds / events * 1e6, 1) for name, seconds in clock.spent.items()
        },
        "seconds": by_clock,
        "peak_memory_mb": round(peak),
        "megabytes_of_views": {
            path.stem: round(path.stat().st_size / 1e6, 1)
            for path in sorted((place / "views").glob("*.db"))
        },
    }
    found["withdrawn"] = {
        "conversation": _withdrawn(views, log, Filters(conversation="chat 0")),
        "person": _withdrawn(views, log, Filters(person=normal(people()[1].id))),
    }
    views.close()
    log.close()
    return found


def kept(place: Path) -> dict[str, float]:
    """Return what the timeline alone takes for one event, in seconds of CPU and by the clock."""
    log = home.open_(place / "vault", PASSPHRASE)
    views = _open(place / "alone", names=False)
    cpu, clock = process_time(), perf_counter()
    catch_up(log, [views.timeline])
    spent = {"cpu": process_time() - cpu, "clock": perf_counter() - clock}
    count = views.timeline.count()
    views.close()
    log.close()
    return {name: seconds / count for name, seconds in spent.items()}


def _open(place: Path, *, names: bool) -> Views:
    return Views.open(
        Derived(place / "views", bytes(32)),
        Derived(place / "models", bytes(32)),
        alias_key=b"a" * 32,
        view_key=b"v" * 32,
        names=None if names else Nobody(),
    )


def _withdrawn(views: Views, log: SealedLog, filters: Filters) -> dict[str, object]:
    """Withdraw what a filter is about, for every use, and return the seconds until it is gone."""
    before = perf_counter()
    said = [
        _statement("message", purpose, Effect.DENY, filters)
        for purpose in (Purpose.TRAIN, Purpose.SEARCH)
    ]
    ids = list(views.timeline.covered_ids(said[0]))
    rows, masked = views.training.holding(ids), views.people.masked_for(ids)
    asked = perf_counter()
    taken: list[float] = []
    destroy = views.search._destroy  # noqa: SLF001

    def noting() -> None:
        # The last view has taken the page in; only destroying is left.
        taken.append(perf_counter())
        destroy()

    views.search._destroy = noting  # noqa: SLF001
    events: list[Event] = [ConsentWithdrawn(statement=one, masked=masked) for one in said]
    clock = Clock(perf_counter)
    clock.took("append", partial(Vault(log).record, *events))
    followed(views, log, clock)
    done = perf_counter() - asked
    views.search._destroy = destroy  # noqa: SLF001
    assert not views.training.holding(ids), "no row is left"
    assert not views.search.holding(ids), "nothing is found"
    return {
        "items": len(ids),
        "share": round(len(ids) / views.timeline.count(), 4),
        "rows": rows,
        "masking_seconds": round(asked - before, 3),
        "gone_seconds": round(taken[0] - asked, 3),
        "done_seconds": round(done, 3),
        "by_view": {name: round(seconds, 3) for name, seconds in clock.spent.items()},
    }


# ---------------------------------------------------------------------- the library


class Collected(DomainEvent):
    """An item as the library's own log keeps it."""

    item: dict[str, Any]


class Kept(SQLiteTrackingRecorder):
    """The tables of the timeline as a view of the library's."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - the library's own
        super().__init__(*args, **options)
        self.create_table_statements += [
            """CREATE TABLE items (id TEXT PRIMARY KEY, position INTEGER NOT NULL, at INTEGER, type
               TEXT NOT NULL, source TEXT NOT NULL, conversation TEXT NOT NULL, labels BLOB NOT
               NULL, unit TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID""",
            "CREATE INDEX items_by_unit ON items (unit, at, position)",
            "CREATE INDEX items_by_conversation ON items (source, conversation)",
            "CREATE TABLE entries (entry TEXT PRIMARY KEY, item TEXT NOT NULL) WITHOUT ROWID",
            "CREATE INDEX entries_by_item ON entries (item)",
        ]

    def keep(self, item: Item, tracking: Tracking) -> None:
        """Keep an item and how far the log was read, in one transaction."""
        id_ = f"e-{tracking.notification_id}"
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute("INSERT INTO entries VALUES (?, ?)", (id_, id_))
            cursor.execute(
                "INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    id_,
                    tracking.notification_id,
                    None if item.at is None else round(item.at.timestamp() * 1e6),
                    item.type,
                    item.source,
                    item.conversation,
                    encode(item.labels),
                    unit_of(id_, item),
                    encode(item),
                ),
            )


class Folding(Projection[Kept]):
    """The fold of the timeline as the library runs it."""

    name = "folding"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:  # noqa: ANN401
        """Take in one event."""
        self.view.keep(msgspec.convert(domain_event.item, Item), tracking)


class Lived(Application[UUID]):
    """A life in the library's own log, in memory."""

    name = "lived"


def by_library(place: Path, events: int) -> dict[str, float]:
    """Return what the library takes for one event, in seconds of CPU and by the clock."""
    env = {
        "FOLDING_PERSISTENCE_MODULE": "eventsourcing.sqlite",
        "FOLDING_SQLITE_DBNAME": os.fspath(place / "library.db"),
    }
    runner = ProjectionRunner(
        application_class=Lived, projection_class=Folding, view_class=Kept, env=env
    )
    database = runner.projection.view.datastore
    with database.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA synchronous")
        assert cursor.fetchone()[0] == 2, "FULL"  # noqa: PLR2004 - as SQLite counts
    logged = EventSourcedLog(runner.app.events, UUID(int=1), Collected)
    life = Life(1).items()
    told = [
        logged.trigger_event(number, item=msgspec.to_builtins(next(life)))
        for number in range(1, events + 1)
    ]
    cpu, clock = process_time(), perf_counter()
    recorded = runner.app.save(*told)
    runner.wait(recorded[-1].notification.id, timeout=600)
    found = {"cpu": (process_time() - cpu) / events, "clock": (perf_counter() - clock) / events}
    runner.stop()
    return found


# ---------------------------------------------------------------------- all of it


def alone(work: Callable[..., Any], place: Path, **options: object) -> Any:  # noqa: ANN401 - its own
    """Return what some work gives in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, place, **options).result()


def run(most: int, *, names: bool) -> dict[str, object]:
    """Measure, and return what to print."""
    sizes = [most // 100, most // 10, most]
    found: dict[int, dict[str, Any]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            alone(made, Path(folder), events=size)
            found[size] = alone(measured, Path(folder), names=names)
            if size == sizes[1]:
                ours = alone(kept, Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        library = alone(by_library, Path(folder), events=min(LIBRARY, most))
    end = found[most]
    each = end["cpu_seconds"] / end["events"]
    grows = slope([(one["events"], one["cpu_seconds"]) for one in found.values()])
    gone = max(one["gone_seconds"] for one in end["withdrawn"].values())
    ratios = {name: library[name] / ours[name] for name in ours}
    return {
        "sizes": found,
        "events_a_cpu_second": round(1 / each),
        "slope": round(grows, 3),
        "library_microseconds_each": _micros(library),
        "timeline_microseconds_each": _micros(ours),
        "ratios_to_library": {name: round(ratio, 1) for name, ratio in ratios.items()},
        "gone_seconds": gone,
        "goals": GOALS,
        "met": {
            "a_cpu_second": 1 / each >= GOALS["a_cpu_second"],
            "slope": FLATTEST <= grows <= GOALS["slope"],
            "library": ratios["clock"] >= GOALS["library"],
            "gone_seconds": gone < GOALS["gone_seconds"],
            "mb": end["peak_memory_mb"] < GOALS["mb"],
        },
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
    }


def _micros(each: dict[str, float]) -> dict[str, float]:
    return {name: round(seconds * 1e6, 1) for name, seconds in each.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--most", type=int, default=1_000_000)
    parser.add_argument("--names", action="store_true", help="guess names of strangers too")
    options = parser.parse_args()
    print(json.dumps(run(options.most, names=options.names), indent=2))
