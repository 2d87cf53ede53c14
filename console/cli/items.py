"""`twin me`, `add`, `search`, `show`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from console.cli.attachments import size
from console.cli.common import command, emit, options, printable, talk
from console.cli.conditions import Given, conditions, filters
from console.cli.opening import opened, progress

if TYPE_CHECKING:
    from console.use.collecting import Survey
    from vault.application import Imported
    from vault.collectors.survey import Surveyed

__all__ = ["add", "me", "search", "show"]

_SHOWN_BAD = 20
_SHOWN_PARTS = 50
_SAMPLE = 72


@command("me")
@click.argument("names", nargs=-1, metavar="[NAME_OR_ADDRESS]...")
def me(names: tuple[str, ...]) -> None:
    """Say under which names and addresses you appear; without arguments, show them."""
    from console.use import collecting  # noqa: PLC0415 — heavy

    with opened() as twin:
        known = collecting.me(twin, names)
    emit(known, lambda: click.echo("\n".join(known.names) or "Nobody yet: `twin me NAME`."))


@command("add")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--source", default="", help="Read it as this source, whatever it looks like.")
@click.option("--me", "names", multiple=True, help="A name or address of yours; repeatable.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be collected, with samples; store nothing."
)
@click.option("--yes", is_flag=True, help="Store what was found without asking.")
def add(path: Path, source: str, names: tuple[str, ...], dry_run: bool, yes: bool) -> None:
    """Collect an export: a file, folder, zip or tar, of mixed things.

    First it says what was found, part by part, and asks on a terminal whether to store it.
    Adding grants the purpose `collect` for that source, on the record; an earlier
    prohibition wins. Adding the same thing again stores nothing twice, and reads only what
    is new or has changed.
    """
    from console.use import collecting  # noqa: PLC0415 — heavy
    from vault.collectors.portable import looks_like_a_copy  # noqa: PLC0415 — heavy

    with opened() as twin:
        # The items of a copy say themselves who sent them.
        if not names and not looks_like_a_copy(path) and not collecting.me(twin, ()).names:
            names = _ask_who(asks=not (yes or options().as_json))
        if not options().as_json:
            with progress("Looking", "bytes") as told:
                found = collecting.survey(twin, path, source=source, names=names, progress=told)
            _tell(found, samples=dry_run)
            asks = bool(found.parts) and not (dry_run or yes) and sys.stdin.isatty()
            if asks and not click.confirm("Store them?", default=True, err=True):
                talk("Nothing was stored.")
                return
        with progress("Reading", "bytes") as told:
            added = collecting.add(
                twin, path, source=source, names=names, dry_run=dry_run, progress=told
            )

    def lines() -> None:
        verb = "would be collected" if dry_run else "collected"
        talk(
            f"{added.read} read: {added.collected} {verb}, {added.duplicates} there already, "
            f"{_left(added)}."
        )
        if added.first_at and added.last_at:
            talk(f"From {added.first_at:%Y-%m-%d} to {added.last_at:%Y-%m-%d}.")
        for bad in added.bad[:_SHOWN_BAD]:
            click.echo(f"  {printable(bad.locator)}: {bad.reason}", err=True)
        if len(added.bad) > _SHOWN_BAD:
            more = len(added.bad) - _SHOWN_BAD
            click.echo(f"  … and {more} more; `twin imports show NUMBER` lists them", err=True)

    emit(added, lines)
    if added.collected + added.duplicates == 0:
        sys.exit(1)


def _left(added: "Imported") -> str:
    """Say how much was left: what cannot be read, and what may not be collected."""
    said = f"{len(added.bad) - added.denied} not readable"
    return f"{said}, {added.denied} denied" if added.denied else said


def _tell(found: "Survey", *, samples: bool) -> None:
    """Say what was found before it is stored."""
    if not found.is_new:
        talk("Nothing in it has changed since it was added.")
        return
    for part in found.parts[:_SHOWN_PARTS]:
        talk(_line(part))
        for item in part.samples if samples else ():
            words = printable(" ".join((item.title or item.text).split())[:_SAMPLE])
            day = f"{item.at:%Y-%m-%d}" if item.at else "undated"
            click.echo(f"  {day}  {item.type}  {words}")
    if len(found.parts) > _SHOWN_PARTS:
        talk(f"… and {len(found.parts) - _SHOWN_PARTS} more parts.")
    if found.bad:
        talk(f"Not readable besides: {len(found.bad)} files or records.")


def _line(part: "Surveyed") -> str:
    is_whole = part.counted == "exactly"
    about = "" if is_whole else f"{part.counted} "
    days = ""
    if part.first_at and part.last_at:
        days = f", {part.first_at:%Y-%m-%d} to {part.last_at:%Y-%m-%d}"
        days += "" if is_whole else " as far as it was looked at"
    files = f" ({part.files} files)" if part.files > 1 else ""
    return (
        f"{part.source}: {about}{part.own + part.others} items ({part.own} yours, {part.others} "
        f"others'){days}, in {printable(part.part)}{files}"
        + (f"; {part.bad} not readable" if part.bad else "")
    )


def _ask_who(*, asks: bool) -> tuple[str, ...]:
    """Ask the owner for her names; where nobody is asked everything counts as received."""
    if not asks or not sys.stdin.isatty():
        click.echo(
            "Nobody knows which names are yours, so every message counts as received; "
            "say `twin me NAME` and add again.",
            err=True,
        )
        return ()
    answer = str(
        click.prompt("Your names and addresses in it, comma between", default="", err=True)
    )
    return tuple(name.strip() for name in answer.split(",") if name.strip())


@command("search")
@click.argument("query")
@click.option("--type", "data_type", default="", help="Only items of this type, or so labelled.")
@conditions
@click.option(
    "--by",
    type=click.Choice(["text", "meaning", "both"]),
    default="text",
    show_default=True,
    help="By their words, by what they are about, or both.",
)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
def search(query: str, data_type: str, by: str, limit: int, **given: Unpack[Given]) -> None:
    """Search what consent allows to be searched.

    Found is what holds every word or "quoted phrase" of QUERY, an asterisk at the end of a
    word standing for any ending; with --by both, behind it (marked ~), what seems to mean
    the same.
    """
    from console.use import searching  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = searching.search(
            twin,
            query,
            by=searching.By(by),
            data_type=data_type,
            filters=filters(given),
            limit=limit,
        )

    def lines() -> None:
        for hit in found.hits:
            day = f"{hit.at:%Y-%m-%d}" if hit.at else "undated"
            mark = "~" if hit.by is searching.By.MEANING else " "
            click.echo(f"{hit.id}  {day}  {hit.type}\n  {mark} {printable(hit.snippet)}")
        if not found.hits:
            talk("Nothing found in what may be searched (`twin consent allow TYPE search`).")

    emit(found, lines)


@command("show")
@click.argument("item_id", metavar="ID")
def show(item_id: str) -> None:
    """Show one item."""
    from console.use import viewing  # noqa: PLC0415 — heavy

    with opened() as twin:
        shown = viewing.show(twin, item_id)

    def lines() -> None:
        at = f"{shown.at:%Y-%m-%d %H:%M}" if shown.at else "undated"
        click.echo(f"{shown.id}  {at}  {shown.type}  {shown.source}")
        click.echo(f"{shown.author or '-'} in {shown.conversation or '-'}")
        if shown.title:
            click.echo(shown.title)
        if shown.tags:
            click.echo(f"Filed under {', '.join(map(printable, shown.tags))}")
        for file in shown.attachments:
            known = "" if file.kept else "  bytes not kept"
            click.echo(f"+ {printable(file.name)}  {size(file.size)}{known}")
        click.echo(f"\n{shown.text}")

    emit(shown, lines)
