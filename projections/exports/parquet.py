"""Rows as one Parquet file with a typed schema, written in row groups of bounded size.

pyarrow is an extra and is imported when a file is written. The same rows make the same bytes
with the same version of pyarrow, which every Parquet file names.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from itertools import accumulate, chain
from pathlib import Path
from types import ModuleType
from typing import Final

from projections.errors import ProjectionError
from projections.exports.chat import line
from projections.exports.files import Written, whole
from projections.roots import Root
from projections.rows import Row

__all__ = ["COLUMNS", "VERSION", "Table", "write"]

VERSION: Final = "1"
"""The version of the schema; a file names it under `twinvault.format`."""

COLUMNS: Final = {
    "id": "digest of the row: its items, its messages, its split",
    "pair": "names the example whatever its redaction",
    "kind": "what sort of example it is",
    "split": "train, or held: never to be learned",
    "messages": "the conversation; its last message alone is learned",
    "type": "data type of what is learned",
    "source": "source of what is learned",
    "style": "style of what is learned",
    "tags": "what it is about",
    "at": "when it was written",
    "statements": "statements of consent that permit it",
    "profile": "how strictly it was redacted",
    "masked": "what was masked in the learned words, by kind",
    "content": "SHA-256 of its line in the plain chat form",
}
"""What each column holds; a file says it again in the metadata of its fields."""

# A group is held in memory twice, as Python has it and as Arrow does.
_ROWS = 4_096
_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Written):
    """A written file and the content roots that it names: of all rows, of the `train` ones."""

    root: str
    learned: str


def write(rows: Iterable[Row], out: Path, *, home: Path) -> Table:
    """Write rows as a Parquet file, whole or not at all.

    Args:
        rows: The rows, read once.
        out: The file.
        home: The vault's folder.

    Raises:
        ProjectionError: pyarrow is not installed, there are no rows, or no reader takes one.
        UsageError: The file would lie within the vault.
        StorageError: The disk refused.
    """
    arrow, parquet = _pyarrow()
    root, learned, count = Root(), Root(), 0
    with whole(out, home=home) as file:
        schema = _schema(arrow)
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            for group in _groups(rows):
                for row, _ in group:
                    root.add(row)
                    if row.split == "train":
                        learned.add(row)
                count += len(group)
                writer.write_table(_batch(arrow, schema, group), row_group_size=len(group))
            if not count:
                raise ProjectionError(
                    "There is nothing to export; `twin consent allow TYPE train` permits some."
                )
            roots = {"root": root.hex(), "learned": learned.hex()}
            named = {"format": VERSION, "rows": str(count), **roots}
            writer.add_key_value_metadata({f"twinvault.{key}": named[key] for key in named})
        size = file.tell()
    return Table(rows=count, size=size, **roots)


def _pyarrow() -> tuple[ModuleType, ModuleType]:
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise ProjectionError(
            "Parquet needs pyarrow, which is not installed: `pip install 'twinvault[parquet]'`, "
            "or export `--format jsonl`."
        ) from error


def _groups(rows: Iterable[Row]) -> Iterator[list[tuple[Row, str]]]:
    """Yield rows with the digests of their lines in groups that fit in memory."""
    group: list[tuple[Row, str]] = []
    size = 0
    for row in rows:
        said = line(row)
        group.append((row, sha256(said).hexdigest()))
        size += len(said)
        if len(group) >= _ROWS or size >= _BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _schema(arrow: ModuleType) -> object:
    text = arrow.string()
    said = [arrow.field(name, text, nullable=False) for name in ("role", "content")]
    types = {
        "messages": arrow.list_(arrow.field("element", arrow.struct(said), nullable=False)),
        "tags": arrow.list_(arrow.field("element", text, nullable=False)),
        "statements": arrow.list_(arrow.field("element", text, nullable=False)),
        "at": arrow.timestamp("us", tz="UTC"),
        "masked": arrow.map_(text, arrow.int32()),
    }
    return arrow.schema(
        arrow.field(
            name,
            types.get(name, text),
            nullable=name == "at",
            metadata={"description": description},
        )
        for name, description in COLUMNS.items()
    )


def _batch(arrow: ModuleType, schema: object, group: Sequence[tuple[Row, str]]) -> object:
    """Return a group as columns; nested ones are built flat, which saves objects and time."""
    rows = [row for row, _ in group]
    facts = [row.facts for row in rows]
    messages = [message for row in rows for message in row.messages]
    masked = list(chain.from_iterable(one.masked for one in facts))

    def ends(sizes: Iterable[int]) -> object:
        return arrow.array(accumulate(sizes, initial=0), arrow.int32())

    def texts(values: Iterable[str]) -> object:
        return arrow.array(values, arrow.string())

    def lists(values: Sequence[Sequence[str]]) -> object:
        return arrow.ListArray.from_arrays(ends(map(len, values)), texts(chain(*values)))

    columns = {
        "id": texts(row.id for row in rows),
        "pair": texts(one.pair for one in facts),
        "kind": texts(one.kind for one in facts),
        "split": texts(row.split for row in rows),
        "messages": arrow.ListArray.from_arrays(
            ends(len(row.messages) for row in rows),
            arrow.StructArray.from_arrays(
                [texts(one.role for one in messages), texts(one.content for one in messages)],
                ["role", "content"],
            ),
        ),
        "type": texts(one.type for one in facts),
        "source": texts(one.source for one in facts),
        "style": texts(one.style for one in facts),
        "tags": lists([one.tags for one in facts]),
        "at": arrow.array((row.at for row in rows), arrow.timestamp("us", tz="UTC")),
        "statements": lists([row.statements for row in rows]),
        "profile": texts(one.profile.value for one in facts),
        "masked": arrow.MapArray.from_arrays(
            ends(len(one.masked) for one in facts),
            texts(kind for kind, _ in masked),
            arrow.array((count for _, count in masked), arrow.int32()),
        ),
        "content": texts(said for _, said in group),
    }
    return arrow.Table.from_arrays([columns[name] for name in COLUMNS], list(COLUMNS)).cast(schema)
