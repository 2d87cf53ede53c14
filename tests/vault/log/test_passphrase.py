"""What a person types: passphrases in any composition, recovery keys with slips of the pen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logkit import CHEAP

from vault.errors import ForeignVault
from vault.log.passphrase import (
    Stretch,
    new_recovery_key,
    recovery_bytes,
    recovery_page,
    recovery_text,
    refusal,
)

KEYS = st.binary(min_size=25, max_size=25)


@given(KEYS)
def test_a_recovery_key_survives_paper(key):
    text = recovery_text(key)
    assert len(text.split("-")) == 9
    assert {len(group) for group in text.split("-")} == {5}
    assert recovery_bytes(text) == key
    assert recovery_bytes(text.lower().replace("-", " ").replace("0", "o").replace("1", "l")) == key
    assert recovery_bytes(f"\n {text}\t") == key


@given(KEYS, st.integers(0, 44), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
def test_a_wrong_letter_is_noticed(key, place, letter):
    letters = recovery_text(key).replace("-", "")
    if letters[place] != letter:
        assert recovery_bytes(letters[:place] + letter + letters[place + 1 :]) is None


def test_other_texts_are_no_recovery_keys():
    for text in ("", "passphrase", "U" * 45, "0" * 44, "0" * 46):
        assert recovery_bytes(text) is None


def test_recovery_keys_are_random_and_their_page_says_what_to_do():
    key = new_recovery_key()
    assert key != new_recovery_key()
    page = recovery_page(key, "0123456789abcdef")
    assert recovery_text(key) in page
    assert "Vault: 0123456789abcdef\n" in page
    assert max(map(len, page.splitlines())) <= 90


def test_a_passphrase_is_the_same_however_it_was_composed():
    salt = bytes(16)
    assert CHEAP.key("caf\u00e9", salt) == CHEAP.key("cafe\u0301", salt)
    assert CHEAP.key("cafe", salt) != CHEAP.key("caf\u00e9", salt)
    assert CHEAP.key("a", salt) != CHEAP.key("a", bytes(15) + b"1")


def test_the_default_costs_what_the_specification_says():
    assert Stretch() == Stretch(memory=65536, passes=3, lanes=4)


@pytest.mark.parametrize(
    ("memory", "passes", "lanes"),
    [(2**40, 3, 4), (64, 0, 1), (64, 2**20, 1), (64, 1, 65), (64, 1, 0), (7, 1, 1), (31, 1, 4)],
)
def test_a_file_cannot_make_unlocking_cost_everything(memory, passes, lanes):
    with pytest.raises(ForeignVault):
        Stretch(memory=memory, passes=passes, lanes=lanes).key("p", bytes(16))


TEXT = recovery_text(bytes(range(25)))
GROUPS = TEXT.split("-")


def slip(number: int, group: str) -> str:
    return "-".join([*GROUPS[: number - 1], group, *GROUPS[number:]])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (TEXT, "another vault's, or a newer page"),
        (slip(4, "9185H"), "the checksum does not match"),
        (slip(9, "QP86Y"), "the checksum does not match"),
        (slip(4, "9U85G"), "that no key has stands in group 4;"),
        (slip(4, "U1U5G").lower().replace("-", " "), "that no key has stands in group 4;"),
        (slip(4, "9U85G").replace("-", ""), "that no key has stands in group 4;"),
        (slip(4, "9U85G").replace("W8124", "W812?"), "that no key has stands in groups 4 and 6;"),
        (slip(4, "9185"), "more or fewer than 5 letters in group 4;"),
        (slip(4, "91855G"), "more or fewer than 5 letters in group 4;"),
        ("-".join(GROUPS[:8]), "8 groups where a key has 9;"),
        ("-".join([*GROUPS, "AAAAA"]), "10 groups where a key has 9;"),
        (recovery_page(bytes(range(25)), "v").replace("9185G", "9185H"), "checksum does not match"),
        (recovery_page(bytes(range(25)), "v").replace(TEXT, ""), "no recovery key any more"),
        ("", "The passphrase is wrong; type it again"),
        ("correct horse battery staple", "The passphrase is wrong; type it again"),
        ("a much longer sentence that nobody would take for a key", "type it again"),
    ],
)
def test_what_does_not_open_is_told_as_far_as_its_form_says(typed, said):
    sentence = refusal(typed)
    assert said in sentence
    assert "\n" not in sentence
    assert not any(group in sentence for group in GROUPS)


@given(KEYS, st.integers(0, 44))
def test_a_letter_that_cannot_be_is_told_by_its_group(key, place):
    letters = recovery_text(key).replace("-", "")
    typed = letters[:place] + "U" + letters[place + 1 :]
    assert f"in group {place // 5 + 1};" in refusal(typed)
