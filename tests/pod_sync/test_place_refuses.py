"""A mirror in a pod whose host cheats, copies of a device, and what a device remembers."""

import json
from hashlib import sha256

import msgspec
import pytest

from pod_sync import memory as remembering
from pod_sync.errors import PodChanged, PodRefused
from pod_sync.index import Index, encode
from pod_sync.memory import Fleeting, status
from tests.pod_sync.placing import ROOT, A, B, C, Died, Pod, head, segment
from vault.errors import ForeignVault, RolledBack, TamperError

# A host who cheats.


HOSTILE = [
    b"[]",
    b"null",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"format":1}',
    *[
        json.dumps({"format": 1, "feed": A, "number": 2, "files": [], "gone": []} | change).encode()
        for change in (
            {"files": [name]}
            for name in (
                "../../../etc/passwd",
                f"segment-{A}-0-1-5-{'0' * 32}/../x",
                f"segment-{A}-0-1-5-{'0' * 32}\n",
                f"segment-{A}-0-1-5-{'0' * 31}",
                f"segment-{'a' * 250}-5-{'0' * 32}",
                f"segment-{A}-0-1-99999999999999-{'0' * 32}",
                f"ségment-{A}-0-1-5-{'0' * 32}",
                f"segment-{A}-0-1-05-{'0' * 32}",
                "",
                7,
                None,
            )
        )
    ],
    *[
        json.dumps({"format": 1, "feed": A, "number": 2, "files": [], "gone": []} | change).encode()
        for change in (
            {"gone": [segment()[0]]},
            {"gone": [f"../{segment()[0]}"]},
            {"feed": B},
            {"number": -1},
            {"number": 2**53},
            {"number": 1.5},
            {"files": {}},
            {"format": 0},
            {"format": "1"},
        )
    ],
]


@pytest.mark.parametrize("content", HOSTILE)
def test_an_index_that_no_device_wrote_is_refused_by_the_device_name(fake_mirror, content):
    fake_mirror.gave(segment())
    fake_mirror.server.write(fake_mirror.index()[1], content, "application/json")
    with pytest.raises(TamperError, match=f"device {A}"):
        fake_mirror.device(B).sizes()


def test_a_first_index_that_was_cut_off_keeps_nobody_else_out(fake_mirror):
    fake_mirror.gave(segment())
    own = fake_mirror.index()[1]
    content = fake_mirror.server.files[own].body
    for cut in (0, 1, 20, len(content) - 1):
        fake_mirror.server.write(own, content[:cut], "application/json")
        assert fake_mirror.device(B).sizes() == {}
    fake_mirror.server.write(own, content, "application/json")
    knowing = fake_mirror.device(B)
    assert knowing.sizes()
    fake_mirror.server.write(own, b"", "application/json")
    with pytest.raises(TamperError, match=f"device {A} .* sync on that device"):
        knowing.sizes()


def test_an_index_of_a_newer_release_is_told_apart(fake_mirror):
    fake_mirror.gave(segment())
    fake_mirror.rewrite(format=2, files="something new")
    with pytest.raises(ForeignVault, match="newer"):
        fake_mirror.device(B).sizes()


def test_an_index_of_more_than_anyone_has_is_not_read(fake_mirror, monkeypatch):
    monkeypatch.setattr("pod_sync.place.LARGEST", 300)
    fake_mirror.gave(segment(), head())
    fake_mirror.rewrite(files=[segment(number=number)[0] for number in range(9)])
    with pytest.raises(TamperError, match=f"device {A}"):
        fake_mirror.device(B).sizes()


def test_more_devices_than_anyone_has_are_refused(fake_mirror):
    base = fake_mirror.server.path(fake_mirror.access.url)
    for number in range(257):
        fake_mirror.server.write(
            f"{base}{ROOT}index/{number:016x}-0.json", b"{}", "application/json"
        )
    with pytest.raises(PodRefused, match="256 devices"):
        fake_mirror.device().sizes()


@pytest.mark.parametrize("feed", [A, C])
def test_a_film_in_the_place_of_an_index_is_refused_unread(fake_mirror, monkeypatch, feed):
    fake_mirror.gave(segment())
    film = f"{fake_mirror.server.path(fake_mirror.access.url)}{ROOT}index/{feed}-0.json"
    fake_mirror.server.write(film, bytes(1 << 16), "application/json")
    monkeypatch.setattr("pod_sync.place._MOST", 1 << 15)
    place = fake_mirror.device(B)
    with pytest.raises(PodRefused, match="remove from index/ what does not belong"):
        place.sizes()
    assert place.session.traffic.received < 1 << 15


