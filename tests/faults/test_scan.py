"""The scanner finds what was planted, in every form, and nothing where nothing is."""

import base64
import gzip
import os
import zlib

import pytest

from tests.faults.scan import files_of, found_in, found_in_files

WORD = "zanzibarcanary"
TEXT = f"once upon a time a {WORD} sang, and sang, and sang again"


def raw(content):
    stream = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return stream.compress(content) + stream.flush()


PLANTED = {
    "plain": TEXT.encode(),
    "utf-16-le": TEXT.encode("utf-16-le"),
    "utf-16-be": TEXT.encode("utf-16-be"),
    "hex": TEXT.encode().hex().encode(),
    "HEX": TEXT.encode().hex().upper().encode(),
    "base64+0": base64.b64encode(TEXT[1:].encode()),
    "base64+1": base64.b64encode(TEXT[:1].encode() + TEXT[3:].encode()),
    "base64+2": base64.b64encode(TEXT.encode()[2:]),
    "inflated plain": zlib.compress(TEXT.encode()),
    "inflated utf-16-le": gzip.compress(TEXT.encode("utf-16-le")),
    "inflated inflated plain": raw(raw(TEXT.encode()) * 20),
    "inflated hex": raw(TEXT.encode().hex().encode()),
}


@pytest.mark.parametrize("form", PLANTED)
def test_a_planted_word_is_found_in_the_middle_of_anything(form):
    content = os.urandom(3001) + PLANTED[form] + os.urandom(2001)
    forms = {found for _, found in found_in(content, [WORD, "anotherword"])}
    expected = {f"base64+{n}" for n in range(3)} if "base64" in form else {form}
    assert forms & expected
    assert {word for word, _ in found_in(content, [WORD])} == {WORD}


def test_each_alignment_of_base64_is_found():
    for shift in range(3):
        for end in range(3):
            text = b"x" * shift + WORD.encode() + b"y" * end
            assert (WORD, f"base64+{shift}") in found_in(base64.b64encode(text), [WORD])
            assert (WORD, f"base64url+{shift}") in found_in(base64.urlsafe_b64encode(text), [WORD])


def test_a_stream_that_breaks_off_or_is_damaged_gives_what_comes_before():
    long = zlib.compress(TEXT.encode() + os.urandom(5000))
    assert found_in(long[:-3000], [WORD])
    assert found_in(long[:4000] + b"\xff" * 100, [WORD])


def test_nothing_is_found_in_noise():
    assert found_in(os.urandom(200_000), [WORD]) == set()
    assert found_in(b"", [WORD]) == set()
    assert found_in(WORD[:-1].encode() * 100, [WORD]) == set()


def test_files_and_their_names_are_searched_in_all_folders(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "one").write_bytes(zlib.compress(TEXT.encode()))
    (tmp_path / f"{WORD}.txt").write_bytes(b"")
    (tmp_path / "other").write_bytes(b"nothing")
    found = sorted(found_in_files(files_of(tmp_path), [WORD]))
    assert found == [("one", WORD, "inflated plain"), (f"{WORD}.txt", WORD, "plain")]


def test_a_word_too_short_to_be_found_by_no_chance_is_refused():
    with pytest.raises(AssertionError):
        found_in(b"", ["abc"])
