"""`twin attachments`."""

from pathlib import Path

import click

from console.cli.common import command, emit, printable, talk
from console.cli.opening import opened

__all__ = ["attachments"]

_UNITS = ("bytes", "KB", "MB", "GB")
_STEP = 1000


@command("attachments")
@click.argument("item_id", metavar="ID")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the files into this folder; none that is there is overwritten.",
)
def attachments(item_id: str, out: Path | None) -> None:
    """List the files that came with an item, or write them into a folder.

    What is written is not encrypted. Of files over 64 MiB, and of those that were missing when
    the item was collected, the vault knows name, type, size and SHA-256 alone.
    """
    from console.use import attachments as files  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = files.write(twin, item_id, out) if out else files.attached(twin, item_id)

    def lines() -> None:
        for one in found.attachments:
            where = str(one.file) if one.file else "" if one.kept else "bytes not kept"
            told = (printable(one.name), one.media_type, size(one.size), where)
            click.echo("  ".join(part for part in told if part))
        if not found.attachments:
            talk("No file came with it.")

    emit(found, lines)


def size(number: int) -> str:
    """Return a size as a person reads it."""
    value, unit = float(number), 0
    while value >= _STEP and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit else f"{number} bytes"
