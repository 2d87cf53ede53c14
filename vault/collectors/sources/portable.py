"""The portable copy that `twin export` writes: items come back as they were, source and all.

Its manifest is checked first, with every byte that it lists; only then is a line read.
"""

from collections.abc import Iterator

import msgspec

from vault.collectors.api import About, Brought, Evidence, Record, Refused
from vault.collectors.copied import Copy, is_copy
from vault.collectors.portable import Line, Unfit, attachment_file, item_of
from vault.collectors.readers.attached import file_blocks
from vault.collectors.readers.tree import Tree
from vault.items import Bad, Content, Item, Progress

__all__ = ["SOURCE", "Portable"]

_decoder = msgspec.json.Decoder(Line)


class Portable:
    """Reads portable copies of vaults."""

    name = "portable"
    # What a copy holds is as various as its sources; its manifest says what (`brings`).
    types = frozenset({"message", "document"})
    version = 2
    about = About(
        title="Copy of a vault",
        formats=(("portable copy (twinvault-export)", Evidence.REAL),),
        paths=("export/manifest.json", "export.zip"),
        how="`twin export DIR` writes one.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a folder or archive is a portable copy."""
        return 1.0 if is_copy(tree) else 0.0

    def brings(self, tree: Tree) -> tuple[Brought, ...]:
        """Check every byte of a copy; return of which sources its items are.

        Raises:
            Refused: It is unfinished, damaged, or of a newer format.
        """
        copy = Copy(tree)
        copy.check()
        return tuple(
            Brought(source=one.source_name, types=tuple(sorted(one.types)))
            for one in copy.manifest.sources
        )

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a copy is read whole
        me: frozenset[str],  # noqa: ARG002 - its items know who wrote them
    ) -> Iterator[Record]:
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


SOURCE = Portable()


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
