"""Notion: the zip of an export, pages as Markdown or HTML and databases as CSV.

A page is known by the 32 hexadecimal digits in its name, so that it stays itself when it is
renamed or moved. A row of a database that has a page is that page; one that has none is read
from the CSV of all rows. Archives within the archive are the tree's matter.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.beside import contents
from vault.collectors.readers.headings import named_for, named_with
from vault.collectors.readers.notion_page import (
    Page,
    columns,
    from_html,
    from_markdown,
    rows,
    tags_of,
    when_of,
)
from vault.collectors.readers.shown import shown
from vault.collectors.readers.text import clean, is_binary
from vault.collectors.readers.time import from_file
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Attachment, Bad, Item, Progress

__all__ = ["SOURCE", "Notion"]

_NOTE = "document.note"
_JOURNAL = "document.journal"
_LARGEST = 32 << 20
_SUFFIXES = frozenset({".md", ".html", ".csv"})
_ID = re.compile(r"[0-9a-f]{32}")
_ALL = "_all"
_WRAPPER = re.compile(r"Export(?:Block)?-[0-9a-f-]{3,}(?:-Part-\d+)?(?:\.zip)?", re.IGNORECASE)
_ARTICLE = re.compile(rb'<(?:article|div) id="[0-9a-f-]{32,36}"[^>]{0,200}class="page\b')
_LOOKED_AT = 20
_SHORTEST_CUT = 20
_ALIKE = 5


class Notion:
    """Reads exports of Notion."""

    name = "notion"
    types = frozenset({_NOTE, _JOURNAL})
    version = 1
    about = About(
        title="Notion",
        formats=(
            ("Markdown & CSV", Evidence.DOCUMENTED),
            ("HTML", Evidence.DOCUMENTED),
        ),
        paths=("Export-0f3c2b1a.zip", "Journal 39d2b6745dc68012930afe9bc14d27eb.md"),
        how="Ask Notion's settings to export all workspace content with subpages; add the zip.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a page or database, or a folder an export."""
        if len(tree.files) == 1:
            return 0.95 if _is_ours(tree, tree.files[0]) else 0.0
        pages = [file for file in tree if file.suffix in _SUFFIXES and _named(file).id]
        if not pages:
            return 0.0
        keys = {_key(file) for file in pages}
        named = {file.path for file in pages}
        strays = (file for file in tree if file.path not in named and file.name != "index.html")
        if not all(_is_within(file.path, keys) for file in strays):
            return 0.0
        return 0.95 if all(_is_ours(tree, file) for file in pages[:_LOOKED_AT]) else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a page is small enough to be read again
        me: frozenset[str],  # noqa: ARG002 - a page says nowhere who wrote it
    ) -> Iterator[Record]:
        """Yield one item for each page, and one for each row without a page."""
        export = _survey(tree)
        done = 0
        for file in tree.files:
            try:
                yield from _file(tree, file, export)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Notion()


@dataclass(frozen=True, slots=True)
class _Name:
    """What the name of a file says: `is_whole` marks the CSV of all rows of a database."""

    title: str
    id: str
    is_whole: bool


def _named(file: File) -> _Name:
    stem = file.name[: len(file.name) - len(file.suffix)]
    is_whole = file.suffix == ".csv" and stem.endswith(_ALL)
    title, page_id = _cut(stem.removesuffix(_ALL) if is_whole else stem)
    return _Name(title, page_id, is_whole)


def _cut(name: str) -> tuple[str, str]:
    """Return the title and the id of a name that has one."""
    page_id = name[-32:]
    return (name[:-32].rstrip(" _-"), page_id) if _ID.fullmatch(page_id) else (name, "")


def _bare(path: str) -> str:
    """Return the path of a folder without the ids in it."""
    return "/".join(_cut(part)[0] for part in path.replace("!", "/").split("/"))


def _key(file: File) -> str:
    """Return the path of a page without ids, which is that of the folder of what it holds."""
    return _bare(file.path[: len(file.path) - len(file.name)]) + _named(file).title


def _is_within(path: str, keys: set[str]) -> bool:
    """Whether a file lies in the folder of a page."""
    folder = _bare(path)
    while folder := folder.rpartition("/")[0]:
        if folder in keys:
            return True
    return False


def _is_ours(tree: Tree, file: File) -> bool:
    """Whether a file is a page or a database, by its name and its beginning."""
    named = _named(file)
    if file.suffix not in _SUFFIXES or not (named.id or file.suffix == ".html"):
        return False
    head = tree.head(file.path)
    if file.suffix == ".html":
        return _ARTICLE.search(head) is not None
    if file.suffix == ".csv" or is_binary(head):
        return not is_binary(head)
    # The name is the title, cut and without the signs that no file name may have.
    first = clean(head[:1000].decode("utf-8", "ignore")).lstrip("\ufeff").partition("\n")[0]
    return first.startswith("# ") and _letters(first)[:_ALIKE] == _letters(named.title)[:_ALIKE]


