"""Forgetting from the pages: foreseen, confirmed, once, certified; and nothing halfway."""

import json
import re
import signal
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest

from console import bootstrap
from console.pages.erasing_orders import Tidy
from console.use import foreseeing, forgetting
from console.use.foreseeing import Choice
from tests.helpers import PASSPHRASE
from tests.pages.test_telling import wait
from vault.errors import NotFound, UsageError


@pytest.fixture
def kept(site, chat):
    """A vault with one small chat of two people."""
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    return site


def looked(site, **chosen):
    """Choose, and return the path of the preview."""
    at = site.post("/forget/look", chosen).headers["location"]
    job = wait(site.client.app.state.jobs.get(at.rpartition("/")[2]))
    assert job.state == "done", job.message
    return site.get(at).headers["location"]


def count_on(page):
    return re.search(r"how many items go: <b>([\d,]+)</b>", page.text)[1]


def forgotten(site, path, count):
    """Confirm, and return the path of the certificate."""
    at = site.post(path, {"count": count}).headers["location"]
    job = wait(site.client.app.state.jobs.get(at.rpartition("/")[2]))
    assert job.state == "done", job.message
    return site.get(at).headers["location"]


def items(site):
    with site.client.app.state.keeper.changing() as twin:
        twin.catch_up()
        return twin.views.timeline.count()


def test_looking_changes_nothing_and_says_what_would_go(kept):
    before = items(kept)
    page = kept.get(looked(kept, kind="message.chat"))
    assert page.status_code == 200
    assert count_on(page) == str(before)
    assert "No model learned from them" in page.text
    assert f"<dt>Kinds</dt><dd>Direct chats ({before})</dd>" in page.text
    assert items(kept) == before


def test_forgetting_ends_in_a_certificate_that_can_be_downloaded(kept):
    path = looked(kept, person="Priya Nair")
    page = kept.get(path)
    certificate = forgotten(kept, path, count_on(page))
    shown = kept.get(certificate)
    assert "items were forgotten" in shown.text
    assert "nothing of them was found" in shown.text
    assert "a device of this vault" in shown.text
    assert items(kept) == 0
    file = kept.get(f"{certificate}/file")
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.headers["content-security-policy"] == "sandbox"
    assert str(len(json.loads(json.loads(file.content)["paper"])["items"])) == count_on(page)
    assert certificate in kept.get("/forget").text
    kept.command.ok("verify")


def test_every_place_on_a_certificate_is_told_plainly_with_its_exact_name(kept):
    path = looked(kept, kind="message")
    certificate = forgotten(kept, path, count_on(kept.get(path)))
    paper = json.loads(json.loads(kept.get(f"{certificate}/file").content)["paper"])
    page = kept.get(certificate).text
    rows = dict(re.findall(r'<th scope="row">([^<]+)<small>([^<]+)</small></th>', page))
    assert list(rows.values()) == [one["store"] for one in paper["stores"]]
    assert rows["Their words in the log"] == "bodies in the log"
    assert rows["The keys that open these words"] == "data keys"


def test_conversations_are_listed_by_what_they_are_called(site, tmp_path):
    mail = tmp_path / "inbox.mbox"
    mail.write_text(
        "From ada@example.org Mon Jan  1 10:00:00 2024\n"
        "From: Ada Quill <ada@example.org>\nTo: Priya <priya@example.org>\n"
        "Date: Mon, 1 Jan 2024 10:00:00 +0000\nMessage-ID: <one@example.org>\n"
        "Subject: The blue bucket\n\nIt stands by the door.\n",
    )
    site.command.ok("add", str(mail), "--me", "ada@example.org")
    told = site.get("/forget").text
    assert ">The blue bucket (1)</option>" in told
    assert "one@example.org" not in told


def test_nothing_goes_without_the_right_count(kept):
    path, before = looked(kept, kind="message"), items(kept)
    for count in ("", "0", "1", "all", str(before + 1)):
        told = kept.post(path, {"count": count})
        assert told.status_code == 400
        assert "not the count" in told.text
    assert items(kept) == before


