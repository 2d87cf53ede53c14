"""`twin sources …`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, command, emit, printable, talk
from console.cli.opening import opened

if TYPE_CHECKING:
    from console.use.watching import Watched

__all__ = ["sources"]


@click.group("sources", invoke_without_command=True)
@GlobalOptions.add
@click.pass_context
def sources(ctx: click.Context) -> None:
    """See what can be read, check a source on a sample, watch a folder.

    Alone it lists what can be read and how to ask for it.
    """
    if ctx.invoked_subcommand is None:
        _list()


@command("list")
def list_() -> None:
    """List what can be read, on what that rests, and how to ask for an export."""
    _list()


def _list() -> None:
    from console.use import sources as use  # noqa: PLC0415 — heavy

    known = use.known()

    def lines() -> None:
        for one in known.sources:
            mark = "" if one.built_in else "  (another package's)"
            click.echo(f"{one.name}  {printable(one.title)}{mark}")
            for kind in one.formats:
                click.echo(f"  {printable(kind.name)}: {kind.evidence}")
            click.echo(f"  types: {', '.join(one.types)}")
            if one.paths:
                click.echo(f"  such as {printable(', '.join(one.paths))}")
            if one.how:
                click.echo(f"  {printable(one.how)}")
            click.echo()
        for sentence in known.broken:
            talk(sentence)

    emit(known, lines)


@command("check")
@click.argument("source", metavar="NAME")
@click.argument("sample", type=click.Path(path_type=Path))
@click.option("--me", "names", multiple=True, help="A name or address of yours in it; repeatable.")
@click.option(
    "--mutations",
    default=200,
    show_default=True,
    type=click.IntRange(0, 1_000_000),
    help="How many damaged copies of the sample to read.",
)
def check(source: str, sample: Path, names: tuple[str, ...], mutations: int) -> None:
    """Check that a source keeps the contract, on a small SAMPLE of what it reads.

    For those who write a source: nothing is stored and no vault is needed. Leaves with 1
    where anything is wrong.
    """
    from vault.collectors import conformance  # noqa: PLC0415 — heavy
    from vault.consent import normal  # noqa: PLC0415 — heavy

    me = frozenset(normal(name) for name in names)
    report = conformance.check(source, sample, me, mutations=mutations)

    def lines() -> None:
        for one in report.checks:
            click.echo(f"{'ok    ' if one.passed else 'FAILED'} {one.name}")
            if one.reason:
                click.echo(f"       {printable(one.reason)}")
        talk(f"{report.items} items and {report.bad} not readable in {printable(report.sample)}.")

    emit(report, lines)
    if not report.passed:
        sys.exit(1)


@command("watch")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--source", default="", help="Read it as this source, whatever it looks like.")
def watch(path: Path, source: str) -> None:
    """Read a file or folder again whenever it changes, while `twin up` runs.

    Which places are watched stays on this device.
    """
    from console.use import watching  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = watching.watch(twin, path, source=source)
    _tell_watched(found)


@command("unwatch")
@click.argument("path", type=click.Path(path_type=Path))
def unwatch(path: Path) -> None:
    """Watch a file or folder no more; what was collected of it stays."""
    from console.use import watching  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = watching.unwatch(twin, path)
    _tell_watched(found)


@command("watched")
def watched() -> None:
    """List what is watched on this device."""
    from console.use import watching  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = watching.watched(twin)
    _tell_watched(found)


def _tell_watched(found: "Watched") -> None:
    def lines() -> None:
        for one in found.places:
            click.echo(printable(one.path) + ("" if one.is_there else "  (not there now)"))
        if not found.places:
            talk("Nothing is watched: `twin sources watch PATH`.")
        elif found.is_paused:
            talk("Watching is paused; the pages resume it.")
        else:
            talk("They are read when they change, while `twin up` runs and the vault is open.")

    emit(found, lines)


for _one in (list_, check, watch, unwatch, watched):
    sources.add_command(_one)
