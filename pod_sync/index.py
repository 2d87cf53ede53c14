"""What a device says is in the pod: one small JSON document, read with suspicion.

Names in it become paths, so only names of the mirror's form are let through: no slash, no dot,
nothing that a server or a file system could read as anything else. Each device writes its
document in two slots by turns: one that was cut off leaves the one before it whole.
"""

import hashlib
import re
from typing import Annotated, Final

import msgspec

from vault.errors import ForeignVault, TamperError

__all__ = [
    "LARGEST",
    "SLOT",
    "Index",
    "decode",
    "encode",
    "fields",
    "head",
    "is_cut",
    "is_whole",
    "path",
]

FORMAT: Final = 1
LARGEST: Final = 32 << 20
"""Bytes of an index that are read at most: more than 200,000 files of one device."""
SLOT: Final = re.compile(r"([0-9a-f]{16})-[01]\.json", re.ASCII)

_FEED: Final = r"[0-9a-f]{16}"
_NAME: Final = r"[a-z]{1,16}(?:-[0-9a-z]{1,64}){0,12}-(?:0|[1-9][0-9]{0,9})-[0-9a-f]{32}"
_ANY: Final = re.compile(_NAME, re.ASCII)
_ANY_FEED: Final = re.compile(_FEED, re.ASCII)
_HEAD: Final = re.compile(rf"head-({_FEED})-(0|[1-9][0-9]{{0,18}})-[0-9]+-[0-9a-f]{{32}}", re.ASCII)

Feed = Annotated[str, msgspec.Meta(pattern=rf"\A{_FEED}\Z")]
Name = Annotated[str, msgspec.Meta(pattern=rf"\A{_NAME}\Z", max_length=255)]
Where = Annotated[str, msgspec.Meta(pattern=rf"\A{_FEED}/{_NAME}\Z", max_length=272)]


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What one device holds to be there.

    `number` grows by one each time. `files` are names of its own files, `gone` other devices'
    (`feed/name`) that it deletes and they have not yet left out.
    """

    format: Annotated[int, msgspec.Meta(ge=1, le=FORMAT)] = FORMAT
    feed: Feed
    number: Annotated[int, msgspec.Meta(ge=0, lt=2**53)] = 0
    files: frozenset[Name] = frozenset()
    gone: frozenset[Where] = frozenset()


class _Any(msgspec.Struct):
    format: int


_ENCODER: Final = msgspec.json.Encoder(order="deterministic")
_DECODER: Final = msgspec.json.Decoder(Index)


def encode(index: Index) -> bytes:
    """Return the document; the same index is always the same bytes."""
    return _ENCODER.encode(index)


def decode(content: bytes, feed: str) -> Index:
    """Read the document of a device.

    Raises:
        TamperError: It is cut off, or nothing that a device of ours writes.
        ForeignVault: A newer release wrote it.
    """
    try:
        if msgspec.json.decode(content, type=_Any).format > FORMAT:
            raise ForeignVault(
                f"The index of device {feed} is of a newer format; use the version of Twinvault "
                "that wrote it, or a newer one."
            )
        index = _DECODER.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise TamperError(f"The index of device {feed} is damaged.") from None
    if index.feed != feed:
        raise TamperError(f"The index of device {feed} is that of another one.")
    return index


def is_cut(content: bytes, feed: str) -> bool:
    """Whether a document is the beginning of one that this device was writing."""
    begins = encode(Index(feed=feed)).partition(b',"number"')[0]
    return not content.endswith(b"}") and (begins.startswith(content) or content.startswith(begins))


def fields(name: str) -> tuple[str, int]:
    """Return the kind and the length that a file's name says."""
    return name.split("-", 1)[0], int(name.rsplit("-", 2)[1])


def is_whole(name: str, content: bytes) -> bool:
    """Whether a file's content is what its name says."""
    return name.endswith(f"-{len(content)}-{hashlib.sha256(content).hexdigest()[:32]}")


def head(name: str) -> tuple[str, int] | None:
    """Return whose head a file is and how far it goes, None if it is none."""
    form = _HEAD.fullmatch(name)
    return (form[1], int(form[2])) if form else None


def lies(feed: str, part: str, name: str) -> bool:
    """Whether this is where a file of the mirror lies: container, container, name."""
    named = _ANY.fullmatch(name) and _ANY_FEED.fullmatch(feed)
    return bool(named) and path(feed, name) == f"files/{feed}/{part}/{name}"


def path(feed: str, name: str) -> str:
    """Return where a device's file lies: few enough in each container to be listed."""
    return f"files/{feed}/{name[-32:-30]}/{name}"
