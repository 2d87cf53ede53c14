"""`twin consent …`, `twin withdraw`, `twin pause` and `twin resume`."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Unpack

import click

from console.cli.common import GlobalOptions, command, emit, printable, talk
from console.cli.conditions import DAY, Given, conditions, filters, utc
from console.cli.exports import restore
from console.cli.inbox import inbox
from console.cli.opening import opened
from console.cli.presets import preset
from console.cli.wording import line_of
from vault.consent import Effect, Pause, Profile, Purpose

if TYPE_CHECKING:
    from console.use.consenting import Asked, Kept, Paused, Resumed, Said

__all__ = ["consent", "pause", "resume", "withdraw"]

_PURPOSES = click.Choice([purpose.value for purpose in Purpose])


@click.group("consent")
@GlobalOptions.add
def consent() -> None:
    """Allow, deny and look at consent.

    Nothing is allowed until you say so. A prohibition beats a permission; words that
    others wrote (types ending in .received) and sensitive types must be named.
    """


def _pause_line(pause: Pause) -> str:
    parts = [f"{name} {value}" for name in ("source", "person") if (value := getattr(pause, name))]
    told = f" ({', '.join(parts)})" if parts else ""
    return f"pause {pause.type or 'everything'}{told}"


def _say(effect: Effect) -> Callable[..., None]:
    def say(
        data_type: str,
        purpose: str,
        redact: str,
        expires: datetime | None,
        recipient: str,
        **given: Unpack[Given],
    ) -> None:
        from console.use import consenting  # noqa: PLC0415 — heavy

        with opened() as twin:
            said = consenting.say(
                twin,
                effect,
                data_type,
                Purpose(purpose),
                filters=filters(given),
                redact=Profile(redact),
                expires=utc(expires),
                recipient=recipient,
            )
        emit(said, lambda: click.echo(line_of(said.statement)))

    return say


for _effect, _help in (
    (Effect.ALLOW, "Allow a data type to be used for a purpose."),
    (Effect.DENY, "Forbid a data type, and all beneath it, for a purpose."),
):
    _function = conditions(_say(_effect))
    for _option in (
        click.option("--recipient", default="", help="To whom, for the purpose share."),
        click.option(
            "--expires", type=DAY, metavar="DATE", help="The statement ends on this day (UTC)."
        ),
        click.option(
            "--redact",
            type=click.Choice([profile.value for profile in Profile]),
            default=Profile.BALANCED.value,
            show_default=True,
            help="What to mask before use.",
        ),
        click.argument("purpose", type=_PURPOSES, metavar="PURPOSE"),
        click.argument("data_type", metavar="TYPE"),
        GlobalOptions.add,
    ):
        _function = _option(_function)
    consent.add_command(click.command(_effect.value, help=_help)(_function))


@consent.command("show")
@GlobalOptions.add
def show() -> None:
    """Show the statements in force, and what is paused."""
    from console.use import consenting  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = consenting.show(twin)

    def lines() -> None:
        for paused in found.pauses:
            click.echo(_pause_line(paused))
        for statement in found.statements:
            click.echo(line_of(statement))
        if not found.statements:
            talk("Nothing is allowed yet.")

    emit(found, lines)


@consent.command("history")
@GlobalOptions.add
def history() -> None:
    """Show everything you ever said, in order."""
    from console.use import consenting  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = consenting.history(twin)

    def lines() -> None:
        for said in found.history:
            click.echo(f"{said.at:%Y-%m-%d %H:%M:%S}  {_told(said)}")

    emit(found, lines)


def _told(said: "Said | Asked | Paused | Resumed | Kept") -> str:
    """Return one line of the history."""
    from console.use.consenting import Asked, Kept, Paused, Resumed  # noqa: PLC0415 — heavy

    match said:
        case Asked(asked=statement):
            return printable(f"asked in the pod: {line_of(statement)}")
        case Paused(paused=pause):
            return _pause_line(pause)
        case Resumed(resumed=pause):
            return _pause_line(pause).replace("pause", "end the pause of", 1)
        case Kept(type=type_, days=days):
            return f"keep {type_} " + ("for ever" if days is None else f"for {days} days")
        case _:
            return line_of(said.statement)


consent.add_command(preset)
consent.add_command(restore)
consent.add_command(inbox)


@command("withdraw")
@click.argument("data_type", metavar="TYPE")
@click.argument("purpose", type=_PURPOSES, metavar="PURPOSE")
@conditions
def withdraw(data_type: str, purpose: str, **given: Unpack[Given]) -> None:
    """Take a permission back: rows go, models that learned from them may not answer."""
    from console.use import consenting  # noqa: PLC0415 — heavy

    with opened() as twin:
        gone = consenting.withdraw(twin, data_type, Purpose(purpose), filters(given))

    def lines() -> None:
        talk(f"Withdrawn: {gone.rows_removed} rows removed.")
        for model in gone.models_suspended:
            talk(f"Model {model} is suspended; `twin retrain` rebuilds it without them.")
        talk(f"Receipt: {gone.receipt}")

    emit(gone, lines)


def _whom(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the words by which a pause is said and ended."""
    for option in (
        click.option("--source", default="", help="Only items of this source."),
        click.option("--person", default="", help="Only items with or about this person."),
        click.argument("data_type", metavar="[TYPE]", required=False, default=""),
    ):
        function = option(function)
    return function


@command("pause")
@_whom
def pause(data_type: str, person: str, source: str) -> None:
    """Keep items and use them for nothing: no search, training, sharing or mirroring.

    Collecting goes on. Without words everything is paused.
    """
    from console.use import consenting  # noqa: PLC0415 — heavy

    with opened() as twin:
        paused = consenting.pause(twin, data_type, source=source, person=person)

    def lines() -> None:
        click.echo(_pause_line(paused.paused))
        for model in paused.models_suspended:
            talk(f"Model {model} is suspended; `twin retrain` rebuilds it without them.")

    emit(paused, lines)


@command("resume")
@_whom
def resume(data_type: str, person: str, source: str) -> None:
    """End a pause, named by the words that it was said with; what you said before holds again."""
    from console.use import consenting  # noqa: PLC0415 — heavy

    with opened() as twin:
        resumed = consenting.resume(twin, data_type, source=source, person=person)
    emit(resumed, lambda: click.echo(f"ended: {_pause_line(resumed.resumed)}"))
