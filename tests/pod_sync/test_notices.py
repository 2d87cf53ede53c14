"""Notices: told at once where a channel is open, looked for where none is, believed never."""

import time

import pytest

from pod_sync.errors import PodForeign, PodUnreachable
from pod_sync.notices import Notices, Pace, _connected
from pod_sync.session import Patience, Session
from tests.pod_sync.bells import Bells
from tests.pod_sync.fake import FakePod
from tests.pod_sync.pods import new_pod

FOLDER = "twinvault/consent/"
NAME = f"{FOLDER}message.ttl"
QUICK = Pace(first=0.02, longest=0.1, seldom=30.0, pause=0.0)
NEVER = Pace(first=600.0, longest=600.0, seldom=600.0)
LONG = 20.0


@pytest.fixture
def bells():
    with Bells.on(FakePod) as one:
        yield one


@pytest.fixture
def session(bells):
    access = new_pod(bells.pod.url, bells.pod)
    with Session(access, transport=bells, patience=Patience(first=0.001, longest=0.001)) as one:
        one.put(NAME, b"<#a> a <#b>.", "text/turtle")
        yield one


def write(session, body=b"<#a> a <#c>.", name=NAME):
    session.put(name, body, "text/turtle")


def live(notices):
    ends = time.monotonic() + LONG
    while not notices.live and time.monotonic() < ends:
        time.sleep(0.005)
    assert notices.live
    heard = set()
    while found := notices.wait(0.05):
        heard |= found
    return heard


def heard(notices, wanted):
    ends, found = time.monotonic() + LONG, set()
    while not wanted <= found and time.monotonic() < ends:
        found |= notices.wait(0.2)
    return found


def test_an_edit_is_told_without_a_single_request(session):
    with Notices(session, [FOLDER, NAME], NEVER) as notices:
        assert live(notices) == {FOLDER, NAME}
        before = session.traffic.requests
        write(session)
        assert notices.wait(LONG) == {NAME}
        assert session.traffic.requests == before + 1, "the edit alone"


def test_a_document_that_comes_or_goes_is_told_by_its_container(session):
    with Notices(session, [FOLDER], NEVER) as notices:
        live(notices)
        write(session, name=f"{FOLDER}document.ttl")
        assert notices.wait(LONG) == {FOLDER}
        session.delete(f"{FOLDER}document.ttl")
        assert notices.wait(LONG) == {FOLDER}


def test_what_is_added_later_is_listened_to(session):
    with Notices(session, [FOLDER], NEVER) as notices:
        live(notices)
        notices.add([FOLDER, NAME])
        live(notices)
        write(session)
        assert notices.wait(LONG) == {NAME}


def test_a_channel_that_closes_is_opened_again_and_what_it_missed_is_looked_at(session, bells):
    with Notices(session, [NAME], QUICK) as notices:
        live(notices)
        bells.hang_up()
        assert heard(notices, {NAME}) == {NAME}
        live(notices)
        write(session)
        assert heard(notices, {NAME}) == {NAME}
    assert len(bells.said) >= 2


def test_where_no_channel_is_to_be_had_it_is_looked_from_time_to_time(session, bells):
    bells.deaf = True
    with Notices(session, [FOLDER, NAME], QUICK) as notices:
        assert notices.wait(0.2) == set()
        write(session)
        assert NAME in heard(notices, {NAME})
        assert not notices.live


def test_of_many_documents_one_request_tells_that_nothing_changed(session, bells):
    bells.deaf = True
    bells.pod.requests.clear()
    with Notices(session, [FOLDER, NAME, f"{FOLDER}other.ttl"], QUICK) as notices:
        notices.wait(0.3)
    assert {path.rpartition("/")[2] for method, path in bells.pod.requests if method == "GET"} == {
        ""
    }


def test_a_pod_that_is_away_is_waited_for(session, bells):
    with Notices(session, [NAME], QUICK) as notices:
        live(notices)
        bells.deaf = True
        bells.pod.refuse(*[503] * 30)
        bells.hang_up()
        time.sleep(0.1)
        bells.deaf = False
        bells.pod.faults.refusals.clear()
        live(notices)
        write(session)
        assert NAME in heard(notices, {NAME})


def test_a_flood_of_notices_is_one(session, bells):
    path = f"/{session.url.split('/')[3]}/{NAME}"
    with Notices(session, [NAME], NEVER) as notices:
        live(notices)
        for _ in range(2000):
            bells.ring(path, "{}")
        assert notices.wait(LONG) == {NAME}
        assert len(notices._changed) <= 1


@pytest.mark.parametrize("text", ["x" * (1 << 17), "{", "\0"])
def test_whatever_a_notice_says_it_only_says_where_to_look(session, bells, text):
    path = f"/{session.url.split('/')[3]}/{NAME}"
    with Notices(session, [NAME], QUICK) as notices:
        live(notices)
        bells.ring(path, text)
        assert heard(notices, {NAME}) == {NAME}


@pytest.mark.parametrize(
    "answer",
    [
        {"receiveFrom": "ws://other.example/x"},
        {"receiveFrom": "http://localhost/"},
        {"receiveFrom": "wss://127.0.0.1:1/"},
        {"receiveFrom": "ws://[::1"},
        {"receiveFrom": ""},
        {"endAt": "soon"},
    ],
)
def test_a_channel_that_is_none_leaves_looking(session, bells, answer):
    bells.answer = answer
    with Notices(session, [NAME], QUICK) as notices:
        assert notices.wait(0.1) == set()
        write(session)
        assert NAME in heard(notices, {NAME})


@pytest.mark.parametrize(
    "address",
    ["ws://pod.example/x", "ftp://pod.example/", "wss://u:p@pod.example/", "ws://localhost:1/"],
)
def test_a_channel_leads_to_the_pods_own_server_or_encrypted_to_a_public_one(address):
    with pytest.raises(PodForeign), _connected(address, "http://localhost:3000/"):
        pass


def test_a_channel_never_leads_into_the_owners_network(bells):
    port = bells.server.socket.getsockname()[1]
    with (
        pytest.raises(PodForeign, match="private network"),
        _connected(f"wss://localhost:{port}/", "https://pod.example/"),
    ):
        pass


def test_a_channel_that_ends_is_asked_for_anew(session, bells, monkeypatch):
    monkeypatch.setattr("pod_sync.notices._EARLY", 0.1)
    bells.answer = {"endAt": "2020-01-01T00:00:00Z"}
    with Notices(session, [NAME], QUICK) as notices:
        heard(notices, {NAME})
        ends = time.monotonic() + LONG
        while len(bells.said) < 3 and time.monotonic() < ends:
            time.sleep(0.01)
    assert len(bells.said) >= 3


def test_leaving_ends_every_thread(session):
    with Notices(session, [FOLDER, NAME], QUICK) as notices:
        live(notices)
        assert all(thread.is_alive() for thread in notices._threads)
    assert not any(thread.is_alive() for thread in notices._threads)


def test_a_pod_that_is_gone_is_no_error_here(bells):
    access = new_pod(bells.pod.url, bells.pod)

    class Gone(FakePod):
        def handle_request(self, _):
            raise PodUnreachable("gone")

    with Session(access, transport=Gone()) as session, Notices(session, [NAME], QUICK) as notices:
        assert notices.wait(0.1) == set()
