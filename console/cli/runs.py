"""`twin runs`, and what a terminal shows while a model learns."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from console.cli.common import GlobalOptions, emit, options, printable, talk
from console.cli.opening import opened

if TYPE_CHECKING:
    from console.use.following import Run
    from trainer.runs import Line, Progress

__all__ = ["looked_on", "runs"]

_MIB = 2**20


@click.group("runs", invoke_without_command=True)
@GlobalOptions.add
@click.pass_context
def runs(ctx: click.Context) -> None:
    """List training runs, what each does and how far it is, while they run and afterwards."""
    if ctx.invoked_subcommand is None:
        _list()


@runs.command("list")
@GlobalOptions.add
def listed() -> None:
    """List training runs, the newest first."""
    _list()


def _list() -> None:
    from console.use import following  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        found = following.listed(twin)

    def lines() -> None:
        for run in found.runs:
            click.echo(_headline(run))
        if not found.runs:
            talk("No run yet: `twin train`.")

    emit(found, lines)


@runs.command("show")
@click.argument("run")
@click.option("--follow", is_flag=True, help="Go on with new lines until the run ends.")
@GlobalOptions.add
def show(run: str, follow: bool) -> None:
    """Print the lines of a RUN: loss, learning rate, tokens a second, memory, what it says."""
    from console.use import following  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin:
        if not follow:
            found = following.lines(twin, run)
            emit(found, lambda: _print(found.run, found.lines))
            return
        for line in following.follow(twin, run):
            emit(line, lambda: click.echo(_text(line)))  # noqa: B023 — called at once
            sys.stdout.flush()


def _print(run: "Run", lines: "tuple[Line, ...]") -> None:
    talk(_headline(run))
    for line in lines:
        click.echo(_text(line))


def _headline(run: "Run") -> str:
    quiet = f", last heard at {run.heard:%H:%M:%S} UTC" if run.status == "quiet" else ""
    why = f": {run.note}" if run.note else ""
    return (
        f"{run.run}  {run.phase}{quiet}  step {run.step} of {run.steps}, "
        f"slice {run.slice} of {run.slices}{why}"
    )


def _text(line: "Line") -> str:
    from console.use.following import worded  # noqa: PLC0415 — heavy

    parts = [f"{line.at:%H:%M:%S}  {line.step}/{line.steps}  {worded(line)}"]
    parts += [f"loss {line.loss:.3f}"] if line.loss is not None else []
    parts += [f"rate {line.rate:.2g}"] if line.rate is not None else []
    parts += [f"{line.speed:.0f} tokens/s"] if line.speed is not None else []
    parts += [f"{line.memory // _MIB} MiB"] if line.memory is not None else []
    parts += [f"says: {printable(line.sample)}"] if line.sample else []
    parts += [line.note] if line.note else []
    return "  ".join(parts)


@contextmanager
def looked_on(what: str) -> "Iterator[Callable[[Progress], None] | None]":
    """Show on a terminal what a run does now and how far it is; elsewhere nothing.

    Yields:
        What takes the progress of a run, or None where nobody looks.
    """
    if options().as_json or not sys.stderr.isatty():
        yield None
        return
    from rich import progress  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415 — only on a terminal

    from console.use.following import worded  # noqa: PLC0415 — heavy

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)

        def told(at: "Progress") -> None:
            bar.update(
                task,
                completed=at.step,
                total=at.steps or None,
                description=f"{what}: {worded(at)}",
            )

        yield told
