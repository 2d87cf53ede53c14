"""What the owner said, in order, and what follows from it for an item at a moment.

Besides statements she says what is paused and for how long items are kept. Retention acts
on the clock, so this view also keeps when the time in the log last leapt.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec

from projections.view import Databases, Value, View, decode_statement, encode
from vault.consent import (
    Decision,
    Effect,
    Filters,
    Pause,
    Profile,
    Purpose,
    Statement,
    Subject,
    decide_by,
    heeded,
    in_force,
    same_wish,
    same_words,
    standing,
)
from vault.events import (
    ConsentGiven,
    ConsentObserved,
    ConsentProhibited,
    ConsentWithdrawn,
    Event,
    ItemCollected,
    ItemErased,
    RetentionSet,
    UsePaused,
    UseResumed,
)
from vault.follow import Entry, Page, moment
from vault.retention import LEAP

__all__ = [
    "Heard",
    "Judge",
    "Permissions",
    "Recorded",
    "Standstill",
    "Told",
    "Waiting",
    "covering",
    "said_of",
    "statement_of",
    "strictest",
]

Heard = (
    ConsentGiven
    | ConsentProhibited
    | ConsentWithdrawn
    | ConsentObserved
    | UsePaused
    | UseResumed
    | RetentionSet
)
"""Whatever changes what may be done, or asks for it."""

_UNKNOWN = Decision(permitted=False, reason="The item is unknown or erased.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What another application asks for in the pod, as far as only the owner can say it.

    `counts` is what of it narrowed what she had said, and held at once.
    """

    statement: Statement
    counts: Statement | None
    document: str
    digest: bytes
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A statement or a pause that counts, and when it was said; `withdrawn` takes something back.

    `observed` is no word of the owner's: another application wrote it into her pod.
    """

    words: Statement | Pause
    at: datetime
    withdrawn: bool = False
    observed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Something that was said of consent, by whomever, and where it stands in the log."""

    position: int
    at: datetime
    event: Heard


def statement_of(event: Event | None) -> Statement | None:
    """Return what an event makes part of the owner's word, None where it is none.

    What another application wrote into the pod is none: it counts as far as it narrows what
    she had said before (`vault.consent.heeded`).
    """
    match event:
        case ConsentGiven(statement=statement):
            return statement
        case ConsentProhibited(statement=statement) | ConsentWithdrawn(statement=statement):
            return replace(statement, effect=Effect.DENY)
        case _:
            return None


class Standstill(Statement):
    """The prohibition that covers the same items as a pause: those that mention its person, too."""

    __slots__ = ()


def covering(pause: Pause, purpose: Purpose) -> Standstill:
    """Return the prohibition that covers the same items as a pause."""
    return Standstill(
        id=pause.id,
        effect=Effect.DENY,
        type=pause.type,
        purpose=purpose,
        filters=Filters(source=pause.source, person=pause.person),
    )


def said_of(event: Event | None, purpose: Purpose) -> Statement | None:
    """Return a statement about the items whose use for a purpose an event may change."""
    match event:
        case UsePaused(pause=pause) | UseResumed(pause=pause):
            return covering(pause, purpose) if purpose is not Purpose.COLLECT else None
        case _:
            observed = event.statement if isinstance(event, ConsentObserved) else None
            statement = observed or statement_of(event)
            return statement if statement and statement.purpose is purpose else None


class Judge:
    """Decides for one purpose at one moment; alike items are decided once.

    Only what some statement looks at can tell two items apart.
    """

    def __init__(
        self,
        statements: Iterable[Statement],
        purpose: Purpose,
        now: datetime,
        *,
        recipient: str = "",
        pauses: tuple[Pause, ...] = (),
    ) -> None:
        self.purpose = purpose
        self.now = now
        self._pauses = pauses
        self._standing = standing(statements, purpose, now, recipient=recipient)
        filters = [s.filters for s in self._standing]
        self._persons = any(f.person for f in filters) or any(p.person for p in pauses)
        self._conversations = any(f.conversation for f in filters)
        self._dates = any(f.since is not None or f.until is not None for f in filters)
        self._decided: dict[object, Decision] = {}

    def __call__(self, subject: Subject) -> Decision:
        """Decide for an item."""
        key = (
            subject.type,
            subject.source,
            subject.labels,
            subject.conversation if self._conversations else "",
            (subject.author, subject.people, subject.mentioned) if self._persons else (),
            subject.at if self._dates else None,
        )
        decision = self._decided.get(key)
        if decision is None:
            decision = self._decided[key] = decide_by(
                self._standing, subject, self.purpose, self._pauses
            )
        return decision

    @property
    def grounds(self) -> tuple[Statement | Pause, ...]:
        """All that it decides by: the pauses and statements that stand."""
        return (*self._pauses, *self._standing)

    def forbids(self, statement: Statement) -> bool:
        """Whether everything that a statement is about is forbidden because of it alone."""
        if isinstance(statement, Standstill):
            said = (covering(pause, self.purpose) for pause in self._pauses)
            return self.purpose is not Purpose.COLLECT and statement in said
        return statement.effect is Effect.DENY and statement in self._standing


