"""Erasing: keys and bodies are gone from every file, and the log still verifies."""

import sqlite3

import pytest
from logkit import (
    CANARY,
    create,
    draft,
    drafts,
    everything,
    forget,
    numbers,
    reopen,
    secrets_of,
    sound,
)

from vault.errors import NotFound, StorageError
from vault.events import ItemErased, ItemRevised, OwnerNamed
from vault.log import home
from vault.log.sealed import Draft


@pytest.fixture
def log(tmp_path):
    log = create(tmp_path)
    yield log
    log.close()


@pytest.mark.parametrize("count", [1, 7, 300])
def test_nothing_of_an_erased_item_is_left_in_any_file(log, tmp_path, count):
    ids = log.append(drafts(0, 300))
    log.append([draft(500 + i, "x" * 40_000) for i in range(3)])
    gone = list(ids[:count])
    secrets = secrets_of(log, gone)
    held = everything(tmp_path)
    assert all(body in held for body in secrets[:count])
    assert forget(log, gone) == count
    left = everything(tmp_path)
    for secret in secrets:
        assert secret not in left
        for start in range(0, len(secret) - 16, 16) if count < 10 else ():
            assert secret[start : start + 16] not in left
    assert sound(log)
    assert numbers(log)[: count + 1] == [None] * count + ([count] if count < 300 else [500])
    log.close()
    again = reopen(tmp_path)
    assert sound(again)
    assert again.entry(gone[0]).erased
    assert all(secret not in everything(tmp_path) for secret in secrets)
    again.close()


def test_a_large_body_leaves_nothing_in_its_overflow_pages(log, tmp_path):
    [large, _] = log.append([draft(1, "x" * 500_000), draft(2, "x" * 500_000)])
    [body, *_] = secrets_of(log, [large])
    forget(log, [large])
    left = everything(tmp_path)
    assert not [i for i in range(0, len(body) - 32, 4096) if body[i : i + 32] in left]
    assert sound(log)


def test_revisions_of_an_item_go_with_it(log):
    [one, other] = log.append(drafts(1, 2))
    revised = ItemRevised(item_id=one, item=draft(1, "new").event.item)
    [second] = log.append([Draft(event=revised, natural_key=draft(1).natural_key, content=b"2")])
    assert forget(log, [one]) == 2
    assert log.entry(second).erased
    assert not log.entry(other).erased
    assert sound(log)


def test_erasing_again_is_harmless(log):
    ids = log.append(drafts(0, 3))
    assert forget(log, [ids[1]]) == 1
    assert log.erase([ids[1]]) == 0
    assert log.erase([ids[1], ids[2]]) == 1
    assert log.erase([]) == 0


def test_an_unknown_id_erases_nothing(log):
    ids = log.append(drafts(0, 3))
    for wrong in ("nonsense", ids[0] + "99"):
        with pytest.raises(NotFound):
            log.erase([ids[0], wrong])
    assert numbers(log) == [0, 1, 2]


def test_an_erased_item_is_known_and_does_not_come_back(log):
    [one] = log.append(drafts(1, 1))
    forget(log, [one])
    [known] = log.known([(draft(1).natural_key, CANARY.encode())])
    assert known.erased


def test_a_body_that_nobody_asked_to_erase_is_missed(log):
    ids = log.append(drafts(0, 3))
    log.erase([ids[1]])
    assert log.verify().problems == (
        f"Entry {log.feed.hex()}-2 cannot be read, though no event erased it.",
    )


def test_an_erasure_that_was_asked_for_and_not_done_is_named_and_finished(log, tmp_path):
    ids = log.append(drafts(0, 3))
    log.append([Draft(event=ItemErased(item_ids=(ids[1], "elsewhere-7")))])
    [problem] = log.verify().problems
    assert problem.startswith(f"Entry {log.feed.hex()}-2 was to be erased")
    log.close()
    again = reopen(tmp_path)
    assert numbers(again) == [0, None, 2]
    assert sound(again)
    assert again.repair() == 0
    again.close()


def test_erasing_while_somebody_reads_says_so_and_is_finished_later(log, tmp_path, monkeypatch):
    monkeypatch.setattr("vault.log.sqlite._TRUNCATE_TRIES", 1)
    ids = log.append(drafts(0, 3))
    secrets = secrets_of(log, [ids[0]])
    path = tmp_path / "home" / "keys.db"
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM key_page").fetchall()
    log.keys.store._db.execute("PRAGMA busy_timeout = 10")
    with pytest.raises(StorageError, match="close other programs"):
        forget(log, [ids[0]])
    assert log.entry(ids[0]).erased
    assert any(secret in everything(tmp_path) for secret in secrets)
    log.close()
    reader.close()
    reopen(tmp_path).close()
    assert not any(secret in everything(tmp_path) for secret in secrets)


def test_two_vaults_opened_at_once_erase_in_one_key_page(tmp_path, log):
    ids = log.append(drafts(0, 20))
    other = reopen(tmp_path)
    for one in range(0, 20, 2):
        forget(log, [ids[one]])
        forget(other, [ids[one + 1]])
    assert numbers(log) == [None] * 20
    assert sound(log)
    other.close()


def test_what_a_collector_wrote_is_erased_too(log, tmp_path):
    home.delegate(tmp_path / "home", log)
    collector = home.open_unattended(tmp_path / "home")
    ids = collector.append(drafts(0, 3))
    collector.close()
    secrets = secrets_of(log, [ids[1]])
    assert forget(log, [ids[1]]) == 1
    assert numbers(log) == [0, None, 2]
    assert not any(secret in everything(tmp_path) for secret in secrets)


def test_the_number_of_a_destroyed_key_page_is_never_given_again(log):
    given = [log.keys.issue(["one"])[0] for _ in range(3)]
    log.keys.discard(given[1:])
    [(_, page, _)] = log.keys.issue(["one"])
    assert page > max(number for _, number, _ in given)


def test_events_of_the_ledger_can_be_erased(log):
    [named, kept] = log.append([Draft(event=OwnerNamed(names=(name,))) for name in ("A", "B")])
    assert forget(log, [named]) == 1
    assert log.entry(named).event is None
    assert log.entry(kept).event == OwnerNamed(names=("B",))
