"""What the product relies on a Solid server for: the fake one and the real one answer alike.

The Solid Protocol's requirements for servers served as a checklist of what matters to a
client; where a server is known to differ from them, what it does is written down here.
"""

import secrets
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx2
import pytest
from rdflib import RDF, Graph, Literal, Namespace, URIRef

from pod_sync.oidc import Credentials, SolidOIDC
from pod_sync.session import Access
from tests.pod_sync.fake import FakePod
from tests.pod_sync.pods import new_pod

BYTES = {"Content-Type": "application/octet-stream"}
JSON = {"Content-Type": "application/json"}
TURTLE = {"Content-Type": "text/turtle"}
LDP = Namespace("http://www.w3.org/ns/ldp#")
STAT = Namespace("http://www.w3.org/ns/posix/stat#")
MODIFIED = URIRef("http://purl.org/dc/terms/modified")
OWNER_ONLY = """\
@prefix acl: <http://www.w3.org/ns/auth/acl#>.
<#owner> a acl:Authorization; acl:agent <{owner}>; acl:accessTo <./>; acl:default <./>;
    acl:mode acl:Read, acl:Write, acl:Control.
"""
APPENDING = """\
<#bob> a acl:Authorization; acl:agent <{bob}>; acl:accessTo <./>; acl:default <./>;
    acl:mode acl:Read, acl:Append.
"""
PATCH = """\
@prefix solid: <http://www.w3.org/ns/solid/terms#>. @prefix : <urn:x#>.
_:p a solid:InsertDeletePatch; solid:where {{ ?rule :status :{old} }};
    solid:deletes {{ ?rule :status :{old} }}; solid:inserts {{ ?rule :status :{new} }}.
"""


@dataclass
class Host:
    """A server with Ada's pod; `bob` has one of his own there, `anybody` has none."""

    access: Access
    transport: httpx2.BaseTransport | None
    cut: Callable[[str, bytes, int], None]
    clients: list[httpx2.Client] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.auth = auth_of(self.access)
        self.ada = self.client(self.auth)
        self.bobs = new_pod(self.access.issuer, self.transport)
        self.bob = self.client(auth_of(self.bobs))
        self.anybody = self.client()

    def client(self, auth: httpx2.Auth | None = None) -> httpx2.Client:
        """A client whose addresses are relative to Ada's pod."""
        url, transport = self.access.url, self.transport
        client = httpx2.Client(
            base_url=url, auth=auth, transport=transport, timeout=60, trust_env=False
        )
        self.clients.append(client)
        return client

    def close(self) -> None:
        for client in self.clients:
            client.close()


def auth_of(access: Access, **changed: str) -> SolidOIDC:
    named = {"issuer": access.issuer, "client_id": access.client_id, "secret": access.secret}
    return SolidOIDC(Credentials(**(named | changed)))


def on_fake() -> Host:
    pod = FakePod()

    def cut(path: str, body: bytes, kept: int) -> None:
        pod.cut(kept)
        with pytest.raises(httpx2.WriteError):
            host.ada.put(path, content=body, headers=BYTES)

    host = Host(new_pod(pod.url, pod), pod, cut)
    return host


