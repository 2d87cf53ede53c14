"""Whoever adds a named write or sync point has it covered: something is killed there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("vault", "pod_sync", "projections", "trainer", "console")
NAMED = re.compile(r"points\.reached\(f?\"([^\"]+)\"\)")


def named():
    """Every point in the code, as a pattern: what is written between braces may be anything."""
    found = {
        name
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        for name in NAMED.findall(path.read_text())
    }
    return {name: re.compile(re.sub(r"\\{.*?\\}", "[a-z]+", re.escape(name))) for name in found}
