"""`twin consent …` and `twin withdraw`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypedDict, Unpack

import click

from console.cli.common import GlobalOptions, command, emit, talk
from console.cli.opening import opened
from vault.consent import Effect, Filters, Profile, Purpose, Statement

__all__ = ["consent", "withdraw"]

_PURPOSES = click.Choice([purpose.value for purpose in Purpose])
_DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"])


def _conditions(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the filters that allow, deny and withdraw share."""
    for option in reversed(
        (
            click.option(
                "--since", type=_DAY, metavar="DATE", help="Only items from this day on (UTC)."
            ),
            click.option(
                "--until", type=_DAY, metavar="DATE", help="Only items before this day (UTC)."
            ),
            click.option("--source", default="", help="Only items of this source."),
            click.option("--conversation", default="", help="Only items of this conversation."),
            click.option("--person", default="", help="Only items with this person."),
        )
    ):
        function = option(function)
    return function


def _utc(day: datetime | None) -> datetime | None:
    return day.replace(tzinfo=UTC) if day else None


class _Given(TypedDict):
    """The filters as click hands them over."""

    since: datetime | None
    until: datetime | None
    source: str
    conversation: str
    person: str


def _filters(given: _Given) -> Filters:
    return Filters(
        source=given["source"],
        conversation=given["conversation"],
        person=given["person"],
        since=_utc(given["since"]),
        until=_utc(given["until"]),
    )


@click.group("consent")
@GlobalOptions.add
def consent() -> None:
    """Allow, deny and look at consent.

    Nothing is allowed until you say so. A prohibition beats a permission; words that
    others wrote (types ending in .received) and sensitive types must be named.
    """


def _line(statement: Statement) -> str:
    filters = statement.filters
    parts = [
        f"{name} {value if isinstance(value, str) else format(value, '%Y-%m-%d')}"
        for name in ("source", "conversation", "person", "since", "until")
        if (value := getattr(filters, name))
    ]
    parts += [f"to {statement.recipient}"] if statement.recipient else []
    parts += [f"expires {statement.expires:%Y-%m-%d}"] if statement.expires else []
    if statement.effect is Effect.ALLOW and statement.purpose is Purpose.TRAIN:
        parts.append(f"redacted {statement.redact}")
    told = f" ({', '.join(parts)})" if parts else ""
    return f"{statement.effect:5} {statement.type} for {statement.purpose}{told}"


def _say(effect: Effect) -> Callable[..., None]:
    def say(
        data_type: str,
        purpose: str,
        redact: str,
        expires: datetime | None,
        recipient: str,
        **given: Unpack[_Given],
    ) -> None:
        from console.use import consenting  # noqa: PLC0415 — heavy

        with opened() as twin:
            said = consenting.say(
                twin,
                effect,
                data_type,
                Purpose(purpose),
                filters=_filters(given),
                redact=Profile(redact),
                expires=_utc(expires),
                recipient=recipient,
            )
        emit(said, lambda: click.echo(_line(said.statement)))

    return say


for _effect, _help in (
    (Effect.ALLOW, "Allow a data type to be used for a purpose."),
    (Effect.DENY, "Forbid a data type, and all beneath it, for a purpose."),
):
    _function = _conditions(_say(_effect))
    for _option in (
        click.option("--recipient", default="", help="To whom, for the purpose share."),
        click.option(
            "--expires", type=_DAY, metavar="DATE", help="The statement ends on this day (UTC)."
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
    """Show the statements in force."""
    from console.use import consenting  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = consenting.show(twin)

    def lines() -> None:
        for statement in found.statements:
            click.echo(_line(statement))
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
            click.echo(f"{said.at:%Y-%m-%d %H:%M:%S}  {_line(said.statement)}")

    emit(found, lines)


@command("withdraw")
@click.argument("data_type", metavar="TYPE")
@click.argument("purpose", type=_PURPOSES, metavar="PURPOSE")
@_conditions
def withdraw(data_type: str, purpose: str, **given: Unpack[_Given]) -> None:
    """Take a permission back: rows go, models that learned from them may not answer."""
    from console.use import consenting  # noqa: PLC0415 — heavy

    with opened() as twin:
        gone = consenting.withdraw(twin, data_type, Purpose(purpose), _filters(given))

    def lines() -> None:
        talk(f"Withdrawn: {gone.rows_removed} rows removed.")
        for model in gone.models_suspended:
            talk(f"Model {model} is suspended; `twin retrain` rebuilds it without them.")
        talk(f"Receipt: {gone.receipt}")

    emit(gone, lines)
