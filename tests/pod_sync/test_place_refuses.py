"""A mirror in a pod whose host cheats, copies of a device, and what a device remembers."""

import json
from hashlib import sha256

import msgspec
import pytest

from pod_sync import memory as remembering
from pod_sync.errors import PodChanged
from pod_sync.index import Index, encode
from pod_sync.memory import Fleeting, status
from tests.pod_sync.placing import ROOT, A, B, Died, Pod, head, segment
from vault import points
from vault.errors import ForeignVault, RolledBack, TamperError


@pytest.fixture
def pod():
    return Pod()


@pytest.fixture
def dies(monkeypatch):
    """Let the process die when it reaches a named point for the n-th time."""

    def at(name, count=1):
        left = [count]

        def reached(point):
            left[0] -= point == name
            if point == name and not left[0]:
                raise Died

        monkeypatch.setattr(points, "reached", reached)

    yield at
    monkeypatch.undo()


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
def test_an_index_that_no_device_wrote_is_refused_by_the_device_name(pod, content):
    pod.gave(segment())
    pod.server.write(pod.index()[1], content, "application/json")
    with pytest.raises(TamperError, match=f"device {A}"):
        pod.device(B).sizes()


def test_a_first_index_that_was_cut_off_keeps_nobody_else_out(pod):
    pod.gave(segment())
    own = pod.index()[1]
    content = pod.server.files[own].body
    for cut in (0, 1, 20, len(content) - 1):
        pod.server.write(own, content[:cut], "application/json")
        assert pod.device(B).sizes() == {}
    pod.server.write(own, content, "application/json")
    knowing = pod.device(B)
    assert knowing.sizes()
    pod.server.write(own, b"", "application/json")
    with pytest.raises(TamperError, match=f"device {A} .* sync on that device"):
        knowing.sizes()


def test_an_index_of_a_newer_release_is_told_apart(pod):
    pod.gave(segment())
    pod.rewrite(format=2, files="something new")
    with pytest.raises(ForeignVault, match="newer"):
        pod.device(B).sizes()


def test_an_index_of_more_than_anyone_has_is_not_read(pod, monkeypatch):
    monkeypatch.setattr("pod_sync.place.LARGEST", 300)
    pod.gave(segment(), head())
    pod.rewrite(files=[segment(number=number)[0] for number in range(9)])
    with pytest.raises(TamperError, match=f"device {A}"):
        pod.device(B).sizes()


def test_more_devices_than_anyone_has_are_refused(pod):
    base = pod.server.path(pod.access.url)
    for number in range(257):
        pod.server.write(f"{base}{ROOT}index/{number:016x}-0.json", b"{}", "application/json")
    with pytest.raises(TamperError, match="256 devices"):
        pod.device().sizes()


def test_what_others_keep_beside_the_indexes_is_left_alone(pod):
    pod.gave(segment())
    base = pod.server.path(pod.access.url)
    for name in ("notes.txt", f"{A}-2.json", f"{A}.json", "x/y.json"):
        pod.server.write(f"{base}{ROOT}index/{name}", b"{", "application/json")
    assert list(pod.device(B).sizes()) == [segment()[0]]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * len(segment()[1]), b"x" * 99_999])
def test_a_file_that_is_not_what_it_says_is_refused(pod, content):
    pod.gave(segment())
    pod.server.write(pod.path(segment()[0]), content, "application/octet-stream")
    reader = pod.device(B)
    reader.sizes()
    with pytest.raises(TamperError, match="damaged"):
        reader.read(segment()[0])


def disk(pod):
    return dict(pod.server.files), dict(pod.server.containers)


def put_back(pod, kept):
    """As a backup does it: old contents, new times."""
    now = max(file.modified for file in pod.server.files.values()) + 5
    for path in list(pod.server.files):
        if f"/{ROOT}" in path:
            del pod.server.files[path]
    for path, file in kept[0].items():
        if f"/{ROOT}" in path:
            pod.server.write(path, file.body, file.media_type)
            pod.server.files[path].modified = now


@pytest.mark.parametrize("feed", [A, B])
def test_an_older_pod_is_refused_with_both_numbers_and_the_way_out(pod, feed):
    pod.gave(segment(), head())
    kept = disk(pod)
    pod.gave(segment(number=1), head(size=2))
    other = pod.device(B)
    [other.read(name) for name in other.sizes()]
    other.settle(b"")
    put_back(pod, kept)
    with pytest.raises(RolledBack, match=r"up to 2 and now ends at 1\b.*older copy"):
        pod.device(feed).sizes()


def test_a_head_that_was_taken_out_of_an_index_is_missed(pod):
    pod.gave(segment(), head(size=9))
    other = pod.device(B)
    [other.read(name) for name in other.sizes()]
    other.settle(b"")
    index, _ = pod.index()
    pod.rewrite(number=index["number"] + 1, files=[segment()[0]])
    with pytest.raises(RolledBack, match=f"Feed {A} .* up to 9 and now ends at 0"):
        pod.device(B).sizes()


