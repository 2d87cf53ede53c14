"""A mirror in a pod, as its devices see it: what counts, who deletes, what a crash leaves."""

import pytest

from pod_sync.errors import PodFull, PodUnreachable
from pod_sync.memory import Fleeting
from tests.pod_sync.placing import ROOT, A, B, C, Died, Pod, head, segment
from vault import points
from vault.errors import TamperError
from vault.mirrors import Vanished


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


# What counts.


def test_what_a_device_announced_the_others_list_and_read(pod):
    one, two = segment(), head()
    pod.gave(one, two)
    other = pod.device(B)
    assert other.sizes() == {name: len(content) for name, content in (one, two)}
    assert [other.read(name) for name, _ in (one, two)] == [one[1], two[1]]


def test_what_was_not_announced_counts_nowhere(pod):
    place = pod.device()
    place.sizes()
    place.write(*segment())
    assert pod.device(B).sizes() == {}
    assert list(place.sizes()) == [segment()[0]]


def test_files_lie_in_containers_by_device_and_hash(pod):
    name, content = segment()
    pod.gave((name, content))
    assert pod.path(name).endswith(f"/{ROOT}files/{A}/{name[-32:-30]}/{name}")
    file = pod.server.files[pod.path(name)]
    assert (file.body, file.media_type) == (content, "application/octet-stream")


def test_what_another_device_deleted_is_gone_and_leaves_every_index_in_time(pod):
    old, new = segment(), segment(number=1)
    pod.gave(old)
    other = pod.device(B)
    other.sizes()
    other.write(*new)
    other.delete(old[0])
    other.flush()
    assert list(pod.device(C).sizes()) == [new[0]]
    assert pod.files() == [new[0]]
    pod.gave(segment(number=2))
    assert old[0] not in pod.index(A)[0]["files"]
    pod.gave(segment(number=3), feed=B)
    assert pod.index(B)[0]["gone"] == []


def test_a_reader_who_listed_a_file_that_was_deleted_since_hears_that_it_vanished(pod):
    pod.gave(segment())
    reader = pod.device(B)
    reader.sizes()
    writer = pod.device()
    writer.sizes()
    writer.write(*segment(number=1))
    writer.delete(segment()[0])
    writer.flush()
    with pytest.raises(Vanished):
        reader.read(segment()[0])
    assert list(reader.sizes()) == [segment(number=1)[0]]


def test_of_two_copies_the_whole_one_is_read(pod):
    pod.gave(head())
    second = pod.device(B)
    second.sizes()
    second.write(*head())
    second.flush()
    pod.server.write(pod.path(f"{A}/{head()[0][-32:-30]}/{head()[0]}"), b"x" * len(head()[1]))
    reader = pod.device(C)
    reader.sizes()
    assert reader.read(head()[0]) == head()[1]


# Requests.


def test_a_check_that_nothing_changed_is_one_request(pod):
    place = pod.gave(segment(), head())
    assert pod.asked(lambda: place.is_settled(b"settled")) == ["GET"]
    again = pod.device()
    assert pod.asked(lambda: again.is_settled(b"settled")) == ["GET"]
    assert again.is_settled(b"settled")
    assert not again.is_settled(b"something new here")
    pod.gave(segment(B), feed=B)
    assert not pod.device().is_settled(b"settled")
    pod.gave()
    assert pod.asked(lambda: pod.device().is_settled(b"settled")) == ["GET"]
    assert pod.device().is_settled(b"settled")


def test_a_listing_that_follows_a_check_is_not_asked_for_again(pod):
    pod.gave(segment(), head())
    place = pod.device()
    place.is_settled(b"")
    assert pod.asked(place.sizes) == []
    assert pod.asked(place.sizes) == ["GET"]


def test_small_files_are_read_once_and_remembered(pod):
    pod.gave(head(), segment())
    place = pod.device(B)
    place.sizes()
    assert pod.asked(lambda: [place.read(head()[0]) for _ in range(3)]) == ["GET"]
    place.settle(b"")
    again = pod.device(B)
    again.sizes()
    assert pod.asked(lambda: again.read(head()[0])) == []


def test_a_flush_without_anything_new_asks_nothing(pod):
    place = pod.gave(segment())
    assert pod.asked(place.flush) == []


# Crashes, lost answers, cut uploads.


def synced(pod):
    """What a run does: fold two small segments into one, and move the head."""
    place = pod.device()
    there = place.sizes()
    for file in (segment(number=5), head(size=6)):
        if file[0] not in there:
            place.write(*file)
    for name, _ in (segment(), segment(number=1), head()):
        if name in there:
            place.delete(name)
    place.flush()
    place.settle(b"settled")


WANTED = sorted([segment(number=5)[0], head(size=6)[0]])


