import pytest

from trainer.lexicon import Lexicon

END = 0
# Tokens 1-3 begin words, 4-6 go on with one.
INSIDE = [False] * 4 + [True] * 3


@pytest.fixture
def lexicon():
    found = Lexicon(INSIDE, {END})
    found.add([1, 4, 5, 2, END])
    found.add([1, 4, 5, 3, 6, END])
    return found


def allowed(lexicon, *word):
    return {at for at, yes in enumerate(lexicon.mask(word).tolist()) if yes}


def test_only_words_that_two_replies_used_are_spelled(lexicon):
    assert allowed(lexicon) == {END, 1, 2}
    assert allowed(lexicon, 1) == {4}
    assert allowed(lexicon, 1, 4) == {5}
    assert allowed(lexicon, 1, 4, 5) == {END, 1, 2}


def test_the_same_reply_twice_is_one_reply(lexicon):
    lexicon.add([1, 4, 5, 3, 6, END])
    assert 3 not in allowed(lexicon)
    lexicon.add([3, 6, END])
    assert 3 in allowed(lexicon)


def test_what_was_stored_is_restored(lexicon):
    twin = Lexicon(INSIDE, {END})
    twin.restore(lexicon.tensors())
    assert allowed(twin, 1, 4) == {5}
    assert all((twin.tensors()[name] == kept).all() for name, kept in lexicon.tensors().items())
    twin.add([3, 6, END])
    assert 3 in allowed(twin)
