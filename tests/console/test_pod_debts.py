"""What a vault owes its pod after a failure or a stranger's hand: owed until it is carried out."""

import json
import threading
from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from console import bootstrap
from console.use import browsing, collecting, consenting, forgetting, pacing, podding
from pod_sync.errors import PodError
from pod_sync.session import Patience
from tests.helpers import CHAT, PASSPHRASE
from tests.pod_sync.fake import FakePod
from vault.application import Vault
from vault.consent import Effect, Filters, Profile, Purpose
from vault.errors import StorageError, UsageError
from vault.log.passphrase import Stretch

CATALOGUE = "/ada/twinvault/catalogue/items.ttl"


class Troubled(httpx2.BaseTransport):
    """A pod that fails at requests of one method to one part of it."""

    def __init__(self, pod, method="", part=""):
        self.pod, self.method, self.part = pod, method, part

    def handle_request(self, request):
        if request.method.startswith(self.method) and self.part in request.url.path:
            return httpx2.Response(500)
        return self.pod.handle_request(request)


class Silent:
    """Notices of a pod in which nothing changes; `looks` counts who looks for them, up to 5."""

    def __init__(self, stop, then=None):
        self.stop, self.then, self.looks = stop, then, 0

    def wait(self, _):
        if self.then:
            self.then()
        self.looks += 1
        if self.looks == 5:
            self.stop.set()
        return set()


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    monkeypatch.setattr(Patience, "wait", lambda *_: None)
    monkeypatch.setitem(Stretch.__init__.__kwdefaults__, "memory", 64)
    monkeypatch.setitem(Stretch.__init__.__kwdefaults__, "passes", 1)


@pytest.fixture
def fake():
    return FakePod()


@pytest.fixture
def home(tmp_path):
    """A vault with a chat that may be in the pod."""
    bootstrap.create(tmp_path / "home", PASSPHRASE)
    chat = tmp_path / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(CHAT)
    twin = bootstrap.open_(tmp_path / "home", PASSPHRASE)
    collecting.add(twin, chat, names=["Ada Quill"])
    say(twin, Effect.ALLOW)
    twin.close()
    return tmp_path / "home"


@pytest.fixture
def link(home, fake):
    """Links the pod; more so, if asked again."""
    ada = podding.Account(email="ada@home.example", password="a pod's password", pod="ada")
    return lambda network=fake: podding.link(home, PASSPHRASE, fake.url, ada, network=network)


@pytest.fixture
def opened(home, fake, link):
    """Opens the linked vault, and closes it at the end."""
    link()
    twins = []

    def opened():
        twins.append(bootstrap.open_(home, PASSPHRASE))
        twins[-1].network = fake
        return twins[-1]

    yield opened
    for twin in twins:
        twin.close()


@pytest.fixture
def twin(opened):
    """It, with all in the pod."""
    twin = opened()
    podding.sync(twin)
    return twin


def say(twin, effect, expires=None):
    consenting.say(
        twin, effect, "message", Purpose.MIRROR, filters=Filters(), redact=Profile.BALANCED,
        expires=expires, recipient="",
    )  # fmt: skip


def forgotten(twin, network):
    """Forget an item while the pod is in trouble; return the erasure's certificate."""
    before, twin.network = twin.network, network
    sent = twin.views.timeline.select(type_="message.chat.direct.sent")
    done = forgetting.forget(twin, sent[:1])
    twin.network = before
    return done


def refuse(*_):
    raise StorageError("The disk is full.")


def counted(fake):
    text = fake.files[CATALOGUE].body.decode()
    return [int(one.split()[1]) for one in text.split(";") if "void:entities" in one]


def papers(home):
    found = (home / "papers").glob("*-pod.json")
    return {json.loads(json.loads(one.read_text())["paper"])["certificate"] for one in found}


def test_a_catalogue_that_could_not_be_written_is_written_by_the_next_sync(twin, fake):
    assert counted(fake) == [4, 4]
    say(twin, Effect.DENY)
    twin.network = Troubled(fake, "PUT", "catalogue")
    with pytest.raises(PodError):
        podding.sync(twin)
    twin.network = fake
    podding.sync(twin)
    assert counted(fake) == []


def test_an_erasure_is_owed_until_a_sync_went_to_its_end(twin, fake, home):
    gone = forgotten(twin, Troubled(fake))
    twin.network = Troubled(fake, "PUT", "catalogue")
    with pytest.raises(PodError):
        podding.sync(twin)
    assert podding.status(twin).owed == 1
    twin.network = fake
    podding.sync(twin)
    assert podding.status(twin).owed == 0
    assert papers(home) == {gone.certificate.stem}
    assert counted(fake) == [3, 3]


def test_a_debt_that_is_left_when_all_is_in_the_pod_is_paid_by_the_next_sync(twin, home):
    twin.pod.owe("certificate-1")
    podding.sync(twin)
    assert (podding.status(twin).owed, papers(home)) == (0, {"certificate-1"})


