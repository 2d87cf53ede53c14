"""`twin train`, `retrain`, `models`, `chat`."""

import sys
from io import TextIOWrapper
from pathlib import Path

import click

from console.cli.common import command, emit, talk
from console.cli.opening import opened, progress

__all__ = ["chat", "models", "retrain", "train"]


@command("train")
@click.option(
    "--base", type=click.Path(path_type=Path), help="A folder with an open model to adapt."
)
@click.option(
    "--recipe",
    "recipe_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A TOML file with a recipe.",
)
@click.option("--view", default="", help="Learn from a view that you defined.")
def train(base: Path | None, recipe_file: Path | None, view: str) -> None:
    """Teach a model with what consent allows, redacted.

    Without --base a small network is trained from your own words alone: no download.
    """
    from console.use import learning  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Training", "steps") as told:
        trained = learning.train(twin, base=base, recipe_file=recipe_file, view=view, progress=told)

    def lines() -> None:
        talk(f"{trained.model} learned from {trained.rows} rows at position {trained.position}.")
        for name, value in trained.metrics.items():
            talk(f"  {name}: {value:.3f}")

    emit(trained, lines)


@command("retrain")
@click.option("--prove", is_flag=True, help="Compare with a clean run that never saw the rest.")
def retrain(prove: bool) -> None:
    """Rebuild the newest model without what is no longer allowed."""
    from console.use import learning  # noqa: PLC0415 — heavy

    with opened() as twin, progress("Rebuilding", "steps") as told:
        again = learning.retrain(twin, prove=prove, progress=told)

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

    emit(again, lines)
    if again.identical_to_clean_run is False:
        sys.exit(6)


@command("models")
def models() -> None:
    """List models and whether they may answer."""
    from console.use import learning  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = learning.models(twin)

    def lines() -> None:
        for model in found.models:
            click.echo(
                f"{model.model}  {model.status}  position {model.position}  {model.rows} rows"
            )
        if not found.models:
            talk("No model yet: `twin train`.")

    emit(found, lines)


@command("chat")
@click.argument("prompt", required=False)
@click.option("--model", default="", help="Which model; the newest usable one by default.")
def chat(prompt: str | None, model: str) -> None:
    """Ask a model; without a PROMPT, line by line until the end of input."""
    from console.use import learning  # noqa: PLC0415 — heavy

    with opened() as twin:
        if prompt is not None:
            answered = learning.chat(twin, prompt, model=model)
            emit(answered, lambda: click.echo(answered.answer))
            return
        twin.manifest(model)  # says so at once where there is none
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        for line in sys.stdin if not sys.stdin.isatty() else iter(_ask, ""):
            if line.strip():
                answered = learning.chat(twin, line.strip(), model=model)
                emit(answered, lambda: click.echo(answered.answer))  # noqa: B023 — called at once


def _ask() -> str:
    try:
        return input("you: ")
    except EOFError:
        return ""
