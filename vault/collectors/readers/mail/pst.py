"""A `.pst` or `.ost`: the folders of an Outlook mailbox, read by libpff.

libpff is native code and under the LGPL, so it is an extra that is loaded only here, in the
reading child. It sees a stream and never a path. Before each message the place is noted: one
that kills it costs itself.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import IO, Protocol, cast

from vault.collectors.readers.mail.mapi import WANTED, Enclosed, Letter, Properties, is_mail
from vault.collectors.readers.text import clean
from vault.collectors.readers.tree import Unreadable
from vault.items import Attachment

__all__ = ["MISSING", "Filed", "filed", "is_pst", "opened"]

MISSING = 'reading it needs libpff; install it with pip install "twinvault[pst]" and add it again'

_MAGIC = b"!BDN"
_CLASS, _PASSWORD = 0x001A, 0x67FF
_METHOD, _EMBEDDED = 0x3705, 5
_HELD = 64 << 20
_BLOCK = 1 << 20
_DEEPEST = 64
_DEEPEST_LETTER = 8
_ERRORS = (OSError, ValueError, RuntimeError, TypeError, AttributeError, LookupError, SystemError)


class _Entry(Protocol):
    entry_type: int | None
    value_type: int | None
    data: bytes | None


class _Records(Protocol):
    number_of_entries: int

    def get_entry(self, number: int) -> _Entry: ...


class _Object(Protocol):
    """What all objects of libpff have."""

    identifier: int
    number_of_record_sets: int

    def get_record_set(self, number: int) -> _Records: ...


class _Attachment(_Object, Protocol):
    size: int | None
    number_of_sub_items: int

    def read_buffer(self, size: int) -> bytes: ...
    def get_sub_item(self, number: int) -> "_Message": ...


class _Message(_Object, Protocol):
    recipients: _Object | None
    number_of_attachments: int

    def get_attachment(self, number: int) -> _Attachment: ...


class _Folder(Protocol):
    identifier: int
    name: str | None
    number_of_sub_folders: int
    number_of_sub_messages: int

    def get_sub_folder(self, number: int) -> "_Folder": ...
    def get_sub_message(self, number: int) -> _Message: ...


class File(Protocol):
    """An opened mailbox."""

    message_store: _Object | None
    root_folder: _Folder

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """An object of a mailbox: its number, the folder that holds it, and how to read it."""

    identifier: int
    folder: str
    read: Callable[[], Letter]


def is_pst(head: bytes) -> bool:
    """Whether a file begins as Outlook's mailboxes do."""
    return head.startswith(_MAGIC)


def opened(raw: IO[bytes]) -> File:
    """Open a mailbox.

    Raises:
        Unreadable: libpff is not installed, or the file is damaged or has a password.
    """
    try:
        import pypff  # type: ignore[import-not-found] # noqa: PLC0415 - an extra
    except ImportError as error:
        raise Unreadable(MISSING) from error
    mailbox = pypff.file()
    try:
        mailbox.open_file_object(raw)
        store = mailbox.message_store
        is_locked = store is not None and _properties(store).number(_PASSWORD) != 0
    except _ERRORS as error:
        raise Unreadable("the mailbox is damaged or cut off") from error
    if is_locked:
        raise Unreadable("it has a password; take it off in Outlook and add the mailbox again")
    return cast("File", mailbox)


def filed(mailbox: File, enter: Callable[[int], str]) -> Iterator[Filed]:
    """Yield the objects of a mailbox, folder by folder.

    Args:
        mailbox: The mailbox.
        enter: Told the number of each folder before it is listed; returns why an earlier
            reader died there, or nothing.
    """
    waiting: list[tuple[_Folder | None, str, int]] = [(mailbox.root_folder, "", 0)]
    seen: set[int] = set()
    while waiting:
        folder, path, depth = waiting.pop()
        number = 0
        try:
            if folder is None:
                raise OSError
            number = folder.identifier
            if number in seen or depth > _DEEPEST:
                continue
            seen.add(number)
            reason = enter(number)
            if not reason:
                yield from _messages(folder, path, seen)
                waiting += _below(folder, path, depth)
        except _ERRORS:
            reason = "the folder cannot be listed"
        if reason:
            yield Filed(identifier=number, folder=path, read=partial(_refuse, reason))


