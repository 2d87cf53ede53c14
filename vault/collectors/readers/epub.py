"""Books: `.epub`, in the order in which they are read (EPUB 3.3, OPF).

A book that is short is one document; a long one is a document for each of its chapters, so
that what is said about it stays of a size that can be read.
"""

import posixpath
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import unquote

from vault.collectors.readers.document import Document, people
from vault.collectors.readers.html import read_html
from vault.collectors.readers.package import Package
from vault.collectors.readers.tree import Unreadable
from vault.collectors.readers.xml import Element, local

__all__ = ["Chapter", "read_book"]


class Chapter(NamedTuple):
    """A chapter by its number and name in the book, or a whole book without a name."""

    number: int
    name: str
    page: Document | Unreadable


_SHORT = 50_000
_PAGES = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_DAMAGED = "the list of its chapters is missing"


def read_book(package: Package) -> Iterator[Chapter]:
    """Yield the documents of a book: one, or one for each chapter.

    A chapter that cannot be read is yielded as the reason.

    Raises:
        Unreadable: It is damaged, or protected against being read.
    """
    book, names = _opened(package)
    protected = _protected(package)
    short: list[Chapter] = []
    letters = 0
    for number, name in enumerate(names):
        short.append(Chapter(number, name, _page(package, number, name, protected)))
        letters += len(_text(short[-1]))
        if letters > _SHORT:
            yield from (_titled(book, one) for one in short if _says(one))
            short.clear()
    if letters > _SHORT:
        yield from (_titled(book, one) for one in short if _says(one))
        return
    broken = [one for one in short if isinstance(one.page, Unreadable)]
    if broken and not letters:
        raise Unreadable(str(broken[0].page))
    yield Chapter(0, "", replace(book, text="\n\n".join(filter(None, map(_text, short)))))
    yield from broken


def _text(chapter: Chapter) -> str:
    return chapter.page.text if isinstance(chapter.page, Document) else ""


def _says(chapter: Chapter) -> bool:
    """Whether there is something to tell of a chapter: words, or why it has none."""
    return isinstance(chapter.page, Unreadable) or bool(_text(chapter).strip())


def _titled(book: Document, chapter: Chapter) -> Chapter:
    """Return a chapter with what its book says of itself."""
    page = chapter.page
    if isinstance(page, Unreadable):
        return chapter
    heading = page.text.partition("\n")[0]
    title = heading.lstrip("#").strip() if heading.startswith("#") else page.title
    titles = dict.fromkeys((book.title, title or posixpath.basename(chapter.name)))
    page = replace(book, text=page.text, title=": ".join(filter(None, titles)))
    return chapter._replace(page=page)


def _page(
    package: Package, number: int, name: str, protected: frozenset[str]
) -> Document | Unreadable:
    try:
        if name in protected:
            return Unreadable("it is protected against being read elsewhere")
        data = package.read(name)
        reason = package.enter(number)
        return Unreadable(reason) if reason else read_html(data)
    except Unreadable as error:
        return error


def _opened(package: Package) -> tuple[Document, list[str]]:
    """Return what a book says of itself, without its text, and its pages in order."""
    container = package.xml_if_any("META-INF/container.xml")
    listed = [] if container is None else _all(container, "rootfile")
    main = unquote(next((one.get("full-path", "") for one in listed), ""))
    if main not in package:
        main = next((name for name in package.names if name.endswith(".opf")), "")
    if not main:
        raise Unreadable(_DAMAGED)
    root = package.xml(main)
    folder = posixpath.dirname(main)
    pages = {
        one.get("id", ""): posixpath.normpath(posixpath.join(folder, unquote(one.get("href", ""))))
        for one in _all(root, "item")
        if one.get("media-type") in _PAGES and "nav" not in one.get("properties", "").split()
    }
    spine = [one.get("idref", "") for one in _all(root, "itemref") if one.get("linear") != "no"]
    order = list(dict.fromkeys(pages[one] for one in spine if one in pages))
    if not order:
        raise Unreadable(_DAMAGED)
    return _described(root), order


def _described(root: Element) -> Document:
    modified = [one for one in _all(root, "meta") if one.get("property") == "dcterms:modified"]
    return Document(
        text="",
        title=_first(root, "title"),
        authors=people((one.text or "").strip() for one in _all(root, "creator")),
        created=_first(root, "date"),
        modified=next(((one.text or "") for one in modified), ""),
        language=_first(root, "language"),
    )


def _all(root: Element, name: str) -> list[Element]:
    return [one for one in root.iter() if local(one.tag) == name]


def _first(root: Element, name: str) -> str:
    return next(((one.text or "").strip() for one in _all(root, name) if one.text), "")


def _protected(package: Package) -> frozenset[str]:
    """Return the parts that only the shop's own program can read."""
    root = package.xml_if_any("META-INF/encryption.xml")
    found = [] if root is None else _all(root, "CipherReference")
    return frozenset(unquote(one.get("URI", "")) for one in found)
