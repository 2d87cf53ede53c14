"""Google Chat: the `messages.json` of each conversation in a Takeout.

Folders are called in the language of the account, so files are known by what is in them, and
conversations by the first part of the id of each message. Dates are written out in that
language too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from msgspec import Struct

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.beside import Beside, contents, files_beside, folder_of
from vault.collectors.readers.chat import TYPES, is_owner, type_of
from vault.collectors.readers.json import Broken, Element, loads, split
from vault.collectors.readers.longdate import parse_long
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "GoogleChat"]

T = TypeVar("T")

_LARGEST = 64 << 20
_TELL_EVERY = 4096
_MOST_RECIPIENTS = 64
_TWO = 2
_NOT_IN_NAMES = re.compile(r'[?:*"<>|\\/]')
_MESSAGES = re.compile(rb'^\s*\{\s*"messages"\s*:\s*\[')
_MESSAGE = re.compile(rb'"(?:creator|created_date|topic_id|message_id)"\s*:')
_GROUP = re.compile(
    rb'^\s*\{\s*(?:"(?:name|type|description)"\s*:\s*"[^"]*"\s*,\s*)*"members"\s*:\s*\[\s*\{\s*"(?:name|email)"'
)
_USER = re.compile(
    rb'^\s*\{\s*"user"\s*:\s*\{\s*"(?:name|email)"\s*:.*"membership_info"', re.DOTALL
)


class _Person(Struct):
    name: str | None = None
    email: str | None = None


class _Attached(Struct):
    export_name: str | None = None


class _Quoted(Struct):
    message_id: str | None = None


class _Message(Struct):
    creator: _Person | None = None
    created_date: str | None = None
    text: str | None = None
    topic_id: str | None = None
    message_id: str | None = None
    attached_files: list[_Attached] | None = None
    quoted_message_metadata: _Quoted | None = None


class _Group(Struct):
    name: str | None = None
    members: list[_Person] | None = None


class _User(Struct):
    user: _Person | None = None


class GoogleChat:
    """Reads Google Chat as Takeout exports it."""

    name = "google-chat"
    types = TYPES
    version = 1
    about = About(
        title="Google Chat",
        formats=(("Takeout, messages.json", Evidence.DOCUMENTED),),
        paths=("Takeout/Google Chat/Groups/DM abc/messages.json",),
        how="At takeout.google.com choose Google Chat alone and download it as zip.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file holds messages of Google Chat, or says whose they are."""
        if len(tree.files) != 1 or tree.files[0].suffix != ".json":
            return 0.0
        head = tree.head(tree.files[0].path)
        if _MESSAGES.match(head):
            return 0.95 if len(set(_MESSAGE.findall(head))) > _TWO else 0.0
        return 0.85 if _GROUP.match(head) or _USER.match(head) else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a Takeout is written anew each time
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the messages of all conversations; what was deleted holds none."""
        owner = ""
        done, total = 0, tree.size
        for file in tree.files:
            try:
                head = tree.head(file.path)
                if _GROUP.match(head) or _USER.match(head):
                    tree.opened.add(file.path)  # read with the messages that it is about
                else:
                    owner = owner or _owner(tree, file)
                    yield from _conversation(tree, file, me, owner, done)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=total)


SOURCE = GoogleChat()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A conversation; `owner` is the address of whose Takeout it is."""

    folder: str
    name: str
    is_direct: bool
    members: tuple[Agent, ...]
    me: frozenset[str]
    owner: str

    def is_sent(self, author: Agent) -> bool:
        if self.owner and author.id.startswith("mailto:"):
            return normal(author.id) == self.owner
        return is_owner(self.me, author.id, author.name)


def _owner(tree: Tree, near: File) -> str:
    """Return the address of whose Takeout it is, nothing where that is not told."""
    found = tree.find("user_info.json", near.path)
    if found is None or not _USER.match(tree.head(found.path)):
        return ""
    user = _load(tree, found, _User).user
    return normal(user.email or "") if user else ""