def on_server(url: str) -> Host:
    def cut(path: str, body: bytes, kept: int) -> None:
        request = host.ada.build_request("PUT", path, content=body, headers=BYTES)
        host.ada.get("")  # there is a token now
        signed = next(host.auth.sync_auth_flow(request))
        lines = [f"PUT {request.url.raw_path.decode()} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in signed.headers.items()]
        with socket.create_connection((request.url.host, request.url.port)) as raw:
            raw.sendall("\r\n".join([*lines, "", ""]).encode() + body[:kept])
            time.sleep(0.3)
        time.sleep(0.3)

    host = Host(new_pod(url), None, cut)
    return host


@pytest.fixture(
    scope="module",
    params=["the fake server", pytest.param("the real server", marks=pytest.mark.pod)],
)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    fake = request.param == "the fake server"
    host = on_fake() if fake else on_server(request.getfixturevalue("solid"))
    yield host
    host.close()


@pytest.fixture
def folder() -> str:
    """The path of a container for a test alone; it is there once something is in it."""
    return f"{secrets.token_hex(6)}/"


def tag_of(host: Host, path: str) -> str:
    return host.ada.head(path).headers["ETag"]


def graph_of(answer: httpx2.Response) -> Graph:
    return Graph().parse(data=answer.content, format="turtle", publicID=str(answer.url))


# Who asks.


def test_the_owner_is_told_from_a_stranger_in_wac_allow_alone(host):
    assert host.ada.head("").headers["WAC-Allow"] == (
        'user="append control read write",public="read"'
    )
    assert host.anybody.head("").headers["WAC-Allow"] == 'user="read",public="read"'


def test_a_token_is_for_ten_minutes_and_for_one_key(host):
    issuer = host.access.issuer
    found = host.anybody.get(f"{issuer}.well-known/openid-configuration").json()
    assert found["issuer"] == issuer
    flow = host.auth.sync_auth_flow(host.ada.build_request("GET", ""))
    next(flow)
    token = asked_for_token(host, found["token_endpoint"], auth_of(host.access))
    assert (token["expires_in"], token["token_type"]) == (600, "DPoP")


def asked_for_token(host: Host, endpoint: str, auth: SolidOIDC) -> dict:
    flow = auth.sync_auth_flow(host.ada.build_request("GET", ""))
    request = next(flow)
    while str(request.url) != endpoint:
        request = flow.send(host.anybody.send(request))
    answer = host.anybody.send(request)
    flow.close()
    return answer.json()


def signed(host: Host, path: str) -> httpx2.Request:
    """A request with a token and a proof that hold."""
    host.ada.get("")
    return next(host.auth.sync_auth_flow(host.ada.build_request("GET", path)))


@pytest.mark.parametrize("spoiled", ["token", "proof", "method", "path", "scheme", "twice"])
def test_without_a_proof_that_holds_one_is_a_stranger(host, folder, spoiled):
    host.ada.put(f"{folder}x.json", content=b"{}", headers=JSON)
    request = signed(host, f"{folder}x.json")
    match spoiled:
        case "token":
            request.headers["Authorization"] += "x"
        case "proof":
            del request.headers["DPoP"]
        case "method":
            request.method = "HEAD"
        case "path":
            request.url = request.url.join("y.json")
        case "scheme":
            request.headers["Authorization"] = request.headers["Authorization"].replace(
                "DPoP", "Bearer"
            )
        case "twice":
            assert host.anybody.send(request).status_code == 200
    assert host.anybody.send(request).status_code == 401
    if spoiled in {"token", "scheme"}:
        request.url = host.ada.build_request("GET", "").url
        answer = host.anybody.send(request)
        assert answer.status_code == 200, "what is public is answered, without a word"
        assert answer.headers["WAC-Allow"].startswith('user="read"')


@pytest.mark.parametrize(("wrong", "status"), [({"secret": "x"}, 401), ({"client_id": "x"}, 401)])
def test_wrong_credentials_get_no_token(host, wrong, status):
    flow = auth_of(host.access, **wrong).sync_auth_flow(host.ada.build_request("GET", ""))
    request = flow.send(host.anybody.send(next(flow)))
    assert host.anybody.send(request).status_code == status


def test_another_name_for_the_same_machine_is_another_server(host):
    url = httpx2.URL(host.access.url).copy_with(host="127.0.0.1")
    assert host.anybody.get(url).status_code == 500


# Reading and writing.


def test_what_was_put_is_got_byte_by_byte_and_parents_come_by_themselves(host, folder):
    body = bytes(range(256)) * 40
    path = f"{folder}a/b/some-name-without-an-end"
    answer = host.ada.put(path, content=body, headers=BYTES)
    assert (answer.status_code, answer.headers["Location"]) == (201, host.access.url + path)
    assert "ETag" not in answer.headers
    found = host.ada.get(path)
    assert (found.content, found.headers["Content-Type"]) == (body, BYTES["Content-Type"])
    head = host.ada.head(path)
    assert (head.headers["Content-Length"], head.content) == (str(len(body)), b"")
    assert host.ada.put(path, content=b"", headers=BYTES).status_code == 205
    assert host.ada.get(path).content == b""


def test_part_of_a_body_is_had_by_asking_for_it(host, folder):
    host.ada.put(f"{folder}x", content=b"0123456789", headers=BYTES)
    answer = host.ada.get(f"{folder}x", headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["Content-Range"] == "bytes 2-4/10"
    assert host.ada.get(f"{folder}x", headers={"Range": "bytes=2-10"}).status_code == 416


def test_a_type_must_be_named_and_may_change(host, folder):
    assert host.ada.put(f"{folder}x", content=b"{}").status_code == 400
    host.ada.put(f"{folder}x", content=b"{}", headers=JSON)
    assert host.ada.put(f"{folder}x", content=b"<a> <b> <c>.", headers=TURTLE).status_code == 205
    assert host.ada.get(f"{folder}x").headers["Content-Type"] == "text/turtle"


def test_what_is_not_there_is_404_for_its_owner_and_401_for_a_stranger(host, folder):
    host.ada.put(f"{folder}x", content=b"x", headers=BYTES)
    for path in (f"{folder}y", f"{folder}z/", folder[:-1]):
        assert host.ada.get(path).status_code == 404
        assert host.ada.head(path).status_code == 404
        assert host.ada.delete(path).status_code == 404
    assert host.anybody.get(f"{folder}y").status_code == 401
    assert host.bob.get(f"{folder}y").status_code == 403


def test_a_name_is_a_file_or_a_container_never_both(host, folder):
    host.ada.put(f"{folder}x", content=b"x", headers=BYTES)
    assert host.ada.put(folder[:-1], content=b"x", headers=BYTES).status_code == 409
    assert host.ada.put(f"{folder}x/y", content=b"x", headers=BYTES).status_code == 403


def test_deleting_says_205_and_never_takes_what_is_in_a_container(host, folder):
    host.ada.put(f"{folder}x", content=b"x", headers=BYTES)
    assert host.ada.delete(folder).status_code == 409
    assert host.ada.delete(f"{folder}x", headers={"If-Match": '"1-x"'}).status_code == 412
    assert host.ada.delete(f"{folder}x").status_code == 205
    assert host.ada.delete(f"{folder}x").status_code == 404
    assert host.ada.delete(folder).status_code == 205


def test_posting_chooses_a_name_and_never_takes_one(host, folder):
    host.ada.put(f"{folder}x", content=b"x", headers=BYTES)
    first, second = (
        host.ada.post(folder, content=b"y", headers={**BYTES, "Slug": "y"}) for _ in range(2)
    )
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.headers["Location"] != second.headers["Location"]
    assert host.ada.post(f"{folder}x", content=b"y", headers=BYTES).status_code == 405
    assert host.ada.post(f"{folder}none/", content=b"y", headers=BYTES).status_code == 404


# Conditions.


def test_a_tag_is_the_time_in_milliseconds_and_the_type(host, folder):
    before = time.time()
    host.ada.put(f"{folder}x.json", content=b"{}", headers=JSON)
    milliseconds, _, media_type = tag_of(host, f"{folder}x.json").strip('"').partition("-")
    assert media_type == "application/json"
    assert abs(int(milliseconds) / 1000 - before) < 60


def test_what_did_not_change_is_304_but_for_types_with_a_hyphen(host, folder):
    for name, kind, status in (
        ("x.json", JSON, 304),
        ("x.ttl", TURTLE, 304),
        ("x.bin", BYTES, 200),
    ):
        host.ada.put(folder + name, content=b"", headers=kind)
        condition = {"If-None-Match": tag_of(host, folder + name)}
        assert host.ada.get(folder + name, headers=condition).status_code == status
        assert host.ada.head(folder + name, headers=condition).status_code == status
        time.sleep(0.005)
        host.ada.put(folder + name, content=b"", headers=kind)
        assert host.ada.get(folder + name, headers=condition).status_code == 200


def test_a_container_is_304_although_a_member_was_written_anew(host, folder):
    host.ada.put(f"{folder}x.json", content=b"{}", headers=JSON)
    condition = {"If-None-Match": tag_of(host, folder)}
    time.sleep(0.005)
    host.ada.put(f"{folder}x.json", content=b"{  }", headers=JSON)
    assert host.ada.get(folder, headers=condition).status_code == 304
    host.ada.put(f"{folder}y.json", content=b"{}", headers=JSON)
    assert host.ada.get(folder, headers=condition).status_code == 200
    condition = {"If-None-Match": tag_of(host, folder)}
    time.sleep(0.005)
    host.ada.delete(f"{folder}y.json")
    assert host.ada.get(folder, headers=condition).status_code == 200


def test_a_write_on_a_condition_that_does_not_hold_is_412_and_changes_nothing(host, folder):
    path = f"{folder}x.bin"
    new = {**BYTES, "If-None-Match": "*"}
    assert host.ada.put(path, content=b"1", headers=new).status_code == 201
    assert host.ada.put(path, content=b"2", headers=new).status_code == 412
    tag = tag_of(host, path)
    time.sleep(0.005)
    assert host.ada.put(path, content=b"3", headers={**BYTES, "If-Match": tag}).status_code == 205
    assert host.ada.put(path, content=b"4", headers={**BYTES, "If-Match": tag}).status_code == 412
    assert host.ada.get(path).content == b"3"


def test_a_tag_does_not_keep_a_write_from_what_was_deleted_since(host, folder):
    path = f"{folder}x.json"
    host.ada.put(path, content=b"1", headers=JSON)
    tag = tag_of(host, path)
    host.ada.delete(path)
    assert host.ada.put(path, content=b"2", headers={**JSON, "If-Match": tag}).status_code == 201


def test_of_many_who_write_at_once_on_a_condition_one_wins(host, folder):
    host.ada.put(f"{folder}x.json", content=b"0", headers=JSON)
    for condition, won in (
        ({"If-None-Match": "*"}, 201),
        ({"If-Match": tag_of(host, f"{folder}x.json")}, 205),
    ):
        path = f"{folder}{'x' if won == 205 else 'y'}.json"
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(
                    lambda number, path=path, condition=condition: (
                        host.ada.put(
                            path, content=str(number).encode(), headers=JSON | condition
                        ).status_code
                    ),
                    range(8),
                )
            )
        assert sorted(answers) == sorted([won, *[412] * 7])


def test_a_body_that_was_cut_off_is_there_as_if_it_were_whole(host, folder):
    host.ada.put(f"{folder}old", content=b"o" * 4000, headers=BYTES)
    for name in ("old", "new"):
        host.cut(folder + name, b"n" * 4000, 1000)
        answer = host.ada.get(folder + name)
        assert (answer.status_code, answer.content) == (200, b"n" * 1000)
        assert host.ada.head(folder + name).headers["Content-Length"] == "1000"


# Containers.


def test_a_container_lists_names_sizes_and_times_of_its_own_members(host, folder):
    host.ada.put(f"{folder}x.json", content=b"{}", headers=JSON)
    host.ada.put(f"{folder}deep/er/y.bin", content=b"y", headers=BYTES)
    answer = host.ada.get(folder, headers={"Accept": "text/turtle"})
    found, this = graph_of(answer), URIRef(host.access.url + folder)
    assert set(found.objects(this, LDP.contains)) == {this + "x.json", this + "deep/"}
    assert list(found.objects(this + "x.json", STAT.size)) == [Literal(2)]
    assert (this + "deep/", RDF.type, LDP.Container) in found
    [modified] = found.objects(this + "x.json", MODIFIED)
    assert f"{modified.toPython().timestamp() * 1000:.0f}" in tag_of(host, f"{folder}x.json")


def test_names_are_listed_as_they_were_written(host, folder):
    for name in ("with%20space", "%C3%A9t%C3%A9", "a~b-c_d.e", "it's"):
        host.ada.put(folder + name, content=b"x", headers=BYTES)
        [listed] = graph_of(host.ada.get(folder)).objects(predicate=LDP.contains)
        assert httpx2.URL(str(listed)) == httpx2.URL(host.access.url + folder + name)
        host.ada.delete(folder + name)


def test_links_name_the_access_document_the_storage_and_the_type(host, folder):
    host.ada.put(f"{folder}x.json", content=b"{}", headers=JSON)
    links = host.ada.head(f"{folder}x.json").headers["Link"]
    assert f'<{host.access.url}{folder}x.json.acl>; rel="acl"' in links
    assert "storageDescription" in links
    assert (
        '<http://www.w3.org/ns/pim/space#Storage>; rel="type"' in host.ada.head("").headers["Link"]
    )
    assert f'<{LDP.Container}>; rel="type"' in host.ada.head(folder).headers["Link"]


def test_the_profile_is_public_and_names_the_issuer(host):
    profile = graph_of(host.anybody.get(host.access.webid))
    issuer = URIRef("http://www.w3.org/ns/solid/terms#oidcIssuer")
    assert list(profile.objects(URIRef(host.access.webid), issuer)) == [URIRef(host.access.issuer)]


# Who may.


def test_a_pod_is_its_owners_alone_and_an_access_document_opens_it_by_modes(host, folder):
    host.ada.put(f"{folder}x.bin", content=b"x", headers=BYTES)
    assert [who.get(folder).status_code for who in (host.ada, host.bob, host.anybody)] == [
        200,
        403,
        401,
    ]
    assert host.ada.get(f"{folder}.acl").status_code == 404
    document = (OWNER_ONLY + APPENDING).format(owner=host.access.webid, bob=host.bobs.webid)
    assert host.ada.put(f"{folder}.acl", content=document, headers=TURTLE).status_code == 201
    assert host.bob.head(folder).headers["WAC-Allow"] == 'user="append read"'
    assert host.bob.get(f"{folder}x.bin").status_code == 200
    assert host.bob.put(f"{folder}y.bin", content=b"1", headers=BYTES).status_code == 201
    assert host.bob.put(f"{folder}y.bin", content=b"2", headers=BYTES).status_code == 403
    assert host.bob.delete(f"{folder}y.bin").status_code == 403
    assert host.bob.get(f"{folder}.acl").status_code == 403
    assert host.anybody.get(f"{folder}x.bin").status_code == 401
    assert host.ada.get(folder).text.count(".acl") == 0


def test_an_access_document_that_does_not_parse_is_refused_and_the_root_stays(host, folder):
    host.ada.put(f"{folder}x.bin", content=b"x", headers=BYTES)
    assert host.ada.put(f"{folder}.acl", content=b"not turtle", headers=TURTLE).status_code == 400
    assert host.ada.delete(".acl").status_code == 405
    assert host.ada.delete("").status_code in {403, 405}


# RDF.


def test_turtle_is_kept_as_it_came_whatever_it_is(host, folder):
    for body in (b"# a comment\n<#a>  <urn:b>   1 .", b"this is no turtle"):
        answer = host.ada.put(f"{folder}x.ttl", content=body, headers=TURTLE)
        assert answer.status_code in {201, 205}
        assert host.ada.get(f"{folder}x.ttl", headers={"Accept": "text/turtle"}).content == body


def test_a_patch_writes_the_document_anew_and_fails_where_it_does_not_fit(host, folder):
    path = f"{folder}x.ttl"
    host.ada.put(path, content=b"@prefix : <urn:x#>. <#a> :status :given. # why", headers=TURTLE)
    tag = tag_of(host, path)
    time.sleep(0.005)

    def patch(old: str, new: str, **headers: str) -> int:
        content = PATCH.format(old=old, new=new)
        headers = {"Content-Type": "text/n3", **headers}
        answer = host.ada.patch(path, content=content, headers=headers)
        assert "ETag" not in answer.headers or answer.status_code >= 400
        return answer.status_code

    assert patch("given", "refused") == 205
    assert patch("given", "refused") == 409
    assert patch("refused", "given", **{"If-Match": tag}) == 412
    after = host.ada.get(path)
    assert b"# why" not in after.content
    this = URIRef(host.access.url + path + "#a")
    assert set(graph_of(after)) == {(this, URIRef("urn:x#status"), URIRef("urn:x#refused"))}


def test_other_forms_are_made_of_turtle_and_of_nothing_else(host, folder):
    host.ada.put(f"{folder}x.ttl", content=b"<#a> <urn:b> <urn:c>.", headers=TURTLE)
    answer = host.ada.get(f"{folder}x.ttl", headers={"Accept": "application/ld+json"})
    assert answer.headers["Content-Type"] == "application/ld+json"
    assert answer.json()[0]["urn:b"] == [{"@id": "urn:c"}]
    host.ada.put(f"{folder}x.json", content=b"{}", headers=JSON)
    answer = host.ada.get(f"{folder}x.json", headers={"Accept": "text/turtle"})
    assert answer.status_code == 501
