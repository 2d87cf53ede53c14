"""WhatsApp: the text that "Export chat" writes, alone or in its zip with media.

There are no ids and no time zone, dates stand in the order of the phone's language, and
media and system lines in its words. Two passes: the order of dates and who speaks are
inferred from the whole file, then the messages are read. The clock is taken for UTC and
marked as assumed, so that the same file always reads the same.
"""

import re
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers import whatsapp_words as words
from vault.collectors.readers.beside import contents, files_beside, folder_of
from vault.collectors.readers.chat import TYPES, is_owner, type_of
from vault.collectors.readers.text import clean, decode, is_binary
from vault.collectors.readers.time import in_order, order_of
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Agent, Bad, Item, Precision, Progress

__all__ = ["SOURCE", "WhatsApp"]

_LARGEST = 64 << 20
_BLOCK = 1 << 20
_MOST_RECIPIENTS = 64
_DETECT_LINES = 40
_TWO = 2
_REMEMBERED = 2048
_PROGRESS_EVERY = 4096

_HEADER = re.compile(
    r"^[\u200e\u200f\u202a-\u202e\ufeff]*\[?"
    r"(\d{1,4}[ ]?[./-][ ]?\d{1,2}[ ]?[./-][ ]?\d{1,4})\.?,?[ \u00a0\u202f]+"
    r"(?:at |um |à |a las |alle |às |om |kl\. |saat )?"
    r"("
    r"(?:[^\W\d_]{2}[ ]?)?"  # 오전, 上午: before the clock
    r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?"
    r"(?:[ \u00a0\u202f]*(?:[^\W\d_]\.?[ \u00a0\u202f]?[^\W\d_]\.?|[^\W\d_]|vorm\.|nachm\.))?"
    r")"
    r"(?:\]|[ \u00a0\u202f]*[-\u2013\u2014])[ \u00a0]?"
    r"(?:([^\n]{1,120}?):(?:[ \u00a0]|(?=\n|\Z)))?",
    re.MULTILINE,
)
_NUMBERS = re.compile(r"\d+")
_TIGHT_AUTHOR = re.compile(r"([^\n:]{1,120}):(?=\S)")
_MARKS = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2068\u2069\ufeff"
_AFTERNOON = frozenset(("pm", "p", "nachm", "오후", "下午", "午後", "μμ", "م", "du", "ip"))
_MORNING = frozenset(("am", "a", "vorm", "오전", "上午", "午前", "πμ", "ص", "de", "fm"))


class WhatsApp:
    """Reads exported WhatsApp chats."""

    name = "whatsapp"
    types = TYPES
    version = 2
    about = About(
        title="WhatsApp",
        formats=(
            ("chat exported by an Android phone (.txt)", Evidence.DOCUMENTED),
            ("chat exported by an iPhone (zip with _chat.txt)", Evidence.DOCUMENTED),
        ),
        paths=("WhatsApp Chat with Ada.txt", "WhatsApp Chat - Ada.zip", "_chat.txt"),
        how="In a chat: More > Export chat, once for each chat.",
    )

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
        spoken = any(match.group(3) for match in begun)
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
                yield from _chat(tree, file, me, done)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = WhatsApp()


class _Line(Struct):
    """What stands under one date; the author as it is written, empty where there is none."""

    offset: int
    date: str
    clock: str
    author: str
    text: str


@dataclass(slots=True)
class _Clock:
    """A time of day; None since midnight where no clock shows it."""

    since_midnight: timedelta | None
    minute: str
    precision: Precision
    half: str


@dataclass(slots=True)
class _Speaker:
    """What is the same for all messages of one author."""

    name: str
    agent: Agent
    to: tuple[Agent, ...]
    type: str


