import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.collectors.readers.mail import mailbox
from vault.collectors.readers.tree import Stream

ENVELOPE = b"From a@b.example Mon Jan  2 15:04:05 2012\n"


def split(data: bytes, **kwargs: int) -> list[mailbox.Message]:
    stream = Stream(io.BytesIO(data), budget=1 << 40, beat=lambda: None)
    return list(mailbox.messages(stream, **kwargs))


def test_sentences_that_begin_with_from_do_not_split():
    body = b"A: b\n\nFrom here it is 12:30 by train.\nFrom: nobody\n\nFrom me\nX: y\n"
    (message,) = split(ENVELOPE + body)
    assert message.raw == body


def test_old_envelopes_split_where_a_blank_line_stands_before():
    data = b"From - \nA: b\n\none\n\nFrom - \nA: b\n\ntwo\nFrom -\nC: d\n"
    assert [message.raw for message in split(data)] == [
        b"A: b\n\none\n\n",
        b"A: b\n\ntwo\nFrom -\nC: d\n",
    ]


def test_a_byte_order_mark_and_crlf_are_no_hindrance():
    data = b"\xef\xbb\xbf" + (ENVELOPE + b"A: b\n\none\n\n" + ENVELOPE + b"A: b\n\ntwo\n").replace(
        b"\n", b"\r\n"
    )
    one, two = split(data)
    assert one.offset == 3
    assert two.raw == b"A: b\r\n\r\ntwo\r\n"
    assert mailbox.is_mailbox(data)


def test_only_one_level_of_escaping_is_taken_off():
    (message,) = split(ENVELOPE + b"A: b\n\n>From x\n>>From y\n> From z\n")
    assert message.raw == b"A: b\n\nFrom x\n>From y\n> From z\n"


@pytest.mark.parametrize("block", [7, 64, 1000])
def test_where_blocks_end_makes_no_difference(monkeypatch, block):
    parts = [
        ENVELOPE + b"A: %d\n\n" % number + b"x" * (number * 37) + b"\n>From q\n\n"
        for number in range(40)
    ]
    data = b"".join(parts)
    whole = split(data)
    monkeypatch.setattr(mailbox, "_BLOCK", block)
    assert split(data) == whole
    assert [message.offset for message in whole] == [
        sum(map(len, parts[:number])) for number in range(40)
    ]


def test_a_message_that_is_too_large_is_told_and_the_next_one_read(monkeypatch):
    monkeypatch.setattr(mailbox, "_LARGEST", 10_000)
    monkeypatch.setattr(mailbox, "_BLOCK", 4096)
    first, third = ENVELOPE + b"A: 1\n\none\n\n", ENVELOPE + b"A: 3\n\nthree\n"
    second = ENVELOPE + b"A: 2\n\n" + b"y\n" * 50_000 + b"\n"
    one, two, three = split(first + second + third)
    assert (two.raw, two.offset, two.size) == (None, len(first), len(second))
    assert (one.raw, three.raw) == (b"A: 1\n\none\n\n", b"A: 3\n\nthree\n")
    assert three.offset == len(first + second)


def test_an_offset_skips_what_lies_before():
    data = ENVELOPE + b"A: 1\n\n\n" + ENVELOPE + b"A: 2\n"
    assert split(data, offset=len(ENVELOPE) + 7) == split(data)[1:]


@given(
    st.lists(
        st.sampled_from([ENVELOPE, b"From - \n", b"\n", b"A: b\n", b">From x\n", b"x", b"From "])
    )
)
def test_no_byte_after_the_first_separator_is_lost(pieces):
    data = ENVELOPE + b"A: b\n" + b"".join(pieces)
    messages = split(data)
    assert sum(message.size for message in messages) == len(data)
