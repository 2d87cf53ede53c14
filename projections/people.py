"""Who is who, from metadata and by the owner's word: names and addresses of one person.

Two forms are one person's where one record states both, where she says so, and where a
record of a withdrawal or an erasure says so under keyed digests. The last kind of evidence
makes a person the same with and without the items that are gone: that is why everything here
is decided on digests, never on the words themselves.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

import msgspec

from projections.mentions import Mentions
from projections.persons import Decided, Evidence, Fact, Masks, Person, Reading, Seen
from projections.redaction.table import Table
from projections.view import Databases, Value, View, batches, encode, marks
from projections.who import Stated, carded, forms_of, namesakes
from vault.aliases import Aliases, Part
from vault.consent import Known, Subject, known_people, normal
from vault.errors import NotFound, UsageError
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
    PersonMerged,
    PersonRelated,
    PersonSplit,
    UsePaused,
    UseResumed,
)
from vault.follow import Entry, Page
from vault.items import Agent, Item

__all__ = ["People", "Person"]

_numbers = msgspec.msgpack.Decoder(list[int])
_decided: Mapping[str, msgspec.msgpack.Decoder[Decided]] = {
    kind.__name__: msgspec.msgpack.Decoder(kind)
    for kind in (PersonMerged, PersonSplit, PersonRelated)
}
_CONTACT = "contact"
_REMEMBERED_PARTIES = 20_000

_Party = tuple[int, tuple[int, ...]]
"""The number of those who take part in an item, and the number of each."""


class People(View):
    """The follower that reads who takes part in items."""

    name = "people"
    version = "4"
    tables = """
        CREATE TABLE agents (no INTEGER PRIMARY KEY, id TEXT NOT NULL, name TEXT NOT NULL, uses
            INTEGER NOT NULL, first INTEGER NOT NULL, UNIQUE (id, name));
        CREATE TABLE parties (no INTEGER PRIMARY KEY, agents BLOB NOT NULL, card BLOB NOT NULL,
            uses INTEGER NOT NULL, UNIQUE (agents, card));
        -- The entry that first held an item is the item itself, and not named again.
        CREATE TABLE used (item TEXT, entry TEXT, position INTEGER NOT NULL, party INTEGER NOT
            NULL, PRIMARY KEY (item, entry)) WITHOUT ROWID;
        CREATE INDEX used_by_entry ON used (entry) WHERE entry != '';
        CREATE TABLE owner (form TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE spoken (form TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE masked (position INTEGER, person BLOB, part TEXT, digest BLOB, PRIMARY KEY
            (position, person, part, digest)) WITHOUT ROWID;
        CREATE TABLE gone (item TEXT PRIMARY KEY) WITHOUT ROWID;
        CREATE TABLE decided (position INTEGER PRIMARY KEY, kind TEXT NOT NULL, body BLOB NOT
            NULL);
        CREATE TABLE paused (pause TEXT PRIMARY KEY, person TEXT NOT NULL, whole INTEGER NOT
            NULL) WITHOUT ROWID;
    """

    def __init__(self, databases: Databases, aliases: Aliases) -> None:
        # Digests under another key belong to another vault: such a view starts over.
        super().__init__(databases, version=aliases.folded("version").hex())
        self._aliases = aliases
        self._read: Reading | None = None
        self._read_at: tuple[str, int] | None = None
        self._parties: dict[object, _Party] = {}
        self._parties_at: tuple[str, int] | None = None
        self._known: dict[bytes, Known] = {}
        self._masks: Masks | None = None
        self._mentions: Mentions | None = None
        self._last: Mentions | None = None

    # ------------------------------------------------------------------ who is who

    @property
    def known_as(self) -> Mapping[str, frozenset[str]]:
        """For the normal form of an id or a name, every normal form of the same person."""
        return self._reading.known_as

    @property
    def owner(self) -> frozenset[str]:
        """The normal forms under which the owner said that she is known."""
        return frozenset(str(form) for (form,) in self._rows("SELECT form FROM owner"))

    def table(self) -> Table:
        """Return the digests by which redaction finds people."""
        return self._reading.table

    @property
    def digest(self) -> bytes:
        """What names a state of who is who: what was made with it is good until it changes."""
        hashed = hashlib.sha256(self.table().digest)
        for position, _, body in self._rows("SELECT * FROM decided ORDER BY position"):
            hashed.update(encode((position, body)))
        return hashed.digest()

    def persons(self) -> tuple[Person, ...]:
        """Return everybody, those in most items first."""
        return self._reading.persons

    def of(self, digests: Iterable[bytes]) -> Person | None:
        """Return the person who has most of some identities, if any item still states her."""
        token = self._reading.token_of(digests)
        return next((one for one in self.persons() if one.token == token), None)

    def known_by(self, digests: Iterable[bytes]) -> frozenset[str]:
        """Return the forms that items state among those of some identities."""
        wanted = set(digests)
        return frozenset(
            form
            for one in (self.persons() if wanted else ())
            for text in (*one.names, *one.addresses)
            for form in forms_of(text)
            if self._aliases.identity(form) in wanted
        )

    def identities(self, texts: Iterable[str]) -> tuple[bytes, ...]:
        """Return the digests of the identities that names and addresses are."""
        forms = {form for text in texts for form in forms_of(text)}
        return tuple(sorted(map(self._aliases.identity, forms)))

    def called(self, name: str) -> tuple[Person, ...]:
        """Return everybody whom an id, a name, an address or a part of a name may mean."""
        return self._reading.called(name)

    def person_of(self, agent: Agent) -> str:
        """Return the id of whoever an agent is, nothing where nobody is known by it."""
        return self._reading.token(agent.id, agent.name).hex()

    # ------------------------------------------------------------------ decisions

    def subject(self, item: Item) -> Subject:
        """Describe an item for a decision: who takes part, and who is paused and mentioned."""
        return self.mentioned.subject(item, self._known_in(item))

    def mentions(self, item: Item, person: str) -> bool:
        """Whether the words of an item mention whoever is known by a name or an address."""
        return self.mentioned.name(item, person)

    @property
    def mentioned(self) -> Mentions:
        """By whom it is decided, at this position, who is mentioned in words."""
        reading = self._reading
        if self._mentions is None:
            paused = self._forms_in("paused", "person") - {""}
            if (
                self._last is None
                or self._last.reading is not reading
                or self._last.paused != paused
            ):
                self._last = Mentions(reading, paused)
            self._mentions = self._last
        return self._mentions

    def _known_in(self, item: Item) -> Known:
        reading = self._reading
        key = encode((item.author, item.to))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED_PARTIES:
                self._known.clear()
            known = self._known[key] = known_people(item, reading.known_as)
        return known

    # ------------------------------------------------------------------ events

    def masked_for(self, item_ids: Iterable[str]) -> tuple[MaskedAlias, ...]:
        """Return what an event must carry so that the people of some items stay masked.

        It covers all that is known of these people, not only what the items state: with it,
        a roster made without the items says the same as one made with them. The people of
        every version of an item count, not only of its latest.
        """
        parties: set[int] = set()
        for batch in batches(list(item_ids)):
            sql = f"SELECT DISTINCT party FROM used WHERE item IN ({marks(len(batch))})"  # noqa: S608
            parties.update(int(str(party)) for (party,) in self._rows(sql, batch))
        agents: set[Stated] = set()
        facts: set[Fact] = set()
        for party in parties:
            stated, card = self._party_of(party)
            agents.update(stated)
            facts.update(self._facts(stated, card))
        return tuple(sorted(set(self._reading.masked(agents, facts)), key=encode))

    def _facts(self, stated: Iterable[Stated], card: list[Stated] | None) -> Iterator[Fact]:
        yield from self._reading.facts(set(stated) - set(card or ()), card=False)
        if card:
            yield from self._reading.facts(card, card=True)

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

    def merging(self, people: Iterable[Person]) -> PersonMerged:
        """Return the event that says that some persons are one."""
        found = {digest for one in people for digest in self._reading.members(one.token)}
        return PersonMerged(people=tuple(sorted(found)))

    def splitting(self, person: Person, texts: Iterable[str]) -> PersonSplit:
        """Return the event that says that some names and addresses of a person are another's.

        Raises:
            NotFound: She does not have one of them.
            UsageError: Nothing would be left of her.
        """
        own = {form for text in (*person.names, *person.addresses) for form in forms_of(text)}
        texts = list(texts)
        if not all(own.intersection(forms_of(text)) for text in texts):
            raise NotFound("She is not known by all of these; `twin people show` lists hers.")
        people = self._reading.going(person.token, texts)
        others = set(self._reading.members(person.token)) - people
        if not people or not others:
            raise UsageError("That would leave nobody on one side; name some of hers, not all.")
        return self.parting(people, others)

    def parting(self, people: Iterable[bytes], others: Iterable[bytes]) -> PersonSplit:
        """Return the event that says that some identities are one person's and some another's."""
        split = PersonSplit(people=tuple(sorted(people)), others=tuple(sorted(others)))
        evidence = self._load()
        after = Reading(self._aliases, replace(evidence, decided=[*evidence.decided, split]))
        masked = after.all_known({*split.people, *split.others})
        return replace(split, masked=tuple(sorted(set(masked), key=encode)))

    def relating(self, person: Person, relation: str) -> PersonRelated:
        """Return the event that says what a person is to the owner."""
        return PersonRelated(people=self._reading.members(person.token), relation=relation)

    def means(self, form: str, person: Person) -> bool:
        """Whether somebody named in a statement is a person, or may be she."""
        return person.token in self._reading.borne([form])

    def form_of(self, person: Person) -> str:
        """Return a form by which a statement means a person, and if possible nobody else."""
        texts = (*person.addresses, *person.names)
        known = self._reading.known_as
        own = [normal(t) for t in texts if self._reading.borne([normal(t)]) >= {person.token}]
        alone = (form for form in own if len(self._reading.borne([form])) == 1 and form in known)
        return next(alone, own[0] if own else normal(texts[0]))

    # ------------------------------------------------------------------ what a clean run needs

    def last_stated(self, item_id: str) -> int:
        """Return the position of the newest version of an item, 0 where there is none."""
        return int(self._one("SELECT max(position) FROM used WHERE item = ?", (item_id,)) or 0)

    def was_masked(self, item_id: str, position: int) -> bool:
        """Whether the event at a position masked everybody in every version of an item.

        It does not where an item arrived from another device only after the event was said.
        """
        reading, masks = self._reading, self._masked_at(position)
        rows = self._rows("SELECT DISTINCT party FROM used WHERE item = ?", (item_id,))
        for party in (int(str(party)) for (party,) in rows):
            if party not in masks.parties:
                stated, card = self._party_of(party)
                masks.parties[party] = reading.stated(
                    (*stated, *(card or ()))
                ) <= masks.aliases and all(map(masks.hold, self._facts(stated, card)))
            if not masks.parties[party]:
                return False
        return True

    def _masked_at(self, position: int) -> Masks:
        if self._masks is None or self._masks.position != position:
            self._masks = Masks(position)
            for person, part, digest in self._rows(
                "SELECT person, part, digest FROM masked WHERE position = ?", (position,)
            ):
                self._masks.add(_bytes(person), str(part), _bytes(digest))
        return self._masks

    def _party_of(self, number: int) -> tuple[list[Stated], list[Stated] | None]:
        [(agents, card)] = self._rows("SELECT agents, card FROM parties WHERE no = ?", (number,))
        return self._stated(_bytes(agents)), (self._stated(_bytes(card)) or None if card else None)

    def _stated(self, numbers: bytes) -> list[Stated]:
        found: list[Stated] = []
        for number in _numbers.decode(numbers):
            for id_, name in self._rows("SELECT id, name FROM agents WHERE no = ?", (number,)):
                found.append((str(id_), str(name)))
        return found

    # ------------------------------------------------------------------ following

    def _take(self, page: Page) -> None:
        if self._parties_at != self._reached:
            self._parties.clear()
        for new, entries in groupby(page.entries, lambda e: isinstance(e.event, ItemCollected)):
            if new:
                self._collect(list(entries))
            else:
                for entry in entries:
                    self._hear(entry)
        self._parties_at = self._order, page.position
        self._read_at = None

    def _hear(self, entry: Entry) -> None:
        match entry.event:
            case ItemRevised(item_id=item_id, item=item):
                self._revise(entry, self._root(item_id), item)
            case ItemErased(item_ids=ids, masked=masked):
                self._mask(entry, masked)
                self._forget(ids)
            case OwnerNamed(names=names):
                self._add_forms("owner", map(normal, names))
            case PersonMerged() | PersonSplit() | PersonRelated() as decided:
                self._db.execute(
                    "INSERT OR REPLACE INTO decided VALUES (?, ?, ?)",
                    (entry.position, type(decided).__name__, encode(decided)),
                )
                if isinstance(decided, PersonSplit):
                    self._mask(entry, decided.masked)
            case event:
                self._heed(entry, event)

    def _heed(self, entry: Entry, event: Event | None) -> None:
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
                self._db.execute(
                    "INSERT OR REPLACE INTO paused VALUES (?, ?, ?)",
                    (pause.id, normal(person), not (pause.type or pause.source)),
                )
            case UseResumed(pause=pause):
                self._db.execute("DELETE FROM paused WHERE pause = ?", (pause.id,))
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

    def _root(self, entry_id: str) -> str:
        known = "SELECT item FROM used WHERE entry = ? AND entry != ''"
        return str(self._one(known, (entry_id,)) or entry_id)

    def _collect(self, entries: Sequence[Entry]) -> None:
        gone = self._among("gone", "item", [entry.id for entry in entries])
        used: list[tuple[Value, ...]] = []
        parties: list[_Party] = []
        for entry in entries:
            if isinstance(entry.event, ItemCollected) and entry.id not in gone:
                party = self._party(entry.event.item, entry.position)
                used.append((entry.id, "", entry.position, party[0]))
                parties.append(party)
        self._use(used, parties)

    def _revise(self, entry: Entry, root: str, item: Item) -> None:
        if self._one("SELECT 1 FROM gone WHERE item = ?", (root,)):
            return
        party = self._party(item, entry.position)
        self._use([(root, entry.id, entry.position, party[0])], [party])

    def _use(self, used: Sequence[tuple[Value, ...]], parties: Sequence[_Party]) -> None:
        counted, uses = Counter(parties), Counter[int]()
        for (_, agents), count in counted.items():
            uses.update(dict.fromkeys(agents, count))
        self._db.executemany("INSERT OR REPLACE INTO used VALUES (?, ?, ?, ?)", used)
        self._db.executemany(
            "UPDATE agents SET uses = uses + ? WHERE no = ?",
            [(count, number) for number, count in uses.items()],
        )
        self._db.executemany(
            "UPDATE parties SET uses = uses + ? WHERE no = ?",
            [(count, party) for (party, _), count in counted.items()],
        )

    def _party(self, item: Item, position: int) -> _Party:
        """Return who takes part in an item."""
        contact = item.type.partition(".")[0] == _CONTACT
        stated = (encode((item.author, item.to)), contact)
        party = self._parties.get(stated)
        if party is None:
            # Who wrote to whom makes a difference on a contact only.
            alike = stated if contact else frozenset(item.people)
            party = self._parties.get(alike) or self._noted(item, position, contact=contact)
            if len(self._parties) >= _REMEMBERED_PARTIES:
                self._parties.clear()
            self._parties[stated] = self._parties[alike] = party
        return party

    def _noted(self, item: Item, position: int, *, contact: bool) -> _Party:
        people = [(agent.id, agent.name) for agent in item.people]
        card: list[Stated] | None = None
        if contact:
            # Whoever keeps a contact is its author; the rest of it is one person.
            card = list(carded([(a.id, a.name) for a in item.to] or people))
            people = [*card, *people[: 1 if item.author and item.to else 0]]
        elif any(namesakes(people)):
            card = []
        numbers = sorted({self._number(one, position) for one in people})
        on_card = b"" if card is None else encode([self._number(one, position) for one in card])
        row = (encode(numbers), on_card)
        party = self._one("SELECT no FROM parties WHERE agents = ? AND card = ?", row)
        if party is None:
            self._db.execute("INSERT INTO parties (agents, card, uses) VALUES (?, ?, 0)", row)
            party = self._db.last_insert_rowid()
        return int(party), tuple(numbers)

    def _number(self, stated: Stated, position: int) -> int:
        self._db.execute(
            "INSERT OR IGNORE INTO agents (id, name, uses, first) VALUES (?, ?, 0, ?)",
            (*stated, position),
        )
        return int(self._one("SELECT no FROM agents WHERE id = ? AND name = ?", stated) or 0)

    def _forget(self, ids: tuple[str, ...]) -> None:
        lost: list[tuple[int, int]] = []
        for one in ids:
            root = self._root(one)
            self._db.executemany("INSERT OR IGNORE INTO gone VALUES (?)", [(root,), (one,)])
            rows = self._rows("DELETE FROM used WHERE item = ? RETURNING party, position", (root,))
            lost += [(int(str(party)), int(str(position))) for party, position in rows]
        if lost:
            self._leave(lost)

    def _leave(self, lost: Sequence[tuple[int, int]]) -> None:
        """Count parties of items that are gone no more, and forget who is in none."""
        self._parties.clear()
        uses, at = Counter[int](), {position for _, position in lost}
        for party, count in Counter(party for party, _ in lost).items():
            [(blob,)] = self._rows(
                "UPDATE parties SET uses = uses - ? WHERE no = ? RETURNING agents", (count, party)
            )
            uses.update(dict.fromkeys(_numbers.decode(_bytes(blob)), count))
        self._db.execute("DELETE FROM parties WHERE uses = 0")
        firsts = [
            self._one("UPDATE agents SET uses = uses - ? WHERE no = ? RETURNING first", (n, agent))
            for agent, n in uses.items()
        ]
        self._db.execute("DELETE FROM agents WHERE uses = 0")
        if not at.isdisjoint(firsts):
            self._find_first_uses()

    def _find_first_uses(self) -> None:
        """Recompute where each agent was first seen, among the items that are left."""
        first: dict[int, int] = {}
        for position, blob in self._db.execute(
            "SELECT u.first, p.agents FROM parties p JOIN (SELECT party, min(position) AS first"
            " FROM used GROUP BY party) u ON u.party = p.no"
        ):
            for number in _numbers.decode(blob):
                first[number] = min(position, first.get(number, position))
        self._db.executemany(
            "UPDATE agents SET first = ? WHERE no = ?", [(at, no) for no, at in first.items()]
        )

    # ------------------------------------------------------------------ reading

    @property
    def _reading(self) -> Reading:
        reached = self._reached
        if self._read is None or self._read_at != reached:
            evidence = self._load()
            if self._read is None or not self._read.goes_on_with(evidence):
                self._read = Reading(self._aliases, evidence)
                self._known.clear()
            self._masks, self._mentions, self._read_at = None, None, reached
        return self._read

    def _forms_in(self, table: str, column: str = "form", where: str = "1") -> frozenset[str]:
        rows = self._rows(f"SELECT {column} FROM {table} WHERE {where}")  # noqa: S608 - fixed
        return frozenset(str(form) for (form,) in rows)

    def _load(self) -> Evidence:
        agents = self._rows("SELECT no, id, name, uses, first FROM agents ORDER BY id, name")
        stated = {int(str(no)): (str(id_), str(name)) for no, id_, name, _, _ in agents}
        lists: list[tuple[bool, tuple[Stated, ...]]] = []
        for people, card in self._rows("SELECT agents, card FROM parties WHERE card != x''"):
            on_card = _numbers.decode(_bytes(card))
            listed = on_card or _numbers.decode(_bytes(people))
            lists.append((bool(on_card), tuple(stated[number] for number in listed)))
        return Evidence(
            agents=[Seen(str(i), str(n), int(str(u)), int(str(at))) for _, i, n, u, at in agents],
            lists=sorted(lists),
            owner=self.owner,
            spoken=self._forms_in("spoken"),
            masked=[
                (
                    int(str(at)),
                    MaskedAlias(digest=_bytes(digest), person=_bytes(person), part=str(part)),
                )
                for at, person, part, digest in self._rows(
                    "SELECT position, person, part, digest FROM masked"
                )
            ],
            decided=list(self._decisions()),
            blocked=self._forms_in("paused", "person", "whole") - {""},
        )

    def _decisions(self) -> Iterator[Decided]:
        for kind, body in self._rows("SELECT kind, body FROM decided ORDER BY position"):
            yield _decided[str(kind)].decode(_bytes(body))

    def _canonical(self) -> Iterator[tuple[Value, ...]]:
        yield ("table", self.table().digest)
        for row in self._rows("SELECT id, name, uses, first FROM agents"):
            yield ("agent", *row)
        for table in ("owner", "spoken", "masked", "decided", "paused"):
            for row in self._rows(f"SELECT * FROM {table}"):  # noqa: S608 - fixed names
                yield (table, *row)


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value
