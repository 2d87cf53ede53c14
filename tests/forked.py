"""The command line as a process, forked from one that has everything imported already.

Starting Python and importing takes longer than most commands: tests that run the same command
a hundred times run it so. `python -m tests.forked` answers one JSON object a line.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.helpers import Command, Done

__all__ = ["Forked"]

_MODULES = (
    "console.bootstrap", "console.cli", "console.cli.consent", "console.cli.correct",
    "console.cli.forget", "console.cli.items", "console.cli.retention", "console.cli.tidying",
    "console.cli.vaults", "console.cli.views", "console.use.checking", "console.use.collecting",
    "console.use.consenting", "console.use.correcting", "console.use.forgetting",
    "console.use.retaining", "console.use.viewing",
)  # fmt: skip


class Forked(Command):
    """Runs `twin` like its parent, much sooner."""

    server: "subprocess.Popen[str] | None" = None

    def __call__(
        self,
        *arguments: str,
        env: dict[str, str] | None = None,
        text: str = "",
        before: str = "",
        timeout: float = 300,  # noqa: ARG002 - the test's own limit will do
    ) -> Done:
        """Run one command; `before` is Python that runs in the process first."""
        asked = {
            "arguments": arguments,
            "env": self.environment() | (env or {}),
            "text": text,
            "before": before,
            "cwd": str(self.cwd),
        }
        server = self._running()
        assert server.stdin
        assert server.stdout
        server.stdin.write(json.dumps(asked) + "\n")
        server.stdin.flush()
        return Done(**json.loads(server.stdout.readline()))

    @classmethod
    def _running(cls) -> "subprocess.Popen[str]":
        if Forked.server is None:
            Forked.server = subprocess.Popen(
                [sys.executable, "-m", "tests.forked"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=Path(__file__).parents[1],
            )
        return Forked.server


def _answer(asked: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as text, tempfile.TemporaryFile() as out:  # noqa: SIM117
        with tempfile.TemporaryFile() as err:
            text.write(asked["text"].encode())
            text.seek(0)
            child = os.fork()
            if not child:
                for number, file in enumerate((text, out, err)):
                    os.dup2(file.fileno(), number)
                _command(asked)
            _, status = os.waitpid(child, 0)
            for file in (out, err):
                file.seek(0)
            return {
                "status": os.waitstatus_to_exitcode(status),
                "out": out.read().decode(),
                "err": err.read().decode(),
            }


def _command(asked: dict[str, Any]) -> None:
    """The child: what a new process would do, and no way back."""
    status = 1
    try:
        os.environ.clear()
        os.environ.update(asked["env"])
        os.chdir(asked["cwd"])
        sys.argv = ["-c", *asked["arguments"]]
        exec(asked["before"], {})
        from console.cli import main  # noqa: PLC0415

        main(asked["arguments"])
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _serve() -> None:
    from importlib import import_module  # noqa: PLC0415

    for module in _MODULES:
        import_module(module)
    # What guards a passphrase against guessing would take longer than the command.
    costs = import_module("vault.log.passphrase").Stretch.__init__.__kwdefaults__
    costs.update(memory=64, passes=1, lanes=1)
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line))), flush=True)  # noqa: T201


if __name__ == "__main__":
    _serve()
