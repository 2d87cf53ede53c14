"""Runs modules of this folder in processes of their own, one for every core, and adds up."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["Report", "driven", "in_memory"]

_ROOT = Path(__file__).parents[2]
_MEMORY = Path("/dev/shm")
_CORES = os.cpu_count() or 1


@dataclass
class Report:
    """What all the processes together found."""

    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder where syncing costs nothing, as far as this machine has one."""
    memory = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with TemporaryDirectory(dir=memory) as folder:
        yield Path(folder)


def driven(module: str, *arguments: str) -> Report:
    """Run a module with arguments, a share of the work in each of as many processes as cores."""
    report = Report()
    with in_memory() as folder:
        children = [_child(module, arguments, share, folder) for share in range(_CORES)]
        outputs = [child.communicate() for child in children]
    for child, (out, err) in zip(children, outputs, strict=True):
        assert child.returncode == 0, (child.returncode, err[-3000:])
        for name, value in json.loads(out).items():
            if name == "problems":
                report.problems += value
            else:
                report.counts[name] = report.counts.get(name, 0) + value
    return report


def _child(
    module: str, arguments: tuple[str, ...], share: int, folder: Path
) -> subprocess.Popen[str]:
    place = folder / str(share)
    place.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.faults.{module}", *arguments]  # noqa: RUF005
        + [str(share), str(_CORES), str(place)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    )
