"""The recorder: the library's own test cases, and that rows are append-only."""

import sqlite3
import tempfile
from uuid import uuid4

import pytest
from eventsourcing.dcb.api import DCBAppendCondition, DCBEvent, DCBQuery, DCBQueryItem
from eventsourcing.dcb.tests import DCBRecorderTestCase
from eventsourcing.persistence import IntegrityError, ProgrammingError
from hypothesis import given
from hypothesis import strategies as st

from vault.errors import StorageError, TamperError
from vault.log.sqlite import Datastore, SQLiteDCBRecorder, open_log, truncate_wal


class TestTheLibrarysOwnCases(DCBRecorderTestCase):
    def recorder(self, name: str) -> SQLiteDCBRecorder:
        recorder = SQLiteDCBRecorder(Datastore(name))
        recorder.create_table()
        self.addCleanup(recorder.datastore.close)
        return recorder

    def test_append_and_read_in_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            self._test_append_read(self.recorder(f"{folder}/log.db"))

    def test_append_and_read_in_memory(self):
        self._test_append_read(self.recorder("file:log?mode=memory&cache=shared"))

    def test_subscribe(self):
        with tempfile.TemporaryDirectory() as folder:
            self._test_append_subscribe(self.recorder(f"{folder}/log.db"))


del DCBRecorderTestCase


@pytest.fixture
def recorder(tmp_path):
    recorder = open_log(tmp_path / "log.db", create=True)
    yield recorder
    recorder.datastore.close()


def test_rows_can_be_cut_short_and_nothing_else(recorder, tmp_path):
    recorder.append([DCBEvent("t", b"headbody", ["a"]), DCBEvent("t", b"x", [])])
    forbidden = [
        "UPDATE event SET data = 'other' WHERE position = 1",
        "UPDATE event SET data = data || 'x' WHERE position = 1",
        "UPDATE event SET type = 'u' WHERE position = 1",
        "UPDATE event SET tags = '' WHERE position = 1",
        "UPDATE event SET position = 9 WHERE position = 1",
        "UPDATE event SET data = 'he', type = 'u' WHERE position = 1",
        "DELETE FROM event WHERE position = 2",
        "INSERT OR REPLACE INTO event VALUES(1, 't', '', x'00')",
    ]
    with sqlite3.connect(tmp_path / "log.db") as plain:
        plain.execute("PRAGMA recursive_triggers = ON")
        for statement in forbidden:
            with pytest.raises(sqlite3.IntegrityError):
                plain.execute(statement)
    plain.close()
    recorder.cut([(1, b"head")])
    assert [stored.event.data for stored in recorder.read()] == [b"head", b"x"]


def test_every_connection_is_durable_and_leaves_no_residue(recorder):
    with recorder.datastore.transaction(commit=False) as cursor:
        for pragma, value in {
            "journal_mode": "wal",
            "synchronous": 2,
            "secure_delete": 1,
            "trusted_schema": 0,
            "cell_size_check": 1,
            "temp_store": 2,
        }.items():
            cursor.execute(f"PRAGMA {pragma}")
            assert cursor.fetchone()[0] == value


def test_a_file_of_one_process_is_written_once_and_then_as_ever(recorder, tmp_path):
    with recorder.written_once():
        assert mode(recorder) == "delete"
        recorder.append([DCBEvent("a", b"x", [])])
        assert not list(tmp_path.glob("*-wal"))
    assert mode(recorder) == "wal"
    assert [stored.event.data for stored in recorder.read()] == [b"x"]


def mode(recorder):
    with recorder.datastore.transaction(commit=False) as cursor:
        cursor.execute("PRAGMA journal_mode")
        return cursor.fetchone()[0]


def test_appending_nothing_is_a_mistake(recorder):
    with pytest.raises(ProgrammingError):
        recorder.append([])


def test_a_refused_append_leaves_nothing(recorder):
    query = DCBQuery([DCBQueryItem(["t"], ["a"])])
    recorder.append([DCBEvent("t", b"1", ["a"])])
    with pytest.raises(IntegrityError):
        recorder.append([DCBEvent("t", b"2", ["b"])], DCBAppendCondition(query, 0))
    assert recorder.append([DCBEvent("t", b"2", ["b"])], DCBAppendCondition(query, 1)) == 2
    assert recorder.end() == 2


TAGS = st.lists(
    st.sampled_from(["a", "b", "ab", "f" * 32, "not hexadecimal, but as long ......"]), max_size=3
)
QUERY = st.lists(
    st.builds(DCBQueryItem, st.lists(st.sampled_from("tu"), max_size=2, unique=True), TAGS),
    max_size=3,
)


