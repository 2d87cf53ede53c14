"""Runs every benchmark, one after the other, and keeps what each printed.

Usage: python benchmarks/run.py [NAME…]     (make bench)
Results: benchmarks/out/NAME.json, with date, machine and versions added.
"""

import json
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

_HERE = Path(__file__).parent
_OWN = {"__init__", "run", "seed", "training_trl"}
_VERSIONS = (
    "torch",
    "transformers",
    "cryptography",
    "eventsourcing",
    "msgspec",
    "fast-mail-parser",
)


def _modules() -> dict[str, list[str]]:
    """Return how each benchmark is run: a file as it is, a folder as a module."""
    files = {path.stem: [str(path)] for path in _HERE.glob("*.py") if path.stem not in _OWN}
    folders = (path.parent.name for path in _HERE.glob("*/__main__.py"))
    return files | {name: ["-m", f"benchmarks.{name}"] for name in folders}


def main(names: list[str]) -> None:
    """Run the named benchmarks, or all of them."""
    out = _HERE / "out"
    out.mkdir(exist_ok=True)
    chosen = names or sorted(_modules())
    for name in chosen:
        print(f"{name} …", flush=True)
        done = subprocess.run(
            [sys.executable, *_modules()[name]],
            cwd=_HERE.parent,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        result = json.loads(done.stdout) | {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.machine()}, {platform.python_implementation()} "
            f"{platform.python_version()}, {platform.system()}",
            "versions": {package: metadata.version(package) for package in _VERSIONS},
        }
        (out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
