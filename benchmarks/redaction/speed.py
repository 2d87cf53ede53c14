"""CPU seconds of our redaction over given texts, in a process of its own.

    python -m benchmarks.redaction.speed (parts|rows|whole) [ROSTER] < texts.json

`parts` is what finds known people, forms and secrets; `whole` is all that a training row goes
through: every finder, surrogates and the second look; `rows` is `whole` without the model of
names. What ships is read before the clock starts. `cold` is the first time that the texts are
seen, `warm` the second one: words were met before, and no finished text is kept.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from projections.redaction import REDACTOR, decode, names, secrets, shapes
from projections.redaction.fold import Folded
from projections.redaction.kinds import Found
from projections.redaction.pipeline import Redactor
from projections.redaction.roster import Roster
from projections.redaction.table import Table, load_roster
from vault.aliases import Aliases
from vault.consent import Profile

__all__ = ["parts", "rows", "seconds", "whole"]

_WARM = "Call Ann Mills on 212 555 0123, or write to ann@mills.example, please."
_BATCH = 256
Work = Callable[[Sequence[str]], object]


class _Nobody:
    """Finds no names."""

    version = "nobody"

    def find(self, text: Folded) -> Iterator[Found]:
        """Yield nothing."""
        del text
        return iter(())


def _table(path: Path | None) -> Table:
    aliases = Aliases(bytes(32))
    return Table.from_entries(aliases, load_roster(path) if path else ())


def parts(table: Table) -> Work:
    """Return what finds known people, forms and secrets, and counts them."""
    roster = Roster(table)

    def find(texts: Sequence[str]) -> int:
        return sum(
            len([*roster.find(layer), *shapes.find(layer), *secrets.find(layer)])
            for text in texts
            for layer in decode.layers(text)
        )

    return find


def rows(table: Table) -> Work:
    """Return the way of a text without the model of names."""
    return _redacting(Redactor.of_view(table, _Nobody(), bytes(32)))


def whole(table: Table) -> Work:
    """Return the whole way of a text."""
    return _redacting(Redactor.of_view(table, names.shipped(), bytes(32)))


def _redacting(redactor: Redactor) -> Work:
    def redact(texts: Sequence[str]) -> None:
        for start in range(0, len(texts), _BATCH):
            redactor.redact_all(texts[start : start + _BATCH], Profile.STRICT)

    return redact


def seconds(work: Work, texts: Sequence[str]) -> tuple[float, float]:
    """Return the CPU seconds of some work over texts, the first time and again.

    The second time each text ends in another sign, so that no finished one is returned.
    """
    work((_WARM,))
    spent = []
    for end in ("", " ."):
        given = [text + end for text in texts]
        started = time.process_time()
        work(given)
        spent.append(time.process_time() - started)
    return spent[0], spent[1]


def main() -> None:
    """Measure what the arguments ask for."""
    chosen, path = sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None  # noqa: PLR2004
    work = {"parts": parts, "rows": rows, "whole": whole}[chosen](_table(path))
    cold, warm = seconds(work, json.load(sys.stdin))
    json.dump({"cold": cold, "warm": warm, "version": REDACTOR}, sys.stdout)


if __name__ == "__main__":
    main()
