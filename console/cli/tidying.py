"""What is done by itself when a vault is opened, told on stderr."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from console.bootstrap import Twin

__all__ = ["tidy"]

Progress = Callable[[str], AbstractContextManager[Callable[[int, int], None] | None]]


def tidy(twin: "Twin", progress: Progress) -> None:
    """Finish erasures that are owed, and erase what is past its days.

    Args:
        twin: The opened vault.
        progress: Shows a bar while views follow the log.
    """
    from console.use import retaining  # noqa: PLC0415 — heavy

    end = twin.log.head.position
    if any(view.position < end for view in twin.views.all):
        with progress("Following the log") as told:
            twin.catch_up(told)
    done = retaining.tidy(twin)
    if done.finished:
        _say(
            f"An erasure of {done.finished.items} items was interrupted and is finished now; "
            f"certificate: {done.finished.certificate}"
        )
    if done.late:
        _say(f"{done.late} entries of erased items arrived late and were erased.")
    if done.erased:
        _say(
            f"{done.erased.items} items were past their days and were erased; "
            f"certificate: {done.erased.certificate}"
        )
    if done.kept:
        _say(
            f"{done.kept} items are past their days and still there, because {done.doubt}; "
            "`twin forget --due` erases them."
        )


def _say(line: str) -> None:
    click.echo(line, err=True)
