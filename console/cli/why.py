"""`twin why`."""

import click

from console.cli.common import command, emit
from console.cli.opening import opened

__all__ = ["why"]


@command("why")
@click.argument("item_id", metavar="ID")
def why(item_id: str) -> None:
    """Say for each view why an item is in or out, and which statement decided."""
    from console.use import tracing  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = tracing.why(twin, item_id)

    def lines() -> None:
        click.echo(f"{found.id}  {found.type}  {' '.join(found.labels)}".rstrip())
        for place in found.places:
            said = f" [{place.statement}]" if place.statement else ""
            click.echo(f"{'in ' if place.within else 'out'}  {place.view}: {place.reason}{said}")
            for pair in place.pairs:
                click.echo(f"       example {pair[:12]}")

    emit(found, lines)