@pytest.mark.parametrize(
    ("point", "count"),
    [
        *[(point, count) for point in ("pod.begun", "pod.put") for count in (1, 2)],
        *[("pod.announcing", 1), ("pod.announced", 1)],
        *[("pod.deleted", count) for count in (1, 2, 3)],
    ],
)
def test_a_run_that_died_anywhere_is_finished_by_the_next(pod, dies, monkeypatch, point, count):
    pod.gave(segment(), segment(number=1), head())
    dies(point, count)
    with pytest.raises(Died):
        synced(pod)
    monkeypatch.undo()
    synced(pod)
    assert pod.files() == sorted(pod.device(B).sizes()) == WANTED


def test_what_a_dead_run_had_written_whole_is_not_sent_again(pod, dies, monkeypatch):
    pod.gave(segment())
    dies("pod.announcing")
    with pytest.raises(Died):
        synced(pod)
    monkeypatch.undo()
    assert pod.asked(lambda: synced(pod)).count("PUT") == 1


def test_what_a_dead_run_left_that_nobody_wants_is_deleted(pod):
    place = pod.device()
    place.sizes()
    pod.server.cut(*[100] * 20)
    place.write(*segment(number=7))
    with pytest.raises(PodUnreachable, match="not arrive whole"):
        place.flush()
    pod.server.faults.cuts.clear()
    assert segment(number=7)[0] in pod.files()
    synced(pod)
    assert pod.files() == WANTED


@pytest.mark.parametrize("number", range(8))
def test_a_lost_answer_costs_nothing(pod, number):
    pod.gave(segment(), segment(number=1), head())
    lose = number

    def counted(*args, ask=pod.server._answer):
        nonlocal lose
        answer = ask(*args)
        lose -= 1
        if lose == -1:
            pod.server.lose_answers()
        return answer

    pod.server._answer = counted
    synced(pod)
    assert lose < 0
    assert pod.files() == sorted(pod.device(B).sizes()) == WANTED


@pytest.mark.parametrize("number", range(3))
def test_a_body_that_is_cut_off_is_sent_again(pod, number):
    pod.gave(segment(), segment(number=1), head())
    puts = number

    def counted(request, body, put=pod.server._answer):
        nonlocal puts
        if request.method == "PUT":
            puts -= 1
            if puts == -1:
                pod.server.cut(7)
        return put(request, body)

    pod.server._answer = counted
    synced(pod)
    assert puts < 0
    reader = pod.device(B)
    assert sorted(reader.sizes()) == WANTED
    assert all(reader.read(name) for name in WANTED)


def test_an_index_that_is_cut_off_leaves_the_one_before_to_everybody(pod):
    pod.gave(segment())
    pod.gave(segment(number=1))
    _, newest = pod.index()
    [older] = {path for path in pod.server.files if "/index/" in path} - {newest}
    pod.server.write(older, pod.server.files[newest].body[:20], "application/json")
    assert sorted(pod.device(B).sizes()) == sorted([segment()[0], segment(number=1)[0]])
    assert sorted(pod.device(A).sizes()) == sorted([segment()[0], segment(number=1)[0]])


def test_a_first_index_that_is_cut_off_is_written_again(pod):
    pod.server.write(pod.server.path(pod.access.url) + f"{ROOT}index/{A}-1.json", b'{"form')
    pod.gave(segment())
    assert list(pod.device(B).sizes()) == [segment()[0]]


def test_a_device_that_forgot_what_it_began_finds_it_by_listing_once(pod):
    one, two = segment(), segment(number=1)
    pod.gave(one)
    place = pod.device()
    place.sizes()
    place.write(*two)
    place.close()
    pod.memories[A] = Fleeting()
    place = pod.device()
    assert place.sizes().keys() == {one[0]}
    place.flush()
    assert pod.files() == [one[0]]
    assert pod.asked(pod.device().sizes) == ["GET"]


def test_an_own_index_that_was_destroyed_is_written_again(pod):
    pod.gave(segment())
    pod.server.write(pod.index()[1], b"{}", "application/json")
    with pytest.raises(TamperError, match=f"device {A} .* sync on that device"):
        pod.device(B).sizes()
    assert not pod.device().is_settled(b"settled")
    pod.gave()
    assert list(pod.device(B).sizes()) == [segment()[0]]


def test_a_full_pod_is_said_and_gone_on_with(pod):
    place = pod.device()
    place.sizes()
    place.write(*segment())
    place.sizes()
    pod.server.room = 0
    place.write(*segment(number=1))
    with pytest.raises(PodFull):
        place.flush()
    pod.server.room = None
    again = pod.device()
    assert list(again.sizes()) == [segment()[0]]
    again.write(*segment(number=1))
    again.flush()
    assert pod.files() == sorted(pod.device(B).sizes())


def test_an_index_that_is_not_all_there_after_a_good_answer_is_written_again(pod, monkeypatch):
    first = [True]

    def stored(request, path, body, media_type, store=pod.server._store):
        short = path.endswith(".json") and first and first.pop()
        store(request, path, body[:9] if short else body, media_type)

    monkeypatch.setattr(pod.server, "_store", stored)
    pod.gave(segment())
    assert list(pod.device(B).sizes()) == [segment()[0]]
