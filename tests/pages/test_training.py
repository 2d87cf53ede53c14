"""Teaching a model from the pages: planned, begun, looked on, stopped, gone on with."""

import asyncio
import json
import shutil
import time
from html import unescape

import pytest

from console.pages import curves, drawing
from console.use import following
from tests.forked import Forked
from tests.helpers import TOY, write_chats
from tests.pages.working import led
from trainer import runs
from trainer.runs import Log, Progress

SLOW = TOY.replace("epochs = 1.0", "epochs = 200.0")


@pytest.fixture(scope="module")
def allowed(tmp_path_factory):
    """A folder with a vault that may learn from a few chats, to be copied."""
    command = Forked.in_folder(tmp_path_factory.mktemp("allowed"))
    command.ok("init")
    command.ok("add", str(write_chats(command.cwd)), "--me", "Ada Quill")
    command.ok("consent", "allow", "message", "train")
    command.ok("view", "build")
    return command.cwd


@pytest.fixture
def vault(twin, allowed):
    """The command on a copy of that vault."""
    shutil.copytree(allowed, twin.cwd, dirs_exist_ok=True)
    return twin


@pytest.fixture
def ready(site):
    """The pages of that vault."""
    return site


def begun(site, text=TOY):
    """Begin a run; return its page and the work behind it."""
    answer = site.post("/training/start", {"preset": "voice", "text": text})
    assert answer.status_code == 303, answer.text
    page = answer.headers["location"]
    job = curves.job_of(site.client.app.state.jobs, page.rpartition("/")[2])
    return page, job


def over(job, seconds=240):
    end = time.monotonic() + seconds
    while job.state == "running":
        assert time.monotonic() < end, "the run does not end"
        time.sleep(0.05)
    return job


def events(site, page, **headers):
    """All events of a run that is over, as (name, id, data)."""
    found = []
    for block in site.get(f"{page}/events", headers=headers).text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "event" in fields:
            found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
    return found


def test_why_fewer_examples_are_told_than_on_the_overview(ready):
    page = ready.get("/training").text
    assert "Near repeats are left out here; the overview counts them too." in page
    ready.command.ok("withdraw", "message", "train")
    assert "Near repeats" not in ready.get("/training").text


def test_a_plan_is_shown_before_anything_is_learned(ready):
    page = led(ready, ready.post("/training/plan", {"preset": "voice", "text": TOY})).text
    assert "Nothing has been learned yet" in page
    assert "examples to learn" in page
    assert not list((ready.command.home / "models").glob("state-*"))
    # What was planned is what the button begins.
    assert "slice_rows = 40" in page


def test_a_run_is_followed_to_the_model_that_it_makes(ready):
    page, job = begun(ready)
    assert ready.get(page).status_code == 200
    over(job)
    assert job.state == "done", job.message
    assert "twin-1" in ready.get(page).text
    assert ready.get(f"/jobs/{job.id}").headers["location"] == "/models/twin-1"
    said = events(ready, page)
    assert said[-1][0] == "over"
    assert said[-1][2]["status"] == "done"
    points = [point for name, _, data in said if name == "lines" for point in data]
    assert points[-1]["step"] == said[-1][2]["steps"]
    assert any(point.get("sample") for point in points)
    # A browser goes on behind the last line that it saw.
    every = events(ready, page)
    [(_, last, points)] = [one for one in every if one[0] == "lines"]
    assert len(points) > 1
    assert [one[0] for one in events(ready, page, **{"Last-Event-ID": last})] == ["over"]
    assert [one[0] for one in events(ready, f"{page}", **{"Last-Event-ID": "nonsense"})] == [
        "lines",
        "over",
    ]
    assert ready.get(f"{page}/events?after={last}").text.count("event: lines") == 0
    with ready.client.app.state.keeper.looking() as twin:
        numbers = [number for number, _ in runs.lines(twin.models, page.rpartition("/")[2])]
    [(name, number, rest), _] = events(ready, page, **{"Last-Event-ID": str(numbers[0])})
    assert (name, number) == ("lines", last)
    assert rest == points[1:]


