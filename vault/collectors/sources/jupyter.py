"""Jupyter notebooks: the words and the code in their order, without what the code put out.

`text` is the notebook as Markdown, code in fences; `text_new` the words alone. A notebook
says no time of its own, so its name's or its file's is taken.
"""

import re
from collections.abc import Iterator

import msgspec

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers import markup
from vault.collectors.readers.beside import Beside, contents
from vault.collectors.readers.headings import named_with
from vault.collectors.readers.json import loads
from vault.collectors.readers.shown import shown
from vault.collectors.readers.text import clean
from vault.collectors.readers.time import When, from_file, parse_iso
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Bad, Item, Progress

__all__ = ["SOURCE", "Jupyter"]

_NOTE = "document.note"
_LARGEST = 256 << 20
_LONGEST_TEXT = 16 << 20
_WRITTEN = ("created", "date", "modified")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")
_MOST_HASHES = 6
_FENCE = "```"


class Jupyter:
    """Reads Jupyter notebooks."""

    name = "jupyter"
    types = frozenset({_NOTE})
    version = 1
    about = About(
        title="Jupyter notebooks",
        formats=(
            ("nbformat 4", Evidence.DOCUMENTED),
            ("nbformat 3", Evidence.DOCUMENTED),
        ),
        paths=("analysis.ipynb",),
        how="Add the notebook or the folder that holds it.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a notebook."""
        if len(tree.files) != 1 or tree.files[0].suffix != ".ipynb":
            return 0.0
        head = tree.head(tree.files[0].path).lstrip(b"\xef\xbb\xbf \t\r\n")
        return 0.95 if head.startswith(b"{") else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a notebook is read as a whole
        me: frozenset[str],  # noqa: ARG002 - whoever wrote a notebook, it is the owner's
    ) -> Iterator[Record]:
        """Yield one item for each notebook."""
        done = 0
        for file in tree.files:
            try:
                yield from _notebook(tree, file)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Jupyter()


class _Cell(msgspec.Struct):
    """A cell; `input`, `language` and `level` are of nbformat 3."""

    cell_type: str = ""
    language: str | None = None
    source: str | list[str] | None = None
    input: str | list[str] | None = None
    level: int | None = None

    @property
    def text(self) -> str:
        """What stands in it."""
        said = self.source if self.source is not None else self.input
        return said if isinstance(said, str) else "".join(said or ())


class _Worksheet(msgspec.Struct):
    cells: list[_Cell] = []


class _Notebook(msgspec.Struct):
    nbformat: int = 0
    cells: list[_Cell] | None = None
    worksheets: list[_Worksheet] | None = None
    metadata: dict[str, object] | None = None


def _notebook(tree: Tree, file: File) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        notebook = loads(stream.read_all(_LARGEST), _Notebook)
    cells = notebook.cells
    if cells is None and notebook.worksheets is not None:
        cells = [cell for sheet in notebook.worksheets for cell in sheet.cells]
    if cells is None:
        raise Unreadable("it is no notebook")
    if sum(len(cell.text) for cell in cells) > _LONGEST_TEXT:
        raise Unreadable(f"there are more than {_LONGEST_TEXT >> 20} MiB of text in it")
    metadata = notebook.metadata or {}
    said = [(cell, _said(cell, _language(metadata))) for cell in cells]
    text = clean("\n\n".join(part for _, part in said if part))
    written = clean("\n\n".join(part for cell, part in said if part and cell.cell_type != "code"))
    found = shown(tree, file, markup.shown_files(written), but=frozenset({".ipynb"}))
    yield _item(tree, file, metadata, found, text=text, written=written)
    yield from contents(tree, found)


def _said(cell: _Cell, language: str) -> str:
    """Return a cell as Markdown."""
    text = cell.text.strip("\r\n")
    if not text.strip():
        return ""
    if cell.cell_type == "code":
        fence = _FENCE
        while fence in text:
            fence += "`"
        return f"{fence}{cell.language or language}\n{text}\n{fence}"
    if cell.cell_type == "heading":
        return "#" * max(1, min(cell.level or 1, _MOST_HASHES)) + " " + text
    return text


def _language(metadata: dict[str, object]) -> str:
    """Return the language of the code, where the notebook names one."""
    for place, key in (("language_info", "name"), ("kernelspec", "language")):
        facts = metadata.get(place)
        name = facts.get(key) if isinstance(facts, dict) else None
        if isinstance(name, str) and _LANGUAGE.fullmatch(name):
            return name.lower()
    return ""


def _item(
    tree: Tree,
    file: File,
    metadata: dict[str, object],
    found: list[Beside],
    *,
    text: str,
    written: str,
) -> Item:
    called = tree.called(file.path)
    stem = file.name[: len(file.name) - len(file.suffix)]
    stated = metadata.get("title") or metadata.get("name")
    words = markup.words(written)
    when = _when(metadata, stem, file)
    return Item(
        source=SOURCE.name,
        native_id=called,
        type=_NOTE,
        at=when.at,
        offset=when.offset,
        precision=when.precision,
        assumed=when.assumed,
        conversation=called[: len(called) - len(file.suffix)],
        title=clean(stated if isinstance(stated, str) else "")
        or markup.heading(written)
        or clean(stem),
        text=text,
        text_new=None if words == text else words,
        tags=markup.tags((), written),
        attachments=tuple(attached for _, attached in found),
        locator=file.path,
    )


def _when(metadata: dict[str, object], stem: str, file: File) -> When:
    for name in _WRITTEN:
        stated = metadata.get(name)
        if isinstance(stated, str) and (when := parse_iso(stated)):
            return when
    return named_with(stem) or from_file(file.modified)
