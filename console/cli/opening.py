"""Opening the vault for a command: the passphrase, and how far a long step has come."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import home_folder
from vault.errors import Locked, NotFound, StorageError, UsageError

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = ["new_passphrase", "opened", "progress"]

_SHORTEST = 8


def _from_file() -> str | None:
    named = os.environ.get("TWIN_PASSPHRASE_FILE")
    if not named:
        return None
    try:
        text = Path(named).expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Locked(f"The passphrase file {named} cannot be read; name one that can.") from error
    return text.rstrip("\r\n")


def new_passphrase() -> str:
    """Ask for a new passphrase twice, or take it from the file.

    Raises:
        Locked: There is neither a file nor a terminal.
        UsageError: It is too short to protect anything.
    """
    passphrase = _from_file()
    if passphrase is None:
        _need_terminal()
        passphrase = str(
            click.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True)
        )
    if len(passphrase) < _SHORTEST:
        raise UsageError(
            f"The passphrase needs {_SHORTEST} characters or more; choose a longer one."
        )
    return passphrase


def _need_terminal() -> None:
    if not sys.stdin.isatty():
        raise Locked(
            "The vault is locked: run this in a terminal, "
            "or name a file with the passphrase in TWIN_PASSPHRASE_FILE."
        )


@contextmanager
def opened() -> "Iterator[Twin]":
    """Open the vault with the passphrase, and close it again.

    Raises:
        NotFound: There is no vault.
        Locked: The passphrase is missing or wrong.
    """
    from console import bootstrap  # noqa: PLC0415 — heavy

    home = home_folder()
    if not home.is_dir() or not any(home.iterdir()):
        raise NotFound(f"There is no vault in {home}; `twin init` creates one.")
    passphrase = _from_file()
    if passphrase is None:
        _need_terminal()
        passphrase = str(click.prompt("Passphrase", hide_input=True, err=True))
    twin = bootstrap.open_(home, passphrase)
    try:
        yield twin
    except Exception as error:
        if bootstrap.is_damaged_view(error):
            twin.close()
            bootstrap.drop_views(home)
            raise StorageError(
                "A view was damaged and was dropped; run the command again, it is made anew "
                "from the log."
            ) from error
        raise
    finally:
        twin.close()


@contextmanager
def progress(what: str, unit: str = "") -> Iterator[Callable[[int, int], None] | None]:
    """Show a bar on a terminal; elsewhere nothing.

    Yields:
        A function that takes (done, in all), or None where nobody looks.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 — only on a terminal
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def told(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield told