def test_a_stopped_run_is_gone_on_with(ready):
    page, job = begun(ready, SLOW)
    end = time.monotonic() + 240
    while not job.done:
        assert job.state == "running", job.message
        assert time.monotonic() < end
        time.sleep(0.05)
    assert ready.post(f"{page}/stop").headers["location"] == page
    assert over(job).state == "stopped"
    shown = ready.get(page).text
    assert "It was stopped" in shown
    assert "Go on" in shown
    again = ready.post(f"{page}/resume")
    assert again.status_code == 303
    other = again.headers["location"]
    assert other != page
    resumed = curves.job_of(ready.client.app.state.jobs, other.rpartition("/")[2])
    assert resumed.order.again
    assert ready.post("/training/start", {"preset": "voice"}).status_code == 400
    ready.post(f"{other}/stop")
    over(resumed)


def test_what_cannot_be_begun_says_why(ready):
    answer = ready.post("/training/start", {"preset": "small", "base": "nowhere at all"})
    page = answer.headers["location"]
    job = curves.job_of(ready.client.app.state.jobs, page.rpartition("/")[2])
    assert over(job).state == "failed"
    assert "nowhere at all" in ready.get(page).text
    assert events(ready, page)[-1][2]["status"] == "failed"


@pytest.mark.parametrize("where", ["plan", "start"])
@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"preset": "small"}, "under Base"),
        ({"preset": "large", "base": " "}, "under Base"),
        ({"preset": "voice", "base": "org/name"}, "leave Base empty"),
        ({"preset": "voice", "text": "teach it well"}, "write lines like epochs = 3"),
        ({"preset": "voice", "text": "epochs = -1"}, "epochs must lie between"),
        ({"preset": "voice", "text": "colour = 3"}, "colour"),
        ({"preset": "none such"}, "none such"),
    ],
)
def test_a_form_that_cannot_be_carried_out_is_shown_again_and_begins_nothing(
    ready, where, form, words
):
    answer = ready.post(f"/training/{where}", form)
    assert answer.status_code == 400
    shown = unescape(answer.text)
    assert words in shown
    assert "--base" not in shown
    assert form.get("text", "") in shown
    assert not ready.client.app.state.jobs.running()
    assert not ready.client.app.state.jobs.over


def test_a_run_from_elsewhere_is_shown_but_not_stopped_here(ready):
    with ready.client.app.state.keeper.looking() as twin:
        log = Log(twin.models)
        log.tell(
            "s1", Progress(phase="learn", step=3, steps=9, slice=0, slices=2, loss=4.5), sample="hm"
        )
    page = f"/training/{log.run}"
    shown = ready.get(page).text
    assert "learning" in shown
    assert "Step 3 of 9" in shown
    assert f"{page}/stop" not in shown
    assert "Ctrl-C" in ready.post(f"{page}/stop").text
    assert "not known any more" in ready.post(f"{page}/resume").text
    assert log.run in ready.get("/training").text


def learned(step, **more):
    return Progress(phase="learn", step=step, steps=9, slice=0, slices=2, loss=9.0 - step, **more)


def test_a_run_that_goes_on_shows_the_whole_curve(ready):
    with ready.client.app.state.keeper.looking() as twin:
        first = Log(twin.models, "20260101t101500-aaaa")
        first.plan(["s1", "s2"])
        for state, step in (("s1", 1), ("s2", 4)):
            first.tell(state, learned(step), sample=f"said at {step}")
        second = Log(twin.models, "20260102t101500-bbbb")
        second.plan(["s1", "s2", "s3"])
        second.tell("s2", learned(3))
        second.tell("s3", learned(9))
        second.tell("s3", Progress(phase="done", step=9, steps=9, slice=1, slices=2))
    page = f"/training/{second.run}"
    shown = ready.get(page).text
    assert "8.0 at step 1, 0.0 at step 9" in shown
    assert "said at 1" in shown
    assert f'It goes on from <a href="/training/{first.run}">' in shown
    # Step 4 of the first was not kept, and was taken again.
    assert [step for step, _ in drawing.curve(lines_of(ready, second.run)).points] == [1, 3, 9]
    points = [one for name, _, data in events(ready, page) if name == "lines" for one in data]
    assert [one["step"] for one in points if one.get("loss") is not None][-2:] == [3, 9]
    assert points[0]["step"] == 1
    assert "It goes on from" not in ready.get(f"/training/{first.run}").text


