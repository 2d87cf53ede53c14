"""The walk over records in memory: what it lets pass, and what it says of everything else."""

import struct
from dataclasses import dataclass, field
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vault.errors import BadSignature, RolledBack, RootMismatch, TamperError
from vault.log import checkpoint
from vault.log.envelope import FIXED, HASH_SIZE, NO_TAG, seal_page
from vault.log.merkle import Frontier
from vault.log.verify import Place, Problem, Trail, refuse, walk

TAG = bytes(range(16))


@dataclass
class Device:
    """A device that writes pages in memory."""

    key: Ed25519PrivateKey = field(
        default_factory=lambda: Ed25519PrivateKey.from_private_bytes(bytes(32))
    )
    frontier: Frontier = field(default_factory=Frontier)
    time: int = 1000

    @property
    def feed(self) -> bytes:
        return checkpoint.feed_of(self.key.public_key())

    def page(self, start: int, count: int) -> list[tuple[int, str, str, bytes]]:
        """The rows of a page of entries, every other one with a natural key."""
        plain = [
            ("owner.named/1", b"body %d" % n, "ledger", TAG if n % 2 else NO_TAG, NO_TAG)
            for n in range(count)
        ]
        keys = [(bytes([n + 1]) * 32, 1, n) for n in range(count)]
        events, leaves = seal_page(plain, keys, self.feed, self.frontier.size, self.time + 1)
        self.frontier.extend(leaves)
        self.time += count
        rows = [(start + n, e.type, e.tags[0], e.data) for n, e in enumerate(events)]
        record = checkpoint.sign(self.key, self.frontier, self.time)
        return [*rows, (start + count, checkpoint.TOPIC, self.feed.hex(), record)]


def another() -> Device:
    return Device(key=Ed25519PrivateKey.from_private_bytes(bytes([7]) * 32), time=5000)


@pytest.fixture
def device() -> Device:
    return Device()


def keys_of(*devices: Device):
    known = {device.feed: device.key.public_key() for device in devices}

    def key_of(feed: bytes):
        if feed not in known:
            raise TamperError("Nobody enrolled it.")
        return known[feed]

    return key_of


def told(rows, device, start=None) -> list[Problem]:
    """Everything that a walk complains of."""
    problems: list[Problem] = []
    list(walk(rows, keys_of(device), start or Place(), problems.append))
    return problems


def changed(rows, at, **what):
    """Rows with one of them changed."""
    position, topic, tags, data = rows[at]
    row = {"position": position, "topic": topic, "tags": tags, "data": data} | what
    return [*rows[:at], tuple(row.values()), *rows[at + 1 :]]


def repacked(data: bytes, **fields) -> bytes:
    """An entry with fields of its header changed."""
    names = ("version", "length", "feed", "seq", "time", "key_page", "slot", "tag", "content")
    values = dict(zip(names, FIXED.unpack_from(data), strict=True)) | fields
    return FIXED.pack(*values.values()) + data[FIXED.size :]


MISPLACED = "The entry at {} is not in its place or its header was changed."


def test_pages_are_yielded_whole_with_where_they_end(device):
    rows = [*device.page(1, 3), *device.page(5, 2)]
    first, second = walk(rows, keys_of(device), Place())
    assert first.records == [(p, data) for p, _, _, data in rows[:3]]
    assert second.records == [(p, data) for p, _, _, data in rows[4:6]]
    assert (first.position, second.position) == (4, 7)
    assert (first.checkpoint, second.checkpoint) == (rows[3][3], rows[6][3])
    assert first.feed == second.feed == device.feed
    assert (first.trail.frontier.size, first.trail.time) == (3, 1003)
    assert second.trail.frontier.hashes == device.frontier.hashes
    assert (second.trail.frontier.size, second.trail.time) == (5, 1005)


def test_it_goes_on_behind_any_page(device):
    rows = [*device.page(1, 3), *device.page(5, 2)]
    first, second = walk(rows, keys_of(device), Place())
    place = Place().after(first)
    assert place == Place(4, {device.feed: first.trail})
    assert place.trail(device.feed) is first.trail
    [again] = walk(rows[4:], keys_of(device), place)
    assert again.records == second.records
    assert again.trail.frontier.hashes == second.trail.frontier.hashes
    assert told(rows[4:], device)  # but not without knowing what came before


