"""What is collected: an item, the people in it, and what could not be read.

Pure values without I/O. Names follow ActivityStreams 2.0 where it has one
(actor → `author`, audience → `to`, context → `conversation`, published → `at`).
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

__all__ = [
    "BLOCK",
    "LARGEST",
    "Agent",
    "Attachment",
    "Bad",
    "Content",
    "Item",
    "Precision",
    "Progress",
    "Reached",
]

BLOCK: Final = 1 << 20
"""Bytes of a block of an attachment; the last one of a file is shorter."""

LARGEST: Final = 64 << 20
"""Of an attachment that is larger only name, type, size and digest are kept."""


class Precision(StrEnum):
    """How exactly the source states the time of an item."""

    SECOND = "s"
    MINUTE = "min"
    DAY = "day"
    FILE = "file"  # only the file's own modification time is known


class Agent(Struct, frozen=True, kw_only=True):
    """A person or account taking part in an item.

    `id` is a URI-like identity within the source: `mailto:a@b`, `tel:+44…`,
    `name:Priya Nair` where a source knows only display names.
    """

    id: str
    name: str = ""


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that came with an item; its bytes are addressed by `sha256` (hex)."""

    name: str
    media_type: str
    size: int
    sha256: str


class Content(Struct, frozen=True, kw_only=True):
    """A block of the bytes of an attachment: the `part`-th, from 0, of so many `parts`.

    `sha256` (hex) is that of the whole file, not of the block. Every block but the last has
    `BLOCK` bytes, and an empty file has one that is empty.
    """

    sha256: str
    part: int
    parts: int
    data: bytes


class Item(Struct, frozen=True, kw_only=True):
    """One message, note or entry, as the source states it.

    `type` is a dotted data type with its direction (`message.email.sent`).
    `at` is UTC and aware; `offset` is the original minutes east of UTC, None where
    the source does not say. `assumed` is set where a time zone or a day-month order
    was inferred. `text` is NFC with LF line ends; `text_new` is the part that its
    author wrote, without quoted replies and signature, or None where that is all of
    `text`. `labels` are sensitive data types found in the item (`health`, …), `tags` what
    its keeper filed it under there: folders, labels, hashtags.
    `locator` says where it stood (`path!member#offset`), for errors and for reading again.
    """

    source: str
    native_id: str
    type: str
    at: datetime | None = None
    offset: int | None = None
    precision: Precision = Precision.SECOND
    assumed: bool = False
    author: Agent | None = None
    to: tuple[Agent, ...] = ()
    conversation: str = ""
    reply_to: str = ""
    title: str = ""
    text: str = ""
    text_new: str | None = None
    language: str = ""
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    locator: str = ""

    @property
    def own_text(self) -> str:
        """The words that this item's author wrote."""
        return self.text if self.text_new is None else self.text_new

    @property
    def sent(self) -> bool:
        """Whether the owner of the vault wrote it."""
        return not self.type.endswith(".received")

    @property
    def people(self) -> tuple[Agent, ...]:
        """Author and recipients."""
        return (*((self.author,) if self.author else ()), *self.to)


class Bad(Struct, frozen=True, kw_only=True):
    """A record that could not be read: where it stood and why, never its content."""

    locator: str
    reason: str


class Progress(Struct, frozen=True, kw_only=True):
    """Bytes of input read so far, of how many."""

    done: int
    total: int


class Reached(Struct, frozen=True, kw_only=True):
    """Where the reading of a file ended: a later one of the grown file may go on from there.

    `file` is the path of the file in its tree, `cursor` the source's own terms.
    """

    file: str
    cursor: bytes
