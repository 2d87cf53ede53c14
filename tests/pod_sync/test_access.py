"""The mirror is its owner's alone, and she is never locked out of it."""

from collections.abc import Iterator
from dataclasses import replace

import httpx2
import pytest
import rdflib

from pod_sync.access import Form, document, enclose
from pod_sync.errors import PodError, PodRefused
from pod_sync.oidc import SolidOIDC
from pod_sync.session import Access, Session
from tests.pod_sync.fake import FakePod
from tests.pod_sync.pods import new_pod, shared
from tests.pod_sync.server import INSTALLED, Server
from vault.errors import UsageError

ADA, BOB = "https://ada.example/card#me", "https://bob.example/card#me"
ACL = rdflib.Namespace("http://www.w3.org/ns/auth/acl#")
ACP = rdflib.Namespace("http://www.w3.org/ns/solid/acp#")
HERE = "https://pod.example/ada/twinvault/"


def graph(form: Form) -> rdflib.Graph:
    text = document(form, ADA)
    return rdflib.Graph().parse(data=text, format="turtle", publicID=f"{HERE}.{form}")


@pytest.fixture
def session(fake: FakePod, fake_access: Access) -> Iterator[Session]:
    with Session(fake_access, transport=fake, clock=fake.clock) as session:
        yield session


# What is written.


def test_nobody_but_the_owner_is_named():
    for form in Form:
        named = [str(node) for node in graph(form).objects() if "example/card" in str(node)]
        assert set(named) == {ADA}
        assert not any(
            str(node).endswith(("Agent", "AuthenticatedAgent")) for node in graph(form).objects()
        )


def test_the_container_and_all_below_it_are_covered():
    wac, acp = graph(Form.WAC), graph(Form.ACP)
    for word in (ACL.accessTo, ACL.default):
        assert list(wac.objects(predicate=word)) == [rdflib.URIRef(HERE)]
    for word in (ACP.accessControl, ACP.memberAccessControl):
        assert len(list(acp.objects(predicate=word))) == 1


def test_what_is_no_webid_is_refused():
    for name in ("bob", "https://b.example/>. <#x> a <y", "https://b.example/\n", "urn:bob"):
        with pytest.raises(UsageError, match=r"no WebID"):
            document(Form.ACP, name)


# What comes of it.


def test_the_mirror_is_closed_before_anything_is_in_it(session, fake, fake_access):
    enclose(session, "twinvault/")
    assert session.rights("twinvault/") == {
        "user": frozenset({"read", "write", "append", "control"})
    }
    assert session.listing("twinvault/") == ()
    session.put("twinvault/a.bin", b"a", "application/octet-stream")
    with httpx2.Client(transport=fake) as nobody:
        assert nobody.get(f"{fake_access.url}twinvault/a.bin").status_code == 401


def test_a_mirror_that_was_opened_is_closed_again(session):
    session.put("twinvault/a.bin", b"a", "application/octet-stream")
    opened = document(Form.WAC, session.webid) + (
        b"<#p> a acl:Authorization; acl:agentClass <http://xmlns.com/foaf/0.1/Agent>;"
        b" acl:accessTo <./>; acl:default <./>; acl:mode acl:Read."
    )
    session.put("twinvault/.acl", opened, "text/turtle")
    assert session.rights("twinvault/")["public"]
    enclose(session, "twinvault/")
    assert not session.rights("twinvault/").get("public")


def test_another_ones_webid_locks_nobody_out(fake, fake_access, monkeypatch):
    monkeypatch.setattr(SolidOIDC, "webid", fake_access.webid)  # as in a token that is open
    wrong = replace(fake_access, webid=BOB)
    with (
        Session(wrong, transport=fake, clock=fake.clock) as session,
        pytest.raises(PodRefused, match=r"are those of"),
    ):
        enclose(session, "twinvault/")
    assert not any("twinvault" in path for path in fake.files)


