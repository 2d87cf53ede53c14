"""Rows that nobody can tell from the weights: clipping, coins, noise, and what they spend."""

import math
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from opacus.accountants import PRVAccountant, RDPAccountant
from torch import nn

from projections.rows import Message
from tests.trainer.families import FAMILIES, make
from trainer import base, clipping, private
from trainer.clipping import PrivateGradients
from trainer.errors import TrainingError
from trainer.gauss import Gauss, noisy
from trainer.network import Network, learned
from trainer.private import Secret, pace, parts, planned_epsilon
from trainer.recipe import preset
from trainer.slices import foundation_of

KEY = bytes(range(32))
SECRET = Secret(KEY)
# So little noise that it lies far below the rounding of a gradient.
QUIET = 1e-10


@pytest.fixture(scope="module")
def scratch(toy):
    recipe = replace(toy, noise=QUIET, bf16=False, dropout=0.0)
    return lambda: Network(recipe, foundation_of(recipe))


@pytest.fixture(scope="module", params=list(FAMILIES))
def adapted(request, tmp_path_factory):
    folder = make(request.param, tmp_path_factory.mktemp(request.param))
    recipe = preset("small", rank=2, batch=4, noise=QUIET, bf16=False, dropout=0.0, patience=0)
    foundation = base.inspect(folder)
    return lambda **changes: _stirred(Network(replace(recipe, **changes), foundation))


def _stirred(network):
    """An adapter begins at nothing, where half of its gradients are nothing too."""
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in network.trained.values():
            weight.add_(torch.randn_like(weight), alpha=0.02)
    return network


def some(network, count=7):
    """Rows of different lengths; one has nothing to learn."""
    dice = np.random.default_rng(0)
    most = network.model.config.vocab_size - 1
    rows = [
        (dice.integers(5, most, 2 + row).tolist(), dice.integers(5, most, 1 + 2 * row).tolist())
        for row in range(count - 1)
    ]
    return [*rows, ([7, 8], [])]


def one_by_one(network, rows, most):
    """What clipped gradients sum up to, one row at a time."""
    total = {name: torch.zeros_like(weight) for name, weight in network.trained.items()}
    for row in filter(learned, rows):
        network.model.zero_grad()
        network.loss([row])[0].backward()
        norm = math.sqrt(sum(w.grad.square().sum() for w in network.trained.values()))
        for name, weight in network.trained.items():
            total[name] += weight.grad * min(1.0, clipping._ROOM * most / norm)
    return total


def summed(network, batches, **changes):
    """What a private step sums up to."""
    network.recipe = replace(network.recipe, **changes)
    PrivateGradients(network).step(batches, KEY, 0)
    rows = network.recipe.batch * network.recipe.accumulate
    return {name: weight.grad * rows for name, weight in network.trained.items()}


def close(found, wanted):
    for name, told in wanted.items():
        assert torch.allclose(found[name], told, rtol=1e-4, atol=3e-6), name


@pytest.mark.parametrize("clip", [0.05, 1.0, 1e3])
def test_a_step_sums_what_each_row_says_alone_of_a_network_with_tied_embeddings(scratch, clip):
    rows = some(scratch())
    close(
        summed(scratch(), [rows[:4], rows[4:]], clip=clip),
        one_by_one(scratch(), rows, clip),
    )


def test_a_step_sums_what_each_row_says_alone_of_adapters_on_every_family(adapted):
    rows = some(adapted())
    close(summed(adapted(), [rows[:3], rows[3:]], clip=0.5), one_by_one(adapted(), rows, 0.5))


def test_layers_that_are_computed_again_tell_rows_apart_too(adapted):
    rows, network = some(adapted()), adapted(gradient_checkpointing=True)
    network.model.train()
    close(summed(network, [rows], clip=0.5), one_by_one(adapted(), rows, 0.5))


def test_no_row_weighs_more_than_the_clip(scratch):
    rows = some(scratch())
    for row in filter(learned, rows):
        found = summed(scratch(), [[row]], clip=0.3)
        assert math.sqrt(sum(told.square().sum() for told in found.values())) <= 0.3


def test_a_row_whose_gradient_is_no_number_adds_nothing_and_spoils_no_other(scratch):
    network, rows = scratch(), some(scratch())
    bad = ([9, 3, 9], [9, 9])
    network.model.model.embed_tokens.register_forward_hook(
        lambda _, given, out: out.masked_fill((given[0] == 3)[..., None], math.nan)
    )
    close(summed(network, [[*rows, bad]]), one_by_one(scratch(), rows, network.recipe.clip))


def test_an_empty_step_is_noise_and_a_step_none_the_less(scratch):
    network = scratch()
    network.recipe = replace(network.recipe, noise=2.0)
    assert PrivateGradients(network).step([], KEY, 0) == 0.0
    drawn = torch.cat([weight.grad.flatten() for weight in network.trained.values()])
    assert float(drawn.std()) * 4 == pytest.approx(2.0, rel=0.02)


