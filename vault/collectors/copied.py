"""A portable copy as it lies in a tree: its manifest, and the check of every byte it lists.

Nothing of a copy is believed before all of it was checked. What is wrong is said in one
sentence that quotes nothing of the copy but the names of its own kinds of files.
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import msgspec

from vault.collectors.api import Refused
from vault.collectors.copies import FORMAT, ITEMS, MANIFEST
from vault.collectors.portable import LONGEST, VERSION, VERSIONS, Exact, json_of
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import check_type
from vault.errors import UsageError

__all__ = ["Carried", "Copy", "Counts", "Listed", "Manifest"]

_LARGEST = 128 << 20
_LONGEST_SOURCE = 100
_MOST_TYPES = 1000
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*){0,3}")
_BLOCK = 1 << 20

_DAMAGED = "The manifest.json of this export is damaged or was changed; copy it again."

Number = Annotated[int, msgspec.Meta(ge=0)]


class Listed(Exact, frozen=True, kw_only=True):
    """A file of the copy; `lines` counts those of JSON Lines."""

    path: str
    size: Number
    sha256: str
    lines: Number = 0


class Carried(Exact, frozen=True, kw_only=True):
    """How many items of each data type came from a source."""

    source_name: str
    types: dict[str, Number]


class Counts(Exact, frozen=True, kw_only=True):
    """What the copy holds."""

    items: Number
    corrections: Number
    statements: Number
    models: Number
    papers: Number
    attachments: Number = 0


class Manifest(Exact, frozen=True, kw_only=True):
    """`manifest.json`, written last: everything else there is, under its hash.

    `checkpoint` is the note that signs the log as it was copied, `sha256` covers all other
    fields.
    """

    format: str
    version: int
    vault: str
    position: Number
    checkpoint: str
    written: datetime
    counts: Counts
    sources: tuple[Carried, ...]
    files: tuple[Listed, ...]
    sha256: str = ""

    def sealed(self) -> "Manifest":
        """Return the same with its own hash."""
        return msgspec.structs.replace(self, sha256=self._hash())

    def is_whole(self) -> bool:
        """Whether the hash is that of the other fields."""
        return self.sha256 == self._hash()

    def _hash(self) -> str:
        return hashlib.sha256(json_of(msgspec.structs.replace(self, sha256=""))).hexdigest()


class _Mark(msgspec.Struct):
    """What every version of a manifest says."""

    format: str
    version: int


class Copy:
    """A copy whose manifest was read; `check` it before anything else is."""

    def __init__(self, tree: Tree) -> None:
        """Read the manifest.

        Raises:
            Refused: There is none, or it is damaged or of a newer format.
        """
        self._tree = tree
        self._files = {tree.relative(file.path): file for file in tree.files}
        self.manifest = self._manifest()
        self._listed = frozenset(one.path for one in self.manifest.files)

    @property
    def item_files(self) -> tuple[str, ...]:
        """The files that hold items, in order."""
        return tuple(one.path for one in self.manifest.files if ITEMS.fullmatch(one.path))

    def file(self, path: str) -> File:
        """Return a file of the copy."""
        return self._files[path]

    def has(self, path: str) -> bool:
        """Whether the manifest lists a file."""
        return path in self._listed

    def check(self) -> None:
        """Compare every file with the manifest.

        Raises:
            Refused: One is missing, cut off, or was changed.
        """
        for listed in self.manifest.files:
            told, size, lines = hashlib.sha256(), 0, 0
            for block in self._blocks(listed.path):
                told.update(block)
                size += len(block)
                lines += block.count(b"\n") if listed.lines else 0
            if size < listed.size:
                raise Refused(f"{listed.path} of this export is cut off; copy it again.")
            if (size, told.hexdigest(), lines) != (listed.size, listed.sha256, listed.lines):
                raise Refused(f"{listed.path} of this export was changed; copy it again.")

    def lines(self, path: str) -> Iterator[tuple[int, bytes | None]]:
        """Yield number and bytes of each line of a file, None for one that is too long.

        Raises:
            Refused: The file cannot be read.
        """
        number, pending, too_long = 0, bytearray(), False
        for block in self._blocks(path):
            for at, piece in enumerate(block.split(b"\n")):
                if at:
                    yield number, None if too_long else bytes(pending)
                    number, too_long = number + 1, False
                    pending.clear()
                too_long = too_long or len(pending) + len(piece) > LONGEST
                if too_long:
                    pending.clear()
                else:
                    pending += piece
        if pending or too_long:
            yield number, None if too_long else bytes(pending)

    def _blocks(self, path: str) -> Iterator[bytes]:
        file = self._files.get(path)
        if file is None:
            raise Refused(f"{path} of this export is missing; copy it again.")
        try:
            with self._tree.open(file.path) as stream:
                while block := stream.read(_BLOCK):
                    yield block
        except Unreadable as error:
            raise Refused(f"{path} of this export cannot be read: {error}.") from error

    def whole(self, path: str) -> bytes:
        """Return all of a small file.

        Raises:
            Refused: It is missing, large or cannot be read.
        """
        found = bytearray()
        for block in self._blocks(path):
            found += block
            if len(found) > _LARGEST:
                raise Refused(f"{path} of this export is too large.")
        return bytes(found)

    def _manifest(self) -> Manifest:
        if MANIFEST not in self._files:
            raise Refused(
                "This export was never finished or has lost its manifest.json; "
                "run `twin export` into its folder again, or copy it again."
            )
        content = self.whole(MANIFEST)
        try:
            mark = msgspec.json.decode(content, type=_Mark)
            if mark.format == FORMAT and mark.version > VERSION:
                raise Refused(
                    "This export is of a newer format than this release reads; "
                    "install a newer release.",
                    newer=True,
                )
            manifest = msgspec.json.decode(content, type=Manifest)
            sane = manifest.is_whole() and _is_sane(manifest)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, UsageError) as error:
            raise Refused(_DAMAGED) from error
        if not sane:
            raise Refused(_DAMAGED)
        return manifest


def _is_sane(manifest: Manifest) -> bool:
    """Whether what a manifest names can be said and granted; a stranger may have written it."""
    paths = [one.path for one in manifest.files]
    return (
        manifest.format == FORMAT
        and manifest.version in VERSIONS
        and len(set(paths)) == len(paths)
        and all(_PATH.fullmatch(path) and path != MANIFEST for path in paths)
        and sum(len(one.types) for one in manifest.sources) <= _MOST_TYPES
        and all(_is_source(one.source_name) for one in manifest.sources)
        and all(check_type(name) for one in manifest.sources for name in one.types)
    )


def _is_source(name: str) -> bool:
    """An empty name would be a permission for every source."""
    return 0 < len(name) <= _LONGEST_SOURCE and name.isprintable() and name == name.strip()
