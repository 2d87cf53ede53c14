"""Any table, CSV or JSON Lines, whose owner says in a small file which column means what.

`docs/tables.md` shows the file. It lies beside the table (`chat.mapping.toml` for `chat.csv`)
or, for all tables of a folder, in it (`twinvault-mapping.toml`).
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers import markup
from vault.collectors.readers.beside import folder_of
from vault.collectors.readers.lines import (
    DELIMITERS,
    Broken,
    Lines,
    Row,
    cells,
    objects,
    table,
)
from vault.collectors.readers.mapping import TYPES, Clock, Mapping, clock, read_mapping
from vault.collectors.readers.text import clean
from vault.collectors.readers.time import When
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "Table"]

_OF_FOLDER = "twinvault-mapping.toml"
_OF_TABLE = ".mapping.toml"
_LARGEST_MAPPING = 1 << 20
_OBJECTS = frozenset({".jsonl", ".ndjson"})
_SUFFIXES = _OBJECTS | {".csv", ".tsv", ".tab", ".txt"}
_ROWS_BETWEEN = 1000
_REMEMBERED = 1 << 16
_MOST_RECIPIENTS = 64


class Table:
    """Reads tables that have a mapping."""

    name = "table"
    types = TYPES
    version = 1
    about = About(
        title="Any table",
        formats=(
            ("CSV or TSV with a mapping file", Evidence.DOCUMENTED),
            ("JSON Lines with a mapping file", Evidence.DOCUMENTED),
        ),
        paths=("chat.csv with chat.mapping.toml", "export/twinvault-mapping.toml"),
        how="Write down which column means what, as docs/tables.md shows, and add the folder.",
    )

    def detect(self, tree: Tree) -> float:
        """Return 1 for a table with a mapping, and for the mapping."""
        if len(tree.files) != 1:
            return 0.0
        file = tree.files[0]
        if _is_mapping(file):
            return 1.0
        return 1.0 if file.suffix in _SUFFIXES and _mapping_of(tree, file) else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - rows may change anywhere
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield one item for each row."""
        done = 0
        for file in tree.files:
            try:
                if _is_mapping(file):
                    _check(tree, file)
                else:
                    yield from _table(tree, file, me, done)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Table()


def _is_mapping(file: File) -> bool:
    return file.name == _OF_FOLDER or file.name.endswith(_OF_TABLE)


def _mapping_of(tree: Tree, table: File) -> File | None:
    """Return the mapping beside a table, else the nearest of the folders that hold it."""
    stem = table.path[: len(table.path) - len(table.suffix)]
    folders = [folder := folder_of(table.path)]
    while folder:
        folders.append(folder := folder_of(folder[:-1]))
    places = (stem + _OF_TABLE, table.path + _OF_TABLE, *(one + _OF_FOLDER for one in folders))
    return next((found for place in places if (found := _at(tree, place))), None)


def _at(tree: Tree, path: str) -> File | None:
    found = tree.find(path.replace("!", "/"), "")
    return found if found is not None and found.path == path else None


def _opened(tree: Tree, file: File) -> Mapping:
    with tree.open(file.path) as stream:
        return read_mapping(stream.read_all(_LARGEST_MAPPING))


def _check(tree: Tree, file: File) -> None:
    """Look at a mapping for its own sake.

    Raises:
        Unreadable: It is wrong, or there is nothing that it is for.
    """
    _opened(tree, file)
    bare = file.path.removesuffix(_OF_TABLE)
    if bare != file.path and not any(_at(tree, bare + suffix) for suffix in ("", *_SUFFIXES)):
        raise Unreadable("there is no table of this name beside the mapping")


@dataclass(slots=True)
class _Reading:
    """What is the same for all rows of a table."""

    file: File
    mapping: Mapping
    clock: Clock | None
    name: str
    owners: frozenset[str]
    seen: set[str] = field(default_factory=set)
    equal: OrderedDict[bytes, int] = field(default_factory=OrderedDict)

    def text(self, row: Row, column: str) -> str:
        """Return the text in a column, nothing where none is mapped."""
        return _said(self._value(row, column)) if column else ""

    def names(self, row: Row, column: str) -> list[str]:
        """Return the names in a column, nothing where none is mapped."""
        return _several(self._value(row, column)) if column else []

    def _value(self, row: Row, column: str) -> object:
        """Return what stands in a column; of nested objects `outer.inner`."""
        if column in row.values:
            self.seen.add(column)
            return row.values[column]
        value: object = row.values
        for part in column.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None:
            self.seen.add(column)
        return value

    def number(self, row: Row) -> str:
        """Return an id made of the whole row, and of its number among equal ones nearby."""
        digest = sha256(row.whole.encode("utf-8", "replace")).digest()[:16]
        number = self.equal[digest] = self.equal.pop(digest, 0) + 1
        if len(self.equal) > _REMEMBERED:
            self.equal.popitem(last=False)
        return digest.hex() + (f"~{number}" if number > 1 else "")


