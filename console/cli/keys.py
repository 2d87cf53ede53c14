"""`twin keys …`."""

import os
from pathlib import Path

import click

from console.cli.common import GlobalOptions, command, emit, home_folder, talk
from console.cli.opening import NEW_FILE, new_passphrase, opened, progress

__all__ = ["keys"]

_KINDS = ("owner", "scopes", "device")


@click.group("keys")
@GlobalOptions.add
def keys() -> None:
    """Change the passphrase, renew keys and the recovery page.

    The recovery key opens the vault for all of these in place of the passphrase. A new
    passphrase is asked for twice, or read from the file in TWIN_NEW_PASSPHRASE_FILE.
    """


def _secret() -> str:
    """Return what opens the vault, once it has opened it."""
    with opened(tidy=False) as twin:
        return twin.secret


@command("passphrase")
def passphrase() -> None:
    """Change the passphrase; the log is not rewritten."""
    from console.use import keeping  # noqa: PLC0415 — heavy

    secret = _secret()
    changed = keeping.change_passphrase(home_folder(), secret, new_passphrase(NEW_FILE))

    def lines() -> None:
        talk("The new passphrase opens the vault; the old one does no more.")
        _say_of_keyring(changed.remembered)

    emit(changed, lines)


@command("recovery")
def recovery() -> None:
    """Make a new recovery page; the old one opens the vault no more."""
    from console.use import keeping  # noqa: PLC0415 — heavy

    page = keeping.new_page(home_folder(), _secret())
    emit(page, lambda: _say_of_page(page.recovery_key_file))


@command("rotate")
@click.argument("kind", required=False, type=click.Choice(_KINDS))
def rotate(kind: str | None) -> None:
    """Replace keys by new ones: the owner's, the scopes', the device's; alone: all three.

    A new owner key comes with a new recovery page. The passphrase stays, unless another
    one is named, or the vault was opened with the recovery key: then one is asked for.
    """
    from console.use import keeping  # noqa: PLC0415 — heavy

    kinds = (kind,) if kind else keeping.ALL
    secret = _secret()
    new = _passphrase_for(secret) if "owner" in kinds else secret
    with progress("Wrapping keys anew", "scopes") as told:
        rotated = keeping.rotate(home_folder(), secret, new, kinds, told)

    def lines() -> None:
        talk(f"New keys: {', '.join(rotated.rotated)}.")
        if rotated.recovery_key_file:
            _say_of_page(rotated.recovery_key_file)
        _say_of_keyring(rotated.remembered)

    emit(rotated, lines)


def _passphrase_for(secret: str) -> str:
    from console import bootstrap  # noqa: PLC0415 — heavy

    if os.environ.get(NEW_FILE) or bootstrap.is_recovery_key(secret):
        return new_passphrase(NEW_FILE)
    return secret


@command("remember")
def remember() -> None:
    """Put the passphrase into this system's keyring, so that it is not asked for."""
    from console.use import keeping  # noqa: PLC0415 — heavy

    kept = keeping.remember(home_folder(), _secret())
    emit(kept, lambda: talk(f"The passphrase is in the keyring ({kept.keyring})."))


@command("forget")
def forget() -> None:
    """Take the passphrase out of this system's keyring."""
    from console.use import keeping  # noqa: PLC0415 — heavy

    emit(
        keeping.forget(home_folder()),
        lambda: talk("The keyring holds the passphrase no more; it will be asked for."),
    )


def _say_of_page(file: Path) -> None:
    talk(f"New recovery page: {file}")
    talk(
        "Print it and move it away from this machine. The one before opens this vault no more, but"
    )
    talk("backups and a pod until `twin backup` or `twin pod sync` has run: destroy it then.")


def _say_of_keyring(remembered: bool | None) -> None:
    if remembered is False:
        talk("The keyring did not take the new passphrase; `twin keys remember` tries again.")


for _command in (passphrase, recovery, rotate, remember, forget):
    keys.add_command(_command)
