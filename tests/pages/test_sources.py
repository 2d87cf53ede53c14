"""Sources: nothing is stored before it was looked at, and what is uploaded leaves no trace."""

import re
import stat
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from console import bootstrap
from console.pages import picking, uploads
from console.pages.picking import checked
from console.pages.routes import sources
from console.use import importing
from tests.helpers import CHAT
from tests.pages.working import ended, led
from vault.errors import NotFound, UsageError

NAMES = {"names": "Ada Quill"}


@pytest.fixture
def chat(tmp_path) -> Path:
    file = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    file.write_text(CHAT)
    return file


def look_of(answer) -> str:
    return re.search(r'name="look" value="(\d+)"', answer.text)[1]


def items(site) -> int:
    return site.command.ok("status")["items"]


def scratch(site) -> list[Path]:
    return [one for one in site.command.home.glob("clean-*/**/*") if one.is_file()]


def uploaded(site, *files: tuple[str, bytes], begin: str = ""):
    return site.client.post(
        "/sources/upload",
        data=NAMES | ({"begin": begin} if begin else {}),
        files=[("files", file) for file in files],
    )


# Looking first.


def test_what_is_there_is_shown_with_others_words_flagged_and_nothing_is_stored(site, chat):
    found = led(site, site.post("/sources/survey", {"path": str(chat)} | NAMES))
    assert found.status_code == 200
    for words in ("<b>8</b>", "<b>4</b>", "from Priya Nair", "yours", "1 Feb 2023"):
        assert words in found.text
    assert "1 Feb 2023 · Direct message · " in found.text
    assert "message.chat" not in found.text
    assert "six leeks, butter" not in found.text, "five samples are enough"
    assert items(site) == 0


def test_what_was_looked_at_is_collected_and_leads_on(site, chat):
    found = led(site, site.post("/sources/survey", {"path": str(chat), "begin": "1"} | NAMES))
    form = {"look": look_of(found), "begin": "1"}
    assert 'name="begin" value="1"' in found.text
    collected = led(site, site.post("/sources/collect", form))
    assert "<b>8</b><span>new items" in collected.text
    assert 'href="/begin/allow"' in collected.text
    assert items(site) == 8
    page = site.get("/sources").text
    assert "WhatsApp" in page
    assert "/sources/imports/1" in page
    assert 'Direct chats <span class="meta">8</span></td>' in page
    assert "message.chat" not in page
    again = led(site, site.post("/sources/survey", {"path": str(chat)} | NAMES))
    assert "Nothing in it has changed" in again.text


def test_two_tabs_that_start_at_once_begin_one_collection(site, chat, monkeypatch):
    found = led(site, site.post("/sources/survey", {"path": str(chat)} | NAMES))
    form = {"look": look_of(found)}
    others = []

    def at_once(path):
        # The other tab comes by where this one has looked that nothing runs.
        if not others:
            others.append(None)
            others[0] = site.post("/sources/collect", form)
        return picking.stamped(path)

    monkeypatch.setattr(sources, "stamped", at_once)
    answer = site.post("/sources/collect", form)
    [other] = others
    assert answer.headers["location"] == other.headers["location"] + "?already=1"
    jobs = site.client.app.state.jobs
    assert len([one for one in (*jobs.running(), *jobs.over) if "Collecting" in one.title]) == 1
    told = site.get(answer.headers["location"])
    assert told.status_code == 303 or "under way already" in told.text
    led(site, other)
    assert items(site) == 8


def test_what_an_export_brings_is_told_as_a_person_calls_it(site):
    page = site.get("/sources/exports").text
    brings = re.findall(r"<dt>Brings</dt><dd>([^<]+)</dd>", page)
    assert "Email" in brings
    assert not [one for one in brings if "." in one]


def test_what_changed_since_it_was_shown_is_not_collected(site, chat):
    found = led(site, site.post("/sources/survey", {"path": str(chat)} | NAMES))
    chat.write_text(CHAT + "05/02/2023, 08:00 - Priya Nair: something else\n")
    answer = site.post("/sources/collect", {"look": look_of(found)})
    assert answer.status_code == 400
    assert "has changed since you looked at it" in answer.text
    assert items(site) == 0


