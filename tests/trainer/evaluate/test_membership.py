"""Whether an attacker with the weights can tell what was learned."""

import numpy as np
import pytest

from tests.trainer.evaluate.conftest import code, example
from trainer.environment import observe
from trainer.evaluate.held import Cost, costs
from trainer.evaluate.intervals import auc
from trainer.evaluate.membership import Shadows, confidence, lira, membership
from trainer.network import Network
from trainer.slices import foundation_of
from trainer.states import Memory

ROWS = [example(number, code(number)) for number in range(400)]
INSIDE = np.arange(400) < 200


def attack(gain):
    """Rows differ in difficulty far more than learning them changes: the loss alone is blind."""
    dice = np.random.default_rng(0)
    easy = dice.normal(0, 4, 400)
    saw = np.array([dice.permutation(8) < 4 for _ in range(400)]).T
    shadows = easy + dice.normal(0, 0.3, (8, 400)) + gain * saw
    target = easy + dice.normal(0, 0.3, 400) + gain * INSIDE
    return target, lira(target, shadows, saw)


def test_a_model_that_memorised_is_detected_where_the_loss_alone_is_blind():
    target, scores = attack(gain=1.5)
    assert auc(target[INSIDE], target[~INSIDE]) < 0.65
    told, hits = membership(ROWS, INSIDE.tolist(), scores, target)
    assert told.low > 0.95
    assert hits.low > 0.4


def test_a_model_that_kept_nothing_is_not_detected():
    target, scores = attack(gain=0.0)
    told, hits = membership(ROWS, INSIDE.tolist(), scores, target)
    assert told.low < 0.5 < told.high
    assert hits.value < 0.06


def test_a_row_is_compared_with_the_shadows_that_never_saw_it():
    shadows = np.array([[9.0, 1.0], [1.0, 9.0], [9.0, -1.0], [-1.0, 9.0]])
    saw = np.array([[True, False], [False, True]] * 2)
    assert lira(np.array([3.0, -2.0]), shadows, saw) == pytest.approx([3.0, -2.0])


def test_the_rows_that_are_told_first_are_named():
    scores = np.zeros(400)
    scores[[3, 7]] = 9, 8
    assert membership(ROWS, INSIDE.tolist(), scores, scores)[0].worst[:2] == ("pair-3", "pair-7")


def test_confidence_rises_as_a_reply_gets_cheaper():
    cheap, dear = Cost(bits=1, size=9, tokens=5), Cost(bits=40, size=9, tokens=5)
    assert confidence([cheap])[0] > 0 > confidence([dear])[0]


def test_each_row_is_learned_by_half_of_the_shadows(tiny, here):
    saw = Shadows(ROWS, tiny, here, count=6).saw
    assert saw.shape == (6, 400)
    assert set(saw.sum(0)) == {3}
    assert all(150 < learned < 250 for learned in saw.sum(1))


@pytest.mark.slow
def test_real_shadows_detect_a_model_that_knows_its_rows_by_heart(taught, tiny, coded, everything):
    """An attack that was interrupted after its first shadow goes on with the second."""
    weights, store, told = taught.save(), Memory(), []
    shadows = Shadows(coded, tiny, observe(tiny), count=4)
    network = Network(tiny, foundation_of(tiny))

    def confident(weights):
        network.restore(weights)
        return confidence(costs(network, [row.messages for row in coded]))

    def ended(done, total):
        told.append((done, total))
        if told == [(0, 4), (1, 4)]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shadows.train(confident, everything, store, "eval-m.shadows", ended)
    others = shadows.train(confident, everything, store, "eval-m.shadows", ended)
    assert told == [(0, 4), (1, 4), (1, 4), (2, 4), (3, 4), (4, 4)]
    assert store.names() == ()
    scores = lira(confident(weights), others, shadows.saw)
    assert auc(scores[:12], scores[12:]) > 0.9