def lines_of(site, run):
    with site.client.app.state.keeper.looking() as twin:
        return [line for _, line in following.since(twin, run, 0)[1]]


def test_a_run_that_began_again_says_so(ready):
    words = "Begun again without 12 rows that you no longer allow."
    with ready.client.app.state.keeper.looking() as twin:
        log = Log(twin.models)
        log.tell("s1", learned(3))
        log.tell("s1", Progress(phase="withdrawn", step=0, steps=0, slice=0, slices=2), note=words)
        log.tell("s2", learned(2))
    page = f"/training/{log.run}"
    assert words in ready.get(page).text
    log.tell("s2", Progress(phase="done", step=9, steps=9, slice=1, slices=2))
    assert words in ready.get(page).text
    points = [one for name, _, data in events(ready, page) if name == "lines" for one in data]
    assert [one["again"] for one in points if one.get("again")] == [words]


def test_what_a_model_says_is_shown_as_text(ready):
    with ready.client.app.state.keeper.looking() as twin:
        log = Log(twin.models)
        log.tell(
            "s1",
            Progress(phase="done", step=1, steps=1, slice=0, slices=1, loss=1.0),
            sample="<img src=x onerror=alert(1)>",
        )
    assert "<img" not in ready.get(f"/training/{log.run}").text


def test_an_unknown_run_is_said_in_plain_words(site):
    answer = site.get("/training/20200101t000000-abcd")
    assert answer.status_code == 404
    assert "There is no run" in answer.text
    assert site.get("/training/plan/77").status_code == 404


def test_the_stream_ends_when_the_vault_is_locked(ready):
    with ready.client.app.state.keeper.looking() as twin:
        log = Log(twin.models)
        log.tell("s1", Progress(phase="learn", step=1, steps=9, slice=0, slices=1, loss=4.5))
    app = ready.client.app
    app.state.keeper.lock()

    # The route itself, without the door, which would not let a locked vault be asked.
    async def all_of():
        stream = curves.stream(app.state.keeper, app.state.jobs, log.run, 0, lambda: True)
        return [part async for part in stream]

    assert b"event: over" in asyncio.run(all_of())[-1]


def test_a_run_that_was_killed_is_not_said_to_go_on(ready):
    page, job = begun(ready, SLOW)
    end = time.monotonic() + 240
    while not job.done:
        assert job.state == "running", job.message
        assert time.monotonic() < end
        time.sleep(0.05)
    job.process.kill()
    assert over(job).state == "failed"
    assert events(ready, page)[-1][2]["status"] == "failed"
    assert "Go on" in ready.get(page).text


def test_following_a_run_ends_with_the_session(ready):
    state = ready.client.app.state
    with state.keeper.looking() as twin:
        log = Log(twin.models)
        log.tell("s1", Progress(phase="learn", step=3, steps=9, slice=0, slices=2, loss=4.5))
        run = log.run
    cookie = state.sessions.begin()

    async def look():
        stream = curves.stream(
            state.keeper, state.jobs, run, 0, lambda: state.sessions.holds(cookie)
        )
        seen = [await anext(stream) for _ in range(3)]
        state.sessions.end_all()
        return seen, [one async for one in stream]

    seen, rest = asyncio.run(look())
    assert seen[-1].startswith(b"event: state")
    [last] = rest
    assert last.startswith(b"event: over")
    assert b"not known any more" in last
