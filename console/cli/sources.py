"""`twin sources …`."""

import sys
from pathlib import Path

import click

from console.cli.common import GlobalOptions, command, emit, printable, talk

__all__ = ["sources"]


@click.group("sources", invoke_without_command=True)
@GlobalOptions.add
@click.pass_context
def sources(ctx: click.Context) -> None:
    """See what can be read, and check a source on a sample.

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


sources.add_command(list_)
sources.add_command(check)
