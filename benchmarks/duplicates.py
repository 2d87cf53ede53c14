"""How many planted near-duplicates are found in a data set, what else goes, and at what cost.

    python benchmarks/duplicates.py [--texts FOLDER] [--items N]

Texts are the lines of the `.txt.gz` files of a folder, without who says them, or drawn from
invented words. Into each hundred thousand go three thousand of a kind, each made from a line
of at least twelve words: `edited` (in every twelve words one or two are replaced, mistyped,
dropped or added), `quoted` (behind marks of quoting, or within up to a third more words) and
`rewrapped` (lines, indentation, list marks, hyphens, case, punctuation). `edited, 8 to 11
words` is the same in short texts and beside the goal.

The table is the view's: rows of (key, row) in SQLite, unsealed here, where each row is compared
with the smallest rows of each of its keys and is out if a smaller one is similar. `removed`
counts what goes of the rest: `equal` has the words of an earlier one, `alike` shares half of
the pairs of neighbouring words with the one it was found similar to, counted exactly, and
`wrong` is all else. `crowd` is what a row costs where tens of thousands share an opening and a
closing. `datasketch`, where it is installed, is MinHashLSH with 128 permutations over the
same distinct words, its candidates verified by its own estimate.
"""

import argparse
import gzip
import json
import random
import re
import sqlite3
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import cycle, islice, pairwise
from pathlib import Path
from time import process_time
from typing import Any

from projections.curate.near import COMPARED, NEAR, bands, signature, similar

_WORD = re.compile(r"\w+")
_SPEAKER = re.compile(r"^[AB]: ")
_LEAST, _SHORT = 12, 8  # words of a line from which others are made
_CHARACTERS = 5
_PLANTED = 0.03
_ALIKE = 0.5
_FOUND, _REMOVED = 0.95, 0.005
_SHARE = 0.55  # of the words: what datasketch is asked for
_LETTERS = "abcdefghijklmnopqrstuvwxyz"

_WORDS_NEEDED = 7  # as many as a signature needs
_SMALLEST = "SELECT row FROM bands WHERE key = ? ORDER BY row LIMIT ?"
_OPENING = "Dear colleagues, I hope that this finds you well and that you had a good start today."
_CLOSING = "Please let me know if anything is unclear. Best regards from all of us at the office"

Figures = dict[str, Any]
Make = Callable[[list[str], random.Random, Sequence[str]], str]


