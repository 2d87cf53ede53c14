"""Markdown notes: single files, folders, Obsidian vaults; one note is one item.

`text` is the note as it stands; `text_new` its words: links show what a reader sees,
comments and embedded files are gone. Front matter is read by a parser that knows a few
lines of YAML and nothing that could be used as a bomb.
"""

import re
from collections.abc import Iterator

from vault.collectors.api import Record
from vault.collectors.readers.attached import attachment
from vault.collectors.readers.frontmatter import split
from vault.collectors.readers.text import clean, decode, is_binary
from vault.collectors.readers.time import When, from_file, from_name, parse_iso
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.items import Attachment, Bad, Item, Progress

__all__ = ["SOURCE", "Markdown"]

_NOTE = "document.note"
_JOURNAL = "document.journal"
_SUFFIXES = frozenset({".md", ".markdown", ".mdown"})
_LARGEST = 16 << 20
_MOST_EMBEDS = 200
_WRITTEN = ("created", "created_at", "creation date", "date created", "date", "datetime", "datum")

_DAILY = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
_EMBED = re.compile(r"!\[\[([^\[\]|#\n]{1,300})(?:[#|][^\[\]\n]{0,300})?\]\]")
_IMAGE = re.compile(r"!\[[^\[\]\n]{0,300}\]\(([^()\s]{1,500})\)")
_WIKILINK = re.compile(r"\[\[([^\[\]|\n]{1,300})(?:\|([^\[\]\n]{0,300}))?\]\]")
_COMMENT = re.compile(r"%%.*?%%", re.DOTALL)
_BLOCK_ID = re.compile(r"[ \t]\^[A-Za-z0-9-]{1,64}$", re.MULTILINE)
_HEADING = re.compile(r"#[ \t]+(\S[^\n]{0,300})")


class Markdown:
    """Reads Markdown notes."""

    name = "markdown"
    types = frozenset({_NOTE, _JOURNAL})
    version = 1

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
                yield _note(tree, file)
            except Unreadable as error:
                yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Markdown()


def _note(tree: Tree, file: File) -> Item:
    with tree.open(file.path) as stream:
        data = stream.read_all(_LARGEST)
    if is_binary(data[:4096]):
        raise Unreadable("it is no text")
    facts, body = split(clean(decode(data)))
    text = body.strip("\n")
    words = _words(text)
    where = tree.relative(file.path)
    stem = file.name[: len(file.name) - len(file.suffix)]
    when = _when(facts, stem, file)
    return Item(
        source=SOURCE.name,
        native_id=where,
        type=_JOURNAL if _DAILY.match(stem) else _NOTE,
        at=when.at,
        offset=when.offset,
        precision=when.precision,
        assumed=when.assumed,
        # A note is a conversation of its own: what is said about one is said about no other.
        conversation=_conversation(tree, where, file.suffix),
        title=_title(facts, text, stem),
        text=text,
        text_new=None if words == text else words,
        attachments=tuple(_embedded(tree, file, text)),
        locator=file.path,
    )


def _conversation(tree: Tree, where: str, suffix: str) -> str:
    stem = where[: len(where) - len(suffix)] if suffix else where
    return f"{tree.name}/{stem}" if tree.base else stem


def _title(facts: dict[str, str], text: str, stem: str) -> str:
    if title := facts.get("title"):
        return title
    found = _HEADING.match(text)
    return found.group(1).strip().rstrip("#").strip() if found else clean(stem)


def _when(facts: dict[str, str], stem: str, file: File) -> When:
    """Return when a note was written: a full time before a day, the file's own time last."""
    stated = [when for name in _WRITTEN if (when := parse_iso(facts.get(name, "")))]
    exact = [when for when in stated if when.precision != "day"]
    named = from_name(stem)
    return next(iter([*exact, *stated, *([named] if named else [])]), from_file(file.modified))


def _words(text: str) -> str:
    """Return what a reader of the note sees of its words."""
    if "[[" not in text and "%%" not in text and "![" not in text and " ^" not in text:
        return text
    text = _COMMENT.sub("", text)
    text = _IMAGE.sub("", _EMBED.sub("", text))
    text = _WIKILINK.sub(lambda link: link.group(2) or link.group(1).rpartition("/")[2], text)
    return _BLOCK_ID.sub("", text).strip("\n")


def _embedded(tree: Tree, note: File, text: str) -> Iterator[Attachment]:
    """Yield the files that a note shows, where they are there."""
    names = [*_EMBED.findall(text), *_IMAGE.findall(text)]
    for name in dict.fromkeys(names[:_MOST_EMBEDS]):
        file = tree.find(name.strip(), note.path)
        if file is None or file.suffix in _SUFFIXES:
            continue
        if shown := attachment(tree, file):
            yield shown
