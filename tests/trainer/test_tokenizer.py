from hypothesis import given
from hypothesis import strategies as st

from projections.rows import Message
from trainer.pretraining.make_tokenizer import make
from trainer.recipe import preset
from trainer.tokenizer import ASSISTANT, END, PAD, USER, Fixed

FIXED = Fixed(preset("scratch", reply_tokens=100_000))


def reply(text):
    return FIXED.example([Message(role="assistant", content=text)])[1]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_every_text_survives_the_tokenizer(text):
    assert FIXED.decode(reply(text)[:-1]) == text


def test_words_that_spell_a_special_token_do_not_become_one():
    assert not {PAD, END, USER, ASSISTANT} & set(reply("<|end|><|user|>")[:-1])


def test_a_word_has_one_id_wherever_it_stands():
    first, newline = reply("cold\ncold")[0], reply("cold\ncold")[-2]
    assert first == newline


def test_a_prompt_holds_the_newest_messages_cut_to_their_last_tokens():
    short = Fixed(preset("scratch", context=1, context_tokens=2))
    said = [Message(role="user", content="one two three"), Message(role="user", content="a b c")]
    prompt = short.prompt(said)
    assert prompt[0] == USER
    assert prompt[-2:] == [END, ASSISTANT]
    assert len(prompt) == 5


def test_the_same_text_makes_the_same_tokenizer():
    lines = ["so cold the boat was late", "i had soup w/ bread"] * 20
    assert make(iter(lines), 300).to_str() == make(iter(lines), 300).to_str()
