"""The promise: forgetting gives the bits of a model that never saw."""

import random
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from tests.trainer.families import make
from tests.trainer.nearby import Nearby
from trainer import finetune, forget, states
from trainer.base import inspect
from trainer.environment import observe
from trainer.errors import TrainingError
from trainer.finetune import train
from trainer.manifest import build
from trainer.slices import plan
from trainer.states import Memory, name_of


@pytest.fixture(scope="module")
def first(rows, toy, here):
    """A model, its manifest and the store with its states."""
    store = Memory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune, "Child", Nearby)
        trained = train(plan(rows, toy, here), store, lambda asked: {row.id for row in asked})
    torch.use_deterministic_algorithms(False)
    return trained, build(trained, model="m1", position=1, checkpoint=""), store


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny Llama."""
    folder = tmp_path_factory.mktemp("base")
    make("llama", folder)
    return inspect(folder)


def copy_of(store):
    twin = Memory()
    for name in store.names():
        twin.write(name, store.read(name))
    return twin


def withdrawals(rows, seed):
    """Yield what is left of rows, time after time: some rows go, or a whole consent class."""
    dice, left = random.Random(seed), list(rows)
    for _ in range(dice.randint(1, 3)):
        group = dice.choice(left).group
        among = [row for row in left if row.group == group]
        gone = among if dice.random() < 0.2 else dice.sample(left, dice.randint(1, 3))
        if sum(row.split == "train" and row not in gone for row in left) < 2:
            return
        left = [row for row in left if row not in gone]
        yield left


def rebuilt_like_clean(rows, recipe, foundation, everything, seed):
    """Go through a sequence of withdrawals; every rebuild is the run that never saw the rows."""
    here, store = observe(recipe), Memory()
    trained = train(plan(rows, recipe, here, foundation), store, everything)
    manifest = build(trained, model="m", position=1, checkpoint="")
    for left in withdrawals(rows, seed):
        planned = plan(left, recipe, here, foundation)
        rebuilt = forget.rebuild(manifest, planned, store, everything)
        manifest = build(rebuilt.trained, model="m", position=2, checkpoint="")
        assert forget.verdict(manifest, forget.clean_run(planned, everything)) is True
        assert states.traces(store) == {slice_.state for slice_ in planned.slices}


@pytest.mark.usefixtures("nearby")
@pytest.mark.parametrize("seed", range(3))
def test_after_any_withdrawals_a_rebuild_equals_a_clean_run(seed, rows, toy, everything):
    rebuilt_like_clean(rows, toy, None, everything, seed)


@pytest.mark.slow
@pytest.mark.usefixtures("nearby")
@pytest.mark.parametrize("seed", range(50))
def test_fifty_sequences_of_withdrawals_leave_no_bit(seed, rows, toy, base, everything):
    """Three of five on a network of its own, the others on adapters."""
    adapted = replace(toy, kind="lora", matrix_rate=0.0, learning_rate=1e-3, rank=4, rehearsal=0)
    lora = seed % 5 > 2
    rebuilt_like_clean(rows, adapted if lora else toy, base if lora else None, everything, seed)


def test_a_withdrawal_from_the_last_slice_replays_that_slice_only_and_exactly(first, everything):
    trained, manifest, store = first
    planned = trained.plan.without({trained.plan.slices[-1].rows[0].id})
    rebuilt = forget.rebuild(manifest, planned, copy_of(store), everything)
    assert rebuilt.trained.replayed == 1
    assert rebuilt.deleted == 1
    after = build(rebuilt.trained, model="m2", position=2, checkpoint="")
    assert forget.verdict(after, forget.clean_run(planned, everything)) is True


@pytest.mark.usefixtures("nearby")
def test_a_perturbed_row_is_found_by_the_proof(first, rows, everything, make_row):
    trained, manifest, _ = first
    perturbed = [make_row(0, group="g0", words="never said this"), *rows[1:]]
    planned = plan(perturbed, trained.plan.recipe, trained.plan.environment)
    assert forget.verdict(manifest, forget.clean_run(planned, everything)) is False


@pytest.mark.usefixtures("nearby")
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


@pytest.mark.usefixtures("nearby")
def test_a_proof_in_another_environment_says_neither_yes_nor_no(first, everything):
    trained, manifest, _ = first
    elsewhere = replace(trained.plan.environment, instructions="another")
    foreign = replace(manifest, environment=elsewhere.canonical())
    assert forget.verdict(foreign, forget.clean_run(trained.plan, everything)) is None


@pytest.mark.usefixtures("nearby")
def test_a_damaged_state_is_no_start(first, everything):
    trained, _, store = first
    damaged = copy_of(store)
    for name in damaged.names():
        damaged.write(name, b"\0" * 40)
    with pytest.raises(TrainingError, match="damaged"):
        train(trained.plan, damaged, everything)
