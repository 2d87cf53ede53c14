"""Slack: the export of a workspace, zipped or not, with one file for each channel and day.

A message is known by its channel and its `ts`, which is a decimal string and never a number:
as one it would lose its last digits. What Slack itself tells in a channel is no message.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from msgspec import Raw, Struct

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.beside import Beside, contents, files_beside, folder_of
from vault.collectors.readers.chat import TYPES, is_owner, type_of
from vault.collectors.readers.json import Broken, Start, loads, split
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "Slack"]

T = TypeVar("T")

_LARGEST_LIST = 256 << 20
_MOST_RECIPIENTS = 64
_FARTHEST_ZONE = 24 * 3600
_DIGITS = 10  # of a time, until the year 2286
_SPOKEN = frozenset(("message", ""))
_WORDS = frozenset(
    (
        None,
        "",
        "bot_message",
        "file_comment",
        "file_share",
        "me_message",
        "reply_broadcast",
        "slackbot_response",
        "thread_broadcast",
    )
)
_LISTS = frozenset(
    f"{name}.json"
    for name in ("users", "org_users", "channels", "groups", "dms", "mpims", "integration_logs")
)
_DAY = re.compile(rb'^\s*\[\s*\{(?=.*?"type"\s*:).*?"ts"\s*:\s*"\d{9,10}\.\d{6}"', re.DOTALL)
_USERS = re.compile(rb'^\s*\[\s*\{\s*"id"\s*:\s*"[UW][0-9A-Z]+"\s*,\s*"(?:team_id|name)"')
_MARKUP = re.compile(r"<([^<>\n]+)>")


class _Name(Struct):
    real_name: str | None = None
    display_name: str | None = None
    name: str | None = None
    email: str | None = None


class _User(Struct):
    id: str = ""
    name: str | None = None
    real_name: str | None = None
    tz_offset: int | None = None
    profile: _Name | None = None


class _Channel(Struct):
    id: str = ""
    name: str | None = None
    members: list[str] | None = None


class _Comment(Struct):
    comment: str | None = None
    user: str | None = None


class _File(Struct):
    id: str | None = None
    name: str | None = None
    initial_comment: _Comment | None = None


class _Message(Struct):
    ts: str = ""
    type: str = ""
    subtype: str | None = None
    user: str | None = None
    text: str | None = None
    thread_ts: str | None = None
    bot_id: str | None = None
    username: str | None = None
    user_profile: Raw = Raw()  # decoded only of whom no list knows
    bot_profile: _Name | None = None
    comment: _Comment | None = None
    file: _File | None = None
    files: list[_File] | None = None


class Slack:
    """Reads exports of Slack."""

    name = "slack"
    types = TYPES
    version = 1
    about = About(
        title="Slack",
        formats=(
            ("export zip or folder of a workspace", Evidence.DOCUMENTED),
            ("export of slackdump, with files", Evidence.DOCUMENTED),
        ),
        paths=("Team Slack export Jan 1 2024 - Feb 1 2024.zip", "general/2024-01-05.json"),
        how=(
            "Owners of a workspace: Settings > Workspace settings > Import/export data > Export;"
            " everybody else can use slackdump."
        ),
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a folder or archive is an export, or a file a day of a channel."""
        if len(tree.files) != 1:
            return 0.95 if any(_is_users(tree, file) for file in tree.files) else 0.0
        file = tree.files[0]
        return 0.9 if file.suffix == ".json" and _DAY.match(tree.head(file.path)) else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a day's file is read as a whole
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the messages of all channels, day by day."""
        workspaces: dict[str, _Workspace] = {}
        done, total = 0, tree.size
        for file in sorted(tree.files, key=lambda one: one.path):
            root = folder_of(folder_of(file.path)[:-1])
            try:
                if file.name in _LISTS:
                    tree.opened.add(file.path)  # where the days are read, or of no use to anybody
                elif file.suffix == ".json":
                    if root not in workspaces:
                        workspaces[root] = _workspace(tree, file, root, me)
                    yield from _day(tree, file, workspaces[root])
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=total)


SOURCE = Slack()


def _is_users(tree: Tree, file: File) -> bool:
    """Whether a file is the list of people at the root of an export."""
    return (
        file.path.endswith("users.json")
        and tree.relative(file.path) in {"users.json", "org_users.json"}
        and _USERS.match(tree.head(file.path)) is not None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    """An account, whether it is the owner's, and its minutes east of UTC."""

    agent: Agent
    is_owner: bool
    offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A conversation; `members` are stated of those that few take part in."""

    id: str
    sent: str = type_of(is_direct=False, is_sent=True)
    received: str = type_of(is_direct=False, is_sent=False)
    tags: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


@dataclass(slots=True)
class _Workspace:
    """Who and what is known by which id or, of a channel, by which name of its folder."""

    me: frozenset[str]
    people: dict[str, _Person] = field(default_factory=dict)
    places: dict[str, _Place] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def author(self, message: _Message) -> _Person:
        """Return who speaks: an account, or a program under a name of its own."""
        user = message.user or (message.comment and message.comment.user) or ""
        if found := self.people.get(user):
            return found  # of a comment, which has another author than the message around it
        profile = _said_profile(message) or message.bot_profile or _Name()
        name = clean(_called(profile) or message.username or "")
        number = user or message.bot_id
        return _Person(
            agent=Agent(id=f"slack:{number}" if number else f"name:{name}", name=name),
            is_owner=bool(user) and is_owner(self.me, user, profile.real_name, name),
        )

    def readable(self, text: str) -> str:
        """Return a text as it is shown, without the marks for mentions and links."""
        return clean(html.unescape(_MARKUP.sub(self._shown, text)))

    def _shown(self, found: "re.Match[str]") -> str:
        target, _, label = found.group(1).partition("|")
        if target.startswith("@"):
            person = self.people.get(target[1:])
            return "@" + (person.agent.name if person else label or target[1:])
        if target.startswith("#"):
            return "#" + (label or self.names.get(target[1:]) or target[1:])
        if target.startswith("!"):  # `!here`, `!subteam^S1|@team`, `!date^1392734382^{date}|18 Feb`
            return label or "@" + target[1:].partition("^")[0]
        return label or target.removeprefix("mailto:")


def _said_profile(message: _Message) -> _Name | None:
    """Return what a message says itself of its author."""
    said = bytes(message.user_profile)
    try:
        return loads(said, _Name) if said.startswith(b"{") else None
    except Unreadable:
        return None


def _called(name: _Name) -> str:
    return name.display_name or name.real_name or name.name or ""


def _workspace(tree: Tree, near: File, root: str, me: frozenset[str]) -> _Workspace:
    """Read the lists that lie beside the folders of the channels."""
    workspace = _Workspace(me=me)
    users = [
        user
        for name in ("users", "org_users")
        for user in _list(tree, near, f"{root}{name}.json", list[_User])
    ]
    # A name may be somebody else's too; ids and addresses are not.
    surely = {user.id for user in users if is_owner(me, user.id, _profile(user).email)}
    for user in users:
        owner = user.id in surely if surely else is_owner(me, *_names(user))
        workspace.people[user.id] = _person(user, is_owner=owner)
    for kind in ("channels", "groups", "mpims", "dms"):
        for channel in _list(tree, near, f"{root}{kind}.json", list[_Channel]):
            place = _place(channel, kind)
            workspace.places[channel.id] = workspace.places[channel.name or channel.id] = place
            workspace.names[channel.id] = channel.name or ""
    return workspace


def _profile(user: _User) -> _Name:
    return user.profile or _Name()


def _names(user: _User) -> Iterator[str | None]:
    profile = _profile(user)
    yield from (user.real_name, profile.real_name, profile.display_name, user.name)


def _person(user: _User, *, is_owner: bool) -> _Person:
    name = clean(_called(_profile(user)) or user.real_name or user.name or user.id)
    zone = user.tz_offset
    return _Person(
        agent=Agent(id=f"slack:{user.id}", name=name),
        is_owner=is_owner,
        offset=zone // 60 if zone is not None and abs(zone) <= _FARTHEST_ZONE else None,
    )


def _place(channel: _Channel, kind: str) -> _Place:
    few = kind in {"mpims", "dms"}
    return _Place(
        id=channel.id,
        sent=type_of(is_direct=kind == "dms", is_sent=True),
        received=type_of(is_direct=kind == "dms", is_sent=False),
        tags=() if few or not channel.name else (clean(channel.name),),
        members=tuple(channel.members or ())[:_MOST_RECIPIENTS] if few else (),
    )


def _list(tree: Tree, near: File, path: str, kind: type[list[T]]) -> list[T]:
    """Return a list that lies at the root of the export, an empty one where it does not."""
    name = path.replace("!", "/").rpartition("/")[2]
    found = tree.find(name, near.path)
    if found is None or found.path != path:
        return []
    with tree.open(path) as stream:
        return loads(stream.read_all(_LARGEST_LIST), kind)


def _day(tree: Tree, file: File, workspace: _Workspace) -> Iterator[Record]:
    folder = folder_of(file.path)[:-1].replace("!", "/").rpartition("/")[2] or tree.name
    place = workspace.places.get(folder) or _Place(id=folder)
    with tree.open(file.path) as stream:
        for part in split(stream, ""):
            if isinstance(part, Start):
                continue
            locator = f"{file.path}#{part.offset}"
            if isinstance(part, Broken):
                yield Bad(locator=locator, reason=part.reason)
                continue
            try:
                message = part.decode(_Message)
            except Unreadable as error:
                yield Bad(locator=locator, reason=str(error))
                continue
            if message.type not in _SPOKEN or message.subtype not in _WORDS:
                continue
            at = _at(message.ts)
            if at is None:
                yield Bad(locator=locator, reason="there is no such date")
            elif message.files or message.file:
                found = _files(tree, file, message)
                yield _item(workspace, place, message, at, found, locator)
                yield from contents(tree, found)
            else:
                yield _item(workspace, place, message, at, [], locator)


def _at(ts: str) -> datetime | None:
    seconds, point, rest = ts.partition(".")
    if not (point and len(seconds) <= _DIGITS and seconds.isdecimal() and rest.isdecimal()):
        return None
    return datetime.fromtimestamp(int(seconds), UTC)


def _item(  # noqa: PLR0917 - all that is known of one message
    workspace: _Workspace,
    place: _Place,
    message: _Message,
    at: datetime,
    found: list[Beside],
    locator: str,
) -> Item:
    person = workspace.people.get(message.user or "") or workspace.author(message)
    text, thread = message.text or "", message.thread_ts
    if message.subtype:
        text = _said(message)
    return Item(
        source=SOURCE.name,
        native_id=f"{place.id}/{message.ts}",
        type=place.sent if person.is_owner else place.received,
        at=at,
        offset=person.offset,
        author=person.agent,
        to=_others(workspace, place, message.user) if place.members else (),
        conversation=place.id,
        reply_to=f"{place.id}/{thread}" if thread and thread != message.ts else "",
        text=workspace.readable(text) if "<" in text or "&" in text else clean(text),
        tags=place.tags,
        attachments=tuple([one for _, one in found]) if found else (),
        locator=locator,
    )


def _said(message: _Message) -> str:
    """Return what somebody wrote; in old exports Slack wraps that into words of its own."""
    if message.subtype == "file_comment" and message.comment:
        return message.comment.comment or ""
    if message.subtype == "file_share" and message.file:
        comment = message.file.initial_comment
        return comment.comment or "" if comment else ""
    return message.text or ""


def _others(workspace: _Workspace, place: _Place, author: str | None) -> tuple[Agent, ...]:
    return tuple(
        workspace.people[member].agent
        if member in workspace.people
        else Agent(id=f"slack:{member}")
        for member in place.members
        if member != author
    )


def _files(tree: Tree, day: File, message: _Message) -> list[Beside]:
    """Return the files of a message, which only slackdump puts beside, in one of two places."""
    files = (*(message.files or ()), *((message.file,) if message.file else ()))
    names = [
        name
        for file in files
        if file.id and file.name
        for name in (f"{file.id}/{file.name}", f"attachments/{file.id}-{file.name}")
    ]
    root = folder_of(folder_of(day.path)[:-1])
    return files_beside(tree, day.path, names, root) if names else []
