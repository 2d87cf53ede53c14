"""A part of the rows: as large as asked, fair to every stratum, and moved little by what goes."""

from collections import Counter
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.curate.sampling import Stratified, quarter, sample

SEED = b"a key of some view"


def row(id_, source="mail", style="plain", at=None):
    return Stratified(id=id_, source=source, type="message", style=style, kind="reply", at=at)


def rows_of(counts):
    return [row(f"{name}-{n}", name) for name, count in counts.items() for n in range(count)]


def taken(rows, size, *, balanced=False, by=("source",), seed=SEED):
    return sample(rows, size, by=by, balanced=balanced, seed=seed)


def shares(rows, size, *, balanced=False):
    return Counter(one.partition("-")[0] for one in taken(rows, size, balanced=balanced))


populations = st.dictionaries(
    st.sampled_from("abcdefgh"), st.integers(1, 40), min_size=1, max_size=8
).map(rows_of)


@given(populations, st.integers(0, 200), st.booleans())
def test_as_many_rows_are_taken_as_were_asked_for(rows, size, balanced):
    chosen = taken(rows, size, balanced=balanced)
    assert len(chosen) == min(size, len(rows))
    assert chosen <= {one.id for one in rows}


@given(populations, st.integers(0, 200), st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_makes_no_difference(rows, size, balanced, chance):
    mixed = chance.sample(rows, len(rows))
    assert taken(mixed, size, balanced=balanced) == taken(rows, size, balanced=balanced)


@given(populations, st.integers(0, 200), st.booleans(), st.data())
def test_a_row_that_goes_moves_two_others_at_most(rows, size, balanced, data):
    gone = data.draw(st.sampled_from(rows))
    left = [one for one in rows if one is not gone]
    before = taken(rows, size, balanced=balanced)
    after = taken(left, size, balanced=balanced)
    assert len((before ^ after) - {gone.id}) <= 2


@given(populations, st.integers(0, 200), st.booleans())
def test_no_stratum_is_left_out_while_there_is_room_for_all(rows, size, balanced):
    strata = {one.source for one in rows}
    if size >= len(strata):
        assert shares(rows, size, balanced=balanced).keys() == strata


@given(populations, st.integers(8, 200))
def test_a_proportional_stratum_is_off_by_fewer_rows_than_there_are_strata(rows, size):
    counts = Counter(one.source for one in rows)
    for name, many in shares(rows, size).items():
        exact = min(size, len(rows)) * counts[name] / len(rows)
        assert abs(many - exact) < len(counts)


@given(populations, st.integers(0, 200))
def test_balanced_strata_differ_by_one_unless_they_are_exhausted(rows, size):
    counts, many = Counter(one.source for one in rows), shares(rows, size, balanced=True)
    most = max(many.values(), default=0)
    assert all(many[name] >= most - 1 or many[name] == counts[name] for name in counts)


@given(populations, st.integers(0, 100), st.booleans())
def test_a_larger_part_holds_the_smaller_one(rows, size, balanced):
    assert taken(rows, size, balanced=balanced) <= taken(rows, size + 1, balanced=balanced)


def test_shares_follow_those_of_all_rows_but_for_the_place_of_the_smallest():
    rows = rows_of({"mail": 600, "chat": 300, "notes": 98, "posts": 2})
    assert shares(rows, 100) == {"mail": 59, "chat": 30, "notes": 10, "posts": 1}


def test_what_a_small_stratum_lacks_the_others_give():
    rows = rows_of({"mail": 600, "chat": 300, "notes": 10})
    assert shares(rows, 110, balanced=True) == {"mail": 50, "chat": 50, "notes": 10}


def test_where_there_are_more_strata_than_places_the_largest_have_them():
    rows = rows_of({"mail": 9, "chat": 5, "notes": 7, "posts": 1})
    for balanced in (False, True):
        assert shares(rows, 2, balanced=balanced) == {"mail": 1, "notes": 1}


def test_another_key_takes_other_rows():
    rows = rows_of({"mail": 200})
    assert taken(rows, 50) != taken(rows, 50, seed=b"another key")


def test_without_strata_every_row_has_the_same_chance():
    rows = rows_of({"mail": 500, "chat": 500})
    Random(1).shuffle(rows)
    chosen = sample(rows, 400, by=(), balanced=False, seed=SEED)
    assert 150 < sum(one.startswith("mail") for one in chosen) < 250


def test_strata_are_sorted_by_several_things_together():
    old, new = datetime(2019, 1, 1, tzinfo=UTC), datetime(2022, 12, 31, tzinfo=UTC)
    rows = [row(f"{n}", at=old if n % 4 else new, style="plain") for n in range(100)]
    rows += [row(f"terse {n}", at=new, style="terse") for n in range(100)]
    chosen = sample(rows, 30, by=("style", "time"), balanced=True, seed=SEED)
    kept = Counter((one.style, one.time) for one in rows if one.id in chosen)
    assert set(kept.values()) == {10}


@pytest.mark.parametrize(("month", "name"), [(1, "1"), (3, "1"), (4, "2"), (9, "3"), (12, "4")])
def test_a_quarter_has_three_months(month, name):
    assert quarter(datetime(2021, month, 5, tzinfo=UTC)) == f"2021-Q{name}"


def test_what_has_no_date_is_in_no_quarter():
    assert quarter(None) == ""
