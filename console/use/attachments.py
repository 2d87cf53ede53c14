"""The files that came with an item: which there are, and their bytes out of the vault."""

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from console.bootstrap import Twin
from projections import outside
from vault.contents import read
from vault.disk import storage
from vault.errors import NotFound
from vault.events import Disclosed
from vault.items import Attachment

__all__ = ["Attached", "Kept", "Whole", "attached", "hand_out", "kept", "whole", "write"]

_LONGEST = 120
_MOST = 1000  # letters of either end of a name that are looked at
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file that came with an item; `kept` says whether its bytes are in the vault.

    `file` is where they were written, None where they were not.
    """

    name: str
    media_type: str
    size: int
    sha256: str
    kept: bool
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """The files of an item."""

    id: str
    attachments: tuple[Kept, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """All bytes of a file, and a name that no system takes for something else."""

    name: str
    content: bytes


def kept(twin: Twin, files: tuple[Attachment, ...]) -> tuple[Kept, ...]:
    """Return files as they are shown, each with whether its bytes are in the vault."""
    return tuple(_shown(file, bool(_blocks(twin, file))) for file in files)


def attached(twin: Twin, item_id: str) -> Attached:
    """Return the files of an item.

    Raises:
        NotFound: There is no such item.
        Erased: It was erased.
    """
    twin.catch_up()
    stored = twin.views.timeline.show(twin.views.timeline.root(item_id))
    return Attached(id=stored.id, attachments=kept(twin, stored.item.attachments))


def whole(twin: Twin, item_id: str, number: int) -> Whole:
    """Return a file of an item, the first of them with the number 0.

    Raises:
        NotFound: There is no such item or file, or the vault does not have its bytes.
        Erased: It was erased.
        TamperError: The bytes in the vault are not those of the file.
    """
    twin.catch_up()
    stored = twin.views.timeline.show(twin.views.timeline.root(item_id))
    files = stored.item.attachments[number : number + 1] if number >= 0 else ()
    for file in files:
        if entries := _blocks(twin, file):
            return Whole(name=_safe(file.name), content=b"".join(read(twin.log, file, entries)))
    raise NotFound(f"The vault has the bytes of no such attachment of {stored.id}.")


def hand_out(twin: Twin, item_id: str, number: int) -> Whole:
    """Return a file of an item for the owner's browser, which the log says; otherwise as `whole`."""
    found = whole(twin, item_id, number)
    twin.vault.record(_handed(twin.views.timeline.root(item_id), outside.DOWNLOADS, 1))
    return found


def _handed(item: str, place: str, files: int) -> Disclosed:
    return outside.handed("attachments", place=place, items=files, about=item)


def write(twin: Twin, item_id: str, out: Path) -> Attached:
    """Write the files of an item into a folder, under names of their own; none is overwritten.

    Raises:
        NotFound: There is no such item, or the vault has the bytes of none of its files.
        Erased: It was erased.
        StorageError: The disk refused.
        TamperError: The bytes in the vault are not those of the file; it is not written.
    """
    twin.catch_up()
    stored = twin.views.timeline.show(twin.views.timeline.root(item_id))
    files = stored.item.attachments
    if not any(_blocks(twin, file) for file in files):
        raise NotFound(f"The vault has the bytes of no attachment of {stored.id}.")
    twin.vault.record(_handed(stored.id, str(out.resolve()), len(files)))
    with storage(f"The folder {out}"):
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = tuple(_write(twin, file, out) for file in files)
    return Attached(id=stored.id, attachments=written)


def _write(twin: Twin, file: Attachment, out: Path) -> Kept:
    entries = _blocks(twin, file)
    if not entries:
        return _shown(file, there=False)
    path, descriptor = _new(out, _safe(file.name))
    try:
        with os.fdopen(descriptor, "wb") as opened:
            for block in read(twin.log, file, entries):
                opened.write(block)
    except BaseException:
        path.unlink()
        raise
    return _shown(file, there=True, path=path)


def _blocks(twin: Twin, file: Attachment) -> tuple[str, ...]:
    return twin.views.timeline.attached.blocks(file)


def _shown(file: Attachment, there: bool, path: Path | None = None) -> Kept:
    return Kept(
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        sha256=file.sha256,
        kept=there,
        file=path,
    )


def _new(folder: Path, name: str) -> tuple[Path, int]:
    """Make a file that was not there, under the first name that is free."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    for path in _names(folder, name):
        try:
            return path, os.open(path, flags, 0o600)
        except FileExistsError:
            continue
    raise AssertionError("there is always another name")


def _names(folder: Path, name: str) -> Iterator[Path]:
    first = folder / name
    yield first
    number = 2
    while True:
        yield first.with_name(f"{first.stem} ({number}){first.suffix}")
        number += 1


def _safe(name: str) -> str:
    """Return a name that no file system and no shell takes for something else.

    The name was chosen by whoever sent the file.
    """
    # A run of accents is put in order in quadratic time.
    name = name if len(name) <= 2 * _MOST else name[:_MOST] + name[-_MOST:]
    plain = unicodedata.normalize("NFC", name).encode("utf-8", "replace").decode()
    plain = "".join(one for one in plain if unicodedata.category(one) not in {"Cc", "Cf", "Cs"})
    plain = _UNSAFE.sub("_", plain).strip(". ")
    if _RESERVED.match(plain):
        plain = f"_{plain}"
    stem, dot, suffix = plain.rpartition(".")
    stem, suffix = (stem, dot + suffix) if stem and len(suffix) <= 10 else (plain, "")  # noqa: PLR2004
    stem = stem[:_LONGEST]
    while len((stem + suffix).encode()) > _LONGEST:
        stem = stem[:-1]
    return f"{stem}{suffix}" if stem else f"attachment{suffix}"
