"""Spans of many finders are made few."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from projections.redaction.kinds import Kind, Known
from projections.redaction.spans import Place, united, widened
from vault.aliases import Part

ANNA = Known(b"anna", Part.FIRST)


def place(text, words, kind, known=None):
    start = text.index(words)
    return Place(start, start + len(words), kind, words, known)


def test_the_longest_says_what_a_union_is():
    text = "mail anna.keller@corp.example now"
    mail = place(text, "anna.keller@corp.example", Kind.EMAIL)
    host = place(text, "corp.example", Kind.URL)
    assert united([host, mail], text) == [mail]


def test_spans_that_overlap_in_part_are_covered_whole():
    text = "12 Mill Lane Hexham NE46"
    [one] = united(
        [place(text, "12 Mill Lane", Kind.ADDRESS), place(text, "Lane Hexham", Kind.LOC)], text
    )
    assert (text[one.start : one.end], one.kind, one.whole) == (
        "12 Mill Lane Hexham",
        Kind.ADDRESS,
        False,
    )


def test_a_known_person_is_herself_inside_a_guessed_name():
    text = "ask Miss Anna Keller, please"
    guessed = place(text, "ask Miss Anna Keller", Kind.PERSON)
    known = place(text, "Anna", Kind.PERSON, ANNA)
    found = [(one.written, one.known) for one in united([guessed, known], text)]
    assert found == [("Anna", ANNA), ("Keller", None)]


def test_a_known_person_in_an_address_does_not_take_it_apart():
    text = "anna@corp.example"
    mail = place(text, text, Kind.EMAIL)
    assert united([mail, place(text, "anna", Kind.PERSON, ANNA)], text) == [mail]


def test_signs_around_somebody_known_do_not_hide_who_she_is():
    text = "follow @anna_k please"
    handle = place(text, "@anna_k", Kind.HANDLE)
    known = place(text, "anna_k", Kind.HANDLE, ANNA)
    assert united([handle, known], text) == [known]


def test_no_half_word_is_left():
    text = "the Kowalskiego house"
    found = widened(place(text, "Kowalski", Kind.PERSON), text)
    assert (found.written, text[found.start : found.end]) == ("Kowalskiego", "Kowalskiego")


def test_scripts_without_spaces_are_not_widened():
    text = "昨天王小明来了"
    found = place(text, "王小明", Kind.PERSON)
    assert widened(found, text) == found


PLACES = st.builds(
    lambda start, length, kind, known: Place(
        start, start + length, kind, "x" * length, ANNA if known else None
    ),
    st.integers(0, 60),
    st.integers(1, 20),
    st.sampled_from(Kind),
    st.booleans(),
)


@given(st.lists(PLACES, max_size=12))
def test_all_that_was_found_is_covered_once(places):
    found = united(places, "x" * 80)
    assert all(a.end <= b.start for a, b in pairwise(found))
    covered = {at for one in found for at in range(one.start, one.end)}
    left = {at for one in places for at in range(one.start, one.end)} - covered
    # A letter beside somebody known is a possessive's, or goes when words are made whole.
    assert not any(at + 1 in left for at in left)
