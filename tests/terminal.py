"""A person at a terminal: commands that ask, and somebody who answers."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterable

from tests.helpers import Command, Done

_OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
_LONGEST = 60


def typed(
    vault: Command,
    *arguments: str,
    answers: Iterable[tuple[str, str]],
    env: dict[str, str] | None = None,
) -> Done:
    """Run a command on a terminal of its own, and answer its questions.

    Args:
        vault: Whose environment it gets; no file names the passphrase.
        arguments: Of the command.
        answers: The questions that it must ask, in order, with what is typed.
        env: More environment.
    """
    ours, theirs = pty.openpty()
    start = f"{_OWN_TERMINAL}\nfrom console.cli import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", start, *arguments],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
        env=vault.environment() | {"TWIN_PASSPHRASE_FILE": ""} | (env or {}),
    ) as child:
        os.close(theirs)
        try:
            for question, answer in answers:
                if not _asked(ours, question):
                    break
                os.write(ours, answer.encode() + b"\n")
            out, err = child.communicate(timeout=_LONGEST)
        finally:
            child.kill()
            os.close(ours)
    return Done(child.returncode, out, err)


def _asked(terminal: int, question: str) -> bool:
    """Wait for a question; the child may end instead, and what it left behind tells why."""
    asked = b""
    while not asked.endswith(b": "):
        assert select.select([terminal], [], [], _LONGEST)[0], asked
        try:
            asked += os.read(terminal, 1000)
        except OSError:  # the other end was closed
            return False
    assert asked.decode().split("\r\n")[-1] == f"{question}: ", asked
    return True
