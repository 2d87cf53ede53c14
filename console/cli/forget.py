"""`twin forget`."""

import click

from console.cli.common import agree, command, emit, talk
from console.cli.opening import opened

__all__ = ["forget"]


@command("forget")
@click.option("--item", "item_id", default="", help="This item.")
@click.option("--conversation", default="", help="Everything in this conversation.")
@click.option("--person", default="", help="Everything from, to or with this person.")
@click.option("--source", default="", help="Everything from this source.")
@click.option("--dry-run", is_flag=True, help="Say what would go; erase nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(
    *, item_id: str, conversation: str, person: str, source: str, dry_run: bool, yes: bool
) -> None:
    """Erase items for ever: keys, text, views and what models learned from them.

    The signed entries stay, so the log still verifies. A certificate says what was
    destroyed, and which other items quote it.
    """
    chosen = [name for name in (item_id, conversation, person, source) if name]
    if len(chosen) != 1:
        raise click.UsageError("Say exactly one of --item, --conversation, --person, --source.")
    from console.use import forgetting  # noqa: PLC0415 — heavy

    with opened() as twin:
        plan = forgetting.plan(
            twin, item_id=item_id, conversation=conversation, person=person, source=source
        )
        if dry_run:
            gone = forgetting.preview(twin, plan)
        else:
            agree(f"Erase {len(plan)} items for ever?", yes=yes)
            gone = forgetting.forget(twin, plan)

    def lines() -> None:
        verb = "would be erased" if dry_run else "erased"
        talk(f"{gone.items} items {verb}, {gone.keys_destroyed} keys, {gone.rows_removed} rows.")
        for model in gone.models_suspended:
            talk(f"Model {model}: suspended, its weights destroyed; `twin retrain` rebuilds it.")
        if gone.mentions:
            talk(f"{len(gone.mentions)} other items quote it: {', '.join(gone.mentions[:10])}")
        if gone.certificate:
            talk(f"Certificate: {gone.certificate}")

    emit(gone, lines)
