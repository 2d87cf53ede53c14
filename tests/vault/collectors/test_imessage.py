import contextlib
import sqlite3
import zipfile
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from vault.collectors.readers.archives import grow
from vault.collectors.readers.sqlite import Database
from vault.collectors.readers.tree import Unreadable
from vault.collectors.readers.typedstream import first_string
from vault.collectors.sources.imessage import SOURCE
from vault.items import Agent, Bad, Content, Item, Progress

EPOCH = 978307200
SCHEMA = """
CREATE TABLE message (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE NOT NULL,
  text TEXT, handle_id INTEGER DEFAULT 0, subject TEXT, attributedBody BLOB, service TEXT,
  date INTEGER, is_from_me INTEGER DEFAULT 0, item_type INTEGER DEFAULT 0,
  associated_message_guid TEXT, associated_message_type INTEGER DEFAULT 0,
  thread_originator_guid TEXT, destination_caller_id TEXT, cache_has_attachments INTEGER);
CREATE TABLE handle (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, service TEXT);
CREATE TABLE chat (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT UNIQUE, style INTEGER,
  chat_identifier TEXT, display_name TEXT);
CREATE TABLE chat_message_join (chat_id INTEGER, message_id INTEGER, PRIMARY KEY (chat_id, message_id));
CREATE TABLE chat_handle_join (chat_id INTEGER, handle_id INTEGER);
CREATE TABLE attachment (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, filename TEXT,
  transfer_name TEXT, mime_type TEXT);
CREATE TABLE message_attachment_join (message_id INTEGER, attachment_id INTEGER);
INSERT INTO handle VALUES (1, '+447700900123', 'iMessage'), (2, 'Grace@example.org', 'iMessage');
INSERT INTO chat VALUES (1, 'iMessage;-;+447700900123', 45, '+447700900123', NULL),
  (2, 'iMessage;+;chat99', 43, 'chat99', 'Engines');
INSERT INTO chat_handle_join VALUES (1, 1), (2, 1), (2, 2);
"""


def archived(text):
    """An NSAttributedString as a typedstream, with one attribute run behind the string."""
    words = text.encode()
    size = bytes((len(words),)) if len(words) < 128 else b"\x81" + len(words).to_bytes(2, "little")
    return (
        b"\x04\x0bstreamtyped\x81\xe8\x03\x84\x01@\x84\x84\x84\x12NSAttributedString\x00"
        b"\x84\x84\x08NSObject\x00\x85\x92\x84\x84\x84\x08NSString\x01\x94\x84\x01+"
        + size + words
        + b"\x86\x84\x02iI\x01\x05\x92\x84\x84\x84\x0cNSDictionary\x00\x94\x84\x01i\x00\x86\x86"
    )  # fmt: skip


def message(database, number, chat=1, **values):
    values = {"guid": f"G{number}", "date": (1_700_000_000 - EPOCH + number) * 10**9} | values
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    database.execute(
        f"INSERT INTO message (ROWID, {names}) VALUES (?, {marks})",
        (number, *values.values()),
    )
    if chat:
        database.execute("INSERT INTO chat_message_join VALUES (?, ?)", (chat, number))


def fill(database):
    database.executescript(SCHEMA)
    message(database, 1, text="Are you awake?", handle_id=1, destination_caller_id="+447700900999")
    message(database, 2, is_from_me=1, attributedBody=archived("Always 🦀"), handle_id=1)
    message(database, 3, text="Loved “Always”", associated_message_type=2000, handle_id=1)
    message(database, 4, item_type=2, text="Engines", chat=2, handle_id=2)
    message(database, 5, chat=2, handle_id=2, text="both of you", thread_originator_guid="G2")
    message(database, 6, text="\ufffc", handle_id=1)
    message(database, 7, text="by phone", service="SMS", handle_id=1)
    message(database, 8, text="old clock", date=1_700_000_008 - EPOCH, is_from_me=1)
    message(database, 9, is_from_me=1)
    database.execute(
        "INSERT INTO attachment VALUES (1, 'A', '~/Library/Messages/Attachments/ab/U1/a.jpg', 'a.jpg', '')"
    )
    database.execute("INSERT INTO message_attachment_join VALUES (6, 1)")


@pytest.fixture
def export(tmp_path):
    folder = tmp_path / "Messages"
    (folder / "Attachments/ab/U1").mkdir(parents=True)
    (folder / "Attachments/ab/U1/a.jpg").write_bytes(b"\xff\xd8 right")
    (folder / "Attachments/ab/U2").mkdir()
    (folder / "Attachments/ab/U2/a.jpg").write_bytes(b"\xff\xd8 wrong")
    with closing(sqlite3.connect(folder / "chat.db")) as database:
        fill(database)
        database.commit()
    return folder


def read(path):
    tree = grow(path)
    part = tree.sub([file for file in tree.files if file.name == "chat.db"])
    records = list(SOURCE.read(part, None, frozenset()))
    return [record for record in records if not isinstance(record, Progress)]


