"""Everything somebody can do to the files while the vault is closed is noticed."""

import shutil
import sqlite3
from contextlib import closing, contextmanager, suppress

import pytest
from logkit import create, drafts, forget, numbers, reopen

from vault.errors import ForeignVault, Locked, RolledBack, TamperError, VaultError

REFUSED = (TamperError, ForeignVault, Locked)


@contextmanager
def pried_open(folder):
    """The log's database, its triggers out of the way, as somebody with a hex editor has it."""
    with closing(sqlite3.connect(folder / "home" / "log.db", isolation_level=None)) as database:
        triggers = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        made = triggers.fetchall()
        for name, _ in made:
            database.execute(f"DROP TRIGGER {name}")
        yield database
        for _, sql in made:
            with suppress(sqlite3.OperationalError):  # the table is gone too
                database.execute(sql)


def filled(folder, pages=3):
    log = create(folder)
    for start in range(pages):
        log.append(drafts(start * 3, 3))
    log.close()


def outcome(folder):
    """What opening, reading and verifying come to."""
    log = reopen(folder)
    try:
        problems = log.verify().problems
        return numbers(log), problems
    finally:
        log.close()


def refused(folder):
    """Whether the change is noticed: an error on opening or reading, or a problem named."""
    try:
        log = reopen(folder)
    except REFUSED:
        return True
    try:
        found = bool(log.verify().problems)
        try:
            list(log.pages())
        except TamperError:
            return True
        return found
    finally:
        log.close()


def test_a_flip_in_every_byte_of_every_record_is_noticed(tmp_path):
    filled(tmp_path, pages=1)
    log = reopen(tmp_path)
    expected = numbers(log)
    with pried_open(tmp_path) as database:
        rows = database.execute("SELECT position, data FROM event").fetchall()
        flips = 0
        for position, data in rows:
            for i in range(len(data)):
                bad = bytearray(data)
                bad[i] ^= 1 << i % 8
                database.execute(
                    "UPDATE event SET data = ? WHERE position = ?", (bytes(bad), position)
                )
                problems = log.verify().problems
                assert problems, (position, i)
                assert any(str(position) in p or "number" in p or "before" in p for p in problems)
                with pytest.raises(TamperError):
                    list(log.pages())
                flips += 1
            database.execute("UPDATE event SET data = ? WHERE position = ?", (data, position))
    assert flips > 1000
    assert numbers(log) == expected
    assert log.verify().problems == ()
    log.close()


@pytest.mark.parametrize("name", ["pin", "vault.json"])
def test_a_flip_in_every_byte_beside_the_log_is_noticed(tmp_path, name):
    filled(tmp_path, pages=1)
    path = tmp_path / "home" / name
    whole = path.read_bytes()
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 1 << i % 8]) + whole[i + 1 :])
        with pytest.raises(REFUSED):
            reopen(tmp_path).close()
    for cut in range(0, len(whole), 7):
        path.write_bytes(whole[:cut])
        with pytest.raises(REFUSED):
            reopen(tmp_path).close()
    path.write_bytes(whole)
    reopen(tmp_path).close()


CHANGES = {
    "a record deleted": ["DELETE FROM event WHERE position = 4"],
    "a page deleted": ["DELETE FROM event WHERE position BETWEEN 3 AND 6"],
    "a checkpoint deleted": ["DELETE FROM event WHERE position = 6"],
    "two records exchanged": [
        "UPDATE event SET position = 99 WHERE position = 3",
        "UPDATE event SET position = 3 WHERE position = 4",
        "UPDATE event SET position = 4 WHERE position = 99",
    ],
    "two pages exchanged": [
        "UPDATE event SET position = position + 100 WHERE position BETWEEN 3 AND 6",
        "UPDATE event SET position = position - 4 WHERE position BETWEEN 7 AND 10",
        "UPDATE event SET position = position - 96 WHERE position > 100",
    ],
    "a record doubled at the end": [
        "INSERT INTO event SELECT 15, type, tags, data FROM event WHERE position = 3"
    ],
    "a page doubled at the end": [
        "INSERT INTO event SELECT position + 4, type, tags, data FROM event WHERE position > 10"
    ],
    "a record put in the place of another": [
        "UPDATE event SET data = (SELECT data FROM event WHERE position = 3) WHERE position = 4"
    ],
    "a body put in the place of another": [
        (
            "UPDATE event SET data = substr(data, 1, 118) || (SELECT substr(data, 119) FROM event "
            "WHERE position = 3) WHERE position = 4"
        )
    ],
    "a type renamed": ["UPDATE event SET type = 'item.revised/1' WHERE position = 4"],
    "a record made a checkpoint": ["UPDATE event SET type = 'checkpoint/1' WHERE position = 4"],
    "tags changed": ["UPDATE event SET tags = 'other' WHERE position = 4"],
    "tags of a checkpoint changed": ["UPDATE event SET tags = 'other' WHERE position = 6"],
    "tags exchanged in the index": [
        "UPDATE tag SET position = 4",
        "UPDATE new_tag SET hash = -hash",
    ],
    "the index emptied": ["DELETE FROM tag", "DELETE FROM mid_tag", "DELETE FROM new_tag"],
    "the index padded": ["INSERT INTO tag VALUES(7, 4)"],
    "the middle index padded": ["INSERT INTO mid_tag VALUES(7, 4)"],
    "a page left out of the index": ["DELETE FROM page WHERE position = 6"],
    "a page dated otherwise in the index": ["UPDATE page SET time = time - 1 WHERE position = 6"],
    "a page made up in the index": ["INSERT INTO page SELECT feed, 99, 1, 98, 0 FROM page LIMIT 1"],
    "the device forgotten": ["DELETE FROM device"],
    "the device cut short": ["UPDATE device SET most = 4"],
    "a position far away": ["UPDATE event SET position = 999 WHERE position = 14"],
    "a body cut off": ["UPDATE event SET data = substr(data, 1, 118) WHERE position = 4"],
    "a header cut": ["UPDATE event SET data = substr(data, 1, 60) WHERE position = 4"],
    "a record emptied": ["UPDATE event SET data = x'' WHERE position = 4"],
    "the log emptied": ["DELETE FROM event"],
    "a table dropped": ["DROP TABLE event"],
}