def meddling(fake: FakePod, path: str, rights: str) -> httpx2.MockTransport:
    """A server that takes access documents and then does what it likes."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        said = fake.handle_request(request)
        if request.url.path.endswith(path) and f"{fake.path(path)}.acl" in fake.files:
            said.headers["WAC-Allow"] = rights
        return said

    return httpx2.MockTransport(answer)


def test_a_server_that_leaves_it_open_is_told(fake, fake_access):
    path = httpx2.URL(f"{fake_access.url}twinvault/").path
    open_ = meddling(fake, path, 'user="read write append control", public="read"')
    with (
        Session(fake_access, transport=open_, clock=fake.clock) as session,
        pytest.raises(PodRefused, match=r"open to all"),
    ):
        enclose(session, "twinvault/")


def test_a_document_that_locks_the_owner_out_is_taken_back(fake, fake_access):
    path = httpx2.URL(f"{fake_access.url}twinvault/").path
    with (
        Session(
            fake_access, transport=meddling(fake, path, 'user="read"'), clock=fake.clock
        ) as session,
        pytest.raises(PodRefused, match=r"taken back"),
    ):
        enclose(session, "twinvault/")
    assert f"{path}.acl" not in fake.files


@pytest.mark.parametrize("answers", [200, 503])
def test_what_nobody_in_particular_may_see_is_tried_where_it_is_not_said(
    fake, fake_access, answers
):
    """As on servers with Access Control Policies, which send no `WAC-Allow`."""

    def silent(request: httpx2.Request) -> httpx2.Response:
        if "Authorization" not in request.headers and request.url.path.endswith("/twinvault/"):
            return httpx2.Response(answers)
        answer = fake.handle_request(request)
        answer.headers.pop("WAC-Allow", None)
        return answer

    with Session(fake_access, transport=httpx2.MockTransport(silent), clock=fake.clock) as session:
        session.assert_owner()
        with pytest.raises(PodError, match=r"open to all" if answers == 200 else r"503"):
            enclose(session, "twinvault/")


def test_a_server_without_access_control_is_told(fake, fake_access):
    def bare(request: httpx2.Request) -> httpx2.Response:
        answer = fake.handle_request(request)
        answer.headers.pop("Link", None)
        return answer

    with (
        Session(fake_access, transport=httpx2.MockTransport(bare), clock=fake.clock) as session,
        pytest.raises(PodRefused, match=r"who may read"),
    ):
        enclose(session, "twinvault/")


# Real servers, one for each language.


@pytest.fixture(scope="module")
def acp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not INSTALLED.is_dir():
        pytest.skip("no Solid server is installed: deploy/solid")
    with Server(tmp_path_factory.mktemp("acp"), "@css:config/file-acp.json") as server:
        yield server.url


def closed_on(url: str) -> None:
    ada, bob = new_pod(url), new_pod(url)
    with (
        Session(ada) as session,
        Session(bob) as stranger,
        httpx2.Client(trust_env=False) as nobody,
    ):
        enclose(session, "twinvault/")
        enclose(session, "twinvault/")
        session.put("twinvault/consent/a.ttl", b"<> a <#A>.", "text/turtle")
        there = f"{ada.url}twinvault/consent/a.ttl"
        assert nobody.get(there).status_code == 401
        assert stranger._client.get(there).status_code == 403
        assert session.rights("twinvault/")["user"] >= {"read", "write", "control"}
        assert session.get("twinvault/consent/a.ttl").body == b"<> a <#A>."
        rules = next(str(url) for rel, url in session.links("twinvault/consent/") if rel == "acl")
        form = Form.ACP if rules.endswith(".acr") else Form.WAC
        session.put(rules, shared(form, ada.webid, bob.webid), "text/turtle")
        edited = stranger._client.put(
            there, content=b"<> a <#B>.", headers={"Content-Type": "text/turtle"}
        )
        assert edited.is_success
        assert stranger._client.get(f"{ada.url}twinvault/").status_code == 403
        assert stranger._client.get(rules).status_code == 403


@pytest.mark.pod
def test_a_real_server_with_wac_closes_it(solid: str):
    closed_on(solid)


@pytest.mark.pod
@pytest.mark.slow
def test_a_real_server_with_acp_closes_it(acp_server: str):
    closed_on(acp_server)
