"""What the owner said, read back from a portable copy, in a child like everything else.

Here one line that cannot be read refuses the whole: a prohibition must not get lost.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from vault.collectors.api import Refused
from vault.collectors.copied import Copy
from vault.collectors.copies import is_copy
from vault.collectors.portable import (
    CORRECTIONS,
    OWNER,
    STATEMENTS,
    Correction,
    Named,
    Said,
    Unfit,
    event_of,
    json_of,
)
from vault.collectors.readers import worker
from vault.collectors.readers.archives import grow
from vault.collectors.readers.tree import Unreadable
from vault.collectors.readers.worker import Died, Limits, Outlet
from vault.errors import CollectError, ForeignVault, NotFound, TamperError

__all__ = ["recall", "work"]

_NAMED, _SAID, _CORRECTION, _MISSING, _UNTRUSTED, _NEWER = b"o", b"s", b"c", b"m", b"u", b"n"

_named = msgspec.json.Decoder(Named)
_said = msgspec.json.Decoder(Said)
_correction = msgspec.json.Decoder(Correction)

_FILES = (
    (OWNER, _NAMED, _named),
    (STATEMENTS, _SAID, _said),
    (CORRECTIONS, _CORRECTION, _correction),
)


def recall(path: Path, limits: Limits | None = None) -> Iterator[Named | Said | Correction]:
    """Yield names, statements and corrections of a copy, after all of it was checked.

    Raises:
        NotFound: There is no copy.
        TamperError: It is not as it was written.
        ForeignVault: It is of a newer format.
    """
    if not path.exists():
        raise NotFound(f"There is nothing at {path}.")
    job = msgspec.msgpack.encode(str(path.absolute()))
    decoders = {kind: decoder for _, kind, decoder in _FILES}
    try:
        for kind, payload in worker.run("vault.collectors.recalling:work", job, limits):
            if kind == _MISSING:
                raise NotFound(f"There is no portable copy at {path}; `twin export` writes one.")
            if kind == _UNTRUSTED:
                raise TamperError(payload.decode())
            if kind == _NEWER:
                raise ForeignVault(payload.decode())
            yield decoders[kind].decode(payload)
    except Died as death:
        raise CollectError(f"The copy cannot be read: {death.reason}.") from death


def work(encoded: bytes, outlet: Outlet) -> None:
    """Send the lines of a copy, each decoded and encoded again."""
    root = Path(msgspec.msgpack.decode(encoded, type=str))
    try:
        tree = grow(root, marks=_Marks(outlet))
        tree = tree.sub([file for file in tree.files if file.size], tree.base or tree.name)
        if not is_copy(tree):
            outlet.send(_MISSING, b"")
            return
        copy = Copy(tree)
        copy.check()
        for path, kind, decoder in _FILES:
            if copy.has(path):
                for line in _lines(copy, path, decoder):
                    outlet.send(kind, json_of(line))
    except Refused as error:
        outlet.send(_NEWER if error.newer else _UNTRUSTED, str(error).encode())
    except Unreadable as error:
        outlet.send(_UNTRUSTED, f"The export cannot be read: {error}.".encode())


def _lines(
    copy: Copy,
    path: str,
    decoder: "msgspec.json.Decoder[Named] | msgspec.json.Decoder[Said] | msgspec.json.Decoder[Correction]",
) -> Iterator[Named | Said | Correction]:
    """Yield what a file holds.

    Raises:
        Refused: A line of it is none.
    """
    found = copy.lines(path) if path != OWNER else [(0, copy.whole(path))]
    for number, line in found:
        try:
            decoded = decoder.decode(line or b"")
            if isinstance(decoded, Said):
                event_of(decoded)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Unfit) as error:
            raise Refused(
                f"Line {number + 1} of {path} says what this release does not know; "
                "nothing of it was taken over."
            ) from error
        yield decoded


class _Marks:
    """Signs of life while a tree is read."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def enter(self, locator: str) -> str:
        self._outlet.enter(locator)
        return ""

    def beat(self) -> None:
        self._outlet.beat()
