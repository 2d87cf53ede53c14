"""Texts and presentations of Office Open XML: `.docx` and `.pptx` (ECMA-376).

What tracked changes deleted is gone, what they inserted stays; footnotes stand at the end;
comments are told apart from the text. Pictures, charts, macros and embedded objects are left.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from vault.collectors.readers.document import Blocks, Document, people
from vault.collectors.readers.package import Package
from vault.collectors.readers.tree import Unreadable
from vault.collectors.readers.xml import Element, local, pieces

__all__ = ["read_office"]

_HEADING = re.compile(r"heading (\d)")
_DEEPEST_HEADING = 6
_SHORT = 16 << 20
_LONGEST_CHAIN = 20
_SIGNS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "\u2011"}
_LEFT_OUT = frozenset(
    (
        *("del", "moveFrom", "delText", "delInstrText", "instrText", "fldData", "rt", "object"),
        *("pPr", "rPr", "sdtPr", "sdtEndPr", "sectPr", "tblPr", "tblGrid", "trPr", "tcPr"),
    )
)
_NUMBERED_BY_MACHINE = frozenset({"sldNum", "dt", "ftr", "hdr", "sldImg"})
_TITLES = frozenset({"title", "ctrTitle"})


def read_office(package: Package) -> Document:
    """Return the text of a `.docx` or `.pptx`.

    Raises:
        Unreadable: It is damaged, or neither of them.
    """
    main = _main_part(package)
    if main.startswith("ppt/"):
        return _described(package, str(_slides(package, main)), ())
    if not main.startswith("word/"):
        raise Unreadable("it is neither a text nor a presentation")
    text = _Text(package, posixpath.dirname(main))
    for element in _body(package, main):
        text.block(element)
    return _described(package, text.finished(), tuple(text.comments()))


def _body(package: Package, main: str) -> Iterator[Element]:
    """Yield the blocks of a text: those of a long one by and by, which takes twice the time."""
    if package.size(main) <= _SHORT:
        for part in package.xml(main):
            yield from part
        return
    with package.open(main) as stream:
        yield from pieces(stream, depth=2)


def _main_part(package: Package) -> str:
    for kind, target in _relations(package, "").values():
        if kind == "officeDocument":
            return target
    return "word/document.xml"


def _relations(package: Package, part: str) -> dict[str, tuple[str, str]]:
    """Return kind and target of what a part refers to, by the number it uses for it."""
    folder, name = posixpath.split(part)
    root = package.xml_if_any(posixpath.join(folder, "_rels", name + ".rels"))
    found = {}
    for one in _inside(root):
        if one.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, one.get("Target", "")))
            kind = one.get("Type", "").rpartition("/")[2]
            found[one.get("Id", "")] = (kind, target.lstrip("/"))
    return found


def _described(package: Package, text: str, comments: tuple[str, ...]) -> Document:
    root = package.xml_if_any("docProps/core.xml")
    facts = {local(one.tag): one.text or "" for one in _inside(root)}
    return Document(
        text=text,
        title=facts.get("title", ""),
        authors=people([facts.get("creator", "")]),
        editors=people([facts.get("lastModifiedBy", "")]),
        created=facts.get("created", ""),
        modified=facts.get("modified", ""),
        language=facts.get("language", ""),
        keywords=facts.get("keywords", ""),
        comments=comments,
    )


def _attribute(element: Element | None, name: str) -> str:
    """Return an attribute, whatever its namespace."""
    if element is not None:
        for key, value in element.items():
            if local(key) == name:
                return value
    return ""


def _child(element: Element | None, *path: str) -> Element | None:
    for name in path:
        if element is None:
            return None
        element = next((one for one in element if local(one.tag) == name), None)
    return element


def _inside(element: Element | None) -> Iterable[Element]:
    return () if element is None else element


def _chosen(element: Element) -> Element:
    """Return of several ways to draw the same thing the first; the rest are for old programs."""
    choice = _child(element, "Choice")
    return choice if choice is not None else element


# --- texts ---


@dataclass(slots=True)
class _Style:
    """What a style makes of a paragraph."""

    heading: int = 0
    is_contents: bool = False
    list_: str = ""
    level: int = 0


@dataclass(slots=True)
class _Lists:
    """Which lists count and how far they have come."""

    bullets: dict[tuple[str, int], bool] = field(default_factory=dict)
    counts: dict[str, dict[int, int]] = field(default_factory=dict)

    def mark(self, list_: str, level: int) -> str:
        """Return what stands before the next item."""
        counts = self.counts.setdefault(list_, {})
        counts[level] = counts.get(level, 0) + 1
        for deeper in [one for one in counts if one > level]:
            del counts[deeper]
        is_bullet = self.bullets.get((list_, level), True)
        return "  " * min(level, 8) + ("- " if is_bullet else f"{counts[level]}. ")


class _Text:
    """A text on its way from paragraphs of Word to blocks."""

    def __init__(self, package: Package, folder: str) -> None:
        self._package = package
        self._folder = folder
        self._styles = _styles(self._part("styles.xml"))
        self._lists = _Lists(_bullets(self._part("numbering.xml")))
        self._blocks = Blocks()
        self._boxes: list[Element] = []
        self._referred: list[tuple[str, str]] = []
        self._begun = ""
        self._tables = 0

    def _part(self, name: str) -> Element | None:
        return self._package.xml_if_any(posixpath.join(self._folder, name))

    def block(self, element: Element) -> None:
        """Take a paragraph, a table, or what holds such."""
        name = local(element.tag)
        if name == "p":
            self._paragraph(element)
        elif name == "tbl":
            self._table(element)
        elif name == "AlternateContent":
            for child in _chosen(element):
                self.block(child)
        elif name not in _LEFT_OUT:
            for child in element:
                self.block(child)

    def _paragraph(self, paragraph: Element) -> None:
        parts = [self._begun]
        self._inline(paragraph, parts)
        text = "".join(parts)
        properties = _child(paragraph, "pPr")
        if _child(properties, "rPr", "del") is not None:
            self._begun = text  # the end of the paragraph was deleted: the next one goes on
            return
        self._begun = ""
        style = self._style(properties)
        if not style.is_contents:
            self._blocks.add(*self._marked(text, style))
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            self.block(box)

    def _marked(self, text: str, style: _Style) -> tuple[str, str]:
        if style.heading and text.strip():
            sign = "#" * min(style.heading, _DEEPEST_HEADING)
            return f"{sign} {' '.join(text.split())}", ""
        if style.list_ and text.strip():
            return self._lists.mark(style.list_, style.level) + text.strip(), "list"
        return text, ""

    def _style(self, properties: Element | None) -> _Style:
        style = self._styles.get(_attribute(_child(properties, "pStyle"), "val"), _Style())
        if properties is None:
            return style
        own = _Style(style.heading, style.is_contents, style.list_, style.level)
        _take_layout(own, properties)
        return own

    def _inline(self, element: Element, out: list[str]) -> None:
        for child in element:
            name = local(child.tag)
            if name == "t":
                out.append(child.text or "")
            elif name in _SIGNS:
                out.append(_SIGNS[name])
            elif name == "r":
                if len(child) and not _is_hidden(child[0]):
                    self._inline(child, out)
            elif name not in _LEFT_OUT:
                self._rare(child, name, out)

    def _rare(self, element: Element, name: str, out: list[str]) -> None:
        if name in {"footnoteReference", "endnoteReference"}:
            part = name.removesuffix("Reference") + "s.xml"
            self._referred.append((part, _attribute(element, "id")))
            out.append(f"[^{len(self._referred)}]")
        elif name == "txbxContent":
            self._boxes.append(element)
        elif name == "AlternateContent":
            self._inline(_chosen(element), out)
        else:
            self._inline(element, out)

    def _table(self, table: Element) -> None:
        rows = [
            [self._apart(cell) for cell in _beneath(row, "tc")]
            for row in _beneath(table, "tr")
            if _child(row, "trPr", "del") is None
        ]
        self._tables += 1
        kind = f"table {self._tables}"
        for row in rows:
            if len(row) == 1:  # drawn around paragraphs, for their looks
                self._blocks.add(row[0])
            elif any(row):
                self._blocks.add(" | ".join(" ".join(cell.split()) for cell in row), kind)

    def _apart(self, element: Element) -> str:
        """Return the text of what stands apart: a cell, a note, a comment."""
        outer, self._blocks = self._blocks, Blocks()
        try:
            for child in element:
                self.block(child)
            return str(self._blocks)
        finally:
            self._blocks = outer

    def finished(self) -> str:
        """Return the whole text, with the notes that it refers to."""
        self._blocks.add(self._begun)
        notes = {name: self._numbered(name) for name in dict(self._referred)}
        for number, (name, note) in enumerate(self._referred, 1):
            if (found := notes[name].get(note)) is not None:
                text = self._apart(found).replace("\n\n", "\n")
                self._blocks.add(f"[^{number}]: {text}", "note")
        return str(self._blocks)

    def _numbered(self, name: str) -> dict[str, Element]:
        return {_attribute(one, "id"): one for one in _inside(self._part(name))}

    def comments(self) -> Iterator[str]:
        """Yield what readers wrote at the margin, each behind its name."""
        for comment in _inside(self._part("comments.xml")):
            if text := self._apart(comment).strip():
                author = _attribute(comment, "author")
                yield f"{author}: {text}" if author else text


def _styles(root: Element | None) -> dict[str, _Style]:
    """Return what the styles of a text mean; a style means what the one beneath it means."""
    stated: dict[str, Element] = {}
    for one in _inside(root):
        if local(one.tag) == "style":
            stated[_attribute(one, "styleId")] = one
    return {name: _resolved(stated, name) for name in stated}


def _resolved(stated: dict[str, Element], name: str) -> _Style:
    chain: list[Element] = []
    while (one := stated.get(name)) is not None and len(chain) < _LONGEST_CHAIN:
        chain.append(one)
        name = _attribute(_child(one, "basedOn"), "val")
    style = _Style()
    for one in reversed(chain):
        _take_layout(style, _child(one, "pPr"))
        # Names of built-in styles are English in files of every language; their ids are not.
        title = _attribute(_child(one, "name"), "val").casefold()
        if found := _HEADING.fullmatch(title):
            style.heading = int(found.group(1))
        elif title == "title":
            style.heading = 1
        elif title.startswith("toc "):
            style.is_contents = True
    return style


def _take_layout(style: _Style, properties: Element | None) -> None:
    """Add to a style what properties of paragraphs say."""
    if properties is None:
        return
    outline = _attribute(_child(properties, "outlineLvl"), "val")
    if outline.isdecimal():
        level = int(outline)
        style.heading = level + 1 if level <= _DEEPEST_HEADING + 2 else 0
    if (numbers := _child(properties, "numPr")) is not None:
        number = _attribute(_child(numbers, "numId"), "val")
        level_of_list = _attribute(_child(numbers, "ilvl"), "val")
        style.list_ = style.list_ if not number else "" if number == "0" else number
        style.level = int(level_of_list) if level_of_list.isdecimal() else style.level


def _bullets(root: Element | None) -> dict[tuple[str, int], bool]:
    """Return of each list and level whether it has bullets; the others count."""
    levels: dict[str, list[tuple[int, bool]]] = {}
    found: dict[tuple[str, int], bool] = {}
    for one in _inside(root):
        if local(one.tag) == "abstractNum":
            levels[_attribute(one, "abstractNumId")] = [
                (int(at), _attribute(_child(level, "numFmt"), "val") in {"bullet", "none"})
                for level in one
                if local(level.tag) == "lvl" and (at := _attribute(level, "ilvl")).isdecimal()
            ]
        elif local(one.tag) == "num":
            list_ = _attribute(one, "numId")
            abstract = _attribute(_child(one, "abstractNumId"), "val")
            found |= {(list_, level): is_bullet for level, is_bullet in levels.get(abstract, ())}
    return found


def _is_hidden(properties: Element) -> bool:
    if local(properties.tag) != "rPr":
        return False
    vanish = _child(properties, "vanish")
    return vanish is not None and _attribute(vanish, "val") not in {"0", "false", "off"}


def _beneath(element: Element, name: str) -> Iterator[Element]:
    """Yield rows or cells, also those within what marks them as inserted or as a field."""
    for child in element:
        tag = local(child.tag)
        if tag == name:
            yield child
        elif tag in {"sdt", "sdtContent", "ins", "moveTo", "customXml"}:
            yield from _beneath(child, name)


# --- presentations ---


def _slides(package: Package, main: str) -> Blocks:
    blocks = Blocks()
    relations = _relations(package, main)
    numbers = [
        next((value for key, value in one.items() if key.endswith("}id")), "")
        for one in _inside(_child(package.xml(main), "sldIdLst"))
    ]
    # Each once: a list that names one large slide a million times is an attack.
    for kind, part in dict.fromkeys(relations.get(number, ("", "")) for number in numbers):
        if kind != "slide" or part not in package:
            continue
        _shapes(_child(package.xml(part), "cSld", "spTree"), blocks)
        for told, notes in _relations(package, part).values():
            if told == "notesSlide" and (root := package.xml_if_any(notes)) is not None:
                _shapes(_child(root, "cSld", "spTree"), blocks)
    return blocks


def _shapes(tree: Element | None, blocks: Blocks) -> None:
    for number, shape in enumerate(_inside(tree)):
        name = local(shape.tag)
        if name == "sp":
            _shape(shape, number, blocks)
        elif name == "grpSp":
            _shapes(shape, blocks)
        elif name == "AlternateContent":
            _shapes(_chosen(shape), blocks)
        elif name == "graphicFrame":
            for row in _inside(_child(shape, "graphic", "graphicData", "tbl")):
                cells = [" ".join(_lines(cell)) for cell in row if local(cell.tag) == "tc"]
                if any(cells):
                    blocks.add(" | ".join(cells), f"table {number}")


def _shape(shape: Element, number: int, blocks: Blocks) -> None:
    kind = _attribute(_child(shape, "nvSpPr", "nvPr", "ph"), "type")
    if kind in _NUMBERED_BY_MACHINE:
        return
    lines = _lines(_child(shape, "txBody"))
    if kind in _TITLES:
        title = " ".join(" ".join(lines).split())
        blocks.add(f"## {title}" if title else "")
        return
    for line in lines:
        blocks.add(line, f"shape {number}")


def _lines(body: Element | None) -> list[str]:
    """Return the paragraphs of a shape or a cell."""
    found = []
    for paragraph in () if body is None else body.iter():
        if local(paragraph.tag) == "p":
            parts = [
                "\n" if local(one.tag) == "br" else one.text or ""
                for one in paragraph.iter()
                if local(one.tag) in {"t", "br"}
            ]
            found.append("".join(parts).strip())
    return list(filter(None, found))
