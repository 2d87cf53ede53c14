"""The child: one step is one step, in however many batches it comes."""

from dataclasses import replace

import pytest
import torch

from projections.rows import Message
from tests.trainer import families
from trainer.base import inspect
from trainer.environment import Environment, observe
from trainer.finetune import train
from trainer.network import learned
from trainer.recipe import preset
from trainer.slices import foundation_of, plan
from trainer.states import Memory
from trainer.wire import Begin, Example, Learn, Measure, Slice
from trainer.worker import Learner, _is_memory


@pytest.fixture
def learner(toy, here):
    """A fresh learner in a slice of ten steps; torch is left as it was."""
    begin = Begin(
        recipe=toy.canonical(),
        environment=here.canonical(),
        digest=foundation_of(toy).digest,
        path="",
    )
    made = Learner(begin)
    made.answer(Slice(number=0, steps=10))
    made.network.model.eval()  # no dropout: what is compared is the arithmetic
    yield made
    torch.use_deterministic_algorithms(False)


def said(words):
    return Example(
        messages=(Message(role="user", content="soup?"), Message(role="assistant", content=words))
    )


WORDS = ["so", "so cold", "so cold on the boat late & i had soup w/ bread", "slip"]


def gradients(learner, batches):
    rows = [learner._read.all(batch) for batch in batches]
    tokens = sum(learned(row) for batch in rows for row in batch)
    learner.network.model.zero_grad(set_to_none=True)
    for batch in rows:
        learner._backward(batch, (), tokens)
    return [weight.grad.clone() for weight in learner.network.trained.values()]


def test_accumulated_batches_have_the_mean_of_all_their_tokens(learner):
    """Batches of unlike length: a mean of means would weigh the short one's tokens more."""
    rows = [said(words) for words in WORDS]
    whole = gradients(learner, [rows])
    parts = gradients(learner, [rows[:1], rows[1:3], rows[3:]])
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one, other, rtol=0.05, atol=2e-3)


def test_a_step_says_what_it_read_and_learned(learner):
    rows = tuple(said(words) for words in WORDS)
    answer = learner.answer(Learn(batches=(rows[:2], rows[2:])))
    assert 0 < answer.tokens < answer.read
    assert answer.rate > 0
    assert answer.memory > 2**20


def test_rows_that_were_read_once_are_not_read_again(learner, monkeypatch):
    rows = tuple(said(words) for words in WORDS)
    first = learner._read.all(rows)
    monkeypatch.setattr(learner._read, "_tokens", None)
    assert learner._read.all(rows) == first


def test_measuring_moves_no_random_number(learner):
    before = torch.get_rng_state()
    learner.answer(Measure(batch=(said("so cold"),)))
    assert torch.equal(before, torch.get_rng_state())
    assert learner.network.model.training


def test_memory_that_ran_out_is_known_by_its_words_too():
    assert _is_memory(MemoryError())
    assert _is_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"))
    assert _is_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not _is_memory(RuntimeError("shapes"))


def test_where_a_run_happens_is_in_its_environment_but_where_it_always_did(here):
    assert "device" not in here.canonical()
    assert Environment.from_canonical(here.canonical()) == here
    elsewhere = replace(here, device="a GPU, CUDA 13.0, cuDNN 9")
    assert Environment.from_canonical(elsewhere.canonical()) == elsewhere


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_a_stopped_run_goes_on_to_the_same_bits(rows, everything, tmp_path):
    folder = families.make("llama", tmp_path / "base")
    recipe = preset("small", trunk=16, slice_rows=16, batch=4, dropout=0.1)
    planned = plan(rows, recipe, observe(recipe), inspect(folder))
    whole, store, asked = train(planned, Memory(), everything), Memory(), iter([False, True])
    with pytest.raises(KeyboardInterrupt):
        train(planned, store, everything, stopping=lambda: next(asked))
    assert planned.environment.device != "cpu"
    assert train(planned, store, everything).weights == whole.weights
