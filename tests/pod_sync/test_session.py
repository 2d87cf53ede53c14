"""How the vault speaks with a pod: bounded, patient, never twice what counts once."""

import gzip
import itertools
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from email.utils import formatdate

import httpx2
import pytest

from pod_sync.errors import (
    PodChanged,
    PodForeign,
    PodFull,
    PodRefused,
    PodUnreachable,
)
from pod_sync.session import Access, Patience, Session
from tests.pod_sync.fake import FakePod
from tests.pod_sync.naps import Naps
from vault.mirrors import Vanished

BYTES = "application/octet-stream"


@pytest.fixture
def session(fake: FakePod, fake_access: Access, naps: Naps) -> Iterator[Session]:
    with Session(
        fake_access, transport=fake, patience=naps.patience(), clock=fake.clock
    ) as session:
        yield session


# Whole resources.


def test_what_is_put_is_got(session):
    session.put("a/b.bin", b"\x00\xff", BYTES)
    found = session.get("a/b.bin")
    assert (found.body, found.media_type, session.size("a/b.bin")) == (b"\x00\xff", BYTES, 2)
    assert [(m.name, m.size, m.container) for m in session.listing("a/")] == [("b.bin", 2, False)]
    assert [(m.name, m.container) for m in session.listing("") if m.name == "a"] == [("a", True)]
    assert session.delete("a/b.bin")
    assert not session.delete("a/b.bin")


def test_what_is_not_there(session):
    assert session.size("nothing") is None
    assert session.listing("nothing/") == ()
    assert session.rights("nothing") == {}
    with pytest.raises(Vanished):
        session.get("nothing")


def test_what_is_known_is_not_sent_again(session):
    session.put("i.json", b"{}", "application/json")
    assert session.get("i.json", etag=session.get("i.json").etag) is None


def test_a_condition_has_one_winner(session):
    session.put("i.json", b"{}", "application/json", new=True)
    etag = session.get("i.json").etag
    session.put("i.json", b"{ }", "application/json", etag=etag)
    with pytest.raises(PodChanged):
        session.put("i.json", b"{  }", "application/json", etag=etag)
    with pytest.raises(PodChanged):
        session.put("i.json", b"{  }", "application/json", new=True)


def test_traffic_is_counted(session):
    session.put("a.bin", bytes(1000), BYTES)
    requests = session.traffic.requests
    session.get("a.bin")
    assert session.traffic.requests == requests + 1
    assert session.traffic.sent >= 1000
    assert session.traffic.received >= 1000


def test_several_threads_share_a_session(session):
    def there_and_back(number: int) -> bytes:
        session.put(f"{number}.bin", b"%d" % number, BYTES, new=True)
        return session.get(f"{number}.bin").body

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(there_and_back, range(32))) == [b"%d" % n for n in range(32)]


# Patience.