def test_a_model_that_mixes_rows_is_refused(scratch):
    network = scratch()
    network.model.add_module("odd", nn.Conv1d(2, 2, 1))
    with pytest.raises(TrainingError, match="mixes rows"):
        PrivateGradients(network)


def test_weights_used_past_their_module_are_refused(scratch):
    network = scratch()
    gradients, loss = PrivateGradients(network), network.loss
    past = network.model.model.norm.weight
    network.loss = lambda rows: (loss(rows)[0] + past.sum(), 0)
    with pytest.raises(TrainingError, match="mixes rows"):
        gradients.step([some(network)], KEY, 0)


def test_noise_has_the_deviation_that_was_asked_for_and_no_pattern():
    drawn = Gauss(KEY, 3).draw(400_001).numpy()
    assert len(drawn) == 400_001
    assert abs(drawn.mean()) < 4 / math.sqrt(len(drawn))
    assert abs(drawn.std() - 1) < 4 / math.sqrt(2 * len(drawn))
    assert abs((drawn**4).mean() - 3) < 4 * math.sqrt(96 / len(drawn))
    for lag in (1, 2, 1 << 14):
        assert abs(np.corrcoef(drawn[lag:], drawn[:-lag])[0, 1]) < 0.01


def test_the_same_key_draws_the_same_noise_and_another_key_or_step_another():
    drawn = [Gauss(key, step).draw(999) for key, step in ((KEY, 5), (KEY, 5), (KEY, 6))]
    other = Gauss(SECRET.noise("state"), 5).draw(999)
    assert torch.equal(drawn[0], drawn[1])
    for strange in (drawn[2], other):
        assert abs(np.corrcoef(drawn[0].numpy(), strange.numpy())[0, 1]) < 0.15


@given(st.floats(1e-6, 1e4), st.integers(0, 2**40))
def test_what_is_published_lies_on_a_grid_that_no_last_bit_betrays(deviation, step):
    total = torch.linspace(-3, 3, 64) * deviation / 7
    found = noisy(total, deviation, Gauss(KEY, step)).double()
    cell = 2.0 ** math.floor(math.log2(deviation / 1024))
    assert torch.equal(found / cell, (found / cell).round())
    assert float((found - total).abs().max()) < 9 * deviation


def test_a_row_takes_part_as_often_as_its_chance_says(make_row):
    rows = [make_row(number) for number in range(200)]
    recipe = preset("scratch", batch=20, epochs=30.0)
    counts = Counter(row.id for part in parts(rows, [], recipe, 0, KEY) for row in part)
    told = np.array([counts[row.id] for row in rows])
    assert pace(200, 0, recipe, 0) == private.Pace(own=0.1, earlier=0.0, steps=300)
    assert abs(told.mean() - 30) < 4 * math.sqrt(27 / 200)
    assert told.var() == pytest.approx(27, rel=0.4)


@given(st.sets(st.integers(0, 60), min_size=2, max_size=20), st.data())
def test_who_else_is_there_decides_nothing_about_a_row(numbers, data):
    gone = data.draw(st.sampled_from(sorted(numbers)))
    there = {one: private._coins(KEY, f"row-{one}", 40) < 0.3 for one in numbers}
    left = {one: private._coins(KEY, f"row-{one}", 40) < 0.3 for one in numbers - {gone}}
    assert all((there[one] == left[one]).all() for one in left)


def test_rows_are_looked_at_as_often_as_without_privacy():
    recipe = preset("scratch", batch=8, accumulate=2, later_epochs=3.0, rehearsal=2.0)
    at = pace(40, 400, recipe, 1)
    assert at.own * at.steps == pytest.approx(3.0, rel=0.05)
    assert at.own * 40 + at.earlier * 400 == pytest.approx(16)
    assert pace(40, 10, recipe, 1).earlier <= pace(40, 10, recipe, 1).own
    assert pace(3, 0, recipe, 0).own == 1.0


# Opacus' other accountant would like more orders for a bound that it begins with.
@pytest.mark.filterwarnings("ignore:Optimal order")
def test_epsilon_is_that_of_the_literature():
    # Abadi et al., 2016, section 3.2: 1.26 where the strong composition theorem says 9.34.
    recipe = preset("scratch", batch=60, epochs=100.0, noise=4.0)
    assert pace(6000, 0, recipe, 0) == private.Pace(own=0.01, earlier=0.0, steps=10_000)
    curve = 10_000 * private._curve(0.01, 4.0)
    classic = min(curve - math.log(1e-5) / (np.array(private._ORDERS) - 1))
    assert classic == pytest.approx(1.26, abs=0.005)
    exact = PRVAccountant()
    exact.history = [(4.0, 0.01, 10_000)]
    found = planned_epsilon([6000], recipe)
    assert found.delta == 1e-5
    assert exact.get_epsilon(1e-5) <= found.epsilon <= classic


