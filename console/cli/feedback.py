"""`twin feedback …`."""

import click

from console.cli.common import GlobalOptions, emit, printable, talk
from console.cli.opening import opened

__all__ = ["feedback"]


@click.group("feedback", invoke_without_command=True)
@GlobalOptions.add
@click.pass_context
def feedback(ctx: click.Context) -> None:
    """See what you said of models' answers, and take it back."""
    if ctx.invoked_subcommand is None:
        _list(None)


@feedback.command("list")
@click.option("--before", type=int, default=None, help="Go on behind this place.")
@GlobalOptions.add
def list_(before: int | None) -> None:
    """List what you said of answers, the newest first, fifty at a time."""
    _list(before)


def _list(before: int | None) -> None:
    from console.use import conversing  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = conversing.given(twin, before)

    def lines() -> None:
        for one in found.given:
            said = "good" if one.good else "written better" if one.better else "not good"
            click.echo(f"{one.entry}  {one.at:%Y-%m-%d}  {one.model}  {said}")
            click.echo(f"    {_line(one.prompt)}\n    > {_line(one.answer)}")
            if one.better:
                click.echo(f"    better: {_line(one.better)}")
        if not found.given:
            talk("You judged no answer yet; the pages of `twin up` have buttons for it.")
        if found.going_on:
            talk(f"Older ones: `twin feedback list --before {found.going_on}`.")

    emit(found, lines)


def _line(text: str) -> str:
    return printable(" ".join(text.split()))


@feedback.command("erase")
@click.argument("entry", metavar="ENTRY")
@GlobalOptions.add
def erase(entry: str) -> None:
    """Take back what you said of an answer: it is erased, only its signed entry stays."""
    from console.use import conversing  # noqa: PLC0415 — heavy

    with opened() as twin:
        gone = conversing.take_back(twin, entry)
    emit(gone, lambda: talk(f"What you said of an answer of {gone.model} is erased."))
