"""What the owner said, in order, and what follows from it for an item at a moment."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

from projections.view import Databases, Value, View, decode_statement, encode
from vault.consent import (
    Decision,
    Effect,
    Profile,
    Purpose,
    Statement,
    Subject,
    decide,
    in_force,
)
from vault.events import ConsentGiven, ConsentObserved, ConsentProhibited, ConsentWithdrawn, Event
from vault.follow import Page

__all__ = ["Judge", "Permissions", "statement_of", "strictest"]

_UNKNOWN = Decision(permitted=False, reason="The item is unknown or erased.")


def statement_of(event: Event | None) -> Statement | None:
    """Return what an event makes part of the owner's word, None where it is none.

    A permission that another application wrote into the pod counts for nothing until the
    owner gives it herself; a prohibition counts at once.
    """
    match event:
        case ConsentGiven(statement=statement):
            return statement
        case ConsentProhibited(statement=statement) | ConsentWithdrawn(statement=statement):
            return replace(statement, effect=Effect.DENY)
        case ConsentObserved(statement=statement) if statement.effect is Effect.DENY:
            return statement
        case _:
            return None


class Judge:
    """Decides for one purpose at one moment; alike items are decided once.

    Only what some statement looks at can tell two items apart.
    """

    def __init__(
        self, statements: Iterable[Statement], purpose: Purpose, now: datetime, recipient: str = ""
    ) -> None:
        self.purpose = purpose
        self.now = now
        self._recipient = recipient
        self._statements = [s for s in statements if s.purpose is purpose]
        filters = [s.filters for s in self._statements]
        self._persons = any(f.person for f in filters)
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
            (subject.author, subject.people) if self._persons else (),
            subject.at if self._dates else None,
        )
        decision = self._decided.get(key)
        if decision is None:
            decision = self._decided[key] = decide(
                self._statements, subject, self.purpose, self.now, recipient=self._recipient
            )
        return decision


class Permissions(View):
    """The follower that keeps every statement, in the order in which it was said."""

    name = "permissions"
    version = "1"
    tables = """
        CREATE TABLE statements (
            position INTEGER PRIMARY KEY, id TEXT NOT NULL, masks INTEGER NOT NULL,
            body BLOB NOT NULL);
    """

    def __init__(self, databases: Databases, subject_of: Callable[[str], Subject | None]) -> None:
        super().__init__(databases)
        self._subject_of = subject_of
        self._kept: tuple[Statement, ...] = ()
        self._kept_at = -1

    @property
    def newest(self) -> datetime | None:
        """The time of the newest entry seen."""
        micros = self._get("newest")
        return None if micros is None else datetime.fromtimestamp(int(micros) / 1e6, UTC)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Everything the owner ever said, in order."""
        position = self.position
        if self._kept_at != position:
            rows = self._rows("SELECT body FROM statements ORDER BY position")
            self._kept = tuple(
                decode_statement(body) for (body,) in rows if isinstance(body, bytes)
            )
            self._kept_at = position
        return self._kept

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
    ) -> Judge:
        """Return who decides for many items at once.

        Args:
            purpose: What they would be used for.
            now: The time; the newest entry counts where it is later.
            also: Statements to be tried as if they had been said last.
            recipient: For `share`, to whom.
        """
        return Judge((*self.statements, *also), purpose, self.moment(now), recipient)

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
        """Return the prohibitions in force whose events masked people, and their positions."""
        now = self.moment(now)
        standing = {id(s) for s in in_force(self.statements)}
        rows = self._rows("SELECT position, masks FROM statements ORDER BY position")
        return [
            (int(str(position)), s)
            for (position, masks), s in zip(rows, self.statements, strict=True)
            if masks
            and id(s) in standing
            and s.purpose is purpose
            and s.effect is Effect.DENY
            and (s.expires is None or now < s.expires)
        ]

    def _take(self, page: Page) -> None:
        if page.entries:
            newest = max(entry.at for entry in page.entries)
            self._set("newest", max(_micros(newest), int(self._get("newest") or 0)))
        for entry in page.entries:
            statement = statement_of(entry.event)
            if statement:
                self._db.execute(
                    "INSERT OR REPLACE INTO statements VALUES (?, ?, ?, ?)",
                    (
                        entry.position,
                        statement.id,
                        isinstance(entry.event, ConsentProhibited | ConsentWithdrawn),
                        encode(statement),
                    ),
                )

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        yield ("newest", self._get("newest"))
        for row in self._rows("SELECT * FROM statements"):
            yield ("statement", *row)


def strictest(profiles: Iterable[Profile]) -> Profile:
    """Return the profile that masks most."""
    return min(profiles, key=_ORDER.__getitem__)


_ORDER = {profile: rank for rank, profile in enumerate(Profile)}


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1e6)
