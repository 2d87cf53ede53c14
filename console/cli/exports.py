"""`twin export` and `twin consent restore`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, agree, command, emit, printable, talk
from console.cli.opening import opened, progress
from console.cli.wording import line_of

if TYPE_CHECKING:
    from console.use.reinstating import Plan, Word

__all__ = ["export", "restore"]


@command("export")
@click.argument("out", type=click.Path(path_type=Path), metavar="DIR")
def export(out: Path) -> None:
    """Write everything into a folder, as a portable copy in the clear.

    DIR is new, empty, or holds an export that was interrupted: running it again goes on.
    """
    from console.use import exporting  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Exporting") as told:
        click.echo(exporting.WARNING, err=True)
        done = exporting.export(twin, out, told)

    def lines() -> None:
        told = [
            _count(getattr(done, f"{name}s"), name)
            for name in ("item", "attachment", "correction", "statement", "model", "paper", "file")
        ]
        talk(f"{', '.join(told)}: {done.out}")

    emit(done, lines)


@click.command("restore")
@click.argument("path", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--yes", is_flag=True, help="Do not ask.")
@GlobalOptions.add
def restore(path: Path, yes: bool) -> None:
    """Say again what a portable copy says: consent, pauses, retention, names, corrections.

    `twin add DIR` brings its items; do that first. What will be said is listed, and asked.
    """
    from console.use import reinstating  # noqa: PLC0415 — heavy

    with opened() as twin:
        planned = reinstating.plan(twin, path)
        if planned.names or planned.words or planned.corrections:
            _list(planned)
            agree("Put all this on the record?", yes=yes)
        done = reinstating.reinstate(twin, planned)

    def lines() -> None:
        told = (
            _count(len(done.words), "statement"),
            _count(len(done.names), "name"),
            _count(done.corrections, "correction"),
        )
        talk(f"On the record again: {', '.join(told)}. There already: {done.already}.")
        if done.missing:
            what = _count(done.missing, "correction")
            talk(f"Left out for want of the item: {what}; `twin add` the copy first.")

    emit(done, lines)


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _list(planned: "Plan") -> None:
    """Tell what a plan would say."""
    for name in planned.names:
        click.echo(printable(f"you are {name}"), err=True)
    for word in planned.words:
        click.echo(printable(f"{word.at:%Y-%m-%d %H:%M}  {_told(word)}"), err=True)
    if planned.corrections:
        click.echo(_count(len(planned.corrections), "correction"), err=True)


def _told(word: "Word") -> str:
    from projections.permissions import statement_of  # noqa: PLC0415 — heavy
    from vault.events import (  # noqa: PLC0415
        ConsentObserved,
        RetentionSet,
        UsePaused,
        UseResumed,
    )

    also = [name for name in word.known_as if len(word.known_as) > 1]
    who = f" ({', '.join(also)} are one person)" if also else ""
    match word.event:
        case UsePaused(pause=pause) | UseResumed(pause=pause):
            verb = "pause" if isinstance(word.event, UsePaused) else "resume"
            about = (pause.type or "everything", pause.source, pause.person)
            return f"{verb} {', '.join(filter(None, about))}{who}"
        case RetentionSet(type=name, days=None):
            return f"keep {name} for ever"
        case RetentionSet(type=name, days=days):
            return f"keep {name} for {days} days"
        case ConsentObserved(statement=asked):
            return f"asked in the pod: {line_of(asked)}{who}"
        case event if (statement := statement_of(event)) is not None:
            return line_of(statement) + who
        case _:
            return _told_of_people(word)


def _told_of_people(word: "Word") -> str:
    from vault.events import PersonMerged, PersonRelated, PersonSplit  # noqa: PLC0415 — heavy

    known, others = ", ".join(word.known_as), ", ".join(word.others_known_as)
    match word.event:
        case PersonMerged():
            return f"one person: {known}"
        case PersonSplit():
            return f"two persons: {others}; and {known}"
        case PersonRelated(relation=relation):
            return f"{relation or 'nothing said'}: {known}"
        case _:
            return word.topic
