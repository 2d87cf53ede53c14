"""What the files of a SQLite database still hold of what was deleted, looked at byte by byte.

`secure_delete` promises zeros and a truncated write-ahead log promises nothing; here it is
checked. Files are read as they lie on disk, never through SQLite.
"""

import mmap
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

__all__ = ["found", "unclean_pages"]

_HEADER = 100
_FIRST_FREE = 32
_WORD = 4
_SMALLEST_PAGE = 512
_LARGEST_PAGE = 65536


def found(files: Iterable[Path], samples: Sequence[bytes]) -> int:
    """Return how many of some byte strings stand in at least one of some files."""
    left = {sample for sample in samples if sample}
    for file in files:
        left -= {sample for sample in left if _holds(file, sample)}
    return len({sample for sample in samples if sample} - left)


def _holds(file: Path, sample: bytes) -> bool:
    if not file.is_file() or not file.stat().st_size:
        return False
    with (
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as bytes_,
    ):
        return bytes_.find(sample) >= 0


def unclean_pages(file: Path) -> int:
    """Return how many free pages of a database hold anything but zeros.

    A trunk of the list of free pages is clean where it holds numbers of pages and no more.
    """
    with file.open("rb") as opened:
        header = opened.read(_HEADER)
        size = int.from_bytes(header[16:18], "big")
        size = _LARGEST_PAGE if size == 1 else size
        if len(header) < _HEADER or size < _SMALLEST_PAGE:
            return 0
        pages = file.stat().st_size // size

        def page(number: int) -> bytes:
            opened.seek((number - 1) * size)
            return opened.read(size)

        unclean = 0
        trunk = int.from_bytes(header[_FIRST_FREE : _FIRST_FREE + _WORD], "big")
        for _ in range(pages):
            if not 1 <= trunk <= pages:
                break
            words = list(_words(page(trunk)))
            trunk, count, *leaves = words
            unclean += any(word > pages for word in words)
            unclean += sum(any(page(leaf)) for leaf in leaves[:count] if 1 <= leaf <= pages)
        return unclean


def _words(page: bytes) -> Iterator[int]:
    for at in range(0, len(page), _WORD):
        yield int.from_bytes(page[at : at + _WORD], "big")
