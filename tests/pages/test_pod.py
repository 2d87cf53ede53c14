"""The pod's pages: what is told without asking it, linking, and whether the vault comes back."""

from contextlib import contextmanager
from functools import partial

import pytest

from console.pages.pod_orders import Drill, Exchange, Scrub, Sync
from console.use import consenting, mirroring, podding, reaching
from pod_sync.session import Patience
from tests.helpers import CHAT, PASSPHRASE
from tests.pages.working import ended, led
from tests.pod_sync.fake import FakePod
from vault.consent import Effect, Filters, Profile, Purpose
from vault.errors import TamperError

ACCOUNT = {"email": "ada@home.example", "password": "a pod's password", "pod": "ada"}
RECEIVED, SENT = "message.chat.direct.received", "message.chat.direct.sent"


@pytest.fixture
def fake(monkeypatch):
    fake = FakePod()
    monkeypatch.setattr(Patience, "wait", lambda *_: None)
    monkeypatch.setattr(podding, "link", partial(podding.link, network=fake))
    return fake


@pytest.fixture
def filled(site, tmp_path):
    chat = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(CHAT)
    site.command.ok("add", str(chat), "--me", "Ada Quill")
    return site


@contextmanager
def opened(site, fake):
    with site.client.app.state.keeper.changing() as twin:
        twin.network = fake
        yield twin


def allow(twin, *types):
    for type_ in types:
        consenting.say(
            twin, Effect.ALLOW, type_, Purpose.MIRROR, filters=Filters(), redact=Profile.BALANCED,
            expires=None, recipient="",
        )  # fmt: skip


def told(*_numbers):
    """Nobody looks on."""


def link(site, fake, **more):
    return site.post("/pod/link/account", ACCOUNT | {"url": fake.url} | more)


# Linking.


def test_without_a_pod_the_page_says_what_one_is_and_work_on_it_how_to_link_one(site):
    assert "What a pod is" in site.get("/pod").text
    for work in ("sync", "scrub", "drill"):
        answer = site.post(f"/pod/{work}")
        assert answer.status_code == 404
        assert "No pod is linked" in answer.text


def test_a_pod_is_linked_and_a_new_recovery_page_is_there(site, fake):
    assert link(site, fake).headers["location"] == "/pod/linked"
    page = site.get("/pod/linked").text
    assert f"{fake.url}ada/" in page
    assert "recovery-key-2.html" in page
    assert ACCOUNT["password"] not in page
    assert f"{fake.url}ada/" in site.get("/pod").text
    assert site.get("/sources").status_code == 200, "the vault is open again"


def test_a_pod_that_lets_nobody_in_leaves_the_vault_as_it_was(site, fake):
    link(site, fake)
    pages = sorted(site.command.home.parent.glob("*recovery-key*"))
    answer = link(site, fake, password="another")
    assert answer.status_code == 502
    assert sorted(site.command.home.parent.glob("*recovery-key*")) == pages
    assert f"{fake.url}ada/" in site.get("/pod").text


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "ada", "http://"])
def test_what_is_no_address_of_a_pod_is_asked_nothing(site, fake, url):
    answer = site.post("/pod/link/account", ACCOUNT | {"url": url})
    assert answer.status_code == 400
    assert "type all of it" in answer.text
    assert fake.requests == []


def test_linking_asks_for_the_passphrase_and_a_wrong_one_links_nothing(site, fake):
    # A browser that came by the link has not typed it.
    unproven = site.client.app.state.sessions.begin()
    site.client.cookies.clear()
    site.client.cookies.set("twin-test", unproven)
    assert 'name="passphrase"' in site.get("/pod/link").text
    assert link(site, fake).status_code == 403
    assert link(site, fake, passphrase="wrong").status_code == 403
    assert fake.requests == []
    assert link(site, fake, passphrase=PASSPHRASE).status_code == 303


# What is there.


def test_the_page_tells_what_may_go_there_without_asking_the_pod(filled, fake):
    link(filled, fake)
    with opened(filled, fake) as twin:
        assert reaching.reach(twin).permitted == 0
        allow(twin, RECEIVED)
        reach = reaching.reach(twin)
    assert {kind.type: kind.permitted for kind in reach.kinds} == {RECEIVED: 4, SENT: 0}
    asked = len(fake.requests)
    page = filled.get("/pod").text
    assert "4 of 8" in page
    assert "only its hash" in page
    assert '<th scope="row">Direct chats, others&#39; words</th>' in page
    assert "message.chat" not in page
    assert "never" in page
    assert len(fake.requests) == asked


