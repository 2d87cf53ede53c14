"""`twin consent preset`: three ways to begin."""

import click

from console.cli.common import command, emit, talk
from console.cli.opening import opened, progress
from console.cli.wording import line_of

__all__ = ["preset"]

_NAMES = ("keep", "search", "teach")


@command("preset")
@click.argument("name", type=click.Choice(_NAMES), metavar="keep|search|teach")
@click.option(
    "--others",
    is_flag=True,
    help="With teach: let a model read what others wrote, as the question that you answer.",
)
@click.option("--dry-run", is_flag=True, help="Only show what would be said.")
def preset(name: str, *, others: bool, dry_run: bool) -> None:
    """Say at once what may be done with everything that is here.

    keep uses it for nothing, search lets it be searched, teach lets a model learn from your own
    words too, redacted. What you forbade stays forbidden; of sensitive types nothing is said.
    """
    from console.use import presets  # noqa: PLC0415 — heavy

    chosen = presets.Preset(name)
    with opened() as twin:
        planned = presets.plan(twin, chosen, others=others)
        if dry_run:
            done = None
        else:
            with progress("Following", "entries") as told:
                done = presets.apply(twin, chosen, others=others, progress=told)

    def lines() -> None:
        for word in planned.allow:
            click.echo(f"allow {word.type} for {word.purpose}, {word.items} items")
        for one in planned.again:
            click.echo(line_of(one))
        for one in planned.withdraw:
            click.echo(line_of(one).replace("allow", "withdraw", 1))
        for word in planned.refused:
            talk(f"{word.type} for {word.purpose} stays forbidden, as you said.")
        for type_, items in planned.sensitive:
            talk(f"{type_} is sensitive: nothing was said of its {items} items.")
        if not (planned.allow or planned.again or planned.withdraw):
            talk("Nothing to say: it stands so already.")
        for model in done.models_suspended if done else ():
            talk(f"Model {model} is suspended; `twin retrain` rebuilds it without them.")

    emit(done or planned, lines)