def test_nothing_goes_without_the_passphrase(kept):
    path, before = looked(kept, kind="message"), items(kept)
    later = time.monotonic() + 301
    kept.client.app.state.sessions.clock = lambda: later
    assert 'name="passphrase"' in kept.get(path).text
    told = kept.post(path, {"count": str(before)})
    assert told.status_code == 403
    assert items(kept) == before


def test_sent_twice_it_is_done_once(kept):
    path = looked(kept, kind="message")
    count = count_on(kept.get(path))
    first = kept.post(path, {"count": count}).headers["location"]
    second = kept.post(path, {"count": count})
    assert second.headers.get("location", first) == first or second.status_code == 404
    wait(kept.client.app.state.jobs.get(first.rpartition("/")[2]))
    assert len(list((kept.command.home / "papers").glob("certificate-*.json"))) == 1


def test_the_back_button_after_forgetting_leads_on_and_does_nothing(kept):
    path = looked(kept, kind="message")
    forgotten(kept, path, count_on(kept.get(path)))
    for told in (kept.get(path), kept.post(path, {"count": "1"})):
        assert told.status_code == 404
        assert "This preview is over" in told.text
        assert 'href="/forget"' in told.text


def test_what_changed_since_the_preview_is_not_forgotten(kept, chat):
    path = looked(kept, person="Priya Nair")
    count = count_on(kept.get(path))
    later = chat.read_text() + "\n04/02/2023, 09:00 - Priya Nair: The boat is late.\n"
    chat.write_text(later)
    kept.command.ok("add", str(chat), "--me", "Ada Quill")
    before = items(kept)
    at = kept.post(path, {"count": count}).headers["location"]
    job = wait(kept.client.app.state.jobs.get(at.rpartition("/")[2]))
    assert job.state == "failed"
    told = kept.get(at).text
    assert "has changed since you looked" in told
    assert 'href="/forget"' in told
    assert items(kept) == before


def test_nothing_chosen_and_nothing_found_are_said(kept):
    told = kept.post("/forget/look")
    assert told.status_code == 400
    assert "at least one of the fields" in told.text
    at = kept.post("/forget/look", {"person": "Nobody At All"}).headers["location"]
    assert wait(kept.client.app.state.jobs.get("1")).state == "failed"
    assert "No item matches" in kept.get(at).text
    assert "2024-05-31" in kept.post("/forget/look", {"since": "yesterday"}).text


def test_what_other_pages_name_is_filled_in(kept):
    with kept.client.app.state.keeper.changing() as twin:
        twin.catch_up()
        [room] = twin.views.timeline.circles.rooms()
        priya = next(one for one in twin.views.people.persons() if "Priya" in one.names[0])
        item = next(iter(twin.views.timeline.everything())).id
    assert f'<option value="{room.no}" selected>' in kept.get(f"/forget?room={room.no}").text
    assert 'value="Priya Nair"' in kept.get(f"/forget?person={priya.id}").text
    assert f'value="{item}"' in kept.get(f"/forget?item={item}").text
    assert count_on(kept.get(looked(kept, item=item))) == "1"


def test_it_cannot_be_stopped_halfway(kept):
    path = looked(kept, kind="message")
    at = kept.post(path, {"count": count_on(kept.get(path))}).headers["location"]
    job = kept.client.app.state.jobs.get(at.rpartition("/")[2])
    job.process.send_signal(signal.SIGSTOP)
    try:
        told = kept.post(f"{at}/stop")
        assert told.status_code == 400
        assert "come to its end" in told.text
    finally:
        job.process.send_signal(signal.SIGCONT)
    assert wait(job).state == "done"


def interrupted(site):
    """Begin to forget everything of a person, and be killed in the middle of it."""
    stopped = site.command(
        *("forget", "--person", "Priya Nair", "--yes"),
        before=(
            "import os; from vault import points\n"
            "points.reached = lambda name: os._exit(9) if name == 'forget.suspended' else None"
        ),
    )
    assert stopped.status == 9
    site.client.app.state.keeper.refresh()


