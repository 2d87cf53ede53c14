"""An account on a fresh server: made once, used ever after, its secrets told to nobody else."""

import json
import secrets
from dataclasses import replace

import httpx2
import pytest

from pod_sync.account import open_pod, revoke
from pod_sync.errors import PodForeign, PodRefused, PodUnreachable
from pod_sync.session import Access, Patience, Session
from tests.pod_sync.fake import FakePod
from vault.errors import UsageError

ADA = {"email": "ada@mail.example", "password": "correct horse"}


def opened(fake: FakePod, **changed: str) -> Access:
    asked = {**ADA, "pod": "ada", "label": "twinvault-1a2b"} | changed
    return open_pod(fake.url, **asked, transport=fake)


def known(fake: FakePod, access: Access) -> None:
    with Session(access, transport=fake, clock=fake.clock) as session:
        session.assert_owner()


def test_an_account_and_a_pod_are_made(fake):
    access = opened(fake)
    assert access.url == f"{fake.url}ada/"
    assert access.issuer == fake.url
    assert access.client_id.startswith("twinvault-1a2b_")
    known(fake, access)


def test_what_is_there_is_used_and_other_credentials_stay(fake):
    first, other, second = opened(fake), opened(fake, label="twinvault-3c4d"), opened(fake)
    assert replace(first, client_id="", secret="") == replace(second, client_id="", secret="")
    assert len(fake.accounts.accounts) == 1
    for access in (first, other, second):
        known(fake, access)


def test_an_account_may_have_several_pods(fake):
    assert opened(fake, pod="work").webid != opened(fake).webid
    assert len(fake.accounts.accounts) == 1


@pytest.mark.parametrize("name", ["", "Ada", "a/b", "..", "ada ", "-", "a" * 64])
def test_a_name_that_is_no_part_of_an_address_is_refused(fake, name):
    with pytest.raises(UsageError, match=r"a-z, 0-9"):
        opened(fake, pod=name)
    assert not fake.accounts.accounts


def test_a_wrong_password_is_told(fake):
    opened(fake)
    with pytest.raises(PodRefused, match=r"another password"):
        opened(fake, password="wrong")
    with pytest.raises(PodRefused, match=r"another password"):
        revoke(
            fake.url, email=ADA["email"], password="wrong", client_id="x", kept="", transport=fake
        )  # fmt: skip


def test_credentials_are_taken_back(fake):
    left, kept = opened(fake), opened(fake)
    used, other = opened(fake, label="twinvault-3c4d"), opened(fake, label="twinvault-5e6f")
    change = {**ADA, "client_id": used.client_id, "kept": kept.client_id, "transport": fake}
    assert revoke(fake.url, **change)
    assert not revoke(fake.url, **change)
    assert not revoke(fake.url, **change | {"client_id": kept.client_id})
    for access in (kept, other):
        known(fake, access)
    for access in (left, used):
        with pytest.raises(PodRefused, match=r"make new ones"):
            known(fake, access)


def test_a_server_that_makes_no_accounts_is_told():
    none = httpx2.MockTransport(lambda _: httpx2.Response(404, html="<p>Hello"))
    with pytest.raises(PodRefused, match=r"link with the WebID"):
        open_pod("https://pod.example/", **ADA, pod="ada", label="l", transport=none)


def test_a_password_is_sent_to_the_typed_server_alone():
    controls = {"password": {"login": "https://evil.example/"}, "account": {"create": ""}}
    asked = []

    def sly(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        return httpx2.Response(200, json={"controls": controls})

    with pytest.raises(PodForeign, match=r"calls itself https://evil\.example"):
        open_pod(
            "https://pod.example/", **ADA, pod="ada", label="l",
            transport=httpx2.MockTransport(sly),
        )  # fmt: skip
    assert set(asked) == {"pod.example"}


def test_a_pod_that_is_made_elsewhere_is_not_asked_as_if_the_owner_had_typed_it(fake):
    def sly(request: httpx2.Request) -> httpx2.Response:
        answer = fake.handle_request(request)
        if request.method == "POST" and request.url.path.endswith("/pod/"):
            return httpx2.Response(200, json={"pod": "http://192.168.1.1/ada/"})
        return answer

    with pytest.raises(PodForeign, match=r"makes pods at http://192\.168\.1\.1"):
        open_pod(fake.url, **ADA, pod="ada", label="l", transport=httpx2.MockTransport(sly))


def test_nobody_answers():
    with pytest.raises(PodUnreachable, match=r"Nothing answers"):
        open_pod("http://127.0.0.1:1/", **ADA, pod="ada", label="l")


def test_a_server_that_answers_otherwise_is_told(fake):
    def other(request: httpx2.Request) -> httpx2.Response:
        answer = fake.handle_request(request)
        if request.url.path.endswith("/client-credentials/"):
            return httpx2.Response(200, content=json.dumps({"clientCredentials": [1]}).encode())
        return answer

    with pytest.raises(PodRefused, match=r"answers otherwise"):
        open_pod(
            fake.url, **ADA, pod="ada", label="l", transport=httpx2.MockTransport(other)
        )  # fmt: skip


@pytest.mark.pod
def test_a_real_server_makes_uses_replaces_and_takes_back(solid: str):
    name = f"ada{secrets.token_hex(4)}"
    ada = {"email": f"{name}@mail.example", "password": "correct horse"}
    first = open_pod(solid, **ada, pod=name, label="twinvault-1a2b")
    second = open_pod(solid, **ada, pod=name, label="twinvault-1a2b")
    assert (first.url, first.webid) == (second.url, second.webid)
    patience = Patience(sleep=lambda _: None)
    for access in (first, second):
        with Session(access) as session:
            session.assert_owner()
    assert revoke(solid, **ada, client_id="", kept=second.client_id) is False
    with Session(first, patience=patience) as session, pytest.raises(PodRefused, match=r"make new"):
        session.assert_owner()
    with pytest.raises(PodRefused, match=r"another password"):
        open_pod(solid, **ada | {"password": "wrong"}, pod=name, label="l")
    with pytest.raises(PodRefused, match=r"somebody else"):
        open_pod(solid, email=f"b{name}@mail.example", password="p", pod=name, label="l")
    assert revoke(solid, **ada, client_id=second.client_id, kept="")
    with (
        Session(second, patience=patience) as session,
        pytest.raises(PodRefused, match=r"make new"),
    ):
        session.assert_owner()
