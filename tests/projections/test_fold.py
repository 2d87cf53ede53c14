import base64
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.redaction.decode import layers
from projections.redaction.fold import Builder, Folded, composed, folded
from vault.confusables import passes_for


def stands_for(text: Folded, original: str, part: str) -> str:
    at = text.text.index(part)
    start, end = text.span(at, at + len(part))
    return original[start:end]


def decoded(original: str) -> list[Folded]:
    return list(layers(composed(original)))[1:]


def test_ascii_is_its_own_fold() -> None:
    text = folded("Plain text")
    assert (text.text, text.lower, text.pieces) == ("Plain text", "plain text", None)
    assert text.span(3, 7) == (3, 7)


def test_letter_case_is_kept_beside_the_lower_text() -> None:
    assert folded("Ça VA").text == "Ca VA"
    assert folded("Ça VA").lower == "ca va"


@pytest.mark.parametrize(
    ("written", "read", "part", "original"),
    [
        ("Stra\u00dfe 5", "Strasse 5", "ss", "\u00df"),
        ("Am\u200ban\u00adda", "Amanda", "manda", "m\u200ban\u00adda"),
        ("\u202eAnna\u202c", "Anna", "Anna", "Anna"),
        ("x\ufb01sh", "xfish", "fi", "\ufb01"),
    ],
)
def test_a_span_leads_back_to_where_it_stood(
    written: str, read: str, part: str, original: str
) -> None:
    text = folded(composed(written))
    assert text.text == read
    assert stands_for(text, composed(written), part) == original


@given(st.text())
def test_spans_of_any_text_lie_inside_it_in_order(text: str) -> None:
    text = composed(text)
    fold = folded(text)
    spans = [fold.span(at, at + 1) for at in range(len(fold.text))]
    assert len(fold.text) == len(fold.lower)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


@given(st.text(alphabet="ab%41=&amp;\\u0062\u00df\u200b QUFBQUFBQUFBQUFBQUFBQQ", max_size=80))
def test_spans_of_every_layer_lie_inside_the_text(text: str) -> None:
    text = composed(text)
    for layer in layers(text):
        for at in range(len(layer.text)):
            start, end = layer.span(at, at + 1)
            assert 0 <= start < end <= len(text)


@pytest.mark.parametrize("broken", ["\ud83d", "a\udc00b", "\ud83dé\u200b"])
def test_lone_surrogates_are_left_alone(broken: str) -> None:
    assert len(list(layers(composed(broken)))) == 1


def test_a_layer_of_a_layer_leads_back_to_the_text() -> None:
    base = folded("a\u200bbc")
    builder = Builder(base)
    builder.keep(0, 1)
    builder.put("xyz", 1, 2)
    assert builder.built().text == "axyz"
    assert builder.built().span(2, 3) == (2, 3)


@pytest.mark.parametrize(
    ("encoded", "said", "whole"),
    [
        ("mail=ana%40host.org now", "ana@host.org", "ana%40host.org"),
        ("Zo&euml; &#64; home", "Zoe @", "Zo&euml; &#64;"),
        ("M\\u00fcller lives", "Muller", "M\\u00fcller"),
        ("\\x41\\x6ena came", "Anna", "\\x41\\x6ena"),
        ("Bj=C3=B6rn came", "Bjorn", "Bj=C3=B6rn"),
        ("An=\nna came", "Anna", "An=\nna"),
    ],
)
def test_an_escape_stands_for_exactly_its_characters(encoded: str, said: str, whole: str) -> None:
    (layer,) = decoded(encoded)
    assert stands_for(layer, encoded, said) == whole


def runs(text: str) -> Iterator[str]:
    content = text.encode()
    plain = base64.b64encode(content).decode()
    yield plain
    yield plain.rstrip("=")
    yield base64.urlsafe_b64encode(content).decode()
    yield base64.b64encode(text.encode("utf-16-le")).decode()
    yield content.hex()
    yield content.hex(" ")
    yield "0x" + content.hex().upper()
    yield base64.b64encode(text.replace(" ", "%20").encode()).decode()
    yield base64.b64encode(base64.b64encode(content)).decode()


