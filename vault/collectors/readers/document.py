"""A document as all its formats have it: words, title, authors and dates; and its item.

The text is Markdown in little: headings behind `#`, items of lists behind `-`, cells between
`|`. So a letter from an office program and a note look alike to what learns from them.

Whose words: a document is its owner's, unless it names only others as its authors or says
where it was published; then its type ends in `.received`, like every word of somebody else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from vault.collectors.readers.json import loads
from vault.collectors.readers.text import clean
from vault.collectors.readers.time import When, from_file, parse_iso
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Agent, Item

__all__ = ["Blocks", "Document", "item", "people"]

_LONGEST = 32 << 20
_LARGEST_INFO = 1 << 20
_MOST_TAGS = 50
_INFO = "-info.json"
_SEPARATOR = re.compile(r"\s*[;,]\s*")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_].*)?")

# What programs write where nobody has told them a name or a title.
_NOBODY = frozenset(
    (
        "",
        "(anonymous)",
        "(unspecified)",
        "administrator",
        "admin",
        "anonymous",
        "author",
        "google docs",
        "microsoft office user",
        "owner",
        "pc",
        "python-docx",
        "root",
        "unknown",
        "unspecified",
        "user",
    )
)
_NO_TITLE = re.compile(
    r"untitled(?: document)?|\(anonymous\)|\(unspecified\)|word document|powerpoint presentation"
    r"|microsoft (?:word|powerpoint) - .*|document\d*|presentation\d*|slide 1|unknown",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a document says, and what it says of itself.

    `authors` are those whom it names, `editors` those who changed it; `created` and
    `modified` are ISO 8601 as it states them. `comments` are words of whoever read it.
    `published` is set where it was taken from somewhere, as far as one can tell.
    """

    text: str
    title: str = ""
    authors: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    created: str = ""
    modified: str = ""
    language: str = ""
    keywords: str = ""
    comments: tuple[str, ...] = ()
    published: bool = False


class Blocks:
    """Text that is put together: paragraphs apart, the lines of a list or table together."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._kind = ""
        self._letters = 0

    def add(self, text: str, kind: str = "") -> None:
        """Add a paragraph; it follows one of the same kind, if that has a name, on the next line.

        Raises:
            Unreadable: The text of the document becomes too long.
        """
        text = text.strip("\n").rstrip()
        if not text.strip():
            return
        self._letters += len(text)
        if self._letters > _LONGEST:
            raise Unreadable(f"its text is longer than the {_LONGEST >> 20} MiB read at once")
        if self._parts:
            self._parts.append("\n" if kind and kind == self._kind else "\n\n")
        self._parts.append(text)
        self._kind = kind

    def __str__(self) -> str:
        return "".join(self._parts)


def people(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of people among what a document states as such, each once."""
    found = (clean(name).strip() for stated in names for name in re.split(r"\s*;\s*", stated))
    return tuple(dict.fromkeys(name for name in found if name.casefold() not in _NOBODY))


class _Person(msgspec.Struct):
    name: str = ""
    email_address: str = ""
    role: str = ""


class _Info(msgspec.Struct):
    """What Google's Takeout tells of a file of Drive, in a file beside it."""

    title: str = ""
    created: str = ""
    content_last_modified: str = ""
    permissions: list[_Person] = []


def item(
    tree: Tree,
    file: File,
    document: Document,
    *,
    source: str,
    type_: str,
    me: frozenset[str],
    chapter: tuple[int, str] | None = None,
) -> Item:
    """Return the item of a document, or of a chapter.

    Args:
        tree: Where the file lies; what Takeout says of the file there is read as well.
        file: The file.
        document: What it holds.
        source: The source that read it.
        type_: Its data type as the owner's words.
        me: The owner's names and addresses as `vault.consent.normal` writes them.
        chapter: Its number and its name in the file, where that holds several documents.
    """
    info = _told(tree, file)
    owners = [one for one in info.permissions if one.role == "owner"]
    authors = document.authors or tuple(one.name or one.email_address for one in owners)
    known = [one.email_address for one in owners] if not document.authors else []
    named = (*authors, *document.editors, *known)
    mine = next((name for name in named if normal(name) in me), "")
    others = bool(authors or document.published) and not mine
    author = mine if mine in {*authors, *document.editors} else next(iter(authors), "")
    text, own = clean(document.text), None
    if document.comments:
        told = clean("\n".join(document.comments))
        text, own = f"{text}\n\n{told}".strip("\n"), text
    called = tree.called(file.path)
    stem = file.name[: len(file.name) - len(file.suffix)]
    title = _title(document.title) or _title(info.title.removesuffix(file.suffix)) or clean(stem)
    when = _when(document, info, file)
    return Item(
        source=source,
        native_id=f"{called}!{chapter[1]}" if chapter else called,
        type=f"{type_}.received" if others else type_,
        at=when.at,
        offset=when.offset,
        precision=when.precision,
        assumed=when.assumed,
        author=Agent(id=f"name:{author}", name=author) if author else None,
        # With its suffix: a letter and its PDF are said different things about.
        conversation=called,
        title=title,
        text=text,
        text_new=own,
        language=_language(document.language),
        tags=_tags(document.keywords),
        locator=f"{file.path}#{chapter[0]}" if chapter else file.path,
    )


def _told(tree: Tree, file: File) -> _Info:
    """Return what lies beside a document and tells of it."""
    stem = file.name[: len(file.name) - len(file.suffix)]
    for name in (file.name + _INFO, stem + _INFO):
        found = tree.find(name, file.path)
        if found is None or found.path.rpartition("/")[0] != file.path.rpartition("/")[0]:
            continue
        try:
            with tree.open(found.path) as stream:
                return loads(stream.read_all(_LARGEST_INFO), _Info)
        except Unreadable:
            tree.opened.discard(found.path)
    return _Info()


def _title(stated: str) -> str:
    title = " ".join(clean(stated).split())
    return "" if _NO_TITLE.fullmatch(title) else title


def _when(document: Document, info: _Info, file: File) -> When:
    stated = (document.created, info.created, document.modified, info.content_last_modified)
    return next(filter(None, map(parse_iso, stated)), from_file(file.modified))


def _language(stated: str) -> str:
    found = _LANGUAGE.fullmatch(stated.strip())
    return found.group(1).lower() if found else ""


def _tags(keywords: str) -> tuple[str, ...]:
    found = _SEPARATOR.split(clean(keywords).strip())
    return tuple(dict.fromkeys(filter(None, found)))[:_MOST_TAGS]
