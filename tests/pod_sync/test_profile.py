"""Whose pod it is, found from any one address, and never through somebody else's say-so."""

import json
import socket

import httpx2
import pytest

from pod_sync.errors import PodForeign, PodRefused, PodUnreachable
from pod_sync.profile import Profile, address, find
from pod_sync.session import Access
from tests.pod_sync.fake import FakePod
from vault.errors import UsageError

WEBID = "https://ada.example/card#me"
CARD = """\
@prefix solid: <http://www.w3.org/ns/solid/terms#>. @prefix pim: <http://www.w3.org/ns/pim/space#>.
<#me> solid:oidcIssuer <https://id.example/>; pim:storage <https://pod.example/ada/>.
"""
STORAGE = '<http://www.w3.org/ns/pim/space#Storage>; rel="type"'


class Web(dict):
    """Documents by address; whatever else is asked is not there."""

    def __init__(self, **hosts: str) -> None:
        super().__init__(
            {"https://ada.example/card": CARD, "https://pod.example/ada/": 401} | hosts
        )
        self.asked: list[str] = []

    def find(self, typed: str, **more: str) -> Profile:
        return find(typed, transport=httpx2.MockTransport(self.answer), **more)

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(str(request.url))
        assert "Authorization" not in request.headers
        there = self.get(str(request.url), 404)
        if isinstance(there, httpx2.Response):
            return there
        if isinstance(there, int):
            return httpx2.Response(there)
        return turtle(there)


def turtle(text: str, *links: str) -> httpx2.Response:
    headers = [("Content-Type", "text/turtle; charset=utf-8"), *(("Link", link) for link in links)]
    return httpx2.Response(200, headers=headers, content=text.encode())


def redirect(to: str) -> httpx2.Response:
    return httpx2.Response(302, headers={"Location": to})


FOUND = Profile(WEBID, "https://id.example/", "https://pod.example/ada/")


@pytest.mark.parametrize("typed", [WEBID, "https://ada.example/card", " ada.example/card "])
def test_a_webid_leads_to_issuer_and_storage(typed):
    assert Web().find(typed) == FOUND


def test_a_pod_leads_to_the_profile_that_lies_in_it():
    card = CARD.replace("<https://pod.example/ada/>", "<../>")
    web = Web(**{"https://pod.example/ada/profile/card": card})
    assert web.find("https://pod.example/ada/").webid == "https://pod.example/ada/profile/card#me"


def test_a_pod_leads_to_the_owner_whom_its_server_names():
    link = f'<{WEBID}>; rel="http://www.w3.org/ns/solid/terms#owner"'
    web = Web(**{"https://pod.example/ada/": turtle("", link)})
    assert web.find("https://pod.example/ada/") == FOUND


def test_an_owner_may_say_her_webid_beside_her_pod():
    card = CARD.replace("; pim:storage <https://pod.example/ada/>", "")
    web = Web(
        **{
            "https://ada.example/card": card,
            "https://ada.example/": 404,
            "https://pod.example/ada/x/": 401,
            "https://pod.example/ada/": turtle("", STORAGE),
        }
    )
    assert web.find("https://pod.example/ada/x/", webid=WEBID) == FOUND


def test_a_storage_is_found_by_its_description():
    link = '</about>; rel="http://www.w3.org/ns/solid/terms#storageDescription"'
    card = CARD.replace("; pim:storage <https://pod.example/ada/>", "")
    about = "<https://ada.example/> a <http://www.w3.org/ns/pim/space#Storage>."
    web = Web(
        **{"https://ada.example/card": turtle(card, link), "https://ada.example/about": about}
    )
    assert web.find(WEBID).storage == "https://ada.example/"


def test_a_storage_is_found_by_climbing():
    card = CARD.replace("; pim:storage <https://pod.example/ada/>", "").replace("#me", "#i")
    web = Web(
        **{
            "https://pod.example/a/profile/card": card,
            "https://pod.example/a/profile/": 401,
            "https://pod.example/a/": turtle("", STORAGE),
        }
    )
    assert web.find("https://pod.example/a/profile/card#i").storage == "https://pod.example/a/"


def test_json_ld_is_read_with_its_own_context_alone():
    said = {
        "@context": {"solid": "http://www.w3.org/ns/solid/terms#"},
        "@id": WEBID,
        "solid:oidcIssuer": {"@id": "https://id.example/"},
        "http://www.w3.org/ns/pim/space#storage": {"@id": "https://pod.example/ada/"},
    }

    def document(text: dict) -> httpx2.Response:
        headers = {"Content-Type": "application/ld+json"}
        return httpx2.Response(200, headers=headers, content=json.dumps(text).encode())

    assert Web(**{"https://ada.example/card": document(said)}).find(WEBID) == FOUND
    inner = {"@context": {"x": {"@id": "urn:x", "@context": "https://evil.example/"}}}
    for context in (
        {"@context": "https://evil.example/context"},
        {"@context": [{}, "https://evil.example/context"]},
        {"@context": {"@import": "https://evil.example/context"}},
        {"x": [{"@context": "file:///etc/passwd"}]},
        inner,
    ):
        web = Web(**{"https://ada.example/card": document(said | context)})
        with pytest.raises(PodRefused, match=r"context lies elsewhere"):
            web.find(WEBID)