def test_the_subtrees_that_a_page_completes_come_with_it(device):
    device.page(1, 200)
    trail = Trail(device.frontier.copy(), device.time)
    rows = device.page(202, 100)
    [page] = walk(rows, keys_of(device), Place(201, {device.feed: trail}))
    [(level, first, hashes)] = page.tiles
    assert (level, first, len(hashes)) == (8, 0, 1)


def test_feeds_stand_beside_each_other(device):
    other = another()
    rows = [*device.page(1, 2), *other.page(4, 2), *device.page(7, 1)]
    pages = list(walk(rows, keys_of(device, other), Place()))
    assert [page.feed for page in pages] == [device.feed, other.feed, device.feed]
    assert [page.trail.frontier.size for page in pages] == [2, 2, 3]
    assert Place(0, {p.feed: p.trail for p in pages}).time == other.time


def test_a_place_knows_feeds_that_have_not_begun():
    assert Place().trail(b"unknown!").frontier.size == 0
    assert Place().time == 0


def test_a_feed_that_nobody_certified_is_refused(device):
    [problem] = told(another().page(1, 2), device)
    assert problem == Problem("At 3: Nobody enrolled it.", TamperError)


def test_after_a_feed_that_is_refused_the_walk_goes_on(device):
    rows = [*another().page(1, 2), *device.page(4, 1)]
    problems: list[Problem] = []
    pages = list(walk(rows, keys_of(device), Place(), problems.append))
    assert len(problems) == 1
    assert [page.trail.frontier.size for page in pages] == [2, 1]
    assert pages[0].trail.time == 5002


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(
    "header",
    [{"version": 3}, {"version": 0}, {"seq": 9}, {"time": 0}, {"tag": bytes(15) + b"\1"}],
    ids=range(5),
)
def test_a_changed_header_is_out_of_place(device, at, header):
    rows = device.page(1, 3)
    rows = changed(rows, at, data=repacked(rows[at][3], **header))
    assert MISPLACED.format(at + 1) in [p.sentence for p in told(rows, device)]


@pytest.mark.parametrize("at", [1, 2])
def test_within_a_page_the_feed_stays_and_time_rises(device, at):
    rows = device.page(1, 3)
    for header in ({"feed": b"another!"}, {"time": 1000 + at}):
        broken = changed(rows, at, data=repacked(rows[at][3], **header))
        assert MISPLACED.format(at + 1) in [p.sentence for p in told(broken, device)]


def test_a_page_in_another_feeds_name_is_that_feeds(device):
    rows = device.page(1, 3)
    rows = changed(rows, 0, data=repacked(rows[0][3], feed=b"another!"))
    sentences = [p.sentence for p in told(rows, device)]
    assert MISPLACED.format(2) in sentences
    assert "At 4: Nobody enrolled it." in sentences


@pytest.mark.parametrize("field", ["key_page", "slot", "content"])
def test_what_only_the_tree_covers_is_found_at_the_checkpoint(device, field):
    rows = device.page(1, 3)
    value = {"key_page": 2, "slot": 9, "content": TAG}[field]
    [problem] = told(changed(rows, 1, data=repacked(rows[1][3], **{field: value})), device)
    assert problem == Problem("The entries before 4 are not those that were signed.", RootMismatch)


def test_rows_must_say_what_headers_say(device):
    rows = device.page(1, 3)
    for at in range(3):
        for what in ({"topic": "owner.named/2"}, {"tags": ""}, {"tags": "owner.named/1 "}):
            assert told(changed(rows, at, **what), device) == [Problem(MISPLACED.format(at + 1))]
    assert told(changed(rows, 0, tags=NO_TAG.hex()), device)
    assert told(changed(rows, 1, tags="owner.named/1"), device)


@pytest.mark.parametrize("position", [0, 1, 3, 9])
def test_positions_leave_no_gap(device, position):
    rows = device.page(1, 3)
    assert Problem(MISPLACED.format(position)) in told(changed(rows, 1, position=position), device)


def test_a_first_position_follows_the_place(device):
    rows = device.page(2, 1)
    assert MISPLACED.format(2) in [p.sentence for p in told(rows, device)]
    assert told(rows, device, Place(1)) == []