def test_words_of_the_file_are_text_on_the_page(site, tmp_path):
    file = tmp_path / "WhatsApp Chat with <img src=x>.txt"
    file.write_text(CHAT.replace("Priya Nair", "<script>alert(1)</script>"))
    found = led(site, site.post("/sources/survey", {"path": str(file)} | NAMES))
    assert "&lt;script&gt;" in found.text
    assert "<script>alert" not in found.text
    assert "<img src=x>" not in found.text


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("", "Nothing was chosen"),
        ("/nowhere/at/all.zip", "There is nothing at /nowhere/at/all.zip"),
        ("/dev/zero", "neither a file nor a folder"),
        ("/proc", "neither a file nor a folder"),
        ("a\x00b", "That is no path"),
    ],
)
def test_a_path_that_is_none_is_told_in_a_sentence(site, path, words):
    answer = site.post("/sources/survey", {"path": path, "names": ""})
    assert answer.status_code in {400, 404}
    assert words in answer.text


def test_the_vault_itself_is_not_collected(site):
    answer = site.post("/sources/survey", {"path": str(site.command.home / "log.db")})
    assert answer.status_code == 400
    assert "That is the vault itself" in answer.text


def test_the_recovery_page_is_never_looked_at_under_whatever_name(site, tmp_path):
    (page,) = bootstrap.recovery_pages(site.command.home)
    linked, same = tmp_path / "a link.html", tmp_path / "the same file.html"
    linked.symlink_to(page)
    same.hardlink_to(page)
    for path in (page, linked, same):
        answer = site.post("/sources/survey", {"path": str(path)})
        assert answer.status_code == 400, answer.text
        assert "recovery page" in answer.text
    folder = tmp_path / "a link to the vault"
    folder.symlink_to(site.command.home)
    answer = site.post("/sources/survey", {"path": str(folder / "log.db")})
    assert "That is the vault itself" in answer.text


def test_of_a_folder_around_the_vault_neither_it_nor_its_recovery_page_is_read(site):
    home = site.command.home
    (page,) = bootstrap.recovery_pages(home)
    (home.parent / "again.html").hardlink_to(page)
    (home / "inside.md").write_text("# of the vault\nwords")
    (home.parent / "beside.md").write_text("# beside\nwords")
    answer = site.post("/sources/survey", {"path": str(home.parent)})
    shown = led(site, answer).text
    groups = bootstrap.recovery_groups(page.read_text())
    assert not any(group in shown for group in groups)
    look = answer.headers["location"].rpartition("/")[2]
    led(site, site.post("/sources/collect", {"look": look}))
    with site.client.app.state.keeper.changing() as twin:
        twin.catch_up()
        kept = [one.item for one in twin.views.timeline.everything()]
    assert any("beside.md" in item.locator for item in kept)
    for item in kept:
        assert "inside.md" not in item.locator
        assert not any(group in item.text for group in groups)


@pytest.mark.parametrize("inside", ["", "self/environ"])
def test_a_link_does_not_lead_to_what_the_system_only_shows_as_files(tmp_path, inside):
    (tmp_path / "p").symlink_to("/proc")
    with pytest.raises(UsageError, match="neither a file nor a folder"):
        checked(str(tmp_path / "p" / inside), but=tmp_path / "vault")


def test_links_in_a_circle_are_told_in_a_sentence(tmp_path):
    (tmp_path / "p").symlink_to(tmp_path / "p")
    with pytest.raises(NotFound, match="nothing at"):
        checked(str(tmp_path / "p"), but=tmp_path / "vault")


def test_work_that_is_not_known_is_a_plain_page(site):
    for answer in (
        site.get("/sources/found/99"),
        site.get("/sources/collected/99"),
        site.post("/sources/collect", {"look": "99"}),
    ):
        assert answer.status_code == 404
        assert "not known any more" in answer.text


def test_nothing_that_was_found_is_shown_while_the_vault_is_locked(site, chat):
    job = ended(site, site.post("/sources/survey", {"path": str(chat)} | NAMES))
    site.post("/lock")
    assert "Priya" not in site.get(f"/sources/found/{job.id}").text


