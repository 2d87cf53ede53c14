"""The door: who is answered at all, and that no route is outside it."""

import itertools
import re
import time
from contextlib import suppress
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import Mount
from starlette.testclient import TestClient, WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from console.pages.access import proven
from console.pages.app import build
from console.pages.door import Door
from console.pages.guard import OPEN, Guard
from console.pages.routes import ROUTERS
from console.pages.serving import Lan, _door
from console.pages.sessions import Sessions, _Session
from console.pages.telling import Telling
from tests.pages.conftest import ORIGIN
from tests.pages.declared import DECLARED, WITHOUT_SESSION
from vault.errors import Locked

HOST = "127.0.0.1:8642"
FORM = "application/x-www-form-urlencoded"
METHODS = ("GET", "HEAD", "POST", "PUT", "OPTIONS")
HOSTS = ((HOST,), (), ("127.0.0.1",), (HOST, "evil.example:8642"))
ORIGINS = ((), (ORIGIN,), ("null",), (ORIGIN, "http://evil.example"))
SITES = ((), ("same-origin",), ("none",), ("same-site",))
TYPES = ((), (FORM,), ("multipart/form-data; boundary=x",), ("application/json",))


def routes():
    return [route for router in ROUTERS for route in router.routes]


def path_of(route):
    return re.sub(r"{[^}]*}", "1", route.path)


def every_path():
    return sorted({path_of(route) for route in routes()} | {"/static/app.js", "/", "/nowhere"})


class Inside:
    """What is behind the guard, noting whether it was reached."""

    reached = False

    async def __call__(self, scope, receive, send):
        del scope, receive, send
        self.reached = True


def passes(guard, inside, scope):
    async def receive():
        return {"type": "http.request"}

    async def send(message):
        del message

    inside.reached = False
    answering = guard(scope, receive, send)
    try:
        while True:
            answering.send(None)
    except StopIteration:
        return inside.reached


def is_welcome(path, row):
    """What may pass, said once more in other words."""
    method, host, origin, site, kind, cookie = row
    ours = (
        host == (HOST,) and origin in {(), (ORIGIN,)} and site in {(), ("same-origin",), ("none",)}
    )
    if not ours or not (
        cookie == "known"
        or path.startswith(("/enter/", "/health/", "/static/"))
        or path == "/unlock"
    ):
        return False
    if method in {"GET", "HEAD"}:
        return True
    told = origin == (ORIGIN,) or site == ("same-origin",)
    return method == "POST" and told and kind in {TYPES[1], TYPES[2]}


def test_no_request_to_any_route_is_wrongly_accepted_or_refused():
    sessions, inside = Sessions("twin-test"), Inside()
    cookies = {"known": sessions.begin(), "guessed": "x" * 43, "none": ""}
    guard = Guard(inside, Door(origins=(ORIGIN,)), sessions)
    wrong, paths = [], every_path()
    rows = itertools.product(METHODS, HOSTS, ORIGINS, SITES, TYPES, cookies)
    for row in rows:
        method, host, origin, site, kind, cookie = row
        named = (
            ("host", host),
            ("origin", origin),
            ("sec-fetch-site", site),
            ("content-type", kind),
        )
        headers = [(name.encode(), one.encode()) for name, all_ in named for one in all_]
        headers.append((b"cookie", f"twin-test={cookies[cookie]}".encode()))
        scope = {"type": "http", "method": method, "headers": headers}
        wrong += [
            (path, row)
            for path in paths
            if passes(guard, inside, scope | {"path": path}) != is_welcome(path, row)
        ]
    assert not wrong[:5]


def test_a_websocket_is_opened_for_nobody(site):
    for path in every_path():
        with (
            pytest.raises((WebSocketDisconnect, WebSocketDenialResponse)),
            site.client.websocket_connect(path),
        ):
            pass


def test_the_guard_stands_before_every_route_of_the_app(tmp_path):
    app = build(tmp_path / "home", Door(origins=(ORIGIN,)), Sessions("twin-test"))
    assert [one.cls for one in app.user_middleware] == [Telling, Guard]
    mounted = [one.path for one in app.routes if isinstance(one, Mount)]
    assert mounted == ["/static"]


