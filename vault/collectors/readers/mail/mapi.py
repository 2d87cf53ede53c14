"""A message as Outlook keeps it: properties with numbers for names (MS-OXPROPS, MS-OXCMSG).

`.msg` and `.pst` hold the same properties in different files; here they become a parsed
message like any other.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from vault.collectors.readers.mail.dates import when
from vault.collectors.readers.mail.rtf import decompress, unwrapped
from vault.collectors.readers.mail.slowly import Parsed, Person, parse_slowly
from vault.collectors.readers.text import clean, decode
from vault.collectors.readers.time import When
from vault.items import Attachment

if TYPE_CHECKING:
    from email.headerregistry import Address

__all__ = [
    "WANTED",
    "Enclosed",
    "Letter",
    "Properties",
    "is_draft",
    "is_mail",
    "native_id",
    "parsed",
    "sent_at",
    "thread",
]

_CLASS, _SUBJECT, _SUBMITTED, _INDEX = 0x001A, 0x0037, 0x0039, 0x0071
_TRANSPORT, _DELIVERED, _FLAGS, _CREATED = 0x007D, 0x0E06, 0x0E07, 0x3007
_BODY, _RTF, _HTML = 0x1000, 0x1009, 0x1013
_MESSAGE_ID, _REFERENCES, _IN_REPLY_TO, _SEARCH_KEY = 0x1035, 0x1039, 0x1042, 0x300B
_NAME, _ADDRESS, _SMTP, _RECIPIENT = 0x3001, 0x3003, 0x39FE, 0x0C15
_HTML_PAGE, _PAGE = 0x3FDE, 0x3FFD
_FILE, _LONG_FILE, _MIME = 0x3704, 0x3707, 0x370E
# (name, address, which may be one of an office, address of the internet): on whose behalf,
# then by whom.
_SENDERS = ((0x0042, 0x0065, 0x5D02), (0x0C1A, 0x0C1F, 0x5D01))

WANTED = frozenset(
    (
        *(_CLASS, _SUBJECT, _SUBMITTED, _INDEX, _TRANSPORT, _DELIVERED, _FLAGS, _CREATED),
        *(_BODY, _RTF, _HTML, _MESSAGE_ID, _REFERENCES, _IN_REPLY_TO, _SEARCH_KEY, _NAME),
        *(_ADDRESS, _SMTP, _RECIPIENT, _HTML_PAGE, _PAGE, _FILE, _LONG_FILE, _MIME),
        *(0x3705, 0x67FF, *(tag for sender in _SENDERS for tag in sender)),
    )
)
"""The properties that are read of an object; what else it has is left where it is."""

_STRING, _UNICODE = 0x001E, 0x001F
_UNSENT = 0x8
_ROOT_OF_INDEX = 22  # bytes that all messages of a thread begin with
_CODEPAGES = {
    65001: "utf-8",
    65000: "utf-7",
    20127: "ascii",
    1200: "utf-16-le",
    20866: "koi8-r",
    21866: "koi8-u",
    50220: "iso-2022-jp",
    50221: "iso-2022-jp",
    51932: "euc-jp",
    936: "gbk",
    51936: "gbk",
    54936: "gb18030",
    51949: "euc-kr",
    **{28590 + part: f"iso-8859-{part}" for part in range(1, 16)},
}
_FIRST_DAY = datetime(1601, 1, 1, tzinfo=UTC)
_LATEST = 155_000_000_000_000_000  # the year 2092, in the tenths of microseconds since 1601
_INTERNET = re.compile(r"[^\s@<>]+@[^\s@<>]+")
_MAIL = re.compile(
    r"(?:IPM\.(?:Note|Schedule\.Meeting|Recall|Outlook\.Recall)|REPORT)\b", re.IGNORECASE
)


class Properties:
    """The properties of one object: type and bytes under each number."""

    def __init__(self, values: dict[int, tuple[int, bytes]]) -> None:
        self._values = values
        number = self.number(_PAGE) or self.number(_HTML_PAGE)
        self._charset = _CODEPAGES.get(number, f"cp{number or 1252}")

    def data(self, tag: int) -> bytes:
        """Return the bytes of a property, none where it is not there."""
        return self._values.get(tag, (0, b""))[1]

    def text(self, tag: int) -> str:
        """Return a property that is a text."""
        kind, data = self._values.get(tag, (0, b""))
        if kind == _UNICODE:
            return data.decode("utf-16-le", "replace").rstrip("\0")
        return decode(data.rstrip(b"\0"), self._charset) if kind == _STRING else ""

    def number(self, tag: int) -> int:
        """Return a property that is a number, 0 where it is not there."""
        data = self.data(tag)
        return struct.unpack_from("<I", data)[0] if len(data) >= 4 else 0  # noqa: PLR2004

    def time(self, tag: int) -> datetime | None:
        """Return a property that is a time."""
        data = self.data(tag)
        ticks = struct.unpack_from("<Q", data)[0] if len(data) >= 8 else 0  # noqa: PLR2004
        if not 0 < ticks < _LATEST:
            return None
        return (_FIRST_DAY + timedelta(microseconds=ticks // 10)).replace(microsecond=0)

    def html(self) -> str:
        """Return the body in HTML, which is text or bytes in its own character set."""
        kind, data = self._values.get(_HTML, (0, b""))
        if kind in {_UNICODE, _STRING}:
            return self.text(_HTML)
        number = self.number(_HTML_PAGE)
        return decode(data, _CODEPAGES.get(number, f"cp{number}")) if data else ""


@dataclass(slots=True, kw_only=True)
class Letter:
    """A message: its properties, to whom it went, and what came with it."""

    properties: Properties
    recipients: Sequence[Properties] = ()
    enclosed: "Sequence[Enclosed]" = ()


@dataclass(slots=True, kw_only=True)
class Enclosed:
    """What came with a message: bytes, another message, or what is too large to be held."""

    properties: Properties
    data: bytes = b""
    letter: Letter | None = None
    described: Attachment | None = field(default=None)

    @property
    def name(self) -> str:
        """Its name, as its sender called it."""
        facts = self.properties
        return facts.text(_LONG_FILE) or facts.text(_FILE) or facts.text(_NAME)

    @property
    def media_type(self) -> str:
        """What it is, as far as its sender's program said it."""
        return self.properties.text(_MIME).lower() or "application/octet-stream"