def _letters(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


@dataclass(slots=True)
class _Export:
    """What is known of an export before its pages are read, by paths without ids.

    `pages` are the letters of the titles in a folder, `columns` those of the database whose
    folder it is, `whole` the databases of which there is a CSV of all rows.
    """

    pages: dict[str, Counter[str]] = field(default_factory=dict)
    columns: dict[str, frozenset[str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def has_page(self, folder: str, title: str) -> bool:
        """Whether there is a page for one more row of that title; names of files are cut."""
        pages = self.pages.get(folder)
        if not pages:
            return False
        letters = _letters(title or "Untitled")
        for end in range(len(letters), min(len(letters), _SHORTEST_CUT) - 1, -1):
            if pages[letters[:end]] > 0:
                pages[letters[:end]] -= 1
                return True
        return False


def _survey(tree: Tree) -> _Export:
    export = _Export()
    for file in tree.files:
        if file.suffix in {".md", ".html"}:
            folder, _, title = _key(file).rpartition("/")
            export.pages.setdefault(folder, Counter())[_letters(title)] += 1
        elif file.suffix == ".csv":
            if _named(file).is_whole:
                export.whole.add(_key(file))
            try:
                # The other CSV has only the columns that a view shows.
                export.columns[_key(file)] = export.columns.get(_key(file), frozenset()) | columns(
                    tree.head(file.path)
                )
            except Unreadable:
                continue
    return export


def _file(tree: Tree, file: File, export: _Export) -> Iterator[Record]:
    if file.suffix == ".csv":
        yield from _database(tree, file, export)
    elif file.suffix == ".md" or (file.suffix == ".html" and _is_ours(tree, file)):
        yield from _page(tree, file, export)
    elif file.name == "index.html":
        tree.opened.add(file.path)  # the list of all pages


def _page(tree: Tree, file: File, export: _Export) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    if is_binary(data[:4096]):
        raise Unreadable("it is no text")
    if file.suffix == ".html":
        page = from_html(data)
    else:
        page = from_markdown(data, export.columns.get(_key(file).rpartition("/")[0]))
    named = _named(file)
    page.title = page.title or clean(named.title)
    page.id = page.id or named.id or "/".join((*_parents(tree, file), file.name))
    found = shown(tree, file, page.files, but=_SUFFIXES)
    yield _item(page, file, _parents(tree, file), file.path, [attached for _, attached in found])
    yield from contents(tree, found)


def _parents(tree: Tree, file: File) -> tuple[str, ...]:
    """Return the titles of the pages above one, whatever wraps the export."""
    inner = tree.relative(file.path).rpartition("!")[2]
    parts = _bare(inner).split("/")[:-1]
    return tuple(clean(part) for part in parts if part and not _WRAPPER.fullmatch(part))


def _item(
    page: Page, file: File, parents: tuple[str, ...], locator: str, attached: list[Attachment]
) -> Item:
    when = when_of(page.properties) or named_with(page.title) or from_file(file.modified)
    return Item(
        source=SOURCE.name,
        native_id=page.id,
        type=_JOURNAL if named_for(page.title) else _NOTE,
        at=when.at,
        offset=when.offset,
        precision=when.precision,
        assumed=when.assumed,
        conversation="/".join((*parents, page.title)),
        title=page.title,
        text=page.text,
        text_new=None if page.words == page.text else page.words,
        tags=tags_of(page.properties),
        attachments=tuple(attached),
        locator=locator,
    )


def _database(tree: Tree, file: File, export: _Export) -> Iterator[Record]:
    """Yield the rows of a database that have no page of their own."""
    named, key = _named(file), _key(file)
    if not named.is_whole and key in export.whole:
        tree.opened.add(file.path)  # the same rows, as far as a view shows them
        return
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    if is_binary(data[:4096]):
        raise Unreadable("it is no text")
    parents = (*_parents(tree, file), clean(named.title))
    numbers: Counter[str] = Counter()
    for line, row in rows(data):
        locator = f"{file.path}#{line}"
        if row is None:
            yield Bad(locator=locator, reason="the row has not as many cells as there are columns")
            continue
        title = next(iter(row.values()))
        if export.has_page(key, title) or not any(row.values()):
            continue
        numbers[title] += 1
        identity = sha256(f"{title}\x1f{numbers[title]}".encode()).hexdigest()[:32]
        text = "\n".join(f"{name}: {value}" for name, value in row.items() if value)
        page = Page(f"{named.id or key}#{identity}", title, text, text, row)
        yield _item(page, file, parents, locator, [])
