"""What a person is told when something does not work, and that nobody else is told anything."""

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import apsw
import msgspec
import pytest
from starlette.testclient import TestClient

from console import bootstrap
from console.pages import jobs as jobs_module
from console.pages.app import leave
from console.pages.erasing_orders import Tidy
from console.pages.jobs import Job, Jobs
from console.pages.orders import CatchUp
from console.pages.verifying_orders import Verify
from tests.helpers import PASSPHRASE
from tests.pages.conftest import ORIGIN
from vault.errors import Locked, NotFound, UsageError

SECRET = "the soup of Marguerite"


def fails_with(site, error, path="/breaks"):
    """Add a page to the app that fails in the middle of using the vault."""

    def broken():
        with site.client.app.state.keeper.looking():
            raise error

    app = site.client.app
    before = list(app.router.routes)
    app.add_api_route(path, broken)
    app.router.routes[:] = [*app.router.routes[len(before) :], *before]
    return site.get(path)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(SECRET),
        KeyError(SECRET),
        UnicodeDecodeError("utf8", SECRET.encode(), 0, 1, SECRET),
    ],
)
def test_an_unforeseen_error_quotes_nothing_anywhere(site, capfd, caplog, error):
    told = fails_with(site, error)
    assert told.status_code == 500
    assert "That did not work" in told.text
    assert "Marguerite" not in told.text
    seen = capfd.readouterr()
    assert "Marguerite" not in seen.out + seen.err + caplog.text


def test_after_an_unforeseen_error_the_vault_is_open_and_new(site):
    keeper = site.client.app.state.keeper
    before = keeper._twin
    fails_with(site, ValueError("x"))
    assert keeper.is_open
    assert keeper._twin is not before
    assert site.get("/integrity").status_code == 200


def test_an_error_of_our_own_keeps_the_vault_as_it_is(site):
    keeper = site.client.app.state.keeper
    before = keeper._twin
    told = fails_with(site, NotFound("There is no such thing; look elsewhere."))
    assert told.status_code == 404
    assert "look elsewhere" in told.text
    assert keeper._twin is before


def test_a_damaged_view_is_dropped_and_made_anew(site, chat):
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    told = fails_with(site, apsw.CorruptError("database disk image is malformed"))
    assert told.status_code == 507
    assert "made anew" in told.text
    assert site.get("/integrity").status_code == 200
    with site.client.app.state.keeper.changing() as twin:
        assert twin.catch_up() == twin.log.head.position
        assert twin.views.timeline.count() > 0


def test_a_full_disk_is_said_in_plain_words(site):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    told = fails_with(site, full)
    assert told.status_code == 507
    assert "No space left" in told.text
    assert site.get("/").status_code == 200


def test_a_part_that_fails_says_so_in_its_place(site):
    fails_with(site, NotFound("There is no such thing; look elsewhere."))
    told = site.part("/breaks")
    assert (told.headers["hx-retarget"], told.status_code) == ("#said", 404)
    assert "look elsewhere" in told.text
    assert "<html" not in told.text


def test_a_form_that_does_not_fit_is_not_echoed(site):
    told = site.post("/forget/look", {"room": SECRET})
    assert told.status_code == 400
    assert "Something in that form" in told.text
    assert "Marguerite" not in told.text


@pytest.mark.parametrize("is_told", [True, False])
def test_what_is_too_large_gets_a_page_that_says_so(site, is_told):
    body = b"person=" + b"x" * (3 << 20)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    content = body if is_told else (body[at : at + 65536] for at in range(0, len(body), 65536))
    told = site.client.post("/forget/look", content=content, headers=headers)
    assert told.status_code == 413
    assert "larger than 1 MB" in told.text


def test_a_page_that_is_not_there_and_a_form_that_is_none(site):
    assert "no such page" in site.get("/nowhere").text
    assert site.get("/lock").status_code == 405
    assert "not a page of its own" in site.get("/lock").text


# Locked.


def test_a_vault_that_is_locked_under_an_open_page_asks_for_the_passphrase(site):
    site.client.app.state.keeper.lock()
    told = site.get("/integrity", headers={"accept": "text/html"})
    assert told.headers["location"] == "/unlock"
    assert site.part("/integrity").headers["hx-redirect"] == "/unlock"
    assert site.post("/integrity/verify").headers["location"] == "/unlock"
    assert not site.client.app.state.jobs.running()


def test_locking_ends_every_session_and_keeps_no_outcome(site):
    site.post("/integrity/verify")
    jobs = site.client.app.state.jobs
    wait(jobs.get("1"))
    assert site.post("/lock").status_code == 303
    assert not jobs.over
    assert site.get("/", headers={"accept": "text/html"}).headers["location"] == "/unlock"