def lines(folder: Path | None, count: int, pick: random.Random) -> list[str]:
    """Return real lines of a folder, or drawn ones, in any order."""
    if folder is None:
        vocabulary = ["".join(pick.choices(_LETTERS, k=pick.randint(2, 9))) for _ in range(20_000)]
        weights = [1 / (rank + 10) for rank in range(len(vocabulary))]
        long = [max(3, round(pick.lognormvariate(3.3, 0.7))) for _ in range(count)]
        return [" ".join(pick.choices(vocabulary, weights, k=size)) for size in long]
    found: list[str] = []
    for path in sorted(folder.glob("*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            found += (_SPEAKER.sub("", line.strip()) for line in stream)
    found = [line for line in found if len(line) >= _CHARACTERS]
    pick.shuffle(found)
    return found[:count]


def mistyped(word: str, pick: random.Random) -> str:
    """Return a word with two letters swapped, one dropped or one doubled."""
    at = pick.randrange(len(word))
    return pick.choice(
        (
            word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
    )


def edited(words: list[str], pick: random.Random, others: Sequence[str]) -> str:
    """Change one or two of every twelve words; numbers stay."""
    for _ in range(max(1, round(len(words) / 12 * pick.uniform(1, 2)))):
        at = pick.randrange(len(words))
        if any(map(str.isdigit, words[at])):
            continue
        change = pick.randrange(4)
        if change == 0:
            words[at] = pick.choice(others)
        elif change == 1:
            words[at] = mistyped(words[at], pick)
        elif change == 2:  # noqa: PLR2004 - one of four
            del words[at]
        else:
            words.insert(at, pick.choice(others))
    return " ".join(words)


def quoted(words: list[str], pick: random.Random, others: Sequence[str]) -> str:
    """Put a text behind marks of quoting, or within up to a third more words."""
    if pick.random() < 1 / 2:
        mark = pick.choice(("> ", ">> ", "  > "))
        before, after = pick.choice((("", ""), ("Ada wrote:\n", ""), ("", "\nYes.")))
        return before + wrapped(words, pick.choice((40, 60, 72)), mark) + after
    added = pick.choices(others, k=max(1, round(len(words) * pick.uniform(0.1, 1 / 3))))
    border = pick.randrange(len(added) + 1)
    return " ".join([*added[:border], *words, *added[border:]])


def rewrapped(words: list[str], pick: random.Random, _others: Sequence[str]) -> str:
    """Break lines elsewhere, cut words at their ends, and change marks and case."""
    for at, word in enumerate(words):
        if len(word) > len("hyphens") and word.isalpha() and pick.random() < 1 / 10:
            border = pick.randrange(3, len(word) - 2)
            words[at] = f"{word[:border]}-\n{word[border:]}"
        elif pick.random() < 1 / 10:
            words[at] = word.rstrip(".,!?;") + pick.choice(("", ",", "!", " -"))
    text = wrapped(words, pick.choice((20, 40, 60)), pick.choice(("", "    ", "- ", "* ")))
    return pick.choice((str, str.upper, str.lower))(text)


def wrapped(words: list[str], width: int, mark: str) -> str:
    """Break lines before they grow longer than a width, each behind a mark."""
    rows = [mark]
    for word in words:
        if len(rows[-1]) + len(word) > width:
            rows.append(mark)
        rows[-1] += f"{word} "
    return "\n".join(rows)


KINDS: dict[str, tuple[Make, int, int]] = {
    "edited": (edited, _LEAST, sys.maxsize),
    "quoted": (quoted, _LEAST, sys.maxsize),
    "rewrapped": (rewrapped, _LEAST, sys.maxsize),
    "edited, 8 to 11 words": (edited, _SHORT, _LEAST),
}


def planted(rest: Sequence[str], items: int, pick: random.Random) -> Iterator[tuple[str, str]]:
    """Yield kinds, and texts made from some of the rest."""
    others = [word for line in pick.sample(rest, min(2000, len(rest))) for word in line.split()]
    for kind, (make, least, most) in KINDS.items():
        able = [words for line in rest if least <= len(words := line.split()) < most]
        for words in pick.sample(able, min(len(able), round(items * _PLANTED))):
            yield kind, make(list(words), pick, others)


@dataclass
class Table:
    """What the view keeps of rows, and what it took: CPU seconds and rows compared."""

    db: sqlite3.Connection
    signatures: list[bytes] = field(default_factory=list)
    compared: list[int] = field(default_factory=list)
    seconds: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute(
            "CREATE TABLE bands (key INTEGER, row TEXT, PRIMARY KEY (key, row)) WITHOUT ROWID"
        )

    def add(self, text: str) -> int | None:
        """Add a row; return the number of a smaller one that says nearly the same."""
        start = process_time()
        made = signature(text)
        keys = bands(made)
        signed = process_time()
        near: set[str] = set()
        for key in keys:
            near.update(row for (row,) in self.db.execute(_SMALLEST, (key, COMPARED)))
        smaller = sorted(int(row, 16) for row in near)
        found = next((at for at in smaller if similar(made, self.signatures[at])), None)
        looked = process_time()
        row = f"{len(self.signatures):064x}"
        self.db.executemany("INSERT INTO bands VALUES (?, ?)", [(key, row) for key in keys])
        self.seconds["signature"] += signed - start
        self.seconds["look-up"] += looked - signed
        self.seconds["insert"] += process_time() - looked
        self.signatures.append(made)
        self.compared.append(len(near))
        return found

    def costs(self) -> dict[str, object]:
        """Return what a row took and how many shared a key at most."""
        rows = len(self.signatures)
        pages = self.db.execute("PRAGMA page_count").fetchone()[0]
        size = self.db.execute("PRAGMA page_size").fetchone()[0]
        worst = "SELECT max(rows) FROM (SELECT count(*) AS rows FROM bands GROUP BY key)"
        return {
            "rows": rows,
            "cpu_microseconds_each": {
                name: round(spent / rows * 1e6, 1) for name, spent in self.seconds.items()
            },
            "bytes_each": {
                "signature": round(statistics.mean(map(len, self.signatures))),
                "bands": round(pages * size / rows),
            },
            "compared_each": round(statistics.mean(self.compared), 1),
            "compared_most": max(self.compared),
            "largest_band": self.db.execute(worst).fetchone()[0],
        }


def judged(texts: Sequence[str], found: Sequence[int | None], kinds: Sequence[str]) -> Figures:
    """Return the share found of each kind, and the shares removed of the rest, by what they are."""
    words = [tuple(_WORD.findall(text.lower())) for text in texts]
    rest, gone, met = Counter[str](), Counter[str](), Counter[str]()
    seen: set[tuple[str, ...]] = set()
    for at, (kind, of) in enumerate(zip(kinds, found, strict=True)):
        rest[kind] += 1
        if kind:
            met[kind] += of is not None
        elif words[at] in seen:
            gone["equal"] += 1
        elif of is not None:
            gone["alike" if jaccard(words[at], words[of]) >= _ALIKE else "wrong"] += 1
        seen.add(words[at])
    return {
        "found": {kind: round(met[kind] / rest[kind], 4) for kind in KINDS},
        "removed": {kind: round(gone[kind] / rest[""], 5) for kind in ("equal", "alike", "wrong")},
    }


def jaccard(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the exact share of pairs of neighbouring words that two texts have in common."""
    mine, theirs = set(pairwise(one)), set(pairwise(other))
    return len(mine & theirs) / max(1, len(mine | theirs))


def library(texts: Sequence[str], kinds: Sequence[str]) -> Figures | None:
    """Return the same figures of MinHashLSH, or nothing where it is not installed."""
    try:
        from datasketch import MinHash, MinHashLSH  # noqa: PLC0415 - may be absent
    except ImportError:
        return None
    start = process_time()
    index, made = MinHashLSH(threshold=_SHARE, num_perm=128), []
    found: list[int | None] = []
    for at, text in enumerate(texts):
        words = {word.encode() for word in _WORD.findall(text.lower())}
        sketch = MinHash(num_perm=128)
        sketch.update_batch(words)
        near = sorted(index.query(sketch)) if len(words) >= _WORDS_NEEDED else []
        found.append(next((n for n in near if sketch.jaccard(made[n]) >= _SHARE), None))
        if len(words) >= _WORDS_NEEDED:
            index.insert(at, sketch)
        made.append(sketch)
    took = (process_time() - start) / len(texts)
    return judged(texts, found, kinds) | {"cpu_microseconds_each": round(took * 1e6, 1)}


def crowd(rest: Sequence[str], rows: int) -> dict[str, object]:
    """Return what a row costs where all share an opening and a closing, and nothing else."""
    with closing(sqlite3.connect("")) as db:
        table = Table(db)
        for text in islice(cycle(rest), rows):
            table.add(f"{_OPENING} {text} {_CLOSING}")
        return table.costs()


def run(folder: Path | None, items: int) -> dict[str, object]:
    """Measure, and return what to print."""
    pick = random.Random(1)
    rest = lines(folder, items - 3 * round(items * _PLANTED), pick)
    made = list(planted(rest, items, pick))
    texts = [*rest, *(text for _, text in made)]
    kinds = [*("" for _ in rest), *(kind for kind, _ in made)]
    with closing(sqlite3.connect("")) as db:  # in a file that goes when it is closed
        table = Table(db)
        ours = judged(texts, [table.add(text) for text in texts], kinds)
        costs = table.costs()
    found, removed = ours["found"], ours["removed"]
    return {
        "texts": "lines of a folder" if folder else "invented words",
        "version": NEAR,
        **ours,
        "goals": {"found": _FOUND, "wrong": _REMOVED},
        "met": all(found[kind] >= _FOUND for kind in ("edited", "quoted", "rewrapped"))
        and removed["wrong"] <= _REMOVED,
        "costs": costs,
        "crowd": crowd(rest, items // 2),
        "datasketch": library(texts, kinds),
        "python": sys.version.split()[0],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, help="a folder of .txt.gz files")
    parser.add_argument("--items", type=int, default=100_000)
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.texts, arguments.items), indent=2))
