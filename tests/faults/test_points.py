"""Whoever adds a named write or sync point has it covered: something is killed there."""

import re
from pathlib import Path

from tests.faults.commands import COMMANDS
from tests.faults.driver import in_memory
from tests.faults.rehearsal import rehearse
from tests.faults.scenarios import SCENARIOS

ROOT = Path(__file__).parents[2]
ROOMS = ("vault", "pod_sync", "projections", "trainer", "console")
NAMED = re.compile(r"points\.reached\(f?\"([^\"]+)\"\)")
IN_BRACES = re.compile(r"\\{.*?\\}")


def code():
    return [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")]


def test_every_named_point_is_one_at_which_a_scenario_is_killed():
    met = set()
    for scenario in (SCENARIOS | COMMANDS).values():
        with in_memory() as folder:
            met.update(rehearse(scenario, folder).points)
    names = {name for text in code() for name in NAMED.findall(text)}
    assert len(names) > 40
    # What stands between braces may be anything.
    forms = {name: IN_BRACES.sub("[a-z]+", re.escape(name)) for name in names}
    missed = [name for name, form in forms.items() if not any(re.fullmatch(form, m) for m in met)]
    assert missed == []


def test_every_point_has_its_name_where_it_is_reached():
    for text in code():
        assert text.count("points.reached(") == len(NAMED.findall(text))
