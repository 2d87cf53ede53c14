from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trainer.families import make
from tests.trainer.nearby import Nearby
from trainer import base, estimate
from trainer.batches import batches
from trainer.errors import NothingPermitted
from trainer.estimate import Shape
from trainer.network import Network
from trainer.recipe import preset
from trainer.slices import foundation_of, plan
from trainer.tokenizer import Fixed

SIZES = st.integers(1, 10**6)


@pytest.fixture(scope="module")
def planned(rows, toy, here):
    return plan(rows, toy, here)


@pytest.fixture(scope="module")
def there(planned, toy):
    return estimate.lengths((*planned.rows, *planned.held), Fixed(toy))


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return base.inspect(make("llama", tmp_path_factory.mktemp("base")))


def test_tokens_are_those_of_every_batch_of_every_epoch(planned, there, toy):
    tokens = Fixed(toy)
    read = learned = 0
    for index, slice_ in enumerate(planned.slices):
        for batch in batches(slice_.rows, planned.before(index), toy, index):
            for row in batch:
                prompt, reply = tokens.example(row.messages)
                read, learned = read + len(prompt) + len(reply), learned + len(reply)
    found = estimate.counted(planned, there, ())
    assert (found.read, found.learned) == (read, learned)
    assert found.padded >= found.read
    assert found.kept == 0


def test_slices_that_are_kept_are_not_counted(planned, there):
    first, last = (planned.slices[at].state for at in (0, -1))
    whole, rest = (estimate.counted(planned, there, kept) for kept in ((), (first, "another")))
    assert rest.kept == 1
    assert 0 < len(rest.work) < len(whole.work)
    done = estimate.counted(planned, there, (first, last))
    assert (done.kept, done.work, done.widest) == (len(planned.slices), (), Shape(0, 0, 0))


def test_memory_counts_the_weights_that_there_are(llama, toy):
    small = preset("small", rank=3, targets="q_proj,down_proj")
    told = estimate.memory(small, Shape(1, 8, 4), base.check(llama, small))
    assert told.base == 4 * base.describe(llama).parameters
    assert told.adapters == 4 * Network(small, llama).parameters
    scratch = estimate.memory(toy, Shape(1, 8, 4), None)
    assert scratch.adapters == 4 * Network(toy, foundation_of(toy)).parameters
    assert scratch.base == 0


def test_memory_follows_what_a_recipe_saves(llama):
    small, wide = preset("small", bf16=False), Shape(8, 512, 256)
    described = base.check(llama, small)
    plain = estimate.memory(small, wide, described)
    assert estimate.memory(replace(small, bf16_base=True), wide, described).base * 2 == plain.base
    assert estimate.memory(replace(small, four_bit=True), wide, described).base < plain.base / 7
    saving = estimate.memory(replace(small, gradient_checkpointing=True), wide, described)
    assert saving.activations < plain.activations
    assert estimate.memory(small, Shape(4, 512, 256), described).activations < plain.activations
    assert plain.total > plain.base + plain.activations


@given(st.floats(0.001, 10), st.floats(1e-7, 1e-2), st.sets(SIZES, min_size=2, max_size=9))
def test_steps_on_a_line_give_that_line(each, token, sizes):
    found = estimate._line([(size, each + token * size) for size in sizes])
    for size in sizes:
        assert found[0] + found[1] * size == pytest.approx(each + token * size, rel=1e-3)


@given(st.lists(st.tuples(SIZES, st.floats(1e-4, 1e3)), min_size=1, max_size=9))
def test_no_step_is_ever_thought_to_take_less_than_nothing(taken):
    each, token = estimate._line(taken)
    assert each >= 0
    assert token >= 0


def test_a_few_real_steps_are_taken_with_consent(planned, there, everything, monkeypatch):
    monkeypatch.setattr(estimate, "Child", Nearby)
    left = estimate.counted(planned, there, ())
    asked = []
    found = estimate.measure(
        planned, left.work, lambda rows: asked.append(rows) or everything(rows)
    )
    assert len(asked) == 2 * (found.steps + 1)
    assert found.seconds(left) > found.begin > 0
    assert found.peak > 50_000_000
    with pytest.raises(NothingPermitted):
        estimate.measure(planned, left.work, lambda _: set())
