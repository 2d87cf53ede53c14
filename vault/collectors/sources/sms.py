"""Text messages: the XML that the Android app "SMS Backup & Restore" writes.

A file may have gigabytes, most of them pictures as base64 in attributes. No `<` stands in an
attribute, so a file is cut at `<sms ` and `<mms ` without being parsed, and each message is a
small document of its own: a broken one damages no other. Numbers of telephones tell who speaks
with whom; the backup itself says what was sent. Fields as the makers of the app describe them
(synctech.com.au, "Fields in XML backup files").
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from mimetypes import guess_extension

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.attached import blocks
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import File, Stream, Tree, Unreadable
from vault.collectors.readers.xml import Element, parse
from vault.consent import normal
from vault.items import Agent, Attachment, Bad, Item, Progress

__all__ = ["SOURCE", "Sms"]

_LARGEST_MESSAGE = 64 << 20
_BLOCK = 1 << 20
_MOST_RECIPIENTS = 64
_MILLISECONDS_FROM = 10**11  # in seconds that were the year 5138
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_BEGIN = re.compile(rb"<(?:sms|mms)\s")
_LONGEST_BEGIN = 5
_ROOT = re.compile(rb"<(smses|calls)[\s>]")
_ENDS = re.compile(rb"</smses\s*>\s*\Z")

_RECEIVED, _DRAFT = "1", "3"
_NOT_FETCHED = "130"
_FROM, _RECIPIENTS = "137", frozenset({"151", "130", "129"})
_OWNER = "insert-address-token"
_NOTHING = frozenset({"", "null"})
_LAYOUT = "application/smil"


class Sms:
    """Reads backups of text messages."""

    name = "sms"
    types = frozenset({"message.sms.sent", "message.sms.received"})
    version = 1
    about = About(
        title="Text messages (SMS Backup & Restore)",
        formats=(("XML backup of messages", Evidence.DOCUMENTED),),
        paths=("sms-20240105120000.xml",),
        how="In the app SMS Backup & Restore: Back up now, with messages (and attachments) chosen.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is such a backup."""
        if len(tree.files) != 1 or tree.files[0].suffix != ".xml":
            return 0.0
        head = tree.head(tree.files[0].path)
        return 0.95 if _ROOT.search(head[:4096]) and b"<" in head[:16] else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - each backup is written anew
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the messages of each backup; of calls there is nothing to read."""
        done = 0
        for file in tree.files:
            try:
                yield from _backup(tree, file, me, done)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Sms()


def _backup(tree: Tree, file: File, me: frozenset[str], done: int) -> Iterator[Record]:
    root = _ROOT.search(tree.head(file.path)[:4096])
    if root and root.group(1) == b"calls":
        tree.opened.add(file.path)
        raise Unreadable("a list of calls holds no words")
    offset = -1
    with tree.open(file.path) as stream:
        for offset, data in _messages(stream):
            locator = f"{file.path}#{offset}"
            try:
                yield from _message(_parsed(data), locator, me)
            except Unreadable as error:
                yield Bad(locator=locator, reason=str(error))
            if len(data or b"") > _BLOCK or offset % 64 == 0:
                yield Progress(done=done + min(offset, file.size), total=tree.size)
    if offset < 0:
        raise Unreadable("there is no message in it")


def _messages(stream: Stream) -> Iterator[tuple[int, bytes | None]]:
    """Yield where each message begins and its bytes, None in place of one that is too large."""
    parts: list[bytes] = []  # of the message that has begun
    begun, size, offset, tail = -1, 0, 0, b""
    while block := stream.read_exactly(_BLOCK):
        data = tail + block
        tail = data[-_LONGEST_BEGIN:]
        data = data[: len(data) - len(tail)]
        end = 0
        for found in _BEGIN.finditer(data + tail):
            if found.start() >= len(data):
                break
            if begun >= 0:
                parts.append(data[end : found.start()])
                yield begun, _whole(parts, size)
            parts, size = [], 0
            begun, end = offset + found.start(), found.start()
        if begun >= 0 and size <= _LARGEST_MESSAGE:
            parts.append(data[end:])
            size += len(parts[-1])
        if size > _LARGEST_MESSAGE:
            parts.clear()
        offset += len(data)
    if begun >= 0:
        parts.append(tail)
        yield begun, _whole(parts, size)


def _whole(parts: list[bytes], size: int) -> bytes | None:
    return None if size > _LARGEST_MESSAGE else b"".join(parts)


def _parsed(data: bytes | None) -> Element:
    if data is None:
        raise Unreadable(f"a message of more than {_LARGEST_MESSAGE >> 20} MiB is not read")
    # Within a root of its own, as it stood in the file.
    found = list(parse(b"<smses>%b</smses>" % _ENDS.sub(b"", data)))
    if len(found) != 1:
        raise Unreadable("it is damaged XML")
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A file within a message."""

    shown: Attachment
    data: bytes


