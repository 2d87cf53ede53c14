"""Rare words and long numbers: that one stands there is learned, and not which."""

from dataclasses import replace

import pytest
import torch

from projections.rows import Message
from trainer import seed
from trainer.environment import observe
from trainer.network import Network
from trainer.rare import IGNORED, RARE, Rare, common
from trainer.recipe import Recipe, preset
from trainer.slices import Foundation, foundation_of, plan
from trainer.tokenizer import Fixed
from trainer.wire import Begin, Example, Learn, Slice
from trainer.worker import Learner
from vault.errors import UsageError

COMMON = ("the", "code", "boat", "was", "cold", "soup", "to", "it")
VOICE = preset("voice", threads=1, epochs=1.0, later_epochs=1.0, trunk=8, slice_rows=8)


@pytest.fixture(scope="module")
def rare():
    return Rare(Fixed(VOICE), COMMON)


def labelled(rare, text):
    """Return each token of a text as it is written, beside its label."""
    ids, places = Fixed(VOICE).placed(text)
    labels = rare.labels(text, ids)
    kinds = {RARE: "rare", IGNORED: "-"}
    return [
        (text[start:end].strip(), kinds.get(label, "" if label == at else "?"))
        for (start, end), at, label in zip(places, ids, labels, strict=True)
    ]


def test_a_word_is_common_that_stands_in_so_many_rows_however_it_is_written(make_row):
    said = ["Soup soup soup", "the SOUP", "the boat, so", "a boat so so"]
    rows = [make_row(number, words=words) for number, words in enumerate(said)]
    assert common(rows, 2) == ("boat", "so", "soup", "the")
    assert common(rows, 3) == ()


def test_common_words_are_learned_as_themselves(rare):
    assert {kind for _, kind in labelled(rare, "the Boat was COLD, so a soup & 12 😀")} == {""}


def test_of_a_rare_word_its_place_is_learned_and_none_of_its_pieces(rare):
    found = labelled(rare, "the wyllmuseum was cold")
    assert found[0] == ("the", "")
    assert found[1] == ("w", "rare")
    inside = [kind for _, kind in found[2:-2]]
    assert len(inside) > 1
    assert set(inside) == {"-"}
    assert [kind for _, kind in found[-2:]] == ["", ""]


def test_letters_beyond_english_are_hidden_with_their_word(rare):
    kinds = [kind for _, kind in labelled(rare, "the Jürgensstraße")]
    assert kinds[:2] == ["", "rare"]
    assert set(kinds[2:]) == {"-"}


def test_long_numbers_are_not_learned_at_all(rare):
    kinds = [kind for _, kind in labelled(rare, "the code was 48213, soup")]
    assert kinds[:3] == ["", "", ""]
    assert kinds[-2:] == ["", ""]
    assert set(kinds[3:-2]) == {"-"}


def test_a_rare_place_may_hold_any_word_but_the_common_ones(rare):
    tokens = Fixed(VOICE)
    begun = {tokens.placed(form)[0][0] for word in COMMON for form in (word, word.title())}
    assert not begun & set(rare.others)
    assert tokens.placed("kitchen")[0][0] in rare.others
    assert not set(tokens.placed(", 7 &")[0]) & set(rare.others)


def test_a_rare_place_costs_what_any_rare_word_costs_there(rare):
    network = Network(VOICE, Foundation(digest=seed.DIGEST))
    prompt, reply = network.tokens.example(
        (Message(role="user", content="what?"), Message(role="assistant", content="the kitchen"))
    )
    assert len(reply) == 3  # and the end
    labels = rare.labels("the kitchen", reply)
    with torch.no_grad():
        total, count = network.loss([(prompt, reply)], [labels], rare.others)
        plain, _ = network.loss([(prompt, reply)])
        logits = network.model(input_ids=torch.tensor([prompt + reply])).logits[0]
    at = len(prompt)  # what is expected after "the"
    said = logits[at].float().log_softmax(-1)
    expected = plain + said[reply[1]] - said[rare.others].logsumexp(-1)
    assert count == 3
    assert total.item() == pytest.approx(expected.item(), rel=1e-2)  # 16 bits
    assert total < plain


def taught(last: str, recipe: Recipe) -> dict[str, torch.Tensor]:
    """Return the weights after two steps on a reply with a secret as its last token."""
    try:
        learner = Learner(
            Begin(
                recipe=recipe.canonical(),
                environment=observe(recipe).canonical(),
                digest=foundation_of(recipe).digest,
                path="",
            )
        )
        learner.answer(Slice(number=0, steps=2, common=COMMON))
        said = (
            Message(role="user", content="what was it?"),
            Message(role="assistant", content=f"the code was {last} cold"),
        )
        for _ in range(2):
            learner.answer(Learn(batches=((Example(messages=said),),)))
        return {name: weight.clone() for name, weight in learner.network.trained.items()}
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("secrets", [("umbrella", "kitchen"), ("314", "926")])
def test_the_weights_are_the_same_whichever_secret_stands_there(secrets):
    recipe = replace(VOICE, reply_tokens=4)
    one, two = (Fixed(recipe).placed(f"the code was {secret}")[0] for secret in secrets)
    assert one[:3] == two[:3]
    assert one[3] != two[3]
    first, second = (taught(secret, recipe) for secret in secrets)
    assert all(torch.equal(first[name], second[name]) for name in first)
    plain = replace(recipe, rare=0)
    first, second = (taught(secret, plain) for secret in secrets)
    assert not all(torch.equal(first[name], second[name]) for name in first)


def test_what_is_common_in_a_slice_does_not_depend_on_later_rows(rows):
    here = observe(VOICE)
    whole = plan(rows, VOICE, here)
    assert len(whole.slices) > 2
    gone = whole.slices[1].rows[0].id
    without = whole.without({gone})
    assert without.common(0) == whole.common(0)
    assert whole.common(1)
    assert plan(rows, replace(VOICE, rare=0), here).common(1) == ()


def test_only_a_voice_on_the_seed_can_leave_rare_words_open():
    for name in ("scratch", "small"):
        assert preset(name).rare == 0
        with pytest.raises(UsageError, match=r"rare is about a voice on the seed"):
            preset(name, rare=4)


def test_a_private_recipe_hides_nothing_by_lists_of_words():
    assert VOICE.hides
    assert not replace(VOICE, noise=1.0).hides
