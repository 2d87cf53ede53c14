"""The whole decision whether an item may be used, as one pure function with its reason.

Data types are dotted and inherited (`message.email.sent` is a `message.email` is a
`message`). Nothing is permitted until a statement says so; among the statements that
cover an item a prohibition beats a permission; what is unknown is denied. Words that
others wrote (`….received`) and sensitive matters must be named by a permission, while
a prohibition covers everything beneath the type it names. What is paused is kept, and used
for nothing.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache

from vault.errors import UsageError
from vault.items import Item

__all__ = [
    "SENSITIVE",
    "Decision",
    "Effect",
    "Filters",
    "Known",
    "Pause",
    "Profile",
    "Purpose",
    "Statement",
    "Subject",
    "check_type",
    "decide",
    "decide_by",
    "heeded",
    "in_force",
    "is_paused",
    "known_people",
    "normal",
    "same_wish",
    "same_words",
    "standing",
]

SENSITIVE = frozenset(
    ("health", "finance", "location", "sexuality", "religion", "politics", "ethnicity", "crime")
) | {"minors"}
"""Types that no permission on another type covers, whether as an item's type or as its label."""

_ROOTS = SENSITIVE.union(
    ("message", "document", "post", "code", "activity", "calendar", "media", "contact")
)

_RECEIVED = "received"


class Purpose(StrEnum):
    """What the owner may allow an item to be used for."""

    COLLECT = "collect"
    MIRROR = "mirror"
    SEARCH = "search"
    TRAIN = "train"
    SHARE = "share"


class Effect(StrEnum):
    """What a statement does."""

    ALLOW = "allow"
    DENY = "deny"


class Profile(StrEnum):
    """How much redaction masks, the strictest first."""

    STRICT = "strict"
    BALANCED = "balanced"
    NAMES_ONLY = "names-only"
    NONE = "none"