def test_through_the_whole_app_strangers_reach_nothing(site):
    stranger = TestClient(site.client.app, base_url=ORIGIN, follow_redirects=False)
    page = {"accept": "text/html"}
    for path in every_path():
        is_open = path.startswith(("/enter/", "/health/", "/static/")) or path == "/unlock"
        if not is_open:
            assert stranger.get(path, headers=page).headers["location"] == "/unlock", path
            assert stranger.get(path).status_code == 401, path
            asked = stranger.get(path, headers={"hx-request": "true"})
            assert (asked.status_code, asked.headers["hx-redirect"]) == (401, "/unlock"), path
        here = site.client
        assert here.get(path, headers={"host": "evil.example"}).status_code == 421, path
        assert here.get(path, headers={"origin": "http://evil.example"}).status_code == 403, path
        assert here.get(path, headers={"sec-fetch-site": "cross-site"}).status_code == 403, path
        assert here.put(path).status_code == 405, path
        assert here.post(path, json={}).status_code == 415, path


def test_what_is_answered_without_a_session_is_listed():
    assert OPEN == WITHOUT_SESSION


def test_every_way_to_change_something_is_declared():
    changing = {r.path for r in routes() if isinstance(r, APIRoute) and r.methods - {"GET", "HEAD"}}
    assert changing == set(DECLARED)


def test_what_is_declared_sensitive_asks_for_the_passphrase():
    asks = {r.path for r in routes() if isinstance(r, APIRoute) and _names(r.dependant, proven)}
    assert asks == {path for path, kind in DECLARED.items() if kind == "proven"}


def _names(dependant: Dependant, call):
    return any(one.call is call or _names(one, call) for one in dependant.dependencies)


def test_every_route_takes_only_what_the_door_lets_in():
    for route in routes():
        assert isinstance(route, APIRoute), route
        assert route.methods <= {"GET", "HEAD", "POST"}, route.path


def test_every_answer_forbids_scripts_frames_and_keeping(site):
    for path in ("/", "/nowhere", "/unlock", "/static/app.js", "/health/live"):
        headers = site.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        # With `no-referrer` browsers say `Origin: null` of forms, also of our own.
        assert headers["referrer-policy"] == "same-origin"
        kept = "no-cache" if path.startswith("/static") else "no-store"
        assert headers["cache-control"] == kept
    assert "default-src" in TestClient(site.client.app).get("/").headers["content-security-policy"]


@pytest.mark.parametrize(("port", "tail"), [(443, ""), (8443, ":8443"), (80, ":80")])
def test_it_answers_to_its_name_as_browsers_write_it(tmp_path, port, tail):
    door = _door(port, Lan(name="box.home", certificate=Path("c"), key=Path("k")))
    assert door.origins == (f"https://box.home{tail}",)
    browser = TestClient(
        build(tmp_path / "home", door, Sessions("twin-test")), base_url=f"https://box.home:{port}"
    )
    answer = browser.get("/unlock", headers={"origin": door.origins[0]})
    assert answer.request.headers["host"] == f"box.home{tail}"
    assert answer.status_code == 200


def test_on_this_computer_the_port_of_the_web_is_not_written():
    assert _door(80, None).hosts == {"127.0.0.1", "localhost"}
    assert _door(443, None).hosts == {"127.0.0.1:443", "localhost:443"}


# Sessions.


def test_the_link_lets_one_browser_in_once():
    now = [0.0]
    sessions = Sessions("twin-test", clock=lambda: now[0])
    link = sessions.link()
    assert sessions.knows(sessions.enter(link))
    assert sessions.enter(link) is None
    late = sessions.link()
    now[0] += 601
    assert sessions.enter(late) is None


def test_a_session_that_nobody_uses_ends():
    now = [0.0]
    sessions = Sessions("twin-test", clock=lambda: now[0])
    cookie = sessions.begin()
    now[0] += 11 * 3600
    assert sessions.knows(cookie)
    now[0] += 11 * 3600
    assert sessions.is_anybody_there()
    now[0] += 2 * 3600
    assert not sessions.is_anybody_there()
    assert not sessions.knows(cookie)


def test_asking_whether_a_session_goes_on_does_not_prolong_it():
    now = [0.0]
    sessions = Sessions("twin-test", clock=lambda: now[0])
    cookie = sessions.begin()
    now[0] += 11 * 3600
    assert sessions.holds(cookie)
    now[0] += 2 * 3600
    assert not sessions.holds(cookie)
    assert not sessions.knows(cookie)
    assert not sessions.holds("x")