def test_an_entry_must_be_later_than_the_one_before(device):
    device.page(1, 3)
    trail = Trail(device.frontier.copy(), device.time)
    rows = device.page(5, 1)
    assert told(rows, device, Place(4, {device.feed: trail})) == []
    same = Trail(trail.frontier, trail.time + 1)
    assert Problem(MISPLACED.format(5)) in told(rows, device, Place(4, {device.feed: same}))


@pytest.mark.parametrize("data", [b"", b"short", "text", None], ids=repr)
def test_what_is_no_entry_is_said_and_left_out(device, data):
    rows = device.page(1, 3)
    problems = told(changed(rows, 1, data=data), device)
    assert problems[0] == Problem("The entry at 2 cannot be read.")
    assert MISPLACED.format(3) in [p.sentence for p in problems]


def test_an_entry_cut_inside_its_hash_is_named(device):
    rows = device.page(1, 3)
    end = FIXED.size + len("owner.named/1") + HASH_SIZE
    for cut in (end - 1, end - HASH_SIZE):
        [first, *_] = told(changed(rows, 1, data=rows[1][3][:cut]), device)
        assert first == Problem(MISPLACED.format(2))


def test_one_wrong_number_is_one_misplaced_entry(device):
    rows = device.page(1, 3)
    broken = changed(rows, 1, data=repacked(rows[1][3], seq=9))
    misplaced = [p.sentence for p in told(broken, device) if "in its place" in p.sentence]
    assert misplaced == [MISPLACED.format(2)]


def test_a_position_or_a_topic_that_is_none_is_said(device):
    rows = device.page(1, 3)
    assert told(changed(rows, 1, topic=None), device)[0] == Problem(
        "The entry at 2 cannot be read."
    )
    assert told(changed(rows, 1, topic=7), device)[0] == Problem("The entry at 2 cannot be read.")


def test_a_changed_body_is_named(device):
    rows = device.page(1, 3)
    data = rows[1][3]
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    assert told(changed(rows, 1, data=flipped), device) == [
        Problem("The body of the entry at 2 was changed.")
    ]
    assert told(changed(rows, 1, data=data + b"x"), device) == [
        Problem("The body of the entry at 2 was changed.")
    ]
    assert told(changed(rows, 1, data=data[:-1]), device) == [
        Problem("The body of the entry at 2 was changed.")
    ]


def test_a_body_that_was_cut_off_whole_is_no_problem(device):
    rows = device.page(1, 3)
    end = FIXED.size + rows[1][3][1] + HASH_SIZE
    cut = changed(rows, 1, data=rows[1][3][:end])
    assert told(cut, device) == []
    [page] = walk(cut, keys_of(device), Place())
    assert page.records[1] == (2, rows[1][3][:end])
    assert told(changed(rows, 1, data=rows[1][3][: end - 1]), device)


def test_a_body_moved_to_another_entry_is_found(device):
    rows = device.page(1, 3)
    end = FIXED.size + rows[0][3][1] + HASH_SIZE
    data = rows[1][3][:end] + rows[0][3][end:]
    assert told(changed(rows, 1, data=data), device) == [
        Problem("The body of the entry at 2 was changed.")
    ]


def test_a_body_changed_with_its_hash_is_found_at_the_checkpoint(device):
    rows = device.page(1, 3)
    end = FIXED.size + rows[0][3][1]
    data = rows[1][3][:end] + sha256(b"other").digest() + b"other"
    assert told(changed(rows, 1, data=data), device) == [
        Problem("The entries before 4 are not those that were signed.", RootMismatch)
    ]


def test_an_entry_less_or_two_exchanged_are_found(device):
    rows = device.page(1, 3)
    less = [rows[0], (2, *rows[2][1:]), (3, *rows[3][1:])]
    sentences = [p.sentence for p in told(less, device)]
    assert MISPLACED.format(2) in sentences
    assert "The entries before 3 are not those that were signed." in sentences
    swapped = [rows[0], (2, *rows[2][1:]), (3, *rows[1][1:]), rows[3]]
    assert MISPLACED.format(2) in [p.sentence for p in told(swapped, device)]


