"""`twin init`, `status`, `doctor`, `verify`."""

import sys

import click

from console.cli.common import command, emit, home_folder, printable, talk
from console.cli.opening import new_passphrase, opened, progress


@command("init")
def init() -> None:
    """Create a vault and its recovery key.

    The recovery page opens the vault when the passphrase is lost: print it, and move the
    file away from this machine.
    """
    from console import bootstrap  # noqa: PLC0415 — heavy

    created = bootstrap.create(home_folder(), new_passphrase())

    def lines() -> None:
        click.echo(f"Vault created in {created.vault}.")
        click.echo(f"Recovery page: {created.recovery_key_file}")
        click.echo("Print it and move it away from this machine: whoever has it opens the vault.")

    emit(created, lines)


@command("status")
def status() -> None:
    """Say what the vault holds."""
    from console.use import checking  # noqa: PLC0415 — heavy

    with opened() as twin:
        found = checking.status(twin)

    def lines() -> None:
        click.echo(f"{found.items} items in {found.events} events, checkpoint {found.checkpoint}")
        for view in found.views:
            click.echo(f"view {view.name}: at position {view.position}")
        for model in found.models:
            click.echo(f"model {model.model}: {model.status}, {model.rows} rows")
        if found.pod:
            owed = f", {found.pod.owed} erasures are owed there" if found.pod.owed else ""
            click.echo(f"pod {printable(found.pod.url)}: {found.pod.waiting} entries wait{owed}")

    emit(found, lines)


@command("doctor")
def doctor() -> None:
    """Check this machine and the vault's folder, and say what to do."""
    from console.use import checking  # noqa: PLC0415 — heavy

    found = checking.doctor(home_folder())

    def lines() -> None:
        for check in found.checks:
            click.echo(f"{'ok  ' if check.ok else 'note'} {check.name}: {check.finding}")

    emit(found, lines)


@command("verify")
@click.option(
    "--against",
    default="",
    metavar="PATH|pod",
    help="Compare with this checkpoint, proof or other copy of the vault, or with the pod.",
)
def verify(against: str) -> None:
    """Check every signature and hash of the log."""
    from console.use import checking  # noqa: PLC0415 — heavy

    with opened(tidy=False) as twin, progress("Verifying", "entries") as told:
        report = checking.verify(twin, told, against)

    def lines() -> None:
        talk(f"{report.events} events under {report.checkpoints} signed checkpoints.")
        for problem in report.problems:
            click.echo(problem, err=True)
        if against and not report.problems:
            talk(f"All that {against} knows is in this log.")
        talk("Everything verifies." if not report.problems else "The log is not what was signed.")

    emit(report, lines)
    if report.problems:
        sys.exit(6)


__all__ = ["doctor", "init", "status", "verify"]
