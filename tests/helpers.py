"""What tests of the whole share: the command line as a process, and small exports."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

PASSPHRASE = "correct horse battery staple"
_BYTECODE = TemporaryDirectory(prefix="twinvault-bytecode-")

# A vault of a test opens in a moment; what the product asks of a passphrase has tests of its own.
_QUICK = """
from vault.log.passphrase import Stretch
Stretch.__init__.__kwdefaults__.update(memory=64, passes=1, lanes=1)
"""


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Command:
    """Runs `twin` on one vault, as scripts do: a process, its exit code, one JSON object."""

    home: Path
    passphrase_file: Path
    cwd: Path
    trained: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def in_folder(cls, folder: Path) -> "Command":
        """The command on a home in a folder, with its passphrase beside it."""
        passphrase_file = folder / "passphrase"
        passphrase_file.write_text(PASSPHRASE)
        return cls(folder / "home", passphrase_file, folder)

    def __call__(
        self,
        *arguments: str,
        env: dict[str, str] | None = None,
        text: str = "",
        before: str = "",
        timeout: float = 300,
    ) -> Done:
        """Run one command; `before` is Python that runs in the process first."""
        quick = _QUICK if "init" in arguments else ""
        start = f"{before}\n{quick}\nfrom console.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", start, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            cwd=self.cwd,
            env=self.environment() | (env or {}),
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TWIN_")}
        root = str(Path(__file__).parents[1])
        # Hundreds of processes: each would compile everything anew where none may write bytecode.
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return kept | {
            "PYTHONPYCACHEPREFIX": _BYTECODE.name,
            "TWIN_HOME": str(self.home),
            "TWIN_PASSPHRASE_FILE": str(self.passphrase_file),
            "PYTHONPATH": root,
        }

    def ok(self, *arguments: str, **more: Any) -> Any:
        """Run with --json and expect success."""
        done = self(*arguments, "--json", **more)
        assert done.status == 0, (arguments, done)
        return done.json

    def exported(self, out: Path, **more: Any) -> Any:
        """Export rows of a side that has some: in a small vault its key decides which has."""
        split = "train" if self.ok("view", "stats", **more)["train"] else "held"
        return self.ok("view", "export", "--split", split, "--out", str(out), **more)

    def speaks_whole(self) -> bool:
        """Whether a model answers with all that it learned; how much is left depends on keys."""
        done = self("chat", "soup?", "--json")
        assert done.status in {0, 5}, done
        return done.status == 0 and done.json["slice"] == done.json["slices"]

    def refused(self, status: int, *arguments: str, **more: Any) -> dict[str, str]:
        """Run with --json and expect a refusal; return the error."""
        done = self(*arguments, "--json", **more)
        assert done.status == status, (arguments, done)
        error = done.json["error"]
        assert error["message"].strip()
        assert "\n" not in error["message"].strip()
        assert "Traceback" not in done.err
        return error


CHAT = """\
01/02/2023, 10:00 - Messages and calls are end-to-end encrypted.
01/02/2023, 10:01 - Priya Nair: Are you coming on Friday? Bring Marguerite's tin
01/02/2023, 10:02 - Ada Quill: of course, i'll bring the tin & the soup
02/02/2023, 18:20 - Priya Nair: Did you sleep at all?
02/02/2023, 18:25 - Ada Quill: like a log, a wet one
03/02/2023, 08:00 - Priya Nair: What time is the boat?
03/02/2023, 08:10 - Ada Quill: half six at the slip, wear two hats
04/02/2023, 19:00 - Priya Nair: Send me the recipe please
04/02/2023, 19:05 - Ada Quill: six leeks, butter, patience, call me on 07700 900142 if it burns
"""


TOY = """\
kind = "scratch"
width = 16
layers = 1
heads = 2
batch = 8
epochs = 1.0
later_epochs = 1.0
trunk = 40
slice_rows = 40
"""


def write_chats(folder: Path) -> Path:
    """Write a folder of chats with three people, enough rows to train a toy on."""
    chats = folder / "chats"
    chats.mkdir()
    for name in ("Priya Nair", "Ned Marlow", "Bex Stone"):
        lines = []
        for day in range(1, 25):
            for part in range(3):
                stamp = f"{day:02d}/03/2023, {8 + part * 4:02d}:00"
                lines.append(f"{stamp} - {name}: Question {day} number {part} about soup?")
                lines.append(
                    f"{stamp} - Ada Quill: answer {day} & {part}, says {name[0].lower()} pal"
                )
        (chats / f"WhatsApp Chat with {name}.txt").write_text("\n".join(lines) + "\n")
    return chats
