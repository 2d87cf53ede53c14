"""PDF: the words of its text layer, one document an item.

The parser is native code, so each page is announced before it is touched: one that crashes or
hangs costs itself. What was only scanned holds no words; it is told as such.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.document import Document, item, people
from vault.collectors.readers.pages import text_of
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Bad, Progress

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument  # type: ignore[import-untyped]

__all__ = ["SOURCE", "Pdf"]

_PDF = "document.pdf"
_LARGEST = 128 << 20
_LONGEST = 32 << 20
_MOST_PAGES = 20_000
_MARK = b"%PDF-"
_MARK_WITHIN = 1024
_SURE = 0.9
_PASSWORD = 4
_DAMAGED = "the document is damaged or cut off"
_NO_TEXT = "it holds pictures of pages, no text"
_DATE = re.compile(
    r"(?:D:)?(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?(?:(Z)|([+-]\d{2})'?(\d{2})?)?"
)


class Pdf:
    """Reads the text layer of PDF documents."""

    name = "pdf"
    types = frozenset({_PDF, f"{_PDF}.received"})
    version = 1
    about = About(
        title="PDF",
        formats=(("PDF with a text layer", Evidence.REAL),),
        paths=("Paper.pdf", "Letter.pdf"),
        how="Add the files or the folder that holds them; scanned pages need a text layer.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a PDF."""
        if len(tree.files) != 1:
            return 0.0
        if _MARK in tree.head(tree.files[0].path)[:_MARK_WITHIN]:
            return _SURE
        return 0.3 if tree.files[0].suffix == ".pdf" else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a document is read as a whole
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield one item for each document, and what of its pages could not be read."""
        done = 0
        for file in tree.files:
            try:
                yield from _file(tree, file, me)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Pdf()


def _file(tree: Tree, file: File, me: frozenset[str]) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    document = _opened(data)
    try:
        pages: list[str] = []
        letters = 0
        for number in range(len(document)):
            locator = f"{file.path}#{number}"
            page = "" if (reason := tree.enter(locator)) else _page(document, number)
            if page is None or reason:
                yield Bad(locator=locator, reason=reason or "the page is damaged")
                continue
            letters += len(page)
            if letters > _LONGEST:
                raise Unreadable(f"its text is longer than the {_LONGEST >> 20} MiB read at once")
            pages.append(page)
        text = text_of(pages)
        if not text:
            raise Unreadable(_NO_TEXT)
        yield item(tree, file, _described(document, text), source=SOURCE.name, type_=_PDF, me=me)
    finally:
        document.close()


def _opened(data: bytes) -> "PdfDocument":
    if _MARK not in data[:_MARK_WITHIN]:
        raise Unreadable("it is no PDF")
    # Imported where a PDF has come: the library is native code of 8 MB.
    from pypdfium2 import PdfDocument, PdfiumError  # noqa: PLC0415

    try:
        document = PdfDocument(data)
        if len(document) > _MOST_PAGES:
            document.close()
            raise Unreadable(f"it has more than the {_MOST_PAGES} pages read at once")
    except PdfiumError as error:
        locked = getattr(error, "err_code", 0) == _PASSWORD
        raise Unreadable("it is protected by a password" if locked else _DAMAGED) from error
    return document


def _page(document: "PdfDocument", number: int) -> str | None:
    """Return the text of a page in its reading order, or None where it is damaged."""
    from pypdfium2 import PdfiumError  # noqa: PLC0415

    try:
        page = document[number]
        try:
            layer = page.get_textpage()
            text: str = layer.get_text_range()
            layer.close()
        finally:
            page.close()
    except PdfiumError:
        return None
    return text


def _described(document: "PdfDocument", text: str) -> Document:
    facts = document.get_metadata_dict()
    return Document(
        text=text,
        title=facts.get("Title", ""),
        authors=people([facts.get("Author", "")]),
        created=_date(facts.get("CreationDate", "")),
        modified=_date(facts.get("ModDate", "")),
        keywords=facts.get("Keywords", ""),
        # Most of what nobody signed are papers that came from somewhere: they are not her words.
        published=True,
    )


def _date(stated: str) -> str:
    """Return a date of PDF (ISO 32000-2, 7.9.4) as ISO 8601, or nothing."""
    found = _DATE.match(stated.strip())
    if found is None:
        return ""
    year, month, day, hour, minute, second, utc, hours, minutes = found.groups()
    date = f"{year}-{month or '01'}-{day or '01'}"
    if hour is None:
        return date
    zone = utc or (f"{hours}:{minutes or '00'}" if hours else "")
    return f"{date}T{hour}:{minute or '00'}:{second or '00'}{zone}"
