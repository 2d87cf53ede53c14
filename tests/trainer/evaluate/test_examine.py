"""One model examined as a whole."""

from dataclasses import replace

import pytest

from projections.redaction.table import Table
from trainer.evaluate.examine import QUICK, Subject, examine
from trainer.network import Network
from trainer.slices import foundation_of
from vault.aliases import Aliases


@pytest.fixture(scope="module")
def subject(tiny, taught, coded):
    return Subject(
        network=Network(tiny, foundation_of(tiny)),
        weights=taught.save(),
        learned=tuple(coded[:12]),
        held=tuple(replace(row, split="held") for row in coded[12:]),
        table=Table.from_entries(Aliases(bytes(32)), []),
    )


@pytest.fixture(scope="module")
def examined(subject):
    told = []
    small = replace(QUICK, canaries=4, references=16)
    found = examine(subject, small, seed=3, progress=lambda *at: told.append(at))
    return found, told, small


def test_a_model_that_knows_its_rows_by_heart_is_seen_through(examined):
    found = {one.name: one for one in examined[0].measures}
    assert found["learned_bits_per_byte"].value < 0.5 * found["held_bits_per_byte"].value
    assert found["canary_exposure"].low > found["canary_exposure"].floor
    assert found["style_auc"].value is None  # twelve texts are too few
    assert len(examined[0].samples) == 12


def test_the_same_seed_gives_the_same_report(subject, examined, tiny):
    found, _, small = examined
    before = Network(tiny, foundation_of(tiny))
    assert examine(replace(subject, network=before), small, seed=3) == found


def test_progress_only_rises_and_comes_to_its_end(examined):
    _, told, _ = examined
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == told[-1][1]


def test_nothing_held_out_is_no_error(subject, tiny):
    bare = replace(subject, network=Network(tiny, foundation_of(tiny)), held=())
    found = {one.name: one.value for one in examine(bare, QUICK).measures}
    assert found["held_bits_per_byte"] is None
    assert found["copied"] is None
    assert found["learned_bits_per_byte"] is not None
