"""Training views as files for other tools, each with a card that says what it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from console.bootstrap import Twin
from console.use import viewing
from projections import outside
from projections.errors import ProjectionError
from projections.exports import chat, parquet, preferences
from projections.exports.card import File, Said, Summary, card
from projections.exports.counts import Counts, Tally
from projections.exports.files import whole
from projections.exports.preferences import Preference
from projections.exports.services import SERVICES
from projections.redaction import REDACTOR
from projections.reviews import EDITED
from projections.rows import Row, Split
from vault.errors import UsageError

__all__ = ["Format", "HandedOut", "hand_out"]


class Format(StrEnum):
    """What a view can be written as."""

    JSONL = "jsonl"
    PARQUET = "parquet"
    PREFERENCES = "preferences"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """What was written and where; `problems` is what services would refuse of it."""

    rows: int
    out: Path
    card: Path | None
    problems: tuple[chat.Problem, ...] = ()


def hand_out(
    twin: Twin,
    out: Path,
    form: Format = Format.JSONL,
    *,
    view: str = "",
    split: Split | None = None,
    service: str = "",
    today: Twin | None = None,
) -> HandedOut:
    """Write a view, whole or not at all, and a card beside it.

    Args:
        twin: The opened vault, as it stands or once stood.
        out: The file.
        form: What it is written as.
        view: Which view.
        split: One side of it; None where the file itself says of every row which it is on.
        service: Who is to read it; what that service refuses is an error.
        today: The vault as it stands, where `twin` is its past: only what is permitted
            today is written.

    Raises:
        NotFound: There is no such view.
        UsageError: There is no such service, or the file would lie within the vault.
        ProjectionError: There is nothing to write, or the service refuses it.
        StorageError: The disk refused.
    """
    _check(form, service)
    twin.catch_up()
    if split is None and form is not Format.PARQUET:
        split = "train"
    _need_rows(twin, view, split)
    # On the record before a word of it is written.
    (today or twin).vault.record(
        outside.handed(
            "training examples",
            place=str(out.resolve()),
            items=twin.views.named(view).count(),
        )
    )
    return _written(twin, out, form, view=view, split=split, service=service, today=today)


def _written(
    twin: Twin,
    out: Path,
    form: Format,
    *,
    view: str,
    split: Split | None,
    service: str,
    today: Twin | None,
) -> HandedOut:
    rows, home = _rows(twin, view, split, today or twin), twin.home
    if form is Format.PREFERENCES:
        style = preferences.PairForm.OPENAI if service else preferences.PairForm.TRL
        done = preferences.write(_preferences(twin, view, rows), out, home=home, form=style)
        return HandedOut(rows=done.rows, out=out.absolute(), card=None)
    tally = Tally()
    problems: tuple[chat.Problem, ...] = ()
    if form is Format.PARQUET:
        parquet.write(tally.through(rows), out, home=home)
    else:
        written = chat.write(
            tally.through(rows), out, home=home, service=SERVICES[service] if service else None
        )
        problems = written.problems
    beside = out.with_name(out.name + ".card.md")
    files = (File(name=out.name, split=split),) if split else ()
    summary = _summary(twin, view, tally.counts(), files)
    with whole(beside, home=home) as file:
        file.write(card(summary).encode())
    return HandedOut(
        rows=tally.counts().rows, out=out.absolute(), card=beside.absolute(), problems=problems
    )


def _need_rows(twin: Twin, view: str, split: Split | None) -> None:
    """Say so where there are examples, and all of them are on the other side of the split."""
    other: Split = "held" if split == "train" else "train"
    training = twin.views.named(view)
    if split is None or any(training.rows(split, now=twin.now)):
        return
    if any(training.rows(other, now=twin.now)):
        raise ProjectionError(
            f"No example is on the side {split!r}; `--split {other}` writes those that there are."
        )


_PREFERRING = frozenset(("openai", "azure", "together"))


def _check(form: Format, service: str) -> None:
    read = {Format.JSONL: SERVICES.keys(), Format.PREFERENCES: _PREFERRING}.get(form, ())
    if service and service not in read:
        known = ", ".join(sorted(read)) or "none"
        raise UsageError(f"The services that read {form} are {known}; name one, or leave it out.")


def _rows(twin: Twin, view: str, split: Split | None, today: Twin) -> Iterator[Row]:
    rows = twin.views.named(view).rows(split, now=twin.now)
    if today is twin:
        yield from rows
        return
    for row in rows:
        if today.still_permitted([row]):
            yield row


def _preferences(twin: Twin, view: str, rows: Iterator[Row]) -> Iterator[Preference]:
    """Yield what the owner wrote herself beside what had stood there, both redacted."""
    training = twin.views.named(view)
    for row in rows:
        review = twin.views.reviews.of([row.facts.pair]).get(row.facts.pair)
        if review is None or review.verdict != EDITED or not review.answer:
            continue
        before = training.unedited(row, twin.now)
        if before and before.strip() != row.messages[-1].content.strip():
            yield Preference(
                prompt=row.messages[:-1],
                chosen=row.messages[-1].content,
                rejected=before,
                model="",
                events=row.events,
            )


def _summary(twin: Twin, view: str, counts: Counts, files: tuple[File, ...]) -> Summary:
    training = twin.views.named(view)
    stats = training.stats(twin.now)
    said = {one.id: one for one in twin.views.permissions.statements}
    return Summary(
        counts=counts,
        position=twin.views.timeline.position,
        checkpoint=twin.log.head.root.hex(),
        at=twin.now,
        redactor=REDACTOR,
        refused=stats.refused,
        duplicates=stats.duplicates,
        statements=tuple(
            Said.of(said[one], number) for one, number in counts.by_statement if one in said
        ),
        residual=tuple(viewing.risks(twin, training, stats.profile)) if stats.profile else (),
        files=files,
    )