def is_mail(properties: Properties) -> bool:
    """Whether an object is a mail, and no appointment, contact or task."""
    kind = properties.text(_CLASS)
    return not kind or _MAIL.match(kind) is not None


def parsed(letter: Letter) -> Parsed:
    """Return a message as the readers of mail know it."""
    facts = letter.properties
    transport = facts.text(_TRANSPORT)
    # `Microsoft Mail Internet Headers …` stands before those that some versions keep.
    start = re.search(r"^[!-9;-~]+:", transport, re.MULTILINE)
    told = transport[start.start() :] if start else ""
    found = parse_slowly(told.encode("utf-8", "replace")) if told else Parsed(headers={})
    headers = found.headers
    for name, tag in (
        ("message-id", _MESSAGE_ID),
        ("references", _REFERENCES),
        ("in-reply-to", _IN_REPLY_TO),
    ):
        headers[name] = headers.get(name) or facts.text(tag)
    subject = facts.text(_SUBJECT)
    # In a `.pst`, two letters before the subject say how long its `Re:` is.
    found.subject = (subject[2:] if subject.startswith("\x01") else subject) or found.subject
    found.sender = _sender(facts) if found.sender is None else found.sender
    found.to = _recipients(letter.recipients) or found.to
    found.plain, found.html = _bodies(facts)
    found.attachments = [_attached(one) for one in letter.enclosed if not one.described]
    found.described = [one.described for one in letter.enclosed if one.described]
    return found


def _person(facts: Properties, tags: tuple[int, int, int]) -> Person:
    """Return name and address, if that is one of the internet and not of an office."""
    name, address, smtp = (facts.text(tag).strip() for tag in tags)
    if not smtp and _INTERNET.fullmatch(address or name):
        smtp = address or name
    return name if name != smtp else None, smtp


def _sender(facts: Properties) -> Person | None:
    people = (_person(facts, tags) for tags in _SENDERS)
    return next(((name, address) for name, address in people if name or address), None)


