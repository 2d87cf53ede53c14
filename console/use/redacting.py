"""Redacting lines of JSON: the door for other programs, and for whoever measures. No vault."""

import json
import secrets
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import cast

from projections.redaction import names
from projections.redaction.kinds import Kind
from projections.redaction.pipeline import Marks, Redactor, Replacing
from projections.redaction.roster import Roster
from projections.redaction.surrogates import Surrogates
from projections.redaction.table import RosterEntry, Table, load_roster, person_of
from vault.aliases import Aliases
from vault.consent import Profile
from vault.errors import UsageError

__all__ = ["lines"]

_LONGEST = 64 << 20
_AT_ONCE = 1 << 18


def lines(
    given: BufferedIOBase, profile: Profile, roster: Path | None, *, surrogates: bool
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
    known = Roster(table)
    replacing: Replacing = (
        Surrogates(secrets.token_bytes(32), table, roster=known) if surrogates else Marks()
    )
    redactor = Redactor(table, names.shipped(), replacing, roster=known)
    ids = _ids(aliases, people)
    read = 0
    for batch in _batches(given):
        texts: list[str] = []
        refused = None
        for number, line in enumerate(batch, read + 1):
            try:
                texts += _texts(number, line)
            except UsageError as error:
                refused = error
                break
        read += len(batch)
        for done in redactor.redact_all(texts, profile):
            spans = [
                [span.start, span.end, Kind(span.kind).name, ids.get(span.person)]
                for span in done.spans
            ]
            yield json.dumps({"text": done.text, "spans": spans})
        if refused:
            raise refused


def _batches(given: BufferedIOBase) -> Iterator[list[bytes]]:
    """Yield the lines that are there, without waiting for more: somebody may ask one by one."""
    begun: list[bytes] = []
    while chunk := given.read1(_AT_ONCE):
        *whole, rest = chunk.split(b"\n")
        if whole:
            yield [b"".join((*begun, whole[0])), *whole[1:]]
            begun = []
        begun.append(rest)
        if len(begun) * _AT_ONCE > _LONGEST and sum(map(len, begun)) > _LONGEST:
            yield [b"".join(begun)]
    yield [b"".join(begun)]


def _ids(aliases: Aliases, people: Iterable[RosterEntry]) -> dict[bytes, str | int]:
    return {person_of(aliases, entry): entry.id for entry in people}


def _texts(number: int, line: bytes) -> list[str]:
    """Return the text of a line, nothing of a blank one."""
    if not line.strip():
        return []
    if len(line) > _LONGEST:
        raise UsageError(f"Line {number} is longer than 64 MiB; cut it into several.")
    try:
        content = cast(object, json.loads(line.decode()))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"Line {number} is not JSON in UTF-8; write one object a line.") from error
    text = content.get("text") if isinstance(content, dict) else None
    if not isinstance(text, str):
        raise UsageError(f'Line {number} has no "text"; write {{"text": "…"}}.')
    return [text]
