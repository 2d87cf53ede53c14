"""What importing the same again costs, and a mailbox that grew, against the first import.

    python benchmarks/reimport.py [--size MB] [--notes N]

Prints one JSON object. Each import runs as `twin add` runs it, in a process of its own, on a
vault in a temporary folder; its time is the processor time of parent and child, views
included and opening the vault left out. The goals are at most 0.2 of the first import for the
same data and no new event, and at most 0.05 for a mailbox that grew by a hundredth.
"""

import argparse
import compileall
import json
import multiprocessing
import random
import resource
import tempfile
from pathlib import Path

import vault
from benchmarks.mbox import OWNER, Writer

GOAL_SAME = 0.2
GOAL_GROWN = 0.05
_ATTACHED = 0.12
_PASSPHRASE = "correct horse battery staple"


def _spent() -> float:
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def _imported(home: str, path: str) -> tuple[float, int, int, int]:
    from console import bootstrap  # noqa: PLC0415 - in the process that is measured
    from console.use import collecting  # noqa: PLC0415

    twin = bootstrap.open_(Path(home), _PASSPHRASE)
    began = _spent()
    before = twin.log.head.size
    added = collecting.add(twin, Path(path), names=OWNER)
    events = twin.log.head.size - before
    spent = _spent() - began
    twin.close()
    return spent, events, added.collected, added.duplicates


def imported(home: Path, path: Path) -> tuple[float, int, int, int]:
    """Add a path in a fresh process; return CPU seconds, new events, items new and there."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_imported, (str(home), str(path)))


def write_mailbox(writer: Writer, path: Path, size: int) -> None:
    """Write or lengthen a mailbox to a size in bytes."""
    with path.open("ab") as file:
        while file.tell() < size:
            file.write(writer.message())


def write_notes(folder: Path, count: int) -> None:
    """Write small notes with links to each other, a few hundred to a folder."""
    chance = random.Random(7)
    words = ["".join(chance.choices("etaoinshrdlu", k=6)) for _ in range(3000)]
    for number in range(count):
        place = folder / f"{number // 300:03}"
        place.mkdir(parents=True, exist_ok=True)
        said = " ".join(chance.choices(words, k=chance.randrange(20, 200)))
        (place / f"note {number}.md").write_text(
            f"---\ntags: [{words[number % 40]}]\n---\n# {words[number % 3000]}\n\n{said}\n"
        )


def compared(
    first: float, later: float, goal: float, events: int | None = None
) -> dict[str, object]:
    """Return what is printed of a later import."""
    ratio = later / first
    said: dict[str, object] = {"cpu_s": round(later, 2), "ratio": round(ratio, 4), "goal": goal}
    if events is not None:
        said["new_events"] = events
    return said | {"reached": ratio <= goal and not events}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=200, help="MB of the mailbox")
    parser.add_argument("--notes", type=int, default=20_000)
    chosen = parser.parse_args()
    from console import bootstrap  # noqa: PLC0415 - not for --help

    # What is installed has its bytecode; a reader's child would compile a checkout each time.
    compileall.compile_dir(Path(vault.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        said: dict[str, object] = {"mailbox_mb": chosen.size, "notes": chosen.notes}
        mailbox, writer = place / "all.mbox", Writer(1, _ATTACHED)
        write_mailbox(writer, mailbox, chosen.size << 20)
        notes = place / "notes"
        write_notes(notes, chosen.notes)
        for name, path in (("mailbox", mailbox), ("folder", notes)):
            home = place / f"home-{name}"
            bootstrap.create(home, _PASSPHRASE)
            first, _, collected, _ = imported(home, path)
            same, events, new, _ = imported(home, path)
            assert new == 0
            said[name] = {
                "items": collected,
                "first_cpu_s": round(first, 2),
                "same": compared(first, same, GOAL_SAME, events),
            }
            if name == "mailbox":
                write_mailbox(writer, mailbox, int((chosen.size << 20) * 1.01))
                grown, _, new, kept = imported(home, path)
                assert new > 0
                assert kept >= collected - 1
                said["grown_by_a_hundredth"] = {"items": new} | compared(first, grown, GOAL_GROWN)
        print(json.dumps(said, indent=2))


if __name__ == "__main__":
    main()
