"""Who is who, from metadata: names, addresses and numbers that belong to one person.

Two forms are one person's where one record states both, and where a record of a withdrawal
or an erasure says so under keyed digests. The second kind of evidence makes a person the
same with and without the items that are gone: that is why everything here is decided on
digests, never on the words themselves.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import msgspec

from projections.redaction.roster import Known, Table
from projections.view import Databases, Value, View, encode
from vault.aliases import Aliases, Part, forms, words
from vault.consent import Subject, normal
from vault.events import (
    ConsentGiven,
    ConsentObserved,
    ConsentProhibited,
    ConsentWithdrawn,
    Event,
    ItemCollected,
    ItemErased,
    ItemRevised,
    MaskedAlias,
    OwnerNamed,
    UsePaused,
)
from vault.follow import Entry, Page
from vault.items import Agent, Item

__all__ = ["People", "Person"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Everything under which one person is known, and in how many items she takes part."""

    token: bytes
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    items: int
    owner: bool


_numbers = msgspec.msgpack.Decoder(list[int])


class People(View):
    """The follower that reads who takes part in items."""

    name = "people"
    version = "1"
    tables = """
        CREATE TABLE agents (no INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, uses
            INTEGER NOT NULL, first INTEGER NOT NULL, UNIQUE (id, name));
        CREATE TABLE used (entry TEXT PRIMARY KEY, item TEXT NOT NULL, position INTEGER NOT
            NULL, agents BLOB NOT NULL) WITHOUT ROWID;
        CREATE INDEX used_by_item ON used (item);
        CREATE TABLE owner (form TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE spoken (form TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE masked (position INTEGER, person BLOB, part TEXT, digest BLOB, PRIMARY KEY
            (position, person, part, digest)) WITHOUT ROWID;
        CREATE TABLE gone (item TEXT PRIMARY KEY) WITHOUT ROWID;
    """

    def __init__(self, databases: Databases, aliases: Aliases) -> None:
        # Digests under another key belong to another vault: such a view starts over.
        super().__init__(databases, version=aliases.folded("version").hex())
        self._aliases = aliases
        self._read: _Roster | None = None
        self._read_at: tuple[str, int] | None = None
        self._numbers: dict[tuple[str, str], int] = {}

    @property
    def known_as(self) -> Mapping[str, frozenset[str]]:
        """For the normal form of an id or a name, every normal form of the same person."""
        return self._roster.known_as

    @property
    def owner(self) -> frozenset[str]:
        """The normal forms under which the owner said that she is known."""
        return frozenset(str(form) for (form,) in self._rows("SELECT form FROM owner"))

    def table(self) -> Table:
        """Return the digests by which redaction finds people."""
        return self._roster.table

    def subject(self, item: Item) -> Subject:
        """Describe an item for a decision."""
        return Subject.of(item, self._roster.known_as)

    def persons(self) -> tuple[Person, ...]:
        """Return everybody, those in most items first."""
        return self._roster.persons

    def masked_for(self, item_ids: Iterable[str]) -> tuple[MaskedAlias, ...]:
        """Return what an event must carry so that the people of some items stay masked.

        It covers all that is known of these people, not only what the items state: with it,
        a roster made without the items says the same as one made with them. The people of
        every version of an item count, not only of its latest.
        """
        roster = self._roster
        agents: set[tuple[str, str]] = set()
        for number in {number for one in item_ids for number in self._numbers_of(one)}:
            for id_, name in self._rows("SELECT id, name FROM agents WHERE no = ?", (number,)):
                agents.add((str(id_), str(name)))
        found = {roster.root_of(id_, name) for id_, name in agents}
        return tuple(sorted(roster.masked(found - {b""}), key=encode))

    def holding(self, item_ids: Iterable[str]) -> int:
        """Return in how many versions of some items somebody is known to take part."""
        counts = (self._one("SELECT count(*) FROM used WHERE item = ?", (one,)) for one in item_ids)
        return sum(int(count or 0) for count in counts)

    def linking(self, names: Iterable[str]) -> tuple[MaskedAlias, ...]:
        """Return what an event must carry so that some names and addresses are one person's."""
        found = sorted({normal(name) for name in names} - {""})
        return tuple(
            MaskedAlias(
                digest=self._aliases.identity(form),
                person=self._aliases.person(found[0]),
                part=Part.IDENTITY.value,
            )
            for form in found
        )

    def last_stated(self, item_id: str) -> int:
        """Return the position of the newest version of an item, 0 where there is none."""
        return int(self._one("SELECT max(position) FROM used WHERE item = ?", (item_id,)) or 0)

    def was_masked(self, item_id: str, position: int) -> bool:
        """Whether the event at a position masked everybody in every version of an item.

        It does not where an item arrived from another device only after the event was said.
        """
        masked = {
            (digest, part)
            for digest, part in self._rows(
                "SELECT digest, part FROM masked WHERE position = ?", (position,)
            )
        }
        for number in set(self._numbers_of(item_id)):
            for id_, name in self._rows("SELECT id, name FROM agents WHERE no = ?", (number,)):
                if not _stated(self._aliases, str(id_), str(name)) <= masked:
                    return False
        return True

    def _numbers_of(self, item_id: str) -> Iterator[int]:
        for (blob,) in self._rows("SELECT agents FROM used WHERE item = ?", (item_id,)):
            yield from _numbers.decode(_bytes(blob))

    # ------------------------------------------------------------------ following

    def _take(self, page: Page) -> None:
        self._numbers.clear()
        for entry in page.entries:
            match entry.event:
                case ItemCollected(item=item):
                    self._use(entry, entry.id, item)
                case ItemRevised(item_id=item_id, item=item):
                    root = self._one("SELECT item FROM used WHERE entry = ?", (item_id,)) or item_id
                    self._use(entry, str(root), item)
                case ItemErased(item_ids=ids, masked=masked):
                    self._mask(entry, masked)
                    self._forget(ids)
                case OwnerNamed(names=names):
                    self._add_forms("owner", map(normal, names))
                case event:
                    self._hear(entry, event)
        self._read = None

    def _hear(self, entry: Entry, event: Event | None) -> None:
        person = ""
        match event:
            case ConsentGiven(statement=statement) | ConsentObserved(statement=statement):
                person = statement.filters.person
            case (
                ConsentProhibited(statement=statement, masked=masked)
                | ConsentWithdrawn(statement=statement, masked=masked)
            ):
                person = statement.filters.person
                self._mask(entry, masked)
            case UsePaused(pause=pause, masked=masked):
                person = pause.person
                self._mask(entry, masked)
            case _:
                pass
        if person:
            self._add_forms("spoken", [normal(person)])

    def _add_forms(self, table: str, found: Iterable[str]) -> None:
        self._db.executemany(
            f"INSERT OR IGNORE INTO {table} VALUES (?)",  # noqa: S608 - one of two names above
            [(form,) for form in found if form],
        )

    def _mask(self, entry: Entry, masked: tuple[MaskedAlias, ...]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO masked VALUES (?, ?, ?, ?)",
            [(entry.position, one.person, one.part, one.digest) for one in masked],
        )

    def _use(self, entry: Entry, root: str, item: Item) -> None:
        if self._one("SELECT 1 FROM gone WHERE item = ?", (root,)):
            return
        numbers = sorted({self._number(agent, entry.position) for agent in item.people})
        self._db.execute(
            "INSERT OR REPLACE INTO used VALUES (?, ?, ?, ?)",
            (entry.id, root, entry.position, encode(numbers)),
        )
        self._db.executemany(
            "UPDATE agents SET uses = uses + 1 WHERE no = ?", [(n,) for n in numbers]
        )

    def _number(self, agent: Agent, position: int) -> int:
        key = (agent.id, agent.name)
        if key not in self._numbers:
            self._db.execute(
                "INSERT OR IGNORE INTO agents (id, name, uses, first) VALUES (?, ?, 0, ?)",
                (*key, position),
            )
            found = self._one("SELECT no FROM agents WHERE id = ? AND name = ?", key)
            self._numbers[key] = int(found or 0)
        return self._numbers[key]

    def _forget(self, ids: tuple[str, ...]) -> None:
        lost = False
        for one in ids:
            root = self._one("SELECT item FROM used WHERE entry = ?", (one,)) or one
            self._db.executemany("INSERT OR IGNORE INTO gone VALUES (?)", [(root,), (one,)])
            for entry, blob in self._rows("SELECT entry, agents FROM used WHERE item = ?", (root,)):
                numbers = [(n,) for n in _numbers.decode(_bytes(blob))]
                self._db.executemany("UPDATE agents SET uses = uses - 1 WHERE no = ?", numbers)
                self._db.execute("DELETE FROM used WHERE entry = ?", (entry,))
                lost = True
        if lost:
            self._db.execute("DELETE FROM agents WHERE uses = 0")
            self._numbers.clear()
            self._find_first_uses()

    def _find_first_uses(self) -> None:
        """Recompute where each agent was first seen, among the items that are left."""
        first: dict[int, int] = {}
        for position, blob in self._db.execute("SELECT position, agents FROM used"):
            for number in _numbers.decode(_bytes(blob)):
                first[number] = min(int(position), first.get(number, int(position)))
        self._db.executemany(
            "UPDATE agents SET first = ? WHERE no = ?", [(at, no) for no, at in first.items()]
        )

    # ------------------------------------------------------------------ reading

    @property
    def _roster(self) -> "_Roster":
        reached = self._reached
        if self._read is None or self._read_at != reached:
            self._read, self._read_at = self._load(), reached
        return self._read

    def _load(self) -> "_Roster":
        return _Roster(
            self._aliases,
            agents=[
                _Seen(str(id_), str(name), int(str(uses)), int(str(first)))
                for id_, name, uses, first in self._rows("SELECT id, name, uses, first FROM agents")
            ],
            owner=self.owner,
            spoken=frozenset(str(form) for (form,) in self._rows("SELECT form FROM spoken")),
            masked=[
                (
                    int(str(at)),
                    MaskedAlias(digest=_bytes(digest), person=_bytes(person), part=str(part)),
                )
                for at, person, part, digest in self._rows(
                    "SELECT position, person, part, digest FROM masked"
                )
            ],
        )

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        yield ("table", self.table().digest)
        for row in self._rows("SELECT id, name, uses, first FROM agents"):
            yield ("agent", *row)
        for table in ("owner", "spoken", "masked"):
            for row in self._rows(f"SELECT * FROM {table}"):  # noqa: S608 - fixed names
                yield (table, *row)


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value


