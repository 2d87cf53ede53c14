"""Chats of Signal as programs of others write them: text, Markdown, a line of JSON for each.

Signal Desktop keeps its messages sealed; `signal-export` and `sigtop` open them. All of them
call the owner "Me" or "You". What they add to the words (quotes, reactions, lists of files) is
taken off again. The formats are those that the programs' own code writes and reads back.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import msgspec

from vault.collectors.readers.json import loads
from vault.collectors.readers.time import parse_iso
from vault.collectors.readers.tree import Unreadable
from vault.items import Precision

__all__ = ["Said", "form_of", "named", "said"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OWNER = frozenset({"Me", "You"})

_BRACKETS = re.compile(
    r"^\[(\d{4}-\d\d-\d\d)(, (?=\d\d:\d\d\])| (?=\d\d:\d\d:\d\d\]))(\d\d:\d\d(?::\d\d)?)\] ([^\n:]{0,120}):[ ]?",
    re.MULTILINE,
)
_SHORT = re.compile(r"^(\d{4}-\d\d-\d\d)( )(\d\d:\d\d) ([^\n:]{1,120}):(?=[ \n])", re.MULTILINE)
_BLOCK = re.compile(
    r"^(?:From: ([^\n]*)\n)?Type: ([\w-]+)\n(?:Sent: ([^\n]*)\n)?(?:Received: [^\n]*\n)?"
    r"((?:(?:Attachment|Reaction|Edited): [^\n]*\n)*)",
    re.MULTILINE,
)
_DETAILS = re.compile(
    r" ?\[(?:reply to [^\]\n]{1,200}|edited|\d{1,4} attachments?)"
    r"(?:, (?:edited|\d{1,4} attachments?)){0,2}\]"
)
_FILE = re.compile(r"^Attachment: (.{1,255}) \([^()\n]{1,200}\)$", re.MULTILINE)
_OTHER_KIND = re.compile(r" ?\[[\w-]+ message\]\s*")
_DELETED = "(This message was deleted)"
_REACTIONS = re.compile(r"\n\(- .* -\)[ ]*(?=\n|\Z)")
_STICKER = re.compile(r"\n\(\( .* \)\)[ ]*(?=\n|\Z)")
_LINKED = re.compile(
    r"!?\[[^\[\]\n]{0,255}\]\((?:\./)?(media/[^)\n]{1,500}|\.\./exported_stickers/[^)\n]{1,300})\)[ ]{0,2}"
)
_QUOTED = re.compile(r"\s*(?:^>[^\n]*(?:\n|\Z))+\s*", re.MULTILINE)
_NAME = re.compile(r"(.*?)(?: \((\+?\d{5,20}|[\w-]{32,43}|[\w.]+\.\d{2,})\))?")
_EDITION = re.compile(r"^\| Version: \d+$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message; `author` is empty where the owner speaks, `at` None where no time is stated.

    `sent_at` are the milliseconds that identify it among those of its author, where there are.
    """

    offset: int
    author: str
    is_owner: bool
    text: str
    at: datetime | None
    minutes: int | None = None
    precision: Precision = Precision.SECOND
    assumed: bool = False
    sent_at: int = 0
    files: tuple[str, ...] = field(default=())


def form_of(head: str, suffix: str) -> str:
    """Return which of the forms a file has by its beginning, nothing where none."""
    if suffix == ".json":
        is_line = head.startswith('{"date": "') and '"sender": ' in head and '"reactions": ' in head
        is_list = head.startswith("[") and '"conversationId"' in head and '"sent_at"' in head
        return "lines" if is_line else "list" if is_list else ""
    if head.startswith("Conversation: ") and _BLOCK.search(head):
        return "blocks"
    if _BRACKETS.match(head):
        return "brackets"
    return "short" if _SHORT.match(head) and " You:" in head else ""


def said(text: str, form: str) -> Iterator[Said | tuple[int, str]]:
    """Yield what was said, or where something cannot be read and why."""
    match form:
        case "lines":
            yield from _lines(text)
        case "list":
            yield from _list(text)
        case "blocks":
            yield from _blocks(text)
        case _:
            yield from _marked(text, _BRACKETS if form == "brackets" else _SHORT)


def named(stated: str) -> tuple[str, str]:
    """Return a name and what stands in brackets behind it: a number, an account, a group."""
    found = _NAME.fullmatch(stated)
    return (found.group(1), found.group(2) or "") if found else (stated, "")


def _marked(text: str, pattern: "re.Pattern[str]") -> Iterator[Said | tuple[int, str]]:
    found = list(pattern.finditer(text))
    ends = [begun.start() for begun in found[1:]] + [len(text)]
    for begun, end in zip(found, ends, strict=False):
        day, _, clock, author = begun.groups()
        when = parse_iso(f"{day}T{clock}")
        if when is None:
            yield begun.start(), "there is no such date"
            continue
        words = text[begun.end() : end]
        if _OTHER_KIND.fullmatch(words) or words.strip() == _DELETED:
            continue
        words, files = _bare(_DETAILS.sub("", words, count=1) if pattern is _SHORT else words)
        yield Said(
            offset=begun.start(),
            author="" if author in _OWNER else author,
            is_owner=author in _OWNER,
            text=words,
            at=when.at,
            precision=when.precision,
            assumed=True,
            files=files,
        )


