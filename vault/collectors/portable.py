"""The portable copy: the lines that it is made of, and how an item becomes one and comes back.

Items are in the terms of ActivityStreams 2.0 where it has them and in our own where it has
none; what is empty is left out, nothing else. Whoever writes a copy and whoever reads one
share this room; `specs/export.md` is its specification.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

from vault import events as e
from vault.codec import TOPICS, topic_of
from vault.collectors.copies import CONTEXT_FILE, FORMAT, LINE_START, MANIFEST, UNFINISHED
from vault.collectors.readers.text import clean
from vault.consent import check_type
from vault.errors import UsageError
from vault.items import Agent, Attachment, Item, Precision

__all__ = [
    "ATTACHMENTS",
    "CONTEXT",
    "CONTEXT_FILE",
    "CORRECTIONS",
    "FORMAT",
    "ITEMS_IN_FILE",
    "LINE_START",
    "LONGEST",
    "MANIFEST",
    "OWNER",
    "README",
    "SAID",
    "STATEMENTS",
    "UNFINISHED",
    "VERSION",
    "VERSIONS",
    "Corrected",
    "Correction",
    "Exact",
    "Line",
    "Named",
    "Said",
    "Unfit",
    "attachment_file",
    "correction_of",
    "event_of",
    "item_of",
    "items_file",
    "json_of",
    "line_of",
    "looks_like_a_copy",
    "people_of",
    "person_of",
    "said_of",
    "unmasked",
    "urn_of",
]

VERSION: Final = 2
VERSIONS: Final = frozenset({1, 2})
"""What is read: the first release's copies have no tags, and no bytes of attachments."""

OWNER: Final = "owner.json"
STATEMENTS: Final = "statements.jsonl"
CORRECTIONS: Final = "corrections.jsonl"
README: Final = "README.txt"
ATTACHMENTS: Final = "attachments"
ITEMS_IN_FILE: Final = 10_000
LONGEST: Final = 128 << 20
"""The most bytes of a line that is read."""

SAID: Final[tuple[type[e.Event], ...]] = (
    e.ConsentGiven,
    e.ConsentProhibited,
    e.ConsentWithdrawn,
    e.ConsentObserved,
    e.UsePaused,
    e.UseResumed,
    e.RetentionSet,
    e.PersonMerged,
    e.PersonSplit,
    e.PersonRelated,
    e.FeedbackGiven,
)
"""The events that are the owner's word: a copy carries them, and she can say them again."""

_SAYABLE = {topic: kind for topic, kind in TOPICS.items() if kind in SAID}
_URN = "urn:twinvault:"
_KINDS = {"message": "Note", "post": "Note", "document": "Article", "calendar": "Event"}
_IRI = re.compile(r"(?:mailto|tel|acct|https?):[^\x00-\x20<>\"{}|\\^`\x7f]+")
_LOOK = 65536

