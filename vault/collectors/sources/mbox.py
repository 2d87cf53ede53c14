"""Mail: mbox of any size, and single messages (`.eml`, or whatever begins like one).

A fast parser reads each message and the standard library those that it refuses. A
conversation is the thread; who wrote a message is decided by its sender's address, since
anybody can write anybody's name.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from hashlib import sha256

from fast_mail_parser import ParseError, PyMail, parse_email

from vault.collectors.api import Record
from vault.collectors.readers.mail import html_text, own_words
from vault.collectors.readers.mailbox import Message, is_mailbox, messages
from vault.collectors.readers.slowmail import Parsed, Person, parse_slowly
from vault.collectors.readers.text import clean
from vault.collectors.readers.time import When, moment, zone_minutes
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Agent, Attachment, Bad, Item, Precision, Progress

__all__ = ["SOURCE", "Mbox"]

_SENT = "message.email.sent"
_RECEIVED = "message.email.received"
_LARGEST_MESSAGE = 64 << 20
_KEPT = 100_000
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_HEADERS = re.compile(
    rb"(?:From|To|Cc|Subject|Date|Message-ID|Received|MIME-Version|Return-Path|Delivered-To|"
    rb"Reply-To|In-Reply-To|Sender):",
    re.IGNORECASE,
)
_ANY_HEADER = re.compile(rb"[!-9;-~]{1,76}:[ \t\r\n]|[!-9;-~]{1,76}:$|[ \t]")
_LIKELY = 0.8
_HEADERS_LOOKED_AT = 60
_COMMON_DATE = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})"
)
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_ID = re.compile(r"<([^<>\s]{1,998})>")


class Mbox:
    """Reads mailboxes and single messages."""

    name = "mbox"
    types = frozenset({_SENT, _RECEIVED})
    version = 1

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a mailbox or a message."""
        if len(tree.files) != 1:
            return 0.0
        file = tree.files[0]
        head = tree.head(file.path)
        if is_mailbox(head):
            return 0.95
        sureness = _message_like(head)
        if file.suffix in {".eml", ".mbox", ".mbx"}:
            return max(sureness, 0.6)
        return sureness if sureness >= _LIKELY else 0.0

    def read(self, tree: Tree, cursor: bytes | None, me: frozenset[str]) -> Iterator[Record]:
        """Yield the messages; `cursor` is the offset of the first one to read, in digits."""
        reader = _Reader(me)
        done = 0
        for file in tree.files:
            try:
                for record in reader.file(tree, file, int(cursor or 0)):
                    yield record
                    if isinstance(record, Progress):
                        yield Progress(done=done + record.done, total=tree.size)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size


SOURCE = Mbox()


def _message_like(head: bytes) -> float:
    """Return how much the beginning of a file looks like the header of a message."""
    names = set()
    lines = head[:8192].removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n")
    for line in lines[:_HEADERS_LOOKED_AT]:
        if not line:
            break
        if not _ANY_HEADER.match(line):
            return 0.0
        if found := _HEADERS.match(line):
            names.add(found.group().lower())
    # One such line begins many a text; two different ones and nothing else is a message.
    return (0.0, 0.5)[len(names)] if len(names) < 2 else _LIKELY  # noqa: PLR2004


