"""`twin pairs …`."""

import re
from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, emit, talk
from console.cli.editing import given
from console.cli.opening import opened

if TYPE_CHECKING:
    from console.use.reviewing import Reviewed

__all__ = ["pairs"]

_SHORT = 12
_SEPARATOR = "-----"
_of_view = click.option("--view", default="", help="Those of a view that you defined.")


@click.group("pairs")
@GlobalOptions.add
def pairs() -> None:
    """Read the examples that a model would learn from, and correct, approve or reject them.

    PAIR is the name that the list shows, or its beginning. What you say stays when views are
    made again, and goes with the items that the example is made of.
    """


@pairs.command("list")
@_of_view
@click.option("--kind", default="", help="Only replies, openings, titles, …")
@click.option("--tag", default="", help="Only about this: technical, personal, …")
@click.option(
    "--verdict",
    type=click.Choice(["approved", "edited"]),
    default=None,
    help="Only those of which you said so.",
)
@click.option("--left-out", is_flag=True, help="Those too of which none was made, and why.")
@click.option("--after", default="", help="Go on behind this name.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@GlobalOptions.add
def list_(
    *,
    view: str,
    kind: str,
    tag: str,
    verdict: str | None,
    left_out: bool,
    after: str,
    limit: int,
) -> None:
    """List examples as a model would see them."""
    from console.use import reviewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = reviewing.listed(
            twin, view=view, kind=kind, tag=tag, verdict=verdict or "", after=after, limit=limit
        )

    def lines() -> None:
        for one in found.pairs:
            day = f"{one.at:%Y-%m-%d}" if one.at else "undated"
            about = ", ".join((one.kind, one.type, one.style, *one.tags))
            click.echo(f"{one.pair[:_SHORT]}  {day}  {one.split}  {about}  {one.verdict}".rstrip())
            click.echo(f"    {_line(one.prompt)}\n    > {_line(one.answer)}")
        for out in found.left_out if left_out else ():
            click.echo(f"{out.pair[:_SHORT]}  left out: {out.reason}  item {' '.join(out.items)}")
        talk(f"{len(found.pairs)} of {found.of} examples.")

    emit(found, lines)


def _line(text: str) -> str:
    return " ".join(text.split())


@pairs.command("edit")
@click.argument("pair", metavar="PAIR")
@_of_view
@GlobalOptions.add
def edit(pair: str, view: str) -> None:
    """Put other words in the place of an example's: from stdin, or in your editor.

    The question comes first, then a line of five hyphens, then the answer; without such a
    line everything is the answer. The words are redacted like all others.
    """
    from console.use import reviewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        words = reviewing.words(twin, pair, view=view)
        text = given(f"{words.prompt}\n{_SEPARATOR}\n{words.answer}\n")
        prompt, answer = _parted(text)
        done = reviewing.edit(twin, words.pair, prompt=prompt, answer=answer, view=view)
    _say(done)


def _parted(text: str) -> tuple[str, str]:
    """Return question and answer; the question is empty where only an answer is given."""
    parts = re.split(rf"^{_SEPARATOR}[ \t]*\r?$", text, maxsplit=1, flags=re.MULTILINE)
    return (parts[0], parts[1]) if len(parts) > 1 else ("", text)


@pairs.command("approve")
@click.argument("pair", metavar="PAIR")
@_of_view
@GlobalOptions.add
def approve(pair: str, view: str) -> None:
    """Say that an example is good: no filter leaves it out, and one you rejected comes back."""
    from console.use import reviewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        done = reviewing.approve(twin, pair, view=view)
    _say(done)


@pairs.command("reject")
@click.argument("pair", metavar="PAIR")
@_of_view
@GlobalOptions.add
def reject(pair: str, view: str) -> None:
    """Say that nothing is to be learned from an example."""
    from console.use import reviewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        done = reviewing.reject(twin, pair, view=view)
    _say(done)


def _say(done: "Reviewed") -> None:
    def lines() -> None:
        if done.changed:
            talk(f"{done.pair[:_SHORT]}: {done.verdict}. Models learn of it by `twin retrain`.")
        else:
            talk(f"{done.pair[:_SHORT]} was {done.verdict} already; nothing was changed.")

    emit(done, lines)


@pairs.command("report")
@_of_view
@GlobalOptions.add
def report(view: str) -> None:
    """Say whose words, which sources, times and matters dominate the examples."""
    from console.use import reviewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = reviewing.report(twin, view)

    def lines() -> None:
        for dimension in found.dimensions:
            click.echo(f"{dimension.name}: as many as {dimension.effective:.1f} even ones")
            for one in dimension.classes[:8]:
                click.echo(f"  {one.share / 1000:6.1%}  {one.rows:6}  {one.name}")
        for finding in found.findings:
            talk(finding)

    emit(found, lines)
