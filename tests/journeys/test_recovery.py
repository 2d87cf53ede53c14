"""The drills of docs/recovery.md, played by a person who reads them at a terminal."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.helpers import PASSPHRASE, Command
from tests.terminal import typed

MANUAL = (Path(__file__).parents[2] / "docs" / "recovery.md").read_text("utf-8")
NEW = "seven wet herons in a boat"
LOST = "## The computer is lost"
STICK = "/media/stick/twinvault"
KEY = re.compile(r"^[0-9A-Z]{5}(?:-[0-9A-Z]{5}){8}$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One command of a drill: what is asked and answered, and what it prints."""

    command: str
    asked: list[tuple[str, str]]
    printed: list[str]


def steps(heading: str) -> list[Step]:
    """The commands under a heading, in order."""
    section = f"\n{MANUAL}".partition(f"\n{heading}\n")[2].partition("\n## ")[0]
    found: list[Step] = []
    for block in re.findall(r"^ *```console\n(.*?)^ *```$", section, re.MULTILINE | re.DOTALL):
        for line in map(str.strip, block.splitlines()):
            if line.startswith("$ "):
                found.append(Step(line[2:], [], []))
            elif answer := re.fullmatch(r"(.+): \((.+)\)", line):
                found[-1].asked.append((answer[1], answer[2]))
            else:
                found[-1].printed.append(line)
    return found


def pattern(printed: list[str]) -> str:
    """What a step prints: `…` stands for anything, and for any lines where it stands alone."""
    lines = (
        r"(?:.*\n)+" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in printed
    )
    return "".join(lines)


class Drill:
    """A person with papers, who does what the manual says and looks whether it comes true."""

    def __init__(self, folder: Path) -> None:
        self.vault = Command.in_folder(folder)
        self.vault.home = folder / "twinvault"
        self.vault.ok("init")
        self.papers: list[str] = []
        self._print_pages()

    def _print_pages(self) -> None:
        """Print every page that was written, and delete its file as the page says."""
        for file in sorted(self.vault.cwd.glob("*recovery-key*.html")):
            key = KEY.search(file.read_text())
            assert key
            self.papers.append(key[0])
            file.unlink()

    def answer(self, words: str) -> str:
        known = {
            "the passphrase": PASSPHRASE,
            "the old passphrase": PASSPHRASE,
            "a new passphrase": NEW,
            "the key on the recovery page": self.papers[0],
            "that key with a slip in group 4": self._with_a_slip(),
        }
        return self.papers[-1] if words == "the key on the new page" else known[words]

    def _with_a_slip(self) -> str:
        key = self.papers[0]
        return f"{key[:18]}{'7' if key[18] != '7' else '8'}{key[19:]}"

    def play(self, step: Step) -> None:
        name, *arguments = shlex.split(step.command.replace(STICK, str(self.vault.cwd / "stick")))
        assert name == "twin"
        answers = [(question, self.answer(words)) for question, words in step.asked]
        done = typed(self.vault, *arguments, answers=answers)
        printed = (done.out + done.err).replace(str(self.vault.cwd / "stick"), STICK)
        assert re.fullmatch(pattern(step.printed), printed), (step, done)
        assert (done.status == 0) == (not any(line.startswith("twin: ") for line in step.printed))
        self._print_pages()

    def valid(self) -> set[str]:
        """Which of the secrets, old and new, open the vault now."""
        secrets = {
            "passphrase": PASSPHRASE,
            "new passphrase": NEW,
            "first page": self.papers[0],
        }
        if len(self.papers) > 1:
            secrets["last page"] = self.papers[-1]
        return {name for name, secret in secrets.items() if opens(self.vault, secret)}


def opens(vault: Command, secret: str) -> bool:
    file = vault.cwd / "tried"
    file.write_text(secret)
    done = vault("status", "--json", env={"TWIN_PASSPHRASE_FILE": str(file)})
    assert done.status in {0, 4}, done
    return done.status == 0


HEADINGS = re.findall(r"^##? .+$", MANUAL, re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "commands", "valid"),
    [
        ("# When something is lost", 2, {"passphrase", "first page"}),
        ("## The passphrase is lost", 6, {"new passphrase", "last page"}),
        ("## Somebody else has seen the recovery page", 4, {"passphrase", "last page"}),
    ],
)
def test_a_drill_goes_as_the_manual_says(tmp_path, heading, commands, valid):
    drill = Drill(tmp_path)
    played = steps(heading)
    assert len(played) == commands
    for step in played:
        drill.play(step)
    assert drill.valid() == valid


def test_a_lost_computer_is_replaced_as_the_manual_says(tmp_path, chat):
    drill = Drill(tmp_path)
    drill.vault.ok("add", str(chat), "--me", "Ada Quill")
    backup, *after = steps(LOST)
    assert len(after) == 8
    drill.play(backup)
    lost = drill.vault.home.rename(tmp_path / "lost")
    for step in after:
        drill.play(step)
    assert drill.valid() == {"new passphrase", "last page"}
    drill.vault.passphrase_file.write_text(NEW)
    assert drill.vault.ok("status")["items"] == 8
    # What the lost machine writes from now on, with all that it has, counts nowhere.
    drill.vault.home, present = lost, drill.vault.home
    drill.vault.passphrase_file.write_text(PASSPHRASE)
    drill.vault.ok("consent", "allow", "message", "train")
    exchange = tmp_path / "exchange"
    drill.vault.ok("device", "exchange", str(exchange))
    drill.vault.home = present
    drill.vault.passphrase_file.write_text(NEW)
    assert drill.vault.ok("device", "exchange", str(exchange))["taken"]["entries"] == 0
    purposes = {said["purpose"] for said in drill.vault.ok("consent", "show")["statements"]}
    assert purposes == {"collect"}
    assert drill.vault.ok("verify")["problems"] == []


def test_every_drill_of_the_manual_is_played():
    assert HEADINGS == [
        "# When something is lost",
        "## The passphrase is lost",
        "## Somebody else has seen the recovery page",
        LOST,
    ]
