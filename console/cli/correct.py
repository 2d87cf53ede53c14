"""`twin correct`."""

import click

from console.cli.common import command, emit, talk
from console.cli.editing import given
from console.cli.opening import opened

__all__ = ["correct"]


@command("correct")
@click.argument("item_id", metavar="ID")
def correct(item_id: str) -> None:
    """Put other words in the place of an item's: from stdin, or on a terminal from your editor.

    Search, training and `twin show` use the new words. What was collected stays in the log
    until the item is erased.
    """
    from console.use import correcting  # noqa: PLC0415 — heavy

    with opened() as twin:
        text = given(correcting.words(twin, item_id))
        corrected = correcting.correct(twin, item_id, text)

    def lines() -> None:
        if corrected.changed:
            talk(
                "Corrected. Models keep what they learned from the old words until `twin retrain`."
            )
        else:
            talk("It reads so already; nothing was changed.")

    emit(corrected, lines)
