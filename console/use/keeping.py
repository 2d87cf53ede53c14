"""Keeping a vault's keys: passphrase, recovery page, rotation, keyring."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from console import bootstrap, keyring
from vault.errors import NotFound, StorageError, UsageError

__all__ = [
    "ALL",
    "Changed",
    "Forgotten",
    "Page",
    "Remembered",
    "Rotated",
    "change_passphrase",
    "checked",
    "create",
    "forget",
    "new_page",
    "remember",
    "rotate",
]

ALL = ("owner", "device", "scopes")
"""What can be rotated, in the order in which all are: keys made later are never wrapped
under an owner key that goes."""
_SHORTEST = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A new passphrase. `remembered`: whether the keyring took it; null where it is not there."""

    vault: Path
    remembered: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where the new recovery page was written."""

    vault: Path
    recovery_key_file: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """Which keys are new, and of how many scopes."""

    vault: Path
    rotated: tuple[str, ...]
    scopes: int
    recovery_key_file: Path | None
    remembered: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Which keyring holds the passphrase."""

    vault: Path
    keyring: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Of which vault the keyring holds the passphrase no more."""

    vault: Path


def checked(passphrase: str) -> str:
    """Return a new passphrase that can protect something.

    Raises:
        UsageError: It is too short, or it is a recovery key.
    """
    if len(passphrase) < _SHORTEST:
        raise UsageError(
            f"The passphrase needs {_SHORTEST} characters or more; choose a longer one."
        )
    if bootstrap.is_recovery_key(passphrase):
        raise UsageError("A recovery key cannot be the passphrase; choose words of your own.")
    return passphrase


def create(home: Path, passphrase: str) -> bootstrap.Created:
    """Create a vault, and its recovery key beside the vault's folder.

    Raises:
        UsageError: The passphrase cannot protect it.
        Exists: There is a vault already.
    """
    return bootstrap.create(home, checked(passphrase))


def change_passphrase(home: Path, secret: str, new: str) -> Changed:
    """Let a new passphrase open the vault, and the old one no more."""
    bootstrap.change_passphrase(home, secret, new)
    return Changed(vault=home.absolute(), remembered=_remembered_anew(home, new))


def _remembered_anew(home: Path, passphrase: str) -> bool | None:
    """Put a new passphrase where the old one was remembered; it is valid in any case."""
    if not keyring.is_remembered(home):
        return None
    try:
        keyring.remember(home, passphrase)
    except (NotFound, StorageError):
        return False
    return True


def new_page(home: Path, secret: str) -> Page:
    """Write a new recovery page; the one before opens the vault no more."""
    return Page(vault=home.absolute(), recovery_key_file=bootstrap.new_recovery_page(home, secret))


def rotate(
    home: Path,
    secret: str,
    new: str,
    kinds: Sequence[str],
    progress: Callable[[int, int], None] | None = None,
) -> Rotated:
    """Replace keys of the vault by new ones.

    Args:
        home: Its folder.
        secret: What opens it.
        new: The passphrase from then on, where the owner key is rotated.
        kinds: Which of `ALL`.
        progress: Told how many scopes have a new key, and of how many.
    """
    file = remembered = None
    if "owner" in kinds:
        file = bootstrap.rotate_owner_key(home, secret, new)
        secret = new
        remembered = _remembered_anew(home, new)
    if "device" in kinds:
        bootstrap.rotate_device_key(home, secret)
    scopes = bootstrap.rotate_scope_keys(home, secret, progress) if "scopes" in kinds else 0
    return Rotated(
        vault=home.absolute(),
        rotated=tuple(kind for kind in ALL if kind in kinds),
        scopes=scopes,
        recovery_key_file=file,
        remembered=remembered,
    )


def remember(home: Path, secret: str) -> Remembered:
    """Put the passphrase that opened the vault into the system's keyring.

    Raises:
        UsageError: It was the recovery key, which belongs on paper.
        NotFound: There is no real keyring.
    """
    if bootstrap.is_recovery_key(secret):
        raise UsageError(
            "The recovery key is not put into the keyring; open the vault with its passphrase."
        )
    return Remembered(vault=home.absolute(), keyring=keyring.remember(home, secret))


def forget(home: Path) -> Forgotten:
    """Take the passphrase out of the system's keyring.

    Raises:
        NotFound: It is not there.
    """
    keyring.forget(home)
    return Forgotten(vault=home.absolute())
