"""The passphrase in the system's keyring, for those who ask for it.

A mark in the vault's folder says that it is there, so that nobody else's commands wait for
a keyring, or import one. Only keyrings that the `keyring` library itself recommends are
real: those that seal what they hold under the login, not a file that anybody can read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vault.disk import storage, write_atomic
from vault.errors import NotFound, StorageError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

__all__ = ["forget", "is_remembered", "recall", "remember"]

_SERVICE = "twinvault"
_MARK = "remembered"
_RECOMMENDED = 1
_NONE = (
    "This machine has no keyring that keeps secrets, such as GNOME Keyring, KWallet or the "
    "macOS Keychain; give the passphrase as before."
)


def is_remembered(home: Path) -> bool:
    """Whether the passphrase of a vault was put into the keyring."""
    return (home / _MARK).is_file()


def remember(home: Path, passphrase: str) -> str:
    """Put a passphrase into the keyring; return the keyring's name.

    Raises:
        NotFound: There is no real keyring here, or the `keyring` library is not installed.
        StorageError: The keyring refused.
    """
    account = _account(home)
    with _strangers_code():
        chosen = _real_keyring()
        chosen.set_password(_SERVICE, account, passphrase)
        kept = chosen.get_password(_SERVICE, account) == passphrase
    if not kept:
        raise StorageError("The keyring did not keep the passphrase; it is asked for as before.")
    with storage("The vault's folder"):
        write_atomic(home / _MARK, b"The passphrase is in the keyring; see `twin keys forget`.\n")
    return str(chosen.name)


def recall(home: Path) -> str:
    """Return the passphrase that was remembered.

    Raises:
        NotFound: The keyring does not hold it, or there is no keyring any more.
        StorageError: The keyring refused.
    """
    with _strangers_code():
        found = _real_keyring().get_password(_SERVICE, _account(home))
    if found is None:
        raise NotFound(
            "The keyring holds no passphrase for this folder; `twin keys remember` puts it there."
        )
    return str(found)


def forget(home: Path) -> None:
    """Take the passphrase out of the keyring.

    Raises:
        NotFound: It is not there.
        StorageError: The keyring refused.
    """
    account = _account(home)
    with _strangers_code():
        chosen = _real_keyring()
        there = chosen.get_password(_SERVICE, account) is not None
        if there:
            chosen.delete_password(_SERVICE, account)
    with storage("The vault's folder"):
        (home / _MARK).unlink(missing_ok=True)
    if not there:
        raise NotFound("The keyring holds no passphrase for this vault; nothing is to be done.")


def _account(home: Path) -> str:
    return str(home.absolute())


def _real_keyring() -> "KeyringBackend":
    """Return the best keyring of this machine, out of a chain of them too."""
    try:
        import keyring  # noqa: PLC0415 — optional, slow, and only for those who ask
    except ImportError:
        raise NotFound(
            "The keyring needs a library that is not installed: pip install twinvault[keyring]."
        ) from None
    chosen = keyring.get_keyring()
    for one in getattr(chosen, "backends", [chosen]):
        if one.priority >= _RECOMMENDED:
            found: KeyringBackend = one
            return found
    raise NotFound(_NONE)


@contextmanager
def _strangers_code() -> Iterator[None]:
    try:
        yield
    except NotFound:
        raise
    except Exception as error:  # noqa: BLE001 - see below
        # A backend may raise anything, and its words may quote what it was given.
        raise StorageError(
            f"The keyring refused ({type(error).__name__}); unlock it and try again."
        ) from None
