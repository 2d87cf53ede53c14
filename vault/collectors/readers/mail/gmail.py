"""What Gmail adds to the mail that it exports: labels in its user's language, and old chats."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from vault.collectors.readers.mail.slowly import Parsed, plain_header

__all__ = ["Said", "conversation", "labels"]

_LABEL = re.compile(r'\s*(?:"([^"]*)"|([^,]*))\s*(?:,|$)')
# Whether somebody has looked at a mail is no place to file it, and changes by itself.
_SEEN = frozenset(
    (
        *("opened", "unread", "geöffnet", "ungelesen", "ouvert", "non lu", "non lus"),
        *("abierto", "no leído", "no leídos", "aperto", "da leggere", "non letto", "non letti"),
        *("aberto", "não lida", "não lidas", "não lido", "não lidos", "geopend", "ongelezen"),
        *("otwarte", "nieprzeczytane", "åpnet", "ulest", "otevřeno", "nepřečtené"),
    )
)
_MARK = b"google:archive:conversation"
_FIRST_DAY = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_MILLISECONDS = 4_102_444_800_000  # the year 2100


@lru_cache(1 << 12)
def labels(header: str) -> tuple[str, ...]:
    """Return the labels of `X-Gmail-Labels` as their owner wrote them.

    Those that only say whether the mail has been read are left out.
    """
    found = (
        " ".join((quoted or plain).split())
        for quoted, plain in _LABEL.findall(plain_header(header))
    )
    return tuple(dict.fromkeys(label for label in found if label and label.lower() not in _SEEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of a chat of Google Talk; `person` and `to` are addresses."""

    person: str
    to: str
    at: datetime | None
    text: str


def conversation(parsed: Parsed) -> list[Said]:
    """Return what was said in a chat that was archived as one mail, nothing for other mail.

    Raises:
        Unreadable: It is damaged.
    """
    for _, kind, content in parsed.attachments:
        if kind in {"text/xml", "application/xml"} and _MARK in content[:4096]:
            return list(_said(content))
    return []


def _said(content: bytes) -> Iterator[Said]:
    from vault.collectors.readers import xml  # noqa: PLC0415 - few mailboxes hold a chat

    for message in xml.parse(content):
        if xml.local(message.tag) != "message":
            continue
        inner = {xml.local(child.tag): child for child in message}
        body, time = inner.get("body"), inner.get("time")
        stamp = time.get("ms", "") if time is not None else ""
        text = "".join(body.itertext()).strip() if body is not None else ""
        if text:
            yield Said(
                person=message.get("from", "").partition("/")[0],
                to=message.get("to", "").partition("/")[0],
                at=_at(stamp),
                text=text,
            )


def _at(milliseconds: str) -> datetime | None:
    if not (milliseconds.isdigit() and milliseconds.isascii()):
        return None
    number = int(milliseconds[:20])
    return _FIRST_DAY + timedelta(milliseconds=number) if number < _MOST_MILLISECONDS else None
