import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from vault.collectors import registry
from vault.collectors.api import Evidence
from vault.consent import check_type
from vault.errors import UsageError


def test_what_is_built_in_is_what_the_package_declares():
    root = Path(registry.__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"][registry.GROUP]
    assert {point.name: point.value for point in registry.BUILT_IN} == declared


def test_built_in_sources_come_first_and_in_a_fixed_order():
    built_in = tuple(point.name for point in registry.BUILT_IN)
    assert registry.names()[: len(built_in)] == built_in
    assert (built_in[0], built_in[-1]) == ("mbox", "portable")


def test_every_source_loads_and_names_real_data_types():
    sources, broken = registry.load()
    assert not broken
    for source in sources:
        assert {check_type(name) for name in source.types} == source.types


def test_every_source_says_what_it_reads_on_which_evidence_and_how_to_ask_for_it():
    for source in registry.load()[0]:
        about = source.about
        assert about.title
        assert about.paths
        assert about.how.endswith(".")
        assert about.formats
        assert all(name and isinstance(evidence, Evidence) for name, evidence in about.formats)


def test_an_unknown_name_is_told_with_those_there_are():
    with pytest.raises(UsageError, match="mbox"):
        registry.load("nonsense")


@pytest.mark.parametrize("name", ["", "acme/notes/1", "two words", "a\x1fb", "Notes", "x" * 101])
def test_a_name_that_would_be_taken_for_something_else_is_refused(monkeypatch, name):
    stranger = SimpleNamespace(
        name=name, load=lambda: SimpleNamespace(name=name, version=1, types={"a"})
    )
    monkeypatch.setattr(registry, "_others", lambda _: {name: stranger})
    assert len(registry.load()[1]) == 1


def test_asking_for_names_loads_no_parser():
    code = (
        "import sys; from vault.collectors import names; names(); "
        "print([m for m in sys.modules if m.startswith(('vault.collectors.sources.', 'selectolax', 'fast_mail'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_specification_names_every_built_in_source():
    text = (Path(registry.__file__).parents[2] / "specs" / "collectors.md").read_text("utf-8")
    table = text.partition("## The built-in sources")[2]
    named = {line.split("`")[1] for line in table.splitlines() if line.startswith("| `")}
    assert named == {point.name for point in registry.BUILT_IN}