@pytest.mark.parametrize("feed", [A, B])
def test_an_index_that_is_gone_is_missed(pod, feed):
    pod.gave(segment(), head())
    pod.device(B).sizes()
    del pod.server.files[pod.index()[1]]
    with pytest.raises(RolledBack, match="up to 1 and now ends at 0"):
        pod.device(feed).sizes()


def test_a_head_that_nobody_verified_is_not_held_against_the_pod(pod):
    pod.gave(segment(), head())
    pod.rewrite(number=2, files=[head()[0], head(size=10**15)[0]])
    liar = pod.device(B)
    liar.sizes()
    liar.settle(b"")
    pod.rewrite(number=3, files=[head()[0]])
    assert list(pod.device(B).sizes()) == [head()[0]]


def test_an_index_that_changes_without_a_new_number_is_refused(pod):
    pod.gave(segment(), head())
    pod.device(B).sizes()
    pod.rewrite(files=[head()[0]])
    with pytest.raises(RolledBack, match="Somebody else writes"):
        pod.device(B).sizes()


# Copies of a device, and its memory.


def test_what_an_earlier_run_sent_may_come_late(pod, dies, monkeypatch):
    pod.gave(segment())
    dies("pod.announcing")
    with pytest.raises(Died):
        pod.gave(segment(number=1))
    monkeypatch.undo()
    late = pod.device()
    late.sizes()
    late.write(*segment(number=2))
    dead = remembering.load(pod.memories[A], f"{pod.access.url}{ROOT}", A)
    index = Index(feed=A, number=2, files=frozenset([segment()[0], segment(number=1)[0]]))
    assert sha256(encode(index)).digest() in dead.writing
    base = pod.server.path(pod.access.url)
    pod.server.write(f"{base}{ROOT}index/{A}-0.json", encode(index), "application/json")
    with pytest.raises(PodChanged, match="came late"):
        late.flush()
    pod.gave()
    assert len(pod.device(B).sizes()) == 3


def test_a_copy_of_a_device_is_found_by_whoever_writes_second(pod):
    pod.gave(segment())
    copy = Fleeting()
    copy.write(pod.memories[A].read())
    pod.gave(segment(number=1))
    pod.memories[A] = copy
    with pytest.raises(RolledBack, match="copy of that device"):
        pod.device().sizes()


@pytest.mark.parametrize("when", ["before", "in between"])
def test_two_copies_at_once_have_one_winner(pod, monkeypatch, when):
    pod.gave(segment())
    copy = Fleeting()
    copy.write(pod.memories[A].read())
    first = pod.device()
    pod.memories[A] = copy
    second = pod.device()
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
    assert sorted(pod.device(B).sizes()) == sorted([segment()[0], segment(number=1)[0]])


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x80", b"\xc1"])
def test_who_lost_his_memory_starts_over(pod, content):
    pod.gave(segment(), head())
    pod.memories[A].write(content)
    place = pod.device()
    assert sorted(place.sizes()) == sorted([segment()[0], head()[0]])
    place.write(*segment(number=1))
    place.flush()
    assert pod.files() == sorted(pod.device(B).sizes())


def test_deletions_are_finished_by_who_lost_his_memory_in_between(pod, dies, monkeypatch):
    pod.gave(segment())
    other = pod.device(B)
    other.sizes()
    other.write(*segment(number=1))
    other.delete(segment()[0])
    dies("pod.announced")
    with pytest.raises(Died):
        other.flush()
    monkeypatch.undo()
    del pod.memories[B]
    pod.gave(feed=B)
    assert pod.files() == [segment(number=1)[0]]


def test_what_is_remembered_of_another_pod_or_device_is_not_used(pod):
    pod.gave(segment(), head())
    elsewhere = Pod()
    elsewhere.memories[A] = pod.memories[A]
    assert elsewhere.device().sizes() == {}
    pod.memories[B] = pod.memories[A]
    assert sorted(pod.device(B).sizes()) == sorted([segment()[0], head()[0]])


def test_a_memory_of_a_newer_release_is_told_apart(pod):
    pod.memories[A] = Fleeting()
    pod.memories[A].write(msgspec.msgpack.encode({"format": 2, "heads": "otherwise"}))
    with pytest.raises(ForeignVault, match="newer"):
        pod.device()


def test_the_status_needs_no_request(pod):
    place = pod.gave(segment(), head(size=3))
    place.settle(b"settled", checkpoint="c0ffee", at=7)
    pod.server.requests.clear()
    url = f"{pod.access.url}{ROOT}"
    found = status(pod.memories[A], url, A, {A: 5, B: 2})
    assert (found.waiting, found.checkpoint, found.at) == ({A: 2, B: 2}, "c0ffee", 7)
    assert found.requests > 3
    assert found.sent > len(segment()[1])
    assert pod.server.requests == []
    assert status(Fleeting(), url, A, {A: 5}).waiting == {A: 5}
