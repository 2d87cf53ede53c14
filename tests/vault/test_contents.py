"""The bytes of attachments: whole and true or not at all, once in a vault, opened by nobody."""

import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec import structs

from tests.vault.log.logkit import create, reopen, script, sound
from vault.application import _Reading
from vault.collectors.readers.attached import blocks
from vault.contents import block_keys, read
from vault.errors import NotFound, TamperError
from vault.events import ContentCollected, ItemErased
from vault.items import BLOCK, LARGEST, Agent, Attachment, Bad, Content, Item
from vault.log.sealed import Draft

LONG = os.urandom(2 * BLOCK + 5)


@pytest.fixture
def log(tmp_path):
    log = create(tmp_path)
    yield log
    log.close()


def file(data, name="a.jpg", **changes):
    digest = sha256(data).hexdigest()
    facts = {"name": name, "media_type": "image/jpeg", "size": len(data), "sha256": digest}
    return Attachment(**facts | changes)


def note(number, *files):
    return Item(
        source="phone",
        native_id=str(number),
        type="document.note",
        text=f"note {number}",
        attachments=files,
        locator=f"phone#{number}",
    )


def behind(item, *contents):
    """An item and the blocks of what it carries, as a source yields them."""
    yield item
    for data in contents:
        yield from blocks(data, sha256(data).hexdigest())


def store(log, records, *, permits=lambda _: True, dry_run=False):
    reading = _Reading(log, permits, lambda _: None, dry_run=dry_run)
    for one in records:
        if isinstance(one, Item):
            reading.take(one)
        else:
            reading.attach(one)
    reading.end()
    reading.flush()
    return reading.imported()


def entries(log, topic="content.collected/1"):
    return [e for page in log.pages() for e in page.entries if e.topic == topic]


