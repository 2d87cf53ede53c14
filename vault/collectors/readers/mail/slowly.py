"""A message read by the standard library, which refuses nothing, and what any parser gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from vault.collectors.readers.text import decode
from vault.items import Attachment

if TYPE_CHECKING:
    from email.message import Message

__all__ = ["Parsed", "Person", "parse_slowly", "plain_header"]

Person = tuple[str | None, str]
"""Display name and address."""


@dataclass(slots=True, kw_only=True)
class Parsed:
    """A message as far as an item needs it; `headers` are few, with lower-case names.

    `attachments` are name, type and bytes; `described` are those too large to be held.
    """

    headers: dict[str, str]
    subject: str = ""
    sender: Person | None = None
    to: list[Person] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    attachments: list[tuple[str, str, bytes]] = field(default_factory=list)
    described: list[Attachment] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found that makes a message."""
        if self.sender is not None or self.to or self.attachments or any(self.headers.values()):
            return False
        return not any(text.strip() for text in (*self.plain, *self.html, self.subject))


def parse_slowly(raw: bytes) -> Parsed:
    """Parse a message with the standard library and the charset cascade."""
    from email import message_from_bytes  # noqa: PLC0415 - slow to load, and seldom needed

    message = message_from_bytes(raw)
    headers: dict[str, str] = {}
    for name, value in message.items():
        headers.setdefault(name.lower(), plain_header(str(value)))
    senders = _people(message, "from")
    parsed = Parsed(
        headers=headers,
        subject=headers.get("subject", ""),
        sender=senders[0] if senders else None,
        to=_people(message, "to", "cc", "bcc"),
    )
    for part in _leaves(message):
        _sort_in(part, parsed)
    return parsed


def _leaves(message: "Message") -> Iterator["Message"]:
    """Yield the parts that hold something; a message within a message is one of them."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting += reversed(cast("list[Message]", part.get_payload()))
        else:
            yield part


def _content(part: "Message") -> bytes:
    if part.is_multipart():
        inner = cast("list[Message]", part.get_payload())
        return b"\n".join(one.as_bytes() for one in inner)
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _sort_in(part: "Message", parsed: Parsed) -> None:
    content = _content(part)
    kind = part.get_content_type()
    name = plain_header(part.get_filename() or "")
    is_body = not name and part.get_content_disposition() != "attachment"
    if is_body and kind in {"text/plain", "text/html"}:
        text = decode(content, part.get_content_charset())
        (parsed.plain if kind == "text/plain" else parsed.html).append(text)
    else:
        parsed.attachments.append((name, kind, content))


def plain_header(value: str) -> str:
    """Return the value of a header on one line, with its encoded words (RFC 2047) read."""
    flat = " ".join(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())
    if "=?" not in flat:
        return flat
    from email.header import decode_header  # noqa: PLC0415 - slow to load, and seldom needed

    try:
        pieces = decode_header(flat)
    except (ValueError, LookupError):
        return flat
    return "".join(
        piece if isinstance(piece, str) else decode(piece, charset) for piece, charset in pieces
    )


def _people(message: "Message", *names: str) -> list[Person]:
    from email.utils import getaddresses  # noqa: PLC0415 - slow to load, and seldom needed

    values = [str(value) for name in names for value in message.get_all(name, [])]
    found = getaddresses(values)
    return [(plain_header(name) or None, address) for name, address in found if name or address]