@pytest.mark.parametrize("change", CHANGES)
def test_records_moved_removed_or_made_up_are_noticed(tmp_path, change):
    filled(tmp_path)
    with pried_open(tmp_path) as database:
        head = database.execute(
            "SELECT length(type) + 102 FROM event WHERE position = 4"
        ).fetchone()
        assert head == (118,)
        for statement in CHANGES[change]:
            database.execute(statement)
    assert refused(tmp_path)


TABLES = {
    "a view that looks at less": (
        "log.db",
        ["DROP VIEW any_tag", "CREATE VIEW any_tag AS SELECT hash, position FROM tag"],
    ),
    "a guard taken away": ("log.db", ["DROP TRIGGER event_not_deleted"]),
    "a guard that does not guard": (
        "log.db",
        [
            "DROP TRIGGER event_not_deleted",
            "CREATE TRIGGER event_not_deleted BEFORE DELETE ON event BEGIN SELECT 1; END",
        ],
    ),
    "an index taken away": ("log.db", ["DROP INDEX page_time"]),
    "a table more": ("keys.db", ["CREATE TABLE more(a)"]),
    "a trigger more": (
        "keys.db",
        ["CREATE TRIGGER more AFTER INSERT ON key_page BEGIN DELETE FROM key_page; END"],
    ),
}


@pytest.mark.parametrize("change", TABLES)
def test_tables_that_are_not_those_that_were_made_are_refused(tmp_path, change):
    filled(tmp_path)
    name, statements = TABLES[change]
    with closing(sqlite3.connect(tmp_path / "home" / name, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)
    with pytest.raises(TamperError, match=f"{name} is damaged: its tables"):
        reopen(tmp_path)


def rooted(path, table):
    """Where in a file a table's first page lies."""
    with closing(sqlite3.connect(path)) as database:
        [size] = database.execute("PRAGMA page_size").fetchone()
        found = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,))
        return (found.fetchone()[0] - 1) * size


@pytest.mark.parametrize(("name", "table"), [("log.db", "new_tag"), ("keys.db", "key_page_scope")])
def test_a_row_out_of_its_order_is_noticed(tmp_path, name, table):
    """SQLite would not find it where it looks for it, and say nothing."""
    filled(tmp_path)
    path = tmp_path / "home" / name
    content = bytearray(path.read_bytes())
    page = rooted(path, table)
    first, second = content[page + 8 : page + 10], content[page + 10 : page + 12]
    content[page + 8 : page + 12] = second + first
    path.write_bytes(content)
    with closing(reopen(tmp_path)) as log:
        assert f"{name} is damaged; make the vault again from a backup." in log.verify().problems


def used(folder):
    with closing(reopen(folder)) as log:
        list(log.pages())
        log.append(drafts(7, 1))


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("log.db", "UPDATE device SET public_key = 7"),
        ("log.db", "UPDATE device SET signature = CAST('text' AS TEXT)"),
        (
            "log.db",
            "UPDATE page SET time = x'00' WHERE position = (SELECT max(position) FROM page)",
        ),
        ("keys.db", "UPDATE key_page SET wrapped = 7"),
        ("keys.db", "UPDATE scope SET wrapped = 'text'"),
        ("keys.db", "UPDATE issued SET last = 'text'"),
        ("keys.db", "UPDATE mark SET position = 'text'"),
    ],
)
def test_a_value_of_another_kind_is_refused_in_a_sentence(tmp_path, name, statement):
    with closing(create(tmp_path)) as log:
        forget(log, [log.append(drafts(0, 3))[0]])
    with closing(sqlite3.connect(tmp_path / "home" / name, isolation_level=None)) as database:
        database.execute(statement)
    with pytest.raises(TamperError, match=name):
        used(tmp_path)


