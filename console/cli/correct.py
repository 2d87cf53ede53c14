"""`twin correct`."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from console.cli.common import command, emit, talk
from console.cli.opening import opened
from vault.errors import NotFound, StorageError, UsageError

__all__ = ["correct"]


@command("correct")
@click.argument("item_id", metavar="ID")
def correct(item_id: str) -> None:
    """Put other words in the place of an item's: from stdin, or on a terminal from your editor.

    Search, training and `twin show` use the new words. What was collected stays in the log
    until the item is erased.
    """
    from console.use import correcting  # noqa: PLC0415 — heavy

    with opened() as twin:
        by_hand = sys.stdin.isatty()
        text = _edited(correcting.words(twin, item_id)) if by_hand else _read()
        corrected = correcting.correct(twin, item_id, text)

    def lines() -> None:
        if corrected.changed:
            talk(
                "Corrected. Models keep what they learned from the old words until `twin retrain`."
            )
        else:
            talk("It reads so already; nothing was changed.")

    emit(corrected, lines)


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
