"""What forms and addresses may hold: numbers and days at the ends of what there is, and one meaning."""

import re

import annotated_types
import pytest
from fastapi.routing import APIRoute

from console.pages.asking import MOST
from console.pages.routes import ROUTERS
from tests.pages.test_telling import wait
from vault.consent import Effect, Purpose

HUGE = 10**30


@pytest.fixture
def kept(site, chat):
    """A vault with one small chat of two people, which may be searched."""
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    site.command.ok("consent", "allow", "message", "search")
    return site


def numbers():
    """Return every number that a route takes in: its path, where it stands, and its field."""
    routes = (one for router in ROUTERS for one in router.routes if isinstance(one, APIRoute))
    for route in routes:
        waiting = [route.dependant]
        while waiting:
            of = waiting.pop()
            waiting += of.dependencies
            for field in (*of.path_params, *of.query_params, *of.body_params, *of.header_params):
                if "int" in re.findall(r"\w+", str(field.field_info.annotation)):
                    yield pytest.param(route, field, id=f"{route.path}:{field.name}")


@pytest.mark.parametrize(("route", "field"), list(numbers()))
def test_every_number_has_a_least_and_a_most(route, field):
    del route
    said = field.field_info.metadata
    least = [one.ge for one in said if isinstance(one, annotated_types.Ge)]
    most = [one.le for one in said if isinstance(one, annotated_types.Le)]
    assert least
    assert most
    assert least[0] >= 0
    assert most[0] <= MOST


def test_there_are_numbers():
    assert len(list(numbers())) > 20


def is_open(site):
    return site.client.app.state.keeper._twin


@pytest.mark.parametrize(
    "path",
    [
        "/consent/statements?after={}",
        "/consent/papers?after={}",
        "/consent/history?before={}",
        "/consent/conversations?items={}&no={}",
        "/consent/conversations/{}",
        "/consent/say?room={}",
        "/sources/imports?before={}",
        "/sources/imports/{}",
        "/chat/feedback?before={}",
        "/people?after={}",
        "/forget?room={}",
    ],
)
@pytest.mark.parametrize("number", [-5, 0, MOST, MOST + 1, HUGE])
def test_no_number_in_an_address_is_an_error_of_ours(kept, path, number):
    twin = is_open(kept)
    answer = kept.get(path.format(number, number))
    assert answer.status_code in ({200, 404} if 0 <= number <= MOST else {400})
    assert is_open(kept) is twin


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/forget/look", {"room": HUGE}),
        ("/forget/look", {"room": MOST}),
        (
            "/consent/effect",
            {"room": "9" * 19, "type": "message", "effect": "deny", "purpose": "search"},
        ),
        (
            "/consent/effect",
            {"room": "9" * 18, "type": "message", "effect": "deny", "purpose": "search"},
        ),
        ("/consent/kept/effect", {"type": "message", "days": "9999999999"}),
        ("/consent/kept/effect", {"type": "message", "days": "999999"}),
        ("/sources/imports/retry", {"number": HUGE}),
        ("/models/twin-1/export", {"folder": "~nobody-at-all/x"}),
        ("/pod/devices/exchange", {"folder": "~nobody-at-all/x"}),
    ],
)
def test_no_field_of_a_form_is_an_error_of_ours(kept, path, form):
    twin = is_open(kept)
    assert kept.post(path, form).status_code in {400, 404}
    assert is_open(kept) is twin


@pytest.mark.parametrize(
    ("day", "zone"),
    [("0001-01-01", "America/Los_Angeles"), ("9999-12-31", "Pacific/Kiritimati")],
)
def test_the_first_and_the_last_of_all_days_are_days(kept, here, day, zone):
    here(zone)
    twin = is_open(kept)
    for field in ("since", "until"):
        assert kept.get(f"/timeline?{field}={day}").status_code == 200
        assert kept.post("/search", {"words": "boat", field: day}).status_code == 200
        said = {"type": "message", "effect": "deny", "purpose": "search", field: day}
        assert kept.post("/consent/effect", said).status_code == 200
        assert kept.post("/forget/look", {field: day}).status_code == 303
    for job in kept.client.app.state.jobs.over + kept.client.app.state.jobs.running():
        wait(job)
        shown = kept.get(f"/forget/{job.id}")
        assert shown.status_code == (200 if job.state == "done" else 404)
    assert is_open(kept) is twin


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati"])
def test_a_day_is_the_same_everywhere(kept, here, zone):
    here(zone)
    days = {"since": "2023-02-02", "until": "2023-02-04"}
    listed = re.findall(
        r'class="line" href="/items/([^"]+)"',
        kept.get("/timeline?since=2023-02-02&until=2023-02-04").text,
    )
    at = kept.post("/forget/look", days).headers["location"]
    job = wait(kept.client.app.state.jobs.get(at.rpartition("/")[2]))
    foreseen = kept.get(f"/forget/{job.id}").text
    said = {"type": "message", "effect": "deny", "purpose": "search", **days}
    told = kept.post("/consent/effect", said).text
    found = kept.post("/search", {"words": "leeks", "since": "2023-02-04", "until": "2023-02-05"})
    assert len(listed) == 4
    assert "how many items go: <b>4</b>" in foreseen
    assert "4 items" in told or "2 items" in told
    assert found.text.count("<mark>") == 1


def test_what_would_go_is_not_shown_while_the_vault_is_locked(kept):
    at = kept.post("/forget/look", {"kind": "message"}).headers["location"]
    job = wait(kept.client.app.state.jobs.get(at.rpartition("/")[2]))
    assert "boat" in kept.get(f"/forget/{job.id}").text
    kept.client.app.state.keeper.lock()
    for answer in (kept.get(f"/forget/{job.id}"), kept.post(f"/forget/{job.id}", {"count": "1"})):
        assert answer.status_code == 303
        assert answer.headers["location"] == "/unlock"


def test_a_plan_is_not_shown_while_the_vault_is_locked(kept):
    at = kept.post("/training/plan", {"preset": "scratch"}).headers["location"]
    job = wait(kept.client.app.state.jobs.get(at.rpartition("/")[2]))
    kept.client.app.state.keeper.lock()
    assert kept.get(f"/training/plan/{job.id}").headers["location"] == "/unlock"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/search", {}),
        ("POST", "/search", {"HX-Request": "true"}),
        ("GET", "/pairs", {}),
        ("GET", "/pairs/bias", {}),
        ("GET", "/items/{}/uses", {}),
    ],
)
def test_what_was_taken_back_is_not_shown_while_views_are_far_behind(
    kept, monkeypatch, method, path, headers
):
    page = kept.post("/search", {"words": "leeks", "by": "text"}).text
    [item] = re.findall(r'class="line" href="/items/([^"]+)"', page)
    keeper = kept.client.app.state.keeper
    with keeper.changing() as twin:
        twin.vault.say(Effect.DENY, "message", Purpose.SEARCH)
    monkeypatch.setattr("console.pages.keeper.PATIENCE", 0)
    form = {"words": "leeks", "by": "text"} if method == "POST" else None
    answer = kept.client.request(method, path.format(item), data=form, headers=headers)
    assert answer.status_code == 503
    assert "are still being brought up" in answer.text
    assert "leeks" not in answer.text
    assert keeper.behind > 0
    monkeypatch.undo()
    assert 'href="/items/' not in kept.post("/search", {"words": "leeks", "by": "text"}).text
