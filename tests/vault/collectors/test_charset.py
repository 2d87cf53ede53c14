import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.collectors.readers.text import clean, decode, is_binary

RUSSIAN = (
    "\u0412 гимназии он не был в числе первых учеников, исключение составляли математика и латынь. "
    * 3
)


@pytest.mark.parametrize(
    ("data", "declared", "text"),
    [
        ("Dear ☕".encode("utf-16"), None, "Dear ☕"),
        ("Dear ☕".encode("utf-32"), None, "Dear ☕"),
        ("\ufeffDear".encode(), None, "Dear"),
        ("naïve".encode(), "latin-1", "naïve"),
        ("naïve".encode("latin-1"), "latin-1", "naïve"),
        ("naïve".encode("latin-1"), "no-such-charset", "naïve"),
        ("naïve".encode("latin-1"), "zlib", "naïve"),
        (RUSSIAN.encode("koi8-r"), "koi8-r", RUSSIAN),
        (RUSSIAN.encode("windows-1251"), None, RUSSIAN),
        (
            "café — ok\n".encode() + b"caf\xe9 broken\n\x93smart\x94",
            None,
            "café — ok\ncafé broken\n“smart”",
        ),
    ],
)
def test_the_charset_is_taken_from_the_best_evidence(data, declared, text):
    assert decode(data, declared) == text


@given(
    st.binary(max_size=300),
    st.sampled_from([None, "utf-8", "utf-7", "idna", "punycode", "hex", "undefined"]),
)
def test_decoding_never_fails(data, declared):
    clean(decode(data, declared)).encode("utf-8")


@given(st.text(alphabet=st.characters(), max_size=200))
def test_clean_text_is_nfc_without_control_characters_and_stays_so(text):
    cleaned = clean(text)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not any(
        unicodedata.category(letter) == "Cs" or letter in "\x00\r\x1b\x7f" for letter in cleaned
    )
    assert clean(cleaned) == cleaned


def test_half_a_surrogate_pair_is_replaced():
    assert clean("a\ud83db") == "a?b"


def test_pictures_are_binary_and_texts_are_not():
    assert is_binary(b"\x89PNG\r\n\x1a\n" + bytes(200))
    assert not is_binary("naïve\r\n\t".encode())
    assert not is_binary("wide".encode("utf-16"))
    assert not is_binary(b"one NUL\x00 in a text")