_STRICTNESS = {profile: rank for rank, profile in enumerate(Profile)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which items of a type a statement is about; an empty filter is about all of them.

    `person` is a name or an address as `vault.consent.normal` writes it; `since` and
    `until` bound the time of the item, the first included and the last excluded.
    """

    source: str = ""
    conversation: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the owner said, once: allow or deny a type for a purpose, under conditions."""

    id: str
    effect: Effect
    type: str
    purpose: Purpose
    filters: Filters = field(default_factory=Filters)
    redact: Profile = Profile.BALANCED
    recipient: str = ""
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """What is kept and used for nothing: a type, a source, a person; an empty word is any."""

    id: str
    type: str = ""
    source: str = ""
    person: str = ""


Known = tuple[frozenset[str], frozenset[str]]
"""The normal forms of an item's author, and those of all who take part in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What the decision needs to know of an item, and no more.

    `author` and `people` are normal forms of every name and address under which
    these people are known; `people` includes the author. `mentioned` are forms by which
    pauses name people whom the words of the item mention.
    """

    type: str
    source: str = ""
    conversation: str = ""
    author: frozenset[str] = frozenset()
    people: frozenset[str] = frozenset()
    at: datetime | None = None
    labels: tuple[str, ...] = ()
    mentioned: frozenset[str] = frozenset()

    @classmethod
    def of(cls, item: Item, known_as: Mapping[str, frozenset[str]] | None = None) -> "Subject":
        """Describe an item.

        Args:
            item: The item.
            known_as: For the normal form of an agent's id or name, every other normal form
                under which the same person is known.
        """
        return cls.among(item, known_people(item, known_as or {}))

    @classmethod
    def among(cls, item: Item, known: Known, mentioned: frozenset[str] = frozenset()) -> "Subject":
        """Describe an item of which it is known who takes part and who is mentioned."""
        author, people = known
        return cls(
            type=item.type,
            source=item.source,
            conversation=item.conversation,
            author=author,
            people=people,
            at=item.at,
            labels=item.labels,
            mentioned=mentioned,
        )


def known_people(item: Item, known_as: Mapping[str, frozenset[str]]) -> Known:
    """Return every form of an item's author, and of all who take part in it."""

    def forms(*texts: str) -> frozenset[str]:
        own = {normal(text) for text in texts if text}
        return frozenset(own.union(*(known_as.get(form, frozenset()) for form in own)))

    author = forms(item.author.id, item.author.name) if item.author else frozenset()
    return author, author.union(*(forms(agent.id, agent.name) for agent in item.to))


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict, the statement that decided (empty where none did) and why, in one sentence."""

    permitted: bool
    reason: str
    statement: str = ""
    redact: Profile = Profile.STRICT


@lru_cache(1 << 14)
def normal(text: str) -> str:
    """Return the form in which names and addresses are compared.

    Schemes (`mailto:`, `tel:`, `name:`) fall away, letter case and runs of spaces too;
    of a telephone number the digits remain.
    """
    scheme, colon, rest = text.partition(":")
    if colon and scheme in {"mailto", "tel", "name", "acct"}:
        text = rest
    text = " ".join(text.split()).casefold()
    digits = text.translate(_NOT_DIGITS)
    return (
        digits if len(digits) >= _SHORTEST_NUMBER and not text.strip("+0123456789 ()-./") else text
    )


_NOT_DIGITS = {ord(c): None for c in "+ ()-./"}
_SHORTEST_NUMBER = 7


_TYPE = re.compile(r"[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)*")


def check_type(name: str) -> str:
    """Return `name` if it is a data type.

    Raises:
        UsageError: It is not dotted lower-case words under a known root.
    """
    if not _TYPE.fullmatch(name) or name.partition(".")[0] not in _ROOTS:
        known = ", ".join(sorted(_ROOTS))
        raise UsageError(f"{name!r} is not a data type; a type begins with one of {known}.")
    return name


def same_words(one: Statement, other: Statement) -> bool:
    """Whether the later of two statements takes the place of the earlier, effect aside."""
    return (
        one.type == other.type
        and one.purpose is other.purpose
        and one.filters == other.filters
        and one.recipient == other.recipient
    )


def same_wish(one: Statement, other: Statement, now: datetime) -> bool:
    """Whether two statements ask for the same; what has ended asks that something end."""
    return (
        same_words(one, other)
        and one.effect is other.effect
        and (one.redact is other.redact or one.effect is Effect.DENY)
        and (one.expires == other.expires or (_ended(one, now) and _ended(other, now)))
    )


def _ended(statement: Statement, now: datetime) -> bool:
    return statement.expires is not None and statement.expires <= now


def in_force(statements: Iterable[Statement]) -> list[Statement]:
    """Return the statements that no later one on the same type, purpose and filters replaced.

    Args:
        statements: In the order in which they were said. For `share`, those that reach one
            recipient: what is said about one replaces nothing that was said about another.
    """
    latest: dict[tuple[str, Purpose, Filters], Statement] = {}
    for statement in statements:
        key = (statement.type, statement.purpose, statement.filters)
        latest.pop(key, None)
        latest[key] = statement
    return list(latest.values())


def decide(
    statements: Iterable[Statement],
    subject: Subject,
    purpose: Purpose,
    now: datetime,
    *,
    recipient: str = "",
    pauses: Iterable[Pause] = (),
) -> Decision:
    """Decide whether an item may be used for a purpose at a moment.

    Args:
        statements: Everything the owner ever said, in order.
        subject: The item.
        purpose: What it would be used for.
        now: The later of the clock and the newest event, so that a clock set back
            revives nothing.
        recipient: For `share`, to whom.
        pauses: Those that were not ended. They say nothing of `collect`, and beat every
            permission for any other purpose.
    """
    live = standing(statements, purpose, now, recipient=recipient)
    return decide_by(live, subject, purpose, pauses)


def standing(
    statements: Iterable[Statement], purpose: Purpose, now: datetime, *, recipient: str = ""
) -> list[Statement]:
    """Return the statements that decide about a purpose at a moment, for `decide_by`."""
    about = (
        statement
        for statement in statements
        if statement.purpose is purpose
        and (purpose is not Purpose.SHARE or _reaches(statement, recipient))
    )
    # An expired statement has still replaced what came before it: nothing old comes back.
    return [s for s in in_force(about) if s.expires is None or now < s.expires]


def decide_by(
    live: Sequence[Statement], subject: Subject, purpose: Purpose, pauses: Iterable[Pause]
) -> Decision:
    """Decide as `decide` does, by the statements that stand: for many items they are looked for once."""
    for pause in pauses if purpose is not Purpose.COLLECT else ():
        if is_paused(pause, subject):
            return Decision(permitted=False, statement=pause.id, reason=_words_of_pause(pause))
    for statement in live:
        if statement.effect is Effect.DENY and _forbids(statement, subject):
            return Decision(
                permitted=False, statement=statement.id, reason=f"{_words(statement)} is denied."
            )
    grants: list[Statement] = []
    for name in (subject.type, *subject.labels):
        covering = [s for s in live if s.effect is Effect.ALLOW and _permits(s, name, subject)]
        if not covering:
            return Decision(permitted=False, reason=f"Nothing allows {name} for {purpose}.")
        grants += covering
    strictest = min(grants, key=lambda s: _STRICTNESS[s.redact])
    return Decision(
        permitted=True,
        statement=strictest.id,
        reason=f"{_words(strictest)} is allowed.",
        redact=strictest.redact,
    )


def heeded(said: Sequence[Statement], asked: Statement, now: datetime) -> Statement | None:
    """Return what counts of a statement that somebody else than the owner made.

    Said after the owner's own words it permits nothing that these do not permit, to nobody,
    at no moment, and nothing less redacted: whoever can forge it can only forbid.

    Args:
        said: Everything that counts so far, in order.
        asked: What somebody asks for.
        now: When it was asked for.

    Returns:
        The statement to be taken for said; None where nothing of it counts.
    """
    if asked.effect is Effect.DENY:
        return _heeded_prohibition(said, asked, now)
    live = standing(said, asked.purpose, now, recipient=asked.recipient)
    grants = [s for s in live if s.effect is Effect.ALLOW]
    before = next((s for s in live if (s.type, s.filters) == (asked.type, asked.filters)), None)
    covering = [before] if before else grants
    found = [_met(asked, s) for s in covering if s in grants and _includes(s, asked)]
    if not found:
        return None
    met = next((s for s in found if s == asked), found[0])
    if before and _unveils(grants, before, met):
        return None
    return _news(asked, met, before)


def _heeded_prohibition(
    said: Sequence[Statement], asked: Statement, now: datetime
) -> Statement | None:
    """Return a prohibition that ends no earlier than what it takes the place of."""
    if _ended(asked, now):
        return None
    latest = {
        s.recipient: s for s in said if same_words(replace(s, recipient=asked.recipient), asked)
    }
    live = [s for s in latest.values() if not _ended(s, now)]
    # What takes a permission's place has no end: at its end a wider one might redact less.
    ends = [asked.expires, *(None if s.effect is Effect.ALLOW else s.expires for s in live)]
    counts = replace(asked, expires=None if None in ends else max(end for end in ends if end))
    return _news(asked, counts, latest.get(asked.recipient))


def _news(asked: Statement, counts: Statement, before: Statement | None) -> Statement | None:
    """Return what counts, unless it is what stands already and not what was asked for."""
    stands = before is not None and counts == replace(before, id=counts.id)
    return None if stands and counts != asked else counts


def _met(asked: Statement, granted: Statement) -> Statement:
    """Return a permission that goes no further than one that was granted."""
    ends = [s.expires for s in (asked, granted) if s.expires is not None]
    profiles = (asked.redact, granted.redact)
    return replace(
        asked,
        expires=min(ends, default=None),
        redact=min(profiles, key=_STRICTNESS.__getitem__),
    )


def _includes(granted: Statement, asked: Statement) -> bool:
    """Whether every item that one permission is about is among those of another."""
    wide, narrow = granted.filters, asked.filters
    return (
        _within(asked.type, granted.type)
        and _named(granted.type, asked.type)
        and wide.source in {"", narrow.source}
        and wide.conversation in {"", narrow.conversation}
        and normal(wide.person) in {"", normal(narrow.person)}
        and (wide.since is None or (narrow.since is not None and wide.since <= narrow.since))
        and (wide.until is None or (narrow.until is not None and narrow.until <= wide.until))
    )


def _unveils(grants: Iterable[Statement], before: Statement, after: Statement) -> bool:
    """Whether a permission that redacts less is left alone when another one ends earlier."""
    if after.expires is None or (before.expires is not None and before.expires <= after.expires):
        return False
    return any(
        _STRICTNESS[s.redact] > _STRICTNESS[before.redact]
        and (_within(s.type, before.type) or _within(before.type, s.type))
        for s in grants
        if s is not before
    )


def _words(statement: Statement) -> str:
    """Name a statement without repeating its filters, which may hold names."""
    narrowed = " (with filters)" if statement.filters != Filters() else ""
    return f"{statement.type} for {statement.purpose}{narrowed}"


def _words_of_pause(pause: Pause) -> str:
    narrowed = " (with filters)" if pause.source or pause.person else ""
    return f"{pause.type or 'Everything'}{narrowed} is paused."


def is_paused(pause: Pause, subject: Subject) -> bool:
    """Whether a pause covers an item: as wide as a prohibition, whoever wrote it, and wider.

    A pause on a person covers what mentions her, too.
    """
    names = (subject.type, *subject.labels)
    person = normal(pause.person)
    return (
        (not pause.type or any(_within(name, pause.type) for name in names))
        and pause.source in {"", subject.source}
        and (not pause.person or person in subject.people or person in subject.mentioned)
    )


def _reaches(statement: Statement, recipient: str) -> bool:
    """A permission reaches the recipient it names; a prohibition without one reaches everybody."""
    if statement.effect is Effect.DENY and not statement.recipient:
        return True
    return bool(recipient) and statement.recipient == recipient


def _within(name: str, ancestor: str) -> bool:
    return name == ancestor or name.startswith(ancestor + ".")


def _forbids(statement: Statement, subject: Subject) -> bool:
    """Whether a prohibition covers an item: anything beneath it, by any of its people."""
    filters = statement.filters
    return (
        any(_within(name, statement.type) for name in (subject.type, *subject.labels))
        and filters.source in {"", subject.source}
        and filters.conversation in {"", subject.conversation}
        and (not filters.person or normal(filters.person) in subject.people)
        # An item without a date might lie inside the bounds: unknown is denied.
        and (subject.at is None or _dated(filters, subject.at))
    )


def _permits(statement: Statement, name: str, subject: Subject) -> bool:
    """Whether a permission covers one of the types that an item carries."""
    filters = statement.filters
    if not _within(name, statement.type) or not _named(statement.type, name):
        return False
    bounded = filters.since is not None or filters.until is not None
    return (
        filters.source in {"", subject.source}
        and filters.conversation in {"", subject.conversation}
        and (not filters.person or _speaks_of(normal(filters.person), subject))
        and (not bounded or (subject.at is not None and _dated(filters, subject.at)))
    )


def _named(granted: str, name: str) -> bool:
    """What others wrote must be named; what is sensitive is, since it has roots of its own."""
    return not name.endswith("." + _RECEIVED) or granted.endswith("." + _RECEIVED)


def _speaks_of(person: str, subject: Subject) -> bool:
    """A permission for a person covers what that person wrote, and what was written to them."""
    if subject.type.endswith("." + _RECEIVED):
        return person in subject.author
    return person in subject.people


def _dated(filters: Filters, at: datetime) -> bool:
    return (filters.since is None or filters.since <= at) and (
        filters.until is None or at < filters.until
    )