@pytest.mark.parametrize("run", list(runs("Zita Quorn of Bexleigh")))
def test_any_part_of_an_encoded_run_stands_for_all_of_it(run: str) -> None:
    original = f"The patient is {run} (encoded)."
    last = decoded(original)[-1]
    assert "The patient is Zita Quorn of Bexleigh" in last.text
    assert stands_for(last, original, "Quorn") == run


@pytest.mark.parametrize(
    "plain",
    [
        "Internationalisation of everything, https://example.com/articles/2024/overview",
        "0123456789012345678901234567890123456789",
        "WordsInCamelCaseThatGoOnForAWhile",
        "100% of 50 & more; a = b",
    ],
)
def test_what_is_not_encoded_makes_no_layer(plain: str) -> None:
    assert decoded(plain) == []


def test_letters_that_stand_for_digits_are_read_as_digits() -> None:
    (layer,) = decoded("her number is 5l8-34-7Z6O")
    assert stands_for(layer, "her number is 5l8-34-7Z6O", "518-34-7260") == "5l8-34-7Z6O"


@pytest.mark.parametrize("word", ["B2B sales", "the 2nd of 10", "MP3s and H1N1", "20Gb"])
def test_words_with_digits_are_no_numbers_in_disguise(word: str) -> None:
    assert decoded(word) == []


def test_a_number_goes_on_in_the_next_line_unless_a_day_begins_there() -> None:
    assert "800-80-1700 22" in [layer.text for layer in layers("800-80-1700\n22")]
    assert len(list(layers("800-80-1700\n2024-06-01: paid"))) == 1


def test_spaced_letters_are_closed_up_and_two_spaces_stay_one() -> None:
    original = "I am A n n a  Q u i l l."
    (layer,) = decoded(original)
    assert stands_for(layer, original, "Anna Quill") == "A n n a  Q u i l l"


def test_a_layer_holds_only_what_surrounds_what_it_decodes() -> None:
    long = "word " * 50_000
    (layer,) = decoded(f"{long}a%40b{long}c%40d{long}")
    assert "a@b" in layer.text
    assert "c@d" in layer.text
    assert len(layer.text) < 2000


@pytest.mark.parametrize(
    ("character", "plain"),
    [
        ("\u0430", "a"),
        ("\u03bf", "o"),
        ("\u0585", "o"),
        ("\u1d00", "a"),
        ("\u0142", "l"),
        ("\U0001f150", "A"),
        ("\u0663", "3"),
        ("\u2011", "-"),
        ("\u6f22", ""),
        ("\u0436", ""),
    ],
)
def test_a_character_passes_for_another(character: str, plain: str) -> None:
    assert passes_for(character).lower() == plain.lower()


def test_nothing_passes_for_more_than_one_ascii_character() -> None:
    for code in range(0x80, 0x30000):
        passed = passes_for(chr(code))
        assert not passed or (len(passed) == 1 and passed.isascii()), unicodedata.name(chr(code))


def test_a_word_that_is_written_apart_is_read_composed_and_stands_for_itself_as_a_whole() -> None:
    text = "Jose\u0301, " + unicodedata.normalize("NFD", "김민수") + " and A\u0301na"
    fold = folded(text)
    assert fold.text == "Jose, 김민수 and Ana"
    at = fold.text.index("민")
    start, end = fold.span(at, at + 1)
    assert unicodedata.normalize("NFC", text[start:end]) == "김민수"
    start, end = fold.span(fold.text.index("Ana"), len(fold.text))
    assert text[start:end] == "A\u0301na"


def test_in_a_query_an_equals_sign_begins_a_value_and_is_no_escape() -> None:
    said = [layer.text for layer in layers("see https://shop.example/?q=384%2050%204567&p=2")]
    assert any("q=384 50 4567&p=2" in text for text in said)
