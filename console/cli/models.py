"""`twin train`, `models`, `chat`."""

import sys
from collections.abc import Callable
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, command, emit, printable, talk
from console.cli.opening import opened, progress
from console.cli.runs import looked_on

if TYPE_CHECKING:
    from console.use.learning import Answer

__all__ = ["chat", "models", "train"]


@command("train")
@click.option(
    "--base", default="", help="An open model to adapt: a folder, ORG/NAME on the hub, or seed."
)
@click.option(
    "--preset", "start", default="", help="voice, scratch, small or large; see the manual."
)
@click.option(
    "--recipe",
    "recipe_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file with a recipe.",
)
@click.option("--view", default="", help="Learn from a view that you defined.")
@click.option("--plan", "only_plan", is_flag=True, help="Say what it would learn and cost.")
def train(base: str, start: str, recipe_file: Path | None, view: str, only_plan: bool) -> None:
    """Teach a model with what consent allows, redacted.

    Without --base the small model that ships is taught: no download. A model of the hub is
    fetched once, and is a folder from then on; nothing of yours leaves with it.
    """
    from console.use import fetching, learning  # noqa: PLC0415 — heavy

    folder = None
    if base:
        with progress("Fetching", "bytes") as told:
            folder = fetching.folder_of(base, told)
    if only_plan:
        _plan(folder, start, recipe_file, view)
        return
    with opened() as twin, looked_on("Training") as report:
        trained = learning.train(
            twin, base=folder, start=start, recipe_file=recipe_file, view=view, report=report
        )

    def lines() -> None:
        talk(f"{trained.model} learned from {trained.rows} rows at position {trained.position}.")
        for name, value in trained.metrics.items():
            talk(f"  {name}: {value:.3f}")

    emit(trained, lines)


def _plan(folder: Path | None, start: str, recipe_file: Path | None, view: str) -> None:
    from console.cli.wording import line_of  # noqa: PLC0415 — heavy
    from console.planning import chosen  # noqa: PLC0415
    from console.use import planning  # noqa: PLC0415

    recipe = chosen(folder, recipe_file, start, view)
    with opened() as twin:
        found = planning.plan(twin, recipe, folder)
        said = {one.id: line_of(one) for one in twin.views.permissions.statements}

    def lines() -> None:
        for line in planning.lines(found, said):
            talk(line)

    emit(found, lines)


@click.group("models", invoke_without_command=True)
@GlobalOptions.add
@click.pass_context
def models(ctx: click.Context) -> None:
    """List models and whether they may answer; choose, hand out or give up one."""
    if ctx.invoked_subcommand is None:
        _list()


@models.command("export")
@click.argument("model")
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="A folder that is not there yet."
)
@GlobalOptions.add
def export(model: str, out: Path) -> None:
    """Write a model into a folder for other programs.

    A network of its own is written whole, an adapted one as its adapter: safetensors and a
    card. The log keeps where to, so that certificates name the copy once the model is lost.
    """
    from console.use import copying  # noqa: PLC0415 — heavy

    with opened() as twin:
        copied = copying.copy(twin, model, out)
    emit(copied, lambda: talk(f"{copied.model} written to {copied.out}."))


@models.command("promote")
@click.argument("model")
@GlobalOptions.add
def promote(model: str) -> None:
    """Let a MODEL answer where none is named, also when newer ones come.

    `newest` in its place ends that: the newest answers, as at first.
    """
    from console.use import choosing  # noqa: PLC0415 — heavy

    with opened() as twin:
        chosen = choosing.promote(twin, model)
    who = chosen.answers or "No model"
    emit(chosen, lambda: talk(f"{who} answers where no model is named."))


@models.command("retire")
@click.argument("model")
@GlobalOptions.add
def retire(model: str) -> None:
    """Give a MODEL up: it never answers again, and what it had learned is deleted here.

    Nothing brings it back; `twin train` makes another.
    """
    from console.use import choosing  # noqa: PLC0415 — heavy

    with opened() as twin:
        gone = choosing.retire(twin, model)

    def lines() -> None:
        talk(f"{gone.model} is retired; {gone.states_deleted} states were deleted.")
        for folder in gone.copies:
            talk(f"A copy lies in {folder}; delete it if it is not wanted either.")
        talk(f"{gone.answers or 'No model'} answers where none is named.")

    emit(gone, lines)


@models.command("list")
@GlobalOptions.add
def listed() -> None:
    """List models and whether they may answer."""
    _list()


def _list() -> None:
    from console.use import learning  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = learning.models(twin)

    def lines() -> None:
        for model in found.models:
            click.echo(
                f"{model.model}  {model.status}  position {model.position}  {model.rows} rows"
                f"{'  answers' if model.answers else ''}"
            )
        if not found.models:
            talk("No model yet: `twin train`.")

    emit(found, lines)


@command("chat")
@click.argument("prompt", required=False)
@click.option("--model", default="", help="Which model; the newest usable one by default.")
@click.option("--sources", is_flag=True, help="Look in what may be searched first, and cite it.")
@click.option("--examples", is_flag=True, help="Have it go by your replies to the likest messages.")
def chat(prompt: str | None, model: str, *, sources: bool, examples: bool) -> None:
    """Ask a model; without a PROMPT, line by line until the end of input.

    With --sources passages of what may be searched are looked for first. Where facts are asked
    for and none is found, that is said, and the model is not asked.

    With --examples up to three of your own replies, to the messages most like what is asked,
    stand in the prompt, redacted: where search is allowed for both sides, and room is left.
    """
    from console.use import conversing, learning  # noqa: PLC0415 — heavy

    answer: Callable[..., Answer] = learning.chat
    if sources or examples:
        answer = partial(conversing.answered, grounded=sources, examples=examples)
    with opened() as twin:
        if prompt is not None:
            _say(answer(twin, prompt, model=model))
            return
        twin.manifest(model)  # says so at once where there is none
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        for line in sys.stdin if not sys.stdin.isatty() else iter(_ask, ""):
            if line.strip():
                _say(answer(twin, line.strip(), model=model))


def _say(answered: "Answer") -> None:
    from console.use.conversing import Grounded  # noqa: PLC0415 — heavy

    def lines() -> None:
        if not answered.whole:
            talk(
                f"{answered.model} learned from what is no longer permitted; it answers as of slice "
                f"{answered.slice} of {answered.slices}, {answered.rows} of "
                f"{answered.rows_in_all} rows. `twin retrain` rebuilds the rest."
            )
        if isinstance(answered, Grounded):
            for one in answered.sources:
                day = f"{one.at:%Y-%m-%d}" if one.at else "undated"
                click.echo(f"[{one.number}] {one.id}  {day}  {one.type}")
                click.echo(f"    {printable(one.passage)}")
            if not answered.known:
                click.echo("I don't know: nothing that may be searched says it.")
                return
            for example in answered.examples:
                day = f"{example.at:%Y-%m-%d}" if example.at else "undated"
                click.echo(f"like {' '.join(example.answered)}  {day}  {example.type}")
        click.echo(answered.answer)

    emit(answered, lines)


def _ask() -> str:
    try:
        return input("you: ")
    except EOFError:
        return ""
