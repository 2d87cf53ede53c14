"""The promise: forgetting gives the bits of a model that never saw."""

import random
from dataclasses import replace

import pytest
from safetensors.torch import load, save

from trainer import forget, states
from trainer.errors import TrainingError
from trainer.finetune import train
from trainer.manifest import build
from trainer.slices import plan
from trainer.states import Memory, name_of


@pytest.fixture(scope="module")
def first(rows, toy, here):
    """A model, its manifest and the store with its states."""
    store = Memory()
    trained = train(plan(rows, toy, here), store, lambda asked: {row.id for row in asked})
    return trained, build(trained, model="m1", position=1, checkpoint=""), store


def copy_of(store):
    twin = Memory()
    for name in store.names():
        twin.write(name, store.read(name))
    return twin


def test_after_any_withdrawals_a_rebuild_equals_a_clean_run(first, rows, everything):
    whole, manifest, store = first
    toy, here = whole.plan.recipe, whole.plan.environment
    dice, store, left = random.Random(7), copy_of(store), list(rows)
    for taken in (1, 3):
        left = [row for row in left if row not in dice.sample(left, taken)]
        planned = plan(left, toy, here)
        rebuilt = forget.rebuild(manifest, planned, store, everything)
        before, manifest = manifest, build(rebuilt.trained, model="m", position=2, checkpoint="")
        assert forget.verdict(manifest, forget.clean_run(planned, everything)) is True
        assert states.known(store) == {slice_.state for slice_ in planned.slices}
        assert manifest.weights != before.weights


def test_a_withdrawal_from_the_last_slice_replays_that_slice_only_and_exactly(first, everything):
    trained, manifest, store = first
    planned = trained.plan.without({trained.plan.slices[-1].rows[0].id})
    rebuilt = forget.rebuild(manifest, planned, copy_of(store), everything)
    assert rebuilt.trained.replayed == 1
    assert rebuilt.deleted == 1
    after = build(rebuilt.trained, model="m2", position=2, checkpoint="")
    assert forget.verdict(after, forget.clean_run(planned, everything)) is True


def test_a_perturbed_row_is_found_by_the_proof(first, rows, everything, make_row):
    trained, manifest, _ = first
    perturbed = [make_row(0, group="g0", words="never said this"), *rows[1:]]
    planned = plan(perturbed, trained.plan.recipe, trained.plan.environment)
    assert forget.verdict(manifest, forget.clean_run(planned, everything)) is False


def test_a_tampered_state_is_found_by_the_proof(first, everything):
    trained, manifest, store = first
    planned = trained.plan.without({trained.plan.slices[-1].rows[0].id})
    tampered = copy_of(store)
    kept = name_of(planned.slices[0].state)
    for slice_ in planned.slices[1:]:
        tampered.delete(name_of(slice_.state))
    weights = load(tampered.read(kept))
    next(w for w in weights.values() if w.is_floating_point()).view(-1)[0] += 1e-3
    tampered.write(kept, save(weights))
    rebuilt = forget.rebuild(manifest, planned, tampered, everything)
    after = build(rebuilt.trained, model="m2", position=2, checkpoint="")
    assert forget.verdict(after, forget.clean_run(planned, everything)) is False


def test_a_proof_in_another_environment_says_neither_yes_nor_no(first, everything):
    trained, manifest, _ = first
    elsewhere = replace(trained.plan.environment, instructions="another")
    foreign = replace(manifest, environment=elsewhere.canonical())
    assert forget.verdict(foreign, forget.clean_run(trained.plan, everything)) is None


def test_a_damaged_state_is_no_start(first, everything):
    trained, _, store = first
    damaged = copy_of(store)
    for name in damaged.names():
        damaged.write(name, b"\0" * 40)
    with pytest.raises(TrainingError, match="damaged"):
        train(trained.plan, damaged, everything)
