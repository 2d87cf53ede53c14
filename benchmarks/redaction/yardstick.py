"""Presidio as the yardstick, in an environment of its own that is made when it is missing."""

import json
import os
import subprocess
import sys
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.redaction.metrics import Span

__all__ = ["Masked", "Yardstick"]

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_PACKAGE = "presidio-analyzer"
_OURS_NEEDS = "msgspec"


class Masked(NamedTuple):
    """What was masked in each text of a set, and the CPU seconds it took."""

    spans: list[list[Span]]
    cpu: float


class Yardstick:
    """An environment with Presidio in it."""

    def __init__(self, folder: Path) -> None:
        self._python = folder / "bin" / "python"
        if not self._python.exists():
            print(f"  making an environment with {_PACKAGE} …", file=sys.stderr, flush=True)
            venv.create(folder, with_pip=True)
            quiet = ("--quiet", "--disable-pip-version-check")
            self._run("-m", "pip", "install", *quiet, _PACKAGE, _OURS_NEEDS)

    @property
    def version(self) -> str:
        """The version of Presidio."""
        code = f"from importlib.metadata import version; print(version('{_PACKAGE}'))"
        return self._run("-c", code).strip()

    def mask(
        self, sets: Mapping[str, Sequence[str]], *, engine: str = "no_op", names: bool = False
    ) -> dict[str, Masked]:
        """Mask every text of every set."""
        worker = str(_HERE / "presidio_worker.py")
        said = self._run(worker, engine, str(int(names)), given=json.dumps(sets))
        return {
            name: Masked([[Span(*span) for span in one] for one in result["spans"]], result["cpu"])
            for name, result in json.loads(said).items()
        }

    def _run(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [str(self._python), *arguments],
            check=True,
            input=given,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(_ROOT), "OMP_NUM_THREADS": "1"},
        )
        return done.stdout
