"""Mail: mbox of any size, single messages, maildir, and what Apple Mail keeps (`.emlx`).

A fast parser reads each message and the standard library those that it refuses. What Gmail
says of its mail is kept: labels as tags, its threads as conversations, its chats as chats.
"""

import re
from collections.abc import Iterator
from hashlib import sha256

from msgspec import structs

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.attached import blocks
from vault.collectors.readers.mail import folder, gmail
from vault.collectors.readers.mail.dates import envelope_date, received_date, when
from vault.collectors.readers.mail.item import EMAIL, Letters, first_id
from vault.collectors.readers.mail.mailbox import Message, is_mailbox, messages
from vault.collectors.readers.mail.parse import parse
from vault.collectors.readers.mail.slowly import Parsed
from vault.collectors.readers.mail.threads import Cursor, Threads
from vault.collectors.readers.text import clean
from vault.collectors.readers.time import When
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Bad, Progress, Reached

__all__ = ["SOURCE", "Mbox"]

_CHAT = "message.chat.direct"
_LARGEST_MESSAGE = 64 << 20
_HEADERS = re.compile(
    rb"(?:From|To|Cc|Subject|Date|Message-ID|Received|MIME-Version|Return-Path|Delivered-To|"
    rb"Reply-To|In-Reply-To|Sender):",
    re.IGNORECASE,
)
_ANY_HEADER = re.compile(rb"[!-9;-~]{1,76}:[ \t\r\n]|[!-9;-~]{1,76}:$|[ \t]")
_LIKELY = 0.8
_HEADERS_LOOKED_AT = 60
_GMAIL_ENVELOPE = re.compile(rb"From (\d{15,20})@")
_CHAT_LABELS = frozenset({"chat", "chats"})