def _chat(tree: Tree, file: File, me: frozenset[str], done: int) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    if is_binary(data[:4096]):
        raise Unreadable("it is no text")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = decode(data).encode("utf-8", "replace")
    chat = _about(file, data, me)
    for number, line in enumerate(_lines(data)):
        if number % _PROGRESS_EVERY == 0:
            yield Progress(done=done + min(line.offset, file.size), total=tree.size)
        said = line.text.rstrip("\n")
        speaker = chat.written.get(line.author)
        if speaker is None:
            speaker, said = chat.tight_speaker(said)
        if speaker is None or words.is_system(said):
            continue
        at, minute, precision = chat.when(line.date, line.clock)
        if at is None:
            yield Bad(locator=f"{file.path}#{line.offset}", reason="there is no such date")
            continue
        text, names = words.without_media(said)
        media = files_beside(tree, file.path, names, folder_of(file.path)) if names else []
        message = f"{minute}\x1f{speaker.name}\x1f{said}"
        identity = f"{chat.name}\x1f{message}\x1f{chat.number(message)}"
        yield Item(
            source="whatsapp",
            native_id=sha256(identity.encode()).hexdigest()[:32],
            type=speaker.type,
            at=at,
            precision=precision,
            assumed=True,
            author=speaker.agent,
            to=speaker.to,
            conversation=chat.name,
            text=text,
            attachments=tuple([shown for _, shown in media]) if media else (),
            locator=f"{file.path}#{line.offset}",
        )
        if media:
            yield from contents(tree, media)


def _lines(data: bytes, known: Container[str] = ()) -> Iterator[_Line]:
    """Cut a chat at its dates, a block at a time: the text of all would be four times as large.

    Of authors who are known only the first line of a date is yielded.
    """
    offset, place = 0, -1
    date = clock = author = begun = told = ""
    for text in _blocks(data):
        end = 0
        for header in _HEADER.finditer(text):
            start = header.start()
            if place >= 0 and (date != told or author not in known):
                told = date
                yield _Line(place, date, clock, author, begun + text[end:start])
            begun = ""
            date, clock, author = header.groups("")
            place = offset + start
            end = header.end()
        begun += text[end:]
        offset += len(text)
    if place >= 0:
        yield _Line(place, date, clock, author, begun)


def _blocks(data: bytes) -> Iterator[str]:
    """Yield the text in blocks of whole lines."""
    begin = 0
    while begin < len(data):
        end = data.find(b"\n", begin + _BLOCK) + 1 or len(data)
        yield clean(decode(data[begin:end]))
        begin = end


def _author(stated: str) -> str:
    """Return a name without marks; nothing where it can be nobody's.

    The system quotes the names of groups, which may hold a colon; people have no such names.
    """
    author = stated.strip(_MARKS + " \u00a0\u202f").removeprefix("~").strip(" \u00a0\u202f")
    return "" if any(mark in author for mark in '"“”„«»') else author


def _numbers(date: str) -> tuple[int, int, int]:
    first, second, third = _NUMBERS.findall(date)
    return int(first), int(second), int(third)


def _clock(text: str) -> _Clock:
    """Return the time of a day of 24 hours, whether the clock counts to twelve or not."""
    hours, minutes, *rest = map(int, _NUMBERS.findall(text))
    half = re.sub(r"[\W\d]", "", text.lower())
    if half in _AFTERNOON and hours < 12:  # noqa: PLR2004 - noon
        hours += 12
    elif half in _MORNING and hours == 12:  # noqa: PLR2004
        hours = 0
    shown = hours < 24 and minutes < 60  # noqa: PLR2004 - as clocks go
    seconds = min(rest[0], 59) if rest else 0
    return _Clock(
        since_midnight=timedelta(hours=hours, minutes=minutes, seconds=seconds) if shown else None,
        minute=f"T{hours:02}:{minutes:02}",
        precision=Precision.SECOND if rest else Precision.MINUTE,
        half=half,
    )


