"""The portable copy that `twin export` writes: items come back as they were, source and all.

Its manifest is checked first, with every byte that it lists; only then is a line read.
"""

from collections.abc import Iterator

from vault.collectors.api import About, Brought, Evidence, Record
from vault.collectors.copies import is_copy
from vault.collectors.readers.tree import Tree

__all__ = ["SOURCE", "Portable"]


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
        from vault.collectors.copied import Copy  # noqa: PLC0415 - loads every kind of event

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
        from vault.collectors.carrying import records  # noqa: PLC0415 - as above

        yield from records(tree)


SOURCE = Portable()