CONTEXT: Final[Mapping[str, Any]] = {
    "@context": [
        "https://www.w3.org/ns/activitystreams",
        {
            "@version": 1.1,
            "twin": f"{_URN}export/1#",  # what a name means never changes
            "xsd": "http://www.w3.org/2001/XMLSchema#",
            "entry": "twin:entry",
            "collected": {"@id": "twin:collected", "@type": "xsd:dateTime"},
            "sourceName": "twin:sourceName",
            "nativeId": "twin:nativeId",
            "dataType": "twin:dataType",
            "utcOffset": {"@id": "twin:utcOffset", "@type": "xsd:integer"},
            "precision": "twin:precision",
            "assumed": {"@id": "twin:assumed", "@type": "xsd:boolean"},
            "account": "twin:account",
            "newContent": "twin:newContent",
            "language": "twin:language",
            "labels": {"@id": "twin:labels", "@container": "@list"},
            "tags": {"@id": "twin:tags", "@container": "@list"},
            "locator": "twin:locator",
            "size": {"@id": "twin:size", "@type": "xsd:integer"},
            "sha256": "twin:sha256",
            "names": {"@id": "twin:names", "@container": "@list"},
            "to": {"@id": "as:to", "@container": "@list"},
            "attachment": {"@id": "as:attachment", "@container": "@list"},
        },
    ]
}
"""What `context.jsonld` holds: the meaning of every name in a line."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Unfit(ValueError):
    """A line that is well formed and says what no item or event is; the message has no content."""


class Exact(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    rename="camel",
):
    """What has exactly these fields; a default is not written."""


class Person(Exact, frozen=True, kw_only=True, tag_field="type", tag="Person"):
    """An agent: `id` where what names it is an IRI, else `account`."""

    id: str = ""
    account: str = ""
    name: str = ""


class Thing(Exact, frozen=True, kw_only=True, tag_field="type", tag="Object"):
    """A conversation, or the item that is answered."""

    name: str = ""
    native_id: str = ""


class Document(Exact, frozen=True, kw_only=True, tag_field="type", tag="Document"):
    """What is known of a file that came with an item."""

    name: str
    media_type: str
    size: int
    sha256: str


class Line(Exact, frozen=True, kw_only=True):
    """An item in the version that is in force, as one line."""

    ld_context: str = msgspec.field(name="@context")
    type: str
    id: str
    entry: str
    collected: Moment
    source_name: str
    native_id: str
    data_type: str
    published: Moment | None = None
    utc_offset: int | None = None
    precision: Precision = Precision.SECOND
    assumed: bool = False
    attributed_to: Person | None = None
    to: tuple[Person, ...] = ()
    context: Thing | None = None
    in_reply_to: Thing | None = None
    name: str = ""
    media_type: str
    content: str = ""
    new_content: str | None = None
    language: str = ""
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attachment: tuple[Document, ...] = ()
    locator: str = ""


class Corrected(Exact, frozen=True, kw_only=True):
    """The item that was corrected, and the words that it has since."""

    type: str
    id: str
    source_name: str
    native_id: str
    media_type: str
    content: str = ""


class Correction(Exact, frozen=True, kw_only=True):
    """A correction that the owner made, as one line."""

    ld_context: str = msgspec.field(name="@context")
    type: str
    entry: str
    published: Moment
    object: Corrected


class Said(Exact, frozen=True, kw_only=True):
    """Something that the owner said, as one line; `event` is its topic's JSON.

    `known_as` holds every form under which the person that it names is known. In the place of
    the digests of people, which have their vault's key, it holds those people's forms, and
    `others_known_as` those of the others in a split.
    """

    topic: str
    at: Moment
    entry: str
    event: msgspec.Raw
    known_as: tuple[str, ...] = ()
    others_known_as: tuple[str, ...] = ()


class Named(Exact, frozen=True, kw_only=True):
    """`owner.json`: under which names and addresses the owner appears."""

    ld_context: str = msgspec.field(name="@context")
    type: str
    names: tuple[str, ...]


_encoder = msgspec.json.Encoder()


def json_of(value: object) -> bytes:
    """Return the JSON of a line, without its line break."""
    return _encoder.encode(value)


def urn_of(id_: str) -> str:
    """Return the name of an item in lines, for the id of the entry that first held it."""
    return _URN + id_


def items_file(number: int) -> str:
    """Return the name of a file of items; the first has number 1."""
    return f"items-{number:05d}.jsonl"


def attachment_file(sha256: str) -> str:
    """Return where the bytes of an attachment lie in a copy."""
    return f"{ATTACHMENTS}/{sha256}"


def looks_like_a_copy(path: Path) -> bool:
    """Whether a folder calls itself a portable copy; whether it is one, reading it tells."""
    try:
        with (path / MANIFEST).open("rb") as file:
            return f'"{FORMAT}"'.encode() in file.read(_LOOK)
    except OSError:
        return False


# ---------------------------------------------------------------------- items


def line_of(item: Item, *, id_: str, entry: str, collected: datetime) -> Line:
    """Return the line of an item.

    Args:
        item: The version in force.
        id_: The entry that first held the item.
        entry: The entry that holds this version.
        collected: When that was written.
    """
    return Line(
        ld_context=CONTEXT_FILE,
        type=_kind(item),
        id=urn_of(id_),
        entry=entry,
        collected=collected,
        source_name=item.source,
        native_id=item.native_id,
        data_type=item.type,
        published=item.at,
        utc_offset=item.offset,
        precision=item.precision,
        assumed=item.assumed,
        attributed_to=_person(item.author) if item.author else None,
        to=tuple(map(_person, item.to)),
        context=Thing(name=item.conversation) if item.conversation else None,
        in_reply_to=Thing(native_id=item.reply_to) if item.reply_to else None,
        name=item.title,
        media_type="text/plain",
        content=item.text,
        new_content=item.text_new,
        language=item.language,
        labels=item.labels,
        tags=item.tags,
        attachment=tuple(
            Document(name=one.name, media_type=one.media_type, size=one.size, sha256=one.sha256)
            for one in item.attachments
        ),
        locator=item.locator,
    )


def correction_of(text: str, item: Item, id_: str, entry: str, at: datetime) -> Correction:
    """Return the line of a correction of an item."""
    return Correction(
        ld_context=CONTEXT_FILE,
        type="Update",
        entry=entry,
        published=at,
        object=Corrected(
            type=_kind(item),
            id=urn_of(id_),
            source_name=item.source,
            native_id=item.native_id,
            media_type="text/plain",
            content=text,
        ),
    )


def _kind(item: Item) -> str:
    return _KINDS.get(item.type.partition(".")[0], "Object")


def _person(agent: Agent) -> Person:
    if _IRI.fullmatch(agent.id):
        return Person(id=agent.id, name=agent.name)
    return Person(account=agent.id, name=agent.name)


def item_of(line: Line) -> Item:
    """Return the item of a line, equal in every field to the one that was written.

    Raises:
        Unfit: No source yields such an item.
    """
    try:
        check_type(line.data_type)
        at = line.published.astimezone(UTC) if line.published else None
    except (UsageError, OverflowError) as error:
        raise Unfit("its data type or time is none") from error
    if not line.source_name or not line.native_id:
        raise Unfit("it has no source or no id")
    for text in (line.name, line.content, line.new_content or ""):
        if clean(text) != text:
            raise Unfit("its text has control characters or is not in normal form")
    return Item(
        source=line.source_name,
        native_id=line.native_id,
        type=line.data_type,
        at=at,
        offset=line.utc_offset,
        precision=line.precision,
        assumed=line.assumed,
        author=_agent(line.attributed_to) if line.attributed_to else None,
        to=tuple(map(_agent, line.to)),
        conversation=line.context.name if line.context else "",
        reply_to=line.in_reply_to.native_id if line.in_reply_to else "",
        title=line.name,
        text=line.content,
        text_new=line.new_content,
        language=line.language,
        labels=line.labels,
        tags=line.tags,
        attachments=tuple(
            Attachment(name=one.name, media_type=one.media_type, size=one.size, sha256=one.sha256)
            for one in line.attachment
        ),
        locator=line.locator,
    )


def _agent(person: Person) -> Agent:
    return Agent(id=person.id or person.account, name=person.name)


# ---------------------------------------------------------------------- what was said


def person_of(event: e.Event) -> str:
    """Return the person that a statement or a pause names, nothing where it names none."""
    match event:
        case (
            e.ConsentGiven(statement=said)
            | e.ConsentProhibited(statement=said)
            | e.ConsentWithdrawn(statement=said)
            | e.ConsentObserved(statement=said)
        ):
            return said.filters.person
        case e.UsePaused(pause=pause) | e.UseResumed(pause=pause):
            return pause.person
        case _:
            return ""


def people_of(event: e.Event) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Return the digests of people that an event is about, and of others whom it parts them from."""
    match event:
        case e.PersonMerged(people=people) | e.PersonRelated(people=people):
            return people, ()
        case e.PersonSplit(people=people, others=others):
            return people, others
        case _:
            return (), ()


