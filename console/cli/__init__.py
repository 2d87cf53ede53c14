"""The command line: parse, call one use case, print. Nothing heavy is imported for `--help`.

Commands are named here with their help line and imported when they are called.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from console.cli.common import GlobalOptions, fail

__all__ = ["main"]

_COMMANDS = {
    "up": ("console.cli.up", "Open the pages in the browser: begin, look, allow, teach, undo."),
    "init": ("console.cli.vaults", "Create a vault and its recovery key."),
    "status": ("console.cli.vaults", "Say what the vault holds."),
    "doctor": (
        "console.cli.vaults",
        "Check this machine and the vault's folder, and say what to do.",
    ),
    "verify": ("console.cli.vaults", "Check every signature and hash of the log."),
    "checkpoint": ("console.cli.proofs", "Hand out the newest signed checkpoint, to be kept."),
    "prove": (
        "console.cli.proofs",
        "Prove that an item stands in the log, or whether a model learned from it.",
    ),
    "verify-proof": ("console.cli.proofs", "Check a proof; no vault is needed."),
    "keys": ("console.cli.keys", "Change the passphrase, renew keys and the recovery page."),
    "me": ("console.cli.items", "Say under which names and addresses you appear."),
    "add": ("console.cli.items", "Collect an export: a file, folder, zip or tar."),
    "sources": (
        "console.cli.sources",
        "See what can be read, check a source on a sample, watch a folder.",
    ),
    "imports": (
        "console.cli.imports",
        "See what was imported and what could not be read, and read that again.",
    ),
    "people": ("console.cli.people", "Say who is who, who is what to you, and who is left out."),
    "search": ("console.cli.items", "Search what consent allows to be searched."),
    "show": ("console.cli.items", "Show one item."),
    "attachments": (
        "console.cli.attachments",
        "List the files that came with an item, or write them into a folder.",
    ),
    "labels": (
        "console.cli.labels",
        "See what items are about where that is sensitive, and say better.",
    ),
    "correct": ("console.cli.correct", "Put other words in the place of an item's."),
    "consent": ("console.cli.consent", "Allow, deny and look at consent."),
    "withdraw": ("console.cli.consent", "Take a permission back, and everything made with it."),
    "pause": ("console.cli.consent", "Keep items and use them for nothing."),
    "resume": ("console.cli.consent", "End a pause."),
    "forget": ("console.cli.forget", "Erase items for ever, with a certificate."),
    "retention": ("console.cli.retention", "Say for how many days items of a type are kept."),
    "backup": ("console.cli.mirrors", "Bring a sealed backup up to date."),
    "restore": ("console.cli.mirrors", "Make the vault again from a backup."),
    "check": ("console.cli.mirrors", "Check that a backup is whole."),
    "device": ("console.cli.devices", "Use one vault on several devices."),
    "pod": ("console.cli.pod", "Keep the vault in a Solid pod of yours, and get it back."),
    "export": ("console.cli.exports", "Write everything as a portable copy, in the clear."),
    "redact": ("console.cli.redact", "Redact lines of JSON; no vault is needed."),
    "why": ("console.cli.why", "Say for each view why an item is in or out."),
    "view": ("console.cli.views", "Build, look at, define and export training views."),
    "pairs": ("console.cli.pairs", "Read the examples, and correct, approve or reject them."),
    "train": ("console.cli.models", "Teach a model with what consent allows."),
    "retrain": ("console.cli.rebuild", "Rebuild a model without what is no longer allowed."),
    "eval": ("console.cli.evaluate", "Measure how good a model is, and what it gives away."),
    "runs": ("console.cli.runs", "Look on while a model learns, and afterwards."),
    "models": (
        "console.cli.models",
        "List models, choose which answers, hand one out, give one up.",
    ),
    "chat": ("console.cli.models", "Ask a model."),
    "feedback": ("console.cli.feedback", "See what you said of answers, and take it back."),
}


class _Commands(click.Group):
    """A group that knows its commands' help without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(
            import_module(_COMMANDS[cmd_name][0]), cmd_name.replace("-", "_")
        )
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="twinvault", message="%(version)s")
@GlobalOptions.add
def twin() -> None:
    """Take your digital life back, and teach your own model with it.

    Everything stays on this machine, encrypted; nothing is used for anything until you
    allow it. The passphrase is asked for, or read from the file in TWIN_PASSPHRASE_FILE.
    """


def _check(arguments: Sequence[str]) -> None:
    """Refuse what no command can mean: an empty name would be the current folder.

    Raises:
        click.UsageError: An argument is empty, or its bytes are not UTF-8.
    """
    for argument in arguments:
        if not argument or argument.endswith("="):
            raise click.UsageError("An argument is empty; leave it out or say what you mean.")
        if not argument.isprintable() and any("\udc80" <= c <= "\udcff" for c in argument):
            raise click.UsageError(
                "An argument is not UTF-8; rename the file or put it in a folder."
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _check(given)
        status = twin.main(args=given, prog_name="twin", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        sys.exit(2)
    except click.exceptions.Abort as abort:
        why = abort.__cause__
        told = why if isinstance(why, KeyboardInterrupt) else KeyboardInterrupt()
        sys.exit(fail(told, as_json="--json" in given))
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        sys.exit(fail(error, as_json="--json" in given))
    sys.exit(status if isinstance(status, int) else 0)
