"""Redaction measured: what leaks, what it costs, whom it names, how fast it is.

    python -m benchmarks.redaction [--sets FOLDER] [--environment FOLDER] [--only PART …]

Our own sets lie beside this file. Those of others (`--sets`) are files of JSON Lines whose
names hold `clinical`, `adversarial`, `format`, `temporal`, `synth`, `vaultchat` (with a
roster beside it), `wnut`, `btc`; what is not there is skipped and said. Presidio runs in an
environment of its own, made where `--environment` says. The JSON on standard output holds
every figure, asked and reached; the table and the progress go to standard error.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.redaction.figures import Figure, as_json, table
from benchmarks.redaction.parts import Bench

_HERE = Path(__file__).parent
_ENVIRONMENT = _HERE.parent / "out" / "presidio"


def _parts(bench: Bench) -> dict[str, Callable[[], Sequence[Figure]]]:
    return {
        "languages": bench.languages,
        "labels": bench.labels,
        "canaries": bench.canaries,
        "chat": bench.chat,
        "short": bench.short,
        "leaks": bench.leaks,
        "speed": bench.speed,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sets", type=Path, help="folder with the sets of others")
    parser.add_argument("--environment", type=Path, default=_ENVIRONMENT)
    parser.add_argument("--only", nargs="+", default=())
    asked = parser.parse_args(arguments)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(asked.sets, asked.environment, Path(folder))
        for name, measure in _parts(bench).items():
            if asked.only and name not in asked.only:
                continue
            started = time.monotonic()
            print(f"  {name} …", file=sys.stderr, flush=True)
            figures += measure()
            print(f"  {name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print(table(figures), file=sys.stderr, flush=True)
    print(json.dumps({"figures": as_json(figures), "details": bench.details}))


if __name__ == "__main__":
    main()