class Permissions(View):
    """The follower that keeps every statement, in the order in which it was said."""

    name = "permissions"
    version = "5"
    tables = """
        CREATE TABLE statements (
            position INTEGER PRIMARY KEY, id TEXT NOT NULL, masks INTEGER NOT NULL,
            time INTEGER NOT NULL, withdrawn INTEGER NOT NULL, observed INTEGER NOT NULL,
            body BLOB NOT NULL);
        CREATE TABLE observed (
            document TEXT NOT NULL, digest BLOB NOT NULL,
            PRIMARY KEY (document, digest)) WITHOUT ROWID;
        CREATE TABLE waiting (position INTEGER PRIMARY KEY, body BLOB NOT NULL);
        CREATE TABLE pauses (
            position INTEGER PRIMARY KEY, id TEXT NOT NULL, time INTEGER NOT NULL,
            body BLOB NOT NULL);
        CREATE TABLE begun (id TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE retention (type TEXT PRIMARY KEY, days INTEGER) WITHOUT ROWID;
        CREATE TABLE history (position INTEGER PRIMARY KEY, time INTEGER NOT NULL,
            kind TEXT NOT NULL, body BLOB NOT NULL);
    """

    def __init__(self, databases: Databases, subject_of: Callable[[str], Subject | None]) -> None:
        super().__init__(databases)
        self._subject_of = subject_of
        self._kept: tuple[Statement, ...] = ()
        self._kept_at: tuple[str, int] | None = None

    @property
    def newest(self) -> datetime | None:
        """The time of the newest entry seen."""
        return self._time("newest")

    @property
    def leapt(self) -> datetime | None:
        """When the time in the log last leapt ahead, unless an erasure has vouched for it since."""
        return self._time("leapt")

    def _time(self, key: str) -> datetime | None:
        micros = self._get(key)
        return None if micros is None else datetime.fromtimestamp(int(micros) / 1e6, UTC)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Everything the owner ever said, in order."""
        reached = self._reached
        if self._kept_at != reached:
            self._kept = self._said()
            self._kept_at = reached
        return self._kept

    def _said(self) -> tuple[Statement, ...]:
        rows = self._rows("SELECT body FROM statements ORDER BY position")
        return tuple(decode_statement(body) for (body,) in rows if isinstance(body, bytes))

    def statement(self, id_: str) -> tuple[Statement, datetime] | None:
        """Return a statement that counts, and when it was said; None where there is none."""
        rows = self._rows("SELECT body, time FROM statements WHERE id = ?", (id_,))
        for body, time in rows:
            assert isinstance(body, bytes)
            return decode_statement(body), moment(int(str(time)))
        return None

    @property
    def told(self) -> tuple[Told, ...]:
        """Everything that counts, in order: each statement and each pause that was not ended."""
        rows = self._rows(
            "SELECT position, time, withdrawn, observed, body FROM statements"
            " UNION ALL SELECT position, time, NULL, NULL, body FROM pauses ORDER BY position"
        )
        return tuple(
            Told(
                words=_pause.decode(body) if withdrawn is None else decode_statement(body),
                at=datetime.fromtimestamp(int(str(time)) // 1000 / 1e6, UTC),
                withdrawn=bool(withdrawn),
                observed=bool(observed),
            )
            for _, time, withdrawn, observed, body in rows
            if isinstance(body, bytes)
        )

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What waits for the owner's word, in order: she has said nothing on the same words since."""
        return tuple(waiting for _, waiting in self._waiting())

    def observed(self, document: str, digest: bytes) -> bool:
        """Whether a document in the pod was heard as it stands."""
        found = "SELECT 1 FROM observed WHERE document = ? AND digest = ?"
        return self._one(found, (document, digest)) is not None

    def begun(self, pause_id: str) -> bool:
        """Whether a pause began, be it that it has ended since."""
        return self._one("SELECT 1 FROM begun WHERE id = ?", (pause_id,)) is not None

    def _waiting(self) -> list[tuple[Value, Waiting]]:
        rows = self._rows("SELECT position, body FROM waiting ORDER BY position")
        return [(at, _waiting.decode(body)) for at, body in rows if isinstance(body, bytes)]

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """The pauses that were not ended, in the order in which they began."""
        rows = self._rows("SELECT body FROM pauses ORDER BY position")
        return tuple(_pause.decode(body) for (body,) in rows if isinstance(body, bytes))

    @property
    def retention(self) -> dict[str, int | None]:
        """For how many days items of a type are kept; None: for ever."""
        rows = self._rows("SELECT type, days FROM retention ORDER BY type")
        return {str(kind): None if days is None else int(days) for kind, days in rows}

    def moment(self, now: datetime) -> datetime:
        """Return the later of a time and the newest entry."""
        newest = self.newest
        return now if newest is None else max(now, newest)

    def judge(
        self,
        purpose: Purpose,
        now: datetime,
        *,
        also: tuple[Statement, ...] = (),
        recipient: str = "",
        resumed: bool = False,
        pauses: tuple[Pause, ...] | None = None,
    ) -> Judge:
        """Return who decides for many items at once.

        Args:
            purpose: What they would be used for.
            now: The time; the newest entry counts where it is later.
            also: Statements to be tried as if they had been said last.
            recipient: For `share`, to whom.
            resumed: As if every pause had been ended.
            pauses: As if these had been begun and not ended, and no others.
        """
        if pauses is None:
            pauses = () if resumed else self.pauses
        return Judge(
            (*self.statements, *also),
            purpose,
            self.moment(now),
            recipient=recipient,
            pauses=pauses,
        )

    def decide(
        self, item: str | Subject, purpose: Purpose, now: datetime, *, recipient: str = ""
    ) -> Decision:
        """Decide for an item or its id; what is unknown or erased is denied."""
        subject = self._subject_of(item) if isinstance(item, str) else item
        if subject is None:
            return _UNKNOWN
        return self.judge(purpose, now, recipient=recipient)(subject)

    def expired(self, after: datetime, until: datetime) -> list[Statement]:
        """Return the statements that ended after one moment, until another."""
        return [s for s in self.statements if s.expires is not None and after < s.expires <= until]

    def profile_of(self, statement_ids: Iterable[str]) -> Profile | None:
        """Return the strictest profile of some statements, None where one is unknown."""
        by_id = {s.id: s.redact for s in self.statements}
        found = [by_id.get(one) for one in statement_ids]
        profiles = [p for p in found if p is not None]
        return strictest(profiles) if len(profiles) == len(found) and found else None

    def withdrawn(self, purpose: Purpose, now: datetime) -> list[tuple[int, Statement]]:
        """Return the prohibitions in force whose events masked people, and their positions.

        A pause that was not ended is one of them, for every purpose that it stops.
        """
        now = self.moment(now)
        standing = {id(s) for s in in_force(self.statements)}
        rows = self._rows("SELECT position, masks FROM statements ORDER BY position")
        said = [
            (int(str(position)), s)
            for (position, masks), s in zip(rows, self.statements, strict=True)
            if masks
            and id(s) in standing
            and s.purpose is purpose
            and s.effect is Effect.DENY
            and (s.expires is None or now < s.expires)
        ]
        paused = self._rows("SELECT position FROM pauses ORDER BY position")
        if purpose is not Purpose.COLLECT:
            said += [
                (int(str(position)), covering(pause, purpose))
                for (position,), pause in zip(paused, self.pauses, strict=True)
            ]
        return said

    def history(self, before: int | None = None, limit: int = -1) -> tuple[Recorded, ...]:
        """Return what was said, of everything, the newest first.

        Args:
            before: Only what stands before this position of the log.
            limit: How many at most; a negative number stands for all.
        """
        rows = self._rows(
            "SELECT position, time, kind, body FROM history WHERE ?1 IS NULL OR position < ?1"
            " ORDER BY position DESC LIMIT ?2",
            (before, limit),
        )
        return tuple(
            Recorded(
                position=int(str(position)),
                at=moment(int(str(time))),
                event=_KINDS[str(kind)].decode(body),
            )
            for position, time, kind, body in rows
            if isinstance(body, bytes)
        )

    @property
    def edition(self) -> str:
        """What changes whenever anything is said of consent, by whomever."""
        newest = int(self._one("SELECT max(position) FROM history") or 0)
        return f"{self.order}.{newest}"

    def _record(self, entry: Entry) -> None:
        event = entry.event
        if not isinstance(event, Heard):
            return
        if isinstance(event, ConsentProhibited | ConsentWithdrawn | UsePaused):
            event = replace(event, masked=())
        self._db.execute(
            "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?)",
            (entry.position, entry.time, type(event).__name__, encode(event)),
        )

    def _take(self, page: Page) -> None:
        self._tell_time(page.entries)
        for entry in page.entries:
            self._record(entry)
            match entry.event:
                case ItemCollected():
                    pass
                case UsePaused(pause=pause):
                    self._db.execute(
                        "INSERT OR REPLACE INTO pauses VALUES (?, ?, ?, ?)",
                        (entry.position, pause.id, entry.time, encode(pause)),
                    )
                    self._db.execute("INSERT OR IGNORE INTO begun VALUES (?)", (pause.id,))
                case UseResumed(pause=pause):
                    self._db.execute("DELETE FROM pauses WHERE id = ?", (pause.id,))
                case RetentionSet(type=type_, days=days):
                    self._db.execute(
                        "INSERT OR REPLACE INTO retention VALUES (?, ?)", (type_, days)
                    )
                case ConsentObserved() as observed:
                    self._observe(entry, observed)
                case event:
                    self._hear(entry, event)

    def _hear(self, entry: Entry, event: Event | None) -> None:
        statement = statement_of(event)
        if statement:
            self._note(entry, statement)
            for position, waiting in self._waiting():
                if same_words(waiting.statement, statement):
                    self._db.execute("DELETE FROM waiting WHERE position = ?", (position,))

    def _note(self, entry: Entry, statement: Statement) -> None:
        withdrawn = isinstance(entry.event, ConsentWithdrawn)
        masks = withdrawn or isinstance(entry.event, ConsentProhibited)
        observed = isinstance(entry.event, ConsentObserved)
        body = encode(statement)
        self._db.execute(
            "INSERT OR REPLACE INTO statements VALUES (?, ?, ?, ?, ?, ?, ?)",
            (entry.position, statement.id, masks, entry.time, withdrawn, observed, body),
        )

    def _observe(self, entry: Entry, observed: ConsentObserved) -> None:
        """Take for said what narrows what was said; the rest of it waits for the owner's word."""
        asked = observed.statement
        edit = (observed.document, observed.digest)
        self._db.execute("INSERT OR IGNORE INTO observed VALUES (?, ?)", edit)
        counts = heeded(self._said(), asked, entry.at)
        if counts:
            self._note(entry, counts)
        known = (waiting.statement for waiting in self.waiting)
        if counts != asked and not any(same_wish(one, asked, entry.at) for one in known):
            waiting = Waiting(
                statement=asked,
                counts=counts,
                document=observed.document,
                digest=observed.digest,
                at=entry.at,
            )
            self._db.execute(
                "INSERT OR REPLACE INTO waiting VALUES (?, ?)", (entry.position, encode(waiting))
            )

    def _tell_time(self, entries: Iterable[Entry]) -> None:
        """Note the newest time, and whether it leapt there; a first entry counts as a leap."""
        newest, leapt = self._get("newest"), self._get("leapt")
        for entry in entries:
            at = entry.time // 1000
            if newest is None or at - int(newest) > _LEAP:
                leapt = at
            newest = at if newest is None else max(at, int(newest))
            if isinstance(entry.event, ItemErased) and entry.event.cause == "retention":
                # By itself it happens on a steady clock only, else by the owner's own word.
                leapt = None
        self._set("newest", newest)
        self._set("leapt", leapt)

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        yield ("newest", self._get("newest"))
        yield ("leapt", self._get("leapt"))
        for table in _TABLES:
            for row in self._rows(f"SELECT * FROM {table}"):  # noqa: S608 - fixed names
                yield (table, *row)


def strictest(profiles: Iterable[Profile]) -> Profile:
    """Return the profile that masks most."""
    return min(profiles, key=_ORDER.__getitem__)


_pause = msgspec.msgpack.Decoder(Pause)
_KINDS: dict[str, msgspec.msgpack.Decoder[Heard]] = {
    kind.__name__: msgspec.msgpack.Decoder(kind) for kind in get_args(Heard)
}
_TABLES = ("statements", "observed", "waiting", "pauses", "begun", "retention", "history")
_waiting = msgspec.msgpack.Decoder(Waiting)
_ORDER = {profile: rank for rank, profile in enumerate(Profile)}

_LEAP = LEAP // timedelta(microseconds=1)
