from concurrent.futures import ThreadPoolExecutor
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


def test_an_answer_grows_to_the_same_answer(voice):
    grown = list(voice.growing(ASKED[0], replace(SHORT, longest=40)))
    assert grown[-1] == voice.answer(ASKED[0], replace(SHORT, longest=40))
    assert len(grown) > 8
    assert len(set(grown)) == len(grown)


def test_a_letter_of_several_bytes_comes_whole(voice, monkeypatch):
    texts = iter(["", "a", "a\N{REPLACEMENT CHARACTER}", "a\u00e9", "a\u00e9!", "a\u00e9!"])
    monkeypatch.setattr(type(voice._network.tokens), "decode", lambda *_: next(texts))
    assert list(voice.growing(ASKED[0], replace(SHORT, longest=6))) == ["a", "a\u00e9", "a\u00e9!"]


def test_an_answer_is_written_only_as_far_as_it_is_read(voice, monkeypatch):
    steps = 0
    forward = type(voice._network.model).forward

    def counted(*given, **more):
        nonlocal steps
        steps += 1
        return forward(*given, **more)

    monkeypatch.setattr(type(voice._network.model), "forward", counted)
    growing = voice.growing(ASKED[0], replace(SHORT, longest=100))
    for _ in range(3):
        next(growing)
    read = steps
    growing.close()
    assert read < 10
    assert steps == read


def test_an_answer_may_grow_in_changing_threads_and_beside_another(voice):
    alone = voice.answer(ASKED[0], SHORT)
    other = voice.growing(ASKED[1], SHORT)
    growing = voice.growing(ASKED[0], SHORT)
    grown = []
    while True:
        with ThreadPoolExecutor(1) as thread:
            text = thread.submit(next, growing, None).result()
        next(other, None)
        if text is None:
            break
        grown.append(text)
    assert grown[-1] == alone


def test_restored_weights_answer_as_they_did(toy, voice):
    network = Network(toy, foundation_of(toy))
    assert load(network.save(), toy).answers(ASKED, SHORT) == voice.answers(ASKED, SHORT)


def test_weights_of_another_recipe_are_refused(toy):
    network = Network(toy, foundation_of(toy))
    with pytest.raises(TrainingError, match="another model"):
        load(network.save(), replace(toy, layers=2))
