"""Our redaction as anyone can reach it: `twin redact`, JSON Lines in and out."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.redaction.metrics import Span

__all__ = ["DOOR", "redact", "spans"]

DOOR = (str(Path(sys.executable).with_name("twin")), "redact")


def redact(
    texts: Iterable[str],
    *,
    profile: str = "strict",
    roster: Path | None = None,
    door: Sequence[str] = DOOR,
) -> list[list[Span]]:
    """Return what the door masks in each text."""
    arguments = [*door, "--profile", profile]
    if roster:
        arguments += ["--roster", str(roster)]
    asked = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    done = subprocess.run(
        arguments, check=True, input=asked, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    return [spans(line) for line in done.stdout.split("\n") if line]


def spans(line: str) -> list[Span]:
    """Read the spans of a line that the door wrote."""
    return [Span(*span) for span in json.loads(line)["spans"]]
