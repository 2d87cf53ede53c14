"""Who is who: looking, merging, splitting, relating, blocking."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.bootstrap import Twin
from console.use import consenting
from projections.people import Person as Known
from vault.consent import Filters, Pause, Statement, normal
from vault.errors import NotFound, UsageError
from vault.events import Event

__all__ = [
    "NOBODY",
    "OWNER",
    "RELATIONS",
    "About",
    "Blocked",
    "Changed",
    "Listed",
    "People",
    "Person",
    "about",
    "block",
    "everybody",
    "listed",
    "merge",
    "relate",
    "show",
    "split",
    "unblock",
]

OWNER = "self"
NOBODY = "none"
RELATIONS = (
    *(OWNER, "partner", "wife", "husband", "mother", "father", "parent", "daughter", "son"),
    *("child", "sister", "brother", "sibling", "grandmother", "grandfather", "grandchild"),
    *("aunt", "uncle", "cousin", "niece", "nephew", "relative", "friend", "neighbour"),
    *("colleague", "boss", "employee", "client", "teacher", "pupil", "doctor", "acquaintance"),
    NOBODY,
)
"""Words for relations, to choose from; any other word will do as well."""

_LONGEST = 40
_MOST_TOLD = 10
_SHORT_ID = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person as the owner sees her; `namesakes` are the ids of others with one of her names."""

    id: str
    names: tuple[str, ...]
    addresses: tuple[str, ...]
    items: int
    relation: str
    owner: bool
    blocked: bool
    namesakes: tuple[str, ...] = ()

    @classmethod
    def of(cls, known: Known, namesakes: Sequence[Known] = ()) -> "Person":
        """Describe a person."""
        return cls(
            id=known.id,
            names=tuple(dict.fromkeys(map(_bare, known.names))),
            addresses=tuple(dict.fromkeys(map(_bare, known.addresses))),
            items=known.items,
            relation=OWNER if known.owner else known.relation,
            owner=known.owner,
            blocked=known.blocked,
            namesakes=tuple(one.id for one in namesakes if one.id != known.id),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everybody, those in most items first."""

    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Some of the people found, and how many were found."""

    people: tuple[Person, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A person, in how many items of each type she takes part, and what was said of her."""

    person: Person
    namesakes: tuple[Person, ...]
    kinds: tuple[tuple[str, int], ...]
    statements: tuple[Statement, ...]
    pauses: tuple[Pause, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The persons of whom something was said, as they are now, and what it took away."""

    people: tuple[Person, ...]
    models_suspended: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """A person, and the models that learned from what is blocked."""

    person: Person
    models_suspended: tuple[str, ...] = ()


def everybody(twin: Twin) -> People:
    """Return everybody who takes part in an item."""
    twin.catch_up()
    return People(people=tuple(map(Person.of, twin.views.people.persons())))


def listed(twin: Twin, text: str = "", after: int = 0, limit: int = 50) -> Listed:
    """Return some people, those in most items first.

    Args:
        twin: The open vault.
        text: An id, a name, an address or a part of one; everybody without it.
        after: How many to pass over.
        limit: How many at most.
    """
    twin.catch_up()
    found = twin.views.people.persons()
    if wanted := " ".join(text.split()).casefold():
        called = {one.id for one in twin.views.people.called(text)}
        found = tuple(
            one
            for one in found
            if one.id in called
            or any(wanted in told.casefold() for told in (*one.names, *one.addresses))
        )
    some = found[after : after + limit]
    return Listed(people=tuple(map(Person.of, some)), count=len(found))


def about(twin: Twin, name: str) -> About:
    """Return one person, what of the vault is hers, and what was said of her.

    Raises:
        NotFound: Nobody is called so.
        UsageError: Several are.
    """
    twin.catch_up()
    people = twin.views.people
    person = _one(twin, name)
    named = _described(twin, person)
    said = consenting.show(twin)
    others = {one.id: one for one in people.persons() if one.id in named.namesakes}
    return About(
        person=named,
        namesakes=tuple(map(Person.of, others.values())),
        kinds=tuple(
            twin.views.timeline.circles.kinds(Filters(person=people.form_of(person))).items()
        ),
        statements=tuple(
            one
            for one in said.statements
            if one.filters.person and people.means(one.filters.person, person)
        ),
        pauses=tuple(one for one in said.pauses if one.person and people.means(one.person, person)),
    )


def show(twin: Twin, name: str) -> Person:
    """Return one person.

    Raises:
        NotFound: Nobody is called so.
        UsageError: Several are.
    """
    twin.catch_up()
    return _described(twin, _one(twin, name))


def merge(twin: Twin, name: str, other: str) -> Changed:
    """Say that two persons are one.

    Raises:
        NotFound: Nobody is called so.
        UsageError: Several are, or they are one person already.
    """
    twin.catch_up()
    people = _one(twin, name), _one(twin, other)
    if people[0] == people[1]:
        raise UsageError("They are one person already; nothing was said.")
    event = twin.views.people.merging(people)
    return _say(twin, event, event.people)


def split(twin: Twin, name: str, texts: Sequence[str]) -> Changed:
    """Say that some names and addresses of a person are somebody else's.

    Raises:
        NotFound: Nobody is called so, or has none of these names and addresses.
        UsageError: Several are called so, or nothing would be left.
    """
    twin.catch_up()
    event = twin.views.people.splitting(_one(twin, name), texts)
    return _say(twin, event, event.others, event.people)


def relate(twin: Twin, name: str, relation: str) -> Changed:
    """Say what a person is to the owner; `none` takes it back.

    Raises:
        NotFound: Nobody is called so.
        UsageError: Several are, or the word is none.
    """
    twin.catch_up()
    person = _one(twin, name)
    word = " ".join(relation.split())
    if word == OWNER:
        texts = (*person.names, *person.addresses)
        twin.vault.name_owner(map(normal, texts), twin.views.people.owner)
        return _say(twin, None, twin.views.people.relating(person, "").people)
    if not all(c.isalpha() or c in " -'\N{RIGHT SINGLE QUOTATION MARK}" for c in word):
        raise UsageError("A relation is a word or two, such as mother or old friend.")
    if len(word) > _LONGEST or not word:
        raise UsageError(f"A relation has 1 to {_LONGEST} letters, such as mother or old friend.")
    if word not in RELATIONS and twin.views.people.mentioned.names_anybody(word):
        # The word stays when what a person wrote is erased.
        raise UsageError("A relation names nobody; say what she is to you, such as mother.")
    event = twin.views.people.relating(person, "" if word == NOBODY else word)
    return _say(twin, event, event.people)


def block(twin: Twin, name: str) -> Blocked:
    """Use nothing of a person, and nothing that mentions her: a pause on her, on everything.

    Raises:
        NotFound: Nobody is called so.
        UsageError: Several are.
    """
    twin.catch_up()
    person = _one(twin, name)
    said = consenting.pause(twin, "", person=twin.views.people.form_of(person))
    twin.views.settle(twin.vault.now())
    return Blocked(person=_again(twin, person), models_suspended=said.models_suspended)


def unblock(twin: Twin, name: str) -> Blocked:
    """End every pause that blocks a person; what was said before holds again.

    Raises:
        NotFound: Nobody is called so, or she is not blocked.
        UsageError: Several are called so.
    """
    twin.catch_up()
    person = _one(twin, name)
    standing = [
        pause
        for pause in twin.views.permissions.pauses
        if not (pause.type or pause.source) and twin.views.people.means(pause.person, person)
    ]
    if not standing:
        raise NotFound("She is not blocked; `twin consent show` lists what is paused.")
    twin.vault.resume(standing)
    twin.catch_up()
    twin.views.settle(twin.vault.now())
    return Blocked(person=_again(twin, person))


def _say(twin: Twin, event: Event | None, *people: Sequence[bytes]) -> Changed:
    """Put an event on the record and let every view follow: who is who decides what is covered."""
    if event is not None:
        twin.vault.record(event)
    twin.catch_up()
    twin.views.settle(twin.vault.now())
    suspended = twin.suspend_tainted("people")
    found = [one for digests in people if (one := twin.views.people.of(digests))]
    return Changed(people=tuple(_described(twin, one) for one in found), models_suspended=suspended)


def _again(twin: Twin, person: Known) -> Person:
    """Describe a person as she is now."""
    members = twin.views.people.relating(person, "").people
    return _described(twin, twin.views.people.of(members) or person)


def _described(twin: Twin, person: Known) -> Person:
    names = [name for name in person.names if len(name.split()) > 1]
    return Person.of(
        person,
        tuple(
            dict.fromkeys(
                one
                for name in names
                for one in twin.views.people.called(_bare(name))
                if set(map(normal, one.names)).intersection(map(normal, names))
            )
        ),
    )


def _one(twin: Twin, name: str) -> Known:
    found = twin.views.people.called(name)
    if not found:
        raise NotFound("Nobody here is called that; `twin people list` names everybody.")
    if len(found) == 1:
        return found[0]
    short = len({one.id[:_SHORT_ID] for one in found}) == len(found)
    told = "; ".join(
        f"{one.id[:_SHORT_ID] if short else one.id} {_told(one)}" for one in found[:_MOST_TOLD]
    )
    more = f" and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
    raise UsageError(f"Several people may be meant; name one by the id before them: {told}{more}.")


def _told(person: Known) -> str:
    texts = (*person.names[:1], *person.addresses[:1])
    told = ", ".join(map(_bare, texts)) or "without a name"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in told)


def _bare(text: str) -> str:
    """Return a name or an address without its scheme."""
    scheme, colon, rest = text.partition(":")
    return rest if colon and scheme in {"mailto", "tel", "name", "acct", "adr"} else text
