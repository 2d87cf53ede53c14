"""`twin imports …`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, command, emit, printable, talk
from console.cli.opening import opened, progress

if TYPE_CHECKING:
    from console.use.importing import Past

__all__ = ["imports"]

_SHOWN_BAD = 20


@click.group("imports", invoke_without_command=True)
@GlobalOptions.add
@click.pass_context
def imports(ctx: click.Context) -> None:
    """See what was imported and what could not be read, and read that again.

    Alone it lists every import that brought something.
    """
    if ctx.invoked_subcommand is None:
        _list()


@command("list")
def list_() -> None:
    """List every import that brought something, the oldest first."""
    _list()


def _list() -> None:
    from console.use import importing  # noqa: PLC0415 — heavy

    with opened() as twin:
        listed = importing.imports(twin)

    def lines() -> None:
        for past in listed.imports:
            click.echo(_line(past))
            for reason, count in past.reasons:
                click.echo(f"      {count} not read: {printable(reason)}")
        if not listed.imports:
            talk("Nothing yet: `twin add PATH` collects an export.")

    emit(listed, lines)


def _line(past: "Past") -> str:
    what = f"{printable(past.locator)} ({', '.join(past.sources) or 'nothing that is read'})"
    again = f", again what import {past.retried} could not read" if past.retried else ""
    return (
        f"{past.number:>4}  {past.at:%Y-%m-%d %H:%M}  {what}: {past.read} read, "
        f"{past.collected} collected, {past.duplicates} there already, {past.bad} not read{again}"
    )


@command("show")
@click.argument("number", type=click.IntRange(min=1), metavar="NUMBER")
def show(number: int) -> None:
    """Show one import, with the place of everything that it could not read."""
    from console.use import importing  # noqa: PLC0415 — heavy

    with opened() as twin:
        shown = importing.show(twin, number)

    def lines() -> None:
        past = shown.past
        click.echo(_line(past))
        if past.path:
            click.echo(f"      {printable(past.path)}")
        if past.first_at and past.last_at:
            click.echo(f"      from {past.first_at:%Y-%m-%d} to {past.last_at:%Y-%m-%d}")
        for bad in shown.unread:
            click.echo(f"  {printable(bad.locator)}: {bad.reason}")
        if len(shown.unread) < past.bad:
            talk(f"… and {past.bad - len(shown.unread)} more, of which the places are not kept.")

    emit(shown, lines)


@command("retry")
@click.argument("number", required=False, type=click.IntRange(min=1), metavar="[NUMBER]")
@click.option(
    "--from",
    "path",
    type=click.Path(path_type=Path, exists=True),
    help="Where the export lies now, if it was moved.",
)
def retry(number: int | None, path: Path | None) -> None:
    """Read again what could not be read, after an update or once it was mended.

    Of one import, or of the newest of everything that was added. Files that were read as a
    whole are left alone.
    """
    from console.use import importing  # noqa: PLC0415 — heavy

    if path is not None and number is None:
        raise click.UsageError("--from says where one import lies now: name its number.")
    with opened() as twin, progress("Reading", "bytes") as told:
        done = importing.retry(twin, number, path=path, progress=told)

    def lines() -> None:
        for one in done.retried:
            got = one.imported
            talk(
                f"{printable(one.locator)}: {got.collected} collected, {got.duplicates} there "
                f"already, {len(got.bad)} still not readable."
            )
            for bad in got.bad[:_SHOWN_BAD]:
                click.echo(f"  {printable(bad.locator)}: {bad.reason}", err=True)
        for past in done.gone:
            talk(
                f"{printable(past.locator)} is not where it was: `twin imports retry "
                f"{past.number} --from PATH` says where it lies now."
            )
        for refused in done.refused:
            talk(f"{printable(refused.locator)} was not read: {refused.reason}")
        if not done.retried and not done.gone and not done.refused:
            talk("Everything that was added could be read.")

    emit(done, lines)


for _one in (list_, show, retry):
    imports.add_command(_one)
