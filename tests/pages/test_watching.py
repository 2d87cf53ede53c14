"""What is watched is read when it changed and is quiet again, and not while it is paused."""

import json
import threading
import time
from types import SimpleNamespace

import apsw
import pytest

from console import bootstrap
from console.pages import watcher
from console.pages.collecting_orders import Collect
from console.pages.watcher import Watcher
from console.use import watching
from vault.errors import Exists, NotFound, UsageError


@pytest.fixture
def keeper(site):
    return site.client.app.state.keeper


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "a place of secrets"
    folder.mkdir()
    (folder / "note.md").write_text("# one\nwords")
    return folder


def test_the_list_is_kept_sealed_and_says_what_is_there(site, keeper, folder):
    with keeper.changing() as twin:
        watching.watch(twin, folder, source="markdown")
        watching.watch(twin, folder)
    with keeper.looking() as twin:
        [one] = watching.watched(twin).places
    assert (one.name, one.source, one.is_there, one.at) == (folder.name, "markdown", True, None)
    for file in site.command.home.rglob("*"):
        assert not file.is_file() or b"place of secrets" not in file.read_bytes(), file
    with keeper.changing() as twin:
        assert watching.unwatch(twin, folder).places == ()
        with pytest.raises(NotFound):
            watching.unwatch(twin, folder)


def test_what_cannot_be_watched_is_refused(site, keeper, tmp_path):
    home = site.command.home
    with keeper.changing() as twin:
        with pytest.raises(NotFound):
            watching.watch(twin, tmp_path / "nothing")
        for place in (home, home.parent, *bootstrap.recovery_pages(home)):
            with pytest.raises(UsageError):
                watching.watch(twin, place)


def test_pausing_twice_or_resuming_what_runs_says_so(keeper):
    with keeper.changing() as twin:
        with pytest.raises(Exists):
            watching.resume(twin)
        assert watching.pause(twin).is_paused
        with pytest.raises(Exists):
            watching.pause(twin)
        assert not watching.resume(twin).is_paused


class Begun:
    """Jobs that begin nothing, and remember what they were asked to; `ends` is how each ends."""

    def __init__(self):
        self.orders = []
        self.ends = []
        self.heard = threading.Event()

    def running(self):
        return ()

    def start(self, order, secret, then):
        del secret, then
        self.orders.append(order)
        self.heard.set()
        return SimpleNamespace(state=self.ends.pop(0) if self.ends else "done")

    def next(self, seconds=20.0):
        assert self.heard.wait(seconds), "nothing was begun"
        self.heard.clear()
        return self.orders[-1]


@pytest.fixture
def begun():
    return Begun()


@pytest.fixture
def watches(keeper, begun, monkeypatch):
    monkeypatch.setattr(watcher, "_LOOK_SECONDS", 0.05)
    running = Watcher(keeper, begun, quiet=0.3)
    yield running
    running.stop()


def test_a_change_is_read_once_and_only_when_it_is_quiet(watches, begun, keeper, folder):
    with keeper.changing() as twin:
        watching.watch(twin, folder)
    watches.start()
    order = begun.next()
    assert order == Collect(path=str(folder)), "what changed while nobody looked is found"
    for number in range(5):
        (folder / f"more-{number}.md").write_text("# more\nwords")
        time.sleep(0.05)
    assert begun.next() == order
    time.sleep(1.5)
    assert len(begun.orders) == 2, "nothing changed since"


def test_a_file_that_is_replaced_by_another_of_its_name_is_read(watches, begun, keeper, folder):
    file, beside = folder / "note.md", folder / "beside.md"
    with keeper.changing() as twin:
        watching.watch(twin, file)
    watches.start()
    begun.next()
    time.sleep(1.0)
    beside.write_text("# not watched")
    time.sleep(2.5)
    assert len(begun.orders) == 1
    beside.rename(file)
    assert begun.next() == Collect(path=str(file))


def test_nothing_is_read_while_it_is_paused_and_all_of_it_afterwards(
    watches, begun, keeper, folder
):
    with keeper.changing() as twin:
        watching.watch(twin, folder)
        watching.pause(twin)
    watches.start()
    (folder / "more.md").write_text("# more\nwords")
    time.sleep(1.5)
    assert begun.orders == []
    with keeper.changing() as twin:
        watching.resume(twin)
    assert begun.next().path == str(folder)


def test_a_reading_that_failed_is_tried_again_and_one_that_succeeded_is_not(
    watches, begun, keeper, folder, monkeypatch
):
    monkeypatch.setattr(watcher, "_AGAIN_SECONDS", 0.5)
    begun.ends = ["failed", "stopped", "done"]
    with keeper.changing() as twin:
        watching.watch(twin, folder)
    watches.start()
    times = []
    for _ in range(3):
        assert begun.next().path == str(folder)
        times.append(time.monotonic())
    assert times[1] - times[0] > 0.4, "not without a pause"
    assert times[2] - times[1] > 0.9, "which grows"
    time.sleep(2.0)
    assert len(begun.orders) == 3


def test_an_error_of_any_kind_ends_one_look_and_not_the_watching(
    watches, begun, keeper, folder, monkeypatch
):
    busy = threading.Event()

    def refuse(_):
        busy.set()
        raise apsw.BusyError("busy")

    with keeper.changing() as twin:
        watching.watch(twin, folder)
    with monkeypatch.context() as patched:
        patched.setattr(watching, "watched", refuse)
        watches.start()
        assert busy.wait(20.0)
        time.sleep(0.3)
    assert begun.next().path == str(folder)


def test_a_locked_vault_reads_nothing(watches, begun, keeper, folder):
    with keeper.changing() as twin:
        watching.watch(twin, folder)
    keeper.lock()
    watches.start()
    time.sleep(1.0)
    assert begun.orders == []


def test_the_page_pauses_resumes_and_stops(site, keeper, folder):
    with keeper.changing() as twin:
        watching.pause(twin)
        watching.watch(twin, folder)
    page = site.get("/sources").text
    assert folder.name in page
    assert "Watch again" in page
    assert site.post("/sources/watched/resume").status_code == 303
    assert "Pause watching" in site.get("/sources").text
    twice = site.post("/sources/watched/resume")
    assert "not paused" in twice.text
    handle = page.split('name="place" value="')[1][:32]
    assert site.post("/sources/watched/stop", {"place": handle}).status_code == 303
    assert "Nothing is watched" in site.get("/sources").text
    assert site.post("/sources/watched/stop", {"place": handle}).status_code == 404


def test_the_command_line_has_the_same_list(site, keeper, folder):
    keeper.lock()
    site.command.ok("sources", "watch", str(folder))
    site.unlock()
    assert folder.name in site.get("/sources").text
    assert json.dumps(str(folder)) in json.dumps(site.command.ok("sources", "watched"))
    assert site.command.ok("sources", "unwatch", str(folder))["places"] == []