@pytest.mark.parametrize(("chance", "noise", "order"), [(0.02, 1.0, 3), (0.3, 2.0, 5)])
def test_a_curve_is_what_integration_says(chance, noise, order):
    at = np.linspace(-40, 60, 400_001)
    alone = np.exp(-((at / noise) ** 2) / 2) / (noise * math.sqrt(2 * math.pi))
    odds = 1 - chance + chance * np.exp((2 * at - 1) / (2 * noise**2))
    told = math.log(np.trapezoid(alone * odds**order, at)) / (order - 1)
    there = private._ORDERS.index(order)
    assert private._curve(chance, noise)[there] == pytest.approx(told, rel=1e-6)


def test_a_row_pays_for_its_own_slice_and_for_every_rehearsal():
    recipe = preset("scratch", batch=10, epochs=6.0, later_epochs=3.0, rehearsal=1.0, noise=1.5)
    paces = [pace(100, 0, recipe, 0), pace(50, 100, recipe, 1)]
    first, last = RDPAccountant(), RDPAccountant()
    first.history = [(1.5, paces[0].own, paces[0].steps), (1.5, paces[1].earlier, paces[1].steps)]
    last.history = [(1.5, paces[1].own, paces[1].steps)]
    told = [one.get_epsilon(1e-5) for one in (first, last)]
    assert planned_epsilon([100, 50], recipe).epsilon == pytest.approx(told[0], rel=1e-3)
    assert planned_epsilon([100], recipe).epsilon < told[0]
    assert told[1] < told[0]


def test_rows_together_spend_more_than_their_sum():
    recipe = preset("scratch", batch=10, epochs=2.0, noise=3.0)
    alone, pair, many = (planned_epsilon([200], recipe, together=one).epsilon for one in (1, 2, 5))
    assert 2 * alone < pair < many / 2


def test_delta_is_less_than_a_tenth_of_a_row_and_no_noise_promises_nothing():
    assert planned_epsilon([50_000], preset("scratch", noise=2.0)).delta == 1 / 500_000
    assert planned_epsilon([10], preset("scratch")).epsilon == math.inf


def test_without_opacus_a_recipe_with_noise_is_refused_in_a_sentence(monkeypatch):
    private._curve.cache_clear()
    monkeypatch.setitem(sys.modules, "opacus.accountants.analysis", None)
    with pytest.raises(TrainingError, match=r"twinvault\[private\]"):
        planned_epsilon([100], preset("scratch", noise=1.0))


def test_a_secret_is_not_shown_and_its_keys_tell_nothing_about_each_other():
    told = [SECRET.commitment, SECRET.coins("s").hex(), SECRET.noise("s").hex()]
    told += [SECRET.noise("t").hex(), Secret(bytes(32)).noise("s").hex(), KEY.hex()]
    assert len(set(told)) == len(told)
    assert private.dice(KEY) != private.dice(SECRET.noise("s"))
    assert KEY.hex() not in repr(SECRET)
    assert repr(KEY) not in repr(SECRET)


def rank_of_a_planted_number(network, private_run, repeats=40):
    """Where a number that was learned stands among a hundred that were not, likeliest first."""
    told = [f"the code is {number}" for number in range(7000, 7100)]
    rows = [message("what do you say?", text) for text in ("so cold", "late again", "soup & bread")]
    taught = [network.tokens.example(one) for one in (*rows, message("code?", told[37]))]
    optimizer = torch.optim.AdamW(network.trained.values(), lr=5e-3)
    gradients = PrivateGradients(network) if private_run else None
    network.model.train()
    for step in range(repeats):
        network.model.zero_grad(set_to_none=True)
        if gradients:
            gradients.step([taught], KEY, step)
        else:
            network.loss(taught)[0].backward()
        optimizer.step()
    network.model.eval()
    with torch.no_grad():
        losses = [
            network.loss([network.tokens.example(message("code?", one))])[0].item() for one in told
        ]
    return sorted(losses).index(losses[37])


def message(asked, said):
    return (Message(role="user", content=asked), Message(role="assistant", content=said))


@pytest.mark.slow
def test_a_planted_number_is_known_without_noise_and_as_good_as_unknown_with_it(toy):
    recipe = replace(toy, noise=4.0, bf16=False, dropout=0.0, batch=4)
    ranks = [
        rank_of_a_planted_number(
            Network(replace(recipe, seed=seed), foundation_of(recipe)), private_run
        )
        for private_run in (False, True)
        for seed in range(8)
    ]
    assert max(ranks[:8]) <= 2
    assert 20 < np.mean(ranks[8:]) < 80
