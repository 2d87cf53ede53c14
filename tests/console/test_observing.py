"""Consent edited in the pod by somebody else, heard by the vault: on a fake pod, views and all."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from console import bootstrap
from console.use import answering, consenting
from console.use.observing import FOLDER, Documents
from pod_sync.consent import marked
from pod_sync.errors import PodRefused, PodUnreachable
from pod_sync.graph import EVERYTHING, Said, documents
from pod_sync.opaque import Ciphers, words_of
from pod_sync.receipts import device_name
from pod_sync.session import Session
from tests.helpers import PASSPHRASE
from tests.pod_sync.another_tool import check
from tests.pod_sync.fake import FakePod
from tests.pod_sync.pods import new_pod
from vault.consent import Effect, Filters, Pause, Profile, Purpose, Statement, Subject
from vault.errors import NotFound
from vault.events import ConsentGiven, ConsentObserved, UsePaused
from vault.log.passphrase import Stretch

MARK = re.compile(rb'\n<> <[^>]+> "twinvault:1:[^"]+" \.\n')
NAME = "message"
PATH = f"{FOLDER}{NAME}.ttl"


class Pod:
    """A vault, its documents in a pod, and another application that may edit them."""

    def __init__(self, home):
        bootstrap.create(home, PASSPHRASE)
        self.home = home
        self.fake = FakePod()
        self.access = new_pod(self.fake.url, self.fake)
        self.app = Session(self.access, transport=self.fake)
        self.open()

    def open(self):
        self.twin = bootstrap.open_(self.home, PASSPHRASE)
        self.documents = Documents(self.twin, self.app, self.access.webid)

    def close(self):
        self.twin.close()
        self.app.close()

    def say(self, effect, type_="message", purpose=Purpose.TRAIN, **more):
        return consenting.say(
            self.twin,
            Effect(effect),
            type_,
            purpose,
            filters=Filters(**{k: more.pop(k) for k in list(more) if k in ("person", "source")}),
            redact=more.get("redact", Profile.BALANCED),
            expires=more.get("expires"),
            recipient=more.get("recipient", ""),
        ).statement

    def body(self, path=PATH):
        return self.app.get(path).body

    def edit(self, *words, type_=NAME, mark=True):
        """Write a document as an application would that left the mark where it was."""
        path = f"{FOLDER}{type_}.ttl"
        ciphers = Ciphers(self.twin.documents_key, list(words_of(words)))
        said = [Said(words=one, at=self.twin.vault.now()) for one in words]
        written = documents(said, self.access.webid, ciphers)[type_]
        if mark:
            written += MARK.search(self.body(path))[0]
        self.app.put(path, written, "text/turtle")

    def agree(self, *hints):
        return self.documents.agree(hints)

    @property
    def standing(self):
        return {(s.effect, s.type, s.purpose) for s in consenting.show(self.twin).statements}

    def waiting(self):
        return [one.statement for one in answering.inbox(self.twin).waiting]


WIDE = Statement(id="w1", effect=Effect.ALLOW, type="message", purpose=Purpose.TRAIN)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setitem(Stretch.__init__.__kwdefaults__, "memory", 64)
    monkeypatch.setitem(Stretch.__init__.__kwdefaults__, "passes", 1)
    monkeypatch.setitem(Stretch.__init__.__kwdefaults__, "lanes", 1)


@pytest.fixture
def pod(tmp_path):
    one = Pod(tmp_path / "home")
    yield one
    one.close()


def test_what_is_said_is_written_once_and_then_one_request_tells_that_nothing_changed(pod):
    pod.say("allow")
    assert pod.agree().written == 1
    pod.agree()
    pod.fake.requests.clear()
    assert pod.agree().written == 0
    assert [method for method, _ in pod.fake.requests] == ["GET"]


def test_an_edit_that_forbids_is_a_signed_event_and_the_pod_says_so(pod):
    given = pod.say("allow")
    search = pod.say("allow", purpose=Purpose.SEARCH)
    pod.agree()
    pod.edit(search)
    done = pod.agree(PATH)
    assert [s.effect for s in done.tightened] == [Effect.DENY]
    events = [e.event for page in pod.twin.log.pages() for e in page.entries]
    (seen,) = [e for e in events if isinstance(e, ConsentObserved)]
    assert (seen.document, len(seen.digest)) == (PATH, 32)
    assert pod.standing == {
        (Effect.ALLOW, "message", Purpose.SEARCH),
        (Effect.DENY, "message", Purpose.TRAIN),
    }
    assert given.id.encode() not in pod.body()
    assert seen.statement.id.encode() in pod.body()


def test_an_edit_that_allows_waits_and_the_pod_does_not_say_it(pod):
    given = pod.say("allow")
    pod.agree()
    asked = replace(WIDE, id="x", purpose=Purpose.SEARCH)
    pod.edit(given, asked)
    assert [s.purpose for s in pod.agree(PATH).loosened] == [Purpose.SEARCH]
    assert pod.standing == {(Effect.ALLOW, "message", Purpose.TRAIN)}
    assert b"v:Search" not in pod.body()
    pod.edit(given, asked)
    assert pod.agree(PATH).loosened == [], "it waits already"
    assert len(pod.waiting()) == 1


def test_what_waits_becomes_the_owners_word_or_is_refused(pod):
    given = pod.say("allow")
    pod.agree()
    search = replace(WIDE, id="x", purpose=Purpose.SEARCH)
    mirror = replace(WIDE, id="y", purpose=Purpose.MIRROR)
    pod.edit(given, search, mirror)
    pod.agree()
    ids = {s.purpose: s.id for s in pod.waiting()}
    accepted = answering.accept(pod.twin, ids[Purpose.SEARCH][:8])
    assert accepted.statement.purpose is Purpose.SEARCH
    assert answering.refuse(pod.twin, ids[Purpose.MIRROR]).stands is None
    assert pod.standing == {
        (Effect.ALLOW, "message", Purpose.TRAIN),
        (Effect.ALLOW, "message", Purpose.SEARCH),
    }
    assert pod.waiting() == []
    with pytest.raises(NotFound, match="twin consent inbox"):
        answering.accept(pod.twin, ids[Purpose.SEARCH])
    pod.agree()
    assert b"v:Search" in pod.body()


def test_a_prohibition_taken_out_waits_and_ends_where_the_owner_says_so(pod):
    given = pod.say("allow")
    pod.say("deny", person="bob@x.example")
    pod.agree()
    for answer, left in ((answering.refuse, 2), (answering.accept, 1)):
        pod.edit(given)
        pod.agree()
        (asked,) = pod.waiting()
        answer(pod.twin, asked.id)
        assert len(consenting.show(pod.twin).statements) == left
        assert pod.waiting() == []
        pod.agree()


def test_refusing_a_longer_permission_keeps_the_shorter_one(pod):
    ends = pod.twin.vault.now() + timedelta(days=9)
    given = pod.say("allow", expires=ends)
    pod.agree()
    pod.edit(replace(given, expires=None))
    pod.agree()
    (asked,) = pod.waiting()
    assert answering.refuse(pod.twin, asked.id).stands.expires == ends
    (standing,) = consenting.show(pod.twin).statements
    assert (standing.effect, standing.expires) == (Effect.ALLOW, ends)


APP = "https://a.example/"


@pytest.mark.parametrize(
    "said",
    [
        [("allow", "message.email", APP), ("deny", "message", "")],
        [("allow", "message", APP), ("deny", "message", "")],
    ],
    ids=["narrower", "same"],
)
def test_refusing_to_share_leaves_what_is_forbidden_to_everybody(pod, said):
    for effect, type_, recipient in said:
        last = pod.say(effect, type_, Purpose.SHARE, recipient=recipient)
    pod.agree()
    pod.edit(last, replace(WIDE, purpose=Purpose.SHARE, recipient=APP, redact=Profile.NONE))
    pod.agree()
    (asked,) = pod.waiting()
    answering.refuse(pod.twin, asked.id)
    mail = Subject(type="message.email.sent")
    permissions = pod.twin.views.permissions
    now = pod.twin.vault.now()
    assert not permissions.decide(mail, Purpose.SHARE, now, recipient=APP).permitted
    assert pod.waiting() == []


def test_an_old_document_of_the_vaults_own_changes_nothing_looser_or_tighter(pod):
    """A host may show what once stood there; the mark tells that nobody edited it."""
    pod.say("deny")
    pod.agree()
    tight = pod.body()
    pod.say("allow")
    pod.agree()
    loose = pod.body()
    pod.say("deny")
    pod.agree()
    now = pod.body()
    for old in (tight, loose):
        pod.app.put(PATH, old, "text/turtle")
        done = pod.agree(PATH)
        assert (done.tightened, done.loosened, done.written) == ([], [], 1)
        assert pod.body() == now


def test_a_document_without_the_mark_is_taken_for_an_edit_of_all(pod):
    given = pod.say("allow")
    pod.say("allow", purpose=Purpose.SEARCH)
    pod.agree()
    pod.edit(given, mark=False)
    assert [(s.effect, s.purpose) for s in pod.agree().tightened] == [(Effect.DENY, Purpose.SEARCH)]


def test_a_document_that_was_deleted_is_written_again_and_told(pod):
    pod.say("allow")
    pod.agree()
    pod.agree()
    pod.app.delete(PATH)
    done = pod.agree(FOLDER, PATH)
    assert (done.missing, done.tightened, done.written) == ([PATH], [], 1)
    assert pod.standing == {(Effect.ALLOW, "message", Purpose.TRAIN)}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<#a> <#b> ", "text/turtle"),
        (b"\xff\xfe\x00", "text/turtle"),
        (b"<> a <http://www.w3.org/ns/odrl/2/Privacy> .", "text/turtle"),
        (b"", "text/turtle"),
        (b"hello", "text/plain"),
        (b"<#a> <#b> <#c> .\n" * 90_000, "text/turtle"),
    ],
)
def test_a_document_that_cannot_be_read_changes_nothing_and_is_kept_once(pod, content, kind):
    pod.say("allow")
    pod.agree()
    before = pod.body()
    for _ in range(2):
        pod.fake.files[pod_path(pod)].body = content
        pod.fake.files[pod_path(pod)].media_type = kind
        pod.fake.files[pod_path(pod)].modified += 5000
        pod.agree()
        assert pod.body() == before
    (unread,) = answering.recalled(pod.twin.pod_files).unread
    assert unread.document == PATH
    if unread.digest:
        assert pod.twin.pod_files.read(answering.kept(unread.digest)) == content
    assert pod.standing == {(Effect.ALLOW, "message", Purpose.TRAIN)}


def pod_path(pod):
    return next(path for path in pod.fake.files if path.endswith("/message.ttl"))


@pytest.mark.parametrize("type_", ["message", "post"])
def test_a_document_that_can_be_read_again_or_is_gone_leaves_the_inbox(pod, type_):
    pod.say("allow")
    path = f"{FOLDER}{type_}.ttl"
    pod.app.put(path, b"this is no turtle", "text/turtle")
    pod.agree()
    (unread,) = answering.recalled(pod.twin.pod_files).unread
    if type_ == "post":
        pod.app.delete(path)
    pod.agree()
    assert answering.recalled(pod.twin.pod_files).unread == []
    assert pod.twin.pod_files.read(answering.kept(unread.digest)) is None


def test_what_the_pod_does_not_give_may_hold_an_edit_and_is_not_written_over(pod, monkeypatch):
    given = pod.say("allow")
    pod.agree()
    pod.edit(replace(given, effect=Effect.DENY))
    edit = pod.body()
    real = pod.app.get

    def get(path, **more):
        if path == PATH:
            raise PodRefused("It says no.")
        return real(path, **more)

    with monkeypatch.context() as patched:
        patched.setattr(pod.app, "get", get)
        assert pod.agree().written == 0
    assert pod.body() == edit
    assert [s.effect for s in pod.agree().tightened] == [Effect.DENY]


def test_an_edit_of_a_document_that_says_a_great_deal_is_heard(pod):
    allow = pod.say("allow")
    pauses = [Pause(id=f"{n:032x}", type=NAME, person=f"p{n}@x.example") for n in range(1300)]
    pod.twin.vault.record(*(UsePaused(pause=one) for one in pauses))
    pod.agree()
    assert len(pod.fake.files[pod_path(pod)].body) > 1 << 20
    pod.fake.files[pod_path(pod)].body += b"<#%b> a odrl:Prohibition .\n" % allow.id.encode()
    pod.fake.files[pod_path(pod)].modified += 5000
    done = pod.agree()
    assert [s.effect for s in done.tightened] == [Effect.DENY]
    assert (done.unread, done.written) == ([], 1)


def test_documents_of_no_data_type_are_left_alone(pod):
    pod.say("allow")
    for name in ("nonsense", "..%2Fx", "message.TTL"):
        pod.app.put(f"{FOLDER}{name}.ttl", b"<> <#b> <#c> .", "text/turtle")
    done = pod.agree()
    assert (done.unread, done.written) == ([], 1)
    assert pod.body(f"{FOLDER}nonsense.ttl")


def test_a_document_of_a_new_type_is_heard(pod):
    pod.agree()
    note = replace(WIDE, type="document.note", effect=Effect.DENY)
    pod.edit(note, type_="document.note", mark=False)
    assert pod.agree(FOLDER).tightened[0].type == "document.note"
    assert f"{FOLDER}document.note.ttl" in pod.documents.paths


def test_an_edit_made_while_the_vault_writes_is_heard_before_it_is_overwritten(pod):
    """The write says which state it replaces; it is refused, and the edit is read."""
    given = pod.say("allow")
    search = pod.say("allow", purpose=Purpose.SEARCH)
    pod.agree()
    pod.say("allow", purpose=Purpose.MIRROR)
    real = pod.app.put
    edits = [lambda: pod.edit(search)]

    def put(path, *rest, **more):
        if path == PATH and edits:
            pod.app.put = real
            edits.pop()()
        return real(path, *rest, **more)

    pod.app.put = put
    done = pod.agree()
    assert [(s.effect, s.purpose) for s in done.tightened] == [(Effect.DENY, Purpose.TRAIN)]
    assert given.id.encode() not in pod.body()
    assert (Effect.ALLOW, "message", Purpose.MIRROR) in pod.standing


def test_an_application_that_flips_leaves_few_events(pod):
    given = pod.say("allow")
    pod.agree()
    for _ in range(6):
        pod.edit(replace(given, effect=Effect.DENY))
        pod.agree(PATH)
        pod.edit(given)
        pod.agree(PATH)
    events = [e.event for page in pod.twin.log.pages() for e in page.entries]
    assert len([e for e in events if isinstance(e, ConsentObserved)]) <= 3


def test_names_are_in_no_document(pod):
    pod.say("deny", person="Marguerite Marlow")
    pod.agree()
    assert b"arguerite" not in pod.body().lower()
    assert all(b"arlow" not in one.body.lower() for one in pod.fake.files.values())


def test_a_pause_begins_by_an_edit_and_ends_by_the_owner_alone(pod):
    pod.agree()
    pause = Pause(id="p1", source="phone")
    pod.edit(pause, type_=EVERYTHING, mark=False)
    assert [p.source for p in pod.agree(FOLDER).paused] == ["phone"]
    assert consenting.show(pod.twin).pauses
    assert b"phone" in pod.body(f"{FOLDER}{EVERYTHING}.ttl")
    consenting.resume(pod.twin, "", source="phone")
    done = pod.agree()
    assert consenting.show(pod.twin).pauses == ()
    assert done.paused == []
    assert not [path for path in pod.fake.files if path.endswith("everything.ttl")]


@pytest.mark.parametrize("mark", [True, False])
def test_a_pause_that_the_owner_ended_does_not_come_back_by_the_same_edit(pod, monkeypatch, mark):
    """It was heard and the pod went away before the vault wrote; the host may show it again."""
    allow = pod.say("allow")
    pod.agree()
    pod.edit(allow, Pause(id="theirs", type=NAME, source="mbox"), mark=mark)

    def away(*_, **__):
        raise PodUnreachable("It is away.")

    with monkeypatch.context() as patched:
        patched.setattr(pod.app, "put", away)
        with pytest.raises(PodUnreachable):
            pod.agree()
    edit = replace(pod.fake.files[pod_path(pod)])
    assert consenting.show(pod.twin).pauses
    consenting.resume(pod.twin, NAME, source="mbox")
    answering.remember(pod.twin.pod_files, answering.Known())
    for _ in range(2):
        assert pod.agree().paused == []
        pod.fake.files[pod_path(pod)] = edit
    assert consenting.show(pod.twin).pauses == ()


def test_a_document_whose_last_word_ends_while_it_is_written_is_left(pod, monkeypatch):
    ends = pod.twin.vault.now() + timedelta(hours=1)
    pod.say("allow", expires=ends)
    pod.agree()
    pod.say("deny", purpose=Purpose.COLLECT, expires=ends)
    real = pod.app.put

    def put(path, *rest, **more):
        if path == PATH and pod.twin.vault.now() < ends:
            pod.fake.files[pod_path(pod)].modified += 5000
            monkeypatch.setattr(type(pod.twin.vault), "clock", lambda _: ends)
        return real(path, *rest, **more)

    monkeypatch.setattr(pod.app, "put", put)
    assert pod.agree().written == 0
    assert not [path for path in pod.fake.files if path.endswith("/message.ttl")]


def test_what_another_device_said_and_wrote_is_neither_an_edit_nor_overwritten(pod):
    """Its document comes before its log: until that is taken, this device leaves it as it is."""
    pod.say("allow")
    pod.agree()
    pod.agree()
    mine = [one.words for one in pod.twin.views.permissions.told]
    theirs = replace(WIDE, id="f" * 32, purpose=Purpose.SEARCH)
    pod.edit(*mine, theirs, mark=False)
    body = marked(pod.body(), NAME, [*mine, theirs], pod.twin.documents_key)
    pod.app.put(PATH, body, "text/turtle")
    done = pod.agree(PATH)
    assert (done.loosened, done.written) == ([], 0)
    assert pod.body() == body
    pod.twin.vault.record(ConsentGiven(statement=theirs))
    assert pod.agree().written == 1
    assert len(pod.standing) == 2


@pytest.mark.parametrize("mark", [True, False])
def test_an_edit_that_was_heard_does_not_undo_what_the_owner_says_next(pod, mark):
    """The vault heard it and was cut off before it could write its own document again."""
    pod.say("allow")
    search = pod.say("allow", purpose=Purpose.SEARCH)
    pod.agree()
    pod.edit(search, mark=mark)
    edit = pod.fake.files[pod_path(pod)]
    kept = replace(edit)
    pod.agree()
    assert (Effect.DENY, "message", Purpose.TRAIN) in pod.standing
    pod.say("allow")
    pod.fake.files[pod_path(pod)] = kept
    done = pod.agree()
    assert (done.tightened, done.written) == ([], 1)
    assert (Effect.ALLOW, "message", Purpose.TRAIN) in pod.standing
    pod.edit(search, mark=False)
    assert [s.purpose for s in pod.agree().tightened] == [Purpose.TRAIN], "said anew it counts"


def test_every_statement_has_a_signed_receipt_in_the_pod_written_once(pod):
    said = [pod.say("allow"), pod.say("deny", "document")]
    pod.agree()
    for statement in said:
        document = check(pod.body(f"{FOLDER}receipts/{statement.id}.jsonld"))
        assert document["dct:identifier"] == statement.id
        assert document["dct:creator"] == device_name(pod.twin.log.public_key)
    pod.say("allow", "document.note")
    pod.agree()
    pod.agree()
    assert len(pod.app.listing(f"{FOLDER}receipts/")) == 3
    before = pod.app.traffic.requests
    pod.agree()
    assert pod.app.traffic.requests == before + 1


def test_the_receipt_of_an_edit_does_not_call_it_the_owners_word(pod):
    given = pod.say("allow")
    pod.agree()
    pod.edit(replace(given, effect=Effect.DENY))
    (heard,) = pod.agree().tightened
    for said, author in ((given, True), (heard, False)):
        paper = json.loads(pod.body(f"{FOLDER}receipts/{said.id}.jsonld"))
        [status] = paper["dpv:hasProcess"][0]["dpv:hasConsentStatus"]
        assert ("dpv:isIndicatedBy" in status) is author
