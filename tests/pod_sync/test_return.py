"""Consent edited in a pod on a real server by somebody else, while a model learns."""

import json
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from console.use import podding
from pod_sync.access import Form
from pod_sync.session import Session
from tests.helpers import PASSPHRASE
from tests.pod_sync.pods import new_pod, shared

PATH = "twinvault/consent/message.ttl"
SLOW = """
import time, pathlib
import console.bootstrap as b
real = b.Twin.still_permitted
seen = []
def slowly(self, rows):
    seen.append(1)
    pathlib.Path("asked").write_text(str(len(seen)))
    time.sleep(0.3)
    return real(self, rows)
b.Twin.still_permitted = slowly
from console.cli import main; main()
"""


@pytest.fixture
def linked(vault, pod):
    """A vault that is linked to a pod, whose consent it has written there."""
    by = podding.Credentials(
        webid=pod.webid, issuer=pod.issuer, client_id=pod.client_id, secret=pod.secret
    )
    podding.link(vault.home, PASSPHRASE, pod.url, by)
    vault.ok("consent", "allow", "message", "train")
    vault.ok("pod", "sync")
    return vault


@pytest.fixture
def stranger(solid, pod):
    """Another WebID, which may write consent, and nothing else in the pod."""
    other = new_pod(solid)
    with Session(pod) as owner:
        access = shared(Form.WAC, pod.webid, other.webid)
        owner.put("twinvault/consent/.acl", access, "text/turtle")
    with Session(replace(other, url=pod.url)) as session:
        yield session


def withdrawn(session):
    """Take the permission back, as another application would."""
    found = session.get(PATH, accept="text/turtle")
    body = found.body.replace(b"dpv:ConsentGiven", b"dpv:ConsentWithdrawn")
    assert body != found.body
    session.put(PATH, body, "text/turtle", etag=found.etag)


@pytest.mark.pod
def test_what_is_forbidden_in_the_pod_while_a_model_learns_is_not_learned(
    linked, stranger, many_chats, toy
):
    linked.ok("add", str(many_chats()), "--me", "Ada Quill")
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, "train", "--recipe", str(toy), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=linked.cwd,
        env=linked.environment(),
        text=True,
    ) as training:
        asked = linked.cwd / "asked"
        ends = time.monotonic() + 120
        while not (asked.exists() and int(asked.read_text() or 0) >= 3):
            assert training.poll() is None, training.communicate()
            assert time.monotonic() < ends
            time.sleep(0.05)
        withdrawn(stranger)
        out, err = training.communicate(timeout=300)
    assert training.returncode == 5, (out, err)
    assert json.loads(out)["error"]["code"]
    said = linked.ok("consent", "show")["statements"]
    assert [s["effect"] for s in said if s["purpose"] == "train"] == ["deny"], said
    assert linked.ok("models")["models"] == []


@pytest.mark.pod
def test_what_a_patch_changes_is_heard_though_the_server_writes_the_document_anew(linked, stranger):
    """CSS serialises anew whatever is patched: the mark and the meaning stay."""
    given = linked.ok("consent", "show")["statements"][0]["id"]
    rule = f"{stranger.url}{PATH}#{given}"
    dpv = "https://w3id.org/dpv#"
    patch = (
        "@prefix solid: <http://www.w3.org/ns/solid/terms#> .\n"
        "[] a solid:InsertDeletePatch ;\n"
        f"  solid:deletes {{ <{rule}> <{dpv}hasConsentStatus> <{dpv}ConsentGiven> . }} ;\n"
        f"  solid:inserts {{ <{rule}> <{dpv}hasConsentStatus> <{dpv}ConsentWithdrawn> . }} .\n"
    )
    answer = stranger._client.patch(
        stranger.url + PATH, content=patch.encode(), headers={"Content-Type": "text/n3"}
    )
    assert answer.is_success, answer.text
    linked.ok("pod", "sync")
    (denied,) = linked.ok("consent", "show")["statements"]
    assert denied["effect"] == "deny"
    assert linked.ok("consent", "inbox")["waiting"] == []