class _Reader:
    """What is remembered from message to message: who is who, and threads."""

    def __init__(self, me: frozenset[str]) -> None:
        addresses = frozenset(form for form in me if "@" in form)
        self._me = addresses or me
        self._by_name = not addresses
        self._agents: dict[Person, Agent] = {}
        self._mine: dict[str, bool] = {}
        self._roots: dict[str, str] = {}

    def file(self, tree: Tree, file: File, start: int) -> Iterator[Record]:
        head = tree.head(file.path)
        if not is_mailbox(head) and not start:
            yield from self._single(tree, file)
            return
        read = 0
        with tree.open(file.path) as stream:
            for message in messages(stream, offset=start):
                yield from self._record(tree, file, message)
                read += 1
                if not read % 64:
                    yield Progress(done=message.offset, total=file.size)
        if not read:
            reason = "there is no message in it"
            yield Bad(locator=file.path, reason=reason)

    def _single(self, tree: Tree, file: File) -> Iterator[Record]:
        with tree.open(file.path) as stream:
            raw = stream.read_all(_LARGEST_MESSAGE)
        yield from self._record(tree, file, Message(0, b"", raw, len(raw)))

    def _record(self, tree: Tree, file: File, message: Message) -> Iterator[Record]:
        locator = f"{file.path}#{message.offset}"
        reason = tree.enter(locator)
        if not reason and message.raw is None:
            reason = f"the message is larger than {_LARGEST_MESSAGE >> 20} MiB"
        if not reason:
            assert message.raw is not None
            try:
                yield self._item(message.raw, message.envelope, locator)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                reason = f"the message cannot be read ({type(error).__name__})"
            else:
                return
        yield Bad(locator=locator, reason=reason)

    def _item(self, raw: bytes, envelope: bytes, locator: str) -> Item:
        parsed = parse(raw)
        if parsed.is_empty:
            raise ValueError("no header and no text")
        text, own = _texts(parsed)
        headers = parsed.headers
        message_id = _first_id(headers.get("message-id", ""))
        native_id = message_id or "sha256:" + sha256(raw).hexdigest()
        reply_to = _first_id(headers.get("in-reply-to", ""))
        when = _when(headers.get("date", ""), envelope)
        author = self._agent(parsed.sender)
        return Item(
            source=SOURCE.name,
            native_id=native_id,
            type=_SENT if self._is_me(author) else _RECEIVED,
            at=when.at,
            offset=when.offset,
            precision=when.precision,
            assumed=when.assumed,
            author=author,
            to=tuple(agent for person in parsed.to if (agent := self._agent(person))),
            conversation=self._thread(native_id, reply_to, headers.get("references", "")),
            reply_to=reply_to,
            title=clean(parsed.subject),
            text=text,
            text_new=own,
            language=headers.get("content-language", "")[:35].strip(),
            attachments=tuple(_attachment(*facts) for facts in parsed.attachments),
            locator=locator,
        )

    def _agent(self, person: Person | None) -> Agent | None:
        if person is None:
            return None
        found = self._agents.get(person)
        if found is None:
            name, address = person
            address = clean(address).strip().lower()
            if not address and not name:
                return None
            shown = clean(name or "").replace("\n", " ").strip()
            identity = f"mailto:{address}" if address else f"name:{shown}"
            found = Agent(id=identity, name=shown)
            if len(self._agents) < _KEPT:
                self._agents[person] = found
        return found

    def _is_me(self, author: Agent | None) -> bool:
        if author is None:
            return False
        if self._by_name:
            return normal(author.id) in self._me or normal(author.name) in self._me
        known = self._mine.get(author.id)
        if known is None:
            known = normal(author.id) in self._me
            if len(self._mine) < _KEPT:
                self._mine[author.id] = known
        return known

    def _thread(self, native_id: str, reply_to: str, references: str) -> str:
        """Return the first message of the thread, as far as headers tell."""
        root = _first_id(references) or (self._roots.get(reply_to, reply_to))
        if not root:
            return native_id
        # Only replies are remembered: a mail that names no references leads to its root by these.
        if len(self._roots) >= _KEPT:
            self._roots.clear()
        self._roots[native_id] = root
        return root


def parse(raw: bytes) -> Parsed:
    """Parse a message, slowly where the fast way fails or had to guess."""
    try:
        mail = parse_email(raw)
    except ParseError:
        return parse_slowly(raw)
    if any(warning.kind == "charset-fallback" for warning in mail.warnings):
        return parse_slowly(raw)
    return _parsed(mail, raw)


def _parsed(mail: PyMail, raw: bytes) -> Parsed:
    sender = mail.from_
    return Parsed(
        headers=_wanted(raw, mail.date),
        subject=mail.subject,
        sender=(sender.display_name, sender.address) if sender else None,
        to=[(one.display_name, one.address) for one in (*mail.to, *mail.cc, *mail.bcc)],
        plain=mail.text_plain,
        html=mail.text_html,
        attachments=[(one.filename, one.mimetype, one.content) for one in mail.attachments],
    )