def test_browsers_may_come_while_it_is_asked_who_is_there():
    sessions = Sessions("twin-test")

    def now():
        # Another thread lets somebody in just then.
        sessions._sessions[str(len(sessions._sessions)).encode()] = _Session(-1e9)
        return 0.0

    sessions.clock = now
    sessions._sessions[b"first"] = _Session(-1e9)
    assert not sessions.is_anybody_there()


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(site):
    told = site.post("/unlock", {"passphrase": "correct horse battery staple"})
    cookie = told.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_two_vaults_on_one_machine_know_only_their_own_browsers(site, tmp_path):
    other = Sessions("twin-other")
    app = build(tmp_path / "other", Door(origins=("http://127.0.0.1:9000",)), other)
    hers = TestClient(app, base_url="http://127.0.0.1:9000", follow_redirects=False)
    cookie = site.client.cookies["twin-test"]
    for name in ("twin-test", "twin-other"):
        asked = hers.get("/", headers={"cookie": f"{name}={cookie}", "accept": "text/html"})
        assert asked.headers["location"] == "/unlock"
    assert site.get("/").status_code == 200


# The passphrase.


def test_wrong_passphrases_cost_more_and_more_time():
    now = [0.0]
    sessions = Sessions("twin-test", clock=lambda: now[0])
    waits = []
    for _ in range(12):
        before = now[0]
        while is_too_soon(sessions):
            now[0] += 1
        waits.append(now[0] - before)
    assert waits[:3] == [0, 0, 0]
    assert waits[3:9] == [1, 2, 4, 8, 16, 32]
    assert waits[-1] <= 300


def is_too_soon(sessions):
    try:
        sessions.attempt("", lambda: False)
    except Locked as error:
        return "again in" in str(error)
    return False


def test_many_guesses_at_once_gain_nothing():
    sessions = Sessions("twin-test", clock=lambda: 0.0)
    looked = []

    def guess():
        looked.append(1)
        if len(looked) < 20:
            # While one is looked at, others come.
            with suppress(Locked):
                sessions.attempt("", guess)
        return False

    sessions.attempt("", guess)
    assert len(looked) == 3


def test_whoever_guesses_from_outside_does_not_keep_the_owner_out(site):
    stranger = TestClient(
        site.client.app,
        base_url=ORIGIN,
        headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"},
        follow_redirects=False,
    )
    for _ in range(3):
        assert stranger.post("/unlock", data={"passphrase": "guess"}).status_code == 403
    told = stranger.post("/unlock", data={"passphrase": "correct horse battery staple"})
    assert told.status_code == 403
    assert "Wrong too often" in told.text
    site.unlock()


def test_a_stranger_at_another_address_does_not_keep_out_who_comes_back(site):
    def browser(address):
        return TestClient(
            site.client.app,
            base_url=ORIGIN,
            headers={"origin": ORIGIN, "sec-fetch-site": "same-origin"},
            client=(address, 50000),
            follow_redirects=False,
        )

    for _ in range(4):
        told = browser("192.0.2.9").post("/unlock", data={"passphrase": "guess"})
        assert told.status_code == 403
    assert "Wrong too often" in told.text
    right = {"passphrase": "correct horse battery staple"}
    assert browser("192.0.2.9").post("/unlock", data=right).status_code == 403
    assert browser("192.0.2.7").post("/unlock", data=right).status_code == 303


def test_one_stranger_never_uses_up_what_all_have_together_and_many_do_not_pass_it():
    now = [0.0]
    sessions = Sessions("twin-test", clock=lambda: now[0])

    def guess(address):
        with suppress(Locked):
            sessions.attempt("", lambda: looked.append(address), address)

    looked: list[str] = []
    for _ in range(2 * 3600):
        guess("one")
        now[0] += 1
    assert looked
    guess("other")
    assert looked[-1] == "other"
    looked.clear()
    for number in range(500):
        guess(f"many {number}")
    assert 50 < len(looked) <= 100
    known = sessions.begin()
    assert sessions.attempt(known, lambda: True)
    now[0] += 3601
    guess("another")
    assert looked[-1] == "another"


def test_a_sensitive_action_asks_again_and_does_nothing_without(site):
    later = time.monotonic() + 301
    site.client.app.state.sessions.clock = lambda: later
    asked = site.post("/integrity/prove", {"item": "x"})
    assert asked.status_code == 403
    assert "needs your passphrase" in asked.text
    wrong = site.post("/integrity/prove", {"item": "x", "passphrase": "wrong"})
    assert "passphrase is wrong" in wrong.text
    right = {"item": "x", "passphrase": "correct horse battery staple"}
    assert site.post("/integrity/prove", right).status_code == 404