class Mbox:
    """Reads mailboxes and single messages."""

    name = "mbox"
    types = frozenset(f"{kind}.{way}" for kind in (EMAIL, _CHAT) for way in ("sent", "received"))
    version = 2
    about = About(
        title="Mail",
        formats=(
            ("mbox (Thunderbird, Apple Mail, mutt and others)", Evidence.DOCUMENTED),
            ("Gmail through Google Takeout, with labels, threads and chats", Evidence.DOCUMENTED),
            ("single messages (.eml)", Evidence.DOCUMENTED),
            ("maildir", Evidence.DOCUMENTED),
            ("Apple Mail (.emlx, .partial.emlx)", Evidence.DOCUMENTED),
        ),
        paths=(
            "Takeout/Mail/All mail Including Spam and Trash.mbox",
            "Archive.mbox/mbox",
            "message.eml",
            "Maildir/cur/1700000000.M1P1.host:2,S",
            "Library/Mail/V10/…/Messages/1.emlx",
        ),
        how="Gmail: takeout.google.com, choose Mail. Apple Mail: Mailbox > Export Mailbox. "
        "Thunderbird: its profile's folder Mail, or save messages as .eml.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a mailbox or a message."""
        if len(tree.files) != 1:
            return 0.0
        file = tree.files[0]
        head = tree.head(file.path)
        if is_mailbox(head) or _kept_alone(file, head):
            return 0.95
        sureness = _message_like(head)
        if file.suffix in {".eml", ".emlx", ".mbox", ".mbx"}:
            return max(sureness, 0.6)
        return sureness if sureness >= _LIKELY else 0.0

    def read(self, tree: Tree, cursor: bytes | None, me: frozenset[str]) -> Iterator[Record]:
        """Yield the messages; `cursor` is what a `Reached` of the same file said."""
        start = Cursor.decode(cursor if len(tree.files) == 1 else None)
        reader = _Reader(tree, me, Threads(start.threads))
        done = 0
        for file in tree.files:
            try:
                for record in reader.file(file, start.offset):
                    yield record
                    if isinstance(record, Progress):
                        yield Progress(done=done + record.done, total=tree.size)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size


SOURCE = Mbox()


def _kept_alone(file: File, head: bytes) -> bool:
    """Whether a file is a message as Apple Mail or a maildir keeps it."""
    if file.suffix == ".emlx":
        return folder.is_apple(head)
    return folder.is_maildir(file.path) and _ANY_HEADER.match(head) is not None


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
    """Reads the files of a part; threads go on from one to the next."""

    def __init__(self, tree: Tree, me: frozenset[str], threads: Threads) -> None:
        self._tree = tree
        self._letters = Letters(SOURCE.name, me, threads)

    def file(self, file: File, start: int) -> Iterator[Record]:
        head = self._tree.head(file.path)
        if start or is_mailbox(head):
            yield from self._mailbox(file, start)
            return
        locator = f"{file.path}#0"
        if file.suffix == ".emlx":
            yield from self._guarded(locator, self._apple(file, locator))
        elif folder.is_maildir(file.path):
            yield from self._guarded(locator, self._delivered(file, locator))
        else:
            yield from self._guarded(locator, self._single(file, locator, ()))

    def _mailbox(self, file: File, start: int) -> Iterator[Record]:
        read = 0
        last = start
        with self._tree.open(file.path) as stream:
            for message in messages(stream, offset=start):
                last = message.offset
                locator = f"{file.path}#{last}"
                yield from self._guarded(locator, self._message(message, locator))
                read += 1
                if not read % 64:
                    yield Progress(done=last, total=file.size)
        if not read:
            reason = "there is no message in it"
            yield Bad(locator=file.path, reason=reason)
        cursor = Cursor(last, self._letters.threads.known)
        yield Reached(file=file.path, cursor=cursor.encode())

    def _guarded(self, locator: str, records: Iterator[Record]) -> Iterator[Record]:
        """Yield the records of one message, or why it cannot be read."""
        self._letters.threads.advance()
        reason = self._tree.enter(locator)
        if not reason:
            try:
                yield from records
            except Unreadable as error:
                reason = str(error)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                reason = f"the message cannot be read ({type(error).__name__})"
        if reason:
            yield Bad(locator=locator, reason=reason)

    def _message(self, message: Message, locator: str) -> Iterator[Record]:
        """Yield what is in one message of a mailbox."""
        raw, envelope = message.raw, message.envelope
        if raw is None:
            raise Unreadable(f"the message is larger than {_LARGEST_MESSAGE >> 20} MiB")
        parsed = parse(raw)
        headers = parsed.headers
        native_id = first_id(headers.get("message-id", "")) or _unnamed(raw, envelope)
        told = when(headers.get("date", ""), lambda: (received_date(raw), envelope_date(envelope)))
        listed = headers.get("x-gmail-labels", "")
        tags = gmail.labels(listed) if listed else ()
        if tags and not _CHAT_LABELS.isdisjoint(tag.lower() for tag in tags):
            yield from self._chat(parsed, native_id, told, tags, locator)
        else:
            yield from self._item(parsed, native_id, told, tags, locator)

    def _single(self, file: File, locator: str, tags: tuple[str, ...]) -> Iterator[Record]:
        with self._tree.open(file.path) as stream:
            raw = stream.read_all(_LARGEST_MESSAGE)
        parsed = parse(raw)
        told = when(parsed.headers.get("date", ""), lambda: (received_date(raw),))
        native_id = first_id(parsed.headers.get("message-id", "")) or _unnamed(raw, b"")
        yield from self._item(parsed, native_id, told, tags, locator)

    def _delivered(self, file: File, locator: str) -> Iterator[Record]:
        """Yield a message of a maildir."""
        if folder.is_unfinished(file.path):
            raise Unreadable("its delivery was never finished (it lies in `tmp`)")
        yield from self._single(file, locator, folder.maildir_tags(file.path))

    def _apple(self, file: File, locator: str) -> Iterator[Record]:
        """Yield a message of Apple Mail, with the attachments that lie beside it."""
        with self._tree.open(file.path) as stream:
            apple = folder.apple(stream.read_all(_LARGEST_MESSAGE), file.path)
        parsed = parse(apple.raw)
        parsed.attachments = list(self._beside(file, parsed))
        told = when(parsed.headers.get("date", ""), lambda: (received_date(apple.raw),))
        if told.at is None:
            told = When(at=apple.received, assumed=True)
        native_id = first_id(parsed.headers.get("message-id", "")) or _unnamed(apple.raw, b"")
        yield from self._item(parsed, native_id, told, apple.tags, locator)

    def _beside(self, file: File, parsed: Parsed) -> Iterator[tuple[str, str, bytes]]:
        """Yield the attachments, of those that were taken out what lies beside the message."""
        for name, kind, content in parsed.attachments:
            if content.strip():
                yield name, kind, content
            elif found := folder.apple_attached(self._tree, file, name):
                with self._tree.open(found.path) as stream:
                    yield name, kind, stream.read_all(_LARGEST_MESSAGE)

    def _item(
        self, parsed: Parsed, native_id: str, told: When, tags: tuple[str, ...], locator: str
    ) -> Iterator[Record]:
        item = self._letters.item(
            parsed,
            native_id=native_id,
            when=told,
            tags=tags,
            thread=_thread(parsed),
            locator=locator,
        )
        yield item
        for (_, _, content), attached in zip(parsed.attachments, item.attachments, strict=False):
            yield from blocks(content, attached.sha256)

    def _chat(
        self, parsed: Parsed, native_id: str, told: When, tags: tuple[str, ...], locator: str
    ) -> Iterator[Record]:
        """Yield the lines of a chat that Gmail keeps as a mail: one each, or all in one."""
        item = self._letters.item(
            parsed,
            native_id=native_id,
            when=told,
            tags=tags,
            thread=_thread(parsed),
            kind=_CHAT,
            locator=locator,
        )
        said = gmail.conversation(parsed)
        if not said:
            yield item
        for number, line in enumerate(said):
            author = self._letters.agent((None, line.person))
            to = self._letters.agent((None, line.to))
            sent = author is not None and self._letters.is_me(author)
            yield structs.replace(
                item,
                native_id=f"{native_id}/{number}",
                type=f"{_CHAT}.{'sent' if sent else 'received'}",
                at=line.at or item.at,
                assumed=line.at is None,
                author=author,
                to=(to,) if to else (),
                text=clean(line.text),
                text_new=None,
                attachments=(),
            )


def _thread(parsed: Parsed) -> str:
    number = parsed.headers.get("x-gm-thrid", "")
    return f"gmail:{number}" if number else ""


def _unnamed(raw: bytes, envelope: bytes) -> str:
    """Return the id of a message that has none: Gmail's number of it, else its content."""
    found = _GMAIL_ENVELOPE.match(envelope)
    return f"gmail:{found.group(1).decode()}" if found else "sha256:" + sha256(raw).hexdigest()
