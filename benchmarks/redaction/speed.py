"""CPU seconds of our redaction over given texts, in a process of its own.

    python -m benchmarks.redaction.speed (parts|whole) [ROSTER] < texts.json

`parts` is what finds known people, forms and secrets; `whole` is all that a training row goes
through: every finder, surrogates and the second look. What ships is read before the clock
starts; nothing has been seen before of the texts, so no cache helps.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from projections.redaction import REDACTOR, Redactor, Table, decode, names, secrets, shapes
from projections.redaction.roster import Roster
from projections.redaction.table import load_roster
from vault.aliases import Aliases
from vault.consent import Profile

_WARM = "Call Ann Mills on 212 555 0123, or write to ann@mills.example, please."


def _table(path: Path | None) -> Table:
    aliases = Aliases(bytes(32))
    return Table.from_entries(aliases, load_roster(path) if path else ())


def parts(table: Table) -> Callable[[str], int]:
    """Return what finds known people, forms and secrets, and counts them."""
    roster = Roster(table)

    def find(text: str) -> int:
        return sum(
            len([*roster.find(layer), *shapes.find(layer), *secrets.find(layer)])
            for layer in decode.layers(text)
        )

    return find


def whole(table: Table) -> Callable[[str], int]:
    """Return the whole way of a text."""
    redactor = Redactor.of_view(table, names.shipped(), bytes(32))
    return lambda text: len(redactor.redact(text, Profile.STRICT).spans)


def seconds(work: Callable[[str], int], texts: Iterable[str]) -> float:
    """Return the CPU seconds of some work over texts."""
    work(_WARM)
    started = time.process_time()
    for text in texts:
        work(text)
    return time.process_time() - started


def main() -> None:
    """Measure what the arguments ask for."""
    chosen, path = sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None  # noqa: PLR2004
    work = {"parts": parts, "whole": whole}[chosen](_table(path))
    json.dump({"cpu": seconds(work, json.load(sys.stdin)), "version": REDACTOR}, sys.stdout)


if __name__ == "__main__":
    main()
