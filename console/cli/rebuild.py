"""`twin retrain`."""

import sys

import click

from console.cli.common import command, emit, talk
from console.cli.opening import opened, progress

__all__ = ["retrain"]


@command("retrain")
@click.option("--prove", is_flag=True, help="Compare with a clean run that never saw the rest.")
def retrain(prove: bool) -> None:
    """Rebuild the newest model without what is no longer allowed."""
    from console.use import rebuilding  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Rebuilding", "steps") as told:
        again = rebuilding.retrain(twin, prove=prove, progress=told)

    def lines() -> None:
        talk(f"{again.model}: {again.replayed_slices} slices replayed, {again.rows} rows.")
        match again.identical_to_clean_run:
            case True:
                talk("Bit by bit identical to a run that never saw the removed rows.")
            case False:
                talk("NOT identical to a clean run; do not use this model.")
            case None if prove:
                talk("No verdict: this is another environment than the model was made in.")
            case _:
                pass
        for folder in again.copies:
            talk(f"A copy of the old model was written to {folder}, out of reach; delete it.")
        if again.certificate:
            talk(f"Certificate: {again.certificate}")

    emit(again, lines)
    if again.identical_to_clean_run is False:
        sys.exit(6)
