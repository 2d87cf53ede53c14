"""What many items share, kept once, and the way to whatever a statement is about.

A type stands with its labels; a circle is a source, a conversation and the people who take
part. A million items have some dozens of the one and some thousands of the other, so that a
filter is decided on these, and the items are then found by number.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import apsw
import msgspec

from projections.view import Value, decode_labels, encode, marks
from vault.consent import SENSITIVE, Filters, Subject, normal
from vault.items import Agent, Item

__all__ = ["TABLES", "Circles", "Room", "facts", "is_sensitive", "micros", "within"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A conversation of one source; `no` is the smallest of its circles, and names it here.

    `item` is one of its `items`.
    """

    no: int
    source: str
    name: str
    items: int
    item: str


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

    def _first(self, sql: str, row: Sequence[Value]) -> Value:
        found = self._db.execute(sql, row).fetchone()
        return found[0] if found else None

    # ------------------------------------------------------------------ finding

    def about(self, type_: str, filters: Filters) -> tuple[str, list[Value]]:
        """Return a condition that holds for the items that a filter is about.

        Of a sensitive matter any item may be: there, only its words tell.
        """
        clauses, values = ["1"], list[Value]()
        circle, of_circle = self.which(filters)
        if type_ and not is_sensitive(type_):
            # Where circles are given, they are the way in; the plus keeps the other index away.
            types = ", ".join(map(str, self.types(type_)))
            clauses.append(f"{'+' if circle else ''}i.type IN ({types})")
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

    def sample(self, type_: str, filters: Filters, most: int) -> tuple[int, list[str]]:
        """Return how many items a filter is about, and the ids of some, evenly taken.

        Args:
            type_: Their type or label; of a sensitive matter any item may be.
            filters: What narrows them.
            most: About how many ids at most; all of them where there are no more.
        """
        where, values = self.about(type_, filters)
        count = int(self._first(f"SELECT count(*) FROM items i WHERE {where}", values) or 0)  # noqa: S608
        step = max(1, -(-count // most))
        found = self._db.execute(
            "SELECT id FROM (SELECT i.id, row_number() OVER (ORDER BY i.no) AS nth FROM items i"  # noqa: S608
            f" WHERE {where}) WHERE nth % ? = 0",
            (*values, step),
        )
        return count, [str(id_) for (id_,) in found]

    def rooms(self, after: tuple[int, int] | None = None, limit: int = 50) -> list[Room]:
        """Return conversations, those of most items first.

        Args:
            after: The items and the number of the one before the first.
            limit: How many at most.
        """
        behind = (
            "" if after is None else "HAVING sum(i.n) < ?1 OR (sum(i.n) = ?1 AND min(c.no) > ?2)"
        )
        return self._rooms("", behind, (*(after or (0, 0)), limit))

    def room(self, number: int) -> Room | None:
        """Return the conversation of a number, None where there is none."""
        which = (
            "AND (conversation, source) = (SELECT conversation, source FROM circles WHERE no = ?1)"
        )
        found = self._rooms(which, "", (number, 0, 1))
        return found[0] if found and found[0].no == number else None

    def _rooms(self, where: str, having: str, values: tuple[Value, ...]) -> list[Room]:
        rows = self._db.execute(
            "SELECT no, source, conversation, n, (SELECT id FROM items WHERE items.no = first) FROM"  # noqa: S608
            " (SELECT min(c.no) AS no, c.source, c.conversation, sum(i.n) AS n, min(i.first) AS"
            " first FROM circles c JOIN (SELECT circle, count(*) AS n, min(no) AS first FROM items"
            " GROUP BY circle) i ON i.circle = c.no WHERE c.conversation != '' "
            f"{where} GROUP BY c.conversation, c.source {having} ORDER BY n DESC, no LIMIT ?3)",
            values,
        )
        return [
            Room(no=no, source=source, name=name, items=items, item=item)
            for no, source, name, items, item in rows
        ]

    def kinds(self, filters: Filters) -> dict[str, int]:
        """Return how many items of each type a filter is about."""
        where, values = self.about("", filters)
        rows = self._db.execute(
            "SELECT t.type, sum(n) FROM (SELECT i.type AS type, count(*) AS n FROM items i WHERE"  # noqa: S608
            f" {where} GROUP BY i.type) AS counted JOIN types t ON t.no = counted.type GROUP BY"
            " t.type ORDER BY t.type",
            values,
        )
        return {str(type_): int(number) for type_, number in rows}

    def types(self, type_: str) -> list[int]:
        """Return the numbers of the types that are, or whose labels are, beneath a type."""
        return [
            number
            for number, name, labels in self._db.execute("SELECT no, type, labels FROM types")
            if any(within(one, type_) for one in (name, *decode_labels(labels)))
        ]

    def which(self, filters: Filters) -> tuple[str, list[Value]]:
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
