"""Plain text: a file is a note, or a journal where dates stand as headings.

Of a journal each entry is an item. A file that is named for a day is the entry of that day,
and one that is named for a year says of which year its dates without one are.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers.headings import Heading, headings, named_for, named_with, year_of
from vault.collectors.readers.text import clean, decode, is_binary
from vault.collectors.readers.time import from_file
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Bad, Item, Progress

__all__ = ["SOURCE", "Text"]

_NOTE = "document.note"
_JOURNAL = "document.journal"
_SUFFIXES = frozenset({".txt", ".text", ".journal"})
_LARGEST = 32 << 20


class Text:
    """Reads plain text and journals."""

    name = "text"
    types = frozenset({_NOTE, _JOURNAL})
    version = 2
    about = About(
        title="Plain text and journals",
        formats=(
            ("Plain text of any charset", Evidence.REAL),
            ("Journal with dates as headings or in its name", Evidence.INFERRED),
        ),
        paths=("list.txt", "journal 2024.txt", "2024-01-05 at sea.txt"),
        how="Add the file or the folder that holds them.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is plain text that somebody wrote."""
        if len(tree.files) != 1 or tree.files[0].suffix not in _SUFFIXES:
            return 0.0
        return 0.0 if is_binary(tree.head(tree.files[0].path)) else 0.3

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a text is small enough to be read again
        me: frozenset[str],  # noqa: ARG002 - whoever wrote a text, it is the owner's
    ) -> Iterator[Record]:
        """Yield the entries of journals and the texts without dates."""
        done = 0
        for file in tree.files:
            try:
                yield from _file(tree, file)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Text()


@dataclass(slots=True)
class _Piece:
    """A stretch of a file: where it begins, its date if it has one, and its words."""

    offset: int
    heading: Heading | None
    text: str


def _file(tree: Tree, file: File) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    if is_binary(data[:4096]):
        raise Unreadable("it is no text")
    text = clean(decode(data))
    folder = file.path.replace("!", "/").split("/")[-2:-1]
    year = year_of(_stem(file), "".join(folder))
    pieces = list(_pieces(text, year))
    if not pieces:
        raise Unreadable("there is no text in it")
    numbers: Counter[str] = Counter()
    for piece in pieces:
        yield _item(tree, file, piece, numbers)


def _stem(file: File) -> str:
    return file.name[: len(file.name) - len(file.suffix)]


def _pieces(text: str, year: int | None) -> Iterator[_Piece]:
    """Cut a text at its date headings; stretches without words are none."""
    found = headings(text, year)
    before = text[: found[0].start] if found else text
    if before.strip():
        yield _Piece(0, None, before.strip("\n"))
    ends = [heading.start for heading in found[1:]] + [len(text)]
    for heading, end in zip(found, ends, strict=False):
        words = text[heading.end : end].strip("\n")
        if words.strip():
            yield _Piece(heading.start, heading, words)


def _item(tree: Tree, file: File, piece: _Piece, numbers: Counter[str]) -> Item:
    called = tree.called(file.path)
    stem = _stem(file)
    heading = piece.heading
    when = heading.when if heading else named_with(stem) or from_file(file.modified)
    native_id = called
    if heading and when.at:
        numbers[day := when.at.isoformat()] += 1
        native_id = f"{called}#{day}" + (f"~{numbers[day]}" if numbers[day] > 1 else "")
    is_journal = heading is not None or named_for(stem)
    return Item(
        source=SOURCE.name,
        native_id=native_id,
        type=_JOURNAL if is_journal else _NOTE,
        at=when.at,
        offset=when.offset,
        precision=when.precision,
        assumed=when.assumed,
        conversation=called[: len(called) - len(file.suffix)],
        title=heading.title if heading else clean(stem),
        text=piece.text,
        locator=f"{file.path}#{piece.offset}",
    )