def _wanted(raw: bytes, date: str) -> dict[str, str]:
    """Return the headers that an item needs.

    Looked up in the bytes, because a mapping of all headers costs half as much again as
    parsing the message.
    """
    end = raw.find(b"\n\n")
    end = len(raw) if end < 0 else end
    crlf = raw.find(b"\n\r\n", 0, end)
    header = b"\n" + raw[: end if crlf < 0 else crlf]
    lower = header.lower()
    found = {"date": date}
    for name, label in _LOOKED_UP:
        start = lower.find(label)
        if start >= 0:
            found[name] = _unfolded(header, start + len(label))
    return found


_LOOKED_UP = tuple(
    (name, f"\n{name}:".encode())
    for name in ("message-id", "in-reply-to", "references", "content-language")
)


def _unfolded(header: bytes, start: int) -> str:
    """Return the value of a header that may go on over several lines."""
    end = header.find(b"\n", start)
    while 0 <= end < len(header) - 1 and header[end + 1] in b" \t":
        end = header.find(b"\n", end + 1)
    value = header[start : end if end >= 0 else len(header)]
    return value.decode("utf-8", "replace").strip()


def _texts(parsed: Parsed) -> tuple[str, str | None]:
    """Return the text of a message and what of it is its author's."""
    plain = parsed.plain[0] if len(parsed.plain) == 1 else "\n\n".join(parsed.plain)
    if plain and not plain.isspace():
        text = clean(plain).strip("\n")
        return text, own_words(text)
    if not parsed.html:
        return "", None
    whole, unquoted = html_text("\n".join(parsed.html))
    text = clean(whole)
    own = clean(unquoted) if unquoted is not None else text
    stripped = own_words(own)
    own = own if stripped is None else stripped
    return text, None if own == text else own


def _attachment(name: str, media_type: str, content: bytes) -> Attachment:
    return Attachment(
        name=clean(name).replace("\n", " "),
        media_type=media_type,
        size=len(content),
        sha256=sha256(content).hexdigest(),
    )


def _first_id(header: str) -> str:
    found = _ID.search(header)
    if found:
        return clean(found.group(1))
    words = header.split(None, 1)
    return clean(words[0].strip("<>"))[:998] if words else ""


def _when(date: str, envelope: bytes) -> When:
    """Return the time of the header, else that of the envelope, which is assumed to be UTC."""
    for text, assumed in ((date, False), (_dated_part(envelope), True)):
        parsed = _date(text)
        if parsed is not None:
            at, offset = parsed
            return When(at=at, offset=offset, assumed=assumed or offset is None)
    return When(assumed=True, precision=Precision.SECOND)


def _dated_part(envelope: bytes) -> str:
    return envelope.decode("ascii", "replace").partition(" ")[2].partition(" ")[2]


def _date(text: str) -> tuple[datetime, int | None] | None:
    """Return the time in UTC and its offset, of the common form at a tenth of the cost."""
    if found := _COMMON_DATE.match(text):
        day, month, year, hour, minute, second, zone = found.groups()
        number = _MONTHS.get(month)
        at = number and moment(int(year), number, int(day), int(hour), int(minute), int(second))
        if at:
            offset = zone_minutes(zone)
            return at - timedelta(minutes=offset), None if zone == "-0000" else offset
    try:
        fields = parsedate_tz(text) if text else None
    except (ValueError, IndexError, TypeError, OverflowError):
        fields = None
    if fields is None or not _FIRST_YEAR <= fields[0] <= _LAST_YEAR:
        return None
    at = moment(*fields[:6])
    zone = fields[9]
    if at is None:
        return None
    # `-0000` says that the zone is not known; the standard library then gives none.
    if zone is None:
        return at, None
    minutes = zone // 60
    if abs(minutes) > 24 * 60:
        return None
    return (at - timedelta(minutes=minutes)).astimezone(UTC), minutes
