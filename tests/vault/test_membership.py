"""What one root says about a set: who is in it, who is not, and nothing that is not so."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import RootMismatch
from vault.membership import Members, is_member

NAMES = st.sets(st.text(max_size=8), min_size=1, max_size=40)


@given(NAMES, st.text(max_size=8))
def test_a_proof_says_of_any_name_whether_it_is_there(names, asked):
    members = Members(names)
    shown = members.about(asked)
    assert is_member(asked, shown, members.size, members.root) is (asked in names)


@given(NAMES, st.text(max_size=8), st.text(max_size=8))
def test_leaves_for_one_name_show_nothing_false_of_another(names, asked, other):
    members = Members(names)
    try:
        said = is_member(other, members.about(asked), members.size, members.root)
    except RootMismatch:
        return
    assert said is (other in names)


@given(NAMES, st.text(max_size=8), st.data())
def test_a_changed_leaf_shows_nothing(names, asked, data):
    members = Members(names)
    leaves = list(members.about(asked))
    at = data.draw(st.integers(0, len(leaves) - 1))
    bit = bytes([leaves[at].digest[0] ^ 1])
    leaves[at] = replace(leaves[at], digest=bit + leaves[at].digest[1:])
    with pytest.raises(RootMismatch):
        is_member(asked, leaves, members.size, members.root)


@pytest.fixture
def hundred():
    return Members(map(str, range(100)))


def test_absence_is_not_shown_by_leaves_that_are_no_neighbours(hundred):
    """Leaves that surround a member, with it left out between them, are two places apart."""
    [own] = hundred.about("7")
    around = [hundred._leaf(own.index - 1), hundred._leaf(own.index + 1)]
    with pytest.raises(RootMismatch, match="neither"):
        is_member("7", around, hundred.size, hundred.root)
    left, right = hundred.about("absent")
    for leaves in ([right, left], [left], [right], [], [left, right, right]):
        with pytest.raises(RootMismatch, match="neither"):
            is_member("absent", leaves, hundred.size, hundred.root)


def test_a_place_that_is_moved_or_a_smaller_tree_leads_elsewhere(hundred):
    left, right = hundred.about("absent")
    moved = [replace(left, index=left.index - 1), right]
    other = Members(map(str, range(101)))
    for leaves, size, root in (
        (moved, hundred.size, hundred.root),
        ([left, right], right.index, hundred.root),
        ([left, right], hundred.size, other.root),
        ([left, right], hundred.size, "no root"),
    ):
        with pytest.raises(RootMismatch, match="does not lead"):
            is_member("absent", leaves, size, root)


def test_of_an_empty_set_nothing_can_be_shown():
    empty = Members([])
    with pytest.raises(RootMismatch):
        is_member("x", empty.about("x"), empty.size, empty.root)
