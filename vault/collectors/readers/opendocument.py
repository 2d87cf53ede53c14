"""Texts and presentations of OpenDocument: `.odt` and `.odp` (OASIS ODF 1.3).

Deleted tracked changes stand apart from the text and are left there, as are hidden text and
tables of contents; annotations are told apart. Repetitions that a document states (empty
cells, spaces) are not carried out.
"""

import re
from collections.abc import Iterable, Iterator

from vault.collectors.readers.document import Blocks, Document, people
from vault.collectors.readers.package import Package
from vault.collectors.readers.tree import Unreadable
from vault.collectors.readers.xml import Element, local

__all__ = ["read_opendocument"]

_MOST_SPACES = 20
_DEEPEST_HEADING = 6
_SPACES = re.compile(r"[ \t\r\n]+")
_SIGNS = {"tab": "\t", "line-break": "\n"}
_LEFT_OUT = frozenset(
    (
        *("tracked-changes", "table-of-content", "hidden-text", "hidden-paragraph", "ruby-text"),
        *("sequence-decls", "forms", "note-citation", "page-number", "page-count", "date-time"),
        *("header", "footer", "desc", "title", "settings"),
    )
)


def read_opendocument(package: Package) -> Document:
    """Return the text of an `.odt` or `.odp`.

    Raises:
        Unreadable: It is damaged or protected, or neither of them.
    """
    manifest = "META-INF/manifest.xml"
    if manifest in package and b"encryption-data" in package.read(manifest):
        raise Unreadable("it is protected by a password")
    root = package.xml("content.xml")
    body = next((one for one in root if local(one.tag) == "body"), None)
    text = _Text(_numbering(root, package.xml_if_any("styles.xml")))
    for content in () if body is None else body:
        if local(content.tag) in {"text", "presentation"}:
            text.blocks_of(content)
            return _described(package, text)
    raise Unreadable("it is neither a text nor a presentation")


def _described(package: Package, text: "_Text") -> Document:
    root = package.xml_if_any("meta.xml")
    facts: dict[str, str] = {}
    for one in () if root is None else root.iter():
        value = (one.text or "").strip()
        name = local(one.tag)
        facts[name] = f"{facts[name]}; {value}" if name == "keyword" and name in facts else value
    return Document(
        text=text.finished(),
        title=facts.get("title", ""),
        authors=people([facts.get("initial-creator", "")]),
        editors=people([facts.get("creator", "")]),
        created=facts.get("creation-date", ""),
        modified=facts.get("date", ""),
        language=facts.get("language", ""),
        keywords=facts.get("keyword", ""),
        comments=tuple(text.comments),
    )


def _numbering(*roots: Element | None) -> frozenset[str]:
    """Return the list styles that count on their first level."""
    return frozenset(
        _attribute(style, "name")
        for root in roots
        if root is not None
        for style in root.iter()
        if local(style.tag) == "list-style"
        and len(style)
        and local(style[0].tag) == "list-level-style-number"
    )


def _attribute(element: Element, name: str) -> str:
    return next((value for key, value in element.items() if local(key) == name), "")


def _rows(table: Element) -> Iterator[Element]:
    """Yield the rows of a table, not those of tables within its cells."""
    for child in table:
        name = local(child.tag)
        if name == "table-row":
            yield child
        elif name in {"table-rows", "table-header-rows", "table-row-group"}:
            yield from _rows(child)


def _spaced(text: str | None) -> str:
    """Return text as it is meant: however much white space stands there, it is one space."""
    return _SPACES.sub(" ", text) if text else ""