def _message(element: Element, locator: str, me: frozenset[str]) -> Iterator[Record]:
    facts = element.attrib
    kind = facts.get("type" if element.tag == "sms" else "msg_box", "")
    at = _at(facts.get("date", ""))
    if at is None or not kind.isdigit():
        raise Unreadable("it has no time" if at is None else "it is neither sent nor received")
    if element.tag == "mms" and facts.get("m_type") == _NOT_FETCHED:
        return  # only announced, never fetched
    is_received = kind == _RECEIVED
    people = _people(element, me)
    author = people.author if is_received else people.owner
    conversation = "~".join(sorted(normal(one.id) for one in people.others)) or "unknown"
    text, parts = (_said(facts.get("body", "")), ()) if element.tag == "sms" else _parts(element)
    identity = "\x1f".join(
        (
            conversation,
            facts["date"],
            "1" if is_received else "2",
            text,
            *(one.shown.sha256 for one in parts),
        )
    )
    to = people.others if not is_received else tuple(one for one in people.others if one != author)
    yield Item(
        source=SOURCE.name,
        native_id=sha256(identity.encode()).hexdigest()[:32],
        type=f"message.sms.{'received' if is_received else 'sent'}",
        at=at,
        author=author,
        to=to[:_MOST_RECIPIENTS],
        conversation=conversation,
        title=_said(facts.get("sub", "")),
        text=text,
        tags=("draft",) if kind == _DRAFT else (),
        attachments=tuple(one.shown for one in parts),
        locator=locator,
    )
    for one in parts:
        yield from blocks(one.data, one.shown.sha256)


def _at(date: str) -> datetime | None:
    """Return a time from milliseconds since 1970; some telephones wrote seconds."""
    if not date.isdecimal() or len(date) > len("1700000000000") or not int(date):
        return None
    number = int(date)
    return _EPOCH + timedelta(milliseconds=number if number > _MILLISECONDS_FROM else number * 1000)


def _said(value: str) -> str:
    return "" if value in _NOTHING else clean(value).strip()


# --- who ---


@dataclass(frozen=True, slots=True, kw_only=True)
class _People:
    """Who takes part besides the owner, who of them speaks, and the owner where it is said."""

    others: tuple[Agent, ...]
    author: Agent | None
    owner: Agent | None


def _people(element: Element, me: frozenset[str]) -> _People:
    names, addressed = _addressed(element.get("address", ""), element.get("contact_name", ""))
    others = {one.id: one for one in addressed}
    author, owner = None, None
    for addr in element.iter("addr"):
        number, role = _said(addr.get("address", "")), addr.get("type")
        if not number or number == _OWNER:
            continue
        agent = _agent(number, names)
        if normal(agent.id) in me:
            owner = agent
        elif role == _FROM:
            author = agent
            others.setdefault(agent.id, agent)
        elif role in _RECIPIENTS and element.get("msg_box") != _RECEIVED:
            others.setdefault(agent.id, agent)
    found = tuple(one for one in others.values() if normal(one.id) not in me)
    return _People(others=found, author=author or next(iter(found), None), owner=owner)


def _numbers(address: str) -> list[str]:
    return [number for number in address.split("~") if number]


@lru_cache(maxsize=1024)
def _addressed(address: str, contact: str) -> tuple[Mapping[str, str], tuple[Agent, ...]]:
    """Return the names of people by their numbers, where there are as many, and the people."""
    numbers = _numbers(_said(address))
    name = "" if contact == "(Unknown)" else _said(contact)
    stated = [name] if len(numbers) == 1 else name.split(", ")
    are_known = bool(name) and len(stated) == len(numbers)
    names = {normal(one): name for one, name in zip(numbers, stated, strict=False) if are_known}
    return names, tuple(_agent(number, names) for number in numbers)


def _agent(number: str, names: Mapping[str, str]) -> Agent:
    digits = normal(number)
    name = names.get(digits, "")
    if "@" in number:
        return Agent(id=f"mailto:{number.lower()}", name=name)
    if number.strip("+0123456789 ()-./"):
        return Agent(id=f"name:{number}", name=name or number)
    plus = "+" if number.startswith("+") else ""
    return Agent(id=f"tel:{plus}{re.sub(r'[^0-9]', '', number)}", name=name or number)


# --- what ---


def _parts(element: Element) -> tuple[str, tuple[_Part, ...]]:
    """Return the words of a message and the files in it.

    Raises:
        Unreadable: A file is not the base64 that it should be.
    """
    words, parts = [], []
    for part in element.iter("part"):
        kind = part.get("ct", "").lower()
        if kind == "text/plain":
            words.append(_said(part.get("text", "")))
        elif kind != _LAYOUT and (encoded := part.get("data", "")) not in _NOTHING:
            parts.append(_file(part, kind, encoded))
    return "\n".join(filter(None, words)), tuple(parts)


def _file(part: Element, kind: str, encoded: str) -> _Part:
    try:
        data = binascii.a2b_base64(encoded)
    except ValueError as error:
        raise Unreadable("a file in it is damaged") from error
    named = (_said(part.get(key, "")) for key in ("cl", "name", "fn"))
    name = next(filter(None, named), f"part{guess_extension(kind) or ''}")
    digest = sha256(data).hexdigest()
    return _Part(
        shown=Attachment(name=name, media_type=kind, size=len(data), sha256=digest), data=data
    )
