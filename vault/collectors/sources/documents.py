"""Documents of office programs, books and pages: `.docx`, `.odt`, `.pptx`, `.epub`, `.rtf`, `.html`.

One document is one item, of a long book each chapter. What a file is its content says: a
letter without a suffix is still a letter. Pictures within documents are not carried along.
"""

import re
from collections.abc import Iterator

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.document import Document, item
from vault.collectors.readers.html import looks_like_html, read_html
from vault.collectors.readers.package import Package
from vault.collectors.readers.text import is_binary
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Bad, Progress

__all__ = ["SOURCE", "Documents"]

_Found = tuple[Document | Unreadable, tuple[int, str] | None]

_OFFICE = "document.office"
_LARGEST, _LARGEST_PAGE = 128 << 20, 16 << 20
_ZIPPED = frozenset(
    (".docx", ".docm", ".dotx", ".pptx", ".pptm", ".ppsx", ".odt", ".ott", ".odp", ".epub")
)
_PAGES = frozenset({".html", ".htm", ".xhtml"})
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RICH = b"{\\rtf"
_TEXT_PART = re.compile(rb"PK\x03\x04.{26}(?:word|ppt)/", re.DOTALL)
_MIMETYPE = b"mimetypeapplication/"
_BOOK = b"epub+zip"
_OPEN = (b"vnd.oasis.opendocument.text", b"vnd.oasis.opendocument.presentation")
_SURE = 0.9
_PERHAPS = 0.3


class Documents:
    """Reads documents of office programs, books and pages."""

    name = "documents"
    types = frozenset({_OFFICE, f"{_OFFICE}.received"})
    version = 1
    about = About(
        title="Documents",
        formats=(
            ("Word (.docx)", Evidence.REAL),
            ("PowerPoint (.pptx)", Evidence.REAL),
            ("OpenDocument texts and presentations (.odt, .odp)", Evidence.DOCUMENTED),
            ("EPUB books (.epub)", Evidence.DOCUMENTED),
            ("rich text (.rtf)", Evidence.DOCUMENTED),
            ("saved pages (.html)", Evidence.REAL),
            ("Google Docs in a Takeout (.docx with -info.json)", Evidence.DOCUMENTED),
        ),
        paths=("Letter.docx", "Talk.pptx", "Takeout/Drive/Plan.docx", "Book.epub"),
        how="Add the files or the folder that holds them; Google Docs come from "
        "takeout.google.com, Drive, as Word documents.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a document."""
        if len(tree.files) != 1:
            return 0.0
        file = tree.files[0]
        return _sureness(tree.head(file.path), file.suffix)

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a document is small enough to be read again
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield one item for each document, or for each chapter of a long book."""
        done = 0
        for file in tree.files:
            try:
                yield from self._file(tree, file, me)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)

    def _file(self, tree: Tree, file: File, me: frozenset[str]) -> Iterator[Record]:
        for found, chapter in _read(tree, file):
            if isinstance(found, Unreadable):
                place = f"#{chapter[0]}" if chapter else ""
                yield Bad(locator=file.path + place, reason=str(found))
            elif not found.text.strip():
                raise Unreadable("there is no text in it")
            else:
                yield item(
                    tree, file, found, source=self.name, type_=_OFFICE, me=me, chapter=chapter
                )


SOURCE = Documents()


def _sureness(head: bytes, suffix: str) -> float:
    if head.startswith(_RICH):
        return _SURE
    if suffix in _ZIPPED:  # also where it is damaged, or locked with a password
        return _SURE if head.startswith(_ZIP) else _PERHAPS
    if head.startswith(_ZIP):
        return _SURE if _zipped(head) else 0.0
    is_page = suffix in _PAGES and not is_binary(head)
    return _PERHAPS if is_page or looks_like_html(head) else 0.0


def _zipped(head: bytes) -> bool:
    """Whether a zip begins as documents that are read do."""
    if _MIMETYPE in head[:100]:
        kind = head[head.index(_MIMETYPE) + len(_MIMETYPE) :]
        return kind.startswith((_BOOK, *_OPEN))
    return _TEXT_PART.search(head) is not None


def _read(tree: Tree, file: File) -> Iterator[_Found]:
    """Yield the documents in a file, chapters with their number and name."""
    with tree.open(file.path) as stream:
        head = stream.read(512)
        if head.startswith(_OLE):
            raise Unreadable("it is protected by a password")
        if not head.startswith(_ZIP):
            data = head + stream.read_all(_LARGEST)
            found = _rich(tree, file, data) if data.startswith(_RICH) else _page(file, data)
            yield found, None
            return
    with Package(tree, file) as package:
        yield from _packed(package)


def _rich(tree: Tree, file: File, data: bytes) -> Document:
    # Imported where it is needed, like all readers of less frequent formats.
    from vault.collectors.readers.rtf import read_rtf  # noqa: PLC0415

    return read_rtf(data, lambda: tree.enter(file.path))


def _page(file: File, data: bytes) -> Document:
    if is_binary(data[:4096]):
        raise Unreadable("the document is damaged or cut off")
    if file.suffix in _ZIPPED and not looks_like_html(data[:4096]):
        raise Unreadable("it is no document of this kind")
    if len(data) > _LARGEST_PAGE:
        raise Unreadable(f"it is larger than the {_LARGEST_PAGE >> 20} MiB read at once")
    return read_html(data)


def _packed(package: Package) -> Iterator[_Found]:
    if "content.xml" in package:
        from vault.collectors.readers.opendocument import read_opendocument  # noqa: PLC0415

        yield read_opendocument(package), None
    elif "META-INF/container.xml" in package:
        from vault.collectors.readers.epub import read_book  # noqa: PLC0415

        for number, name, page in read_book(package):
            yield page, (number, name) if name else None
    else:
        from vault.collectors.readers.office import read_office  # noqa: PLC0415

        yield read_office(package), None
