"""`twin device …`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, agree, command, emit, home_folder, printable, talk
from console.cli.mirrors import say_replaced, say_restored
from console.cli.opening import newer_secret, opened, progress, secret

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = ["device"]


@click.group("device")
@GlobalOptions.add
def device() -> None:
    """Use one vault on several devices: list, enrol, revoke, exchange.

    Devices meet in a folder that all of them reach, one after the other or at the same
    time: a stick, a share, a synchronised folder. What is in it is sealed.
    """


@command("list")
def list_() -> None:
    """List the devices of the vault."""
    from console.use import mirroring  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = mirroring.devices(twin)

    def lines() -> None:
        for one in found.devices:
            state = "revoked" if one.revoked else "this device" if one.this else ""
            day = f"{one.enrolled:%Y-%m-%d}" if one.enrolled else "not met yet"
            name = printable(one.name) or "?"
            click.echo(f"{one.feed}  {day}  {one.entries} entries  {name}  {state}".rstrip())

    emit(found, lines)


@command("enrol")
@click.argument("out", type=click.Path(path_type=Path), metavar="DIR")
@click.option("--name", default="", help="What to call this device.")
def enrol(out: Path, name: str) -> None:
    """Make this machine a further device of a vault that DIR mirrors.

    DIR is a folder that another device wrote with `twin device exchange` or `twin backup`.
    The vault appears at --home (or TWIN_HOME), and the others learn of it from DIR.
    """
    from console.use import mirroring  # noqa: PLC0415 — heavy

    opens = secret("The folder is sealed")
    with progress("Reading", "entries") as told:
        done = mirroring.enrol(home_folder(), out, opens, name, told)

    emit(done, lambda: say_restored(done.restored))


@command("revoke")
@click.argument("name", metavar="NAME_OR_FEED")
@click.option("--yes", is_flag=True, help="Do not ask.")
def revoke(name: str, yes: bool) -> None:
    """Revoke a device that was lost or given away: what it writes counts nowhere.

    What it wrote up to now stays.
    """
    from console.use import mirroring  # noqa: PLC0415 — heavy

    with opened() as twin:
        agree(f"Revoke {printable(name)} for ever?", yes=yes)
        done = mirroring.revoke(twin, name)

    def lines() -> None:
        talk(
            f"{printable(done.device.name)} is revoked: {done.device.entries} entries of it count."
        )
        talk("The other devices learn it when they exchange.")
        talk(
            "Whoever has it holds the vault's old keys, once he guesses the passphrase: "
            "`twin keys rotate owner` makes them open nothing that is written from now on."
        )

    emit(done, lines)


@command("exchange")
@click.argument("out", type=click.Path(path_type=Path), metavar="DIR")
def exchange(out: Path) -> None:
    """Read from DIR what other devices know, and write there what this one does.

    If the owner key was replaced on another device, this one takes the new one over: with
    the same passphrase, or with one that is asked for or read from the file in
    TWIN_NEW_PASSPHRASE_FILE.
    """
    from console.use import mirroring  # noqa: PLC0415 — heavy

    with _present(out) as twin, progress("Reading", "entries") as told:
        done = mirroring.exchange(twin, out, told)

    def lines() -> None:
        talk(
            f"{done.taken.entries} entries came, {done.written.entries} went; "
            f"{done.events} entries, checkpoint {done.checkpoint}"
        )
        for feed in done.taken.revoked:
            talk(f"Device {feed} was revoked.")
        for feed in done.taken.waiting:
            talk(f"Device {feed} has to take over the newer keys first: let it exchange here.")
        for model in done.suspended:
            talk(f"Model {model} learned what is no longer permitted, and is suspended.")
        say_replaced(done.written)

    emit(done, lines)


@contextmanager
def _present(out: Path) -> "Iterator[Twin]":
    """Open the vault, with the owner key that the others have."""
    from console.use import mirroring  # noqa: PLC0415 — heavy

    with opened() as twin:
        if not mirroring.is_newer(twin, out):
            yield twin
            return
        before = twin.secret
    talk("The owner key was replaced on another device; this one takes the new one over.")
    newer = mirroring.adopted(home_folder(), before, out, newer_secret(before))
    try:
        yield newer
    finally:
        newer.close()


for _command in (list_, enrol, revoke, exchange):
    device.add_command(_command)
