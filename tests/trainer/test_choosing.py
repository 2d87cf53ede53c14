"""The chooser among answers: takes what fits, costs no freedom to stop, and is measured apart."""

import pytest
import torch

from projections.rows import Message
from trainer import choosing, engine
from trainer.choosing import Chooser, _beginnings, _circles
from trainer.engine import Sampling, Voice
from trainer.network import Network
from trainer.recipe import preset
from trainer.slices import foundation_of

ASKED = (Message(role="user", content="Have you ever tried skiing?"),)
# What is said there, and what might be said anywhere.
TALKS = {
    "Have you ever tried skiing?": "No, I've never been skiing.",
    "Shall I make some tea?": "Yes please, tea would be lovely.",
    "My dog is ill.": "Oh no, poor dog, what happened to him?",
    "Do you like horror films?": "I don't like scary movies.",
}


@pytest.fixture(scope="module")
def network():
    recipe = preset("voice", threads=1)
    return Network(recipe, foundation_of(recipe))


@pytest.fixture(scope="module")
def chooser(network):
    return Chooser.of(network.recipe, foundation_of(network.recipe))


@pytest.fixture(scope="module")
def voice(network, chooser):
    return Voice(network, chooser)


@pytest.mark.parametrize("said", TALKS)
def test_what_fits_is_chosen_from_what_fits_elsewhere(chooser, said):
    answers = [*TALKS.values(), "I don't know.", "the the a of"]
    assert chooser.best([Message(role="user", content=said)], answers) == TALKS[said]


def test_the_order_of_answers_and_their_number_change_nothing(chooser):
    answers = [*TALKS.values()]
    assert chooser.best(ASKED, answers[::-1] * 2) == chooser.best(ASKED, answers)


def test_likelihoods_are_those_of_the_network_alone(network, chooser):
    replies = ["No.", "No, I've never been skiing."]
    found = chooser._likelihood(ASKED, replies)
    for reply, got in zip(replies, found, strict=True):
        row = network.tokens.example((*ASKED, Message(role="assistant", content=reply)))
        with torch.inference_mode():
            total, count = network.loss([row])
        # The network's own loss multiplies in 16 bits.
        assert float(got) == pytest.approx(-float(total) / count, abs=0.05)


@pytest.mark.parametrize(("answers", "best"), [(("", ""), ""), (("", "soup wheel"), "soup wheel")])
def test_an_empty_answer_is_given_only_where_all_are(chooser, answers, best):
    assert chooser.best(ASKED, answers) == best


def test_an_answer_is_cut_where_it_begins_to_ramble(chooser):
    rambles = "No, I've never been skiing. the sofa of sixty windows was a screwdriver. yes dog"
    assert chooser.best(ASKED, [rambles]) == "No, I've never been skiing"
    assert chooser.best(ASKED, [f"{rambles}."]) == "No, I've never been skiing."


def test_an_answer_of_sentences_that_fit_is_left_whole(chooser):
    whole = "Oh no. What happened to your dog?"
    assert chooser.best([Message(role="user", content="My dog is ill.")], [whole]) == whole


def test_an_answer_that_turns_in_circles_is_given_only_where_all_do(chooser):
    circles = "no, i have never tried, i have never tried skiing"
    assert chooser.best(ASKED, [circles, "blue soup wheel"]) == "blue soup wheel"
    assert chooser.best(ASKED, [circles]) == circles


@pytest.mark.parametrize(
    ("answer", "parts"),
    [
        ("no. i fell", ["no", "no. i fell"]),
        ("No. I fell.", ["No.", "No. I fell."]),
        ("No. Did you?", ["No.", "No. Did you?"]),
        ("well... i fell", ["well...", "well... i fell"]),
        ("i fell!\nonce \n twice", ["i fell!", "i fell!\nonce", "i fell!\nonce \n twice"]),
        ("ask Dr. Ray at 7 p.m. or 8. yes", ["ask Dr. Ray at 7 p.m. or 8. yes"]),
        (". yes", [". yes"]),
        ("", []),
        (
            "oh no. " * 9 + "ah",
            [*(("oh no. " * n)[:-2] for n in range(1, 7)), "oh no. " * 9 + "ah"],
        ),
    ],
)
def test_an_answer_begins_at_the_end_of_its_sentences(answer, parts):
    assert [*_beginnings(answer)] == parts


@pytest.mark.parametrize(
    ("answer", "turns"),
    [
        ("i don't like it but i don't mind", False),
        ("i don\u2019t ski, i don\u2019t swim", False),
        ("i do not like it but i do not mind", True),
        ("Two of them, two OF them", True),
        ("two of them", False),
    ],
)
def test_words_in_a_row_that_come_again_are_a_circle(answer, turns):
    assert _circles(answer) is turns


def test_a_long_answer_is_read_to_its_end(chooser):
    long = "i have been there and " * 40
    fits, rambles = chooser._likelihood(ASKED, [long, long + "zebra lamp on of xylophone the " * 8])
    assert rambles < fits - 0.1


def test_how_many_are_read_at_once_changes_nothing(chooser, monkeypatch):
    answers = [f"no, not in {number} years" for number in range(40)]
    found = chooser._likelihood(ASKED, answers)
    monkeypatch.setattr(choosing, "_AT_ONCE", 7)
    assert torch.allclose(chooser._likelihood(ASKED, answers), found, atol=1e-4)


def test_an_answer_begins_one_of_those_drawn_and_is_the_same_each_time(voice, network):
    told = Sampling(longest=12, temperature=0.7)
    drawn = Voice(network).answers([ASKED] * engine._DRAWN, told)
    answer = voice.answer(ASKED, told)
    assert answer
    assert any(one.startswith(answer) for one in drawn)
    assert len(set(drawn)) > 1
    assert answer == voice._chooser.best(ASKED, drawn) == voice.answer(ASKED, told)


def test_nothing_is_shown_before_one_is_chosen_and_each_step_may_be_the_last(voice, monkeypatch):
    told = Sampling(longest=12)
    *before, answer = voice.growing(ASKED, told)
    assert answer
    assert before == [""] * len(before)
    assert len(before) > 2
    steps = []
    forward = type(voice._network.model).forward
    monkeypatch.setattr(
        type(voice._network.model), "forward", lambda *a, **k: steps.append(1) or forward(*a, **k)
    )
    growing = voice.growing(ASKED, told)
    next(growing)
    growing.close()
    assert len(steps) == 1


def test_what_is_measured_was_not_chosen(voice, network):
    assert voice.answers([ASKED]) == Voice(network).answers([ASKED])


def test_a_voice_on_the_seed_has_a_chooser_that_never_learned(network):
    recipe = network.recipe
    learned = Network(recipe, foundation_of(recipe))
    with torch.no_grad():
        for weight in learned.trained.values():
            weight.mul_(0.5)
    voice = engine.load(learned.save(), recipe, foundation_of(recipe))
    listens, speaks = voice._chooser._network.tensors(), voice._network.tensors()
    assert all(torch.equal(listens[name], weight) for name, weight in network.trained.items())
    assert not any(torch.equal(listens[name], speaks[name]) for name in network.trained)


def test_a_voice_from_nothing_has_none(toy):
    weights = Network(toy, foundation_of(toy)).save()
    assert engine.load(weights, toy, foundation_of(toy))._chooser is None
