"""Downloads that came in several files: which belong together, and which of them is not there.

Decided by names alone, since nothing within the archives says it. Google numbers the parts of
a Takeout behind the time of the download, others say `part 2` or `2 of 3`, and some cut one
archive into pieces of bytes (`.zip.001`), which are nothing by themselves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Piece", "missing", "piece_of"]

_LONGEST = 255
_END = r"(?P<end>\.(?:zip|tgz|tar|tar\.gz))"
_PARTS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?P<stem>.*\d{{8}}T\d{{6}}Z)(?P<group>(?:-\d+)*)-(?P<number>\d{{3,4}}){_END}",
        rf"(?P<stem>.+?)[-_ .(]+(?P<number>\d{{1,3}})[-_ ]?of[-_ ]?(?P<of>\d{{1,3}})\)?{_END}",
        rf"(?P<stem>.+?)[-_ .(]+part[-_ .]?(?P<number>\d{{1,3}})\)?{_END}",
    )
)
_BYTES = re.compile(r"(?P<stem>.+\.(?:zip|tgz|tar|tar\.gz))\.(?P<number>\d{3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file of several: the path of the whole, and which one of how many it is.

    `of` is 0 where the name does not say it; numbers count within a `group`. `is_bytes`
    marks a piece that is no archive by itself.
    """

    whole: str
    number: int
    of: int = 0
    group: str = ""
    is_bytes: bool = False


def piece_of(path: str) -> Piece | None:
    """Return which piece of what a file is by its name, or None where it is whole."""
    start = max(path.rfind("/"), path.rfind("!")) + 1
    folder, name = path[:start], path[start:]
    if len(name) > _LONGEST:
        return None
    if found := _BYTES.fullmatch(name):
        return Piece(whole=folder + found["stem"], number=int(found["number"]), is_bytes=True)
    for pattern in _PARTS:
        if found := pattern.fullmatch(name):
            facts = found.groupdict()
            return Piece(
                whole=folder + found["stem"] + found["end"],
                number=int(found["number"]),
                of=int(facts.get("of") or 0),
                group=facts.get("group") or "",
            )
    return None


def missing(pieces: Sequence[Piece]) -> list[str]:
    """Say which pieces are not there, as far as names tell: `part 2 of 3`."""
    found: dict[tuple[str, int], set[int]] = {}
    for piece in pieces:
        found.setdefault((piece.group, piece.of), set()).add(piece.number)
    return [
        f"part {number}" + (f" of {of}" if of else "")
        for (_, of), numbers in sorted(found.items())
        for number in range(1, max(of, *numbers) + 1)
        if number not in numbers
    ]
