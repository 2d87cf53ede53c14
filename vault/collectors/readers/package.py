"""A document that is a zip of parts: office formats and books, read in bounds without unpacking.

What its directory states about sizes is not believed: the caps of the tree count what comes
out of each part, and of all parts together.
"""

import zipfile
import zlib
from types import TracebackType
from typing import Self

from vault.collectors.readers.tree import Caps, File, Stream, Tree, Unreadable, explain
from vault.collectors.readers.xml import Element, parse

__all__ = ["Package"]

_LARGEST = 128 << 20
_LARGEST_PART = 64 << 20
_ALL_PARTS = 256 << 20
_DAMAGED = "the document is damaged or cut off"


class Package:
    """The parts of one document, by their names."""

    def __init__(self, tree: Tree, file: File) -> None:
        """Open a document of a tree.

        Raises:
            Unreadable: It is no zip, damaged, or too large to be held in memory where it
                lies in an archive.
        """
        self._tree = tree
        self._path = file.path
        self._raw = tree.seekable(file.path, _LARGEST)
        self._left = _ALL_PARTS
        try:
            self._zip = zipfile.ZipFile(self._raw)
        except Unreadable:
            self._raw.close()
            raise
        except Exception as error:
            self._raw.close()
            raise Unreadable(_DAMAGED) from error
        self._infos = {_plain(info.filename): info for info in self._zip.infolist()}

    @property
    def names(self) -> list[str]:
        """The names of all parts, in the order of the document."""
        return [info.filename for info in self._infos.values()]

    def __contains__(self, name: str) -> bool:
        return _plain(name) in self._infos

    def size(self, name: str) -> int:
        """Return the size that a document states of a part."""
        info = self._infos.get(_plain(name))
        return info.file_size if info else 0

    def open(self, name: str) -> Stream:
        """Open a part.

        Raises:
            Unreadable: There is no such part, or it is encrypted or damaged.
        """
        info = self._infos.get(_plain(name))
        if info is None:
            raise Unreadable("a part of the document is missing")
        caps = Caps()
        budget = min(max(caps.ratio_from, info.compress_size * caps.ratio), self._left)
        try:
            raw = self._zip.open(info)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise Unreadable(_DAMAGED) from error
        except Exception as error:
            raise Unreadable(explain(error)) from error
        # Counted as if all of it came, since a part may be opened again and again.
        self._left -= min(budget, info.file_size)
        return Stream(raw, budget=budget, beat=self._beat)

    def read(self, name: str) -> bytes:
        """Return the bytes of a part.

        Raises:
            Unreadable: There is no such part, or it is damaged or too large.
        """
        with self.open(name) as stream:
            return stream.read_all(_LARGEST_PART)

    def enter(self, number: int) -> str:
        """Say that a native parser is about to read a part; return why it may not, or nothing."""
        return self._tree.enter(f"{self._path}#{number}")

    def xml(self, name: str) -> Element:
        """Return the root of a part.

        Raises:
            Unreadable: There is no such part, or it is damaged or too large.
        """
        return parse(self.read(name))

    def xml_if_any(self, name: str) -> Element | None:
        """Return the root of a part without which the text can still be read."""
        try:
            return self.xml(name) if name in self else None
        except Unreadable:
            return None

    def _beat(self) -> None:
        self._tree.enter(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._zip.close()
        self._raw.close()


def _plain(name: str) -> str:
    """Return the name of a part as it is compared: case and kinds of slashes do not count."""
    return name.replace("\\", "/").lstrip("/").casefold()
