"""Discord: the package of one's own data, and channels saved by DiscordChatExporter.

Both call a message by the same number, and what differs between them is left out, so that
a message is stored once. The package holds only its owner's messages; its folders are
translated and capitalised in many ways, so the files are known by what is in them.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

import msgspec
from msgspec import Struct

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.beside import Beside, contents, files_beside, folder_of
from vault.collectors.readers.chat import TYPES, is_owner, type_of
from vault.collectors.readers.json import Broken, Element, Start, loads, split
from vault.collectors.readers.text import clean, decode
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "Discord"]

T = TypeVar("T")

_LARGEST = 256 << 20
_TELL_EVERY = 4096
_MOST_RECIPIENTS = 64
_SECONDS = len("2024-01-05 10:00:00")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_DIRECT = frozenset(("DM", "1", "DirectTextChat"))
_OF_PEOPLE = frozenset(("DM", "GROUP_DM", "1", "3", "DirectTextChat", "DirectGroupTextChat"))
_REPLY = frozenset(("Reply", "19"))
_SPOKEN = frozenset(("Default", "0")) | _REPLY
_WITH = re.compile(r"Direct Message with (.+?)(?:#\d{1,4})?$")
_MARKUP = re.compile(
    r"<(?:(?P<kind>@!?|@&|#)(?P<id>\d+)|a?:(?P<emoji>\w+):\d+|t:(?P<time>\d{1,11})(?::\w)?)>"
)

_EXPORTED = re.compile(
    rb'^(?:\xef\xbb\xbf)?\s*\{\s*"guild"\s*:\s*\{.*?"channel"\s*:\s*\{', re.DOTALL
)
_OWN = re.compile(rb'^\s*\[\s*\{\s*"ID"\s*:\s*"?\d{15,20}"?\s*,\s*"Timestamp"\s*:')
_OWN_TABLE = re.compile(rb"^(?:\xef\xbb\xbf)?ID,Timestamp,Contents,Attachments\r?\n")
_CHANNEL = re.compile(rb'^\s*\{\s*"id"\s*:\s*"\d{15,20}"\s*,\s*"type"\s*:\s*(?:\d|"[A-Z_]+")')
_INDEX = re.compile(rb'^\s*\{\s*"\d{15,20}"\s*:\s*(?:null|")')
_ACCOUNT = re.compile(rb'^\s*\{\s*"id"\s*:\s*"\d{15,20}"\s*,\s*"username"\s*:')
_LISTS = (_CHANNEL, _INDEX, _ACCOUNT)


class _Own(Struct):
    """A message of the package."""

    number: int | str = msgspec.field(name="ID", default="")
    timestamp: str = msgspec.field(name="Timestamp", default="")
    contents: str | None = msgspec.field(name="Contents", default=None)
    attachments: str | None = msgspec.field(name="Attachments", default=None)


class _Named(Struct):
    name: str | None = None


class _Channel(Struct):
    """A channel, as both kinds of export describe it."""

    id: str | int = ""
    type: str | int = ""
    name: str | None = None
    guild: _Named | None = None
    recipients: list[str] | None = None


class _User(Struct, rename="camel"):
    id: str = ""
    name: str | None = None
    nickname: str | None = None
    discriminator: str | None = None


class _Attached(Struct):
    url: str | None = None


class _Reference(Struct, rename="camel"):
    message_id: str | None = None


class _Forwarded(Struct):
    content: str | None = None


class _Message(Struct, rename="camel"):
    """A message that DiscordChatExporter saved."""

    id: str = ""
    type: str = ""
    timestamp: str = ""
    content: str | None = None
    author: _User | None = None
    attachments: list[_Attached] | None = None
    mentions: list[_User] | None = None
    reference: _Reference | None = None
    forwarded_message: _Forwarded | None = None


class _Export(Struct):
    guild: _Named | None = None
    channel: _Channel | None = None


class _Known(Struct):
    id: str = ""
    username: str | None = None
    global_name: str | None = None


class _Friend(Struct):
    user: _Known | None = None


class _Account(_Known):
    relationships: list[_Friend] | None = None


class Discord:
    """Reads what Discord and DiscordChatExporter write."""

    name = "discord"
    types = TYPES
    version = 1
    about = About(
        title="Discord",
        formats=(
            ("data package", Evidence.DOCUMENTED),
            ("channel saved by DiscordChatExporter as JSON", Evidence.DOCUMENTED),
        ),
        paths=("package/Messages/c123/messages.json", "Server - general [123].json"),
        how=(
            "In Discord choose User Settings > Data & Privacy > Request Data and tick Messages; the"
            " other side of a conversation is only in files of DiscordChatExporter."
        ),
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is of one of the two."""
        if len(tree.files) != 1 or tree.files[0].suffix not in {".json", ".csv", ".txt"}:
            return 0.0
        file = tree.files[0]
        if file.suffix == ".txt":
            return 0.95 if _is_readme(tree, file) else 0.0
        head = tree.head(file.path)
        if file.suffix == ".csv":
            return 0.95 if _OWN_TABLE.match(head) else 0.0
        if _EXPORTED.match(head) or _OWN.match(head):
            return 0.95
        if any(one.match(head) for one in _LISTS):
            return 0.85
        return 0.5 if file.name == "messages.json" and head.strip() == b"[]" else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - an export is written anew each time
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the messages of all channels."""
        packages: dict[str, _Package] = {}
        done, total = 0, tree.size
        for file in tree.files:
            try:
                head = tree.head(file.path)
                if _EXPORTED.match(head):
                    yield from _exported(tree, file, me, done)
                elif file.suffix == ".txt" or any(one.match(head) for one in _LISTS):
                    tree.opened.add(file.path)  # read with the messages that it is about
                else:
                    root = folder_of(folder_of(file.path)[:-1])
                    if root not in packages:
                        packages[root] = _package(tree, file)
                    yield from _own(tree, file, packages[root])
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=total)


SOURCE = Discord()


def _is_readme(tree: Tree, file: File) -> bool:
    return file.name.casefold() == "readme.txt" and b"Discord Data Package" in tree.head(file.path)


# --- one's own data ---


@dataclass(frozen=True, slots=True, kw_only=True)
class _Package:
    """Whose it is, and how people and channels are called by their numbers."""

    owner: Agent | None
    people: dict[str, str]
    index: dict[str, str | None]
    channels: dict[str, str]


def _package(tree: Tree, near: File) -> _Package:
    account = _Account()
    for path in ("account/user.json", "Account/user.json"):
        found = tree.find(path, near.path)
        if found and _ACCOUNT.match(tree.head(found.path)):
            account = _list(tree, found, _Account)
            break
    people = {account.id: account.global_name or account.username or ""}
    for friend in account.relationships or ():
        if friend.user:
            people[friend.user.id] = friend.user.global_name or friend.user.username or ""
    found = tree.find("index.json", near.path)
    index = {}
    if found and _INDEX.match(tree.head(found.path)):
        index = _list(tree, found, dict[str, str | None])
    owner = Agent(id=f"discord:{account.id}", name=clean(people[account.id]))
    return _Package(
        owner=owner if account.id else None,
        people=people,
        index=index,
        channels={number: name.partition(" in ")[0] for number, name in index.items() if name},
    )


def _list(tree: Tree, file: File, kind: type[T]) -> T:
    with tree.open(file.path) as stream:
        return loads(stream.read_all(_LARGEST), kind)


def _own(tree: Tree, file: File, package: _Package) -> Iterator[Record]:
    channel = _Channel(id=folder_of(file.path)[:-1].replace("!", "/").rpartition("/")[2][1:])
    beside = tree.find("channel.json", file.path)
    if beside and folder_of(beside.path) == folder_of(file.path):
        channel = _list(tree, beside, _Channel)
    guild = channel.guild.name if channel.guild else None
    place = _Place(
        id=str(channel.id),
        is_direct=str(channel.type) in _DIRECT,
        tags=_tags(channel, guild),
        to=tuple(_recipients(channel, package)),
    )
    people = package.people | {to.id.removeprefix("discord:"): to.name for to in place.to}
    kind = type_of(is_direct=place.is_direct, is_sent=True)
    messages = _rows(tree, file) if file.suffix == ".csv" else _elements(tree, file)
    for locator, message in messages:
        if isinstance(message, str):
            yield Bad(locator=locator, reason=message)
            continue
        text = message.contents or ""
        if "<" in text:
            text = _readable(text, people, package.channels)
        at = _at(message.timestamp)
        if at is None or not str(message.number).isdigit():
            yield Bad(locator=locator, reason="it has no date or no number")
        elif text or message.attachments:
            yield Item(
                source=SOURCE.name,
                native_id=str(message.number),
                type=kind,
                at=at,
                author=package.owner,
                to=place.to,
                conversation=place.id,
                text=clean(text),
                tags=place.tags,
                locator=locator,
            )


def _elements(tree: Tree, file: File) -> Iterator[tuple[str, _Own | str]]:
    """Yield each message of a channel with its place, or why it cannot be read."""
    with tree.open(file.path) as stream:
        for part in split(stream, ""):
            if isinstance(part, Start):
                continue
            locator = f"{file.path}#{part.offset}"
            if isinstance(part, Broken):
                yield locator, part.reason
                continue
            try:
                yield locator, part.decode(_Own)
            except Unreadable as error:
                yield locator, str(error)


def _rows(tree: Tree, file: File) -> Iterator[tuple[str, _Own | str]]:
    """Yield the same of the tables that Discord wrote until 2023."""
    with tree.open(file.path) as stream:
        text = decode(stream.read_all(_LARGEST))
    rows = csv.reader(io.StringIO(text, newline=""))
    while True:
        locator = f"{file.path}#{rows.line_num}"
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error:
            yield locator, "it is no row of a table"
            continue
        if row[:1] == ["ID"] or not row:
            continue
        number, timestamp, contents, attachments = (*row, "", "", "", "")[:4]
        yield locator, _Own(number, timestamp, contents, attachments)


def _recipients(channel: _Channel, package: _Package) -> Iterator[Agent]:
    found = _WITH.match(package.index.get(str(channel.id)) or "")
    for number in (channel.recipients or ())[:_MOST_RECIPIENTS]:
        agent = Agent(id=f"discord:{number}")
        if package.owner is None or agent.id != package.owner.id:
            name = package.people.get(number) or (found.group(1) if found else "")
            yield Agent(id=agent.id, name=clean(name))


# --- what DiscordChatExporter saved ---


def _exported(tree: Tree, file: File, me: frozenset[str], done: int) -> Iterator[Record]:
    place = _Place(id="")
    with tree.open(file.path) as stream:
        for number, part in enumerate(split(stream, "messages")):
            if isinstance(part, Element):
                yield from _saved(tree, file, place, part, me)
                if not number % _TELL_EVERY:
                    yield Progress(done=done + part.offset, total=tree.size)
            elif isinstance(part, Start):
                place = _place(part)
            else:
                yield Bad(locator=f"{file.path}#{part.offset}", reason=part.reason)


def _place(start: Start) -> "_Place":
    export = loads(start.around[-1], _Export) if start.around else _Export()
    channel = export.channel or _Channel()
    name = clean(channel.name or "")
    is_direct = str(channel.type) in _DIRECT
    return _Place(
        id=str(channel.id),
        is_direct=is_direct,
        tags=_tags(channel, export.guild.name if export.guild else None),
        to=(Agent(id=f"name:{name}", name=name),) if is_direct else (),
    )


def _saved(
    tree: Tree, file: File, place: "_Place", element: Element, me: frozenset[str]
) -> Iterable[Record]:
    locator = f"{file.path}#{element.offset}"
    try:
        message = element.decode(_Message)
    except Unreadable as error:
        return (Bad(locator=locator, reason=str(error)),)
    if message.type not in _SPOKEN:
        return ()
    at = _at(message.timestamp)
    if at is None or not message.id.isdecimal():
        return (Bad(locator=locator, reason="it has no date or no number"),)
    forwarded = message.content == "" and message.forwarded_message
    text = (forwarded.content if forwarded else message.content) or ""
    if "<" in text:
        people = {user.id: _called(user) for user in message.mentions or ()}
        text = _readable(text, people, {})
    if not text and not message.attachments:
        return ()
    found = _files(tree, file, message) if message.attachments else []
    author, kind, to = place.author(message.author or _User(), me)
    item = Item(
        source=SOURCE.name,
        native_id=message.id,
        type=kind,
        at=at,
        author=author,
        to=to,
        conversation=place.id,
        reply_to=_reply(message) if message.reference else "",
        text=clean(text),
        text_new="" if forwarded else None,
        tags=place.tags,
        attachments=tuple([one for _, one in found]) if found else (),
        locator=locator,
    )
    return chain((item,), contents(tree, found)) if found else (item,)


def _reply(message: _Message) -> str:
    """Return the message that is answered; one that was forwarded is none."""
    if message.type not in _REPLY or message.reference is None:
        return ""
    return message.reference.message_id or ""


def _files(tree: Tree, file: File, message: _Message) -> list[Beside]:
    """Return the attachments that were saved too, which lie in a folder beside."""
    urls = [one.url for one in message.attachments or () if one.url]
    names = [url for url in urls if not url.startswith(("http:", "https:"))]
    return files_beside(tree, file.path, names, folder_of(file.path)) if names else []


# --- what both have ---


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A channel or conversation; `to` are those whom its owner's messages reach."""

    id: str
    is_direct: bool = False
    tags: tuple[str, ...] = ()
    to: tuple[Agent, ...] = ()
    speakers: dict[str, tuple[Agent, str, tuple[Agent, ...]]] = field(default_factory=dict)

    def author(self, user: _User, me: frozenset[str]) -> tuple[Agent, str, tuple[Agent, ...]]:
        """Return who speaks, what that makes of a message and whom it reaches."""
        found = self.speakers.get(user.id)
        if found is None:
            agent = Agent(id=f"discord:{user.id}", name=clean(_called(user)))
            tag = f"{user.name}#{user.discriminator}"
            sent = is_owner(me, user.id, user.name, user.nickname, tag)
            kind = type_of(is_direct=self.is_direct, is_sent=sent)
            found = self.speakers[user.id] = (agent, kind, self.to if sent else ())
        return found