@given(
    st.lists(st.tuples(st.sampled_from("tu"), TAGS), min_size=1, max_size=30),
    QUERY,
    st.integers(0, 30),
)
def test_queries_find_what_the_definition_says(events, items, after):
    recorder = SQLiteDCBRecorder(Datastore(f"file:{uuid4().hex}?mode=memory&cache=shared"))
    recorder.create_table()
    recorder.append([DCBEvent(topic, b"", tags) for topic, tags in events])
    found = [stored.position for stored in recorder.read(DCBQuery(items), after=after)]
    recorder.datastore.close()
    assert found == [
        position
        for position, (topic, tags) in enumerate(events, 1)
        if position > after
        and (
            not items
            or any(
                (not item.types or topic in item.types) and set(tags) >= set(item.tags)
                for item in items
            )
        )
    ]


def test_tags_are_found_before_and_after_they_move_to_the_larger_indexes(recorder):
    pages = 150
    for page in range(pages):
        recorder.append(
            [DCBEvent("t", b"", [f"{page * 1000 + i:016x}" + "0" * 16]) for i in range(1000)]
        )
    with recorder.datastore.transaction(commit=False) as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM tag), (SELECT count(*) FROM mid_tag), "
            "(SELECT count(*) FROM new_tag)"
        )
        large, middle, new = cursor.fetchone()
    assert large + middle + new == pages * 1000
    assert 0 < new < middle < large
    wanted = [f"{number:016x}" + "0" * 16 for number in range(0, pages * 1000, 7)]
    pairs = [(tag, int(tag[:16], 16) + 1) for tag in wanted]
    assert recorder.count_indexed(pairs[::9]) == len(pairs[::9])
    assert recorder.count_indexed([(tag, position + 1) for tag, position in pairs[::9]]) == 0
    assert recorder.extent(wanted) == {
        tag: (int(tag[:16], 16) + 1, int(tag[:16], 16) + 1) for tag in wanted
    }
    assert recorder.index_size(5) == 5
    assert recorder.index_size(pages * 1000) == pages * 1000


def test_a_file_that_was_made_without_the_middle_index_gets_one(tmp_path):
    path = tmp_path / "log.db"
    recorder = open_log(path, create=True)
    recorder.append([DCBEvent("t", b"", ["tag"])])
    with recorder.datastore.transaction(commit=True) as cursor:
        cursor.execute("DROP VIEW any_tag")
        cursor.execute("DROP TABLE mid_tag")
        cursor.execute(
            "CREATE VIEW any_tag AS SELECT hash, position FROM tag "
            "UNION ALL SELECT hash, position FROM new_tag"
        )
    recorder.datastore.close()
    for _ in range(2):
        recorder = open_log(path)
        assert recorder.extent(["tag"]) == {"tag": (1, 1)}
        assert recorder.count_indexed([("tag", 1)]) == 1
        recorder.datastore.close()


def test_reading_stops_where_the_log_ended_when_it_began(recorder):
    recorder.append([DCBEvent("t", b"", []) for _ in range(1500)])
    reading = recorder.read()
    next(reading)
    recorder.append([DCBEvent("t", b"", [])])
    assert reading.head == 1500
    assert len(list(reading)) == 1499
    assert len(list(recorder.read(limit=1200))) == 1200


def test_a_reader_keeps_the_log_from_being_emptied_and_is_named(recorder, tmp_path, monkeypatch):
    monkeypatch.setattr("vault.log.sqlite._TRUNCATE_TRIES", 2)
    recorder.append([DCBEvent("t", b"", [])])
    reader = sqlite3.connect(tmp_path / "log.db", isolation_level=None)
    reader.execute("PRAGMA busy_timeout = 0")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM event").fetchall()
    recorder.append([DCBEvent("t", b"", [])])
    quick = sqlite3.connect(tmp_path / "log.db", timeout=0.01, isolation_level=None)
    with pytest.raises(StorageError, match="read by another process"):
        truncate_wal(quick.execute, "log.db")
    reader.close()
    truncate_wal(quick.execute, "log.db")
    quick.close()
    assert (tmp_path / "log.db-wal").stat().st_size == 0


def test_a_file_that_is_gone_or_no_database_is_tampering(tmp_path):
    with pytest.raises(TamperError, match="missing"):
        open_log(tmp_path / "log.db")
    (tmp_path / "log.db").write_bytes(b"not a database, but as long as one needs to be " * 50)
    with pytest.raises(TamperError, match="damaged"):
        open_log(tmp_path / "log.db").end()
