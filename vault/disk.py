"""Private files on disk: written whole or not at all, readable by their owner alone."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vault import points
from vault.errors import StorageError

__all__ = [
    "InUse",
    "exclusive",
    "make_folder",
    "make_private",
    "private_folder",
    "remove_drafts",
    "storage",
    "sync_folder",
    "write_atomic",
]


@contextmanager
def storage(what: str) -> Iterator[None]:
    """Turn the operating system's refusals into one error that names the thing.

    Raises:
        StorageError: The disk refused.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(f"{what}: {error.strerror or error}.") from error


def make_folder(path: Path) -> list[Path]:
    """Make a folder that only its owner can enter, with its parents; return which are new.

    They are durable when the folders that hold them were synced.
    """
    new = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return new


def private_folder(path: Path) -> None:
    """Make a folder, with its parents, durable, and let only its owner enter it."""
    for new in make_folder(path):
        sync_folder(new.parent)
    path.chmod(0o700)


def make_private(path: Path) -> None:
    """Create an empty file that only its owner can read, unless it exists.

    One that exists is not opened: closing it again would drop every lock that this process
    holds on it (POSIX), a database's among them.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomic(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Replace a file by new content: a crash leaves the old one or the new one.

    Args:
        path: The file; only its owner will be able to read it.
        content: All of its bytes.
        durable: Wait until the new name is on disk too. Without, a power cut may bring
            back the old file, still whole.
    """
    # Not hidden and with the writer's number: two processes never share a draft, and a
    # draft that a crash left behind is overwritten by the next process of that number.
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        points.reached("file.drafted")
        draft.replace(path)
        points.reached("file.replaced")
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def remove_drafts(folder: Path) -> None:
    """Remove what writers that died left behind in a folder."""
    for draft in folder.glob("*.*.new"):
        number = draft.name.split(".")[-2]
        if number.isdecimal() and not _alive(int(number)):
            draft.unlink(missing_ok=True)


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file; the operating system frees it when the process dies."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class InUse:
    """A folder that is in use as long as this object is not closed; the system frees it too."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Keep every other process out for a while.

        Raises:
            StorageError: Another process uses the folder.
        """
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StorageError(
                f"{what} needs the vault for itself; close the other programs that use it."
            ) from None
        try:
            yield
        finally:
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)

    def close(self) -> None:
        """Use it no more; twice does no harm."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