def _called(user: _User) -> str:
    return user.nickname or user.name or ""


def _tags(channel: _Channel, guild: str | None) -> tuple[str, ...]:
    """Return server and channel; a conversation has no name that both exports know."""
    if str(channel.type) in _OF_PEOPLE:
        return ()
    return tuple(clean(name) for name in (guild, channel.name) if name)


def _at(text: str) -> datetime | None:
    """Return a time, in whole seconds: the package has no others."""
    try:
        if len(text) == _SECONDS or text.endswith("+00:00"):
            at = datetime.fromisoformat(text[:_SECONDS]).replace(tzinfo=UTC)
        else:
            at = datetime.fromisoformat(text).replace(microsecond=0).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if _FIRST_YEAR <= at.year <= _LAST_YEAR else None


def _readable(text: str, people: dict[str, str], channels: dict[str, str]) -> str:
    """Return a text as it is shown; who is not known is called as DiscordChatExporter does."""

    def shown(found: "re.Match[str]") -> str:
        if emoji := found["emoji"]:
            return f":{emoji}:"
        if seconds := found["time"]:
            return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%d %H:%M UTC")
        if found["kind"] == "#":
            return "#" + (channels.get(found["id"]) or "deleted-channel")
        if found["kind"] == "@&":
            return "@deleted-role"
        return "@" + (people.get(found["id"]) or "Unknown")

    return _MARKUP.sub(shown, text)
