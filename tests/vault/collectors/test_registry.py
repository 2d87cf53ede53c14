import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from vault.collectors import registry
from vault.consent import check_type
from vault.errors import UsageError


def test_what_is_built_in_is_what_the_package_declares():
    root = Path(registry.__file__).parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    declared = project["entry-points"][registry.GROUP]
    assert {point.name: point.value for point in registry.BUILT_IN} == declared


def test_built_in_sources_come_first_and_in_a_fixed_order():
    assert registry.names()[:4] == ("mbox", "whatsapp", "markdown", "text")


def test_every_source_loads_and_names_real_data_types():
    sources, broken = registry.load()
    assert not broken
    for source in sources:
        assert {check_type(name) for name in source.types} == source.types


def test_an_unknown_name_is_told_with_those_there_are():
    with pytest.raises(UsageError, match="mbox"):
        registry.load("nonsense")


def test_asking_for_names_loads_no_parser():
    code = (
        "import sys; from vault.collectors import names; names(); "
        "print([m for m in sys.modules if m.startswith(('vault.collectors.sources.', 'selectolax', 'fast_mail'))])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
