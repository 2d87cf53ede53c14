"""The vault of a server: locked, or open for one request at a time."""

import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from console import bootstrap
from console.bootstrap import Twin
from vault.errors import Locked
from vault.log.folder import unlocked

__all__ = ["Keeper"]

# A page that only looks brings the views up by so many entries, and no more: what others
# collect meanwhile is brought up in the background (`console.pages.orders.CatchUp`).
_PATIENCE = 2_000


class Keeper:
    """Holds one vault open between requests, and lets one of them at a time use it."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self._lock = threading.Lock()
        self._twin: Twin | None = None

    @property
    def exists(self) -> bool:
        """Whether there is a vault to open."""
        return (self.home / "vault.json").exists()

    @property
    def is_open(self) -> bool:
        """Whether the vault is open."""
        return self._twin is not None

    def unlock(self, secret: str) -> None:
        """Open the vault with a passphrase or the recovery key.

        Raises:
            Locked: The secret is wrong.
        """
        with self._lock:
            if self._twin is None:
                self._twin = bootstrap.open_(self.home, secret)
            elif not self._is_right(self._twin, secret):
                raise Locked("The passphrase is wrong; type it again.")

    def lock(self) -> None:
        """Close the vault; nothing of it is shown until it is opened again."""
        with self._lock:
            if self._twin:
                self._twin.close()
                self._twin = None

    def is_right(self, secret: str) -> bool:
        """Whether a secret opens the vault that is open."""
        with self._lock:
            return self._twin is not None and self._is_right(self._twin, secret)

    def _is_right(self, twin: Twin, secret: str) -> bool:
        if hmac.compare_digest(secret.encode(), twin.secret.encode()):
            return True
        try:
            unlocked(self.home, secret)
        except Locked:
            return False
        return True

    @contextmanager
    def looking(self) -> Iterator[Twin]:
        """Use the vault for a page that changes nothing, and waits for nothing long.

        Raises:
            Locked: It is locked.
        """
        with self._lock:
            twin = self._opened()
            twin.patience = _PATIENCE
            yield twin

    @contextmanager
    def changing(self) -> Iterator[Twin]:
        """Use the vault for something that changes it, at whatever it costs to be up to date.

        Raises:
            Locked: It is locked.
        """
        with self._lock:
            twin = self._opened()
            twin.patience = None
            yield twin

    @property
    def secret(self) -> str:
        """What opened the vault, for work that another process does.

        Raises:
            Locked: It is locked.
        """
        return self._opened().secret

    def _opened(self) -> Twin:
        if self._twin is None:
            raise Locked("The vault is locked; type the passphrase to open it.")
        return self._twin
