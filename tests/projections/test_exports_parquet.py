"""Rows as a Parquet file, read back with pyarrow."""

import hashlib
import sys
from itertools import pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.errors import ProjectionError
from projections.exports import parquet
from projections.exports.chat import line
from projections.exports.parquet import COLUMNS, write
from projections.roots import Root
from tests.projections.exportable import many, row, rows
from vault.consent import Profile
from vault.log.merkle import leaf_hash, root_of


@pytest.fixture
def out(tmp_path):
    return tmp_path / "rows.parquet"


def put(found, out):
    return write(found, out, home=out.parent / "vault")


@settings(max_examples=30, deadline=None)
@given(found=st.lists(rows(), min_size=1, max_size=5))
def test_what_was_written_is_what_is_read(found, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "rows.parquet"
    put(found, out)
    read = pq.read_table(out).to_pylist()
    assert [one["id"] for one in read] == [one.id for one in found]
    for one, wrote in zip(read, found, strict=True):
        facts = wrote.facts
        assert [(m["role"], m["content"]) for m in one["messages"]] == [
            (m.role, m.content) for m in wrote.messages
        ]
        assert (one["split"], one["at"]) == (wrote.split, wrote.at)
        assert tuple(one["statements"]) == wrote.statements
        assert [one[name] for name in ("pair", "kind", "type", "source", "style")] == [
            facts.pair, facts.kind, facts.type, facts.source, facts.style,
        ]  # fmt: skip
        assert (tuple(one["tags"]), tuple(one["masked"])) == (facts.tags, facts.masked)
        assert Profile(one["profile"]) is facts.profile
        assert one["content"] == hashlib.sha256(line(wrote)).hexdigest()


def test_every_column_is_typed_and_says_what_it_holds(out):
    put(many(1), out)
    schema = pq.read_schema(out)
    assert schema.names == list(COLUMNS)
    for field in schema:
        assert field.metadata == {b"description": COLUMNS[field.name].encode()}
        assert field.nullable == (field.name == "at")
    assert schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert schema.field("masked").type == pa.map_(pa.string(), pa.int32())
    assert schema.field("messages").type.value_type.names == ["role", "content"]


def test_the_file_names_its_format_its_rows_and_its_content_root(out):
    found = [*many(6), row(split="held")]
    table = put(found, out)
    named = pq.read_metadata(out).metadata
    assert named[b"twinvault.format"] == b"1"
    assert named[b"twinvault.rows"] == b"7"
    ids = sorted(bytes.fromhex(one) for one in pq.read_table(out)["id"].to_pylist())
    assert named[b"twinvault.root"].decode() == table.root
    assert table.root == root_of([leaf_hash(one) for one in ids]).hex()
    assert named[b"twinvault.learned"].decode() == table.learned
    ids.remove(bytes.fromhex(found[-1].id))
    assert table.learned == root_of([leaf_hash(one) for one in ids]).hex()


def test_the_same_rows_are_the_same_bytes(out):
    put(many(100), out)
    before = out.read_bytes()
    put(iter(many(100)), out)
    assert out.read_bytes() == before
    put(many(99), out)
    assert out.read_bytes() != before


def test_groups_are_bounded_by_rows_and_by_bytes(out, monkeypatch):
    monkeypatch.setattr(parquet, "_ROWS", 4)
    monkeypatch.setattr(parquet, "_BYTES", 2000)
    put([*many(9), row(("user", "a" * 2000), ("assistant", "b")), row(event="last")], out)
    meta = pq.read_metadata(out)
    assert [meta.row_group(n).num_rows for n in range(meta.num_row_groups)] == [4, 4, 2, 1]


def test_no_rows_and_faulty_rows_make_no_file(out):
    for found in ([], [*many(3), row(("user", "a"))]):
        with pytest.raises(ProjectionError):
            put(found, out)
    assert list(out.parent.iterdir()) == []


def test_without_pyarrow_one_sentence_says_the_way_out(out, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ProjectionError, match=r"twinvault\[parquet\].*--format jsonl"):
        put(many(1), out)
    assert not out.exists()


@settings(deadline=None)
@given(found=st.lists(st.integers(), unique=True, max_size=20), data=st.data())
def test_the_content_root_is_that_of_rfc_9162_in_any_order(found, data):
    made = [row(event=str(number)) for number in found]
    root, other = Root(), Root()
    for one in made:
        root.add(one)
    for one in data.draw(st.permutations(made)):
        other.add(one)
    leaves = [leaf_hash(one) for one in sorted(bytes.fromhex(one.id) for one in made)]
    assert root.hex() == other.hex() == root_of(leaves).hex()


@settings(deadline=None)
@given(st.lists(st.binary(min_size=32, max_size=32) | st.just(bytes(32)), max_size=30))
def test_digests_are_sorted_as_bytes(digests):
    root = Root()
    root._digests += b"".join(digests)
    found = list(root._sorted())
    assert sorted(digests) == found
    assert all(a <= b for a, b in pairwise(found))
