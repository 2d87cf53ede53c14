"""`twin view …`."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from console.cli.common import GlobalOptions, emit, talk
from console.cli.conditions import DAY, Given, conditions, filters
from console.cli.opening import opened, progress

if TYPE_CHECKING:
    from console.bootstrap import Twin
    from console.use.handing_out import HandedOut
    from console.use.replaying import Moment
    from projections.rows import Split

__all__ = ["view"]


class _Moment(click.ParamType["int | datetime"]):
    """A position of the log, or a day or time in UTC."""

    name = "position or date"

    def convert(
        self,
        value: "str | int | datetime",
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> "int | datetime":
        if isinstance(value, int | datetime):
            return value
        if re.fullmatch(r"[0-9]{1,18}", value):
            return int(value)
        at: datetime = DAY.convert(value, param, ctx)
        return at


_of_view = click.option("--view", "named", default="", help="A view that you defined.")
_at = click.option(
    "--at",
    type=_Moment(),
    metavar="WHEN",
    help="As it stood at a position of the log, or at a date (UTC).",
)


@contextmanager
def _opened(at: "int | datetime | None") -> "Iterator[Twin]":
    """Open the vault, as it stands or as it once stood."""
    with opened() as twin:
        if at is None:
            yield twin
            return
        from console.use import replaying  # noqa: PLC0415 — heavy

        with (
            progress("Replaying", "entries") as told,
            replaying.once(twin, _moment(at), told) as past,
        ):
            yield past


def _moment(at: "int | datetime") -> "Moment":
    from console.cli.conditions import utc  # noqa: PLC0415
    from console.use.replaying import Moment  # noqa: PLC0415 — heavy

    return Moment(position=at) if isinstance(at, int) else Moment(at=utc(at))


@click.group("view")
@GlobalOptions.add
def view() -> None:
    """Build, look at and export training views: consented, redacted, in chat form.

    There is one of all that you allow, and as many narrower ones as you define. Names in one
    say nothing of those in another.
    """


@view.command("build")
@_of_view
@_at
@GlobalOptions.add
def build(named: str, at: "int | datetime | None") -> None:
    """Bring every view to the end of the log, or see what a view was at some time."""
    from console.use import replaying, viewing  # noqa: PLC0415 — heavy

    if at is None:
        with opened() as twin, progress("Projecting", "entries") as told:
            built = viewing.build(twin, told, view=named)
        emit(built, lambda: talk(f"{built.rows} rows at position {built.position}."))
        return
    with opened() as twin, progress("Replaying", "entries") as told:
        then = replaying.then(twin, _moment(at), named, told)

    def lines() -> None:
        talk(
            f"At position {then.position} ({then.at:%Y-%m-%d %H:%M} UTC): {then.items} items, "
            f"{then.statements} statements, {then.rows} rows."
        )
        talk(f"{then.permitted_today} of these rows are permitted today.")
        talk(f"Digest {then.digest}")

    emit(then, lines)


@view.command("check")
@GlobalOptions.add
def check() -> None:
    """Make every view again from nothing, and say whether it says the same."""
    from console.use import replaying  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Replaying", "entries") as told:
        found = replaying.check(twin, told)

    def lines() -> None:
        for name, same in found.views:
            click.echo(f"{name}: {'the same' if same else 'NOT THE SAME; delete its file'}")

    emit(found, lines)
    if not all(same for _, same in found.views):
        click.get_current_context().exit(6)


@view.command("define")
@click.argument("name", metavar="NAME")
@click.option("--type", "types", multiple=True, help="Only items of this data type; repeatable.")
@conditions
@click.option("--words", default="", help="Only threads that say all of these words.")
@click.option("--mine", is_flag=True, help="Only what you wrote; nobody's words as context.")
@click.option("--most", default=0, type=click.IntRange(0), help="At most so many examples.")
@click.option(
    "--balance", multiple=True, help="In even shares by source, type, style, kind or time."
)
@click.option("--augment", is_flag=True, help="Variants of the prompts of rare styles.")
@GlobalOptions.add
def define(
    *,
    name: str,
    types: tuple[str, ...],
    words: str,
    mine: bool,
    most: int,
    balance: tuple[str, ...],
    augment: bool,
    **given: Unpack[Given],
) -> None:
    """Define a view beside the one of everything: of a project, a person, a time.

    It never holds what you did not allow. NAME takes small letters, digits and hyphens; a
    view of that name is replaced. `twin train --view NAME` learns from it.
    """
    from console.use import defining  # noqa: PLC0415 — heavy
    from vault.events import ViewDefined  # noqa: PLC0415

    definition = ViewDefined(
        name=name,
        types=types,
        filters=filters(given),
        words=words,
        mine=mine,
        most=most,
        balance=balance,
        augment=augment,
    )
    with opened() as twin, progress("Projecting", "entries") as told:
        made = defining.define(twin, definition, told)

    def lines() -> None:
        talk(f"{made.view}: {made.rows} rows, {made.held} of them held out.")
        if not made.rows:
            talk("Nothing that is allowed lies within it (`twin consent show`, `twin view stats`).")

    emit(made, lines)


@view.command("list")
@GlobalOptions.add
def list_() -> None:
    """List every training view with its number of rows."""
    from console.use import defining  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = defining.listed(twin)

    def lines() -> None:
        for one in found.views:
            click.echo(f"{one.view or '(everything allowed)'}: {one.rows} rows")

    emit(found, lines)


@view.command("drop")
@click.argument("name", metavar="NAME")
@GlobalOptions.add
def drop(name: str) -> None:
    """Stop making a view that you defined, and delete what it holds."""
    from console.use import defining  # noqa: PLC0415 — heavy

    with opened() as twin:
        dropped = defining.drop(twin, name)
    emit(dropped, lambda: talk(f"{dropped.view} is not made any more."))


@view.command("preview")
@click.option("--rows", "count", default=5, show_default=True, type=click.IntRange(1, 100))
@_of_view
@_at
@GlobalOptions.add
def preview(count: int, named: str, at: "int | datetime | None") -> None:
    """Show a few rows, before and after redaction."""
    from console.use import viewing  # noqa: PLC0415 — heavy

    with _opened(at) as twin:
        found = viewing.preview(twin, count, view=named)

    def lines() -> None:
        for sample in found.samples:
            click.echo(f"before  {sample.before}\nafter   {sample.after}\n")
        if not found.samples:
            talk("No rows: nothing is allowed to be trained on (`twin consent allow TYPE train`).")

    emit(found, lines)


@view.command("stats")
@_of_view
@_at
@GlobalOptions.add
def stats(named: str, at: "int | datetime | None") -> None:
    """Count rows and what was redacted, with examples and what may be left."""
    from console.use import viewing  # noqa: PLC0415 — heavy

    with _opened(at) as twin:
        found = viewing.stats(twin, view=named)

    def lines() -> None:
        click.echo(f"{found.rows} rows: {found.train} to learn from, {found.held} held out")
        for name, count in found.by_type:
            click.echo(f"  {name}: {count}")
        for name, count in found.left_out:
            click.echo(f"  left out, {name}: {count}")
        if found.duplicates:
            click.echo(f"  left out, another says the same: {found.duplicates}")
        for name, count in found.redacted:
            click.echo(f"  redacted {name}: {count}")
        for sample in found.examples:
            click.echo(f"before  {sample.before}\nafter   {sample.after}")
        if found.risks:
            click.echo(f"What may be left under {found.profile}, by canaries that were planted:")
        for risk in found.risks:
            click.echo(
                f"  {risk.of}: {risk.left} of {risk.planted} left, "
                f"so at most {risk.at_most:.1%} (with 95 % confidence)"
            )

    emit(found, lines)


@view.command("names")
@click.argument("model", metavar="MODEL")
@GlobalOptions.add
def names(model: str) -> None:
    """Guess names of strangers with a transformer in a folder too, or only as shipped."""
    from console.use import viewing  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        built = viewing.use_names(twin, None if model == "shipped" else Path(model).absolute())
    emit(built, lambda: talk(f"Names are guessed anew: {built.rows} rows."))


@view.command("export")
@click.option(
    "--format", "form", type=click.Choice(["jsonl", "parquet", "preferences"]), default="jsonl"
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option(
    "--split",
    type=click.Choice(["train", "held"]),
    default=None,
    help="What is learned from (the default, but for Parquet, which tells), or what is held out.",
)
@click.option("--service", default="", help="Check it against what this service asks.")
@_of_view
@_at
@GlobalOptions.add
def export(
    *,
    form: str,
    out: Path,
    split: "Split | None",
    service: str,
    named: str,
    at: "int | datetime | None",
) -> None:
    """Write a training view for other tools, with a card that says what it is.

    `jsonl` are chat messages, one conversation a line; `preferences` what you wrote yourself
    beside what had stood there; `parquet` needs the extra of that name. Of the past only what
    is permitted today is written.
    """
    from console.use import handing_out, replaying  # noqa: PLC0415 — heavy

    def write(twin: "Twin", today: "Twin | None") -> "HandedOut":
        return handing_out.hand_out(
            twin,
            out,
            handing_out.Format(form),
            view=named,
            split=split,
            service=service,
            today=today,
        )

    with opened() as twin:
        if at is None:
            written = write(twin, None)
        else:
            with (
                progress("Replaying", "entries") as told,
                replaying.once(twin, _moment(at), told) as past,
            ):
                written = write(past, twin)

    def lines() -> None:
        talk(f"{written.rows} rows written to {written.out}.")
        if written.card:
            talk(f"What it is, and what it is not, is said in {written.card.name}.")
        for problem in written.problems:
            talk(f"{problem.service}: {problem.sentence}")

    emit(written, lines)
