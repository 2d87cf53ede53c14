"""Redacting lines of JSON: the door for other programs, and for whoever measures. No vault."""

import json
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from projections.redaction import names
from projections.redaction.kinds import Kind
from projections.redaction.pipeline import Marks, Redactor, Replacing
from projections.redaction.surrogates import Surrogates
from projections.redaction.table import RosterEntry, Table, load_roster, person_of
from vault.aliases import Aliases
from vault.consent import Profile
from vault.errors import UsageError

__all__ = ["lines"]

_LONGEST = 64 << 20


def lines(
    given: BinaryIO, profile: Profile, roster: Path | None, *, surrogates: bool
) -> Iterator[str]:
    """Yield `{"text", "spans"}` for each `{"text"}`, in order.

    A span is [start, end, type, person]: places in the characters of the text that was given,
    a name of `Kind`, and the id of a person in the roster, or null. Keys are drawn anew each
    time, so that surrogates of two calls have nothing in common.

    Args:
        given: Lines of JSON in UTF-8; blank ones are skipped.
        profile: What is masked.
        roster: A file of people to know; see `load_roster`.
        surrogates: Replace by names and numbers that are nobody's, instead of by marks.

    Raises:
        UsageError: A line is not what was asked for, or the roster cannot be read.
    """
    aliases = Aliases(secrets.token_bytes(32))
    people = load_roster(roster) if roster else ()
    table = Table.from_entries(aliases, people)
    replacing: Replacing = Surrogates(secrets.token_bytes(32), table) if surrogates else Marks()
    redactor = Redactor(table, names.shipped(), replacing)
    ids = _ids(aliases, people)
    for number, line in enumerate(iter(lambda: given.readline(_LONGEST + 1), b""), 1):
        if not line.strip():
            continue
        done = redactor.redact(_text(number, line), profile)
        spans = [
            [span.start, span.end, Kind(span.kind).name, ids.get(span.person)]
            for span in done.spans
        ]
        yield json.dumps({"text": done.text, "spans": spans})


def _ids(aliases: Aliases, people: Iterable[RosterEntry]) -> dict[bytes, str | int]:
    return {person_of(aliases, entry): entry.id for entry in people}


def _text(number: int, line: bytes) -> str:
    if len(line) > _LONGEST:
        raise UsageError(f"Line {number} is longer than 64 MiB; cut it into several.")
    try:
        content = cast(object, json.loads(line.decode()))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Line {number} is not JSON in UTF-8; write one object a line.") from error
    text = content.get("text") if isinstance(content, dict) else None
    if not isinstance(text, str):
        raise UsageError(f'Line {number} has no "text"; write {{"text": "…"}}.')
    return text
