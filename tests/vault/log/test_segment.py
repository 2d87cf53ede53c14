"""A segment opens under its vault's key alone, and only as it was sealed."""

from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logkit import create, drafts, forget, secrets_of

from vault.errors import ForeignVault, TamperError
from vault.log.keys import SharedPage
from vault.log.merge import segments
from vault.log.segment import Segment, open_segment, seal_segment

MIRRORS = [b"a" * 32, b"b" * 32]
PAGES = st.builds(SharedPage, st.binary(max_size=16), st.binary(max_size=96))
SEGMENTS = st.builds(
    Segment,
    st.binary(min_size=8, max_size=8),
    st.integers(0, 2**63 - 1),
    st.integers(1, 2**63 - 1),
    st.lists(st.binary(max_size=40), max_size=4),
    st.dictionaries(st.integers(0, 2**63 - 1), PAGES, max_size=3),
    st.lists(st.integers(0, 2**63 - 1), max_size=3).map(tuple),
)


@given(SEGMENTS)
def test_what_was_sealed_is_what_opens(segment):
    assert open_segment(seal_segment(segment, MIRRORS), MIRRORS, "it") == segment


@given(SEGMENTS, st.data())
def test_a_flip_or_a_cut_anywhere_is_refused(segment, data):
    sealed = seal_segment(segment, MIRRORS)
    at = data.draw(st.integers(0, len(sealed) - 1))
    bit = data.draw(st.integers(0, 7))
    flipped = sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :]
    for changed in (flipped, sealed[:at], sealed + b"\0"):
        with pytest.raises((TamperError, ForeignVault)):
            open_segment(changed, MIRRORS, "it")


@given(SEGMENTS)
def test_only_keys_of_its_generation_or_later_ones_open_it(segment):
    old = seal_segment(segment, MIRRORS[:1])
    assert open_segment(old, MIRRORS, "it") == segment
    new = seal_segment(segment, MIRRORS)
    with pytest.raises(ForeignVault, match="rotated"):
        open_segment(new, MIRRORS[:1], "it")
    with pytest.raises(TamperError, match="another vault"):
        open_segment(new, [MIRRORS[0], b"c" * 32], "it")


def test_a_newer_format_is_told_from_damage():
    with pytest.raises(ForeignVault, match="newer format"):
        open_segment(b"twinvault/segment/2\nwhatever", MIRRORS, "it")
    with pytest.raises(TamperError, match="it is damaged"):
        open_segment(b"", MIRRORS, "it")


def test_a_log_is_cut_into_segments_at_the_ends_of_pages_which_are_the_whole_log(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("vault.log.merge.MOST", 1500)
    with closing(create(tmp_path)) as log:
        for number in range(0, 20, 4):
            log.append(drafts(number, 4))
        found = list(segments(log, log.feed, 0, 21))
        assert len(found) > 2
        assert [one.first for one in found] == [0, *(one.size for one in found[:-1])]
        stored = [row[3] for row in log.records.recorder.rows(0, log.head.position)]
        assert [record for one in found for record in one.records] == stored
        assert sum(one.counted()[0] for one in found) == 21


def test_a_segment_holds_no_body_and_no_key_of_what_was_erased(tmp_path):
    with closing(create(tmp_path)) as log:
        ids = log.append(drafts(0, 3))
        body, key = secrets_of(log, [ids[1]])[:2]
        [before] = segments(log, log.feed, 0, 4)
        forget(log, [ids[1]])
        [after] = segments(log, log.feed, 0, 4)
        assert (before.counted()[0], after.counted()[0]) == (4, 3)
        for secret in (body, key):
            assert secret in content(before)
            assert secret not in content(after)


def content(segment: Segment) -> bytes:
    return b"".join([*segment.records, *(page.keys for page in segment.keys.values())])