def test_what_others_keep_beside_the_indexes_is_left_alone(fake_mirror):
    fake_mirror.gave(segment())
    base = fake_mirror.server.path(fake_mirror.access.url)
    for name in ("notes.txt", f"{A}-2.json", f"{A}.json", "x/y.json"):
        fake_mirror.server.write(f"{base}{ROOT}index/{name}", b"{", "application/json")
    assert list(fake_mirror.device(B).sizes()) == [segment()[0]]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * len(segment()[1]), b"x" * 99_999])
def test_a_file_that_is_not_what_it_says_is_refused(fake_mirror, content):
    fake_mirror.gave(segment())
    fake_mirror.server.write(fake_mirror.path(segment()[0]), content, "application/octet-stream")
    reader = fake_mirror.device(B)
    reader.sizes()
    with pytest.raises(TamperError, match="damaged"):
        reader.read(segment()[0])


def disk(fake_mirror):
    return dict(fake_mirror.server.files), dict(fake_mirror.server.containers)


def put_back(fake_mirror, kept):
    """As a backup does it: old contents, new times."""
    now = max(file.modified for file in fake_mirror.server.files.values()) + 5
    for path in list(fake_mirror.server.files):
        if f"/{ROOT}" in path:
            del fake_mirror.server.files[path]
    for path, file in kept[0].items():
        if f"/{ROOT}" in path:
            fake_mirror.server.write(path, file.body, file.media_type)
            fake_mirror.server.files[path].modified = now


@pytest.mark.parametrize("feed", [A, B])
def test_an_older_pod_is_refused_with_both_numbers_and_the_way_out(fake_mirror, feed):
    fake_mirror.gave(segment(), head())
    kept = disk(fake_mirror)
    fake_mirror.gave(segment(number=1), head(size=2))
    other = fake_mirror.device(B)
    [other.read(name) for name in other.sizes()]
    other.settle(b"")
    put_back(fake_mirror, kept)
    with pytest.raises(RolledBack, match=r"up to 2 and now ends at 1\b.*older copy"):
        fake_mirror.device(feed).sizes()


def test_a_head_that_was_taken_out_of_an_index_is_missed(fake_mirror):
    fake_mirror.gave(segment(), head(size=9))
    other = fake_mirror.device(B)
    [other.read(name) for name in other.sizes()]
    other.settle(b"")
    index, _ = fake_mirror.index()
    fake_mirror.rewrite(number=index["number"] + 1, files=[segment()[0]])
    with pytest.raises(RolledBack, match=f"Feed {A} .* up to 9 and now ends at 0"):
        fake_mirror.device(B).sizes()


@pytest.mark.parametrize("feed", [A, B])
def test_an_index_that_is_gone_is_missed(fake_mirror, feed):
    fake_mirror.gave(segment(), head())
    fake_mirror.device(B).sizes()
    del fake_mirror.server.files[fake_mirror.index()[1]]
    with pytest.raises(RolledBack, match="up to 1 and now ends at 0"):
        fake_mirror.device(feed).sizes()


def test_a_head_that_nobody_verified_is_not_held_against_the_pod(fake_mirror):
    fake_mirror.gave(segment(), head())
    fake_mirror.rewrite(number=2, files=[head()[0], head(size=10**15)[0]])
    liar = fake_mirror.device(B)
    liar.sizes()
    liar.settle(b"")
    fake_mirror.rewrite(number=3, files=[head()[0]])
    assert list(fake_mirror.device(B).sizes()) == [head()[0]]


def test_an_index_that_changes_without_a_new_number_is_refused(fake_mirror):
    fake_mirror.gave(segment(), head())
    fake_mirror.device(B).sizes()
    fake_mirror.rewrite(files=[head()[0]])
    with pytest.raises(RolledBack, match="Somebody else writes"):
        fake_mirror.device(B).sizes()


# Copies of a device, and its memory.