def items(path):
    return [record for record in read(path) if isinstance(record, Item)]


def test_a_database_is_exactly_these_messages(export):
    phone = Agent(id="tel:+447700900123", name="+447700900123")
    grace = Agent(id="mailto:grace@example.org", name="Grace@example.org")
    owner = Agent(id="tel:+447700900999", name="+447700900999")
    direct, group = "+447700900123", "chat99"
    found = [
        (item.native_id, item.type, item.author, item.to, item.conversation, item.text)
        for item in items(export)
    ]
    assert found == [
        ("G1", "message.chat.direct.received", phone, (owner,), direct, "Are you awake?"),
        ("G2", "message.chat.direct.sent", None, (phone,), direct, "Always 🦀"),
        ("G5", "message.chat.group.received", grace, (phone,), group, "both of you"),
        ("G6", "message.chat.direct.received", phone, (), direct, ""),
        ("G7", "message.sms.received", phone, (), direct, "by phone"),
        ("G8", "message.chat.direct.sent", None, (phone,), direct, "old clock"),
    ]


def test_times_are_nanoseconds_or_seconds_since_2001(export):
    times = {item.native_id: (item.at, item.assumed) for item in items(export)}
    assert times["G1"] == (datetime(2023, 11, 14, 22, 13, 21, tzinfo=UTC), False)
    assert times["G8"] == (datetime(2023, 11, 14, 22, 13, 28, tzinfo=UTC), False)


def test_a_reply_leads_to_the_message_it_answers(export):
    assert {item.reply_to for item in items(export)} == {"", "G2"}


def test_an_attachment_is_the_one_of_its_folder_and_comes_with_its_bytes(export):
    records = read(export)
    at = next(n for n, record in enumerate(records) if record.locator.endswith("#6"))
    digest = sha256(b"\xff\xd8 right").hexdigest()
    assert [shown.sha256 for shown in records[at].attachments] == [digest]
    assert records[at + 1] == Content(sha256=digest, part=0, parts=1, data=b"\xff\xd8 right")
    (export / "Attachments/ab/U1/a.jpg").unlink()
    assert not any(item.attachments for item in items(export)), "that of U2 is another message's"


def test_a_zipped_database_reads_the_same_and_so_does_the_second_reading(export, tmp_path):
    first = [(item.native_id, item.text) for item in items(export)]
    path = tmp_path / "backup.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(export / "chat.db", "renamed/chat.db")
    assert [(item.native_id, item.text) for item in items(path)] == first
    assert read(export) == read(export)


def test_a_database_is_known_by_its_tables_whatever_its_name(export):
    (export / "chat.db").rename(export / "copy.sqlite")
    with closing(sqlite3.connect(export / "other.db")) as other:
        other.execute("CREATE TABLE t (x)")
    tree = grow(export)
    sure = {file.name: SOURCE.detect(tree.sub([file])) for file in tree.files}
    assert sure == {"copy.sqlite": 0.99, "other.db": 0.0, "a.jpg": 0.0}


