"""The vault of a server: locked, or open for one request at a time."""

import hmac
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from console import bootstrap
from console.bootstrap import Twin
from vault.errors import Locked, StorageError, VaultError

__all__ = ["PATIENCE", "Keeper"]

# A page that only looks brings the views up by so many entries, and no more: what others
# collect meanwhile is brought up in the background (`console.pages.orders.CatchUp`).
PATIENCE = 2_000


class Keeper:
    """Holds one vault open between requests, and lets one of them at a time use it.

    `behind` is how many entries the views had not seen when the vault was last used.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self._lock = threading.Lock()
        self._twin: Twin | None = None
        # What opened the vault: kept while it is opened anew, too.
        self._secret: str | None = None
        self.behind = 0

    @property
    def exists(self) -> bool:
        """Whether there is a vault to open."""
        return (self.home / "vault.json").exists()

    @property
    def is_open(self) -> bool:
        """Whether the vault is open, or about to be again."""
        return self._secret is not None

    def unlock(self, secret: str) -> None:
        """Open the vault with a passphrase or the recovery key.

        Raises:
            Locked: The secret is wrong.
        """
        with self._lock:
            if self._twin is None:
                self._twin = bootstrap.open_(self.home, secret)
                self._secret = self._twin.secret
            elif not self._is_right(self._twin, secret):
                raise Locked("The passphrase is wrong; type it again.")

    def lock(self) -> None:
        """Close the vault; nothing of it is shown until it is opened again."""
        with self._lock:
            self._secret = None
            self._close()

    def is_right(self, secret: str) -> bool:
        """Whether a secret opens the vault that is open."""
        with self._lock:
            return self._twin is not None and self._is_right(self._twin, secret)

    def _is_right(self, twin: Twin, secret: str) -> bool:
        same = hmac.compare_digest(secret.encode(), twin.secret.encode())
        return same or bootstrap.opens(self.home, secret)

    @contextmanager
    def looking(self) -> Iterator[Twin]:
        """Use the vault for a page that changes nothing, and waits for nothing long.

        Raises:
            Locked: It is locked.
        """
        with self._using(PATIENCE) as twin:
            yield twin

    @contextmanager
    def changing(self) -> Iterator[Twin]:
        """Use the vault for something that changes it, at whatever it costs to be up to date.

        Raises:
            Locked: It is locked.
        """
        with self._using(None) as twin:
            yield twin

    @contextmanager
    def _using(self, patience: int | None) -> Iterator[Twin]:
        with self._lock:
            twin = self._opened()
            twin.patience = patience
            try:
                yield twin
                self.behind = twin.behind
            except VaultError:
                self.behind = twin.behind
                raise
            except Exception as error:
                self._open_again(error)
                raise

    @contextmanager
    def closed(self) -> Iterator[tuple[Path, str]]:
        """Close the vault for what needs it to itself, and open it again afterwards.

        Yields:
            The vault's folder, and what opens it.

        Raises:
            Locked: It is locked.
        """
        with self._lock:
            secret = self._opened().secret
            self._close()
            try:
                yield self.home, secret
            finally:
                with suppress(VaultError, OSError):
                    self._reopen(secret)

    def refresh(self) -> None:
        """Open the vault anew, without anything that was kept of it in memory."""
        with self._lock:
            if self._twin:
                self._open_again()

    def _open_again(self, error: Exception | None = None) -> None:
        """Open the vault anew after an error that nobody foresaw, or lock it if that fails.

        Raises:
            StorageError: A view was damaged and was dropped.
        """
        assert self._twin
        secret, damaged = self._twin.secret, error and bootstrap.is_damaged_view(error)
        names = [view.name for view in self._twin.views.all if not view.is_sound] if damaged else []
        self._close()
        try:
            self._reopen(secret, (names or ("*",)) if damaged else ())
        except (VaultError, OSError):
            return
        if damaged:
            raise StorageError(
                "A view was damaged and was dropped; it is made anew from the log, so open this "
                "page again in a while."
            ) from error

    def _reopen(self, secret: str, without: Collection[str] = ()) -> None:
        try:
            if without:
                bootstrap.drop_views(self.home, without)
            self._twin = bootstrap.open_(self.home, secret)
        except BaseException:
            self._secret = None
            raise

    def _close(self) -> None:
        twin, self._twin, self.behind = self._twin, None, 0
        if twin:
            with suppress(Exception):
                twin.close()

    @property
    def secret(self) -> str:
        """What opened the vault, for work that another process does.

        Raises:
            Locked: It is locked.
        """
        if self._secret is None:
            raise _locked()
        return self._secret

    def _opened(self) -> Twin:
        if self._twin is None:
            raise _locked()
        return self._twin


def _locked() -> Locked:
    return Locked("The vault is locked; type the passphrase to open it.")
