"""`twin labels …`."""

import click

from console.cli.common import GlobalOptions, emit, talk
from console.cli.opening import opened

__all__ = ["labels"]


class _Listing(click.Group):
    """A group that lists where nothing else is asked for: `twin labels --unsure`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not {*self.commands, "--help"}.intersection(args):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("labels", cls=_Listing)
@GlobalOptions.add
def labels() -> None:
    """See what items are about where that is sensitive, and say better.

    Nothing so labelled is learned from unless the label itself was allowed, as in `twin
    consent allow health train`. You still find it by `twin search`, as long as you did not
    label it yourself and forbid nothing.
    """


@labels.command("list")
@click.option("--label", default="", help="Only this matter: health, religion, …")
@click.option("--unsure", is_flag=True, help="Those nearest to the border first.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000))
@GlobalOptions.add
def list_(label: str, unsure: bool, limit: int) -> None:
    """List labelled items with their scores, the likeliest first."""
    from console.use import labelling  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = labelling.listed(twin, label, unsure=unsure, limit=limit)

    def lines() -> None:
        for one in found.items:
            mark = "yes" if one.holds else "no "
            score = "    " if one.score is None else f"{one.score:.2f}"
            click.echo(f"{one.id}  {one.label:<9} {score}  {mark} ({one.by})\n    {one.snippet}")
        for name, count in found.counts:
            talk(f"{name}: {count}")
        if not found.items:
            talk("No item has such a label; `twin labels set ID LABEL` gives one.")

    emit(found, lines)


@labels.command("why")
@click.argument("item_id", metavar="ID")
@GlobalOptions.add
def why(item_id: str) -> None:
    """Say what is thought of one item, and whether it may be used."""
    from console.use import labelling  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = labelling.explain(twin, item_id)

    def lines() -> None:
        for one in found.labels:
            mark = "yes" if one.holds else "no "
            score = "    " if one.score is None else f"{one.score:.2f}"
            click.echo(f"{one.label:<9} {score}  {mark} ({one.by})")
        for use in found.uses:
            click.echo(f"{use.purpose}: {'yes' if use.permitted else 'no'}. {use.reason}")

    emit(found, lines)


@labels.command("set")
@click.argument("item_id", metavar="ID")
@click.argument("label", metavar="LABEL")
@GlobalOptions.add
def set_(item_id: str, label: str) -> None:
    """Say that an item is about a sensitive matter."""
    _say(item_id, label, holds=True)


@labels.command("clear")
@click.argument("item_id", metavar="ID")
@click.argument("label", metavar="LABEL")
@GlobalOptions.add
def clear(item_id: str, label: str) -> None:
    """Say that an item is not about a sensitive matter."""
    _say(item_id, label, holds=False)


def _say(item_id: str, label: str, *, holds: bool) -> None:
    from console.use import labelling  # noqa: PLC0415 — heavy

    with opened() as twin:
        said = (labelling.put if holds else labelling.clear)(twin, item_id, label)

    def lines() -> None:
        talk(f"{said.id}: {'' if said.holds else 'not '}{said.label}.")
        if said.others:
            talk(f"{said.others} items that say nearly the same were labelled anew.")
        for model in said.models_suspended:
            talk(f"Model {model} is suspended; `twin retrain` rebuilds it without them.")

    emit(said, lines)


@labels.command("use")
@click.argument("embedder", metavar="NAME_OR_FOLDER")
@GlobalOptions.add
def use(embedder: str) -> None:
    """Make labels with `static` (ships), `minilm` (extra `search`) or a model in a folder."""
    from console.use import labelling  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        used = labelling.use(twin, embedder)
    emit(used, lambda: talk(f"{used.items} items were read again with {used.embedder}."))
