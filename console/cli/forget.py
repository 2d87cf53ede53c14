"""`twin forget`."""

import sys
from typing import TYPE_CHECKING, Unpack

import click

from console.cli.common import agree, command, emit, printable, talk
from console.cli.conditions import Given, conditions, filters
from console.cli.opening import opened
from vault.errors import NotFound

if TYPE_CHECKING:
    from console.use.forgetting import Forgotten

__all__ = ["forget", "tell"]


@command("forget")
@click.option("--item", "item_id", default="", help="This item.")
@click.option("--type", "data_type", default="", help="Everything of this type.")
@conditions
@click.option("--due", is_flag=True, help="Everything that is past its days.")
@click.option("--dry-run", is_flag=True, help="Say what would go; erase nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(
    item_id: str, data_type: str, due: bool, dry_run: bool, yes: bool, **given: Unpack[Given]
) -> None:
    """Erase items for ever: keys, text, views and what models learned from them.

    Filters narrow each other; with a day, items without a date are left alone. The signed
    entries stay, so the log still verifies. A certificate says what was destroyed where and
    what was found there afterwards, and which other items quote it.
    """
    if [bool(item_id), bool(data_type or any(given.values())), due].count(True) != 1:
        raise click.UsageError("Say what: --item, --due, or filters by which items are chosen.")
    wanted = filters(given)
    from console.use import forgetting, retaining  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        # What an interrupted run of this command left to do comes first.
        finished = None if dry_run else forgetting.finish(twin)
        try:
            if due:
                plan = retaining.plan(twin)
            else:
                plan = forgetting.plan(
                    twin,
                    item_id=item_id,
                    conversation=wanted.conversation,
                    person=wanted.person,
                    source=wanted.source,
                    data_type=data_type,
                    since=wanted.since,
                    until=wanted.until,
                )
        except NotFound:
            if finished is None:
                raise
            plan = ()
        if finished is not None and not plan:
            gone = finished
        elif dry_run:
            gone = forgetting.preview(twin, plan)
        else:
            day = f" that are past their days as of {twin.vault.now():%Y-%m-%d}" if due else ""
            agree(f"Erase {len(plan)} items{day} for ever?", yes=yes)
            gone = forgetting.forget(twin, plan, cause="retention" if due else "asked")

    def lines() -> None:
        verb = "would be erased" if dry_run else "erased"
        talk(f"{gone.items} items {verb}, {gone.keys_destroyed} keys, {gone.rows_removed} rows.")
        tell(gone)

    emit(gone, lines)
    if gone.left:
        sys.exit(6)


def _tell_of_pod(gone: "Forgotten") -> None:
    if gone.in_pod and gone.in_pod.erased:
        talk("The pod has carried it out; old files that its host kept are sealed still.")
    elif gone.in_pod:
        talk("The pod has not carried it out yet: `twin pod sync` does.")


def _tell_of_files(gone: "Forgotten") -> None:
    if gone.written_out:
        talk("What you had written out in plain words, and may hold theirs:")
    for one in gone.written_out:
        rest = "nothing lies there now" if one.is_there is False else "delete it yourself"
        talk(f"  {one.kind}, {one.at:%d %b %Y}, {printable(one.place)}: {rest}.")


def tell(gone: "Forgotten") -> None:
    """Say in words what a certificate lists."""
    for store in gone.stores:
        if store.destroyed or store.left:
            talk(f"  {store.store}: {store.destroyed} destroyed, {store.left or 'none'} left")
    if gone.rows_rebuilt:
        talk(f"{gone.rows_rebuilt} training rows were made anew without them.")
    for model in gone.models:
        talk(
            f"Model {model.model}: suspended, its weights destroyed; `twin retrain` learns "
            f"{model.replays} of its {model.slices} slices again."
        )
    for folder in gone.copies:
        talk(f"A copy of a model was written to {folder}, out of reach; delete what is left of it.")
    _tell_of_files(gone)
    for name in gone.models_suspended if not gone.models else ():
        talk(f"Model {name} would be suspended, its weights destroyed.")
    if gone.mentions:
        talk(f"{len(gone.mentions)} other items quote it: {', '.join(gone.mentions[:10])}")
    if gone.certificate:
        _tell_of_pod(gone)
        talk("Not promised: earlier backups, other devices, others' copies, the disk's old blocks.")
        talk(f"Certificate: {gone.certificate}")