def _table(tree: Tree, file: File, me: frozenset[str], done: int) -> Iterator[Record]:
    found = _mapping_of(tree, file)
    if found is None:
        raise Unreadable("there is no mapping for it; docs/tables.md says how to write one")
    mapping = _opened(tree, found)
    when = mapping.when
    reading = _Reading(
        file,
        mapping,
        clock(when.format, when.zone) if when else None,
        clean(mapping.name or file.name[: len(file.name) - len(file.suffix)]),
        me | {normal(name) for name in mapping.owners},
    )
    with tree.open(file.path) as stream:
        lines = Lines(stream, mapping.encoding)
        number = 0
        for number, row in enumerate(_rows(lines, file, mapping), start=1):
            yield _record(reading, row)
            if number % _ROWS_BETWEEN == 0:
                yield Progress(done=done + lines.size, total=tree.size)
    if not number:
        raise Unreadable("there is no row in it")
    if file.suffix in _OBJECTS and (missing := set(mapping.columns) - reading.seen):
        raise Unreadable(f"the mapping names {min(missing)!r}, which no line has")


def _rows(lines: Lines, file: File, mapping: Mapping) -> Iterator[Row | Broken]:
    if file.suffix in _OBJECTS:
        return objects(lines)
    first = _first(lines)
    delimiters = [mapping.delimiter] if mapping.delimiter else list(DELIMITERS)
    if first.startswith("sep=") and len(first.strip()) == len("sep=,"):
        delimiters, first = [first[4]], _first(lines)  # what Excel writes on top
    heads = [[clean(name) for name in cells(first, delimiter)] for delimiter in delimiters]
    found = [sum(name in head for name in mapping.columns) for head in heads]
    best = found.index(max(found))
    for name in mapping.columns:
        if name not in heads[best]:
            raise Unreadable(f"the mapping names the column {name!r}, which the table has not")
    return table(lines, heads[best], delimiters[best])


def _first(lines: Lines) -> str:
    for line in lines:
        if line is None or line.strip():
            return line or ""
    raise Unreadable("there is no row in it")


def _record(reading: _Reading, row: Row | Broken) -> Item | Bad:
    locator = f"{reading.file.path}#{row.line}"
    if isinstance(row, Broken):
        return Bad(locator=locator, reason=row.reason)
    try:
        return _item(reading, row, locator)
    except Unreadable as error:
        return Bad(locator=locator, reason=str(error))


def _item(reading: _Reading, row: Row, locator: str) -> Item:
    mapping = reading.mapping
    said = reading.text(row, mapping.author)
    author = _agent(said) if said else None
    when = _when(reading, row)
    own_id = reading.text(row, mapping.id)
    return Item(
        source=SOURCE.name,
        native_id=f"{reading.name}:{own_id or reading.number(row)}",
        type=_type(reading, row, author),
        at=when.at,
        offset=when.offset,
        precision=when.precision,
        assumed=when.assumed,
        author=author,
        to=tuple(_agent(name) for name in reading.names(row, mapping.to)[:_MOST_RECIPIENTS]),
        conversation=reading.text(row, mapping.conversation) or reading.name,
        title=reading.text(row, mapping.title),
        text=reading.text(row, mapping.text),
        tags=markup.tags(reading.names(row, mapping.tags)),
        locator=locator,
    )


def _said(value: object) -> str:
    """Return a value as text.

    Raises:
        Unreadable: It is a list or an object.
    """
    match value:
        case None:
            return ""
        case str():
            return clean(value).strip()
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
    raise Unreadable("a list or an object stands where the mapping expects text")


def _several(value: object) -> list[str]:
    """Return the names in a list, or in one text between semicolons."""
    if isinstance(value, list):
        return [said for one in value if (said := _said(one))]
    said = _said(value)
    mark = "," if ";" not in said and "@" in said else ";"
    return [name for part in said.split(mark) if (name := part.strip())]


@lru_cache(maxsize=4096)
def _agent(name: str) -> Agent:
    digits = normal(name)
    if "@" in name and " " not in name:
        return Agent(id=f"mailto:{name}", name="")
    if digits.isdigit() and name.startswith("+"):
        return Agent(id=f"tel:+{digits}", name=name)
    return Agent(id=f"name:{name}", name=name)


def _when(reading: _Reading, row: Row) -> When:
    if reading.clock is None or reading.mapping.when is None:
        return When()
    said = reading.text(row, reading.mapping.when.column)
    when = reading.clock(said)
    if when is None and said:
        raise Unreadable("its time is not written as the mapping says")
    return when or When()


def _type(reading: _Reading, row: Row, author: Agent | None) -> str:
    """Return the type of a row; whoever is unknown is somebody else.

    Raises:
        Unreadable: The mapping has none for it.
    """
    mapped = reading.mapping.type
    if not isinstance(mapped, str):
        name = mapped.values.get(reading.text(row, mapped.column))
        if name is None:
            raise Unreadable("the mapping has no type for what stands in the column of types")
        mapped = name
    is_own = author is not None and bool({normal(author.id), normal(author.name)} & reading.owners)
    if mapped in TYPES:
        if mapped.startswith("message.") or is_own or author is None:
            return mapped
        raise Unreadable("somebody else wrote it, and of others only messages are read")
    return f"{mapped}.{'sent' if is_own else 'received'}"