@pytest.mark.parametrize("code", [401, 403, 429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(session, fake, naps, code):
    session.put("a.bin", b"a", BYTES)
    fake.refuse(code, code, code, code)
    assert session.get("a.bin").body == b"a"
    if code != 401:  # the login tried one more time itself
        assert naps == [0.25, 0.5, 1.0, 2.0]


@pytest.mark.parametrize(
    ("code", "error"), [(403, PodRefused), (429, PodUnreachable), (503, PodUnreachable)]
)
def test_patience_has_an_end(session, fake, naps, code, error):
    fake.refuse(*[code] * 9)
    with pytest.raises(error, match=r"; .+\.$"):
        session.get("a.bin")
    assert len(naps) == 4


def test_a_server_says_how_long_to_wait(session, fake, naps):
    session.put("a.bin", b"a", BYTES)
    fake.refuse(503, retry_after="7")
    session.get("a.bin")
    fake.refuse(429, retry_after=formatdate(fake.clock.now + 20, usegmt=True))
    session.get("a.bin")
    assert naps[0] == 7
    assert 15 < naps[1] <= 20
    fake.refuse(503, retry_after="86400")
    with pytest.raises(PodUnreachable, match=r"later"):
        session.get("a.bin")
    assert len(naps) == 2


def test_pauses_differ_between_devices():
    first, second = Naps(), Naps()
    for naps, draw in ((first, 0.0), (second, 0.99)):
        Patience(sleep=naps.append, draw=lambda draw=draw: draw).wait(2)
    assert first[0] < second[0] <= 3 * first[0]


def test_a_pod_that_is_full_says_so_at_once(session, fake, naps):
    fake.refuse(507)
    with pytest.raises(PodFull, match=r"room"):
        session.put("a.bin", b"a", BYTES)
    fake.refuse(413)
    with pytest.raises(PodFull):
        session.put("a.bin", b"a", BYTES)
    assert naps == []


# Answers that were lost.


@pytest.mark.parametrize("condition", [{"new": True}, {"etag": "known"}])
def test_its_own_success_is_no_conflict(session, fake, condition):
    if "etag" in condition:
        session.put("i.json", b"{}", "application/json")
        condition = {"etag": session.get("i.json").etag}
    fake.lose_answers()
    session.put("i.json", b"[1]", "application/json", **condition)
    assert session.get("i.json").body == b"[1]"


def test_its_own_success_is_no_conflict_even_if_it_comes_late(fake_access, fake, naps):
    there = []
    answers = iter(["lost"])

    def late(request: httpx2.Request) -> httpx2.Response:
        match request.method, next(answers, "look"):
            case "PUT", "lost":
                raise httpx2.ReadError("the connection was lost")
            case "PUT", _:
                there.append(request.content)
                return httpx2.Response(412)
        return httpx2.Response(200, content=there[0]) if there else httpx2.Response(404)

    with answering(fake_access, naps, fake, late) as session:
        session.put("seg.bin", b"abc", BYTES, new=True)


def test_another_ones_success_is_a_conflict(session, fake):
    session.put("i.json", b"{}", "application/json")
    etag = session.get("i.json").etag
    fake.clock.now += 1
    fake.write(fake.path(session.url + "i.json"), b"theirs", "application/json")
    fake.refuse(502)
    with pytest.raises(PodChanged):
        session.put("i.json", b"mine", "application/json", etag=etag)


def test_a_body_that_was_cut_is_told_to_whoever_can_mend_it(session, fake):
    fake.cut(3)
    with pytest.raises(PodChanged):
        session.put("seg.bin", b"abcdef", BYTES, new=True)
    assert session.size("seg.bin") == 3
    fake.cut(3)
    session.put("seg.bin", b"abcdef", BYTES)
    assert session.get("seg.bin").body == b"abcdef"


def test_what_is_sent_to_be_done_is_not_done_twice(session, fake):
    session.put("inbox/", b"", "text/turtle")
    fake.lose_answers()
    with pytest.raises(PodUnreachable):
        session.post("inbox/", b"<> a <#Note>.", "text/turtle")
    assert len(session.listing("inbox/")) == 1
    fake.refuse(503)
    session.post("inbox/", b"<> a <#Note>.", "text/turtle")
    assert len(session.listing("inbox/")) == 2


def test_deleting_may_be_done_twice(session, fake):
    session.put("a.bin", b"a", BYTES)
    fake.lose_answers()
    session.delete("a.bin")
    assert session.size("a.bin") is None


# Whose pod it is.


def test_the_owner_is_known(session):
    session.assert_owner()


def test_an_owner_whose_clock_is_off_is_known_at_second_sight(fake, fake_access):
    """Servers answer as to a stranger where a proof is too old, and the root is all people's."""

    def undated_login(request: httpx2.Request) -> httpx2.Response:
        answer = fake.handle_request(request)
        if request.url.path.startswith(("/.oidc", "/.well-known")):
            answer.headers.pop("Date")
        return answer

    transport = httpx2.MockTransport(undated_login)
    late = Session(fake_access, transport=transport, clock=lambda: fake.clock() - 270)
    with late as session:
        session.assert_owner()


def test_a_stranger_is_no_owner(fake, fake_access, naps):
    fake.accounts.who = lambda _: ""
    with (
        Session(fake_access, transport=fake, patience=naps.patience()) as session,
        pytest.raises(PodRefused, match=r"localhost is not 127\.0.0.1"),
    ):
        session.assert_owner()


def test_wrong_credentials_are_named_at_once(fake, fake_access, naps):
    wrong = replace(fake_access, secret="wrong")
    with (
        Session(wrong, transport=fake, patience=naps.patience()) as session,
        pytest.raises(PodRefused, match=r"make new ones"),
    ):
        session.assert_owner()
    assert naps == []
    assert "wrong" not in repr(wrong)


# What a host may try.


def answering(access: Access, naps: Naps, fake: FakePod, handler) -> Session:
    """A session whose pod answers as told, with an identity provider that works."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        login = request.url.path.startswith(("/.oidc", "/.well-known"))
        return fake.handle_request(request) if login else handler(request)

    transport = httpx2.MockTransport(answer)
    return Session(access, transport=transport, patience=naps.patience(), clock=fake.clock)


class Endless(httpx2.SyncByteStream):
    """A body of a gigabyte."""

    def __init__(self) -> None:
        self.given = 0
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        piece = bytes(1 << 16)
        while self.given < 1 << 30:
            self.given += len(piece)
            yield piece

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("code", [200, 404, 401, 500])
def test_a_document_of_a_gigabyte_stays_outside(fake_access, fake, naps, announced, code):
    bodies = []

    def huge(_: httpx2.Request) -> httpx2.Response:
        bodies.append(Endless())
        headers = {"Content-Length": str(1 << 30)} if announced else {}
        return httpx2.Response(code, headers=headers, stream=bodies[-1])

    tracemalloc.start()
    with (
        answering(fake_access, naps, fake, huge) as session,
        pytest.raises((PodRefused, PodUnreachable, Vanished)) as raised,
    ):
        session.get("a.ttl", most=1 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(body.closed and body.given <= (1 << 20) + (1 << 17) for body in bodies)
    assert peak < 8 << 20
    if code == 200:
        assert not announced or bodies[0].given == 0
        assert "more than the 1048576 bytes" in str(raised.value)


def test_a_body_that_grows_when_unpacked_is_refused(fake_access, fake, naps):
    def bomb(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            200, headers={"Content-Encoding": "gzip"}, stream=httpx2.ByteStream(b"\x1f\x8b")
        )

    with (
        answering(fake_access, naps, fake, bomb) as session,
        pytest.raises(PodRefused, match=r"compressed"),
    ):
        session.get("a.ttl")


def test_a_body_that_never_ends_for_slowness_is_given_up(fake_access, fake, naps, monkeypatch):
    moments = itertools.count(step=300)
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))

    def dripping(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, stream=Drops())

    class Drops(httpx2.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b"."

    with (
        answering(fake_access, naps, fake, dripping) as session,
        pytest.raises(PodUnreachable, match=r"in time"),
    ):
        session.get("a.ttl")


def test_an_error_that_grows_when_unpacked_is_not_unpacked(fake_access, fake, naps):
    body = gzip.compress(bytes(50 << 20))

    def bomb(_: httpx2.Request) -> httpx2.Response:
        headers = {"Content-Encoding": "gzip"}
        return httpx2.Response(404, headers=headers, stream=httpx2.ByteStream(body))

    tracemalloc.start()
    with answering(fake_access, naps, fake, bomb) as session, pytest.raises(Vanished):
        session.get("a.ttl")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_host_is_not_helped_to_remember_the_vault(fake_access, fake, naps):
    cookies = []

    def marking(request: httpx2.Request) -> httpx2.Response:
        cookies.append(request.headers.get("Cookie"))
        return httpx2.Response(200, headers={"Set-Cookie": "id=1; Path=/"})

    with answering(fake_access, naps, fake, marking) as session:
        session.get("a.ttl")
        session.get("a.ttl")
    assert cookies == [None, None]


def test_a_resource_that_sends_on_is_not_followed(fake_access, fake, naps):
    asked = []

    def onward(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        return httpx2.Response(302, headers={"Location": "https://evil.example/"})

    with (
        answering(fake_access, naps, fake, onward) as session,
        pytest.raises(PodForeign, match=r"leads to another address"),
    ):
        session.get("a.ttl")
    assert asked == ["localhost"]


def test_another_server_is_not_told_who_the_vault_is(session):
    for url in (
        "https://evil.example/",
        "http://localhost:3001/",
        "https://localhost:3000/",
        "http://localhost:port/",
    ):
        with pytest.raises(PodForeign):
            session.post(url, b"", "text/turtle")


@pytest.mark.parametrize(
    "listing",
    [b"<html>", b"\xff", b"<a> <b", b"(" * 9999, b"<> <p> " + b"[ <p> " * 5000],
)
def test_a_listing_that_is_none_is_refused(fake_access, fake, naps, listing, capsys):
    def odd(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"Content-Type": "text/turtle"}, content=listing)

    with (
        answering(fake_access, naps, fake, odd) as session,
        pytest.raises(PodRefused, match=r"cannot be read"),
    ):
        session.listing("a/")
    assert capsys.readouterr().err == ""


def test_a_listing_names_direct_members_alone(fake_access, fake, naps, capsys):
    turtle = b"""@prefix ldp: <http://www.w3.org/ns/ldp#>.
    <> ldp:contains <ok%20.bin>, <../up>, <deep/er>, <https://evil.example/x>, <>, <..>.
    <ok%20.bin> <http://www.w3.org/ns/posix/stat#size> -1, "many"."""

    def odd(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"Content-Type": "text/turtle"}, content=turtle)

    with answering(fake_access, naps, fake, odd) as session:
        assert [tuple(member) for member in session.listing("a/")] == [("ok .bin", None, "", False)]
    assert capsys.readouterr().err == ""


# The real server.


@pytest.mark.pod
def test_a_real_server_knows_its_owner(pod):
    with Session(pod) as session:
        session.assert_owner()
        session.put("a.bin", bytes(1000), BYTES, new=True)
        assert session.size("a.bin") == 1000
    other = replace(pod, webid="https://bob.example/card#me")
    with Session(other) as session, pytest.raises(PodRefused, match=r"are those of .*ada"):
        session.assert_owner()


@pytest.mark.pod
def test_a_real_server_takes_its_owner_for_nobody_under_another_name(pod, naps):
    elsewhere = replace(pod, url=pod.url.replace("localhost", "127.0.0.1"))
    with (
        Session(elsewhere, patience=naps.patience()) as session,
        pytest.raises(PodForeign),
    ):
        session.assert_owner()
