"""Threads of messages as Facebook and Instagram export them: two shapes of JSON.

The usual download has a folder for each thread with `message_1.json` and so on, newest first,
every string damaged (`readers.mojibake`). What is end-to-end encrypted comes as a download of
its own, one whole file for each thread, under other names and undamaged. There are no ids.
HTML, which both offer first, is recognised and told.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec

from vault.collectors.readers.beside import contents, files_beside
from vault.collectors.readers.chat import is_owner, type_of
from vault.collectors.readers.json import Broken, Element, loads, split
from vault.collectors.readers.mojibake import repaired
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Agent, Bad, Content, Item

__all__ = ["Kind", "kind_of", "moment", "read_html", "read_thread", "root_of", "service_of"]

Kind = str
"""What a file is by its head: `thread`, `encrypted`, `html`, or nothing of these."""

_LARGEST = 64 << 20
_MOST_RECIPIENTS = 64
_TWO = 2
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROOTS = re.compile(
    r"(?:your_(?:facebook|instagram)_activity|your_activity_across_facebook|messages)[/!]"
)
_HTML_NAME = re.compile(r"message_\d{1,4}\.html?")
_ATTACHED = re.compile(r"(?:You|.{1,100}) sent an attachment\.")
_REACTION = re.compile(r"(?:Reacted .{1,16} to your message|Liked a message)\s*")
_OF_THE_PROGRAM = frozenset({"Call", "Subscribe", "Unsubscribe", "placeholder"})


def kind_of(file: File, head: bytes) -> Kind:
    """Return what a file is by its name and its beginning."""
    if file.suffix in {".html", ".htm"}:
        styled = b"_a6-" in head or b"pam _3-95" in head
        return "html" if _HTML_NAME.fullmatch(file.name) and styled else ""
    if file.suffix != ".json" or not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return ""
    if b'"senderName"' in head and (b'"threadName"' in head or b'"isUnsent"' in head):
        return "encrypted"
    is_thread = b'"sender_name"' in head and b'"timestamp_ms"' in head
    return "thread" if is_thread or b'"is_still_participant"' in head else ""


def service_of(file: File, head: bytes) -> str:
    """Return whose export a file is of: `instagram`, `facebook`, or nothing where none says."""
    path = file.path.casefold()
    for service, names in (("instagram", ("instagram",)), ("facebook", ("facebook", "messenger"))):
        if any(name in path for name in names):
            return service
    for service in ("instagram", "facebook"):
        if f'"your_{service}_activity/'.encode() in head:
            return service
    return ""


def root_of(path: str) -> str:
    """Return the folder or archive that an export begins in, with its separator."""
    found = _ROOTS.search(path)
    return path[: found.start()] if found else path[: max(path.rfind("/"), path.rfind("!")) + 1]


def read_html(tree: Tree, file: File) -> Bad:
    """Say what to do about a thread as a page."""
    tree.opened.add(file.path)
    reason = "messages as HTML are not read; ask for the download again, with JSON as its format"
    return Bad(locator=file.path, reason=reason)


def moment(number: float | None, unit: timedelta) -> datetime | None:
    """Return a time from so many units since 1970."""
    if not number or number < 0:
        return None
    try:
        return _EPOCH + number * unit
    except OverflowError:
        return None


class _Media(msgspec.Struct):
    uri: str = ""


class _Share(msgspec.Struct):
    link: str = ""


class _Message(msgspec.Struct):
    """A message of either shape."""

    sender_name: str | None = None
    sender: str | None = msgspec.field(default=None, name="senderName")
    timestamp_ms: int | float | None = None
    timestamp: int | float | None = None
    content: str | None = None
    text: str | None = None
    type: str | None = None
    is_unsent: bool | None = None
    unsent: bool | None = msgspec.field(default=None, name="isUnsent")
    is_taken_down: bool | None = None
    call_duration: int | float | None = None
    share: _Share | None = None
    sticker: _Media | None = None
    photos: list[_Media] | None = None
    videos: list[_Media] | None = None
    audio_files: list[_Media] | None = None
    gifs: list[_Media] | None = None
    files: list[_Media] | None = None
    media: list[_Media] | None = None

    @property
    def uris(self) -> list[str]:
        kinds = (self.photos, self.videos, self.audio_files, self.gifs, self.files, self.media)
        found = [
            media.uri
            for media in (self.sticker, *(one for kind in kinds for one in kind or ()))
            if media
        ]
        return [uri for uri in found if uri and "://" not in uri]


class _Person(msgspec.Struct):
    name: str = ""


class _Thread(msgspec.Struct):
    """What stands around the messages; they themselves may be broken one by one."""

    messages: list[msgspec.Raw]
    participants: list[str | _Person] = []
    title: str = ""
    thread_path: str = ""
    thread_name: str = msgspec.field(default="", name="threadName")
    thread_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Around:
    """What is the same for all messages of a thread."""

    source: str
    conversation: str
    people: tuple[Agent, ...]
    is_group: bool
    mend: Callable[[str], str]
    me: frozenset[str]
    owners: frozenset[str]
    agents: dict[str, Agent] = field(default_factory=dict)

    def agent(self, stated: str) -> Agent:
        agent = self.agents.get(stated)
        if agent is None:
            name = clean(self.mend(stated))
            agent = self.agents[stated] = Agent(id=f"name:{name}", name=name)
        return agent


def read_thread(
    tree: Tree, file: File, source: str, me: frozenset[str], owners: frozenset[str]
) -> Iterator[Item | Content | Bad]:
    """Yield the messages of a file, the oldest first.

    Args:
        tree: Where it and the files of its messages lie.
        file: The file.
        source: The name of the source.
        me: The owner's names as `vault.consent.normal` writes them.
        owners: Names that the export itself gives the owner, in the same form.

    Raises:
        Unreadable: Nothing in it can be read.
    """
    head = tree.head(file.path)
    mend = _unchanged if kind_of(file, head) == "encrypted" else repaired
    thread, broken = _thread(tree, file)
    if not thread.messages and not broken:
        raise Unreadable("there is no message in it")
    people = [one if isinstance(one, str) else one.name for one in thread.participants]
    around = _Around(
        source=source,
        conversation=_conversation(file, thread, mend),
        people=tuple(_agent(clean(mend(one))) for one in people if one),
        is_group=len(people) > _TWO or thread.thread_type == "RegularGroup",
        mend=mend,
        me=me,
        owners=owners,
    )
    for number in range(len(thread.messages) - 1, -1, -1):
        locator = f"{file.path}#{number}"
        try:
            message = loads(bytes(thread.messages[number]), _Message)
        except Unreadable as error:
            yield Bad(locator=locator, reason=str(error))
            continue
        yield from _message(tree, file, around, message, locator)
    yield from broken


def _unchanged(text: str) -> str:
    return text


def _agent(name: str) -> Agent:
    return Agent(id=f"name:{name}", name=name)


def _thread(tree: Tree, file: File) -> tuple[_Thread, list[Bad]]:
    """Return a thread, of a broken file as much as there is."""
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    try:
        return loads(data, _Thread), []
    except Unreadable as error:
        reason = str(error)
    thread = _Thread(messages=[])
    broken = []
    with tree.open(file.path) as stream:
        for part in split(stream, "messages"):
            if isinstance(part, Element):
                thread.messages.append(msgspec.Raw(part.data))
            elif isinstance(part, Broken):
                broken.append(Bad(locator=f"{file.path}#{part.offset}", reason=part.reason))
    if not thread.messages:
        raise Unreadable(reason)
    return thread, broken or [Bad(locator=file.path, reason=reason)]


def _conversation(file: File, thread: _Thread, mend: Callable[[str], str]) -> str:
    """Return the name of the thread's folder, which ends in its id, or whatever names it."""
    folder = file.path.replace("!", "/").rpartition("/")[0].rpartition("/")[2]
    names = (
        thread.thread_path.rpartition("/")[2],
        thread.thread_name,
        folder if file.name.startswith("message") else "",
        thread.title,
        file.name[: len(file.name) - len(file.suffix)],
    )
    return clean(mend(next(filter(None, names), "")))


