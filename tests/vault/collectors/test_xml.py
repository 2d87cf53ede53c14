import io
import tracemalloc

import pytest

from vault.collectors.readers.tree import Stream, Unreadable
from vault.collectors.readers.xml import local, parse, pieces


def stream(data):
    return Stream(io.BytesIO(data), budget=1 << 40, beat=lambda: None)


def both(data):
    """Read a document with one child in both ways."""
    (whole,) = parse(data)
    (piece,) = ((one.text, dict(one.attrib)) for one in pieces(stream(data)))
    assert (whole.text, dict(whole.attrib)) == piece
    return whole


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_document_says_the_same_in_one_piece_and_by_pieces(encoding):
    declared = encoding.removesuffix("-sig")
    data = f'<?xml version="1.0" encoding="{declared}"?><r><a b="é">ü</a></r>'.encode(encoding)
    assert (both(data).text, both(data).get("b")) == ("ü", "é")


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"&#55357;&#56832;", "😀"),
        (b"&#xD83D;&#xDE00;", "😀"),
        (b"&#55357;&#xde00;!", "😀!"),
        (b"a&#55357;b", "a\ufffdb"),
        (b"a&#0;&#11;b&#10;c", "ab\nc"),
        (b"a\x00\x0bb", "ab"),
        (b"&#55000;", "훘"),
        (b"&#xFFFE;x", "x"),
        (b"&#9999999;x", "x"),
    ],
)
def test_what_programs_write_although_xml_forbids_it_is_mended(written, text):
    data = b"<r><a b='" + written + b"'>" + written + b"</a></r>"
    assert both(data).text == text


@pytest.mark.parametrize("shift", range(18))
def test_a_character_is_mended_even_where_two_blocks_part_it(shift):
    data = b"<r><a>" + b"x" * ((1 << 20) - 6 - shift) + b"&#55357;&#56832;</a></r>"
    (piece,) = (one.text for one in pieces(stream(data)))
    assert piece.endswith("x😀")


ENTITIES = [
    b'<!DOCTYPE r [<!ENTITY a "lol">]><r><a>&a;</a></r>',
    b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><a>&x;</a></r>',
    b'<!DOCTYPE r [<!ENTITY % x SYSTEM "http://192.0.2.1/">%x;]><r/>',
    b"<!--" + b"x" * (1 << 21) + b'--><!DOCTYPE r [<!ENTITY a "lol">]><r>&a;</r>',
    '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE r [<!ENTITY a "lol">]><r/>'.encode("utf-16"),
]
BROKEN = [b"", b"words", b"<r>", b"<r><a></r>", b"<r>&unknown;</r>", b"<r>\xff</r>", b"<r/><r/>"]
READERS = [parse, lambda data: list(pieces(stream(data)))]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("data", ENTITIES)
def test_entities_of_its_own_are_refused(reader, data):
    with pytest.raises(Unreadable, match="declares entities"):
        reader(data)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("data", BROKEN)
def test_what_is_damaged_is_told(reader, data):
    with pytest.raises(Unreadable, match="damaged XML"):
        reader(data)


@pytest.mark.parametrize("reader", READERS)
def test_nesting_is_bounded(reader):
    reader(b"<a>" * 200 + b"</a>" * 200)
    with pytest.raises(Unreadable, match="too deeply"):
        reader(b"<a>" * 201 + b"</a>" * 201)


def test_a_document_type_without_declarations_is_no_harm():
    assert parse(b'<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://x"><r/>').tag == "r"


def test_pieces_before_the_damage_are_good():
    found = pieces(stream(b'<r><a n="1"/><a n="2"/><a'))
    assert [next(found).get("n"), next(found).get("n")] == ["1", "2"]
    with pytest.raises(Unreadable, match="damaged XML"):
        next(found)


def test_pieces_come_from_any_depth_and_keep_what_is_in_them():
    data = b"<r n='3'><x><a>1<b/></a><a>2</a></x><y><a/></y></r>"
    assert [(one.tag, one.text, len(one)) for one in pieces(stream(data), depth=2)] == [
        ("a", "1", 1),
        ("a", "2", 0),
        ("a", None, 0),
    ]


class Endless(io.RawIOBase):
    """A document of so many records, none of which exists before it is asked for."""

    def __init__(self, record, count):
        self.blocks = iter([b"<r>", *(record for _ in range(count)), b"</r>"])

    def read(self, size):  # noqa: ARG002 - as long as a block is
        return next(self.blocks, b"")


def test_many_pieces_need_the_memory_of_a_few():
    records = b'<a b="' + b"x" * 1000 + b'"/>'
    source = Stream(Endless(records * 100, 300), budget=1 << 40, beat=lambda: None)
    tracemalloc.start()
    assert sum(1 for _ in pieces(source)) == 30_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 << 20, "of 30 MB"


def test_namespaces_have_dialects():
    assert [local("{urn:x}name"), local("name")] == ["name", "name"]
