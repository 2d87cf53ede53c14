"""A file that is whole or not there: written as a draft beside its place, then put there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vault.errors import StorageError, UsageError

__all__ = ["Written", "whole"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a file that was written holds; `size` is in bytes."""

    rows: int
    size: int


@contextmanager
def whole(out: Path, *, home: Path) -> Iterator[BinaryIO]:
    """Open a draft that takes the place of a file once everything is written.

    Whatever ends the writing early, an interrupt too, removes the draft and leaves the file
    that was there before.

    Args:
        out: The file; only its owner will be able to read it.
        home: The vault's folder, within which nothing is written in the clear.

    Raises:
        UsageError: The file would lie within the vault.
        StorageError: The disk refused.
    """
    # The folder alone is resolved: a link in the file's place is replaced, never followed.
    if out.parent.resolve().is_relative_to(home.resolve()):
        raise UsageError(
            f"{out} lies within the vault, whose files are encrypted; name a file elsewhere."
        )
    draft = out.with_name(out.name + ".part")
    try:
        draft.unlink(missing_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
        with open(os.open(draft, flags, 0o600), "wb") as file:  # noqa: PTH123 - a descriptor
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(out)
    except BaseException as error:
        with suppress(OSError):
            draft.unlink()
        if isinstance(error, OSError):
            raise StorageError(
                f"{out} cannot be written ({error.strerror or error}); name another."
            ) from error
        raise
