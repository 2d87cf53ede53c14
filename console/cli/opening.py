"""Opening the vault for a command: the passphrase, and how far a long step has come.

The passphrase comes from the file in TWIN_PASSPHRASE_FILE, else from the keyring if it was
put there, else from the person at the terminal; a recovery key will do in its place.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console import keyring
from console.cli.common import home_folder
from vault.errors import Locked, NotFound, StorageError

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = [
    "NEW_FILE",
    "new_passphrase",
    "newer_secret",
    "opened",
    "progress",
    "secret",
    "told_secret",
]

_FILE = "TWIN_PASSPHRASE_FILE"
NEW_FILE = "TWIN_NEW_PASSPHRASE_FILE"


def _from_file(variable: str, what: str = "The passphrase") -> str | None:
    named = os.environ.get(variable)
    if not named:
        return None
    try:
        text = Path(named).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Locked(f"{what} cannot be read from {named}; name a file that can.") from error
    return text.rstrip("\r\n")


def new_passphrase(variable: str = _FILE) -> str:
    """Ask for a new passphrase twice, or take it from the file that a variable names.

    Raises:
        Locked: There is neither a file nor a terminal.
        UsageError: It is too short to protect anything, or it is a recovery key.
    """
    passphrase = _from_file(variable)
    if passphrase is None:
        _need_terminal("A new passphrase is needed", variable)
        passphrase = str(
            click.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True)
        )
    from console.use import keeping  # noqa: PLC0415 — heavy

    return keeping.checked(passphrase)


def _need_terminal(what: str, variable: str) -> None:
    if not sys.stdin.isatty():
        raise Locked(
            f"{what}: run this in a terminal, or name a file with the passphrase in {variable}."
        )


def secret(what: str) -> str:
    """Return what opens a vault that is not here yet: from the file, else from the person.

    Args:
        what: What to say where there is neither.

    Raises:
        Locked: There is neither a file nor a terminal.
    """
    given = _from_file(_FILE)
    if given is not None:
        return given
    _need_terminal(what, _FILE)
    return str(click.prompt("Passphrase", hide_input=True, err=True))


def told_secret(what: str, variable: str) -> str:
    """Return a secret of somewhere else: from the file a variable names, else from the person.

    Args:
        what: What it is, as the person is asked for it.
        variable: The variable that may name a file with it.

    Raises:
        Locked: There is neither a file nor a terminal, or nothing in the file.
    """
    given = _from_file(variable, what)
    if given is None:
        if not sys.stdin.isatty():
            raise Locked(
                f"{what} is needed: run this in a terminal, or name a file with it in {variable}."
            )
        given = str(click.prompt(what, hide_input=True, err=True))
    if not given:
        raise Locked(f"{what} is empty; see what is in the file that {variable} names.")
    return given


def newer_secret(before: str) -> str:
    """Return what opens a vault whose keys were replaced elsewhere.

    Raises:
        Locked: The passphrase file cannot be read.
    """
    given = _from_file(NEW_FILE)
    if given is not None or not sys.stdin.isatty():
        return before if given is None else given
    return str(click.prompt("New passphrase or recovery key", hide_input=True, err=True))


@contextmanager
def opened(*, tidy: bool = True) -> "Iterator[Twin]":
    """Open the vault with the passphrase, and close it again.

    Args:
        tidy: Erase what is past its days first, and finish what was interrupted.

    Raises:
        NotFound: There is no vault.
        Locked: The passphrase is missing or wrong.
    """
    from console import bootstrap  # noqa: PLC0415 — heavy

    home = home_folder()
    if not home.is_dir() or not any(home.iterdir()):
        raise NotFound(f"There is no vault in {home}; `twin init` creates one.")
    twin = _unlocked(home)
    for view in twin.views.all:
        if view.begun_anew:
            how = _HOW[view.begun_anew]
            click.echo(f"The view {view.name} {how}; it is made again from the log.", err=True)
    try:
        if tidy:
            from console.cli import tidying  # noqa: PLC0415 — heavy

            tidying.tidy(twin, progress)
        yield twin
    except Exception as error:
        if bootstrap.is_damaged_view(error):
            damaged = [view.name for view in twin.views.all if not view.is_sound]
            twin.close()
            bootstrap.drop_views(home, damaged or ("*",))
            raise StorageError(
                f"The view {', '.join(damaged) or 'of something'} was damaged and was dropped; run "
                "the command again, it is made anew from the log."
            ) from error
        raise
    finally:
        twin.close()


_HOW = {
    "missing": "was missing",
    "older": "was made by another version",
    "damaged": "was damaged, or another vault's",
}


def _unlocked(home: Path) -> "Twin":
    from console import bootstrap  # noqa: PLC0415 — heavy

    passphrase = _from_file(_FILE)
    if passphrase is not None:
        return bootstrap.open_(home, passphrase)
    twin = _unlocked_by_keyring(home)
    if twin is not None:
        return twin
    _need_terminal("The vault is locked", _FILE)
    return bootstrap.open_(home, str(click.prompt("Passphrase", hide_input=True, err=True)))


def _unlocked_by_keyring(home: Path) -> "Twin | None":
    """Open with the passphrase in the keyring; say why where that does not work."""
    from console import bootstrap  # noqa: PLC0415 — heavy

    if not keyring.is_remembered(home):
        return None
    try:
        passphrase = keyring.recall(home)
    except (NotFound, StorageError) as error:
        click.echo(str(error), err=True)
        return None
    try:
        return bootstrap.open_(home, passphrase)
    except Locked:
        click.echo(
            "The passphrase in the keyring is wrong; `twin keys remember` puts the right one there.",
            err=True,
        )
        return None


@contextmanager
def progress(what: str, unit: str = "") -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on a terminal, with a rate where it counts bytes; elsewhere nothing.

    Yields:
        A function that takes (done, in all), or None where nobody looks.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 — only on a terminal
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    rates = (DownloadColumn(), TransferSpeedColumn()) if unit == "bytes" else (TextColumn(unit),)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        *rates,
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield told