def test_an_erasure_that_was_interrupted_is_offered_and_finished(kept):
    interrupted(kept)
    assert "An erasure was interrupted" in kept.get("/forget").text
    at = kept.post("/forget/finish").headers["location"]
    job = wait(kept.client.app.state.jobs.get(at.rpartition("/")[2]))
    assert job.state == "done", job.message
    assert "were forgotten" in kept.get(kept.get(at).headers["location"]).text
    assert "An erasure was interrupted" not in kept.get("/forget").text


def test_what_is_owed_is_done_when_the_vault_is_opened(kept):
    kept.post("/lock")
    kept.unlock()
    assert kept.client.app.state.jobs.last(Tidy) is None
    interrupted(kept)
    kept.post("/lock")
    kept.unlock()
    assert wait(kept.client.app.state.jobs.last(Tidy)).state == "done"
    told = kept.get("/forget").text
    assert "An erasure was interrupted" not in told
    assert "/forget/certificates/" in told


def test_a_certificate_that_is_not_there_or_was_changed(kept):
    assert kept.get("/forget/certificates/" + "0" * 32).status_code == 404
    assert kept.get("/forget/certificates/..%2F..%2Fvault").status_code == 404
    path = looked(kept, kind="message")
    certificate = forgotten(kept, path, count_on(kept.get(path)))
    [file] = (kept.command.home / "papers").glob("certificate-*.json")
    signed = json.loads(file.read_bytes())
    signed["paper"] = signed["paper"].replace('"cause":"asked"', '"cause":"retention"')
    file.write_text(json.dumps(signed))
    assert "do not rely on it" in kept.get(certificate).text
    file.write_text("{")
    assert "damaged" in kept.get(certificate).text


def test_nothing_of_what_went_stays_in_the_server(kept):
    path = looked(kept, kind="message")
    assert "boat" in kept.get(path).text
    twin = kept.client.app.state.keeper._twin
    forgotten(kept, path, count_on(kept.get(path)))
    assert kept.client.app.state.keeper._twin is not twin
    held = [job for job in kept.client.app.state.jobs.over if b"boat" in job.result]
    assert not held


def test_days_narrow_what_is_meant(kept):
    with closing(bootstrap.open_(kept.command.home, PASSPHRASE)) as twin:
        all_ = forgetting.plan(twin, data_type="message")
        day = datetime(2023, 2, 2, tzinfo=UTC)
        after = forgetting.plan(twin, data_type="message", since=day)
        before = forgetting.plan(twin, data_type="message", until=day)
        assert sorted((*after, *before)) == sorted(all_)
        assert after
        assert before
        with pytest.raises(NotFound):
            forgetting.plan(twin, since=datetime(2030, 1, 1, tzinfo=UTC))
        with pytest.raises(UsageError, match="at least one"):
            foreseeing.foresee(twin, Choice())


def test_erasing_two_things_at_once_is_refused(kept):
    first, second = looked(kept, person="Priya Nair"), looked(kept, kind="message")
    at = kept.post(first, {"count": count_on(kept.get(first))}).headers["location"]
    job = kept.client.app.state.jobs.get(at.rpartition("/")[2])
    job.process.send_signal(signal.SIGSTOP)
    try:
        told = kept.post(second, {"count": count_on(kept.get(second))})
        assert "wait until that is done" in told.text
    finally:
        job.process.send_signal(signal.SIGCONT)
    assert wait(job).state == "done"


def test_files_that_were_written_out_are_named_before_and_on_the_certificate(kept, tmp_path):
    kept.command.ok("consent", "allow", "message", "search")
    item = kept.command.ok("search", "leeks")["hits"][0]["id"]
    copy, proof = tmp_path / "copy", "your browser&#39;s downloads"
    kept.command.ok("export", str(copy))
    answer = kept.post("/integrity/prove", {"item": item, "reveal": "true"})
    assert answer.status_code == 200
    path = looked(kept, item=item)
    page = kept.get(path).text
    assert f"<code>{copy}</code>" in page
    assert proof in page
    shown = kept.get(forgotten(kept, path, "1")).text
    assert f"<code>{copy}</code>" in shown
    assert proof in shown