def _messages(folder: _Folder, path: str, seen: set[int]) -> Iterator[Filed]:
    for number in range(folder.number_of_sub_messages):
        message = folder.get_sub_message(number)
        identifier = message.identifier
        # The folders of a search show what lies in others.
        if identifier not in seen:
            seen.add(identifier)
            yield Filed(identifier=identifier, folder=path, read=partial(_read, message))


def _below(folder: _Folder, path: str, depth: int) -> list[tuple[_Folder | None, str, int]]:
    found: list[tuple[_Folder | None, str, int]] = []
    for number in reversed(range(folder.number_of_sub_folders)):
        inner = _subfolder(folder, number)
        # What cannot be reached is found out, and told, when it is to be listed.
        name = clean(inner.name or "").replace("/", "-") if inner else ""
        # The folders at the top are Outlook's own; nobody filed anything in their names.
        found.append((inner, f"{path}/{name}".strip("/") if depth else "", depth + 1))
    return found


def _subfolder(folder: _Folder, number: int) -> _Folder | None:
    try:
        return folder.get_sub_folder(number)
    except _ERRORS:
        return None


def _refuse(reason: str) -> Letter:
    raise Unreadable(reason)


def _read(message: _Message) -> Letter:
    """Return a mail with what came with it.

    Raises:
        Unreadable: It is damaged, or no mail.
    """
    try:
        return _letter(message, 0)
    except _ERRORS as error:
        raise Unreadable("the message is damaged") from error


def _letter(message: _Message, depth: int) -> Letter:
    properties = _properties(message)
    if not depth and not is_mail(properties):
        kind = re.sub(r"[^\w.]", "", properties.text(_CLASS))[:60]
        raise Unreadable(f"it is no mail but an entry of another kind ({kind})")
    # Notes and contacts are other objects of libpff, which know neither of these.
    recipients = getattr(message, "recipients", None)
    attachments = getattr(message, "number_of_attachments", 0)
    return Letter(
        properties=properties,
        recipients=[] if recipients is None else _each(recipients),
        enclosed=[
            _enclosed(message.get_attachment(number), depth) for number in range(attachments)
        ],
    )


def _properties(found: _Object) -> Properties:
    each = _each(found)
    return each[0] if each else Properties({})


def _each(found: _Object) -> list[Properties]:
    """Return the properties of each record of an object; recipients are records of one."""
    return [_record(found.get_record_set(number)) for number in range(found.number_of_record_sets)]


def _record(records: _Records) -> Properties:
    values: dict[int, tuple[int, bytes]] = {}
    for number in range(records.number_of_entries):
        entry = records.get_entry(number)
        tag = entry.entry_type
        if tag in WANTED:
            values.setdefault(tag, (entry.value_type or 0, entry.data or b""))
    return Properties(values)


def _enclosed(attachment: _Attachment, depth: int) -> Enclosed:
    properties = _properties(attachment)
    if properties.number(_METHOD) == _EMBEDDED and attachment.number_of_sub_items:
        if depth >= _DEEPEST_LETTER:
            raise Unreadable("messages are nested too deeply in each other")
        letter = _letter(attachment.get_sub_item(0), depth + 1)
        return Enclosed(properties=properties, letter=letter)
    size = attachment.size or 0
    found = Enclosed(properties=properties)
    if size > _HELD:
        found.described = _described(attachment, found, size)
    elif size:
        found.data = attachment.read_buffer(size)
    return found


def _described(attachment: _Attachment, found: Enclosed, size: int) -> Attachment:
    digest = sha256()
    left = size
    while left > 0 and (block := attachment.read_buffer(min(left, _BLOCK))):
        digest.update(block)
        left -= len(block)
    return Attachment(
        name=clean(found.name).replace("\n", " "),
        media_type=found.media_type,
        size=size - left,
        sha256=digest.hexdigest(),
    )