def bytes_of(log, attachment):
    known = log.known([(key, b"") for key in block_keys(attachment)])
    return b"".join(read(log, attachment, [one.newest for one in known]))


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_what_is_stored_is_read_again_byte_by_byte(log, size):
    data = os.urandom(size)
    assert store(log, behind(note(1, file(data)), data)).bad == ()
    assert len(entries(log)) == max(1, -(-size // BLOCK))
    assert bytes_of(log, file(data)) == data
    assert sound(log)


def test_a_file_is_stored_once_however_many_items_carry_it(log):
    records = [one for n in range(5) for one in behind(note(n, file(LONG, f"{n}.jpg")), LONG)]
    for _ in range(3):
        store(log, records)
    assert len(entries(log)) == 3
    assert len(entries(log, "item.collected/2")) == 5


def test_followers_are_told_where_blocks_are_and_open_none(log, monkeypatch):
    store(log, behind(note(1, file(LONG)), LONG))
    opened = []
    monkeypatch.setattr(
        "vault.log.opening._plain", lambda records, *_: opened.extend(records) or []
    )
    found = [e for page in log.pages(after=log.head.position - 4) for e in page.entries]
    assert opened == []
    tags = log.keys.blind_natural_key.each(block_keys(file(LONG)))
    assert [(e.event, e.erased, e.tag) for e in found] == [(None, False, tag) for tag in tags]


def test_nothing_is_stored_of_an_item_that_is_not(log):
    record = list(behind(note(1, file(LONG)), LONG))
    store(log, record, permits=lambda _: False)
    store(log, record, dry_run=True)
    store(log, record[1:])
    store(log, [note(2, file(b"another")), *record[1:]])
    assert entries(log) == []


def test_nothing_comes_back_of_an_item_that_was_erased(log):
    store(log, [note(1, file(LONG))])
    [item] = entries(log, "item.collected/2")
    log.append([Draft(event=ItemErased(item_ids=(item.id,)))])
    log.erase([item.id])
    store(log, behind(note(1, file(LONG)), LONG))
    assert entries(log) == []
    store(log, [*behind(note(1, file(LONG)), LONG), *behind(note(2, file(LONG)), LONG)])
    assert len(entries(log)) == 3


def test_what_was_erased_with_one_item_is_stored_again_with_another(log):
    store(log, behind(note(1, file(LONG)), LONG))
    gone = [e.id for e in (*entries(log, "item.collected/2"), *entries(log))]
    log.append([Draft(event=ItemErased(item_ids=tuple(gone)))])
    log.erase(gone)
    store(log, behind(note(2, file(LONG)), LONG))
    assert [e.erased for e in entries(log)] == [True] * 3 + [False] * 3
    assert bytes_of(log, file(LONG)) == LONG
    assert sound(log)
    # And what stands under the same keys and is alive stays where the older one is erased again.
    log.erase(gone)
    assert bytes_of(log, file(LONG)) == LONG


def turned(data, *order):
    parts = list(blocks(data, sha256(data).hexdigest()))
    return [parts[number] for number in order]


LIES = {
    "another byte": lambda data: blocks(data[:-1] + b"!", sha256(data).hexdigest()),
    "a byte too few": lambda data: blocks(data[:-1], sha256(data).hexdigest()),
    "a block twice": lambda data: turned(data, 0, 1, 1),
    "blocks turned": lambda data: turned(data, 0, 2, 1),
    "a block that is too large": lambda data: [
        Content(sha256=sha256(data).hexdigest(), part=0, parts=1, data=data)
    ],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_is_not_what_its_item_says_stays_out_and_is_told(log, lie):
    done = store(log, [note(1, file(LONG)), *LIES[lie](LONG)])
    reason = "an attachment is not the file that it is said to be; its bytes stay out"
    assert set(done.bad) == {Bad(locator="phone#1", reason=reason)}
    assert (done.collected, entries(log)) == (1, [])
    store(log, behind(note(1, file(LONG)), LONG))
    assert bytes_of(log, file(LONG)) == LONG


def test_a_size_that_is_a_lie_stays_out(log):
    item = note(1, file(LONG, size=len(LONG) + BLOCK))
    assert store(log, behind(item, LONG)).collected == 1
    assert entries(log) == []


def test_a_file_that_broke_off_is_not_there_and_told(log):
    record = list(behind(note(1, file(LONG)), LONG))
    for rest in ([], behind(note(2, file(b"x")), b"x")):
        done = store(log, [*record[:-1], *rest])
        assert [bad.reason.partition(";")[0] for bad in done.bad] == [
            "an attachment broke off in the middle"
        ]
    assert len(entries(log)) == 1
    store(log, record)
    assert bytes_of(log, file(LONG)) == LONG


def test_of_a_file_that_is_too_large_only_its_metadata_is_kept(log):
    large = file(LONG, size=LARGEST + 1)
    store(log, behind(note(1, large), LONG))
    assert (block_keys(large), entries(log)) == ([], [])


def test_of_a_large_file_no_block_is_yielded(monkeypatch):
    monkeypatch.setattr("vault.collectors.readers.attached.LARGEST", 10)
    assert list(blocks(b"x" * 11, "digest")) == []


def test_another_items_revision_and_its_new_file_are_both_there(log):
    store(log, behind(note(1, file(LONG)), LONG))
    store(log, behind(note(1, file(b"new")), b"new"))
    assert len(entries(log, "item.revised/2")) == 1
    assert bytes_of(log, file(b"new")) == b"new"
    assert bytes_of(log, file(LONG)) == LONG


def test_a_poorer_export_of_the_same_takes_nothing_away(log):
    whole = structs.replace(note(1, file(b"x")), to=(Agent(id="name:Bob"),))
    store(log, behind(whole, b"x"))
    done = store(log, [structs.replace(whole, to=(), attachments=())])
    assert (done.collected, done.duplicates) == (0, 1)
    store(log, [structs.replace(whole, to=(), attachments=(), text="other words")])
    [revised] = entries(log, "item.revised/2")
    assert (revised.event.item.attachments, revised.event.item.to) == ((), ())


def test_much_at_once_is_stored_page_by_page(log):
    files = [os.urandom(BLOCK + number) for number in range(12)]
    before = len(list(log.pages()))
    store(log, [one for n, data in enumerate(files) for one in behind(note(n, file(data)), data)])
    assert len(entries(log)) == 23
    assert len(list(log.pages())) - before >= 3
    assert all(bytes_of(log, file(data)) == data for data in files)


def test_a_killed_import_completes_the_next_time(tmp_path):
    log = create(tmp_path)
    log.close()
    (tmp_path / "data").write_bytes(LONG)
    body = """
        import os, signal
        from pathlib import Path
        sys.path.insert(0, sys.argv[2])
        from tests.vault.test_contents import *
        import vault.contents
        from vault import points
        vault.contents._PAGE = BLOCK
        folder, seen = Path(sys.argv[1]), []
        def reached(name):
            seen.append(name)
            if seen.count("log.committed") > 2:
                os.kill(os.getpid(), signal.SIGKILL)
        log = reopen(folder)
        points.reached = reached
        data = (folder / "data").read_bytes()
        store(log, behind(note(1, file(data)), data))
    """
    done = subprocess.run(script(body, tmp_path, Path.cwd()), check=False)
    assert done.returncode == -9
    log = reopen(tmp_path)
    assert 0 < len(entries(log)) < 3
    store(log, behind(note(1, file(LONG)), LONG))
    assert len(entries(log)) == 3
    assert bytes_of(log, file(LONG)) == LONG
    assert sound(log)
    log.close()


def test_two_imports_at_once_store_a_file_once(log, tmp_path):
    other = reopen(tmp_path)
    mine, its = (
        _Reading(log, lambda _: True, lambda _: None, dry_run=False),
        _Reading(other, lambda _: True, lambda _: None, dry_run=False),
    )
    for reading, number in ((mine, 1), (its, 2)):
        item, *contents = behind(note(number, file(LONG)), LONG)
        reading.take(item)
        for one in contents:
            reading.attach(one)
    mine.flush()
    its.flush()
    assert len(entries(log)) == 3
    other.close()


def test_bytes_that_are_not_those_of_the_file_are_refused_at_their_end(log):
    [entry] = log.append(
        [Draft(event=ContentCollected(content=Content(sha256="ab", part=0, parts=1, data=b"no")))]
    )
    found = read(log, file(b"yes"), [entry])
    assert next(found) == b"no"
    with pytest.raises(TamperError, match="not those that its item speaks of"):
        next(found)
    [owner] = [e.id for e in entries(log, "device.enrolled/1")]
    with pytest.raises(TamperError, match="no block"):
        next(read(log, file(b"yes"), [owner]))
    with pytest.raises(NotFound):
        next(read(log, file(b"yes"), ["nowhere-1"]))


def test_memory_does_not_grow_with_what_the_log_holds(tmp_path):
    body = """
        import os
        from pathlib import Path
        def peak():
            # What getrusage says is inherited from whoever started this process.
            [line] = [one for one in open("/proc/self/status") if one.startswith("VmHWM")]
            return int(line.split()[1])
        sys.path.insert(0, sys.argv[2])
        from tests.vault.test_contents import *
        log = create(Path(sys.argv[1]))
        data = os.urandom(24 * BLOCK)
        def many():
            for number in range(3):
                part = data[number:]
                yield from behind(note(number, file(part)), part)
        store(log, many())
        before = peak()
        assert len(entries(log)) == 3 * 24
        assert sound(log)
        ids = [e.id for e in entries(log)]
        log.append([Draft(event=ItemErased(item_ids=tuple(ids)))])
        assert log.erase(ids) == len(ids)
        print(before, peak())
    """
    done = subprocess.run(
        script(body, tmp_path, Path.cwd()), check=True, capture_output=True, text=True
    )
    before, after = map(int, done.stdout.split())
    # The file in hand and the one before it, and a page on its way; reading adds little to that.
    assert before < 256 << 10
    assert after - before < 16 << 10
