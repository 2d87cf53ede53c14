"""WhatsApp: the text that "Export chat" writes, alone or in its zip with media.

There are no ids and no time zone, dates stand in the order of the phone's language, and
media and system lines in its words. The order is inferred from the whole file; the clock
is read as UTC and marked as assumed, so that the same file always reads the same.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from vault.collectors.api import Record
from vault.collectors.readers import whatsapp_words as words
from vault.collectors.readers.attached import attachment
from vault.collectors.readers.text import clean, decode, is_binary
from vault.collectors.readers.time import in_order, order_of
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Agent, Attachment, Bad, Item, Precision, Progress

__all__ = ["SOURCE", "WhatsApp"]

_LARGEST = 64 << 20
_MOST_RECIPIENTS = 64
_DETECT_LINES = 40
_TWO = 2

_HEADER = re.compile(
    r"^[\u200e\u200f\u202a-\u202e\ufeff]*\[?"
    r"(\d{1,4})[ ]?[./-][ ]?(\d{1,2})[ ]?[./-][ ]?(\d{1,4})\.?,?[ \u00a0\u202f]+"
    r"(?:at |um |à |a las |alle |às |om |kl\. )?"
    r"([^\W\d_]{2}[ ]?)?"  # 오전, 上午: before the clock
    r"(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?"
    r"(?:[ \u00a0\u202f]*([^\W\d_]\.?[ \u00a0\u202f]?[^\W\d_]\.?|[^\W\d_]|vorm\.|nachm\.))?"
    r"(?:\]|[ \u00a0\u202f]*[-\u2013\u2014])[ \u00a0]?",
    re.MULTILINE,
)
_AUTHOR = re.compile(r"([^\n]{1,120}?):(?:[ \u00a0]|(?=\n|$))")
_TIGHT_AUTHOR = re.compile(r"([^\n:]{1,120}):(?=\S)")
_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2068\u2069\ufeff"
_AFTERNOON = frozenset(("pm", "p", "nachm", "오후", "下午", "午後", "μμ", "م", "du", "ip"))
_MORNING = frozenset(("am", "a", "vorm", "오전", "上午", "午前", "πμ", "ص", "de", "fm"))


class WhatsApp:
    """Reads exported WhatsApp chats."""

    name = "whatsapp"
    types = frozenset(
        f"message.chat.{kind}.{way}" for kind in ("direct", "group") for way in ("sent", "received")
    )
    version = 1

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is an exported chat."""
        if len(tree.files) != 1 or tree.files[0].suffix not in {".txt", ""}:
            return 0.0
        head = tree.head(tree.files[0].path)
        if is_binary(head):
            return 0.0
        lines = [line for line in decode(head).splitlines()[:_DETECT_LINES] if line.strip()]
        begun = [match for line in lines if (match := _HEADER.match(line))]
        if not begun or not _HEADER.match(lines[0]):
            return 0.0
        spoken = any(_AUTHOR.match(match.string, match.end()) for match in begun)
        return 0.9 if spoken and len(begun) >= _TWO else 0.7 if spoken else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - the order of dates needs the whole file
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield the messages of each chat; lines of the system are none."""
        done = 0
        for file in tree.files:
            try:
                yield from _chat(tree, file, me)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = WhatsApp()


@dataclass(slots=True)
class _Line:
    """What stands under one date: a message, or a word of the system where nobody speaks."""

    offset: int
    date: tuple[int, int, int]
    clock: tuple[int, int, int]
    has_seconds: bool
    is_american: bool
    author: str
    text: str


@dataclass(slots=True)
class _Chat:
    """What is the same for all messages of a file."""

    name: str
    order: str
    is_group: bool
    agents: dict[str, Agent]
    me: frozenset[str]
    numbers: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def sent(self, author: Agent) -> bool:
        return normal(author.id) in self.me or normal(author.name) in self.me

    def others(self, author: str) -> tuple[Agent, ...]:
        found = [agent for name, agent in self.agents.items() if name != author]
        if not found and not self.is_group and normal(self.name) != normal(author):
            found = [_agent(self.name)]
        return tuple(found[:_MOST_RECIPIENTS])


def _chat(tree: Tree, file: File, me: frozenset[str]) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    if is_binary(data[:4096]):
        raise Unreadable("it is no text")
    text = clean(decode(data))
    lines = _lines(text)
    if not lines:
        raise Unreadable("there is no message in it")
    chat = _about(file, lines, me)
    for line in lines:
        if not line.author:
            continue
        locator = f"{file.path}#{line.offset}"
        at = _at(line, chat.order)
        if at is None:
            yield Bad(locator=locator, reason="there is no such date")
        else:
            yield _item(tree, file, chat, line, at)


def _lines(text: str) -> list[_Line]:
    """Cut a chat at its dates."""
    found = list(_HEADER.finditer(text))
    ends = [header.start() for header in found[1:]] + [len(text)]
    lines = [_line(text, header, end) for header, end in zip(found, ends, strict=False)]
    known = {line.author for line in lines if line.author}
    for line in lines:
        # `Name:text` without a space counts only for somebody who is known to speak.
        if not line.author and (tight := _TIGHT_AUTHOR.match(line.text)):
            name = tight.group(1).strip(_MARKS + " ")
            if name in known:
                line.author, line.text = name, line.text[tight.end() :].strip()
    return lines


def _line(text: str, header: "re.Match[str]", end: int) -> _Line:
    first, second, third, before, hour, minute, seconds, after = header.groups()
    half = re.sub(r"[^\w]", "", (before or after or "").lower())
    hours = int(hour)
    if half in _AFTERNOON and hours < 12:  # noqa: PLR2004 - noon
        hours += 12
    elif half in _MORNING and hours == 12:  # noqa: PLR2004
        hours = 0
    author, said = _spoken(text[header.end() : end].rstrip("\n"))
    return _Line(
        offset=header.start(),
        date=(int(first), int(second), int(third)),
        clock=(hours, int(minute), int(seconds or 0)),
        has_seconds=seconds is not None,
        is_american=half in {"am", "pm"} and "/" in header.group(),
        author=author,
        text=said,
    )


def _spoken(rest: str) -> tuple[str, str]:
    """Split what follows a date into who says what; nobody, where the system speaks."""
    found = _AUTHOR.match(rest)
    if found is None:
        return "", rest
    author = found.group(1).strip(_MARKS + " \u00a0\u202f").removeprefix("~").strip(" \u00a0\u202f")
    said = rest[found.end() :]
    # The system quotes the names of groups, which may hold a colon; people have no such names.
    if not author or any(mark in author for mark in '"“”„«»'):
        return "", rest
    if words.is_system(said):
        return "", said
    return author, said


def _about(file: File, lines: Sequence[_Line], me: frozenset[str]) -> _Chat:
    authors = list(dict.fromkeys(line.author for line in lines if line.author))
    # Of the countries that put the month first, most count to twelve and write slashes.
    prefer = "MDY" if any(line.is_american for line in lines) else "DMY"
    order = order_of([line.date for line in lines], prefer)
    agents = {author: _agent(author) for author in authors}
    is_group = len(authors) > _TWO or any(
        words.makes_group(line.text) for line in lines if not line.author
    )
    name = words.chat_name(file.path)
    if not name:
        strangers = [author for author in authors if normal(author) not in me]
        stem = file.name[: len(file.name) - len(file.suffix)]
        name = strangers[0] if len(strangers) == 1 and not is_group else clean(stem)
    return _Chat(name=name, order=order, is_group=is_group, agents=agents, me=me)


def _agent(name: str) -> Agent:
    digits = normal(name)
    if name.startswith("+") and digits.isdigit():
        return Agent(id=f"tel:+{digits}", name=name)
    return Agent(id=f"name:{name}", name=name)


def _at(line: _Line, order: str) -> datetime | None:
    day = in_order(order, line.date)
    hour, minute, second = line.clock
    if day is None or hour > 23 or minute > 59:  # noqa: PLR2004 - as clocks go
        return None
    return day + timedelta(hours=hour, minutes=minute, seconds=min(second, 59))


def _item(tree: Tree, file: File, chat: _Chat, line: _Line, at: datetime) -> Item:
    minute = at.strftime("%Y-%m-%dT%H:%M")
    key = (minute, line.author, line.text)
    chat.numbers[key] += 1
    identity = "\x1f".join((chat.name, *key, str(chat.numbers[key])))
    text, media = words.without_media(line.text)
    author = chat.agents[line.author]
    kind = "group" if chat.is_group else "direct"
    return Item(
        source=SOURCE.name,
        native_id=sha256(identity.encode()).hexdigest()[:32],
        type=f"message.chat.{kind}.{'sent' if chat.sent(author) else 'received'}",
        at=at,
        precision=Precision.SECOND if line.has_seconds else Precision.MINUTE,
        assumed=True,
        author=author,
        to=chat.others(line.author),
        conversation=chat.name,
        text=text,
        attachments=tuple(_media(tree, file, media)),
        locator=f"{file.path}#{line.offset}",
    )


def _media(tree: Tree, chat: File, names: Sequence[str]) -> Iterator[Attachment]:
    """Yield the files of a message that lie beside the chat."""
    for name in names:
        file = tree.find(name, chat.path)
        if file is not None and (found := attachment(tree, file)):
            yield found