def test_what_no_checkpoint_closes_is_said(device):
    rows = device.page(1, 3)
    assert told(rows[:-1], device) == [
        Problem("The entries up to 3 stand behind the last checkpoint.")
    ]
    assert told(rows[:2], device) == [
        Problem("The entries up to 2 stand behind the last checkpoint.")
    ]


def test_a_tail_cut_at_a_checkpoint_is_a_log(device):
    rows = [*device.page(1, 3), *device.page(5, 2)]
    assert told(rows[:4], device) == []
    assert told([], device) == []


def test_a_checkpoint_of_other_entries_is_refused(device):
    twin = Device()
    rows, others = device.page(1, 3), twin.page(1, 2)
    assert Problem("The entries before 4 are not those that were signed.", RootMismatch) in told(
        changed(rows, 3, data=others[-1][3]), device
    )


def test_a_forged_signature_is_refused(device):
    rows = device.page(1, 1)
    forged = checkpoint.sign(another().key, device.frontier, device.time)
    [problem] = told(changed(rows, 1, data=forged), device)
    assert problem.sentence.startswith("At 2: ")
    assert problem.error is BadSignature


@pytest.mark.parametrize("data", [b"", b"no checkpoint"])
def test_a_checkpoint_that_cannot_be_read_is_said_and_the_walk_goes_on(device, data):
    rows = [*device.page(1, 3), *device.page(5, 2)]
    assert told(changed(rows, 3, data=data), device) == [
        Problem("At 4: A checkpoint cannot be read.", TamperError)
    ]


def test_a_checkpoint_must_fit_its_page(device):
    rows = device.page(1, 3)
    problem = Problem("The checkpoint at {} does not fit its page.".format)
    for what, at in (({"position": 5}, 5), ({"position": 3}, 3), ({"tags": ""}, 4)):
        assert told(changed(rows, 3, **what), device) == [Problem(problem.sentence(at))], what
    late = checkpoint.sign(device.key, device.frontier, device.time + 1)
    assert told(changed(rows, 3, data=late), device) == [Problem(problem.sentence(4))]


def test_a_checkpoint_without_entries_does_not_fit(device):
    rows = device.page(1, 3)
    again = [*rows, (5, *rows[3][1:])]
    problems: list[Problem] = []
    pages = list(walk(again, keys_of(device), Place(), problems.append))
    assert problems == [Problem("At 5: Nobody enrolled it.")]
    assert (pages[-1].records, pages[-1].feed, pages[-1].trail.time) == ([], b"", 0)


def test_what_is_signed_is_where_the_next_page_goes_on(device):
    rows = [*device.page(1, 3), *device.page(5, 2)]
    data = repacked(rows[1][3], content=TAG)
    assert told(changed(rows, 1, data=data), device) == [
        Problem("The entries before 4 are not those that were signed.", RootMismatch)
    ]


def test_a_follower_gets_the_first_problem_as_an_error(device):
    rows = device.page(1, 3)
    with pytest.raises(TamperError, match="entry at 2 cannot be read"):
        list(walk(changed(rows, 1, data=b""), keys_of(device), Place()))
    with pytest.raises(RootMismatch):
        list(
            walk(changed(rows, 1, data=repacked(rows[1][3], content=TAG)), keys_of(device), Place())
        )
    with pytest.raises(RolledBack, match=r"^Older\.$"):
        refuse(Problem("Older.", RolledBack))
    with pytest.raises(TamperError):
        refuse(Problem("Changed."))


def test_pages_before_a_problem_were_yielded(device):
    rows = [*device.page(1, 3), *device.page(5, 2)]
    pages = walk(changed(rows, 4, data=b""), keys_of(device), Place())
    assert next(pages).position == 4
    with pytest.raises(TamperError):
        next(pages)


def test_both_versions_of_entries_are_read(device):
    rows = device.page(1, 1)
    data = repacked(rows[0][3], version=1)
    frontier = Frontier()
    end = FIXED.size + data[1] + HASH_SIZE
    frontier.extend([sha256(b"\0" + data[:end]).digest()])
    record = checkpoint.sign(device.key, frontier, device.time)
    assert struct.unpack_from("B", data)[0] == 1
    assert told([(1, *rows[0][1:3], data), (2, *rows[1][1:3], record)], device) == []
