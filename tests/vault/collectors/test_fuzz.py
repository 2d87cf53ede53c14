"""Damaged samples of every source: whatever is in them, what was read and what was not add up."""

from random import Random

import pytest

from tests.vault.collectors import fuzz
from tests.vault.collectors.samples import OWNER, SAMPLES
from vault.collectors import collect
from vault.collectors.api import Found
from vault.collectors.conformance import files_of, read_everything, wrong_in
from vault.collectors.detect import parts
from vault.collectors.mutations import mutated
from vault.collectors.readers.archives import planted
from vault.collectors.registry import load
from vault.items import Bad, Item

DAMAGED = 10_000
IN_THE_CHILD = 300

SOURCES = {source.name: source for source in load()[0] if source.name in SAMPLES}


@pytest.fixture
def sample(tmp_path):
    def write(name):
        folder = tmp_path / "sample"
        folder.mkdir()
        SAMPLES[name](folder)
        return folder

    return write


def damaged(files, number):
    return planted("sample", mutated(files, Random(number)))


@pytest.mark.parametrize("name", SOURCES)
def test_damaged_samples_are_read_or_told_whoever_reads_them(sample, name):
    """Without the child, for many of them: what would have been its death is a failure here."""
    source, files = SOURCES[name], files_of(sample(name))
    everybody = list(SOURCES.values())
    for number in range(DAMAGED // len(SOURCES)):
        tree = damaged(files, number)
        if number % 4:
            wrong = wrong_in(list(read_everything(source, tree, OWNER)), source, tree)
            assert not wrong, number
            continue
        records = []
        for part in parts(tree, everybody):
            if isinstance(part, Bad):
                records.append(part)
            else:
                records += map(tree.placed, part.source.read(part.tree, None, OWNER))
        told = {one.locator for one in records if isinstance(one, Item | Bad)}
        assert told, number
        unopened = {tree.located(one.path) for one in tree.files if one.path not in tree.opened}
        assert unopened <= told, number


def test_the_parent_survives_what_a_child_does_not(tmp_path):
    original = tmp_path / "original"
    folder = tmp_path / "mixed"
    for number in range(IN_THE_CHILD):
        name = sorted(SOURCES)[number % len(SOURCES)]
        if not (original / name).exists():
            (original / name).mkdir(parents=True)
            SAMPLES[name](original / name)
        for path, data in mutated(files_of(original / name), Random(number)).items():
            file = folder / str(number) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    outcomes = list(collect(folder, OWNER))
    found = {one.source for one in outcomes if isinstance(one, Found)}
    assert found >= SOURCES.keys() - {"text"}
    records = [one for one in outcomes if isinstance(one, Item | Bad)]
    assert all(record.locator.startswith("mixed/") for record in records)
    assert {record.locator.split("/")[1] for record in records} == {
        str(number) for number in range(IN_THE_CHILD)
    }


def test_the_long_run_goes_on_behind_a_death_and_after_a_kill(sample, monkeypatch):
    monkeypatch.setattr(fuzz, "_ROUND", 300)
    assert fuzz.run("markdown", sample("markdown"), 0, 300) == []


@pytest.mark.parametrize("name", SOURCES)
def test_the_samples_themselves_are_read(sample, name):
    source, files = SOURCES[name], files_of(sample(name))
    records = list(read_everything(source, planted("sample", files), OWNER))
    assert any(isinstance(one, Item) for one in records)
    unread = [one.reason for one in records if isinstance(one, Bad)]
    assert all(reason.startswith("no source reads") for reason in unread)