def test_an_erasure_that_pays_for_one_before_writes_the_paper_of_that_one(twin, fake, home):
    first = forgotten(twin, Troubled(fake))
    assert not first.in_pod.erased
    second = forgotten(twin, fake)
    assert second.in_pod.erased
    assert podding.status(twin).owed == 0
    assert papers(home) == {first.certificate.stem}


def test_what_is_owed_since_a_sync_began_stays_owed(twin):
    for one in ("certificate-1", "certificate-2", "certificate-1"):
        twin.pod.owe(one)
    twin.pod.paid(["certificate-1"])
    assert twin.pod.owed == ("certificate-2",)


@pytest.mark.parametrize("lost", ["linked again", "damaged"])
def test_no_paper_says_that_is_gone_what_a_lost_memory_knew_of(  # noqa: PLR0917 - fixtures
    lost, twin, fake, home, link, opened
):
    before = {path for path in fake.files if "/segment-" in path}
    assert not forgotten(twin, Troubled(fake, "DELETE", "/files/")).in_pod.erased
    assert before & fake.files.keys(), "it counts no more, and lies there"
    if lost == "damaged":
        twin.pod.write(b"no memory")
    else:
        twin.close()
        link()
        twin = opened()
    podding.sync(twin)
    assert papers(home)
    assert not before & fake.files.keys()


def test_a_link_that_fails_leaves_the_one_before_and_its_page(twin, fake, home, link, monkeypatch):
    pages = set(home.parent.glob("*recovery-key*.html"))
    page = max(pages, key=lambda one: one.stat().st_mtime_ns).read_text()
    twin.close()
    with pytest.raises(PodError):
        link(Troubled(fake, "PUT", ".acl"))
    monkeypatch.setattr(bootstrap, "new_recovery_page", refuse)
    with pytest.raises(StorageError):
        link()
    assert set(home.parent.glob("*recovery-key*.html")) == pages
    twin = bootstrap.open_(home, PASSPHRASE)
    twin.network = fake
    podding.sync(twin)
    twin.close()
    podding.restore(home.with_name("phone"), fake.url, page, network=fake)


def test_a_link_takes_back_what_failed_ones_had_been_given(twin, fake, link):
    twin.close()
    with pytest.raises(PodError):
        link(Troubled(fake, "PUT", ".acl"))
    [account] = fake.accounts.accounts
    assert len(account.credentials) == 2
    done = link()
    way = bootstrap.way_on_page(done.recovery_key_file.read_text())
    assert done.revoked
    assert list(account.credentials) == [way.client_id]


def test_following_wakes_for_a_permission_that_ends_right_after_a_sync(twin, monkeypatch):
    monkeypatch.setattr(pacing, "_CLOCK", -1.0)
    soon = datetime.now(UTC) + timedelta(hours=1)
    say(twin, Effect.ALLOW, expires=soon)
    podding.sync(twin)

    def ends():
        monkeypatch.setattr(Vault, "clock", staticmethod(lambda: soon + timedelta(minutes=1)))

    for then, looks in ((None, 5), (ends, 1)):
        stop = threading.Event()
        notices = Silent(stop, then)
        pacing._wait(twin, notices, pacing._stamp(twin.home), stop)
        assert notices.looks == looks


def test_a_mirror_that_somebody_opened_is_closed_by_a_scrub(twin, fake):
    path = "/ada/twinvault/.acl"
    opened = (
        b"<#p> a <http://www.w3.org/ns/auth/acl#Authorization>;"
        b" <http://www.w3.org/ns/auth/acl#agentClass> <http://xmlns.com/foaf/0.1/Agent>;"
        b" <http://www.w3.org/ns/auth/acl#accessTo> <./>;"
        b" <http://www.w3.org/ns/auth/acl#default> <./>;"
        b" <http://www.w3.org/ns/auth/acl#mode> <http://www.w3.org/ns/auth/acl#Read> ."
    )
    fake.write(path, fake.files[path].body + opened, "text/turtle")
    with podding.session(twin) as talk:
        assert talk.rights("twinvault/").get("public")
    assert not podding.scrub(twin).problems
    with podding.session(twin) as talk:
        assert not talk.rights("twinvault/").get("public")


def test_linking_again_brings_back_what_was_wiped_there(twin, link, opened, fake):
    kept = {path for path in fake.files if "/consent/" in path or path.endswith(".ttl")}
    assert any(path.endswith(".jsonld") for path in kept)
    for path in [path for path in fake.files if path.startswith("/ada/twinvault/")]:
        del fake.files[path]
    twin.close()
    link()
    podding.sync(opened())
    assert kept <= fake.files.keys()


def test_two_syncs_of_one_device_wait_for_each_other(twin, opened):
    others, problems = [opened(), opened()], []

    def synced(other):
        try:
            podding.sync(other)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told below
            problems.append(error)

    twin.vault.name_owner(["ada@home.example"], frozenset())
    threads = [threading.Thread(target=synced, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert podding.scrub(twin).problems == ()


def test_nobody_puts_a_file_over_who_she_is(twin, tmp_path):
    file = tmp_path / "note.txt"
    file.write_text("a note")
    with pytest.raises(UsageError, match="says who you are"):
        browsing.put(twin, file, "profile/card", replace=True)