def test_a_vault_that_everybody_left_locks_itself(site):
    app = site.client.app
    leave(app)
    assert app.state.keeper.is_open
    later = time.monotonic() + 13 * 3600
    app.state.sessions.clock = lambda: later
    leave(app)
    assert not app.state.keeper.is_open


def test_whether_it_is_ready(site):
    assert (site.get("/health/live").status_code, site.get("/health/ready").text) == (
        200,
        "ready\n",
    )
    site.post("/lock")
    stranger = TestClient(site.client.app, base_url=ORIGIN)
    assert stranger.get("/health/live").status_code == 200
    assert stranger.get("/health/ready").status_code == 503


def test_a_vault_that_is_opened_anew_is_not_locked_meanwhile(site, monkeypatch):
    keeper, reached, go_on = site.client.app.state.keeper, threading.Event(), threading.Event()
    really = bootstrap.open_

    def slowly(home, secret):
        reached.set()
        assert go_on.wait(60)
        return really(home, secret)

    monkeypatch.setattr(bootstrap, "open_", slowly)
    opening = threading.Thread(target=keeper.refresh)
    opening.start()
    assert reached.wait(60)
    try:
        assert site.get("/health/ready").text == "ready\n"
        assert keeper.secret == PASSPHRASE
    finally:
        go_on.set()
        opening.join()
    assert site.get("/integrity").status_code == 200


@pytest.mark.parametrize("way", ["refresh", "closed"])
def test_a_vault_that_cannot_be_opened_anew_is_locked(site, monkeypatch, way):
    keeper = site.client.app.state.keeper

    def gone(*_):
        raise OSError(errno.EIO, "x")

    monkeypatch.setattr(bootstrap, "open_", gone)
    if way == "refresh":
        keeper.refresh()
    else:
        with keeper.closed():
            assert keeper.is_open
    assert not keeper.is_open
    with pytest.raises(Locked):
        _ = keeper.secret


def test_who_opens_the_vault_comes_in_also_where_tidying_has_to_wait(site, monkeypatch):
    monkeypatch.setattr("console.use.retaining.is_owed", lambda _twin: True)
    monkeypatch.setattr(jobs_module, "_MOST", 0)
    site.post("/lock")
    site.unlock()
    assert site.get("/").status_code == 200


# Work.


def wait(job, seconds=60):
    end = time.monotonic() + seconds
    while job.state == "running":
        assert time.monotonic() < end, "the work does not end"
        time.sleep(0.02)
    return job


def test_work_that_is_killed_says_so_and_leads_back(site):
    site.post("/integrity/verify")
    job = site.client.app.state.jobs.get("1")
    job.process.kill()
    assert wait(job).state == "failed"
    told = site.get("/jobs/1").text
    assert "ended without a word" in told
    assert 'href="/integrity"' in told


def test_work_that_is_stopped_says_so(site):
    site.post("/integrity/verify")
    job = site.client.app.state.jobs.get("1")
    assert site.post("/jobs/1/stop").headers["location"] == "/jobs/1"
    assert wait(job).state in {"stopped", "done"}
    assert job.asked_to_stop
    assert site.get("/jobs").status_code == 200


def test_work_leads_to_what_came_of_it_also_after_a_reload(site):
    assert site.post("/integrity/verify").headers["location"] == "/jobs/1"
    wait(site.client.app.state.jobs.get("1"))
    for _ in range(2):
        assert site.get("/jobs/1").headers["location"] == "/integrity"
    assert site.part("/jobs/1").headers["hx-redirect"] == "/integrity"
    assert "Sound" in site.get("/integrity").text


def test_what_nobody_knows_any_more_has_a_way_out(site):
    told = site.get("/jobs/77")
    assert told.status_code == 404
    assert "not known any more" in told.text


def test_only_so_much_is_done_at_once(vault):
    jobs = Jobs(vault.home)
    processes = [jobs.start(CatchUp(), PASSPHRASE, lambda _job: "/").process for _ in range(4)]
    with pytest.raises(UsageError, match="wait until one is done"):
        jobs.start(Verify(), PASSPHRASE, lambda _job: "/")
    jobs.stop_all()
    assert not any(process.poll() is None for process in processes)


def test_work_runs_no_code_of_the_folder_that_the_server_was_started_in(
    vault, tmp_path, monkeypatch
):
    folder = tmp_path / "downloads"
    (folder / "console").mkdir(parents=True)
    for name in ("msgspec.py", "apsw.py", "console/__init__.py"):
        (folder / name).write_text(f"open({str(folder / 'ran')!r}, 'w')")
    monkeypatch.chdir(folder)
    job = wait(Jobs(vault.home).start(CatchUp(), PASSPHRASE, lambda _job: "/"))
    assert not (folder / "ran").exists()
    assert job.state == "done", job.message


