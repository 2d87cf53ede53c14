"""What counts as nearly the same, and what does not."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.curate.near import bands, signature, similar

LETTER = (
    "Thanks for coming over on Sunday, it was lovely to have everybody around the table again. "
    "The recipe for the plum cake is the one my grandmother used to make: flour, butter, an egg, "
    "and far more plums than anybody thinks reasonable. Bake it until the kitchen smells of it."
)
WORDS = st.lists(st.text("abcdefghij", min_size=1, max_size=9), min_size=1, max_size=60)


def alike(one: str, other: str) -> bool:
    """Whether a view that looks texts up by their bands finds the two alike."""
    mine, theirs = signature(one), signature(other)
    return bool({*bands(mine)} & {*bands(theirs)}) and similar(mine, theirs)


def essay(seed: int, words: int = 700) -> list[str]:
    pick = random.Random(seed)
    return [f"word{pick.randrange(3000)}" for _ in range(words)]


def test_a_few_other_words_and_typos_make_no_other_text():
    edited = LETTER.replace("lovely", "so nice").replace("grandmother", "grandmohter")
    assert alike(LETTER, edited.replace("the kitchen", "the whole kitchen"))


@pytest.mark.parametrize(
    "quoted",
    [
        "\n".join("> " + line for line in LETTER.split(", ")),
        f"On Monday Ada wrote:\n>> {LETTER}\n\nYes!",
        f"As I said to the others as well last week: {LETTER} Isn't that what we all like best?",
    ],
)
def test_a_quotation_that_adds_little_is_no_other_text(quoted):
    assert alike(LETTER, quoted)


@given(WORDS, st.randoms(use_true_random=False))
def test_layout_case_and_punctuation_do_not_count(words, pick):
    laid_out = "".join(
        pick.choice([word, word.upper(), f"*{word}*", f"\u201c{word}\u201d"])
        + pick.choice([" ", ", ", " \u2013 ", "\n", "\n> ", "\n  \u2022 ", "\n12. ", "...\r\n\t"])
        for word in words
    )
    assert signature(f"{laid_out}\n") == signature(" ".join(words))


def test_a_word_cut_at_the_end_of_a_line_is_one_word():
    assert signature(LETTER.replace("everybody", "every-\n   body")) == signature(LETTER)


def test_signs_that_cannot_be_seen_and_apostrophes_do_not_count():
    plain = "we dont know yet when the plumber is coming back"
    assert signature(plain) == signature(
        "we don\u2019t know yet when the plum\u00adber is com\u200bing back"
    )


@pytest.mark.parametrize(
    "text", ["", "ok", "see you tomorrow at eight", "no no no no no no no no no"]
)
def test_short_messages_are_not_compared(text):
    assert signature(text) == b""
    assert bands(b"") == ()
    assert not similar(b"", b"")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "I will be there at 8 with the others and the cake",
            "I will be there at 9 with the others and the cake",
        ),
        ("what do you like to do for fun these days", "where did you go to have fun these days"),
        ("I am so sorry to hear that you are ill", "I am so happy to hear that you are well"),
    ],
)
def test_short_messages_that_differ_in_what_they_say_are_others(one, other):
    assert not similar(signature(one), signature(other))


def test_a_number_in_a_long_text_is_one_word_of_many():
    assert alike(f"{LETTER} At 8?", f"{LETTER} At 9?")


def test_a_text_of_which_the_other_is_only_a_part_is_another():
    assert not alike(LETTER, f"{LETTER} {' '.join(essay(1, 60))}")


def test_long_texts_are_compared_by_a_part_of_their_words():
    words = essay(2)
    edited = [f"other{at}" if at % 12 == 0 else word for at, word in enumerate(words)]
    assert alike(" ".join(words), " ".join(edited))
    assert not alike(" ".join(words), " ".join(essay(3)))
    assert not alike(" ".join(words), " ".join(words[:350] + essay(4, 350)))


def test_texts_are_compared_as_far_as_the_words_of_both_are_known():
    words = [f"word{at}" for at in range(100)]
    assert similar(signature(" ".join(words)), signature(" ".join(words[:68])))
    assert not similar(signature(" ".join(words)), signature(" ".join(words[:50])))


def test_a_part_is_another_text_even_where_its_known_words_are_all_in_the_whole():
    words = [f"word{at}" for at in range(2000)]
    assert not similar(signature(" ".join(words)), signature(" ".join(words[:1100])))


def test_texts_without_spaces_are_compared_by_their_characters():
    chinese = "我们明天早上八点在火车站见面然后一起去看你奶奶"
    assert alike(chinese, chinese.replace("早上", "\n早 上").replace("见面", "等你"))
    assert not alike(chinese, "昨天晚上的电影真的很好看谢谢你请我吃饭下次我来")


@given(st.text(), st.text())
def test_any_two_texts_can_be_compared_either_way(one, other):
    mine, theirs = signature(one), signature(other)
    assert similar(mine, theirs) == similar(theirs, mine)
    assert similar(mine, mine) == bool(mine)


@given(st.text(max_size=2000) | WORDS.map(" ".join))
def test_signatures_are_small_and_keys_fit_a_signed_integer(text):
    made = signature(text)
    assert len(made) <= len(signature(" ".join(essay(2)))) == 166
    assert len(bands(made)) == (8 if made else 0)
    assert all(0 <= key < 1 << 63 for key in bands(made))


def test_what_follows_very_many_words_is_not_compared():
    words = " ".join(essay(5, 4096))
    assert signature(f"{words} and more") == signature(words)
    assert signature(words[:-1]) != signature(words)


def test_signatures_are_the_same_on_every_machine():
    assert signature("The quick brown fox jumps over the 2 lazy dogs").hex() == (
        "09000dbed51a34640af3542d48a17eef1a41a1ab756fabf1daa3f645c579b671275853cd5008"
        "6b025f3c024b7e53749f75bef7d791d916fe"
    )


def test_half_a_character_breaks_nothing():
    assert signature("a lone surrogate \ud800 breaks no text of several words")
