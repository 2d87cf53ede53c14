"""The pod of a vault: linked, synchronised, and the vault made again from it."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from console import bootstrap
from console.use import checking, collecting, consenting, forgetting, keeping, pacing, podding
from pod_sync.errors import PodError
from pod_sync.session import Patience
from projections.lineage import record
from tests.helpers import CHAT, PASSPHRASE
from tests.pod_sync.fake import FakePod
from tests.pod_sync.pods import new_pod
from tests.projections.test_lineage import manifest
from trainer.evaluate import report
from vault import mirrors
from vault.application import Vault
from vault.consent import Effect, Filters, Profile, Purpose
from vault.errors import Locked, NotFound, RolledBack, TamperError, UsageError, VaultError
from vault.events import ModelTrained, SliceState

WORDS = b"six leeks, butter"


@pytest.fixture
def fake():
    return FakePod()


@pytest.fixture
def account():
    return podding.Account(email="ada@home.example", password="a pod's password", pod="ada")


@pytest.fixture(scope="session")
def collected(new_folder, tmp_path_factory):
    """A vault with a chat in it, to be copied."""
    folder = tmp_path_factory.mktemp("collected")
    shutil.copytree(new_folder, folder, dirs_exist_ok=True)
    chat = folder / "WhatsApp Chat with Priya Nair.txt"
    chat.write_text(CHAT)
    twin = bootstrap.open_(folder / "home", PASSPHRASE)
    collecting.add(twin, chat, names=["Ada Quill"])
    twin.close()
    return folder


@pytest.fixture
def home(collected, tmp_path):
    shutil.copytree(collected, tmp_path, dirs_exist_ok=True)
    return tmp_path / "home"


@pytest.fixture(autouse=True)
def hasty(monkeypatch):
    """Nobody waits for a pod that is away."""
    monkeypatch.setattr(Patience, "wait", lambda *_: None)


@pytest.fixture
def devices(fake):
    """Opens vaults on the fake pod, and closes them at the end."""
    twins = []

    def opened(home: Path, secret: str = PASSPHRASE) -> bootstrap.Twin:
        twin = bootstrap.open_(home, secret)
        twin.network = fake
        twins.append(twin)
        return twin

    yield opened
    for twin in twins:
        twin.close()


@pytest.fixture
def linked(home, fake, account):
    return podding.link(home, PASSPHRASE, fake.url, account, network=fake)


@pytest.fixture
def ada(home, linked, devices):  # noqa: ARG001 - it has to be linked
    """A device with a chat, linked; nothing is in the pod yet."""
    return devices(home)


def say(twin, effect, *types, purpose=Purpose.MIRROR, **filters):
    for type_ in types:
        consenting.say(
            twin, effect, type_, purpose, filters=Filters(**filters), redact=Profile.BALANCED,
            expires=filters.pop("expires", None), recipient="",
        )  # fmt: skip


EVERYTHING = ("message", "message.chat.direct.received", "location", "health", "finance")
EVERYTHING += ("religion", "politics", "sexuality", "ethnicity", "crime", "minors")


def restored(tmp_path, fake, linked, name="phone"):
    page = linked.recovery_key_file.read_text()
    home = tmp_path / name
    return podding.restore(home, fake.url, page, name, network=fake)


def items(twin):
    twin.catch_up()
    return sorted(one.item.text for one in twin.views.timeline.everything())


# Linking, and the page.


def test_a_linked_vault_has_a_page_that_leads_to_the_pod_and_no_secret_lies_open(
    linked, home, fake
):
    assert linked.url == f"{fake.url}ada/"
    assert linked.before == ""
    page = linked.recovery_key_file.read_text()
    assert linked.url in page
    assert linked.webid in page
    way = bootstrap.way_on_page(page)
    assert way.url == linked.url
    assert way.secret not in page
    assert way.client_id not in page
    sealed = b"".join(path.read_bytes() for path in (home / "pod").iterdir())
    assert way.secret.encode() not in sealed
    assert repr(way).count(way.secret) == 0


def test_the_page_before_opens_nothing_unless_the_vault_was_opened_with_it(home, fake, account):
    old = next(home.parent.glob("*recovery-key.html")).read_text()
    again = podding.link(home, old, fake.url, account, network=fake)
    assert again.same_key
    bootstrap.open_(home, old).close()
    third = podding.link(home, PASSPHRASE, fake.url, account, network=fake)
    assert not third.same_key
    assert third.revoked
    with pytest.raises(VaultError):
        bootstrap.open_(home, old)
    bootstrap.open_(home, third.recovery_key_file.read_text()).close()


def test_linking_again_takes_the_old_credentials_back(linked, home, fake, account, devices):
    before = bootstrap.way_on_page(linked.recovery_key_file.read_text())
    again = podding.link(home, PASSPHRASE, fake.url, account, network=fake)
    assert again.before == linked.url
    way = bootstrap.way_on_page(again.recovery_key_file.read_text())
    assert way.client_id != before.client_id
    twin = devices(home)
    podding.sync(twin)
    twin.pod.link(before)
    with pytest.raises(PodError):
        podding.sync(twin)


def test_a_wrong_password_or_another_owners_pod_links_nothing(home, fake, account):
    podding.link(home, PASSPHRASE, fake.url, account, network=fake)
    files = {path: path.read_bytes() for path in (home / "pod").iterdir()}
    wrong = podding.Account(email=account.email, password="not this one", pod="ada")
    with pytest.raises(PodError):
        podding.link(home, PASSPHRASE, fake.url, wrong, network=fake)
    other = podding.Credentials(webid=new_pod(fake.url, fake).webid, client_id="x", secret="y")
    with pytest.raises(PodError, match="is no pod of"):
        podding.link(home, PASSPHRASE, f"{fake.url}ada/", other, network=fake)
    assert files == {path: path.read_bytes() for path in (home / "pod").iterdir()}


def test_credentials_that_the_owner_made_link_too(home, fake, linked):
    way = bootstrap.way_on_page(linked.recovery_key_file.read_text())
    by = podding.Credentials(webid=way.webid, client_id=way.client_id, secret=way.secret)
    again = podding.link(home, PASSPHRASE, way.url, by, network=fake)
    assert (again.url, again.webid) == (linked.url, linked.webid)


def test_new_keys_new_pages_and_a_copied_folder_keep_the_link(ada, home, tmp_path, devices):
    say(ada, Effect.ALLOW, "message")
    podding.sync(ada)
    ada.close()
    pages = [keeping.new_page(home, PASSPHRASE).recovery_key_file]
    rotated = keeping.rotate(home, PASSPHRASE, PASSPHRASE, keeping.ALL)
    pages.append(rotated.recovery_key_file)
    ways = [bootstrap.way_on_page(page.read_text()) for page in pages]
    assert ways[0] == ways[1]
    copy = tmp_path / "copy"
    shutil.copytree(home, copy)
    twin = devices(copy)
    assert twin.pod.way == ways[0]
    assert podding.sync(twin).events == twin.log.head.size


def test_without_a_pod_everything_says_how_to_link_one(home, devices):
    twin = devices(home)
    for ask in (podding.sync, podding.status, podding.scrub):
        with pytest.raises(NotFound, match="twin pod link"):
            ask(twin)


# Synchronising.


def test_nothing_is_in_the_pod_that_no_permission_lets_there(ada, fake):
    done = podding.sync(ada)
    assert done.withheld >= 9
    say(ada, Effect.ALLOW, "message")
    less = podding.sync(ada)
    assert 0 < less.withheld < done.withheld
    assert less.checkpoint == ada.log.head.root.hex()
    assert not any(WORDS in file.body for file in fake.files.values())


def test_a_sync_of_a_vault_that_did_not_change_asks_little_and_writes_nothing(ada, fake):
    say(ada, Effect.ALLOW, "message")
    first = podding.sync(ada)
    before = {path: file.body for path, file in fake.files.items()}
    size = ada.log.head.size
    again = podding.sync(ada)
    assert again.written.segments == again.written.deleted == again.sent - again.sent
    assert again.requests < first.requests
    assert again.withheld == first.withheld
    assert {path: file.body for path, file in fake.files.items()} == before
    assert ada.log.head.size == size
    found = podding.status(ada)
    assert (found.waiting, found.owed) == (0, 0)
    assert found.last.checkpoint == first.checkpoint
    collected = say(ada, Effect.ALLOW, "document")
    assert collected is None
    assert podding.status(ada).waiting == 1


def test_what_is_withdrawn_leaves_the_pod_and_comes_back_when_it_is_allowed(
    ada, fake, linked, tmp_path, devices
):
    say(ada, Effect.ALLOW, "message")
    kept = podding.sync(ada).withheld
    say(ada, Effect.DENY, "message")
    gone = podding.sync(ada)
    assert gone.withheld > kept
    restored(tmp_path, fake, linked, "one")
    assert items(devices(tmp_path / "one")) == []
    say(ada, Effect.ALLOW, *EVERYTHING)
    assert podding.sync(ada).withheld == 0
    restored(tmp_path, fake, linked, "two")
    assert items(devices(tmp_path / "two")) == items(ada)
    one = devices(tmp_path / "one")
    podding.sync(one)
    assert items(one) == items(ada), "what was missing came"


def test_a_permission_that_ends_takes_the_bodies_out_by_itself(ada, monkeypatch):
    soon = datetime.now(UTC) + timedelta(hours=1)
    say(ada, Effect.ALLOW, "message")
    consenting.say(
        ada, Effect.ALLOW, "message", Purpose.MIRROR, filters=Filters(), redact=Profile.BALANCED,
        expires=soon, recipient="",
    )  # fmt: skip
    there = podding.sync(ada).withheld
    monkeypatch.setattr(Vault, "clock", staticmethod(lambda: soon + timedelta(minutes=1)))
    assert podding.sync(ada).withheld > there


def test_the_pods_checkpoint_is_a_witness_and_an_older_pod_is_refused(ada, fake):
    say(ada, Effect.ALLOW, "message")
    podding.sync(ada)
    old = dict(fake.files)
    assert checking.verify(ada, against="pod").problems == ()
    say(ada, Effect.DENY, "message")
    podding.sync(ada)
    fake.files.clear()
    fake.files.update(old)
    with pytest.raises(RolledBack):
        podding.sync(ada)


def test_the_catalogue_counts_what_lies_there_and_nothing_else(ada, fake):
    def numbers():
        text = fake.files["/ada/twinvault/catalogue/items.ttl"].body.decode()
        return [int(one.split()[1]) for one in text.split(";") if "void:entities" in one]

    podding.sync(ada)
    assert numbers() == []
    say(ada, Effect.ALLOW, "message")
    podding.sync(ada)
    assert numbers() == [4, 4]
    forgetting.forget(ada, [ada.views.timeline.select(type_="message.chat.direct.sent")[0]])
    assert numbers() == [3, 3]


# Coming back.


def test_a_vault_comes_back_from_pod_and_page_alone(ada, fake, linked, tmp_path, devices):
    say(ada, Effect.ALLOW, *EVERYTHING)
    done = podding.sync(ada)
    came = restored(tmp_path, fake, linked)
    assert came.restored.checkpoint == done.checkpoint
    assert came.restored.withheld == 0
    phone = devices(tmp_path / "phone")
    assert phone.pod.way.url == linked.url
    assert podding.status(phone).waiting == 1  # that the phone is a device now
    assert items(phone) == items(ada)
    assert checking.verify(phone).problems == ()
    podding.sync(phone)
    assert podding.sync(ada).taken.entries == 1


def test_a_new_page_leads_back_once_the_pod_has_heard_of_it(ada, fake, linked, home, tmp_path):
    podding.sync(ada)
    ada.close()
    new = bootstrap.new_recovery_page(home, PASSPHRASE).read_text()
    with pytest.raises(Locked, match="newer page"):
        podding.restore(tmp_path / "phone", fake.url, new, "phone", network=fake)
    restored(tmp_path, fake, linked)
    twin = bootstrap.open_(home, PASSPHRASE)
    twin.network = fake
    podding.sync(twin)
    twin.close()
    podding.restore(tmp_path / "tablet", fake.url, new, "tablet", network=fake)
    with pytest.raises(Locked, match="newer page"):
        restored(tmp_path, fake, linked, "watch")


def test_what_is_missing_is_counted_when_the_vault_comes_back(ada, fake, linked, tmp_path):
    say(ada, Effect.ALLOW, "message")
    done = podding.sync(ada)
    came = restored(tmp_path, fake, linked)
    assert came.restored.withheld == done.withheld > 0
    assert came.restored.checkpoint == done.checkpoint


@pytest.mark.parametrize(
    ("page", "url", "error"),
    [
        (lambda page: page, "http://localhost:3001/", UsageError),
        (lambda page: page[: page.index("TWINVAULT")], "http://localhost:3000/", UsageError),
        (lambda page: page.replace("TWINVAULT-POD-1 ", "TWINVAULT-POD-1 AAAA"), "", TamperError),
    ],
)
def test_a_page_that_leads_elsewhere_or_nowhere_makes_nothing(  # noqa: PLR0917 - fixtures
    page, url, error, linked, fake, tmp_path
):
    text = page(linked.recovery_key_file.read_text())
    with pytest.raises(error):
        podding.restore(tmp_path / "new", url or fake.url, text, network=fake)
    assert not (tmp_path / "new").exists()


def test_a_damaged_pod_makes_nothing(ada, fake, linked, tmp_path):
    podding.sync(ada)
    for path, file in fake.files.items():
        if "/segment-" in path:
            file.body = file.body[:-1] + bytes([file.body[-1] ^ 1])
    with pytest.raises(TamperError):
        restored(tmp_path, fake, linked)
    assert not (tmp_path / "phone").exists()
    assert podding.scrub(ada).problems


# Erasing.


def test_what_is_erased_leaves_the_pod_at_once_and_the_certificate_says_so(ada, fake):
    say(ada, Effect.ALLOW, *EVERYTHING)
    podding.sync(ada)
    before = {path for path in fake.files if "/segment-" in path}
    gone = forgetting.forget(ada, [ada.views.timeline.select()[0]])
    assert gone.in_pod.erased
    assert before - set(fake.files), "its segment was written anew"
    paper = json.loads(json.loads(gone.certificate.read_text())["paper"])
    assert paper["in_pod"] == {"pod": podding.status(ada).url, "erased": True}
    assert any("host kept" in one for one in paper["not_promised"])
    assert podding.status(ada).owed == 0


def test_an_erasure_that_the_pod_could_not_hear_of_is_owed_and_carried_out_later(ada, fake):
    say(ada, Effect.ALLOW, *EVERYTHING)
    podding.sync(ada)
    ada.network = FakePod("http://localhost:9/")
    gone = forgetting.forget(ada, [ada.views.timeline.select()[0]])
    assert not gone.in_pod.erased
    assert gone.left == ()
    assert podding.status(ada).owed == 1
    ada.network = fake
    assert podding.sync(ada).written.purged
    assert podding.status(ada).owed == 0
    paper = gone.certificate.with_name(f"{gone.certificate.stem}-pod.json")
    assert (
        json.loads(json.loads(paper.read_text())["paper"])["certificate"] == gone.certificate.stem
    )


# Several devices.


def test_a_revoked_device_is_refused_by_all_the_others(ada, fake, linked, tmp_path, devices):
    say(ada, Effect.ALLOW, *EVERYTHING)
    podding.sync(ada)
    for name in ("phone", "tablet"):
        restored(tmp_path, fake, linked, name)
        podding.sync(devices(tmp_path / name))
    phone, tablet = devices(tmp_path / "phone"), devices(tmp_path / "tablet")
    podding.sync(ada)
    mirrors.revoke(ada.log, "phone")
    podding.sync(ada)
    collecting.me(phone, ["Mallory"])
    for one in (phone, tablet, ada):
        podding.sync(one)
    assert collecting.me(tablet, []).names == collecting.me(ada, []).names == ("ada quill",)
    assert tablet.log.head.root == ada.log.head.root
    with pytest.raises(VaultError, match="revoked"):
        collecting.me(phone, ["Again"])


def test_three_devices_end_with_the_same_whatever_the_order(ada, fake, linked, tmp_path, devices):
    say(ada, Effect.ALLOW, *EVERYTHING)
    podding.sync(ada)
    twins = [ada]
    for name in ("phone", "tablet"):
        restored(tmp_path, fake, linked, name)
        twins.append(devices(tmp_path / name))
    for number, twin in enumerate(twins):
        say(twin, Effect.ALLOW, "document", source=f"source-{number}")
    for twin in (*reversed(twins), *twins, *twins):
        podding.sync(twin)
    roots = {twin.log.head.root for twin in twins}
    assert len(roots) == 1
    assert items(twins[1]) == items(twins[2]) == items(ada)


def test_a_copy_of_a_device_that_writes_too_is_refused(ada, home, tmp_path, devices):
    podding.sync(ada)
    shutil.copytree(home, tmp_path / "copy")
    say(ada, Effect.ALLOW, "message")
    podding.sync(ada)
    copy = devices(tmp_path / "copy")
    say(copy, Effect.ALLOW, "document")
    with pytest.raises(RolledBack):
        podding.sync(copy)


def learned(twin):
    """Let a model be on the record that learned from all rows there are."""
    say(twin, Effect.ALLOW, *EVERYTHING, purpose=Purpose.TRAIN)
    twin.catch_up()
    rows = twin.rows()
    record(twin.models, "twin-1", rows)
    twin.models.write("state-0000", b"weights")
    made = replace(
        manifest("twin-1", len(rows)), slices=(SliceState(name="", state="0000", rows=1),)
    )
    twin.vault.record(ModelTrained(manifest=made, signature=b""))
    twin.catch_up()


def test_a_device_without_the_items_suspends_no_model_that_learned_from_them(
    ada, fake, linked, tmp_path, devices
):
    learned(ada)
    assert podding.sync(ada).written.parcels == 0, "it learned from what stays at home"
    restored(tmp_path, fake, linked)
    phone = devices(tmp_path / "phone")
    for twin in (phone, ada, phone, ada):
        podding.sync(twin)
    assert phone.suspend_tainted("looked at") == ()
    assert not phone.views.lineage.usable("twin-1", phone.now)
    assert ada.views.lineage.usable("twin-1", ada.now)
    assert ada.views.lineage.model("twin-1").status == "trained"


def test_a_model_goes_with_the_items_that_it_learned_from_and_leaves_with_them(
    ada, fake, linked, tmp_path, devices
):
    learned(ada)
    ada.models.write(report.name_of("twin-1"), b"evaluated with what it never learned from")
    say(ada, Effect.ALLOW, *EVERYTHING)
    assert podding.sync(ada).written.parcels == 2, "weights and rows: no evaluation"
    restored(tmp_path, fake, linked)
    phone = devices(tmp_path / "phone")
    assert phone.views.lineage.usable("twin-1", phone.now)
    say(ada, Effect.DENY, "message", conversation="Priya Nair")
    podding.sync(ada)
    assert not any("/parcel-" in path for path in fake.files)
    for twin in (phone, ada):
        podding.sync(twin)
    assert ada.views.lineage.usable("twin-1", ada.now)


# Following.


def test_following_tells_what_happened_and_is_patient_with_a_pod_that_is_gone(ada, fake):
    say(ada, Effect.ALLOW, "message")
    told, stop = [], SimpleNamespace(done=False)
    stop.is_set = lambda: stop.done
    stop.wait = lambda _: None
    ada.network = FakePod("http://localhost:9/")

    def hear(one):
        told.append(one)
        if one.what != "synced":
            ada.network = fake
        stop.done = one.what == "synced"

    pacing.follow(ada, hear, stop)
    assert [one.what for one in told] in (["away", "synced"], ["refused", "synced"])
    assert told[0].again_in > 0
    assert "entries came" in told[1].text
