"""`twin consent inbox`: what other applications asked for in the pod, and the owner's answer."""

from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, command, emit, printable, talk
from console.cli.opening import opened
from console.cli.wording import line_of
from vault.consent import Effect

if TYPE_CHECKING:
    from projections.permissions import Waiting

__all__ = ["inbox"]

_SHOWN = 8


@click.group("inbox", invoke_without_command=True)
@GlobalOptions.add
@click.pass_context
def inbox(context: click.Context) -> None:
    """Look at what other applications ask for in your pod, and answer.

    What they forbid holds as soon as the vault sees it. What they would allow waits here for
    your word: `accept` says it as yours, `refuse` leaves everything as it is.
    """
    if context.invoked_subcommand is None:
        context.invoke(list_)


@command("list")
def list_() -> None:
    """Show what waits for your word."""
    from console.use import answering  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = answering.inbox(twin)

    def lines() -> None:
        for waiting in found.waiting:
            click.echo(printable(_line(waiting)))
        for unread in found.unread:
            click.echo(printable(f"not understood: {unread.document}: {unread.reason}"), err=True)
        if not found.waiting:
            talk("Nothing waits for your word.")

    emit(found, lines)


def _line(waiting: "Waiting") -> str:
    asked = waiting.statement
    what = line_of(asked)
    if asked.effect is Effect.DENY and asked.expires and asked.expires <= waiting.at:
        what = f"end {line_of(asked)}"
    held = " (what narrows holds already)" if waiting.counts else ""
    return f"{asked.id[:_SHOWN]}  {waiting.at:%Y-%m-%d %H:%M}  {what}{held}"


@command("accept")
@click.argument("id_", metavar="ID")
def accept(id_: str) -> None:
    """Say what was asked for, as your own word."""
    from console.use import answering  # noqa: PLC0415 — heavy

    with opened() as twin:
        said = answering.accept(twin, id_)
    emit(said, lambda: click.echo(line_of(said.statement)))


@command("refuse")
@click.argument("id_", metavar="ID")
def refuse(id_: str) -> None:
    """Leave everything as it is."""
    from console.use import answering  # noqa: PLC0415 — heavy

    with opened() as twin:
        refused = answering.refuse(twin, id_)
    emit(refused, lambda: click.echo(f"refused: {line_of(refused.refused)}"))


for _command in (list_, accept, refuse):
    inbox.add_command(_command)
