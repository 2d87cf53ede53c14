"""The items of a portable copy, line by line, and the files that came with them."""

from collections.abc import Iterator

import msgspec

from vault.collectors.api import Record, Refused
from vault.collectors.copied import Copy
from vault.collectors.portable import Line, Unfit, attachment_file, item_of
from vault.collectors.readers.attached import file_blocks
from vault.collectors.readers.tree import Tree
from vault.items import Bad, Content, Item, Progress

__all__ = ["records"]

_decoder = msgspec.json.Decoder(Line)


def records(tree: Tree) -> Iterator[Record]:
    """Yield the items of a copy, in the order in which they were collected, and their files."""
    try:
        copy = Copy(tree)
        done = 0
        for path in copy.item_files:
            for number, line in copy.lines(path):
                where = f"{copy.file(path).path}#{number}"
                record = _record(tree, line, where)
                yield record
                if isinstance(record, Item):
                    yield from _contents(copy, tree, record)
                done += len(line or b"") + 1
                yield Progress(done=done, total=tree.size)
    except Refused as error:
        yield Bad(locator=tree.base, reason=str(error))


def _contents(copy: Copy, tree: Tree, item: Item) -> Iterator[Content]:
    """Yield the bytes of an item's attachments, as far as the copy has them."""
    for attachment in item.attachments:
        path = attachment_file(attachment.sha256)
        if copy.has(path):
            yield from file_blocks(tree, copy.file(path), attachment)


def _record(tree: Tree, line: bytes | None, where: str) -> Record:
    reason = tree.enter(where)
    if line is None:
        reason = reason or "the line is too long"
    if reason or line is None:
        return Bad(locator=where, reason=reason)
    try:
        return item_of(_decoder.decode(line))
    except Unfit as error:
        return Bad(locator=where, reason=str(error))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Bad(locator=where, reason="it is no line of an export")
