"""A file that belongs to an item: it lies beside a note or a chat, or within a mail."""

from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from mimetypes import guess_type

from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import BLOCK, LARGEST, Attachment, Content

__all__ = ["attachment", "blocks", "file_blocks"]


def attachment(tree: Tree, file: File) -> Attachment | None:
    """Return a file by its content's address, or None where it cannot be read.

    One that cannot be read is then told like any other file that nobody read.
    """
    digest = sha256()
    size = 0
    try:
        with tree.open(file.path) as stream:
            while block := stream.read():
                digest.update(block)
                size += len(block)
    except Unreadable:
        tree.opened.discard(file.path)
        return None
    media_type = guess_type(file.name)[0] or "application/octet-stream"
    return Attachment(name=file.name, media_type=media_type, size=size, sha256=digest.hexdigest())


def blocks(data: bytes, digest: str) -> Iterator[Content]:
    """Yield the bytes of an attachment that are in memory, to be yielded behind its item.

    There are none of one that is larger than a vault keeps.

    Args:
        data: The bytes.
        digest: Their SHA-256 (hex), as the attachment has it.
    """
    parts = _parts(len(data))
    for part in range(parts):
        block = data[part * BLOCK : (part + 1) * BLOCK]
        yield Content(sha256=digest, part=part, parts=parts, data=block)


def file_blocks(tree: Tree, file: File, attached: Attachment) -> Iterator[Content]:
    """Yield the bytes of a file that lies beside, to be yielded behind its item.

    There are none of one that is larger than a vault keeps, or can no more be read.
    """
    parts = _parts(attached.size)
    with suppress(Unreadable), tree.open(file.path) as stream:
        for part in range(parts):
            block = stream.read_exactly(BLOCK)
            yield Content(sha256=attached.sha256, part=part, parts=parts, data=block)


def _parts(size: int) -> int:
    return max(1, -(-size // BLOCK)) if size <= LARGEST else 0
