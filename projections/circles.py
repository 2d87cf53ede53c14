"""What many items share, kept once, and the way to whatever a statement is about.

A type stands with its labels; a circle is a source, a conversation and the people who take
part. A million items have some dozens of the one and some thousands of the other, so that a
filter is decided on these, and the items are then found by number.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

import apsw
import msgspec

from projections.view import Value, decode_labels, encode, marks
from vault.consent import SENSITIVE, Filters, Subject, normal
from vault.items import Agent, Item

__all__ = ["TABLES", "Circles", "facts", "is_sensitive", "micros", "within"]

TABLES = """
        CREATE TABLE types (no INTEGER PRIMARY KEY, type TEXT NOT NULL, labels BLOB NOT NULL,
            UNIQUE (type, labels));
        CREATE TABLE circles (no INTEGER PRIMARY KEY, source TEXT NOT NULL, conversation TEXT NOT
            NULL, people BLOB NOT NULL, UNIQUE (conversation, source, people));
        CREATE TABLE agents (no INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, UNIQUE
            (id, name));
        CREATE TABLE taking_part (agent INTEGER, circle INTEGER, PRIMARY KEY (agent, circle))
            WITHOUT ROWID;
"""

_REMEMBERED = 20_000
_numbers = msgspec.msgpack.Decoder(list[int])


class Circles:
    """Types and circles by number, in the database of the view whose items have them.

    `reached` is the state of that view up to which the numbers remembered here hold.
    """

    def __init__(self, db: apsw.Connection, describe: Callable[[Item], Subject]) -> None:
        self._db = db
        self._describe = describe
        self._numbers: dict[object, int] = {}
        self.reached: tuple[str, int] | None = None

    def continue_at(self, reached: tuple[str, int]) -> None:
        """Forget what is remembered of another state: a crash or another process came between."""
        if self.reached != reached:
            self._numbers.clear()

    # ------------------------------------------------------------------ keeping

    def type(self, type_: str, labels: tuple[str, ...]) -> int:
        """Return the number of a type with some labels."""
        key = (type_, labels)
        return self._numbers.get(key) or self._number(
            key, "types", "type = ? AND labels = ?", (type_, encode(labels))
        )

    def of(self, item: Item) -> int:
        """Return the number of the circle that an item is in."""
        stated = encode((item.source, item.conversation, item.author, item.to))
        number = self._numbers.get(stated)
        if number is None:
            alike = (item.source, item.conversation, frozenset(item.people))
            number = self._numbers[stated] = self._numbers.get(alike) or self._circle(alike)
        return number

    def _circle(self, alike: tuple[str, str, frozenset[Agent]]) -> int:
        source, conversation, people = alike
        agents = sorted(map(self._agent, sorted(people, key=encode)))
        known = "source = ? AND conversation = ? AND people = ?"
        number = self._number(alike, "circles", known, (source, conversation, encode(agents)))
        self._db.executemany(
            "INSERT OR IGNORE INTO taking_part VALUES (?, ?)", [(a, number) for a in agents]
        )
        return number

    def _agent(self, agent: Agent) -> int:
        return self._numbers.get(agent) or self._number(
            agent, "agents", "id = ? AND name = ?", (agent.id, agent.name)
        )

    def _number(self, key: object, table: str, known: str, row: tuple[Value, ...]) -> int:
        """Return the number of what many items share, a new one where it is new."""
        number = self._first(f"SELECT no FROM {table} WHERE {known}", row)  # noqa: S608 - fixed names
        if number is None:
            self._db.execute(f"INSERT INTO {table} VALUES (NULL, {marks(len(row))})", row)  # noqa: S608
            number = self._db.last_insert_rowid()
        if len(self._numbers) >= _REMEMBERED:
            self._numbers.clear()
        self._numbers[key] = int(number)
        return int(number)

    def sweep(self, left: Iterable[tuple[Value, ...]]) -> None:
        """Forget types and circles that no item is left in, and people without a circle."""
        self._numbers.clear()
        for type_, circle in set(left):
            self._db.execute(
                "DELETE FROM types WHERE no = ?1 AND NOT EXISTS"
                " (SELECT 1 FROM items WHERE type = ?1)",
                (type_,),
            )
            people = self._first(
                "DELETE FROM circles WHERE no = ?1 AND NOT EXISTS"
                " (SELECT 1 FROM items WHERE circle = ?1) RETURNING people",
                (circle,),
            )
            agents = (
                [(agent,) for agent in _numbers.decode(people)] if isinstance(people, bytes) else []
            )
            self._db.executemany(
                "DELETE FROM taking_part WHERE agent = ? AND circle = ?",
                [(agent, circle) for (agent,) in agents],
            )
            self._db.executemany(
                "DELETE FROM agents WHERE no = ?1 AND NOT EXISTS"
                " (SELECT 1 FROM taking_part WHERE agent = ?1)",
                agents,
            )

    def _first(self, sql: str, row: tuple[Value, ...]) -> Value:
        found = self._db.execute(sql, row).fetchone()
        return found[0] if found else None

    # ------------------------------------------------------------------ finding

    def about(self, type_: str, filters: Filters) -> tuple[str, list[Value]]:
        """Return a condition that holds for the items that a filter is about.

        Of a sensitive matter any item may be: there, only its words tell.
        """
        clauses, values = ["1"], list[Value]()
        circle, of_circle = self._circles(filters)
        if type_ and not is_sensitive(type_):
            # Where circles are given, they are the way in; the plus keeps the other index away.
            clauses.append(f"{'+' if circle else ''}i.type IN ({self._types(type_)})")
        if circle:
            clauses.append(f"i.circle IN (SELECT no FROM circles WHERE {circle})")  # noqa: S608
            values += of_circle
        if filters.since is not None:
            clauses.append("(i.at IS NULL OR i.at >= ?)")
            values.append(micros(filters.since))
        if filters.until is not None:
            clauses.append("(i.at IS NULL OR i.at < ?)")
            values.append(micros(filters.until))
        return " AND ".join(clauses), values

    def _types(self, type_: str) -> str:
        """Return the numbers of the types that are, or whose labels are, beneath a type."""
        return ", ".join(
            str(number)
            for number, name, labels in self._db.execute("SELECT no, type, labels FROM types")
            if any(within(one, type_) for one in (name, *decode_labels(labels)))
        )

    def _circles(self, filters: Filters) -> tuple[str, list[Value]]:
        """Return a condition for the circles that a filter is about; nothing where it is about all."""
        clauses, values = list[str](), list[Value]()
        if filters.source:
            clauses.append("source = ?")
            values.append(filters.source)
        if filters.conversation:
            clauses.append("conversation = ?")
            values.append(filters.conversation)
        if filters.person:
            person = normal(filters.person)
            hers = ", ".join(
                str(number)
                for number, id_, name in self._db.execute("SELECT no, id, name FROM agents")
                if person in self._describe(_alone(Agent(id=id_, name=name))).people
            )
            clauses.append(f"no IN (SELECT circle FROM taking_part WHERE agent IN ({hers}))")  # noqa: S608
        return " AND ".join(clauses), values


def _alone(agent: Agent) -> Item:
    """Return an item of which nothing is known but who takes part."""
    return Item(source="", native_id="", type="", to=(agent,))


def is_sensitive(type_: str) -> bool:
    """Whether a type is one that words tell, whatever the type of the item."""
    return type_.partition(".")[0] in SENSITIVE


def within(name: str, type_: str) -> bool:
    """Whether a type is another, or lies beneath it."""
    return name == type_ or name.startswith(type_ + ".")


def micros(at: datetime) -> int:
    """Return a time in microseconds since 1970."""
    return round(at.timestamp() * 1e6)


def facts(item: Item) -> tuple[object, ...]:
    """Return all of an item that a statement can look at, but for its words."""
    kind = (item.type, item.labels, item.source, item.conversation)
    return (*kind, item.author, frozenset(item.to), item.at)
