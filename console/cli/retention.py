"""`twin retention`, and what is told of it when a vault is opened."""

from typing import TYPE_CHECKING

import click

from console.cli.common import agree, command, emit, talk
from console.cli.forget import tell
from console.cli.opening import opened
from vault.retention import MOST_DAYS

if TYPE_CHECKING:
    from console.use.retaining import Rule

__all__ = ["retention"]

_OFF = "off"


@command("retention")
@click.argument("data_type", metavar="[TYPE]", required=False, default="")
@click.argument("days", metavar="[DAYS|off]", required=False, default="")
@click.option("--yes", is_flag=True, help="Do not ask.")
def retention(data_type: str, days: str, yes: bool) -> None:
    """Say for how many days items of a type are kept; without arguments, show the rules.

    What is past its days is erased by itself when the vault is opened next, as `twin forget`
    erases. The nearest rule holds for a type; `off` keeps it for ever.
    """
    from console.use import retaining  # noqa: PLC0415 — heavy

    if not data_type:
        with opened(tidy=False) as twin:
            found = retaining.rules(twin)

        def list_them() -> None:
            for rule in found.rules:
                click.echo(_line(rule))
            if not found.rules:
                talk("Everything is kept for ever (`twin retention TYPE DAYS`).")
            if found.due:
                why = f": {found.doubt}" if found.doubt else ""
                talk(f"{found.due} items are past their days{why}.")

        emit(found, list_them)
        return
    number = _days(days)
    with opened(tidy=False) as twin:
        going = len(retaining.would_go(twin, data_type, number))
        if going:
            agree(f"{going} items are past their days then. Erase them for ever?", yes=yes)
        kept = retaining.retain(twin, data_type, number)

    def lines() -> None:
        click.echo(_line(kept.rule))
        if kept.erased:
            talk(f"{kept.erased.items} items erased, {kept.erased.keys_destroyed} keys.")
            tell(kept.erased)

    emit(kept, lines)


def _days(given: str) -> int | None:
    if given == _OFF:
        return None
    if not given.isdecimal() or not 1 <= int(given) <= MOST_DAYS:
        raise click.UsageError(f"Say for how many days, 1 to {MOST_DAYS}, it is kept, or `off`.")
    return int(given)


def _line(rule: "Rule") -> str:
    return f"{rule.type}: " + ("for ever" if rule.days is None else f"{rule.days} days")