def test_an_issuer_that_is_no_address_is_refused():
    web = Web(**{"https://ada.example/card": CARD.replace("https://id.example/", "https://[/")})
    with pytest.raises(PodRefused, match=r"no address"):
        web.find(WEBID)


def test_several_of_a_kind_are_asked_about():
    more = (
        CARD + "<#me> solid:oidcIssuer <https://other.example>; pim:storage <https://b.example/>."
    )
    web = Web(**{"https://ada.example/card": more, "https://pod.example/ada/x/profile/card": more})
    with pytest.raises(PodRefused, match=r"no single pod .*b\.example.*pod.example"):
        web.find(WEBID)
    more = more.replace("pim:storage <https://b.example/>", "a <#Person>")
    web = Web(**{"https://ada.example/card": more})
    with pytest.raises(PodRefused, match=r"identity providers: .*; say which"):
        web.find(WEBID)
    assert web.find(WEBID, issuer="https://other.example/").issuer == "https://other.example"
    with pytest.raises(PodRefused, match=r"identity providers"):
        web.find(WEBID, issuer="https://evil.example/")


@pytest.mark.parametrize(
    "card",
    [
        "",
        "<html>",
        CARD.replace("<#me>", "<https://ada.example/other#me>"),
        CARD + CARD.replace("<#me>", "<#i>"),
    ],
    ids=["empty", "no Turtle", "hearsay", "two people"],
)
def test_a_document_that_vouches_for_nobody_is_no_profile(card):
    with pytest.raises(PodRefused):
        Web(**{"https://ada.example/card": card}).find("https://ada.example/card")


@pytest.mark.parametrize(
    "storage", ["https://pod.example/ada", "https://pod.example/?a/", "urn:x/", "https://[/"]
)
def test_a_storage_that_is_no_container_is_refused(storage):
    card = CARD.replace("https://pod.example/ada/", storage)
    with pytest.raises((PodRefused, PodForeign)):
        Web(**{"https://ada.example/card": card}).find(WEBID)


# Where the vault is not led.


def test_a_webid_that_redirects_elsewhere_is_refused():
    web = Web(**{"https://ada.example/card": redirect("https://evil.example/card")})
    with pytest.raises(
        PodForeign, match=r"redirects to https://evil\.example, which is not followed"
    ):
        web.find(WEBID)
    assert web.asked == ["https://ada.example/card"]


def test_what_redirects_on_its_own_server_is_followed_for_a_while():
    web = Web(**{"https://ada.example/": redirect("/card")})
    assert web.find("https://ada.example/") == FOUND
    web = Web(**{"https://ada.example/": redirect("/")})
    with pytest.raises(PodRefused, match=r"circle"):
        web.find("https://ada.example/")


@pytest.mark.parametrize("what", ["storage", "owner"])
def test_what_is_named_without_encryption_is_refused(what):
    card = CARD.replace("https://pod.example/", "http://10.0.0.1/")
    owner = '<http://192.168.1.1/card#me>; rel="http://www.w3.org/ns/solid/terms#owner"'
    web = Web(**{"https://ada.example/card": card, "https://pod.example/": turtle("", owner)})
    with pytest.raises(PodForeign, match=r"without encryption"):
        web.find(WEBID if what == "storage" else "https://pod.example/")


@pytest.mark.parametrize(
    "private",
    ["10.0.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "::1", "fe80::1%1", "fc00::1", "::ffff:10.0.0.1"],
)  # fmt: skip
def test_a_webid_that_lies_in_a_private_network_is_refused(private, monkeypatch):
    """Names resolve as the host likes; what counts is who answers on the connection."""

    class Peer(socket.socket):
        def getpeername(self):
            return (private, 443)

    def connected(*_: object, **__: object) -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.close()
        return Peer(ours.family, ours.type, fileno=ours.detach())

    monkeypatch.setattr(Peer, "setsockopt", lambda *_: None, raising=False)
    monkeypatch.setattr(socket, "create_connection", connected)
    link = f'<{WEBID}>; rel="http://www.w3.org/ns/solid/terms#owner"'
    network = httpx2.HTTPTransport()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "pod.example":
            return turtle("", link)
        return network.handle_request(request)

    with network, pytest.raises(PodForeign, match=r"private network"):
        find("https://pod.example/ada/", transport=httpx2.MockTransport(answer))


# What the owner types.


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "  ",
        "ftp://pod.example/",
        "https://",
        "https://a:b@c/",
        "/x",
        "https://[/",
        "pod example",
    ],
)
def test_what_is_no_address_is_a_mistake_of_use(typed):
    with pytest.raises(UsageError, match=r"no address of a pod"):
        address(typed)


def test_a_server_that_is_no_pod_is_told():
    with pytest.raises(
        PodRefused, match=r"No pod is found at https://pod\.example/; give the WebID"
    ):
        Web(**{"https://pod.example/": httpx2.Response(200, html="<p>Hello")}).find("pod.example/")
    with pytest.raises(PodUnreachable):
        Web(**{"https://pod.example/": 503}).find("https://pod.example/")


def test_a_pod_on_this_computer_may_be_found_where_the_owner_typed_it(
    fake: FakePod, fake_access: Access
):
    found = find(fake_access.url, transport=fake)
    assert found == (fake_access.webid, fake_access.issuer, fake_access.url)


@pytest.mark.pod
def test_a_pod_on_a_real_server_is_found(pod: Access):
    for typed in (pod.url, pod.webid):
        assert find(typed) == (pod.webid, pod.issuer, pod.url)