# Picking.


def test_folders_show_names_without_a_path_in_any_address(site, tmp_path, monkeypatch):
    folder = tmp_path / "a secret place"
    (folder / "inside").mkdir(parents=True)
    (folder / ".hidden").write_text("x")
    (folder / "letter.md").write_text("# dear\nAda")
    monkeypatch.setattr(Path, "home", lambda: folder)
    added = site.get("/sources/add").text
    handle = re.search(r'href="/sources/folder/([0-9a-f]{32})"', added)[1]
    page = site.get(f"/sources/folder/{handle}").text
    assert "letter.md" in page
    assert "inside" in page
    assert ".hidden" not in page
    assert not re.search(r'href="[^"]*(secret|inside|letter)', page)
    picked = re.search(r'value="([0-9a-f]{32})" aria-label="Look at letter.md"', page)[1]
    found = led(site, site.post("/sources/survey", {"place": picked}))
    assert "<b>1</b><span>items" in found.text


def test_a_handle_that_was_never_given_out_opens_nothing(site):
    assert site.get(f"/sources/folder/{'0' * 32}").status_code == 404
    assert site.post("/sources/survey", {"place": "0" * 32}).status_code == 404


# Uploading.


def test_an_upload_is_private_while_it_is_there_and_gone_when_it_was_collected(site, chat):
    found = led(site, uploaded(site, (chat.name, chat.read_bytes())))
    [copy] = scratch(site) and [one for one in scratch(site) if one.name == chat.name]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert stat.S_IMODE(copy.parent.stat().st_mode) == 0o700
    collected = led(site, site.post("/sources/collect", {"look": look_of(found)}))
    assert "<b>8</b><span>new items" in collected.text
    assert scratch(site) == []
    [past] = site.command.ok("imports", "list")["imports"]
    assert past["path"] == ""
    assert past["locator"] == chat.name
    twice = site.post("/sources/collect", {"look": look_of(found)})
    assert twice.status_code == 404
    assert "upload it again" in twice.text


def test_an_upload_that_is_not_wanted_goes_at_once_and_one_that_is_left_when_locked(
    site, chat, monkeypatch
):
    monkeypatch.setattr(uploads, "_LOOK_SECONDS", 0.05)
    found = led(site, uploaded(site, (chat.name, chat.read_bytes())))
    assert site.post("/sources/discard", {"look": look_of(found)}).status_code == 303
    assert scratch(site) == []
    ended(site, uploaded(site, (chat.name, chat.read_bytes())))
    assert scratch(site)
    site.post("/lock")
    for _ in range(100):
        if not scratch(site):
            break
        threading.Event().wait(0.05)
    assert scratch(site) == []


def test_several_files_are_looked_at_together_whatever_they_are_called(site, chat):
    content = chat.read_bytes()
    names = ("../../../etc/passwd.txt", "..", chat.name, chat.name, "C:\\x\\.hidden.md")
    found = led(site, uploaded(site, *((name, content) for name in names)))
    kept = {one.name for one in scratch(site)} - {"lock"}
    assert len(kept) == len(names)
    assert all(one.parent.name == "uploaded" for one in scratch(site) if one.name != "lock")
    assert not Path("/etc/passwd.txt").exists()
    assert found.status_code == 200


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nhal', "broke off"),
        (b"no form at all", "no form that can be read"),
        (b'--x\r\nContent-Disposition: form-data; name="files"; filename=""\r\n\r\n\r\n--x--\r\n', "No file was chosen"),
        (b'--x\r\nContent-Disposition: form-data; name="names"\r\n\r\n' + b"a" * 70_000 + b"\r\n--x--\r\n", "too long"),
    ],
    ids=["cut off", "no form", "no file", "endless field"],
)  # fmt: skip
def test_an_upload_that_is_not_whole_leaves_nothing(site, body, words):
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = site.client.post("/sources/upload", content=body, headers=kind)
    assert answer.status_code == 400, answer.text
    assert words in answer.text
    assert list(site.command.home.glob("clean-*")) == []


