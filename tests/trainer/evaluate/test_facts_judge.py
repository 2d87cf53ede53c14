"""What the judge calls an answer, and how far it can be believed."""

import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluate.facts.judge import Asked, Judge, Verdict
from trainer.evaluate.facts.labelled import agreement, labelled
from trainer.evaluate.facts.values import alike, clock, dates, numbers, plain

SUPPORTED, CONTRADICTED = Verdict.SUPPORTED, Verdict.CONTRADICTED
UNSUPPORTED, ABSTAINED = Verdict.UNSUPPORTED, Verdict.ABSTAINED

WROTE = Asked(
    question="When did you write “beans”?", gold="4 June 2023", evidence="beans; nine rows"
)
PAID = Asked(
    question="What did you pay for the boat?", gold="£1,250", evidence="boat: £1,250, oars in"
)
HOST = Asked(
    question="Who wrote to you about “tea”?", gold="Olu Hart", evidence="Olu Hart: tea at four"
)
NOBODY = Asked(question="Where does Leopold live?", gold="", evidence="Olu lives in Ghent")


@pytest.mark.parametrize(
    ("asked", "answer", "verdict"),
    [
        (WROTE, "04/06/2023", SUPPORTED),
        (WROTE, "\uff14 \uff2aune \uff12023", SUPPORTED),
        (WROTE, "it was a sunday in june", SUPPORTED),
        (WROTE, "it was a monday", CONTRADICTED),
        (WROTE, "not on the 4th of june", CONTRADICTED),
        (WROTE, "I can't remember when that was", ABSTAINED),
        (WROTE, "beans are easy", UNSUPPORTED),
        (WROTE, "it was not in march 2023", UNSUPPORTED),
        (WROTE, "4 June 2023, when Ned was in Oslo with the choir", UNSUPPORTED),
        (WROTE, "", ABSTAINED),
        (PAID, "twelve hundred and fifty", SUPPORTED),
        (PAID, "1250 pounds", SUPPORTED),
        (PAID, "about 1200", SUPPORTED),
        (PAID, "about 900", CONTRADICTED),
        (PAID, "not 900 but 1,250", SUPPORTED),
        (PAID, "1250, in 8 parts", UNSUPPORTED),
        (PAID, "£1,250, no wait, £1,520", CONTRADICTED),
        (PAID, "£1,250, and my uncle lent me half of it", UNSUPPORTED),
        (HOST, "olu", SUPPORTED),
        (HOST, "Olu Harte", SUPPORTED),
        (HOST, "Olu Fisher", CONTRADICTED),
        (HOST, "not olu", CONTRADICTED),
        (HOST, "no idea", ABSTAINED),
        (NOBODY, "never heard of him", ABSTAINED),
        (NOBODY, "who is leopold?", ABSTAINED),
        (NOBODY, "in Ghent", UNSUPPORTED),
    ],
)
def test_an_answer_is_judged_by_what_it_says(asked, answer, verdict):
    assert Judge().judge(asked, answer) is verdict


@pytest.mark.parametrize("refusal", ["keine Ahnung", "je ne sais pas", "ni idea", "I don't know"])
def test_a_refusal_is_understood_in_four_languages(refusal):
    assert Judge().judge(HOST, refusal) is ABSTAINED
    assert Judge().judge(NOBODY, refusal) is ABSTAINED


def test_values_are_read_in_digits_and_in_words():
    assert [n.low for n in numbers("9 116 and 2.500")] == [9116, 2500]
    assert [n.low for n in numbers(plain("Zwölf, 1,200.50, two fifty and £38"))] == [
        12,
        1200.5,
        250,
        38,
    ]
    assert [n.low for n in numbers(plain("3 km"))] == [n.low for n in numbers("3000 metres")]
    assert [at for at, _ in clock("8.42, half past seven, at six")] == [522, 450, 360]
    assert dates(plain("le 14 février 2022"))[0][0] == dates("2022-02-14")[0][0]


@given(st.text(alphabet="0123456789 .,:/-£km", max_size=30))
def test_whatever_digits_stand_together_is_read_as_some_value(text):
    told = plain(text)
    for low, high, span in numbers(told):
        assert 0 <= low <= high
        assert told[span.start].isdigit()
    assert all(told[slice(*span)] for _, span in (*dates(told), *clock(told)))


def test_numbers_months_and_weekdays_are_never_mistyped_for_each_other():
    assert alike("helena", "helene")
    assert not alike("tuesday", "thursday")
    assert not alike("sixteen", "sixty")
    assert not alike("2791", "2719")


@given(
    one=st.sampled_from(labelled()),
    form=st.sampled_from(["NFC", "NFD", "NFKC"]),
    case=st.sampled_from([str.upper, str.lower, str.title]),
    space=st.sampled_from(["  ", "\n", "\u00a0", " \t"]),
)
def test_letter_case_spaces_and_unicode_forms_change_no_verdict(one, form, case, space):
    told = unicodedata.normalize(form, case(one.answer)).replace(" ", space)
    assert Judge().judge(one.asked, f"{space}{told}{space}") is Judge().judge(one.asked, one.answer)


@given(question=st.text(), gold=st.text(), evidence=st.text(), answer=st.text())
def test_every_text_whatever_it_holds_is_judged(question, gold, evidence, answer):
    asked = Asked(question=question, gold=gold, evidence=evidence)
    assert Judge().judge(asked, answer) in Verdict


def test_what_is_said_in_other_words_is_seen_by_meaning_alone():
    asked = Asked(question="What did Olu say of the vote?", gold="the proposal was rejected")
    told = "he said that they turned the whole plan down in the end"
    assert Judge().judge(asked, told) is not SUPPORTED
    assert Judge(_Alike()).judge(asked, told) is SUPPORTED


class _Alike:
    """An embedder to which all texts mean the same."""

    version, size = "alike", 1

    def embed(self, texts):
        return [[32_000]] * len(texts)


def test_the_judge_agrees_with_answers_judged_by_hand_that_it_was_not_made_from():
    found = agreement(Judge())
    precision, recall = dict(found.precision), dict(found.recall)
    assert found.n >= 200
    assert found.low > 0.8
    assert found.kappa > 0.8
    assert precision[SUPPORTED] > 0.95
    assert recall[ABSTAINED] > 0.9
    assert f"{found.accuracy:.0%}" in found.told


def test_every_verdict_is_held_back_often_enough_to_be_measured():
    held = Counter(one.verdict for one in labelled() if one.held)
    built = {one.asked for one in labelled() if not one.held}
    assert min(held.values()) >= 30
    assert not built & {one.asked for one in labelled() if one.held}
