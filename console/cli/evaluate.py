"""`twin eval`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import command, emit, printable, talk
from console.cli.opening import opened, progress

if TYPE_CHECKING:
    from console.use.evaluating import Compared, Evaluated
    from trainer.evaluate.report import Measure

__all__ = ["eval"]


@command("eval")
@click.argument("model", required=False, default="")
@click.option("--base", type=click.Path(path_type=Path), help="Where its base lies now.")
@click.option("--quick", is_flag=True, help="Look at less, for a first impression.")
@click.option("--privacy", is_flag=True, help="Attack it too: trains shadow models, minutes.")
@click.option("--show", is_flag=True, help="Show the report that is kept.")
@click.option("--compare", is_flag=True, help="Show how the kept reports went, model by model.")
@click.option("--seed", default=0, type=click.IntRange(0, 2**31), help="Of all that is drawn.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write report and picture here, unencrypted.",
)
def eval(  # noqa: A001 - the command's name
    *,
    model: str,
    base: Path | None,
    quick: bool,
    privacy: bool,
    show: bool,
    compare: bool,
    seed: int,
    out: Path | None,
) -> None:
    """Measure how good a MODEL is, and what it gives away; the newest usable one by default.

    The report stays sealed in the vault and goes with its model.
    """
    if (show or compare) and (quick or privacy or base or (compare and (show or model))):
        raise click.UsageError("--show and --compare look at what is kept; nothing is measured.")
    from console.use import evaluating  # noqa: PLC0415 — heavy

    if compare:
        with opened() as twin:
            kept = evaluating.compare(twin, out=out)
        emit(kept, lambda: _tell_compared(kept))
        return
    with opened() as twin, progress("Evaluating") as told:
        if show:
            found = evaluating.show(twin, model, out=out)
        else:
            found = evaluating.evaluate(
                twin,
                model,
                base=base,
                quick=quick,
                privacy=privacy,
                out=out,
                seed=seed,
                progress=told,
            )
    emit(found, lambda: _tell(found))


def _tell(found: "Evaluated") -> None:
    report = found.report
    talk(f"{report.model}, {report.rows} rows, measured {report.made_at:%Y-%m-%d}.")
    click.echo(f"{'':34}{'value':>9}  {'95 %':>17}{'floor':>9}{'ceiling':>9}{'n':>7}")
    for one in report.measures:
        click.echo(_row(one))
    for group in report.groups:
        click.echo(
            f"  {group.by} {printable(group.name)}: {group.bits_per_byte:.2f} bits a byte, "
            f"untrained {group.base:.2f} ({group.rows} rows)"
        )
    for path in found.written:
        talk(f"Written, unencrypted: {path}")
    talk("To make the next one better:")
    for line in found.next:
        talk(f"  {line}")


def _row(one: "Measure") -> str:
    if one.value is None:
        return f"{one.name:34}{'-':>9}  {one.note}"
    between = "" if one.low is None or one.high is None else f"{one.low:.3f} - {one.high:.3f}"
    ends = "".join(f"{_number(end):>9}" for end in (one.floor, one.ceiling))
    return f"{one.name:34}{one.value:9.3f}  {between:>17}{ends}{one.n:>7}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


_COMPARED = (
    ("style_auc", "style"),
    ("masked_style_auc", "masked"),
    ("tone", "tone"),
    ("held_bits_per_byte", "bits/byte"),
    ("copied", "copied"),
    ("canary_exposure", "exposed"),
)


def _tell_compared(kept: "Compared") -> None:
    click.echo(f"{'model':12}{'rows':>8}" + "".join(f"{short:>11}" for _, short in _COMPARED))
    for report in kept.reports:
        found = [report.measure(name) for name, _ in _COMPARED]
        cells = "".join(f"{_number(one.value if one else None) or '-':>11}" for one in found)
        click.echo(f"{report.model:12}{report.rows:>8}{cells}")
    for path in kept.written:
        talk(f"Written, unencrypted: {path}")
