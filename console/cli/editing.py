"""Words that a person gives on stdin, or edits where no disk ever holds them."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from vault.errors import NotFound, StorageError, UsageError

__all__ = ["given"]


def given(text: str) -> str:
    """Return what stands on stdin; on a terminal, a text as the person edited it.

    Raises:
        UsageError: It is not UTF-8, or the editor gave up.
        NotFound: There is no editor.
        StorageError: Editing would leave the words on a disk.
    """
    return _edited(text) if sys.stdin.isatty() else _read()


def _read() -> str:
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError("The new words are not UTF-8; save them as UTF-8.") from None


def _edited(text: str) -> str:
    """Let the person edit a text in memory that no disk ever holds; return what she saved."""
    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="twin-", dir=_in_memory()) as folder:
        draft = Path(folder) / "words.txt"
        draft.touch(mode=0o600)
        draft.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run([*editor, draft], check=False)  # noqa: S603 — the person's own
        except FileNotFoundError:
            raise NotFound(f"The editor {editor[0]} is not there; set EDITOR.") from None
        if done.returncode:
            raise UsageError("The editor gave up; nothing was changed.")
        return draft.read_text(encoding="utf-8")


def _in_memory() -> Path:
    """Return a folder that is not on a disk.

    Raises:
        StorageError: This machine has none.
    """
    places = (os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm")  # noqa: S108 — memory, no disk
    for place in filter(None, places):
        if os.access(place, os.W_OK):
            return Path(place)
    raise StorageError("Editing would leave the words on a disk here; give them on stdin instead.")