class _Chat:
    """What is the same for all messages of a file; `written` has authors as they are written."""

    def __init__(self, name: str, order: str, written: dict[str, _Speaker]) -> None:
        self.name = name
        self._order = order
        self.written = written
        self._days: dict[str, tuple[datetime | None, str]] = {}
        self._clocks: dict[str, _Clock] = {}
        self._counts: tuple[dict[str, int], dict[str, int]] = ({}, {})

    def tight_speaker(self, said: str) -> tuple[_Speaker | None, str]:
        """Take `Name:text` without a space only from somebody who is known to speak."""
        found = _TIGHT_AUTHOR.match(said)
        speaker = self.written.get(found.group(1)) if found else None
        return speaker, said[found.end() :].strip() if found else ""

    def when(self, date: str, clock: str) -> tuple[datetime | None, str, Precision]:
        """Return a time, None where there is no such, with its minute as text."""
        found = self._days.get(date)
        if found is None:
            day = in_order(self._order, _numbers(date))
            found = self._days[date] = (day, day.date().isoformat() if day else "")
        time = self._clocks.get(clock)
        if time is None:
            time = self._clocks[clock] = _clock(clock)
        day, text = found
        at = day + time.since_midnight if day and time.since_midnight is not None else None
        return at, text + time.minute, time.precision

    def number(self, message: str) -> int:
        """Count how often a minute has the same words of the same author, from 1.

        Only the last messages are remembered, longer than the hour that clocks are put back.
        """
        young, old = self._counts
        count = (young.get(message) or old.get(message, 0)) + 1
        young[message] = count
        if len(young) > _REMEMBERED:
            self._counts = ({}, young)
        return count


@dataclass(slots=True)
class _Survey:
    """What the first pass sees; `written` leads from authors as they are written to their names."""

    dates: list[tuple[int, int, int]] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    is_american: bool = False
    is_group: bool = False


def _about(file: File, data: bytes, me: frozenset[str]) -> _Chat:
    survey = _surveyed(data)
    if not survey.dates:
        raise Unreadable("there is no message in it")
    authors = list(dict.fromkeys(survey.written.values()))
    is_group = survey.is_group or len(authors) > _TWO
    # Of the countries that put the month first, most count to twelve and write slashes.
    order = order_of(survey.dates, "MDY" if survey.is_american else "DMY")
    name = words.chat_name(file.path)
    if not name:
        strangers = [author for author in authors if normal(author) not in me]
        stem = file.name[: len(file.name) - len(file.suffix)]
        name = strangers[0] if len(strangers) == 1 and not is_group else clean(stem)
    speakers = _speakers(authors, name, me, is_group=is_group)
    return _Chat(name, order, {one: speakers[name] for one, name in survey.written.items()})


def _surveyed(data: bytes) -> _Survey:
    survey = _Survey()
    last = ""
    known = survey.written
    for line in _lines(data, known):
        if line.date != last:
            last = line.date
            survey.dates.append(_numbers(last))
            if "/" in last and not survey.is_american:
                survey.is_american = _clock(line.clock).half in {"am", "pm"}
        if line.author in known:
            continue
        author = _author(line.author)
        if author and not words.is_system(line.text):
            known[line.author] = author
        elif not survey.is_group:
            survey.is_group = words.makes_group(f"{line.author}: {line.text}")
    return survey


def _speakers(
    authors: Sequence[str], chat: str, me: frozenset[str], *, is_group: bool
) -> dict[str, _Speaker]:
    agents = {author: _agent(author) for author in authors}
    speakers = {}
    for author, agent in agents.items():
        first = list(agents.values())[: _MOST_RECIPIENTS + 1]
        to = tuple(other for other in first if other is not agent)[:_MOST_RECIPIENTS]
        if not to and not is_group and normal(chat) != normal(author):
            to = (_agent(chat),)
        is_sent = is_owner(me, agent.id, agent.name)
        speakers[author] = _Speaker(
            author, agent, to, type_of(is_direct=not is_group, is_sent=is_sent)
        )
    return speakers


def _agent(name: str) -> Agent:
    digits = normal(name)
    if name.startswith("+") and digits.isdigit():
        return Agent(id=f"tel:+{digits}", name=name)
    return Agent(id=f"name:{name}", name=name)
