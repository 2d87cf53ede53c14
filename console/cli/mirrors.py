"""`twin backup`, `twin restore` and `twin check`."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import command, emit, home_folder, talk
from console.cli.opening import opened, progress, secret

if TYPE_CHECKING:
    from vault.mirrors import Given
    from vault.restoring import Restored

__all__ = ["Share", "backup", "check", "restore", "say_replaced", "say_restored"]

_PERCENT = re.compile(r"(100|[1-9]?[0-9](?:\.[0-9]+)?)%")


class Share(click.ParamType[float]):
    """A percentage, as a share of one."""

    name = "percentage"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the share."""
        form = _PERCENT.fullmatch(str(value))
        if form is None:
            self.fail("Name a percentage, like 5%.", param, ctx)
        return float(form[1]) / 100


@command("backup")
@click.argument("out", type=click.Path(path_type=Path), metavar="DIR")
def backup(out: Path) -> None:
    """Bring a backup up to date: sealed, only what is new, safe to interrupt.

    DIR is new, empty, or this vault's backup. What was erased since the last time is
    taken out of it. The passphrase or the recovery key opens it.
    """
    from console.use import mirroring  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Backing up", "entries") as told:
        done = mirroring.backup(twin, out, told)

    def lines() -> None:
        talk(
            f"{done.written.entries} entries and {done.written.parcels} models and papers "
            f"were written; all {done.events} entries are in {done.out}"
        )
        say_replaced(done.written)

    emit(done, lines)


def say_replaced(written: "Given") -> None:
    """Say which files of a mirror were put anew, and why."""
    if written.purged:
        talk(
            f"{written.purged} files there held what was erased since: they were written anew "
            "without it, and deleted."
        )
    if written.resealed:
        talk(f"{written.resealed} files there were sealed anew under the present keys.")


@command("restore")
@click.argument("out", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", default="", help="What to call this device.")
def restore(out: Path, name: str) -> None:
    """Make the vault again from a backup, as a new device.

    It appears at --home (or TWIN_HOME) whole or not at all; if it was interrupted, running
    it again goes on. The passphrase or the recovery key opens the backup.
    """
    from console.use import mirroring  # noqa: PLC0415 — heavy

    opens = secret("The backup is sealed")
    with progress("Restoring", "entries") as told:
        done = mirroring.restore(home_folder(), out, opens, name, told)

    emit(done, lambda: say_restored(done))


def say_restored(done: "Restored") -> None:
    """Say what is there again."""
    talk(f"{done.events} entries and {done.models} files of models are in {done.vault}")
    if done.withheld:
        talk(f"Of {done.withheld} of them only the hash came back: their words were not there.")
    talk(f"Checkpoint {done.checkpoint}; this device is {done.device} ({done.feed}).")
    talk("If another device is lost, `twin device revoke` shuts it out.")


@command("check")
@click.argument("out", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--read-data", is_flag=True, help="Open and verify every file.")
@click.option(
    "--read-data-subset", "share", type=Share(), help="Open and verify so many, chosen at random."
)
def check(out: Path, read_data: bool, share: float | None) -> None:
    """Check that a backup is whole; exit 6 where something is wrong.

    Without options: that it opens, that nothing is missing or cut short, that its heads
    are signed.
    """
    from console.use import mirroring  # noqa: PLC0415 — heavy

    if read_data and share is not None:
        raise click.UsageError("Say --read-data or --read-data-subset, not both.")
    opens = secret("The backup is sealed")
    with progress("Reading", "files") as told:
        found = mirroring.check(home_folder(), out, opens, 1.0 if read_data else share or 0.0, told)

    def lines() -> None:
        talk(f"{found.entries} entries in {found.files} files, {found.read} of them read.")
        for problem in found.problems:
            click.echo(problem, err=True)
        talk("The backup is whole." if not found.problems else "The backup is not whole.")

    emit(found, lines)
    if found.problems:
        sys.exit(6)