def test_an_upload_for_which_there_is_no_room_is_refused_before_it_is_read(site, chat, monkeypatch):
    monkeypatch.setattr(uploads, "_SPARE", 1 << 62)
    answer = uploaded(site, (chat.name, chat.read_bytes()))
    assert answer.status_code >= 400
    assert "make room" in answer.text
    assert list(site.command.home.glob("clean-*")) == []


def test_an_upload_that_does_not_say_how_long_it_is_ends_where_the_room_does(site, monkeypatch):
    def parts():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(100):
            yield b"z" * (1 << 20)
        yield b"\r\n--x--\r\n"

    def left(home):
        written = sum(one.stat().st_size for one in home.glob("clean-*/uploaded/*"))
        return SimpleNamespace(free=uploads._SPARE + (20 << 20) - written)

    monkeypatch.setattr(uploads.shutil, "disk_usage", left)
    kind = {"content-type": "multipart/form-data; boundary=x"}
    answer = site.client.post("/sources/upload", content=parts(), headers=kind)
    assert answer.status_code == 507, answer.text
    assert "make room" in answer.text
    assert list(site.command.home.glob("clean-*")) == []


def test_a_locked_vault_takes_no_upload(site, chat):
    site.client.app.state.keeper.lock()
    answer = uploaded(site, (chat.name, chat.read_bytes()))
    assert answer.status_code == 303
    assert answer.headers["location"] == "/unlock"
    assert list(site.command.home.glob("clean-*")) == []


# What was imported.


def test_an_import_says_what_could_not_be_read_and_reads_it_again(site, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "note.md").write_text("# kept\nwords")
    broken = folder / "broken.mbox"
    broken.write_text("From x\nnothing")
    site.command.ok("add", str(folder))
    page = site.get("/sources/imports/1").text
    assert "broken.mbox" in page
    assert "it is cut off in its header" in page
    assert "Read again what could not be read" in site.get("/sources/imports").text
    broken.write_text(
        "From a@b Thu Jan  1 00:00:00 2023\nFrom: Bex <a@b>\nTo: Ada <ada@c>\n"
        "Date: Sun, 01 Jan 2023 00:00:00 +0000\nMessage-ID: <1@b>\nSubject: hi\n\nhello\n"
    )
    again = led(site, site.post("/sources/imports/retry", {"number": "1"}))
    assert "mixed" in again.text
    assert items(site) == 2


def test_an_import_that_lies_elsewhere_is_asked_for_and_found_there(site, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "note.md").write_text("# kept\nwords")
    (folder / "odd.dat").write_bytes(b"\0\1")
    site.command.ok("add", str(folder))
    moved = folder.rename(tmp_path / "moved")
    assert "It is not at" in site.get("/sources/imports/1").text
    gone = ended(site, site.post("/sources/imports/retry", {"number": "1"}))
    assert gone.state == "failed"
    again = led(site, site.post("/sources/imports/retry", {"number": "1", "path": str(moved)}))
    assert "Still not readable" in again.text


def test_imports_are_paged_without_losing_one(site, tmp_path):
    for number in range(3):
        file = tmp_path / f"note-{number}.md"
        file.write_text(f"# note {number}\nwords {number}")
        site.command.ok("add", str(file))
    with site.client.app.state.keeper.looking() as twin:
        newest = importing.before(twin, most=2).imports
        older = importing.before(twin, newest[-1].number, most=2).imports
    assert [one.number for one in (*newest, *older)] == [3, 2, 1]
    assert "note-0.md" in site.get("/sources/imports?before=2").text
    assert "note-1.md" not in site.get("/sources/imports?before=2").text


def test_everything_can_be_paused_from_here(site, chat):
    assert "Pause everything" not in site.get("/sources").text
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    assert "Pause everything" in site.get("/sources").text
    # What the button sends: nothing narrows it.
    told = site.post("/consent/pauses/effect").text
    assert "Pause: everything" in told
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', told))
    led(site, site.post("/consent/pauses", fields))
    shown = site.get("/sources").text
    assert "Everything is paused" in shown
    assert "Pause everything" not in shown
