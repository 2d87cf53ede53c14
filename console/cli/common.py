"""What all commands share: global options, the passphrase, one JSON object, errors."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["GlobalOptions", "agree", "command", "emit", "fail", "options", "printable", "talk"]

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


class GlobalOptions:
    """`--home` and `--json`, accepted before and after the subcommand."""

    def __init__(self) -> None:
        self.home: Path | None = None
        self.as_json = False

    @staticmethod
    def _set_home(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:
        del param
        if value is not None:
            ctx.ensure_object(GlobalOptions).home = value

    @staticmethod
    def _set_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        del param
        if value:
            ctx.ensure_object(GlobalOptions).as_json = True

    @staticmethod
    def add(function: _Decorated) -> _Decorated:
        """Give a command the two options."""
        home = click.option(
            "--home",
            type=click.Path(path_type=Path),
            expose_value=False,
            callback=GlobalOptions._set_home,
            help="Folder of the vault (or TWIN_HOME).",
        )
        as_json = click.option(
            "--json",
            is_flag=True,
            expose_value=False,
            callback=GlobalOptions._set_json,
            help="Print one JSON object; talk goes to stderr.",
        )
        return home(as_json(function))


def options() -> GlobalOptions:
    """Return the global options of the running command."""
    return click.get_current_context().ensure_object(GlobalOptions)


def command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command that takes the global options."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        return click.command(name)(GlobalOptions.add(function))

    return decorate


def home_folder() -> Path:
    """Return the vault's folder: the option, TWIN_HOME, or the usual place for user data."""
    chosen = options().home or os.environ.get("TWIN_HOME")
    if chosen:
        return Path(chosen).expanduser()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "twinvault"


def talk(line: str) -> None:
    """Say something to the person: on stdout, or on stderr where stdout carries JSON."""
    click.echo(line, err=options().as_json)


def emit(result: object, lines: Callable[[], None]) -> None:
    """Print a result: one JSON object, or the lines for a person."""
    if not options().as_json:
        lines()
        return
    import msgspec  # noqa: PLC0415 — not needed for --help

    encoded = msgspec.json.encode(result, order="deterministic", enc_hook=os.fspath)
    click.echo(encoded.decode())


def printable(text: str) -> str:
    """Return a stranger's text without what a terminal would obey."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def agree(question: str, *, yes: bool) -> None:
    """Ask before something that cannot be undone.

    Raises:
        click.UsageError: There is no terminal to ask on, and no `--yes`.
        click.Abort: The answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("This asks first: run it in a terminal, or with --yes.")
    click.confirm(question, abort=True, err=True)


def fail(error: BaseException, *, as_json: bool) -> int:
    """Print an error in one sentence and return the exit code."""
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.ClickException):
        status, code, message = 2, "usage", error.format_message()
    else:
        from console.problems import problem_of  # noqa: PLC0415 — not needed for --help

        problem = problem_of(error)
        status, code, message = problem.status, problem.code, problem.message
    if as_json:
        click.echo(json.dumps({"error": {"code": code, "message": message}}))
    else:
        click.echo(f"twin: {message}", err=True)
    return status