def said_of(
    event: e.Event,
    *,
    at: datetime,
    entry: str,
    known_as: tuple[str, ...] = (),
    others_known_as: tuple[str, ...] = (),
) -> Said:
    """Return the line of an event of `SAID`.

    Digests of people stay behind: they are keyed to their vault.
    """
    return Said(
        topic=topic_of(event),
        at=at,
        entry=entry,
        event=msgspec.Raw(json_of(_without_digests(event))),
        known_as=known_as,
        others_known_as=others_known_as,
    )


def _without_digests(event: e.Event) -> e.Event:
    match event:
        case e.PersonMerged() | e.PersonRelated():
            return replace(event, people=())
        case e.PersonSplit():
            return replace(event, people=(), others=(), masked=())
        case _:
            return unmasked(event)


def unmasked(event: e.Event) -> e.Event:
    """Return an event as it was said, without whom it masks."""
    match event:
        case e.ConsentProhibited() | e.ConsentWithdrawn() | e.UsePaused() | e.PersonSplit():
            return replace(event, masked=())
        case _:
            return event


def event_of(said: Said) -> e.Event:
    """Return the event of a line.

    Raises:
        Unfit: It is none that an owner says, or none that this release knows.
    """
    kind = _SAYABLE.get(said.topic)
    if kind is None:
        raise Unfit("it says what this release does not know")
    try:
        event = msgspec.json.decode(said.event, type=kind)
        whole = msgspec.json.decode(said.event) == msgspec.json.decode(json_of(event))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Unfit("it is not of its topic") from error
    if not whole or _without_digests(event) != event:
        raise Unfit("it is not of its topic")
    return event