def test_what_an_earlier_run_sent_may_come_late(fake_mirror, dies, monkeypatch):
    fake_mirror.gave(segment())
    dies("pod.announcing")
    with pytest.raises(Died):
        fake_mirror.gave(segment(number=1))
    monkeypatch.undo()
    late = fake_mirror.device()
    late.sizes()
    late.write(*segment(number=2))
    dead = remembering.load(fake_mirror.memories[A], f"{fake_mirror.access.url}{ROOT}", A)
    index = Index(feed=A, number=2, files=frozenset([segment()[0], segment(number=1)[0]]))
    assert sha256(encode(index)).digest() in dead.writing
    base = fake_mirror.server.path(fake_mirror.access.url)
    fake_mirror.server.write(f"{base}{ROOT}index/{A}-0.json", encode(index), "application/json")
    with pytest.raises(PodChanged, match="came late"):
        late.flush()
    fake_mirror.gave()
    assert len(fake_mirror.device(B).sizes()) == 3


def test_a_copy_of_a_device_is_found_by_whoever_writes_second(fake_mirror):
    fake_mirror.gave(segment())
    copy = Fleeting()
    copy.write(fake_mirror.memories[A].read())
    fake_mirror.gave(segment(number=1))
    fake_mirror.memories[A] = copy
    with pytest.raises(RolledBack, match="copy of that device"):
        fake_mirror.device().sizes()


@pytest.mark.parametrize("when", ["before", "in between"])
def test_two_copies_at_once_have_one_winner(fake_mirror, monkeypatch, when):
    fake_mirror.gave(segment())
    copy = Fleeting()
    copy.write(fake_mirror.memories[A].read())
    first = fake_mirror.device()
    fake_mirror.memories[A] = copy
    second = fake_mirror.device()
    for place, number in ((first, 1), (second, 2)):
        place.sizes()
        place.write(*segment(number=number))

    def put(path, *more, put=second.session.put, **further):
        if path.endswith(".json"):
            first.flush()
        put(path, *more, **further)

    if when == "before":
        first.flush()
    else:
        monkeypatch.setattr(second.session, "put", put)
    with pytest.raises(RolledBack, match="copy of that device"):
        second.flush()
    assert sorted(fake_mirror.device(B).sizes()) == sorted([segment()[0], segment(number=1)[0]])


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80", b"\xc1"])
def test_who_lost_his_memory_starts_over(fake_mirror, content):
    fake_mirror.gave(segment(), head())
    fake_mirror.memories[A].write(content)
    place = fake_mirror.device()
    assert sorted(place.sizes()) == sorted([segment()[0], head()[0]])
    place.write(*segment(number=1))
    place.flush()
    assert fake_mirror.files() == sorted(fake_mirror.device(B).sizes())


def test_deletions_are_finished_by_who_lost_his_memory_in_between(fake_mirror, dies, monkeypatch):
    fake_mirror.gave(segment())
    other = fake_mirror.device(B)
    other.sizes()
    other.write(*segment(number=1))
    other.delete(segment()[0])
    dies("pod.announced")
    with pytest.raises(Died):
        other.flush()
    monkeypatch.undo()
    del fake_mirror.memories[B]
    fake_mirror.gave(feed=B)
    assert fake_mirror.files() == [segment(number=1)[0]]


def test_what_is_remembered_of_another_pod_or_device_is_not_used(fake_mirror):
    fake_mirror.gave(segment(), head())
    elsewhere = Pod()
    elsewhere.memories[A] = fake_mirror.memories[A]
    assert elsewhere.device().sizes() == {}
    fake_mirror.memories[B] = fake_mirror.memories[A]
    assert sorted(fake_mirror.device(B).sizes()) == sorted([segment()[0], head()[0]])


def test_a_memory_of_a_newer_release_is_told_apart(fake_mirror):
    fake_mirror.memories[A] = Fleeting()
    fake_mirror.memories[A].write(msgspec.msgpack.encode({"format": 2, "heads": "otherwise"}))
    with pytest.raises(ForeignVault, match="newer"):
        fake_mirror.device()


def test_the_status_needs_no_request(fake_mirror):
    place = fake_mirror.gave(segment(), head(size=3))
    place.settle(b"settled", checkpoint="c0ffee", at=7)
    fake_mirror.server.requests.clear()
    url = f"{fake_mirror.access.url}{ROOT}"
    found = status(fake_mirror.memories[A], url, A, {A: 5, B: 2})
    assert (found.waiting, found.checkpoint, found.at) == ({A: 2, B: 2}, "c0ffee", 7)
    assert found.requests > 3
    assert found.sent > len(segment()[1])
    assert fake_mirror.server.requests == []
    assert status(Fleeting(), url, A, {A: 5}).waiting == {A: 5}
