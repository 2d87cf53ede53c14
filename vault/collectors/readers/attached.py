"""A file that lies beside a note or a chat and belongs to it."""

from hashlib import sha256
from mimetypes import guess_type

from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Attachment

__all__ = ["attachment"]


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
