from dataclasses import replace

import pytest

from projections.rows import Message
from trainer.engine import Sampling, load, untrained
from trainer.errors import TrainingError
from trainer.network import Network
from trainer.slices import foundation_of

ASKED = [
    [Message(role="user", content="are you cold?")],
    [Message(role="user", content="and what did the others say about the soup on tuesday?")],
]
SHORT = Sampling(longest=8)


@pytest.fixture(scope="module")
def voice(toy):
    return untrained(toy)


def test_an_answer_is_the_same_each_time_and_another_with_another_seed(voice):
    assert voice.answers(ASKED, SHORT) == voice.answers(ASKED, SHORT)
    assert voice.answers(ASKED, SHORT) != voice.answers(ASKED, replace(SHORT, seed=1))


def test_padding_does_not_change_what_is_expected(voice):
    alone, together = voice.answer(ASKED[0], SHORT), voice.answers(ASKED, SHORT)
    assert together[0] == alone


def test_an_answer_holds_no_special_token(voice):
    assert "<|" not in "".join(voice.answers(ASKED * 8, replace(SHORT, longest=40)))


def test_restored_weights_answer_as_they_did(toy, voice):
    network = Network(toy, foundation_of(toy))
    assert load(network.save(), toy).answers(ASKED, SHORT) == voice.answers(ASKED, SHORT)


def test_weights_of_another_recipe_are_refused(toy):
    network = Network(toy, foundation_of(toy))
    with pytest.raises(TrainingError, match="another model"):
        load(network.save(), replace(toy, layers=2))
