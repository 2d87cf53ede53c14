"""Finds words in bytes, in every form in which a program might have written them.

Plain, as UTF-16 of both orders, as base64 at each of its three alignments and in either
alphabet, as hexadecimal digits of either case, and in whatever can be inflated from any
offset, so inside of zlib and gzip streams too, and of streams within streams.
"""

import base64
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["files_of", "forms", "found_in", "found_in_files"]

_DEEPEST = 3
_FIRST = 64
_MOST = 1 << 22
_LONGEST_TABLE = 29


def forms(word: str) -> dict[str, bytes]:
    """Return how a word may be written, by the name of the form."""
    plain = word.encode()
    found = {
        "plain": plain,
        "utf-16-le": word.encode("utf-16-le"),
        "utf-16-be": word.encode("utf-16-be"),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
    }
    for shift in range(3):
        # Letters that depend on the neighbours of the word are left out at both ends.
        letters = slice((shift * 8 + 5) // 6, (shift + len(plain)) * 8 // 6)
        shifted = bytes(shift) + plain
        found[f"base64+{shift}"] = base64.b64encode(shifted)[letters]
        found[f"base64url+{shift}"] = base64.urlsafe_b64encode(shifted)[letters]
    assert all(len(form) >= 8 for form in found.values()), "too short to be found by no chance"
    return found


def found_in(content: bytes, words: Iterable[str], depth: int = 0) -> set[tuple[str, str]]:
    """Return which words are there, and in which form."""
    wanted = list(words)
    found = {
        (word, f"{'inflated ' * depth}{name}")
        for word in wanted
        for name, form in forms(word).items()
        if form in content
    }
    if depth < _DEEPEST:
        for inflated in _inflated(content):
            found |= found_in(inflated, wanted, depth + 1)
    return found


def _inflated(content: bytes) -> Iterator[bytes]:
    """Yield what comes of inflating from every offset at which a deflate stream may begin."""
    at, end = 0, len(content) - 5
    while at < end:
        first = content[at]
        kind = first >> 1 & 3
        # Blocks that are stored hold plain words; a compressed one begins with small numbers.
        if kind == 1 or (
            kind == 2 and first >> 3 <= _LONGEST_TABLE and content[at + 1] & 31 <= _LONGEST_TABLE
        ):
            inflated = _inflate(content, at)
            if inflated:
                yield inflated
        at += 1


def _inflate(content: bytes, start: int) -> bytes:
    """Return what a stream gives up to its end, or up to where it turns out to be none."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated, at, step = b"", start, _FIRST
    try:
        while at < len(content) and not stream.eof and len(inflated) < _MOST:
            inflated += stream.decompress(content[at : at + step], _MOST)
            at, step = at + step, step * 2
    except zlib.error:
        pass
    return inflated


def files_of(*folders: Path) -> list[Path]:
    """Return every file in folders."""
    return [p for folder in folders for p in sorted(folder.rglob("*")) if p.is_file()]


def found_in_files(paths: Iterable[Path], words: Iterable[str]) -> list[tuple[str, str, str]]:
    """Return file, word and form of whatever is found."""
    wanted = list(words)
    found = []
    for path in paths:
        name = path.name.encode()
        for word, form in sorted(found_in(path.read_bytes(), wanted) | found_in(name, wanted)):
            found.append((path.name, word, form))
    return found
