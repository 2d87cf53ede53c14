"""Telegram: the `result.json` of Telegram Desktop, of one chat or of the whole account.

A chat's id and the number of a message make its id, so that both exports tell of the same
messages. A personal chat is called by the id of the other, so it says itself who its owner is.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from msgspec import UNSET, Struct, UnsetType

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.beside import Beside, contents, files_beside, folder_of
from vault.collectors.readers.chat import TYPES, is_owner, type_of
from vault.collectors.readers.json import Broken, Element, Start, loads, split
from vault.collectors.readers.text import clean
from vault.collectors.readers.time import parse_iso
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "Telegram"]

_TELL_EVERY = 4096
_SPOKEN = frozenset(("message", ""))
_FIRST, _LAST = -2_208_988_800, 7_258_118_400  # 1900 to 2200
_DAY = 24 * 60
_When = tuple[datetime, int | None, bool]
_OF_PEOPLE = frozenset(
    ("personal_chat", "bot_chat", "saved_messages", "replies", "verification_codes")
)
_CHAT = re.compile(
    rb'"type"\s*:\s*"(?:personal_chat|bot_chat|saved_messages|replies|verification_codes'
    rb'|private_group|(?:private|public)_(?:supergroup|channel))"'
)
_ACCOUNT = re.compile(rb'"personal_information"\s*:\s*\{\s*"user_id"\s*:\s*\d')
_LIST = re.compile(rb'"(?:left_)?chats"\s*:\s*\{')
_MESSAGES = re.compile(rb'"messages"\s*:\s*\[')


class _Piece(Struct):
    text: str = ""


class _Message(Struct):
    id: int | None = None
    type: str = ""
    date: str = ""
    date_unixtime: str | int = ""
    sender: str | None = msgspec.field(name="from", default=None)
    from_id: str | int | None = None
    text: str | list[str | _Piece] = ""
    reply_to_message_id: int | None = None
    reply_to_peer_id: str | int | None = None
    forwarded_from: str | UnsetType | None = UNSET
    photo: str | None = None
    file: str | None = None


class _About(Struct):
    name: str | None = None
    type: str | None = None
    id: int | None = None


class _Person(Struct):
    user_id: int | None = None


class _Account(Struct):
    personal_information: _Person | None = None


class Telegram:
    """Reads exports of Telegram Desktop."""

    name = "telegram"
    types = TYPES
    version = 1
    about = About(
        title="Telegram",
        formats=(
            ("result.json of one chat", Evidence.DOCUMENTED),
            ("result.json of the whole account", Evidence.DOCUMENTED),
        ),
        paths=("ChatExport_2024-01-05/result.json", "DataExport_2024-01-05/result.json"),
        how=(
            "In Telegram Desktop choose Settings > Advanced > Export Telegram data, or Export chat"
            " history in a chat's menu, and the format JSON."
        ),
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is such an export."""
        if len(tree.files) != 1 or tree.files[0].suffix != ".json":
            return 0.0
        head = tree.head(tree.files[0].path)
        if _ACCOUNT.search(head):
            return 0.95
        if _MESSAGES.search(head):
            return 0.95 if _CHAT.search(head) else 0.8 if b'"date_unixtime"' in head else 0.0
        return 0.9 if _LIST.search(head) and _CHAT.search(head) else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - an export is written anew each time
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the messages of all chats; what Telegram itself tells in them are none."""
        done, total = 0, tree.size
        for file in tree.files:
            try:
                yield from _Reading(tree, file, me).records(done)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=total)


SOURCE = Telegram()


@dataclass(slots=True, kw_only=True)
class _Chat:
    """What is the same for all messages of a chat; `peer` is how Telegram calls it."""

    name: str
    peer: str
    is_direct: bool
    is_saved: bool
    conversation: str
    tags: tuple[str, ...]
    others: tuple[Agent, ...]
    speakers: dict[str | int | None, tuple[Agent, str, tuple[Agent, ...]]] = field(
        default_factory=dict
    )
    numbers: Counter[tuple[str, str, str]] = field(default_factory=Counter)


def _chat(around: tuple[bytes, ...], file: File) -> _Chat:
    try:
        about = loads(around[-1], _About) if around else _About()
    except Unreadable:
        about = _About()
    kind = about.type or ""
    of = "user" if kind in _OF_PEOPLE else "chat" if kind == "private_group" else "channel"
    peer = "" if about.id is None else f"{of}{about.id}"
    name = clean(about.name or "")
    is_direct = kind in {"personal_chat", "bot_chat", "saved_messages"}
    is_saved = kind == "saved_messages"
    other = Agent(id=f"telegram:{peer}", name=name)
    return _Chat(
        name=name,
        peer=peer,
        is_direct=is_direct,
        is_saved=is_saved,
        conversation=peer or name or folder_of(file.path).rstrip("/!"),
        tags=(name,) if name and peer and not is_direct else (),
        others=(other,) if peer and is_direct and not is_saved else (),
    )


class _Reading:
    """The reading of one file."""

    def __init__(self, tree: Tree, file: File, me: frozenset[str]) -> None:
        self._tree = tree
        self._file = file
        self._me = me
        self._owner = ""

    def records(self, done: int) -> Iterator[Record]:
        chat: _Chat | None = None
        with self._tree.open(self._file.path) as stream:
            for number, part in enumerate(split(stream, "messages")):
                if isinstance(part, Element) and chat:
                    record, files = self._record(chat, part)
                    if record:
                        yield record
                    if files:
                        yield from contents(self._tree, files)
                    if not number % _TELL_EVERY:
                        yield Progress(done=done + part.offset, total=self._tree.size)
                elif isinstance(part, Start):
                    self._owner = self._owner or _owner(part.around)
                    chat = _chat(part.around, self._file)
                elif isinstance(part, Broken):
                    yield Bad(locator=f"{self._file.path}#{part.offset}", reason=part.reason)
        if chat is None:
            raise Unreadable("there is no chat in it")

    def _record(self, chat: _Chat, element: Element) -> tuple[Item | Bad | None, list[Beside]]:
        """Return what an element is, None where Telegram itself tells it, and its files."""
        locator = f"{self._file.path}#{element.offset}"
        try:
            message = element.decode(_Message)
        except Unreadable as error:
            return Bad(locator=locator, reason=str(error)), []
        if message.type not in _SPOKEN:
            return None, []
        when = _when(message)
        if when is None:
            return Bad(locator=locator, reason="there is no such date"), []
        files = self._files(message) if message.photo or message.file else []
        return self._item(chat, message, when, files, locator), files

    def _item(
        self, chat: _Chat, message: _Message, when: _When, files: list[Beside], locator: str
    ) -> Item:
        key = message.sender if message.from_id is None else message.from_id
        author, kind, to = chat.speakers.get(key) or self._speaker(chat, key, message)
        words = message.text
        if not isinstance(words, str):
            words = "".join([one if isinstance(one, str) else one.text for one in words])
        text = clean(words)
        at, offset, assumed = when
        return Item(
            source=SOURCE.name,
            native_id=f"{chat.peer}/{message.id}"
            if chat.peer and message.id is not None
            else _made_up_id(chat, author, text, at),
            type=kind,
            at=at,
            offset=offset,
            assumed=assumed,
            author=author,
            to=to,
            conversation=chat.conversation,
            reply_to=_reply(chat, message) if message.reply_to_message_id else "",
            text=text,
            # What was forwarded somebody else wrote.
            text_new=None if message.forwarded_from in {UNSET, message.sender} else "",
            tags=chat.tags,
            attachments=tuple([one for _, one in files]) if files else (),
            locator=locator,
        )

    def _speaker(
        self, chat: _Chat, key: str | int | None, message: _Message
    ) -> tuple[Agent, str, tuple[Agent, ...]]:
        """Return who speaks, what that makes of a message and whom it reaches, and keep it."""
        name = clean(message.sender or "")
        number = "" if message.from_id is None else str(message.from_id)
        # Until 2021 the ids of people were numbers.
        peer = f"user{number}" if number.isdigit() else number
        agent = Agent(id=f"telegram:{peer}" if peer else f"name:{name}", name=name)
        sent = self._is_sent(chat, peer, name)
        kind = type_of(is_direct=chat.is_direct, is_sent=sent)
        found = chat.speakers[key] = (agent, kind, chat.others if sent else ())
        return found

    def _is_sent(self, chat: _Chat, peer: str, name: str) -> bool:
        if self._owner and peer.startswith("user"):
            return peer == self._owner
        if chat.is_saved and chat.peer and peer:
            return peer == chat.peer
        if chat.is_direct and chat.peer and peer:
            return peer != chat.peer
        return is_owner(self._me, name, peer, peer.removeprefix("user"))

    def _files(self, message: _Message) -> list[Beside]:
        # Of what was not exported stands there why: "(File not included. …)".
        names = [path for path in (message.photo, message.file) if path and path[0] != "("]
        near = self._file.path
        return files_beside(self._tree, near, names, folder_of(near))


def _owner(around: tuple[bytes, ...]) -> str:
    """Return how Telegram calls the owner, of whose account everything may be."""
    try:
        person = loads(around[0], _Account).personal_information if around else None
    except Unreadable:
        return ""
    return f"user{person.user_id}" if person and person.user_id else ""


def _when(message: _Message) -> _When | None:
    """Return when it was written; the clock beside is that of the machine that exported."""
    if message.date_unixtime == "":
        found = parse_iso(message.date)
        return (found.at, found.offset, found.assumed) if found and found.at else None
    try:
        seconds = int(message.date_unixtime)
    except ValueError:
        return None
    if not _FIRST <= seconds < _LAST:
        return None
    at = datetime.fromtimestamp(seconds, UTC)
    return at, _offset(message.date, at), False


def _offset(local: str, at: datetime) -> int | None:
    """Return the minutes between two times of which the days are one apart at most."""
    try:
        days = int(local[8:10]) - at.day
        minutes = (int(local[11:13]) - at.hour) * 60 + int(local[14:16]) - at.minute
    except ValueError:
        return None
    if abs(days) > 1:  # the one is in the next month
        days = -1 if days > 0 else 1
    minutes += days * _DAY
    return minutes if abs(minutes) < _DAY else None


def _made_up_id(chat: _Chat, author: Agent, text: str, at: datetime) -> str:
    key = (str(at), author.id, text)
    chat.numbers[key] += 1
    identity = "\x1f".join((chat.conversation, *key, str(chat.numbers[key])))
    return sha256(identity.encode()).hexdigest()[:32]


def _reply(chat: _Chat, message: _Message) -> str:
    """Return the message that is answered, which may stand in another chat."""
    return f"{message.reply_to_peer_id or chat.peer}/{message.reply_to_message_id}"
