"""How long `twin --help` takes against `python -c "import click"`, and what the core weighs.

Both are started alternately, so that the machine's mood is the same for both; the ratio of
the medians counts.
"""

import json
import statistics
import subprocess
import sys
import time

_ROUNDS = 25
_HELP = [sys.executable, "-c", "from console.cli import main; main(['--help'])"]
_CLICK = [sys.executable, "-c", "import click"]


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print one JSON object."""
    rounds = [(_seconds(_HELP), _seconds(_CLICK)) for _ in range(_ROUNDS)]
    help_, click_ = (statistics.median(times) for times in zip(*rounds, strict=True))
    json.dump(
        {
            "benchmark": "startup",
            "help_ms": round(help_ * 1000, 1),
            "import_click_ms": round(click_ * 1000, 1),
            "ratio": round(help_ / click_, 2),
            "goal": 2.0,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
