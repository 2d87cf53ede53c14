"""The sealed log: what goes in comes out, in order, once, under any clock."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidSignature
from logkit import CANARY, create, draft, drafts, forget, numbers, reopen, sound

from vault.errors import BadSignature, NotFound, UsageError
from vault.events import ItemCollected, ItemRevised, OwnerNamed
from vault.follow import catch_up
from vault.log.sealed import Draft


@pytest.fixture
def log(tmp_path):
    log = create(tmp_path)
    yield log
    log.close()


def test_what_goes_in_comes_out_in_whole_pages(log, tmp_path):
    first, second = drafts(0, 5), [Draft(event=OwnerNamed(names=("Mara",)))]
    ids = log.append(first) + log.append(second)
    assert len(set(ids)) == 6
    pages = list(log.pages())
    assert [len(page.entries) for page in pages] == [1, 5, 1]
    assert [entry.event for page in pages[1:] for entry in page.entries] == [
        one.event for one in first + second
    ]
    assert [entry.id for page in pages[1:] for entry in page.entries] == list(ids)
    assert log.head.position == pages[-1].position == 10
    assert log.head.size == 7
    log.close()
    again = reopen(tmp_path)
    assert list(again.pages()) == pages
    assert sound(again)
    again.close()


def test_reading_goes_on_behind_any_page(log):
    for start in range(0, 12, 3):
        log.append(drafts(start, 3))
    pages = list(log.pages())
    for i, page in enumerate(pages):
        assert list(log.pages(page.position)) == pages[i + 1 :]
    assert list(log.pages(10_000)) == []
    with pytest.raises(UsageError, match="not the end of a page"):
        list(log.pages(1))


def test_entries_are_found_by_id_wherever_they_are(log):
    ids = [id_ for n in (1, 4, 1, 1, 30, 2, 1, 1, 1, 9) for id_ in log.append(drafts(0, n))]
    for id_ in ids:
        entry = log.entry(id_)
        assert entry.id == id_
        assert isinstance(entry.event, ItemCollected)
    for wrong in (
        "",
        "x",
        ids[0] + "0000",
        "0" * 16 + "-1",
        f"{ids[0]} ",
        ids[0].replace("-", "-0"),
    ):
        with pytest.raises(NotFound):
            log.entry(wrong)


def test_appending_nothing_changes_nothing(log):
    head = log.head
    assert log.append([]) == ()
    assert log.head == head


def test_the_log_knows_what_it_holds(log):
    [one, two] = log.append(drafts(1, 2))
    key = [d.natural_key for d in drafts(0, 3)]
    text = CANARY.encode()
    known = log.known([(key[0], text), (key[1], text), (key[2], b"other"), (key[1], b"other")])
    assert known[0] is None
    assert [(k.id, k.newest, k.same, k.erased) for k in known[1:]] == [
        (one, one, True, False),
        (two, two, False, False),
        (one, one, False, False),
    ]
    revised = ItemRevised(item_id=one, item=draft(1, "new").event.item)
    [newest] = log.append([Draft(event=revised, natural_key=key[1], content=b"new")])
    [again] = log.known([(key[1], b"new")])
    assert (again.id, again.newest, again.same) == (one, newest, True)
    forget(log, [one])
    [gone] = log.known([(key[1], b"new")])
    assert gone.erased
    assert log.known([]) == []


def test_events_without_a_natural_key_are_never_duplicates(log):
    same = Draft(event=OwnerNamed(names=("Mara",)))
    assert len(set(log.append([same, same]))) == 2


def test_time_never_goes_back_with_the_clock(tmp_path):
    now = [datetime(2026, 5, 1, tzinfo=UTC)]
    log = create(tmp_path, clock=lambda: int(now[0].timestamp()) * 10**9)
    log.append(drafts(0, 3))
    before = log.newest
    assert before == now[0]
    now[0] -= timedelta(days=400)
    log.append(drafts(3, 3))
    log.close()
    log = reopen(tmp_path, clock=lambda: 0)
    log.append(drafts(6, 3))
    times = [entry.at for page in log.pages() for entry in page.entries]
    assert times == sorted(times)
    assert min(times) >= before
    raw = [record for page in log.sealed() for record in page.records]
    assert len(raw) == 10
    assert sound(log)
    log.close()


def test_an_unknown_topic_is_kept_and_skipped(log, monkeypatch):
    monkeypatch.setattr("vault.log.sealed.topic_of", lambda _: "from.the.future/9")
    [id_] = log.append([Draft(event=OwnerNamed(names=()))])
    monkeypatch.undo()
    entry = log.entry(id_)
    assert (entry.topic, entry.event, entry.erased) == ("from.the.future/9", None, False)
    assert sound(log)


def test_signatures_are_this_devices_and_never_a_checkpoint(log, tmp_path):
    signature = log.sign(b"manifest")
    log.check(b"manifest", signature)
    for text, other in ((b"manifesto", signature), (b"manifest", bytes(64))):
        with pytest.raises(BadSignature):
            log.check(text, other)
    note = (tmp_path / "home" / "pin").read_bytes().split(b"\n", 1)[1].split(b"\n\n")[0] + b"\n"
    with pytest.raises(InvalidSignature):
        log.keys.device.public_key().verify(log.sign(note), note)


def test_followers_catch_up_with_the_log(log):
    class Counting:
        name, position, seen, order = "counting", 0, 0, ""

        def begin(self, order):
            self.order = order

        def apply(self, page):
            self.seen += len(page.entries)
            self.position = page.position

    follower, told = Counting(), []
    log.append(drafts(0, 7))
    assert catch_up(log, [follower], lambda *step: told.append(step)) == log.head.position
    assert follower.seen == 8
    assert follower.order == log.order
    assert told[-1] == (follower.position, follower.position)
    log.append(drafts(7, 2))
    catch_up(log, [follower])
    assert follower.seen == 10


def test_verifying_tells_how_far_it_is(log):
    log.append(drafts(0, 3))
    told = []
    report = log.verify(lambda *step: told.append(step))
    assert (report.events, report.checkpoints, report.problems) == (4, 2, ())
    assert told == [(2, 6), (6, 6)]


def test_large_pages_and_bodies_are_nothing_special(log):
    log.append([*drafts(0, 2500), draft(2500, "x" * 3_000_000)])
    assert numbers(log) == list(range(2501))
    assert sound(log)
