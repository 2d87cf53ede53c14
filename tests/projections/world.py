"""A log in memory and views over it, in memory or sealed on disk."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import apsw

from projections.definitions import checked
from projections.permissions import covering
from projections.redaction.fold import Folded
from projections.redaction.kinds import Found
from projections.views import Views
from vault import points
from vault.consent import Effect, Filters, Pause, Profile, Purpose, Statement, normal
from vault.derived import Derived
from vault.events import (
    ConsentGiven,
    ConsentProhibited,
    ConsentWithdrawn,
    Event,
    ItemCollected,
    ItemErased,
    PairReviewed,
    UsePaused,
    UseResumed,
    ViewDefined,
    ViewDropped,
)
from vault.follow import Entry, Head, Page, Without
from vault.items import Agent, Item

START = datetime(2026, 1, 1, tzinfo=UTC)
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)


def nanoseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000_000


class Log:
    """Pages of entries, as a log shows them to followers."""

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._last = 0
        self.order = "first"

    def add(self, *events: Event) -> list[str]:
        """Append one page."""
        entries = []
        for event in events:
            self._last += 1
            at = nanoseconds(START + timedelta(seconds=self._last))
            entries.append(
                Entry(position=self._last, id=f"e{self._last:05d}", topic="t", time=at, event=event)
            )
        self._last += 1
        self._pages.append(Page(entries=tuple(entries), position=self._last))
        return [entry.id for entry in entries]

    def destroy(self, ids: Sequence[str]) -> None:
        """Make entries unreadable, as erasing does."""
        gone = set(ids)
        self._pages = [
            Page(
                entries=tuple(
                    Entry(
                        position=e.position,
                        id=e.id,
                        topic=e.topic,
                        time=e.time,
                        event=None if e.id in gone else e.event,
                        erased=e.erased or e.id in gone,
                    )
                    for e in page.entries
                ),
                position=page.position,
            )
            for page in self._pages
        ]

    def arrived(self, late: Sequence[Event], before: int) -> None:
        """Take in a page that stands before others in merged order; positions count anew."""
        told = [list(page.entries) for page in self._pages]
        ids = [f"l{len(self._pages)}-{number}" for number in range(len(late))]
        at = told[before][0].time - 1_000_000
        told.insert(
            before,
            [
                Entry(position=0, id=id_, topic="t", time=at, event=event)
                for id_, event in zip(ids, late, strict=True)
            ],
        )
        self._pages, self._last = [], 0
        for entries in told:
            numbered = [
                entry._replace(position=self._last + number)
                for number, entry in enumerate(entries, start=1)
            ]
            self._last += len(numbered) + 1
            self._pages.append(Page(entries=tuple(numbered), position=self._last))
        self.order += "'"

    @property
    def head(self) -> Head:
        return Head(size=self._last, root=b"", position=self._last)

    @property
    def newest(self) -> datetime | None:
        return START + timedelta(seconds=self._last)

    def pages(self, after: int = 0) -> list[Page]:
        return [page for page in self._pages if page.position > after]


class Memory:
    """Stores without a disk; they stay when views are opened again."""

    def __init__(self) -> None:
        self._open: dict[str, apsw.Connection] = {}
        self.files: dict[str, bytes] = {}

    def database(self, name: str) -> apsw.Connection:
        return self._open.setdefault(name, apsw.Connection(":memory:"))

    def write(self, name: str, content: bytes) -> None:
        self.files[name] = content

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def delete(self, name: str) -> None:
        self.files.pop(name, None)
        self._open.pop(name, None)

    def names(self) -> tuple[str, ...]:
        return (*self.files, *self._open)


class Nobody:
    """A names model that guesses nothing: what is masked was known or shows by its form."""

    version = "nobody"

    def find(self, text: Folded) -> Iterator[Found]:
        """Find nothing."""
        del text
        return iter(())


class Died(BaseException):
    """The process ended here."""


class World:
    """One vault's log and views, and short ways to say what happens."""

    start, noon = START, NOON
    now = START + timedelta(days=30)

    def __init__(self, folder: Path | None = None) -> None:
        self.log = Log()
        self.folder = folder
        self.stores = Memory() if folder is None else Derived(folder / "views", bytes(32))
        self.views = self.open()
        self._said = 0

    def open(self, stores: Memory | None = None) -> Views:
        """Open views, over the same stores unless others are given."""
        models = Memory() if self.folder is None else Derived(self.folder / "models", bytes(32))
        return Views.open(
            stores or self.stores,
            models,
            alias_key=b"a" * 32,
            view_key=b"v" * 32,
            names=Nobody(),
        )

    def item(
        self,
        text: str,
        kind: str = "message.chat.direct.sent",
        *,
        with_: str | tuple[str, ...] = "name:Priya Nair",
        conversation: str = "Priya",
        minute: float = 0,
        **fields: object,
    ) -> Item:
        """Describe an item between the owner, Asha Rao, and somebody."""
        me = Agent(
            id="mailto:asha@home.example" if "email" in kind else "name:Asha Rao", name="Asha Rao"
        )
        others = tuple(
            Agent(id=one.partition("|")[0], name=one.partition("|")[2])
            for one in ((with_,) if isinstance(with_, str) else with_)
        )
        received = kind.endswith(".received")
        alone = not kind.startswith(("message.", "contact"))
        return Item(
            **{
                "source": "phone",
                "native_id": f"{kind}/{conversation}/{minute}/{text}",
                "type": kind,
                "at": NOON + timedelta(minutes=minute),
                "author": others[0] if received else me,
                "to": () if alone else ((me,) if received else others),
                "conversation": "" if alone else conversation,
                "text": text,
                **fields,
            }
        )

    def collect(self, *items: Item) -> list[str]:
        """Append items as one page."""
        return self.log.add(*(ItemCollected(item=item) for item in items))

    def statement(
        self,
        effect: str,
        type_: str,
        purpose: str = "train",
        *,
        redact: str = "balanced",
        expires: datetime | None = None,
        **filters: object,
    ) -> Statement:
        """Describe a statement."""
        self._said += 1
        return Statement(
            id=f"s{self._said}",
            effect=Effect(effect),
            type=type_,
            purpose=Purpose(purpose),
            filters=Filters(**filters),
            redact=Profile(redact),
            expires=expires,
        )

    def allow(self, *types: str, purpose: str = "train", **rest: object) -> None:
        """Append permissions as one page."""
        self.log.add(
            *(ConsentGiven(statement=self.statement("allow", t, purpose, **rest)) for t in types)
        )

    def deny(self, type_: str, purpose: str = "train", **rest: object) -> tuple[str, ...]:
        """Prohibit as the application does; return the ids of the items concerned."""
        return self._forbid(ConsentProhibited, self.statement("deny", type_, purpose, **rest))

    def withdraw(self, type_: str, purpose: str = "train", **filters: object) -> tuple[str, ...]:
        """Withdraw as the application does; return the ids of the items concerned."""
        return self._forbid(ConsentWithdrawn, self.statement("deny", type_, purpose, **filters))

    def _forbid(self, event, statement):
        self.views.catch_up(self.log)
        covered = [stored.id for stored in self.views.timeline.covered(statement)]
        self.log.add(event(statement=statement, masked=self.views.people.masked_for(covered)))
        return tuple(covered)

    def pause(self, type_: str = "", *, source: str = "", person: str = "") -> Pause:
        """Pause as the application does."""
        self._said += 1
        pause = Pause(id=f"p{self._said}", type=type_, source=source, person=normal(person))
        self.views.catch_up(self.log)
        covered = self.views.timeline.covered(covering(pause, Purpose.TRAIN))
        masked = self.views.people.masked_for([stored.id for stored in covered])
        self.log.add(UsePaused(pause=pause, masked=masked))
        return pause

    def merge(self, one: str, other: str) -> None:
        """Say that two persons are one, as the application does."""
        self.views.catch_up(self.log)
        people = self.views.people
        self.log.add(people.merging([people.called(one)[0], people.called(other)[0]]))

    def split(self, name: str, *texts: str) -> None:
        """Say that some of a person's names and addresses are another's."""
        self.views.catch_up(self.log)
        people = self.views.people
        self.log.add(people.splitting(people.called(name)[0], texts))

    def relate(self, name: str, relation: str) -> None:
        """Say what a person is to the owner."""
        self.views.catch_up(self.log)
        people = self.views.people
        self.log.add(people.relating(people.called(name)[0], relation))

    def define(self, name: str, **fields: object) -> None:
        """Define a view."""
        filters = {k: fields.pop(k) for k in list(fields) if k in Filters.__dataclass_fields__}
        self.log.add(checked(ViewDefined(name=name, filters=Filters(**filters), **fields)))

    def drop(self, name: str) -> None:
        """Say that a view is not made any more."""
        self.log.add(ViewDropped(name=name))

    def review(self, row, verdict: str, *, prompt: str = "", answer: str = "") -> list[str]:
        """Approve, reject or edit the example behind a row."""
        return self.log.add(
            PairReviewed(
                pair=row.facts.pair,
                item_ids=row.facts.learned,
                verdict=verdict,
                prompt=prompt,
                answer=answer,
            )
        )

    def resume(self, pause: Pause) -> None:
        """End a pause."""
        self.log.add(UseResumed(pause=pause))

    def erase(self, *ids: str) -> None:
        """Erase items as the application does."""
        self.views.catch_up(self.log)
        entries = self.views.entries(ids)
        masked = self.views.people.masked_for(ids)
        self.log.add(ItemErased(item_ids=entries, masked=masked))
        self.log.destroy(entries)

    def follow(self) -> Views:
        """Catch up and settle."""
        self.views.catch_up(self.log)
        self.views.settle(self.now)
        return self.views

    def die_at(self, count: int, work: Callable[[], object]) -> None:
        """Work until some named point of a view is passed for the nth time; then start again."""
        left = [count]

        def reached(name: str) -> None:
            left[0] -= 1
            if name.startswith("view.") and left[0] < 0:
                raise Died

        original, points.reached = points.reached, reached
        try:
            work()
        except Died:
            self.views = self.open()
        finally:
            points.reached = original

    def rows(self, views: Views | None = None, *, view: str = "") -> list:
        """Return the rows that may be learned from now."""
        views = views or self.follow()
        return list(views.named(view).rows(now=self.now))

    def said(self) -> list[list[tuple[str, str]]]:
        """Return the messages of all rows."""
        return sorted([(m.role, m.content) for m in row.messages] for row in self.rows())

    def clean(self, without: Sequence[str] = ()) -> Views:
        """Views made from zero over the log, as if some items had never been there."""
        views = self.open(Memory())
        gone = frozenset(self.views.entries(without))
        views.catch_up(Without(self.log, gone, until=self.log.head.position))
        views.settle(self.now)
        return views