def test_what_must_be_alone_is_begun_once_however_fast_it_is_asked_for(vault, monkeypatch):
    jobs, both = Jobs(vault.home), threading.Barrier(2)
    begin, told = Jobs._begin, []

    def slowly(self, job, secret):
        time.sleep(0.3)
        begin(self, job, secret)

    def ask():
        both.wait()
        try:
            jobs.start(Verify(), PASSPHRASE, lambda _job: "/", alone=(Verify,))
        except UsageError as error:
            told.append(str(error))

    monkeypatch.setattr(Jobs, "_begin", slowly)
    asking = [threading.Thread(target=ask) for _ in range(2)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    [refused] = told
    assert "under way already" in refused
    [job] = jobs.running()
    jobs.start(CatchUp(), PASSPHRASE, lambda _job: "/", alone=(Tidy,))
    jobs.stop_all()
    wait(job)


def test_what_work_brings_after_the_vault_was_locked_is_not_kept(site, chat):
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    at = site.post("/forget/look", {"kind": "message"}).headers["location"]
    jobs = site.client.app.state.jobs
    job = jobs.get(at.rpartition("/")[2])
    job.process.send_signal(signal.SIGSTOP)
    site.post("/lock")
    job.process.send_signal(signal.SIGCONT)
    wait(job)
    assert (job.result, job.message) == (b"null", "")
    assert not jobs.over
    site.client.get(f"/enter/{site.client.app.state.sessions.link()}")
    site.unlock()
    assert site.get(at).status_code == 404


def test_forgetting_leaves_no_words_in_the_work_that_is_known(site, chat):
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    jobs = site.client.app.state.jobs
    at = site.post("/forget/look", {"kind": "message"}).headers["location"]
    look = wait(jobs.get(at.rpartition("/")[2]))
    words = [one["words"] for one in msgspec.json.decode(look.result)["glimpses"]]
    assert words
    count = msgspec.json.decode(look.result)["items"]
    done = site.post(f"/forget/{look.id}", {"count": str(count)}).headers["location"]
    job = wait(jobs.get(done.rpartition("/")[2]))
    assert job.state == "done", job.message
    assert list(jobs.over) == [job]
    left = msgspec.json.encode(job.order) + job.result
    assert not any(one.encode() in left for one in words)
    assert site.get(done).headers["location"].startswith("/forget/certificates/")


def test_a_rule_that_erases_leaves_no_preview_of_what_went(site, chat):
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    jobs = site.client.app.state.jobs
    at = site.post("/forget/look", {"kind": "message"}).headers["location"]
    look = wait(jobs.get(at.rpartition("/")[2]))
    asked = {"type": "message", "days": "1"}
    told = site.post("/consent/kept/effect", asked).text
    fields = {
        name: re.search(f'name="{name}" value="([^"]+)"', told)[1] for name in ("seen", "going")
    }
    assert int(fields["going"])
    at = site.post("/consent/kept", asked | fields | {"typed": fields["going"]}).headers["location"]
    job = wait(jobs.get(at.rpartition("/")[2]))
    assert job.state == "done", job.message
    assert site.get(f"/forget/{look.id}").status_code == 404
    assert list(jobs.over) == [job]
    assert site.get(at).headers["location"].startswith("/consent/")


def test_a_wrong_passphrase_fails_the_work_in_words(vault):
    job = Jobs(vault.home).start(CatchUp(), "wrong", lambda _job: "/")
    assert wait(job).state == "failed"
    assert "passphrase" in job.message


def test_a_word_that_is_cut_off_ends_the_work(tmp_path):
    job = Job(id="1", order=Verify(), began=datetime.now(UTC), then=lambda _job: "/")
    job.process = subprocess.Popen(
        ["/bin/sh", "-c", """printf '{"done":1,"total":2}\\n{"do'"""], stdout=subprocess.PIPE
    )
    Jobs(tmp_path)._follow(job)
    assert (job.done, job.total, job.state) == (1, 2, "failed")


def test_work_ends_by_itself_when_the_server_is_gone():
    code = (
        "import threading, time; from console.pages import orders\n"
        "threading.Thread(target=orders._stop_with_server, daemon=True).start()\n"
        "time.sleep(100)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    child.stdin.close()
    assert child.wait(30) != 0


def test_views_that_are_far_behind_are_brought_up_beside_the_pages(site, chat, monkeypatch):
    monkeypatch.setattr("console.pages.keeper.PATIENCE", 2)
    monkeypatch.setattr("console.pages.following.PATIENCE", 2)
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    site.command.ok("view", "build")
    keeper = site.client.app.state.keeper
    keeper.lock()
    bootstrap.drop_views(keeper.home)
    keeper.unlock(PASSPHRASE)
    site.get("/integrity")
    told = site.get("/integrity").text
    assert "are being brought up" in told
    assert site.get("/integrity").status_code == 200
    wait(site.client.app.state.jobs.last(CatchUp))
    site.get("/integrity")
    assert "are being brought up" not in site.get("/integrity").text
