"""Opening checked entries: from their bytes to events, a page at a time."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.codec import UNDECODABLE, decoder, topics_of
from vault.errors import TamperError
from vault.events import ContentCollected, Event
from vault.follow import Entry
from vault.log.cycles import unsearched
from vault.log.envelope import COMMITTING, FIXED, HASH_SIZE, NONCE, open_body
from vault.log.keys import VaultKeys
from vault.log.owner import KEY_SIZE

__all__ = ["followed", "opened"]

_DESTROYED: Final = bytes(KEY_SIZE)
_BLOCKS: Final = {topic.encode(): topic for topic in topics_of(ContentCollected)}
_LENGTHS: Final = frozenset(map(len, _BLOCKS))
_Header = tuple[Any, ...]
_Stored = Sequence[tuple[int, bytes]]
"""Positions and data of entries."""


def opened(records: _Stored, keys: VaultKeys) -> list[Entry]:
    """Decrypt and decode checked entries, given as position and data.

    Raises:
        Locked: The keys at hand can only write.
        TamperError: A body does not open under its key, or is no event.
    """
    # Field by field instead of entry by entry, which costs an eighth less; what is wrong with
    # which is found out where something is.
    with unsearched():
        headers = [FIXED.unpack_from(data) for _, data in records]
        ends = [FIXED.size + header[1] for header in headers]
        names = [data[FIXED.size : end] for (_, data), end in zip(records, ends, strict=True)]
        topics = {name: name.decode("ascii") for name in set(names)}
        plain = _plain(records, ends, _data_keys(headers, keys))
        events = _events(records, [topics[name] for name in names], plain)
        prefixes = {feed: f"{feed.hex()}-" for feed in {header[2] for header in headers}}
        new = tuple.__new__
        return [
            new(
                Entry,
                (
                    position,
                    f"{prefixes[header[2]]}{header[3]}",
                    topics[name],
                    header[4],
                    event,
                    text is None,
                    b"",
                    False,
                ),
            )
            for (position, _), header, name, event, text in zip(
                records, headers, names, events, plain, strict=True
            )
        ]


def followed(records: _Stored, keys: VaultKeys) -> list[Entry]:
    """Decrypt and decode checked entries, but for blocks of attachments, which are large.

    No view reads their bytes; what it needs to know of a block is its tag.

    Raises:
        Locked: The keys at hand can only write.
        TamperError: A body does not open under its key, or is no event.
    """
    blocks = [one for one in records if one[1][1] in _LENGTHS and _topic(one[1]) in _BLOCKS]
    if not blocks:
        return opened(records, keys)
    places = {position for position, _ in blocks}
    others = opened([one for one in records if one[0] not in places], keys)
    return sorted([*others, *_outlined(blocks, keys)], key=attrgetter("position"))


def _topic(data: bytes) -> bytes:
    return data[FIXED.size : FIXED.size + data[1]]


def _outlined(blocks: _Stored, keys: VaultKeys) -> list[Entry]:
    """Return blocks of attachments as they are told to followers, without opening them."""
    headers = [FIXED.unpack_from(data) for _, data in blocks]
    return [
        Entry(
            position=position,
            id=f"{header[2].hex()}-{header[3]}",
            topic=_BLOCKS[_topic(data)],
            time=header[4],
            event=None,
            erased=not key or len(data) == FIXED.size + header[1] + HASH_SIZE,
            tag=header[7],
        )
        for (position, data), header, key in zip(
            blocks, headers, _data_keys(headers, keys), strict=True
        )
    ]


def _data_keys(headers: Iterable[_Header], keys: VaultKeys) -> list[bytes]:
    """Return the data key of each entry, empty where it was destroyed."""
    places = [((header[2], header[5]), header[6]) for header in headers]
    pages: dict[tuple[bytes, int], list[bytes]] = {}
    for id_, secret in keys.opened({id_ for id_, _ in places}).items():
        pages[id_] = [secret[i : i + KEY_SIZE] for i in range(0, len(secret), KEY_SIZE)]
        if _DESTROYED in pages[id_]:
            pages[id_] = [b"" if key == _DESTROYED else key for key in pages[id_]]
    try:
        return [pages[id_][slot] for id_, slot in places]
    except (KeyError, IndexError):
        return [b"".join(pages.get(id_, [])[slot : slot + 1]) for id_, slot in places]


def _plain(records: _Stored, ends: Sequence[int], keys: Sequence[bytes]) -> list[bytes | None]:
    """Return what was sealed in bodies, None where body or key is gone."""
    aead, nonce, size = AESGCM, NONCE, HASH_SIZE
    try:
        sealed = [
            aead(key).decrypt(nonce, data[end + size :], data[:end])
            if key and len(data) > end + size
            else None
            for (_, data), end, key in zip(records, ends, keys, strict=True)
        ]
    except InvalidTag:
        raise _unopened(records, ends, keys) from None
    before = [COMMITTING[data[0]] for _, data in records]
    plain = [
        text[len(zeros) :] if text is not None and text.startswith(zeros) else None
        for text, zeros in zip(sealed, before, strict=True)
    ]
    if plain.count(None) != sealed.count(None):
        raise _unopened(records, ends, keys)
    return plain


def _unopened(records: _Stored, ends: Sequence[int], keys: Sequence[bytes]) -> TamperError:
    """Return an error that names the first entry that does not open."""
    for (position, data), end, key in zip(records, ends, keys, strict=True):
        try:
            if key and len(data) > end + HASH_SIZE:
                open_body(key, data[:end], data[end + HASH_SIZE :])
        except InvalidTag:
            return TamperError(f"The entry at {position} does not open.")
    raise AssertionError("One of them did not open.")


def _events(
    records: _Stored, topics: Sequence[str], plain: Sequence[bytes | None]
) -> list[Event | None]:
    """Return the decoded events, None where there is nothing to decode."""
    decoders = {topic: decoder(topic) for topic in set(topics)}
    events: list[Event | None] = []
    try:
        for topic, text in zip(topics, plain, strict=True):
            events.append(None if text is None else decoders[topic](text))
    except UNDECODABLE:
        position, _ = records[len(events)]
        raise TamperError(f"The entry at {position} cannot be decoded.") from None
    return events
