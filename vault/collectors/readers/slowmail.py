"""A message read by the standard library, which refuses nothing, and what any parser gives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses

from vault.collectors.readers.text import decode

__all__ = ["Parsed", "Person", "parse_slowly"]

Person = tuple[str | None, str]
"""Display name and address."""


@dataclass(slots=True, kw_only=True)
class Parsed:
    """A message as far as an item needs it; `headers` are few, with lower-case names."""

    headers: dict[str, str]
    subject: str = ""
    sender: Person | None = None
    to: list[Person] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    attachments: list[tuple[str, str, bytes]] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found that makes a message."""
        texts = any(text.strip() for text in (*self.plain, *self.html, self.subject))
        people = self.sender is not None or self.to
        return not (texts or people or self.attachments or any(self.headers.values()))


def parse_slowly(raw: bytes) -> Parsed:
    """Parse a message with the standard library and the charset cascade."""
    message = message_from_bytes(raw)
    headers: dict[str, str] = {}
    for name, value in message.items():
        headers.setdefault(name.lower(), _words(str(value)))
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


def _leaves(message: Message) -> Iterator[Message]:
    for part in message.walk():
        if not part.is_multipart():
            yield part


def _sort_in(part: Message, parsed: Parsed) -> None:
    content = part.get_payload(decode=True)
    content = content if isinstance(content, bytes) else b""
    kind = part.get_content_type()
    name = _words(part.get_filename() or "")
    is_body = not name and part.get_content_disposition() != "attachment"
    if is_body and kind in {"text/plain", "text/html"}:
        text = decode(content, part.get_content_charset())
        (parsed.plain if kind == "text/plain" else parsed.html).append(text)
    else:
        parsed.attachments.append((name, kind, content))


def _words(value: str) -> str:
    """Return a header with its encoded words read."""
    flat = " ".join(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())
    if "=?" not in flat:
        return flat
    try:
        pieces = decode_header(flat)
    except (ValueError, LookupError):
        return flat
    return "".join(
        piece if isinstance(piece, str) else decode(piece, charset) for piece, charset in pieces
    )


def _people(message: Message, *names: str) -> list[Person]:
    values = [str(value) for name in names for value in message.get_all(name, [])]
    found = getaddresses(values)
    return [(_words(name) or None, address) for name, address in found if name or address]
