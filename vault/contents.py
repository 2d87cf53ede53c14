"""Contents of attachments: their bytes in blocks, each sealed like every entry.

A file is known by its SHA-256, and its blocks stand under natural keys made of that: it is
stored once however many items carry it, and what is there needs no list. No block is stored
before all of a file was there and has its digest, so what a source says falsely never is.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from vault.errors import TamperError
from vault.events import ContentCollected
from vault.follow import Entry
from vault.items import BLOCK, LARGEST, Attachment, Bad, Content, Item
from vault.log.sealed import Draft, Known

__all__ = ["Arriving", "block_keys", "read"]

_PAGE: Final = 8 << 20
_SCOPE: Final = "content"


def block_keys(file: Attachment) -> list[bytes]:
    """Return the natural keys of the blocks of a file, none where it is too large to be kept."""
    return _keys(file.sha256, _parts(file.size)) if file.size <= LARGEST else []


def _keys(digest: str, parts: int) -> list[bytes]:
    # No source has an empty name, so no item has such a key.
    return [f"\x1f{digest}\x1f{part}".encode() for part in range(parts)]


def _parts(size: int) -> int:
    return max(1, -(-size // BLOCK))


class Storage(Protocol):
    """What contents need of a log."""

    def append(self, drafts: Sequence[Draft]) -> tuple[str, ...]:
        """Seal, order and sign drafts in one transaction; return their ids."""

    def known(self, keys: Sequence[tuple[bytes, bytes]]) -> list[Known | None]:
        """Return what is stored under each (natural key, content)."""


@dataclass(slots=True)
class _File:
    """A file whose blocks arrive, and the natural keys of the items that carry it."""

    attachment: Attachment
    locator: str
    carriers: set[bytes]
    blocks: list[bytes] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return len(self.blocks) == _parts(self.attachment.size)

    def is_true(self) -> bool:
        """Whether the bytes are those that the item speaks of."""
        digest = hashlib.sha256()
        for block in self.blocks:
            digest.update(block)
        size = sum(map(len, self.blocks))
        return (size, digest.hexdigest()) == (self.attachment.size, self.attachment.sha256)


class Arriving:
    """Contents on their way into a log, behind the items of the page that is being filled."""

    def __init__(self, log: Storage, natural_key: Callable[[Item], bytes]) -> None:
        """Begin with nothing.

        Args:
            log: Where they are stored.
            natural_key: What the log calls an item.
        """
        self._log = log
        self._natural_key = natural_key
        self._now: _File | None = None
        self._waiting: dict[str, _File] = {}
        self._held = 0

    @property
    def is_full(self) -> bool:
        """Whether as much is in memory as a page should hold."""
        return self._held >= _PAGE

    def take(self, item: Item, content: Content) -> Bad | None:
        """Take in a block that came behind an item; say so where a file is not what was said.

        What the item does not carry, what is too large, and what is there is passed over.
        """
        bad = None
        if content.part == 0:
            bad = self.broken_off()
            self._now = self._begun(item, content.sha256)
        file = self._now
        if file is None or file.attachment.sha256 != content.sha256:
            return bad
        size = min(BLOCK, file.attachment.size - content.part * BLOCK)
        in_turn = content.part == len(file.blocks) and len(content.data) == size
        if in_turn:
            file.blocks.append(content.data)
        if in_turn and not file.whole:
            return bad
        self._now = None
        if not in_turn or not file.is_true():
            return Bad(
                locator=file.locator,
                reason="an attachment is not the file that it is said to be; its bytes stay out",
            )
        self._waiting[content.sha256] = file
        self._held += file.attachment.size
        return bad

    def broken_off(self) -> Bad | None:
        """Say so where a file has begun and nothing of it comes any more."""
        file, self._now = self._now, None
        if file is None:
            return None
        return Bad(
            locator=file.locator, reason="an attachment broke off in the middle; its bytes stay out"
        )

    def _begun(self, item: Item, digest: str) -> _File | None:
        """Return the file that begins, None where none of its bytes is wanted."""
        carried = next((one for one in item.attachments if one.sha256 == digest), None)
        if carried is None or not (keys := block_keys(carried)):
            return None
        if waiting := self._waiting.get(digest):
            waiting.carriers.add(self._natural_key(item))
            return None
        if all(map(_is_there, self._log.known([(key, b"") for key in keys]))):
            return None
        return _File(carried, item.locator, {self._natural_key(item)})

    def flush(self) -> None:
        """Store what arrived whole, after its items were stored; nothing of erased ones.

        Raises:
            StorageError: The disk refused; reading again goes on from there.
        """
        waiting, self._waiting, self._held = self._waiting, {}, 0
        page: list[Draft] = []
        size = 0
        for file in waiting.values():
            for draft in self._drafts(file):
                page.append(draft)
                size += BLOCK
                if size >= _PAGE:
                    self._log.append(page)
                    page, size = [], 0
        if page:
            self._log.append(page)

    def _drafts(self, file: _File) -> Iterator[Draft]:
        """Yield the blocks of a file that are not there, if an item that carries it is."""
        if not any(map(_is_there, self._log.known([(key, b"") for key in file.carriers]))):
            return
        digest, parts = file.attachment.sha256, len(file.blocks)
        keys = _keys(digest, parts)
        for part, known in enumerate(self._log.known([(key, b"") for key in keys])):
            if not _is_there(known):
                content = Content(sha256=digest, part=part, parts=parts, data=file.blocks[part])
                yield Draft(
                    event=ContentCollected(content=content), scope=_SCOPE, natural_key=keys[part]
                )


def _is_there(known: Known | None) -> bool:
    return known is not None and not known.erased


class Opened(Protocol):
    """What reading needs of a log."""

    def entry(self, entry_id: str) -> Entry:
        """Return one entry."""


def read(log: Opened, file: Attachment, entries: Sequence[str]) -> Iterator[bytes]:
    """Yield the bytes of a file, block by block.

    Args:
        log: The log.
        file: What an item says of it.
        entries: Those that hold its blocks, in order.

    Raises:
        TamperError: They are not the bytes of this file; known when the last one was read.
    """
    digest = hashlib.sha256()
    for entry_id in entries:
        event = log.entry(entry_id).event
        if not isinstance(event, ContentCollected):
            raise TamperError(f"The entry {entry_id} is no block of an attachment.")
        digest.update(event.content.data)
        yield event.content.data
    if digest.hexdigest() != file.sha256:
        raise TamperError("The bytes of an attachment are not those that its item speaks of.")