class _Text:
    """A text on its way from paragraphs of OpenDocument to blocks."""

    def __init__(self, numbering: frozenset[str]) -> None:
        self._numbering = numbering
        self._blocks = Blocks()
        self._notes: list[str] = []
        self._boxes: list[Element] = []
        self._tables = 0
        self.comments: list[str] = []

    def blocks_of(self, element: Iterable[Element]) -> None:
        """Take the paragraphs, lists and tables in an element."""
        for child in element:
            name = local(child.tag)
            if name in {"p", "h"}:
                self._paragraph(child, name)
            elif name == "list":
                self._list(child, "", 0)
            elif name == "table":
                self._table(child)
            elif name == "frame" and _attribute(child, "class") == "title":
                title = " ".join(self._apart(child).split())
                self._blocks.add(f"## {title}" if title else "")
            elif name == "annotation":
                self._comment(child)
            elif name not in _LEFT_OUT:
                self.blocks_of(child)

    def _paragraph(self, paragraph: Element, name: str, mark: str = "", kind: str = "") -> None:
        text = self._words(paragraph)
        if name == "h" and text:
            level = _attribute(paragraph, "outline-level")
            sign = "#" * min(max(int(level) if level.isdecimal() else 1, 1), _DEEPEST_HEADING)
            text = f"{sign} {' '.join(text.split())}"
        self._blocks.add(mark + text if text else "", kind)
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            self.blocks_of(box)

    def _words(self, element: Element) -> str:
        out = [_spaced(element.text)]
        self._inline(element, out)
        return "".join(out).strip()

    def _inline(self, element: Element, out: list[str]) -> None:
        for child in element:
            name = local(child.tag)
            if name in _SIGNS:
                out.append(_SIGNS[name])
            elif name == "s":
                count = _attribute(child, "c")
                out.append(" " * min(int(count) if count.isdecimal() else 1, _MOST_SPACES))
            elif name == "note":
                self._note(child, out)
            elif name == "annotation":
                self._comment(child)
            elif name == "frame":
                self._boxes.append(child)
            elif name not in _LEFT_OUT:
                out.append(_spaced(child.text))
                self._inline(child, out)
            out.append(_spaced(child.tail))

    def _note(self, note: Element, out: list[str]) -> None:
        number = len(self._notes) + 1
        out.append(f"[^{number}]")
        self._notes.append("")
        self._notes[number - 1] = self._apart(note).replace("\n\n", "\n")

    def _comment(self, annotation: Element) -> None:
        author = next((one.text or "" for one in annotation if local(one.tag) == "creator"), "")
        told = [one for one in annotation if local(one.tag) in {"p", "list"}]
        if text := self._apart(told):
            self.comments.append(f"{author}: {text}" if author else text)

    def _list(self, list_: Element, style: str, level: int) -> None:
        style = _attribute(list_, "style-name") or style
        number = 0
        for item in list_:
            if local(item.tag) not in {"list-item", "list-header"}:
                continue
            number += 1
            sign = f"{number}. " if style in self._numbering else "- "
            mark = "  " * min(level, 8) + sign
            for child in item:
                name = local(child.tag)
                if name == "list":
                    self._list(child, style, level + 1)
                elif name == "h":  # numbered headings are written as lists
                    self._paragraph(child, name)
                elif name == "p":
                    self._paragraph(child, name, mark, "list")
                    mark = " " * len(mark)

    def _table(self, table: Element) -> None:
        self._tables += 1
        kind = f"table {self._tables}"
        for row in _rows(table):
            cells = [self._apart(cell) for cell in row if local(cell.tag) == "table-cell"]
            while cells and not cells[-1]:
                cells.pop()
            if cells:
                self._blocks.add(" | ".join(" ".join(cell.split()) for cell in cells), kind)

    def _apart(self, element: Iterable[Element]) -> str:
        """Return the text of what stands apart: a cell, a note, a comment."""
        outer, self._blocks = self._blocks, Blocks()
        try:
            self.blocks_of(element)
            return str(self._blocks)
        finally:
            self._blocks = outer

    def finished(self) -> str:
        """Return the whole text, with its notes."""
        for number, note in enumerate(self._notes, 1):
            self._blocks.add(f"[^{number}]: {note}" if note else "", "note")
        return str(self._blocks)
