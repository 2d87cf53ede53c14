"""`twin view …`."""

from pathlib import Path

import click

from console.cli.common import GlobalOptions, emit, talk
from console.cli.opening import opened, progress

__all__ = ["view"]


@click.group("view")
@GlobalOptions.add
def view() -> None:
    """Build, look at and export the training view: consented, redacted, in chat form."""


@view.command("build")
@GlobalOptions.add
def build() -> None:
    """Bring every view to the end of the log."""
    from console.use import viewing  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Projecting", "entries") as told:
        built = viewing.build(twin, told)
    emit(built, lambda: talk(f"{built.rows} rows at position {built.position}."))


@view.command("preview")
@click.option("--rows", "count", default=5, show_default=True, type=click.IntRange(1, 100))
@GlobalOptions.add
def preview(count: int) -> None:
    """Show a few rows, before and after redaction."""
    from console.use import viewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = viewing.preview(twin, count)

    def lines() -> None:
        for sample in found.samples:
            click.echo(f"before  {sample.before}\nafter   {sample.after}\n")
        if not found.samples:
            talk("No rows: nothing is allowed to be trained on (`twin consent allow TYPE train`).")

    emit(found, lines)


@view.command("stats")
@GlobalOptions.add
def stats() -> None:
    """Count rows and what was redacted, with examples and what may be left."""
    from console.use import viewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = viewing.stats(twin)

    def lines() -> None:
        click.echo(f"{found.rows} rows: {found.train} to learn from, {found.held} held out")
        for name, count in found.by_type:
            click.echo(f"  {name}: {count}")
        for name, count in found.redacted:
            click.echo(f"  redacted {name}: {count}")
        for sample in found.examples:
            click.echo(f"before  {sample.before}\nafter   {sample.after}")
        if found.risks:
            click.echo(f"What may be left under {found.profile}, by canaries that were planted:")
        for risk in found.risks:
            click.echo(
                f"  {risk.of}: {risk.left} of {risk.planted} left, "
                f"so at most {risk.at_most:.1%} (with 95 % confidence)"
            )

    emit(found, lines)


@view.command("names")
@click.argument("model", metavar="MODEL")
@GlobalOptions.add
def names(model: str) -> None:
    """Guess names of strangers with a transformer in a folder too, or only as shipped."""
    from console.use import viewing  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        built = viewing.use_names(twin, None if model == "shipped" else Path(model).absolute())
    emit(built, lambda: talk(f"Names are guessed anew: {built.rows} rows."))


@view.command("export")
@click.option("--format", "form", type=click.Choice(["jsonl"]), required=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@GlobalOptions.add
def export(form: str, out: Path) -> None:
    """Write the training view as JSON Lines of chat messages."""
    del form  # one format so far; the option is part of the scripted interface
    from console.use import viewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        written = viewing.export(twin, out)
    emit(written, lambda: talk(f"{written.rows} rows written to {written.out}."))
