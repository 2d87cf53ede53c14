"""What dominates a training set, counted once, said in plain sentences."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.curate.bias import Seen, report


def seen(people=(), *, source="mbox", tags=(), year=2021, characters=100, **others):
    return Seen(
        people=tuple(people),
        source=source,
        type=others.get("type", "message.email.sent"),
        kind=others.get("kind", "reply"),
        style=others.get("style", "plain"),
        tags=tuple(tags),
        at=datetime(year, 5, 1, tzinfo=UTC) if year else None,
        characters=characters,
    )


def dimension(found, name):
    return next(one for one in found.dimensions if one.name == name)


rows = st.lists(
    st.builds(
        seen,
        st.lists(st.sampled_from("abc"), max_size=3),
        source=st.sampled_from(["mbox", "whatsapp"]),
        tags=st.lists(st.sampled_from(["work", "personal"]), max_size=2),
        year=st.sampled_from([None, 2019, 2021, 2024]),
        characters=st.integers(0, 500),
    )
)


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(found, chance):
    assert report(chance.sample(found, len(found))) == report(found)


@given(rows)
def test_classes_of_which_a_row_has_one_add_up_to_everything(found):
    told = report(found)
    source = dimension(told, "source")
    assert sum(one.rows for one in source.classes) == told.rows == len(found)
    assert sum(one.characters for one in source.classes) == told.characters


@given(rows)
def test_there_are_never_more_effective_classes_than_classes(found):
    for one in report(found).dimensions:
        there = sum(each.characters > 0 for each in one.classes)
        assert min(1, there) <= one.effective <= there + 0.01


def test_even_classes_count_in_full_and_a_lone_one_as_one():
    even = report(seen(source=f"s{n % 4}") for n in range(400))
    assert dimension(even, "source").effective == 4.0
    assert dimension(even, "kind").effective == 1.0


def test_a_class_weighs_what_its_characters_weigh():
    told = report([seen("a", characters=900), *(seen("b", characters=10) for _ in range(10))])
    first, second = dimension(told, "people").classes
    assert (first.name, first.rows, first.share) == ("a", 1, 900)
    assert (second.name, second.rows, second.share) == ("b", 10, 100)


def test_a_row_to_two_people_counts_for_both_and_once_each():
    told = report([seen(["a", "b", "a"])])
    assert [(one.name, one.rows) for one in dimension(told, "people").classes] == [
        ("a", 1),
        ("b", 1),
    ]


def test_one_person_to_whom_most_was_written_is_found_without_her_name():
    told = report(seen(["Ada"] if n < 61 else [f"p{n}"], source=f"s{n % 3}") for n in range(100))
    assert "61 % of what is learned was written to one person." in told.findings
    assert not any("Ada" in finding for finding in told.findings)


@pytest.mark.parametrize(("many", "said"), [(39, False), (40, True)])
def test_a_person_dominates_from_two_fifths_on(many, said):
    told = report(seen(["Ada"] if n < many else [f"p{n}"]) for n in range(100))
    assert any("one person" in finding for finding in told.findings) is said


def test_years_that_are_missing_are_said():
    told = report(seen(year=year) for year in (2015, 2018, 2020) for _ in range(100))
    assert "No rows before 2015." in told.findings
    assert "No rows from 2016 to 2017." in told.findings
    assert "No rows from 2019 to 2019." not in told.findings
    assert "No rows in 2019." in told.findings


def test_rows_without_a_date_are_said():
    told = report(seen(year=None if n < 30 else 2021) for n in range(300))
    assert "10 % of what is learned has no date." in told.findings
    assert [one.name for one in dimension(told, "year").classes] == ["2021"]


def test_what_comes_from_one_source_and_is_in_one_style_is_said():
    told = report(seen() for _ in range(300))
    assert "100 % of what is learned comes from one source, mbox." in told.findings
    assert "100 % of what is learned is written in one style, plain." in told.findings


def test_few_rows_say_little():
    assert "There are 3 rows only: shares say little." in report([seen()] * 3).findings


def test_nothing_has_no_shares():
    told = report([])
    assert (told.rows, told.characters) == (0, 0)
    assert told.findings == ("There are no rows.",)
    assert all(one.effective == 0 for one in told.dimensions)
