"""Signal's own export of all chats: `main.jsonl`, with the files of messages in `files/`.

Each line is a frame of Signal's backup format (`Backups.proto`) as JSON: first who there is,
then the chats, then what was said in the order in which it came. Numbers stand as strings.
What expires is not exported.
"""

from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from mimetypes import guess_extension

import msgspec

from vault.collectors.readers.beside import contents, files_beside, folder_of
from vault.collectors.readers.chat import type_of
from vault.collectors.readers.json import loads
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import File, Stream, Tree, Unreadable
from vault.items import Agent, Bad, Content, Item, Progress

__all__ = ["is_export", "read_export"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_LINE = 8 << 20
_MOST_RECIPIENTS = 64
_PROGRESS_EVERY = 2048
_MENTION = "\ufffc"
_NO_NUMBER = ""

_Number = str | int
"""What fits into 64 bits, which JSON cannot be trusted with."""


def is_export(head: bytes) -> bool:
    """Whether a file begins like such an export."""
    first = head[:4096].partition(b"\n")[0]
    return first.startswith(b"{") and b'"backupTimeMs"' in first and b'"version"' in first


# --- the frames, as far as they are read ---


class _Name(msgspec.Struct):
    given: str = ""
    family: str = ""


class _Contact(msgspec.Struct):
    aci: str = ""
    e164: _Number = _NO_NUMBER
    username: str = ""
    nickname: _Name = msgspec.field(default_factory=_Name)
    profile_given: str = msgspec.field(default="", name="profileGivenName")
    profile_family: str = msgspec.field(default="", name="profileFamilyName")
    system_given: str = msgspec.field(default="", name="systemGivenName")
    system_family: str = msgspec.field(default="", name="systemFamilyName")

    @property
    def name(self) -> str:
        pairs = (
            (self.nickname.given, self.nickname.family),
            (self.system_given, self.system_family),
            (self.profile_given, self.profile_family),
            (self.username,),
            (f"+{self.e164}" if self.e164 else "",),
        )
        return next((name for pair in pairs if (name := " ".join(filter(None, pair)))), "")


class _Title(msgspec.Struct):
    title: str = ""


class _Member(msgspec.Struct):
    user: str = msgspec.field(default="", name="userId")


class _Snapshot(msgspec.Struct):
    title: _Title = msgspec.field(default_factory=_Title)
    members: list[_Member] = []


class _Group(msgspec.Struct):
    snapshot: _Snapshot = msgspec.field(default_factory=_Snapshot)


class _Recipient(msgspec.Struct):
    id: _Number
    contact: _Contact | None = None
    group: _Group | None = None
    self: dict[str, msgspec.Raw] | None = None


class _Account(msgspec.Struct):
    given: str = msgspec.field(default="", name="givenName")
    family: str = msgspec.field(default="", name="familyName")


class _Chat(msgspec.Struct):
    id: _Number
    recipient: _Number = msgspec.field(name="recipientId")


class _Range(msgspec.Struct):
    start: int = 0
    mention: str = msgspec.field(default="", name="mentionAci")


class _Text(msgspec.Struct):
    body: str = ""
    ranges: list[_Range] = msgspec.field(default_factory=list, name="bodyRanges")


class _Locator(msgspec.Struct):
    digest: str = msgspec.field(default="", name="plaintextHash")
    key: str = msgspec.field(default="", name="localKey")


class _Pointer(msgspec.Struct):
    content_type: str = msgspec.field(default="", name="contentType")
    file_name: str = msgspec.field(default="", name="fileName")
    locator: _Locator = msgspec.field(default_factory=_Locator, name="locatorInfo")


class _Attached(msgspec.Struct):
    pointer: _Pointer = msgspec.field(default_factory=_Pointer)


class _Quote(msgspec.Struct):
    target: _Number = msgspec.field(default=_NO_NUMBER, name="targetSentTimestamp")
    author: _Number = msgspec.field(default=_NO_NUMBER, name="authorId")


class _Standard(msgspec.Struct):
    text: _Text = msgspec.field(default_factory=_Text)
    quote: _Quote | None = None
    attachments: list[_Attached] = []
    long: _Pointer | None = msgspec.field(default=None, name="longText")


class _Reply(msgspec.Struct):
    text: _Text = msgspec.field(default_factory=_Text)


class _Story(msgspec.Struct):
    reply: _Reply | None = msgspec.field(default=None, name="textReply")


class _Poll(msgspec.Struct):
    question: str = ""


class _Said(msgspec.Struct):
    chat: _Number = msgspec.field(name="chatId")
    author: _Number = msgspec.field(name="authorId")
    sent: _Number = msgspec.field(name="dateSent")
    outgoing: dict[str, msgspec.Raw] | None = None
    standard: _Standard | None = msgspec.field(default=None, name="standardMessage")
    story: _Story | None = msgspec.field(default=None, name="directStoryReplyMessage")
    poll: _Poll | None = None


class _Frame(msgspec.Struct):
    account: _Account | None = None
    recipient: _Recipient | None = None
    chat: _Chat | None = None
    said: _Said | None = msgspec.field(default=None, name="chatItem")


# --- reading ---


@dataclass(slots=True)
class _Known:
    """Who there is and which chats, by their numbers in the file."""

    owner: str = ""
    people: dict[str, Agent] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    groups: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    chats: dict[str, str] = field(default_factory=dict)

    def learn(self, frame: _Frame) -> None:
        if frame.account:
            self.owner = clean(f"{frame.account.given} {frame.account.family}".strip())
        elif frame.chat:
            self.chats[str(frame.chat.id)] = str(frame.chat.recipient)
        elif (one := frame.recipient) and one.group:
            snapshot = one.group.snapshot
            members = [member.user for member in snapshot.members]
            self.groups[str(one.id)] = clean(snapshot.title.title), members
        elif one:
            self._meet(str(one.id), one)

    def _meet(self, number: str, one: _Recipient) -> None:
        contact = one.contact
        name = clean(contact.name) if contact else self.owner if one.self is not None else ""
        has_number = contact is not None and bool(contact.e164)
        id_ = f"tel:+{contact.e164}" if contact and has_number else f"name:{name or number}"
        self.people[number] = Agent(id=id_, name=name)
        if contact and contact.aci:
            self.accounts[contact.aci] = number

    def others(self, recipient: str, author: str, *, is_sent: bool) -> tuple[Agent, ...]:
        """Return to whom a message goes besides the owner."""
        if recipient not in self.groups:
            return (self.people[recipient],) if is_sent and recipient in self.people else ()
        numbers = [self.accounts[one] for one in self.groups[recipient][1] if one in self.accounts]
        found = [self.people[number] for number in numbers if number != author]
        return tuple(found[:_MOST_RECIPIENTS])

    def conversation(self, recipient: str) -> str:
        if recipient in self.groups:
            return self.groups[recipient][0] or f"group {recipient}"
        return self.people[recipient].name if recipient in self.people else recipient


def read_export(tree: Tree, file: File, done: int) -> Iterator[Item | Content | Bad | Progress]:
    """Yield the messages of an export; calls, changes of groups and reactions are none.

    Raises:
        Unreadable: The file is damaged as a whole.
    """
    known = _Known()
    beside = tree.find("metadata.json", file.path)
    if beside and folder_of(beside.path) == folder_of(file.path):
        tree.opened.add(beside.path)  # the number of the format, nothing else
    with tree.open(file.path) as stream:
        for number, (offset, line) in enumerate(_lines(stream)):
            if number % _PROGRESS_EVERY == 0:
                yield Progress(done=done + offset, total=tree.size)
            locator = f"{file.path}#{offset}"
            try:
                frame = loads(_checked(line), _Frame)
            except Unreadable as error:
                yield Bad(locator=locator, reason=str(error))
                continue
            known.learn(frame)
            if frame.said:
                yield from _message(tree, file, known, frame.said, locator)


def _lines(stream: Stream) -> Iterator[tuple[int, bytes | None]]:
    """Yield each line and where it begins, None in place of one that is too long."""
    offset, rest, is_long = 0, b"", False
    while block := stream.read():
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            if line.strip():
                yield offset, None if is_long else line
            offset += len(line) + 1
            is_long = False
        if len(rest) > _LONGEST_LINE:
            offset += len(rest)
            rest, is_long = b"", True
    if rest.strip():
        yield offset, None if is_long else rest


def _checked(line: bytes | None) -> bytes:
    if line is None:
        raise Unreadable(f"it is longer than the {_LONGEST_LINE >> 20} MiB of a line that are read")
    return line


def _message(
    tree: Tree, file: File, known: _Known, said: _Said, locator: str
) -> Iterator[Item | Content | Bad | Progress]:
    text, standard = _text(said), said.standard
    if text is None:
        return
    at = _moment(said.sent)
    if at is None:
        yield Bad(locator=locator, reason="it has no time")
        return
    names = (
        [name for one in standard.attachments for name in _names(one.pointer)] if standard else []
    )
    media = files_beside(tree, file.path, names, folder_of(file.path))
    recipient, author = known.chats.get(str(said.chat), ""), str(said.author)
    quote = standard.quote if standard else None
    is_sent = said.outgoing is not None
    yield Item(
        source="signal",
        native_id=_id(known, said.sent, author),
        type=type_of(is_direct=recipient not in known.groups, is_sent=is_sent),
        at=at,
        author=known.people.get(author),
        to=known.others(recipient, author, is_sent=is_sent),
        conversation=known.conversation(recipient),
        reply_to=_id(known, quote.target, str(quote.author)) if quote and quote.target else "",
        text=_with_names(text, known),
        attachments=tuple(shown for _, shown in media),
        locator=locator,
    )
    yield from contents(tree, media)


def _text(said: _Said) -> _Text | None:
    """Return the words of a message, None where it is not one of words or files."""
    if said.standard:
        return said.standard.text
    if said.story and said.story.reply:
        return said.story.reply.text
    return _Text(body=said.poll.question) if said.poll else None


def _with_names(text: _Text, known: _Known) -> str:
    """Return the words with names where people are mentioned: one letter stands for each."""
    body = text.body
    for one in sorted(text.ranges, key=lambda one: one.start):
        if one.mention:
            agent = known.people.get(known.accounts.get(one.mention, ""))
            body = body.replace(_MENTION, f"@{agent.name}" if agent else "@", 1)
    return clean(body).strip()


def _id(known: _Known, sent: _Number, author: str) -> str:
    """Return what tells a message from all others of Signal: when and by whom it was sent."""
    agent = known.people.get(author)
    return f"{sent} {agent.id if agent else author}"


def _moment(milliseconds: _Number) -> datetime | None:
    try:
        return _EPOCH + timedelta(milliseconds=int(milliseconds)) if milliseconds else None
    except (ValueError, OverflowError):
        return None


def _names(pointer: _Pointer) -> Iterator[str]:
    """Yield what a file may be called: a digest, with the suffix of its kind."""
    try:
        secret = b64decode(pointer.locator.digest) + b64decode(pointer.locator.key)
    except (BadBase64, ValueError):
        return
    if secret:
        stem = sha256(secret).hexdigest()
        stated = pointer.file_name.rpartition(".")[2].lower()
        guessed = guess_extension(pointer.content_type) or ""
        jpeg = ".jpg" if pointer.content_type == "image/jpeg" else ""
        yield from dict.fromkeys((stem, stem + guessed, f"{stem}.{stated}", stem + jpeg))