def _recipients(recipients: Sequence[Properties]) -> list[Person]:
    """Return who got it: `To` before `Cc` before `Bcc`."""
    people = (
        _person(one, (_NAME, _ADDRESS, _SMTP))
        for one in sorted(recipients, key=lambda one: one.number(_RECIPIENT) & 3)
    )
    return [(name, address) for name, address in people if name or address]


def _bodies(facts: Properties) -> tuple[list[str], list[str]]:
    """Return the plain text and the HTML, from RTF where there is neither."""
    plain, html = facts.text(_BODY), facts.html()
    packed = facts.data(_RTF)
    if not plain.strip() and not html and packed:
        text, is_html = unwrapped(decompress(packed))
        plain, html = ("", text) if is_html else (text, "")
    return [plain] if plain.strip() else [], [html] if html else []


def sent_at(letter: Letter, told: Parsed) -> When:
    """Return when a message was sent: its header knows the zone, its properties are UTC."""
    stated = when(told.headers.get("date", ""), tuple)
    if stated.at is not None:
        return stated
    facts = letter.properties
    if at := facts.time(_SUBMITTED) or facts.time(_DELIVERED):
        return When(at=at)
    return When(at=facts.time(_CREATED), assumed=True)


def native_id(letter: Letter, told: Parsed) -> str:
    """Return the id of a message that has no `Message-ID`: it was never sent, or never left home."""
    if key := letter.properties.data(_SEARCH_KEY):
        return f"mapi:{key.hex()}"
    said = "\x1f".join((told.subject, *told.plain, *told.html, *map(str, told.sender or ())))
    return "sha256:" + sha256(said.encode("utf-8", "replace")).hexdigest()


def is_draft(letter: Letter) -> bool:
    """Whether a message was never sent."""
    return bool(letter.properties.number(_FLAGS) & _UNSENT)


def thread(letter: Letter) -> str:
    """Return what all messages of a conversation have in common, for a reply only."""
    index = letter.properties.data(_INDEX)
    return f"outlook:{index[:_ROOT_OF_INDEX].hex()}" if len(index) > _ROOT_OF_INDEX else ""


def _attached(one: Enclosed) -> tuple[str, str, bytes]:
    """Return name, type and bytes; a message within a message is written as mail."""
    if one.letter is None:
        return one.name, one.media_type, one.data
    inner = parsed(one.letter)
    return one.name or inner.subject, "message/rfc822", _as_mail(inner, one.letter)


def _as_mail(told: Parsed, letter: Letter) -> bytes:
    """Write a message as mail, always the same bytes for the same message."""
    from email.message import EmailMessage  # noqa: PLC0415 - slow to load, and seldom needed
    from email.utils import format_datetime  # noqa: PLC0415

    mail = EmailMessage()
    if told.sender:
        mail["From"] = _address(told.sender)
    if told.to:
        mail["To"] = [_address(person) for person in told.to]
    mail["Subject"] = clean(told.subject).replace("\n", " ")
    if at := sent_at(letter, told).at:
        mail["Date"] = format_datetime(at)
    if written := told.headers.get("message-id", ""):
        mail["Message-ID"] = clean(written).replace("\n", " ")
    mail.set_content("\n\n".join(told.plain))
    if told.html:
        mail.add_alternative("\n".join(told.html), subtype="html")
    for name, kind, content in told.attachments:
        main, _, sub = kind.partition("/")
        main, sub = (main, sub) if main != "message" else ("application", "octet-stream")
        mail.add_attachment(content, maintype=main, subtype=sub or "octet-stream", filename=name)
    for number, part in enumerate(one for one in mail.walk() if one.is_multipart()):
        part.set_boundary(f"part-{number}")
    return mail.as_bytes()


def _address(person: Person) -> "Address":
    from email.headerregistry import Address  # noqa: PLC0415 - slow to load, and seldom needed

    name, written = person
    user, _, domain = written.rpartition("@")
    shown = re.sub(r"[\r\n]", " ", name or "")
    try:
        return Address(shown, user, domain)
    except (ValueError, IndexError):
        return Address(shown or re.sub(r"[\r\n]", " ", written))
