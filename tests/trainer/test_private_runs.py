"""Private runs from end to end: made again bit by bit, and the secret told to nobody."""

import json
import math
from dataclasses import dataclass, field, replace

import msgspec
import pytest

from trainer import child, states
from trainer.batches import course
from trainer.engine import load
from trainer.finetune import Trained, train
from trainer.manifest import build
from trainer.private import Secret
from trainer.recipe import preset
from trainer.slices import plan
from trainer.states import Memory
from vault.errors import UsageError

SECRET = Secret(bytes(range(32)))


@dataclass
class Run:
    """A run, what it kept, and everything that was said or passed while it went."""

    trained: Trained | None = None
    store: Memory = field(default_factory=Memory)
    told: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def private(toy):
    return replace(toy, noise=0.8, accumulate=2, patience=1)


@pytest.fixture(scope="module")
def run(rows, private, here):
    made, popen = Run(), child.subprocess.Popen

    def watched(*args, **given):
        made.told.append(repr(args) + repr(given))
        return popen(*args, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child.subprocess, "Popen", watched)
        made.trained = train(
            plan(rows, private, here, secret=SECRET),
            made.store,
            lambda asked: {row.id for row in asked},
            lambda at: made.told.append(repr(at)),
        )
    return made


@pytest.mark.usefixtures("nearby")
def test_the_same_secret_gives_the_same_bits_and_another_one_another_name(
    run, rows, private, here, everything
):
    again = train(plan(rows, private, here, secret=SECRET), Memory(), everything)
    other = plan(rows, private, here, secret=Secret(bytes(32)))
    assert again.weights == run.trained.weights
    assert {one.state for one in other.slices}.isdisjoint(
        one.state for one in run.trained.plan.slices
    )


@pytest.mark.usefixtures("nearby")
def test_a_run_without_a_row_is_the_run_of_one_who_never_had_it(
    run, rows, private, here, everything
):
    planned = run.trained.plan
    gone = planned.slices[1].rows[0].id
    less = planned.without({gone})
    clean = plan([row for row in rows if row.id != gone], private, here, secret=SECRET)
    assert less == clean
    assert planned.slices[0] == less.slices[0]
    store, name = Memory(), states.name_of(less.slices[0].state)
    store.write(name, run.store.read(name))
    found = train(less, store, everything)
    assert found.replayed == len(less.slices) - 1
    assert found.weights == train(clean, Memory(), everything).weights


def test_a_slice_that_lost_a_row_draws_everything_anew(run):
    planned = run.trained.plan
    less = planned.without({planned.slices[1].rows[0].id})
    assert planned.keys(0) == less.keys(0)
    assert set(planned.keys(1)).isdisjoint(less.keys(1))


def test_a_private_slice_watches_nobody_and_ends_when_it_was_planned_to(run, private):
    planned = run.trained.plan
    taken = course(planned.slices[0].rows, [], private, 0, planned.keys(0)[0])
    assert taken.watched == ()
    assert len(taken.epochs) == 1


def test_the_manifest_says_epsilon_and_delta_and_not_the_loss(run):
    told = dict(build(run.trained, model="m", position=1, checkpoint="c").metrics)
    assert told.keys() == {"epsilon", "delta", "held_bits_per_byte"}
    assert 0 < told["epsilon"] < math.inf


def test_a_voice_of_a_private_run_holds_no_list_of_words(run, private, rows):
    body = run.store.read(states.name_of(run.trained.state))
    assert b"lexicon" not in body
    assert isinstance(load(body, private).answer(rows[0].messages[:-1]), str)


def test_the_secret_is_in_nothing_that_is_kept_shown_or_passed(run):
    manifest = build(run.trained, model="m", position=1, checkpoint="c")
    told = [*run.told, repr(run.trained), msgspec.json.encode(manifest).decode()]
    told += run.store.names()
    keys = [SECRET.key, *(key for at in range(2) for key in run.trained.plan.keys(at))]
    assert any("trainer.worker" in text for text in told)
    for key in (*keys, bytes.fromhex(SECRET.commitment)):
        assert not any(key.hex() in text or repr(key)[2:-1] in text for text in told)
        assert not any(key in run.store.read(name) for name in run.store.names())


def test_a_recipe_with_noise_and_no_secret_is_refused(rows, private, here):
    with pytest.raises(UsageError, match="secret"):
        plan(rows, private, here)


def test_a_secret_changes_nothing_where_there_is_no_noise(rows, toy, here):
    assert plan(rows, toy, here, secret=SECRET) == plan(rows, toy, here)


def test_a_recipe_says_its_noise_where_it_has_some(toy):
    assert "noise" not in json.loads(toy.canonical())
    assert json.loads(preset("scratch", noise=1.0).canonical())["noise"] == 1.0