def test_the_drill_brings_the_vault_back_and_leaves_nothing_of_it(filled, fake):
    link(filled, fake)
    with opened(filled, fake) as twin:
        allow(twin, RECEIVED)
        Sync().run(twin, told)
        before = dict(fake.files)
        drilled = Drill().run(twin, told)
        assert drilled.problems == ()
        assert drilled.events == drilled.present == twin.log.head.size
        assert drilled.checkpoint == twin.log.head.root.hex()
        assert drilled.withheld == 4, "what nothing allows there has no words there"
        assert fake.files == before, "nothing in the pod changes"
        assert len(mirroring.devices(twin).devices) == 1
        assert list(twin.home.glob("clean-*")) == []
        allow(twin, SENT)
        assert Drill().run(twin, told).events < twin.log.head.size, "the sync lags behind"


def test_the_drill_of_a_damaged_pod_fails_and_leaves_nothing(filled, fake):
    link(filled, fake)
    with opened(filled, fake) as twin:
        Sync().run(twin, told)
        for path, file in fake.files.items():
            if "/segment-" in path:
                file.body = file.body[:-1] + bytes([file.body[-1] ^ 1])
        with pytest.raises(TamperError):
            Drill().run(twin, told)
        assert list(twin.home.glob("clean-*")) == []


def test_reading_the_pod_again_says_that_it_is_whole(filled, fake):
    link(filled, fake)
    with opened(filled, fake) as twin:
        Sync().run(twin, told)
        assert Scrub().run(twin, told).problems == ()


def test_a_pod_that_is_away_is_told_in_a_sentence(filled, fake):
    link(filled, fake)
    job = ended(filled, filled.post("/pod/sync"))  # another process: there the pod is really away
    assert job.state == "failed"
    page = filled.get(f"/jobs/{job.id}").text
    assert "localhost" in page
    assert 'href="/pod"' in page


# Devices.


def test_devices_meet_in_a_folder_and_one_is_revoked_for_ever(filled, tmp_path):
    folder = tmp_path / "stick"
    met = led(
        filled,
        filled.post("/pod/devices/exchange", {"folder": str(folder), "passphrase": PASSPHRASE}),
    )
    assert "Exchanged" in met.text
    other = mirroring.enrol(tmp_path / "other", folder, PASSPHRASE, "phone").restored
    with filled.client.app.state.keeper.changing() as twin:
        Exchange(out=str(folder)).run(twin, told)
    page = filled.get("/pod/devices").text
    assert "phone" in page
    asking = filled.get(f"/pod/devices/{other.feed}/revoke").text
    entries = asking.split('name="entries" value="')[1].partition('"')[0]
    stale = filled.post(f"/pod/devices/{other.feed}/revoke", {"entries": str(int(entries) + 1)})
    assert stale.status_code == 400
    assert "nothing was changed" in stale.text
    assert (
        "revoked"
        not in filled.get("/pod/devices").text.partition("<tbody>")[2].partition("</tbody>")[0]
    )
    done = filled.post(f"/pod/devices/{other.feed}/revoke", {"entries": entries})
    assert done.headers["location"] == "/pod/devices"
    assert "revoked" in filled.get("/pod/devices").text.partition("<tbody>")[2]
    twice = filled.post(f"/pod/devices/{other.feed}/revoke", {"entries": entries})
    assert twice.status_code == 303, "the back button and a second click change nothing"


@pytest.mark.parametrize("folder", ["", "relative/folder", "a\x00b"])
def test_a_folder_that_is_none_is_told(site, folder):
    assert site.post("/pod/devices/exchange", {"folder": folder}).status_code == 400


def test_a_device_that_is_none_is_not_revoked(site):
    assert site.get(f"/pod/devices/{'0' * 16}/revoke").status_code == 404
    assert site.post(f"/pod/devices/{'0' * 16}/revoke", {"entries": "1"}).status_code == 404
