"""Edits in the pod that are heard while something long goes on here."""

import threading
import time

import pytest

from console import bootstrap
from console.podkeeping import Way
from console.use import consenting, listening
from console.use.observing import FOLDER, Documents
from pod_sync import notices
from pod_sync.errors import PodRefused
from pod_sync.session import Session
from tests.helpers import PASSPHRASE
from tests.pod_sync.fake import FakePod
from tests.pod_sync.pods import new_pod
from vault.consent import Effect, Filters, Profile, Purpose
from vault.log.passphrase import Stretch

PATH = f"{FOLDER}message.ttl"


@pytest.fixture
def twin(tmp_path, monkeypatch):
    """A linked vault that allows something; its pod gives no notices."""
    monkeypatch.setitem(Stretch.__init__.__kwdefaults__, "memory", 64)
    monkeypatch.setitem(Stretch.__init__.__kwdefaults__, "passes", 1)
    monkeypatch.setattr(listening, "_AWAY", 0.05)
    monkeypatch.setattr(notices, "_service", no_notices)
    bootstrap.create(tmp_path / "home", PASSPHRASE)
    twin = bootstrap.open_(tmp_path / "home", PASSPHRASE)
    twin.network = FakePod()
    twin.pod.link(Way.of(new_pod(twin.network.url, twin.network)))
    consenting.say(
        twin, Effect.ALLOW, "message", Purpose.TRAIN, filters=Filters(),
        redact=Profile.BALANCED, expires=None, recipient="",
    )  # fmt: skip
    with Session(twin.pod.linked.access, transport=twin.network) as session:
        Documents(twin, session, twin.pod.linked.webid).agree()
    yield twin
    twin.close()


def no_notices(_):
    raise PodRefused("none")


def withdrawn(twin):
    """Take the permission back, as another application would."""
    with Session(twin.pod.linked.access, transport=twin.network) as session:
        found = session.get(PATH)
        body = found.body.replace(b"dpv:ConsentGiven", b"dpv:ConsentWithdrawn")
        assert body != found.body
        session.put(PATH, body, "text/turtle", etag=found.etag)


def is_heard(twin):
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        twin.catch_up()
        if any(s.effect is Effect.DENY for s in twin.views.permissions.statements):
            return True
        time.sleep(0.05)
    return False


def test_what_was_edited_before_is_heard_where_there_are_no_notices(twin):
    withdrawn(twin)
    with listening.listening(twin):
        assert is_heard(twin)


def test_whatever_goes_wrong_once_is_tried_again_in_silence(twin, monkeypatch):
    agree, failed = Documents.agree, []

    def once(self, hints=()):
        if not failed:
            failed.append(True)
            raise KeyError("message")
        return agree(self, hints)

    unseen = []
    monkeypatch.setattr(threading, "excepthook", unseen.append)
    monkeypatch.setattr(Documents, "agree", once)
    withdrawn(twin)
    with listening.listening(twin):
        assert is_heard(twin)
    assert failed
    assert not unseen
