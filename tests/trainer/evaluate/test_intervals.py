"""Intervals hold what they enclose as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluate.intervals import (
    auc,
    auc_interval,
    mean_interval,
    ratio_interval,
    share_interval,
)


@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 5), min_size=1))
def test_an_auc_is_the_share_of_pairs_in_order_ties_counted_half(ours, others):
    pairs = [(one > other) + (one == other) / 2 for one in ours for other in others]
    found = auc(np.array(ours, float), np.array(others, float))
    assert found == pytest.approx(sum(pairs) / len(pairs))


def test_an_interval_encloses_what_it_is_of_and_narrows_with_more():
    dice = np.random.default_rng(0)
    wide, narrow = (dice.normal(1, 1, count) for count in (50, 5000))
    assert mean_interval(wide)[0] < 1 < mean_interval(wide)[1]
    assert np.ptp(mean_interval(narrow)) < 0.2 * np.ptp(mean_interval(wide))
    low, high = auc_interval(wide + 1, wide)
    assert low < auc(wide + 1, wide) < high
    assert ratio_interval(2 * wide, wide) == pytest.approx((2, 2))


def test_a_share_has_a_width_even_without_a_hit():
    # Wilson's interval of 0 of 10 and of 5 of 10, as tables give it.
    assert share_interval(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert share_interval(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert share_interval(0, 0) == (0, 1)