@dataclass(frozen=True, slots=True)
class _Seen:
    """An agent as items state it: how many, and the position of the first."""

    id: str
    name: str
    uses: int
    first: int


_RANK = {part: rank for rank, part in enumerate(Part)}


class _Roster:
    """One reading of who is who: sets of identity digests, and what follows from them."""

    def __init__(
        self,
        aliases: Aliases,
        agents: list[_Seen],
        owner: frozenset[str],
        spoken: frozenset[str],
        masked: list[tuple[int, MaskedAlias]],
    ) -> None:
        self._aliases = aliases
        self._agents = agents
        self._owner = owner
        self._spoken = spoken
        self._masked = sorted(masked, key=lambda one: (one[0], encode(one[1])))
        self._parent: dict[bytes, bytes] = {}
        self._identities: dict[str, bytes] = {}
        self._link_all()

    # Union-find over identity digests; the smallest digest of a set is its root.

    def _find(self, digest: bytes) -> bytes:
        parent = self._parent.setdefault(digest, digest)
        while parent != digest:
            self._parent[digest] = self._parent.setdefault(parent, parent)
            digest, parent = parent, self._parent[parent]
        return digest

    def _link(self, digests: list[bytes]) -> None:
        roots = sorted({self._find(digest) for digest in digests})
        for root in roots[1:]:
            self._parent[root] = roots[0]

    def _link_all(self) -> None:
        for agent in self._agents:
            self._link([self._identity(form) for form in identifying(agent.id, agent.name)])
        owned = [self._identity(form) for form in self._owner]
        self._link(owned)
        groups: dict[tuple[int, bytes], list[bytes]] = defaultdict(list)
        for position, one in self._masked:
            if one.part == Part.IDENTITY:
                groups[position, one.person].append(one.digest)
        for digests in groups.values():
            self._link(digests)
        self._groups = groups

    def _identity(self, form: str) -> bytes:
        if form not in self._identities:
            self._identities[form] = self._aliases.identity(form)
        return self._identities[form]

    def root_of(self, id_: str, name: str) -> bytes:
        """Return the root of an agent's set, empty where nothing identifies it."""
        found = identifying(id_, name)
        return self._find(self._identity(found[0])) if found else b""

    @cached_property
    def _tokens(self) -> dict[bytes, bytes]:
        """Root → token: as the first event that masked the person put it, else by first sight."""
        tokens: dict[bytes, bytes] = {}
        for _, one in self._masked:
            if one.part == Part.IDENTITY:
                tokens.setdefault(self._find(one.digest), one.person)
        for agent in sorted(self._agents, key=lambda a: (a.first, a.id, a.name)):
            found = identifying(agent.id, agent.name)
            if found:
                root = self._find(self._identity(found[0]))
                tokens.setdefault(root, self._aliases.person(found[0]))
        for form in sorted(self._owner):
            tokens.setdefault(self._find(self._identity(form)), self._aliases.person(form))
        return tokens

    @cached_property
    def _texts(self) -> dict[bytes, set[str]]:
        """Root → every id and name that metadata states of a person."""
        texts: dict[bytes, set[str]] = defaultdict(set)
        for agent in self._agents:
            root = self.root_of(agent.id, agent.name)
            if root:
                texts[root].update(text for text in (agent.id, agent.name) if text)
        for form in self._owner:
            texts[self._find(self._identity(form))].add(form)
        return texts

    @cached_property
    def known_as(self) -> dict[str, frozenset[str]]:
        """See `People.known_as`."""
        known: dict[bytes, set[str]] = defaultdict(set)
        for root, texts in self._texts.items():
            known[root].update(map(normal, texts))
        for form in self._spoken:
            # A statement may name a person by a form that only erased items stated.
            root = self._find(self._identity(form))
            if root in self._tokens:
                known[root].add(form)
        linked: dict[str, frozenset[str]] = {}
        for root in sorted(known):
            everything = frozenset(known[root])
            for form in everything:
                if self._find(self._identity(form)) == root:
                    linked[form] = everything
        return linked

    @cached_property
    def table(self) -> Table:
        """See `People.table`."""
        claims: dict[bytes, tuple[int, bytes]] = {}

        def claim(digest: bytes, part: Part, person: bytes) -> None:
            best = claims.get(digest)
            if best is None or (_RANK[part], person) < best:
                claims[digest] = (_RANK[part], person)

        for root, person in self._tokens.items():
            for digest, part in self._digests(root):
                claim(digest, part, person)
        for position, one in self._masked:
            known = self._groups.get((position, one.person))
            if known and one.part != Part.IDENTITY:
                claim(one.digest, Part(one.part), self._tokens[self._find(known[0])])
        parts = tuple(Part)
        return Table(self._aliases, {d: Known(p, parts[rank]) for d, (rank, p) in claims.items()})

    def _digests(self, root: bytes) -> set[tuple[bytes, Part]]:
        return _digests(self._aliases, self._texts.get(root, ()))

    def masked(self, roots: set[bytes]) -> set[MaskedAlias]:
        """Return all that is known of some persons, as digests."""
        table: set[MaskedAlias] = set()
        for root in roots:
            person = self._tokens[root]
            known = self._digests(root)
            known |= {
                (digest, Part.IDENTITY) for digest in self._parent if self._find(digest) == root
            }
            table |= {MaskedAlias(digest=d, person=person, part=part.value) for d, part in known}
        for position, one in self._masked:
            group = self._groups.get((position, one.person))
            if group and self._find(group[0]) in roots:
                person = self._tokens[self._find(group[0])]
                table.add(MaskedAlias(digest=one.digest, person=person, part=one.part))
        return table

    @cached_property
    def persons(self) -> tuple[Person, ...]:
        """See `People.persons`."""
        uses: dict[bytes, int] = defaultdict(int)
        for agent in self._agents:
            uses[self.root_of(agent.id, agent.name)] += agent.uses
        owned = {self._find(self._identity(form)) for form in self._owner}
        found = [
            Person(
                token=self._tokens[root],
                names=tuple(sorted(t for t in texts if not _is_address(t))),
                addresses=tuple(sorted(t for t in texts if _is_address(t))),
                items=uses[root],
                owner=root in owned,
            )
            for root, texts in self._texts.items()
        ]
        return tuple(sorted(found, key=lambda p: (-p.items, p.names, p.addresses)))


def _digests(aliases: Aliases, texts: Iterable[str]) -> set[tuple[bytes, Part]]:
    """Return the digests of all by which ids and names are found in words."""
    found: set[tuple[bytes, Part]] = set()
    for text in texts:
        for alias in forms(text):
            found.add((aliases.folded(alias.text), alias.part))
            first, space, _ = alias.text.partition(" ")
            if space:
                found.add((aliases.start(first), Part.START))
    return found


def _stated(aliases: Aliases, id_: str, name: str) -> set[tuple[bytes, Part]]:
    """Return all that an event must hold which masks an agent."""
    identities = {(aliases.identity(form), Part.IDENTITY) for form in identifying(id_, name)}
    return identities | _digests(aliases, (text for text in (id_, name) if text))


def _is_address(text: str) -> bool:
    return text.partition(":")[0] in {"mailto", "tel", "acct"} or "@" in text


def identifying(id_: str, name: str) -> tuple[str, ...]:
    """Return the normal forms that make an agent one person wherever they appear.

    A single given name identifies nobody beside an address: there are many Sams.
    """
    found = [normal(id_)] if id_ else []
    if name and (len(words(name)) > 1 or not id_):
        found.append(normal(name))
    return tuple(dict.fromkeys(form for form in found if form))
