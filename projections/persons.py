"""One reading of who is who: persons, how they are called, and the digests that find them.

Everything here is decided on digests, never on the words themselves: the same evidence says
the same with and without the items that are gone.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import NamedTuple

from projections.redaction.table import Claim, Table
from projections.view import encode
from projections.who import (
    Stated,
    forms_of,
    identifying,
    is_address,
    joined,
    namesakes,
)
from vault.aliases import Aliases, Part, entries, words
from vault.consent import normal
from vault.events import MaskedAlias, PersonMerged, PersonRelated, PersonSplit

__all__ = ["Decided", "Evidence", "Fact", "Masks", "Person", "Reading", "Seen", "facts_of"]

Decided = PersonMerged | PersonSplit | PersonRelated


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Everything under which one person is known, and in how many items she takes part.

    `relation` is what the owner says that she is to her. `blocked` says that nothing of hers
    is used, nor what mentions her.
    """

    token: bytes
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    items: int
    owner: bool
    relation: str = ""
    blocked: bool = False

    @property
    def id(self) -> str:
        """What tells her from others who are called like her."""
        return self.token.hex()


class Seen(NamedTuple):
    """An agent as items state it: how many, and the position of the first."""

    id: str
    name: str
    uses: int
    first: int


class Fact(NamedTuple):
    """What an item states of some identities: `beside` each other, or `apart`."""

    part: Part
    digests: frozenset[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of who is who.

    `lists` are the agents of items that say more than each agent does: of contacts (true),
    whose agents are one person, and of items in which two bear one name. `blocked` are forms
    of persons of whom nothing is used.
    """

    agents: Sequence[Seen]
    lists: Sequence[tuple[bool, tuple[Stated, ...]]]
    owner: frozenset[str]
    spoken: frozenset[str]
    masked: Sequence[tuple[int, MaskedAlias]]
    decided: Sequence[Decided]
    blocked: frozenset[str]


class Masks:
    """What one event masked: aliases, and identities by what it said of them.

    `parties` are those of whom it is known whether it masked all of them.
    """

    def __init__(self, position: int) -> None:
        self.position = position
        self.parties: dict[int, bool] = {}
        self.aliases: set[tuple[bytes, str]] = set()
        self._groups: dict[tuple[str, bytes], set[bytes]] = defaultdict(set)
        self._groups_of: dict[bytes, list[tuple[str, bytes]]] = defaultdict(list)

    def add(self, person: bytes, part: str, digest: bytes) -> None:
        """Take in one of them."""
        self.aliases.add((digest, part))
        if part in {Part.IDENTITY, Part.BESIDE, Part.APART}:
            self._groups[part, person].add(digest)
            self._groups_of[digest].append((part, person))

    def hold(self, fact: Fact) -> bool:
        """Whether the event said what an item states."""
        if fact.part is Part.BESIDE and not all(
            (digest, Part.IDENTITY.value) in self.aliases for digest in fact.digests
        ):
            return False
        enough = {Part.APART} if fact.part is Part.APART else {Part.IDENTITY, Part.BESIDE}
        groups = self._groups_of.get(min(fact.digests), ())
        return any(fact.digests <= self._groups[group] for group in groups if group[0] in enough)


def facts_of(
    identity: Callable[[str], bytes],
    agents: Iterable[Stated],
    *,
    card: bool,
    owner: frozenset[str],
) -> Iterator[Fact]:
    """Yield what an item states of who is who.

    Args:
        identity: Digests a form.
        agents: Who takes part; of a contact, the names and addresses on it.
        card: Whether it is a contact.
        owner: The owner's forms: she may well write to herself.
    """
    agents = list(agents)
    groups = [
        [identity(form) for form in group] for agent in agents for group in identifying(*agent)
    ]
    if card:
        groups = [[digest for group in groups for digest in group]]
    for group in filter(None, groups):
        yield Fact(Part.BESIDE, frozenset(group))
    for name, bearers in () if card else namesakes(agents):
        if name not in owner:
            yield Fact(Part.APART, frozenset(map(identity, bearers)))


class Reading:
    """Sets of identity digests, and what follows from them."""

    def __init__(self, aliases: Aliases, evidence: Evidence) -> None:
        self._aliases = aliases
        self._evidence = evidence
        self._masked = sorted(evidence.masked, key=lambda one: (one[0], encode(one[1])))
        self._identities: dict[str, bytes] = {}
        self._owner = frozenset(form for one in evidence.owner for form in forms_of(one))
        self._agents = [(agent, identifying(agent.id, agent.name)) for agent in evidence.agents]
        self._link_all()

    def goes_on_with(self, evidence: Evidence) -> bool:
        """Take in that people are in more items or fewer; False where anything else is new."""
        if _uncounted(evidence) != _uncounted(self._evidence):
            return False
        self._evidence = evidence
        self._agents = [
            (agent, groups)
            for agent, (_, groups) in zip(evidence.agents, self._agents, strict=True)
        ]
        self.__dict__.pop("persons", None)
        return True

    def identity(self, form: str) -> bytes:
        """Return the digest of a form."""
        if form not in self._identities:
            self._identities[form] = self._aliases.identity(form)
        return self._identities[form]

    def find(self, digest: bytes) -> bytes:
        """Return what stands for the person of an identity: the smallest of hers."""
        return self._sets.find(self._firm.find(digest))

    # ------------------------------------------------------------------ who belongs together

    def _link_all(self) -> None:
        lists = [
            list(facts_of(self.identity, agents, card=card, owner=self._owner))
            for card, agents in self._evidence.lists
        ]
        cards = [
            sorted(fact.digests)
            for (card, _), facts in zip(self._evidence.lists, lists, strict=True)
            for fact in facts
            if card
        ]
        held = self._masked_groups(Part.IDENTITY)
        decided = self._evidence.decided
        merged = [list(one.people) for one in decided if isinstance(one, PersonMerged)]
        self._groups = held
        # What a contact, an event or the owner joined is not parted by two names in one list.
        owned = [[self.identity(form) for form in sorted(self._owner)]]
        self._cut = _cut(decided)
        self._firm = joined([*cards, *owned, *held.values(), *merged], self._cut)
        soft = [[self.identity(f) for f in group] for _, groups in self._agents for group in groups]
        soft += self._masked_groups(Part.BESIDE).values()
        soft += [[self.identity(f) for f in forms_of(form)] for form in self._evidence.spoken]
        aparts = [fact.digests for facts in lists for fact in facts if fact.part is Part.APART]
        aparts += map(frozenset, self._masked_groups(Part.APART).values())
        find = self._firm.find
        self._sets = joined(
            [[find(digest) for digest in group] for group in soft], self._apart(aparts)
        )
        self._crossing = [group for group in soft if len({self.find(d) for d in group}) > 1]

    def _apart(self, aparts: Iterable[frozenset[bytes]]) -> dict[bytes, set[bytes]]:
        """Return who is apart among what is joined for certain."""
        apart: dict[bytes, set[bytes]] = defaultdict(set)
        pairs = [pair for digests in aparts for pair in combinations(sorted(digests), 2)]
        pairs += [(one, other) for one, others in self._cut.items() for other in others]
        for one, other in pairs:
            first, second = self._firm.find(one), self._firm.find(other)
            if first != second:
                apart[first].add(second)
                apart[second].add(first)
        return dict(apart)

    def _masked_groups(self, part: Part) -> dict[tuple[int, bytes], list[bytes]]:
        groups: dict[tuple[int, bytes], list[bytes]] = defaultdict(list)
        for position, one in self._masked:
            if one.part == part:
                groups[position, one.person].append(one.digest)
        return dict(groups)

    def roots_of(self, id_: str, name: str) -> list[bytes]:
        """Return what stands for whoever an agent may be: mostly one person, or nobody."""
        groups = identifying(id_, name)
        return list(dict.fromkeys(self._root(form) for group in groups for form in group))

    def _root(self, form: str) -> bytes:
        return self.find(self.identity(form))

    def _holder(self, digests: Iterable[bytes]) -> bytes:
        """Return the person who has most of some identities."""
        count = Counter(map(self.find, digests))
        return min(count, key=lambda root: (-count[root], root))

    def _one(self, digests: Iterable[bytes]) -> bytes | None:
        """Return the person who has all of some identities, if there is one."""
        roots = set(map(self.find, digests))
        return roots.pop() if len(roots) == 1 else None

    @cached_property
    def _members(self) -> dict[bytes, list[bytes]]:
        members: dict[bytes, set[bytes]] = defaultdict(set)
        for digest in (*self._firm, *self._sets):
            members[self.find(digest)].add(digest)
        return {root: sorted(found) for root, found in members.items()}

    # ------------------------------------------------------------------ persons

    @cached_property
    def _tokens(self) -> dict[bytes, bytes]:
        """Root → token: as the first event that masked the person put it, else by first sight."""
        tokens: dict[bytes, bytes] = {}
        taken: set[bytes] = set()

        def give(root: bytes, token: bytes) -> None:
            if root not in tokens and token not in taken:
                tokens[root] = token
                taken.add(token)

        for (_, token), digests in self._groups.items():
            # Of two who were one when the event was said, who has most of it keeps the token.
            give(self._holder(digests), token)
        for agent, groups in sorted(self._agents, key=lambda a: (a[0].first, a[0].id, a[0].name)):
            del agent
            for form in (form for group in groups for form in group):
                give(self._root(form), self._aliases.person(form))
        for form in sorted(self._evidence.owner):
            give(self._root(form), self._aliases.person(form))
        for root in sorted(self._held_roots() - tokens.keys()):
            give(root, self._aliases.person(root.hex()))
        return tokens

    def _held_roots(self) -> set[bytes]:
        """Return whoever needs a token: all that agents and events are about."""
        agents = {self._root(form) for _, groups in self._agents for g in groups for form in g}
        events = {self.find(d) for digests in self._groups.values() for d in digests}
        return agents | events | {self._root(form) for form in self._evidence.owner}

    @cached_property
    def _texts(self) -> dict[bytes, set[str]]:
        """Root → every id and name that metadata states of a person, and of nobody else."""
        texts: dict[bytes, set[str]] = defaultdict(set)
        for agent, groups in self._agents:
            if not groups:
                continue
            named = {form for group in groups for form in group}
            for text in (agent.id, agent.name):
                if text:
                    # Of all spellings of a name it is the common one that is somebody's.
                    *_, form = "", *forms_of(text)
                    texts[self._root(form if form in named else groups[0][0])].add(text)
        for form in self._evidence.owner:
            texts[self._root(form)].add(form)
        return dict(texts)

    @cached_property
    def _called(self) -> dict[bytes, set[str]]:
        """Root → names that a person bears and others too, so that they do not identify her."""
        called: dict[bytes, set[str]] = defaultdict(set)
        for agent, groups in self._agents:
            if groups and agent.name and agent.id:
                called[self._root(groups[0][0])].add(agent.name)
        return dict(called)

    @cached_property
    def known_as(self) -> Mapping[str, frozenset[str]]:
        """For the form of an id or a name, every form of the same person."""
        known: dict[bytes, set[str]] = defaultdict(set)
        for root, texts in self._texts.items():
            known[root].update(map(normal, texts))
        for form in self._evidence.spoken:
            # A statement may name a person by a form that only erased items stated.
            root = self._root(form)
            if root in self._tokens:
                known[root].add(form)
        linked: dict[str, frozenset[str]] = {}
        for root in sorted(known):
            everything = frozenset(known[root])
            for form in everything:
                if self._root(form) == root:
                    linked[form] = everything
        return linked

    @cached_property
    def persons(self) -> tuple[Person, ...]:
        """Everybody, those in most items first."""
        uses: dict[bytes, int] = defaultdict(int)
        for agent, groups in self._agents:
            if groups:
                uses[self._root(groups[0][0])] += agent.uses
        owned = {self._root(form) for form in self._evidence.owner}
        blocked = self.borne(self._evidence.blocked)
        found = [
            Person(
                token=self._tokens[root],
                names=tuple(sorted(one for one in texts if not is_address(one))),
                addresses=tuple(sorted(one for one in texts if is_address(one))),
                items=uses[root],
                owner=root in owned,
                relation=self._relations.get(root, ""),
                blocked=self._tokens[root] in blocked,
            )
            for root, own in self._texts.items()
            for texts in [own | self._called.get(root, set())]
            # A name that several people bear is nobody by itself.
            if uses[root] or root in owned
        ]
        return tuple(sorted(found, key=lambda p: (-p.items, p.names, p.addresses)))

    @cached_property
    def _relations(self) -> dict[bytes, str]:
        relations: dict[bytes, str] = {}
        for one in self._evidence.decided:
            if isinstance(one, PersonRelated) and one.people:
                relations[self._holder(one.people)] = one.relation
        return relations

    def called(self, name: str) -> tuple[Person, ...]:
        """Return whom the owner may mean: by an id, a name or an address, else by some words."""
        wanted = name.strip().lower()
        if len(wanted) >= _SHORTEST_ID and set(wanted) <= _HEX:
            found = [one for one in self.persons if one.id.startswith(wanted)]
            if found:
                return tuple(found)
        forms = set(forms_of(name))
        exact = [p for p in self.persons if any(forms & set(forms_of(t)) for t in _texts_of(p))]
        if exact:
            return tuple(exact)
        said = set(words(name))
        return tuple(
            p for p in self.persons if said and any(said <= set(words(n)) for n in p.names)
        )

    def token(self, id_: str, name: str) -> bytes:
        """Return the token of whoever an agent is, nothing where nothing identifies them."""
        groups = identifying(id_, name)
        return self._tokens.get(self._root(groups[0][0]), b"") if groups else b""

    def token_of(self, digests: Iterable[bytes]) -> bytes:
        """Return the token of the person who has most of some identities."""
        return self._tokens.get(self._holder(digests), b"")

    def person(self, token: bytes) -> bytes:
        """Return what stands for the person with a token."""
        return next(root for root, one in self._tokens.items() if one == token)

    def members(self, token: bytes) -> tuple[bytes, ...]:
        """Return every identity of a person."""
        return tuple(self._members[self.person(token)])

    def going(self, token: bytes, texts: Iterable[str]) -> set[bytes]:
        """Return the identities that go with some names and addresses of a person.

        A name goes along where all that it stands beside does.
        """
        own = set(self.members(token))
        away = {self.identity(form) for text in texts for form in forms_of(text)} & own
        beside: dict[bytes, set[bytes]] = defaultdict(set)
        for agent, groups in self._agents:
            ids = {self.identity(form) for form in forms_of(agent.id)} & own
            for digest in {self.identity(f) for group in groups for f in group} & own - ids:
                beside[digest] |= ids or {digest}
        return away | {digest for digest, ids in beside.items() if ids and ids <= away}

    # ------------------------------------------------------------------ words

    def borne(self, forms: Iterable[str]) -> frozenset[bytes]:
        """Return the tokens by which somebody is found who is known by one of some forms.

        A name that she shares is among them: where it stands it may be she.
        """
        roots = {self._root(one) for form in forms for one in forms_of(form)}
        shared = {
            self.find(digest)
            for group in self._crossing
            for own in group
            if self.find(own) in roots
            for digest in group
            if digest not in self._cut.get(own, ())
        }
        return frozenset(self._tokens[root] for root in roots | shared if root in self._tokens)

    @cached_property
    def table(self) -> Table:
        """The digests by which redaction finds people."""
        return Table.of(self._aliases, self._claims())

    def _claims(self) -> Iterator[Claim]:
        """Yield whose the aliases are.

        Whom the owner told her relation to is meant by a word that several share. In how many
        items they take part cannot decide: of items that are gone nobody knows it.
        """
        related = {self._tokens[root] for root, word in self._relations.items() if word}
        for root in self._texts:
            person = self._tokens[root]
            for digest, part in self._entries(root):
                yield Claim(digest, person, part, _RELATED if person in related else _KNOWN)
        for position, one in self._masked:
            group = self._groups.get((position, one.person))
            if group and one.part not in _UNSAID:
                # Of two who were one when the event was said, nobody knows whose alias it is.
                known = _KNOWN if self._one(group) else 0
                person = self._tokens[self._holder(group)]
                uses = _RELATED if known and person in related else known
                yield Claim(one.digest, person, Part(one.part), uses)

    def _entries(self, root: bytes) -> set[tuple[bytes, Part]]:
        return _digests(self._aliases, self._texts.get(root, ()))

    # ------------------------------------------------------------------ events

    def masked(self, agents: Iterable[Stated], facts: Iterable[Fact]) -> Iterator[MaskedAlias]:
        """Yield all that is known of the persons of some items, and what these state of them."""
        yield from self.all_known(root for agent in agents for root in self.roots_of(*agent))
        for fact in facts:
            if fact.part is Part.APART or len({self.find(d) for d in fact.digests}) > 1:
                key = hashlib.sha256(b"".join((fact.part.encode(), *sorted(fact.digests)))).digest()
                for digest in fact.digests:
                    yield MaskedAlias(digest=digest, person=key[:8], part=fact.part.value)

    def all_known(self, digests: Iterable[bytes]) -> Iterator[MaskedAlias]:
        """Yield all that is known of the persons of some identities."""
        roots = set(map(self.find, digests)) & self._tokens.keys()
        for root in roots:
            person = self._tokens[root]
            for digest, part in self._entries(root):
                yield MaskedAlias(digest=digest, person=person, part=part.value)
            for digest in self._members[root]:
                yield MaskedAlias(digest=digest, person=person, part=Part.IDENTITY.value)
        for position, one in self._masked:
            group = self._groups.get((position, one.person))
            # What nobody knows whose it is stays with the event that masked it.
            if one.part not in _UNSAID and group and self._one(group) in roots:
                person = self._tokens[self._holder(group)]
                yield MaskedAlias(digest=one.digest, person=person, part=one.part)

    def stated(self, agents: Iterable[Stated]) -> set[tuple[bytes, str]]:
        """Return the digests, and what they are, by which agents are found in words."""
        texts = {text for agent in agents for text in agent if text}
        return {(digest, part.value) for digest, part in _digests(self._aliases, texts)}

    def facts(self, agents: Iterable[Stated], *, card: bool) -> Iterator[Fact]:
        """Yield what an item states of who is who."""
        return facts_of(self.identity, agents, card=card, owner=self._owner)


def _uncounted(evidence: Evidence) -> Evidence:
    return replace(evidence, agents=[agent._replace(uses=0) for agent in evidence.agents])


_KNOWN, _RELATED = 1, 2
_UNSAID = frozenset({Part.IDENTITY.value, Part.BESIDE.value, Part.APART.value})
_HEX = frozenset("0123456789abcdef")
_SHORTEST_ID = 4


def _texts_of(person: Person) -> Iterator[str]:
    yield from person.addresses
    yield from person.names


def _digests(aliases: Aliases, texts: Iterable[str]) -> set[tuple[bytes, Part]]:
    """Return the digests of all by which ids and names are found in words."""
    return {(aliases.folded(a.text), a.part) for text in texts for a in entries(text)}


def _cut(decided: Iterable[Decided]) -> dict[bytes, set[bytes]]:
    """Return who is apart because the owner said so, and did not say the contrary since."""
    apart: dict[bytes, set[bytes]] = defaultdict(set)
    for one in decided:
        match one:
            case PersonMerged(people=people):
                for digest in apart.keys() & set(people):
                    apart[digest] -= set(people)
            case PersonSplit(people=people, others=others):
                for some, rest in ((people, others), (others, people)):
                    for digest in some:
                        apart[digest] |= set(rest) - {digest}
            case PersonRelated():
                pass
    return {digest: others for digest, others in apart.items() if others}