def _load(tree: Tree, file: File, kind: type[T]) -> T:
    with tree.open(file.path) as stream:
        return loads(stream.read_all(_LARGEST), kind)


def _place(tree: Tree, file: File, me: frozenset[str], owner: str) -> _Place:
    folder = folder_of(file.path)[:-1].replace("!", "/").rpartition("/")[2]
    found = tree.find("group_info.json", file.path)
    group = _Group()
    if found and folder_of(found.path) == folder_of(file.path):
        group = _load(tree, found, _Group)
    members = group.members or []
    return _Place(
        folder=folder,
        name=clean(group.name or ""),
        is_direct=len(members) <= _TWO and _is_direct(folder, group),
        members=tuple(map(_agent, members[:_MOST_RECIPIENTS])),
        me=me,
        owner=owner,
    )


def _is_direct(folder: str, group: _Group) -> bool:
    """Whether it is no space; those have a name, and mostly folders that are called so."""
    return folder.startswith("DM ") or (bool(group.members) and not group.name)


@lru_cache(maxsize=1024)
def _known(name: str, email: str) -> Agent:
    return Agent(id=f"mailto:{email}" if email else f"name:{name}", name=name)


def _agent(person: _Person | None) -> Agent:
    person = person or _Person()
    return _known(clean(person.name or ""), person.email or "")


def _conversation(
    tree: Tree, file: File, me: frozenset[str], owner: str, done: int
) -> Iterator[Record]:
    place = _place(tree, file, me, owner)
    is_told = False
    with tree.open(file.path) as stream:
        for number, part in enumerate(split(stream, "messages")):
            if isinstance(part, Element):
                for record in _record(tree, file, place, part):
                    is_told = True
                    yield record
                if not number % _TELL_EVERY:
                    yield Progress(done=done + part.offset, total=tree.size)
            elif isinstance(part, Broken):
                is_told = True
                yield Bad(locator=f"{file.path}#{part.offset}", reason=part.reason)
    if not is_told:
        raise Unreadable("there is no message in it")


def _record(tree: Tree, file: File, place: _Place, element: Element) -> Iterator[Record]:
    locator = f"{file.path}#{element.offset}"
    try:
        message = element.decode(_Message)
    except Unreadable as error:
        yield Bad(locator=locator, reason=str(error))
        return
    if not message.text and not message.attached_files:
        return
    when = parse_long(message.created_date or "")
    if when is None or not message.message_id:
        yield Bad(locator=locator, reason="it has no date that is known, or no id")
        return
    found = _files(tree, file, message) if message.attached_files else []
    author = _agent(message.creator)
    space, _, rest = message.message_id.partition("/")
    yield Item(
        source=SOURCE.name,
        native_id=message.message_id,
        type=type_of(is_direct=place.is_direct, is_sent=place.is_sent(author)),
        at=when.at,
        assumed=when.assumed,
        author=author,
        to=tuple(agent for agent in place.members if agent != author),
        conversation=space if rest else place.folder,
        reply_to=_reply(message),
        text=clean(message.text or ""),
        tags=(place.name,) if place.name and not place.is_direct else (),
        attachments=tuple(one for _, one in found),
        locator=locator,
    )
    yield from contents(tree, found)


def _reply(message: _Message) -> str:
    """Return the message that is quoted, else the one that began the thread."""
    quoted = message.quoted_message_metadata
    if quoted and quoted.message_id:
        return quoted.message_id
    space, topic, number = (*(message.message_id or "").split("/"), "", "")[:3]
    return f"{space}/{topic}/{topic}" if number and number != topic else ""


def _files(tree: Tree, file: File, message: _Message) -> list[Beside]:
    """Return the files of a message, whose names on disk are without what Windows refuses."""
    names = [one.export_name for one in message.attached_files or () if one.export_name]
    names = [_NOT_IN_NAMES.sub("_", name) for name in names]
    return files_beside(tree, file.path, names, folder_of(file.path))
