"""Markdown notes: single files, folders, Obsidian vaults, Logseq graphs; one note is one item.

`text` is the note as it stands; `text_new` its words: links show what a reader sees,
comments and embedded files are gone. Front matter is read by a parser that knows a few
lines of YAML and nothing that could be used as a bomb.
"""

from collections.abc import Iterator

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers import markup
from vault.collectors.readers.beside import Beside, contents
from vault.collectors.readers.frontmatter import Facts, split
from vault.collectors.readers.headings import named_for, named_with
from vault.collectors.readers.shown import shown
from vault.collectors.readers.text import clean, decode, is_binary
from vault.collectors.readers.time import When, from_file, parse_iso
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Bad, Item, Progress

__all__ = ["SOURCE", "Markdown"]

_NOTE = "document.note"
_JOURNAL = "document.journal"
_SUFFIXES = frozenset({".md", ".markdown", ".mdown"})
_LARGEST = 16 << 20
_WRITTEN = ("created", "created_at", "creation date", "date created", "date", "datetime", "datum")
_TAGGED = ("tags", "tag", "keywords")


class Markdown:
    """Reads Markdown notes."""

    name = "markdown"
    types = frozenset({_NOTE, _JOURNAL})
    version = 2
    about = About(
        title="Markdown notes",
        formats=(
            ("Markdown files with front matter", Evidence.DOCUMENTED),
            ("Obsidian vault", Evidence.DOCUMENTED),
            ("Logseq graph", Evidence.DOCUMENTED),
        ),
        paths=("Notes/Idea.md", "vault/daily/2024-01-05.md", "journals/2024_01_05.md"),
        how="Add the folder of the vault or graph itself.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a note."""
        if len(tree.files) != 1 or tree.files[0].suffix not in _SUFFIXES:
            return 0.0
        return 0.0 if is_binary(tree.head(tree.files[0].path)) else 0.9

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a note is small enough to be read again
        me: frozenset[str],  # noqa: ARG002 - whoever wrote a note, it is the owner's
    ) -> Iterator[Record]:
        """Yield one item for each file."""
        done = 0
        for file in tree.files:
            try:
                yield from _note(tree, file)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Markdown()


def _note(tree: Tree, file: File) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    if is_binary(data[:4096]):
        raise Unreadable("it is no text")
    facts, body = split(clean(decode(data)))
    text = body.strip("\n")
    found = shown(tree, file, markup.shown_files(text), but=_SUFFIXES)
    yield _item(tree, file, facts, text, found)
    yield from contents(tree, found)


def _item(tree: Tree, file: File, facts: Facts, text: str, found: list[Beside]) -> Item:
    words = markup.words(text)
    called = tree.called(file.path)
    stem = file.name[: len(file.name) - len(file.suffix)]
    when = _when(facts, stem, file)
    return Item(
        source=SOURCE.name,
        native_id=called,
        type=_JOURNAL if named_for(stem) else _NOTE,
        at=when.at,
        offset=when.offset,
        precision=when.precision,
        assumed=when.assumed,
        # A note is a conversation of its own: what is said about one is said about no other.
        conversation=called[: len(called) - len(file.suffix)],
        title=_first(facts, "title") or markup.heading(text) or clean(stem),
        text=text,
        text_new=None if words == text else words,
        language=_language(facts),
        tags=markup.tags(_stated_tags(facts), text),
        attachments=tuple(attached for _, attached in found),
        locator=file.path,
    )


def _first(facts: Facts, *names: str) -> str:
    return next((facts[name][0] for name in names if facts.get(name)), "")


def _language(facts: Facts) -> str:
    """Return a stated language where it is a tag as in BCP 47, not the name of one."""
    stated = _first(facts, "lang", "language").replace("_", "-")
    primary = stated.partition("-")[0]
    is_tag = primary.isascii() and primary.isalpha() and len(primary) in {2, 3}
    return stated.lower() if is_tag else ""


def _stated_tags(facts: Facts) -> Iterator[str]:
    """Yield the tags of the front matter; one line of them is cut at its commas."""
    for name in _TAGGED:
        for value in facts.get(name, []):
            yield from value.split(" " if value.startswith("#") else ",")


def _when(facts: Facts, stem: str, file: File) -> When:
    """Return when a note was written: a full time before a day, the file's own time last."""
    stated = [when for name in _WRITTEN if (when := parse_iso(_first(facts, name)))]
    exact = [when for when in stated if when.precision != "day"]
    named = named_with(stem)
    return next(iter([*exact, *stated, *([named] if named else [])]), from_file(file.modified))