def test_messages_that_still_lie_in_the_log_beside_are_read(export, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    with closing(sqlite3.connect(export / "chat.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA wal_autocheckpoint=0")
        message(database, 20, text="only in the log", handle_id=1)
        database.commit()
        message(database, 21, text="x" * 9000, handle_id=1)
        database.commit()
        for name in ("chat.db", "chat.db-wal", "chat.db-shm"):
            (copy / name).write_bytes((export / name).read_bytes())
    assert [len(item.text) for item in items(copy)][-2:] == [15, 9000]
    tree = grow(copy)
    list(SOURCE.read(tree.sub([file for file in tree if file.suffix == ".db"]), None, frozenset()))
    assert len(tree.opened) == 3, "nobody is told that the log was not read"
    log = (copy / "chat.db-wal").read_bytes()
    (copy / "chat.db-wal").write_bytes(log[:-5000])
    assert [len(item.text) for item in items(copy)][-2:] == [9, 15], "what was never finished"
    (copy / "chat.db-wal").write_bytes(log[:-9] + b"?" + log[-8:])
    assert [len(item.text) for item in items(copy)][-2:] == [9, 15], "what does not add up"
    (copy / "chat.db-wal").unlink()
    assert len(items(copy)) == 6


def test_columns_that_an_older_system_lacks_are_missed_by_nobody(tmp_path):
    with closing(sqlite3.connect(tmp_path / "chat.db")) as database:
        database.execute("CREATE TABLE message (guid TEXT, text TEXT, date INTEGER)")
        database.execute("INSERT INTO message VALUES ('G', 'hello', 1)")
        database.commit()
    (item,) = read(tmp_path)
    assert (item.native_id, item.text, item.type) == ("G", "hello", "message.chat.direct.received")


def test_broken_rows_are_told_and_the_ones_around_them_read(export):
    with closing(sqlite3.connect(export / "chat.db")) as database:
        message(database, 30, attributedBody=b"\x04\x0bstreamtyped\x81", handle_id=1)
        message(database, 31, text="timeless", date="yesterday")
        message(database, 32, text="when?", date=1 << 62)
        message(database, 33, text=b"bytes", handle_id=1)
        message(database, 34, text="last", handle_id=1)
        database.commit()
    bad = [record for record in read(export) if isinstance(record, Bad)]
    assert [(one.locator.partition("#")[2], one.reason) for one in bad] == [
        ("30", "the archived text is broken"),
        ("31", "it has no time"),
    ]
    assert items(export)[-1].text == "last"


def test_what_lies_behind_damaged_pages_is_read(export):
    with closing(sqlite3.connect(export / "chat.db")) as database:
        for number in range(100, 400):
            message(database, number, text=f"{number} " + "word " * 200, handle_id=1)
        database.commit()
        size = database.execute("PRAGMA page_size").fetchone()[0]
    data = bytearray((export / "chat.db").read_bytes())
    at = data.index(b"250 word") // size * size
    data[at : at + 200] = b"\xff" * 200
    (export / "chat.db").write_bytes(data)
    records = read(export)
    numbers = [int(one.locator.partition("#")[2]) for one in records if isinstance(one, Item)]
    assert len([record for record in records if isinstance(record, Bad)]) == 1
    assert numbers[-1] == 399
    assert len(numbers) > 280


@pytest.mark.parametrize(
    "hostile",
    [
        "CREATE VIEW message AS WITH RECURSIVE n(guid, date) AS (SELECT 'a', 1 UNION ALL SELECT guid, date + 1 FROM n) SELECT * FROM n",
        "CREATE VIRTUAL TABLE message USING fts5(guid, date)",
        "CREATE TABLE message (guid TEXT PRIMARY KEY, date INTEGER) WITHOUT ROWID",
        "CREATE TABLE other (x)",
    ],
)
def test_a_hostile_schema_is_refused(tmp_path, hostile):
    with closing(sqlite3.connect(tmp_path / "chat.db")) as database:
        database.execute(hostile)
        database.commit()
    (bad,) = read(tmp_path)
    assert bad.reason.startswith(("there are no messages", "the database is damaged"))


@pytest.mark.parametrize("gap", ["  ", "\t", "\n", "/* */ ", "-- x\n", "/*/*/"])
@pytest.mark.parametrize("word", ["CREATE", "create"])
def test_a_table_that_a_program_computes_is_none_however_it_is_written(tmp_path, word, gap):
    with closing(sqlite3.connect(tmp_path / "chat.db")) as database:
        database.execute("CREATE VIRTUAL TABLE message USING fts5(guid, date)")
        database.execute("PRAGMA writable_schema=ON")
        database.execute(
            "UPDATE sqlite_schema SET sql = ? || substr(sql, 8) WHERE name = 'message'",
            (word + gap,),
        )
        database.commit()
    tree = grow(tmp_path)
    with Database(tree, tree.files[0]) as database:
        assert database.columns("message") == frozenset()
        assert database.columns("message_data") == {"id", "block"}


def test_a_column_that_computes_for_ever_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("vault.collectors.readers.sqlite._ROUNDS_FOR_A_ROW", 3)
    monkeypatch.setattr("vault.collectors.readers.sqlite._STEPS", 1000)
    with closing(sqlite3.connect(tmp_path / "chat.db")) as database:
        database.executescript(SCHEMA)
        database.execute("DROP TABLE chat_message_join")
        database.execute("CREATE TABLE chat_message_join (message_id, chat_id)")
        database.executemany("INSERT INTO chat_message_join VALUES (?, 1)", [(2,)] * 5000)
        message(database, 1, chat=0, text="x")
        database.commit()
    assert [record.reason.partition(";")[0] for record in read(tmp_path)] == [
        "a query took too long"
    ]


def test_a_schema_that_is_no_text_is_told(export):
    data = (export / "chat.db").read_bytes()
    (export / "chat.db").write_bytes(
        data.replace(b"CREATE TABLE message (", b"CREATE TABLE \xff\xfe\xff\xfe\xff (x")
    )
    (bad,) = read(export)
    assert bad.reason in {"the database is damaged", "there are no messages in this database"}


def test_what_is_no_database_is_told(tmp_path):
    (tmp_path / "chat.db").write_bytes(b"SQLite format 3\x00" + bytes(5000))
    assert [record.reason for record in read(tmp_path)] == ["the database is damaged"]


def test_an_archived_text_is_read_in_all_lengths():
    for size in (0, 1, 127, 128, 40_000):
        assert first_string(archived("x" * size)) == "x" * size


def test_a_cut_or_mutated_archived_text_is_unreadable_or_text():
    whole = archived("hello")
    for at in range(len(whole)):
        for data in (whole[:at], whole[:at] + b"\x84" + whole[at + 1 :], whole[at:]):
            with contextlib.suppress(Unreadable):
                assert isinstance(first_string(data), str)
