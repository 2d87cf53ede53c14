"""Whether secrets that were learned stand out, and those that were not do not."""

import math

import pytest

from tests.trainer.evaluate.conftest import code, example
from trainer.evaluate import exposure
from trainer.evaluate.exposure import canaries


@pytest.fixture(scope="module")
def planted(coded):
    return canaries(coded[:12], coded[:12], references=64)


@pytest.fixture(scope="module")
def unseen(coded):
    return canaries(coded[12:], coded[:12], references=64)


def test_a_planted_secret_stands_out_and_one_never_seen_does_not(taught, planted, unseen):
    found = exposure.measure(
        exposure.exposure(taught, planted), exposure.exposure(taught, unseen), (), planted
    )
    assert found.value > 5.5  # of 6 bits
    assert found.floor < 3 < found.low
    assert set(found.worst) <= {canary.row for canary in planted}


def test_before_learning_a_secret_is_as_exposed_as_any(untaught, planted):
    # The mean of -log2 of a uniform share is log2(e), whatever the candidates are.
    found = exposure.exposure(untaught, planted)
    assert sum(found) / len(found) == pytest.approx(math.log2(math.e), abs=1.2)


def test_what_is_taught_by_heart_would_be_seen_and_the_network_stays_as_it_was(taught, unseen):
    before, digest = exposure.exposure(taught, unseen), taught.digest()
    assert min(exposure.taught(taught, unseen)) > 5.5
    assert taught.digest() == digest
    assert exposure.exposure(taught, unseen) == before


def test_a_code_is_asked_about_among_other_codes(planted):
    assert len(planted) == 12
    for canary in planted:
        assert canary.replies[0] == code(int(canary.row.removeprefix("pair-")))
        assert len(set(canary.replies)) == 64
        assert {len(reply) for reply in canary.replies} == {len(canary.replies[0])}


def test_a_word_is_a_secret_only_if_another_row_holds_it_too():
    said = ["bring marguerite in", "no", "marguerite came", "honest", "patient", "sober"]
    rows = [example(number, words) for number, words in enumerate(said)]
    assert {one.row for one in canaries(rows, rows, references=4)} == {"pair-0", "pair-2"}
    new = [example(7, "Marguerite left", split="held"), example(8, "Ottoline left", split="held")]
    (canary,) = canaries(new, rows, references=4)
    assert canary.replies[0] == "Marguerite left"
    assert {reply.split()[0] for reply in canary.replies[1:]} <= {
        "Came",
        "Honest",
        "Patient",
        "Sober",
        "Bring",
    }


def test_canaries_follow_from_the_seed(coded):
    one, again, other = (canaries(coded, coded[:12], references=8, seed=seed) for seed in (1, 1, 2))
    assert one == again != other


def test_no_secret_is_no_number():
    assert canaries([example(0, "no")], [example(0, "no")]) == ()
    assert exposure.measure((), (), (), ()).value is None