def _message(
    tree: Tree, file: File, around: _Around, message: _Message, locator: str
) -> Iterator[Item | Content | Bad]:
    milliseconds = message.timestamp_ms or message.timestamp
    at = moment(milliseconds, timedelta(milliseconds=1))
    stated = message.sender_name or message.sender
    if at is None or not stated:
        yield Bad(locator=locator, reason="it has no time" if at is None else "it has no author")
        return
    taken = message.is_unsent or message.unsent or message.is_taken_down
    if taken or message.call_duration is not None or message.type in _OF_THE_PROGRAM:
        return
    author = around.agent(stated)
    text = _said(message, around, author.name)
    if text is None:
        return
    uris = message.uris
    media = files_beside(tree, file.path, uris, "") if uris else []
    is_sent = is_owner(around.me, author.name) or is_owner(around.owners, author.name)
    identity = (around.conversation, str(int(milliseconds or 0)), author.name, text, *uris[:1])
    yield Item(
        source=around.source,
        native_id=sha256("\x1f".join(identity).encode()).hexdigest()[:32],
        type=type_of(is_direct=not around.is_group, is_sent=is_sent),
        at=at,
        author=author,
        to=tuple(one for one in around.people if one != author)[:_MOST_RECIPIENTS],
        conversation=around.conversation,
        text=text,
        attachments=tuple(shown for _, shown in media),
        locator=locator,
    )
    yield from contents(tree, media)


def _said(message: _Message, around: _Around, author: str) -> str | None:
    """Return the author's words; None where the program tells of a reaction."""
    text = clean(around.mend(message.content or message.text or "")).strip()
    if _REACTION.fullmatch(text):
        return None
    link = message.share.link if message.share else ""
    if link or message.uris:
        told = text.startswith(f"{author} ") and text.endswith(".")
        if told or _ATTACHED.fullmatch(text):
            text = ""
    return text or clean(link)