def _bare(words: str) -> tuple[str, tuple[str, ...]]:
    """Return the author's own words, and the files that came with them."""
    words = _STICKER.sub("", _REACTIONS.sub("", "\n" + words.lstrip(" ")))
    files = tuple(unquote(name) for name in _LINKED.findall(words) if name.startswith("media/"))
    words = _LINKED.sub("", words).strip()
    if words.startswith(">"):
        words = _QUOTED.sub("", words, count=1)
    return words.strip(), files


# --- signal-export: data.json, an object on each line ---


class _File(msgspec.Struct):
    path: str = ""


class _Line(msgspec.Struct):
    date: str
    sender: str = ""
    body: str = ""
    deleted: bool = False
    call: bool = False
    attachments: list[_File] = []


def _lines(text: str) -> Iterator[Said | tuple[int, str]]:
    offset = 0
    for line in text.split("\n"):
        if line.strip():
            yield from _line(line, offset)
        offset += len(line) + 1


def _line(text: str, offset: int) -> Iterator[Said | tuple[int, str]]:
    try:
        line = loads(text.encode(), _Line)
    except Unreadable as error:
        yield offset, str(error)
        return
    when = parse_iso(line.date)
    if when is None:
        yield offset, "it has no time"
    elif not line.deleted and not line.call:
        yield Said(
            offset=offset,
            author="" if line.sender in _OWNER else line.sender,
            is_owner=line.sender in _OWNER,
            text=line.body.strip(),
            at=when.at,
            minutes=when.offset,
            precision=when.precision,
            assumed=when.assumed,
            files=tuple(unquote(file.path) for file in line.attachments if file.path),
        )


# --- sigtop: the records of the database itself ---


class _Attached(msgspec.Struct):
    name: str | None = msgspec.field(default=None, name="fileName")


class _Record(msgspec.Struct):
    type: str = ""
    sent_at: int | None = None
    body: str | None = None
    source: str | None = None
    account: str | None = msgspec.field(default=None, name="sourceServiceId")
    uuid: str | None = msgspec.field(default=None, name="sourceUuid")
    erased: bool | None = msgspec.field(default=None, name="deletedForEveryone")
    attachments: list[_Attached] | None = None


def _list(text: str) -> Iterator[Said | tuple[int, str]]:
    for number, raw in enumerate(loads(text.encode(), list[msgspec.Raw])):
        try:
            record = loads(bytes(raw), _Record)
        except Unreadable as error:
            yield number, str(error)
            continue
        if record.type not in {"incoming", "outgoing"} or record.erased:
            continue
        is_owner = record.type == "outgoing"
        author = record.source or record.account or record.uuid or ""
        yield Said(
            offset=number,
            author="" if is_owner else author,
            is_owner=is_owner,
            text=(record.body or "").strip(),
            at=_moment(record.sent_at),
            sent_at=record.sent_at or 0,
            files=tuple(one.name for one in record.attachments or () if one.name),
        )


def _moment(milliseconds: int | None) -> datetime | None:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds else None
    except OverflowError:
        return None


# --- sigtop: text with a line for each fact ---


def _blocks(text: str) -> Iterator[Said | tuple[int, str]]:
    found = list(_BLOCK.finditer(text))
    ends = [begun.start() for begun in found[1:]] + [len(text)]
    for begun, end in zip(found, ends, strict=False):
        author, kind, sent, facts = begun.groups()
        if kind not in {"incoming", "outgoing"}:
            continue
        from email.utils import parsedate_to_datetime  # noqa: PLC0415 - slow to load, and seldom needed

        try:
            when = parsedate_to_datetime(sent or "")
            offset = when.utcoffset() or timedelta()
            at = when.astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            yield begun.start(), "it has no time"
            continue
        yield Said(
            offset=begun.start(),
            author="" if kind == "outgoing" else named(author or "")[0],
            is_owner=kind == "outgoing",
            text=_body(text[begun.end() : end]),
            at=at,
            minutes=offset // timedelta(minutes=1),
            files=tuple(_FILE.findall(facts)),
        )


def _body(text: str) -> str:
    """Return the words without what was quoted; of an edited message the last edition."""
    editions = _EDITION.split(text)
    if len(editions) > 1:
        lines = [line[2:] for line in editions[1].split("\n") if line.startswith("|")]
        text = "\n".join(lines[lines.index("") :] if "" in lines else [])
    text = text.strip()
    return _QUOTED.sub("", text, count=1).strip() if text.startswith(">") else text