def test_verifying_goes_on_after_a_problem_and_names_every_place(tmp_path):
    filled(tmp_path)
    with pried_open(tmp_path) as database:
        for position in (3, 12):
            database.execute(
                "UPDATE event SET data = substr(data, 1, 130) || x'00' || substr(data, 132) "
                "WHERE position = ?",
                (position,),
            )
    log = reopen(tmp_path)
    report = log.verify()
    assert (report.events, report.checkpoints) == (10, 4)
    assert len([p for p in report.problems if "body" in p]) == 2
    assert [p for p in report.problems if " 3 " in p]
    assert [p for p in report.problems if " 12 " in p]
    with pytest.raises(TamperError, match="at 3 "):
        list(log.pages())
    log.close()


def copied(folder, name):
    (folder / name).mkdir()
    shutil.copytree(folder / "home", folder / name / "home")
    return folder / name


def test_an_older_copy_of_the_log_is_refused(tmp_path):
    filled(tmp_path)
    copied(tmp_path, "old")
    log = reopen(tmp_path)
    log.append(drafts(20, 2))
    log.close()
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (tmp_path / "home" / name).unlink(missing_ok=True)
    shutil.copy(tmp_path / "old" / "home" / "log.db", tmp_path / "home")
    with pytest.raises(RolledBack, match="older copy"):
        reopen(tmp_path)


def test_an_older_copy_of_the_keys_is_refused(tmp_path):
    filled(tmp_path)
    copied(tmp_path, "old")
    log = reopen(tmp_path)
    log.append(drafts(20, 2))
    log.close()
    shutil.copy(tmp_path / "old" / "home" / "keys.db", tmp_path / "home")
    with pytest.raises(RolledBack, match=r"keys\.db"):
        reopen(tmp_path)


def test_a_fork_of_the_log_is_refused(tmp_path):
    filled(tmp_path)
    fork = copied(tmp_path, "fork")
    for folder, first in ((tmp_path, 30), (fork, 40)):
        log = reopen(folder)
        log.append(drafts(first, 2))
        log.close()
    shutil.copy(fork / "home" / "log.db", tmp_path / "home")
    with pytest.raises(RolledBack):
        reopen(tmp_path)
    longer = reopen(fork)
    longer.append(drafts(50, 7))
    longer.close()
    shutil.copy(fork / "home" / "log.db", tmp_path / "home")
    with pytest.raises(RolledBack):
        reopen(tmp_path)


def test_a_log_that_is_exchanged_while_open_is_not_signed_on(tmp_path):
    filled(tmp_path)
    log = reopen(tmp_path)
    with pried_open(tmp_path) as database:
        database.execute("DELETE FROM event WHERE position > 10")
    with pytest.raises(RolledBack):
        log.append(drafts(30, 1))
    with pytest.raises(TamperError):
        list(log.pages())
    log.close()


def test_an_older_pin_is_still_true_and_is_renewed(tmp_path):
    filled(tmp_path)
    pin = tmp_path / "home" / "pin"
    old = pin.read_bytes()
    log = reopen(tmp_path)
    log.append(drafts(20, 2))
    log.close()
    new = pin.read_bytes()
    assert new != old
    pin.write_bytes(old)
    reopen(tmp_path).close()
    assert pin.read_bytes() == new


def test_a_key_page_exchanged_or_broken_is_noticed(tmp_path):
    filled(tmp_path)
    path = tmp_path / "home" / "keys.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        pages = database.execute("SELECT id, wrapped FROM key_page").fetchall()
        for id_, wrapped in pages:
            for other in (b"", wrapped[:-1] + bytes([wrapped[-1] ^ 1]), pages[0][1] + b"\0"):
                database.execute("UPDATE key_page SET wrapped = ? WHERE id = ?", (other, id_))
                try:
                    numbers_, problems = outcome(tmp_path)
                except VaultError:
                    pass
                else:
                    assert problems, numbers_
            database.execute("UPDATE key_page SET wrapped = ? WHERE id = ?", (wrapped, id_))
        database.execute("DELETE FROM key_page WHERE id = ?", (pages[1][0],))
    numbers_, problems = outcome(tmp_path)
    assert None in numbers_
    assert any("cannot be read" in problem for problem in problems)


def test_a_mark_of_erasure_set_too_far_is_noticed(tmp_path):
    log = create(tmp_path)
    ids = log.append(drafts(0, 3))
    forget(log, [ids[0]])
    log.close()
    with closing(sqlite3.connect(tmp_path / "home" / "keys.db", isolation_level=None)) as database:
        database.execute("UPDATE mark SET position = 99")
    log = reopen(tmp_path)
    from vault.events import ItemErased  # noqa: PLC0415
    from vault.log.sealed import Draft  # noqa: PLC0415

    log.append([Draft(event=ItemErased(item_ids=(ids[1],)))])
    log.close()
    _, problems = outcome(tmp_path)
    assert any("was to be erased" in problem for problem in problems)
