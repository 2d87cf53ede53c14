"""`twin redact`."""

import sys
from io import BufferedReader
from pathlib import Path
from typing import cast

import click

from console.cli.common import command
from vault.consent import Profile

__all__ = ["redact"]


@command("redact")
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    default=Profile.STRICT.value,
    show_default=True,
    help="How much is masked.",
)
@click.option(
    "--roster",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON file of people to know by name.",
)
@click.option("--surrogates", is_flag=True, help="Write invented names and numbers, not marks.")
def redact(profile: str, roster: Path | None, surrogates: bool) -> None:
    """Redact lines of JSON from standard input; no vault is needed.

    Reads {"text": …} and writes {"text": …, "spans": [[start, end, type, person], …]}.
    """
    from console.use import redacting  # noqa: PLC0415 — heavy

    given = cast("BufferedReader", sys.stdin.buffer)
    for line in redacting.lines(given, Profile(profile), roster, surrogates=surrogates):
        click.echo(line)
