"""Google Keep, as Takeout writes it: a JSON file for each note, and the same note as HTML.

Folders and files are named in the owner's language, so content decides. A note has no id; the
microsecond in which it was made is one. Labels are tags, and so is the bin or the archive.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from vault.collectors.api import About, Evidence, Record
from vault.collectors.readers import markup
from vault.collectors.readers.beside import Beside, contents
from vault.collectors.readers.json import loads
from vault.collectors.readers.shown import shown
from vault.collectors.readers.text import clean
from vault.collectors.readers.time import When, from_file
from vault.collectors.readers.tree import File, Tree, Unreadable
from vault.consent import normal
from vault.items import Agent, Bad, Item, Progress

__all__ = ["SOURCE", "Keep"]

_NOTE = "document.note"
_LARGEST = 16 << 20
_HEADS = 3
_LOOKED_AT = 4096
_STAMP = re.compile(rb'"(?:userEdited|created)TimestampUsec"\s*:\s*"?\d')
_STATE = re.compile(rb'"(?:isTrashed|isArchived|isPinned|textContent|listContent|color)"\s*:')
_LABELS = "labels.txt"
_MICROSECONDS = 1_000_000
_LAST = 1 << 52


class Keep:
    """Reads the notes of Google Keep."""

    name = "keep"
    types = frozenset({_NOTE})
    version = 1
    about = About(
        title="Google Keep",
        formats=(("Google Takeout, Keep", Evidence.DOCUMENTED),),
        paths=("takeout-20240105T101500Z-001.zip", "Takeout/Keep/Shopping.json"),
        how="Ask takeout.google.com for Keep and add the zip that it sends.",
    )

    def detect(self, tree: Tree) -> float:
        """Return how surely a file is a note of Keep, or a folder holds nothing else."""
        if len(tree.files) == 1:
            return 0.95 if _is_note(tree, tree.files[0]) else 0.0
        if any("/" in tree.relative(file.path) or "!" in tree.relative(file.path) for file in tree):
            return 0.0
        notes = [file for file in tree if file.suffix == ".json"]
        alone = [file for file in tree if file.suffix in {".txt", ".csv", ".md", ".zip"}]
        if not notes or any(file.name.lower() != _LABELS for file in alone):
            return 0.0
        return 0.95 if all(_is_note(tree, file) for file in notes[:_HEADS]) else 0.0

    def read(
        self,
        tree: Tree,
        cursor: bytes | None,  # noqa: ARG002 - a note is small enough to be read again
        me: frozenset[str],
    ) -> Iterator[Record]:
        """Yield one item for each note; its twin in HTML counts as read."""
        done = 0
        seen: set[str] = set()
        for file in tree.files:
            if file.suffix == ".json":
                try:
                    yield from _read(tree, file, me, seen)
                except Unreadable as error:
                    yield Bad(locator=file.path, reason=str(error))
            done += file.size
            yield Progress(done=done, total=tree.size)


SOURCE = Keep()


class _Label(msgspec.Struct):
    name: str | None = None


class _Line(msgspec.Struct):
    text: str | None = None
    is_checked: bool | None = msgspec.field(default=None, name="isChecked")


class _Annotation(msgspec.Struct):
    title: str | None = None
    url: str | None = None


class _File(msgspec.Struct):
    path: str | None = msgspec.field(default=None, name="filePath")


class _Person(msgspec.Struct):
    email: str | None = None
    is_owner: bool | None = msgspec.field(default=None, name="isOwner")


class _Note(msgspec.Struct, rename="camel"):
    """What a note states; `null` stands wherever nothing is."""

    title: str | None = None
    text_content: str | None = None
    list_content: list[_Line] | None = None
    labels: list[_Label] | None = None
    annotations: list[_Annotation] | None = None
    attachments: list[_File] | None = None
    sharees: list[_Person] | None = None
    is_trashed: bool | None = None
    is_archived: bool | None = None
    created_timestamp_usec: int | float | str | None = None
    user_edited_timestamp_usec: int | float | str | None = None


def _is_note(tree: Tree, file: File) -> bool:
    if file.suffix != ".json":
        return False
    head = tree.head(file.path)
    return (
        head[:_LOOKED_AT].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
        and _STAMP.search(head) is not None
        and _STATE.search(head) is not None
    )


def _read(tree: Tree, file: File, me: frozenset[str], seen: set[str]) -> Iterator[Record]:
    with tree.open(file.path) as stream:
        note = loads(stream.read_all(_LARGEST), _Note)
    made, edited = (
        _microsecond(note.created_timestamp_usec),
        _microsecond(note.user_edited_timestamp_usec),
    )
    if made is None and edited is None:
        raise Unreadable("it is no note of Google Keep")
    names = [one.path for one in note.attachments or () if one.path]
    found = shown(tree, file, _with_twins(names), but=frozenset({".json", ".html"}))
    native_id = str(made) if made else tree.called(file.path)
    if native_id in seen:
        native_id = f"{native_id}#{file.name}"
    seen.add(native_id)
    when = _when(made or edited, file)
    yield _item(file, note, found, native_id=native_id, when=when, me=me)
    yield from contents(tree, found)
    _consume(tree, file)


def _with_twins(names: list[str]) -> Iterator[str]:
    """Yield names of files; what is called `.jpeg` in a note may be called `.jpg` on disk."""
    for name in names:
        yield name
        stem, _, suffix = name.rpartition(".")
        if other := {"jpeg": "jpg", "jpg": "jpeg", "3gp": "3gpp", "3gpp": "3gp"}.get(
            suffix.lower()
        ):
            yield f"{stem}.{other}"


def _consume(tree: Tree, note: File) -> None:
    """Mark what says the same once more: the note as HTML, and the list of all labels."""
    folder = note.path[: len(note.path) - len(note.name)]
    for name in (note.name[: -len(note.suffix)] + ".html", "Labels.txt"):
        twin = tree.find(name, note.path)
        if twin is not None and twin.path == folder + twin.name:
            tree.opened.add(twin.path)


def _microsecond(stamp: float | str | None) -> int | None:
    try:
        value = int(stamp or 0)
    except (ValueError, OverflowError):
        return None
    return value if 0 < value < _LAST else None


def _when(stamp: int | None, file: File) -> When:
    if stamp is None:
        return from_file(file.modified)
    return When(at=datetime.fromtimestamp(stamp // _MICROSECONDS, UTC))


def _item(
    file: File,
    note: _Note,
    found: list[Beside],
    *,
    native_id: str,
    when: When,
    me: frozenset[str],
) -> Item:
    stem = file.name[: -len(file.suffix)]
    title = clean(note.title or "").strip()
    own = _text(note)
    links = [
        f"{link.title or ''} {link.url}".strip() for link in note.annotations or () if link.url
    ]
    text = "\n\n".join(filter(None, (own, clean("\n".join(links)))))
    states = (("Archive", note.is_archived), ("Trash", note.is_trashed))
    labels = [label.name or "" for label in note.labels or ()]
    return Item(
        source=SOURCE.name,
        native_id=native_id,
        type=_NOTE,
        at=when.at,
        offset=when.offset,
        precision=when.precision,
        assumed=when.assumed,
        to=_others(note, me),
        conversation=f"Keep/{clean(stem)}",
        title=title or clean(stem),
        text=text,
        # Titles of linked pages are words of their authors.
        text_new=own if links else None,
        tags=markup.tags([clean(name) for name in (*labels, *(s for s, on in states if on))]),
        attachments=tuple(attached for _, attached in found),
        locator=file.path,
    )


def _text(note: _Note) -> str:
    """Return the words of a note, its list with what is ticked."""
    lines = [
        f"- [{'x' if line.is_checked else ' '}] {line.text or ''}"
        for line in note.list_content or ()
    ]
    return clean("\n".join(filter(None, (note.text_content or "", "\n".join(lines))))).strip("\n")


def _others(note: _Note, me: frozenset[str]) -> tuple[Agent, ...]:
    """Return with whom a note is shared."""
    emails = [one.email for one in note.sharees or () if one.email and not one.is_owner]
    return tuple(Agent(id=f"mailto:{email}") for email in emails if normal(email) not in me)
