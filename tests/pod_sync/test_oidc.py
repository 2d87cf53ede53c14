"""Who the vault is to a pod: proofs that hold elsewhere, tokens in time, a secret kept."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import unquote

import httpx2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from pod_sync.errors import PodRefused, PodUnreachable
from pod_sync.oidc import Credentials, DPoP, SolidOIDC, origin

ISSUER = "https://id.example/"
POD = "https://pod.example/ada/"
CREDENTIALS = Credentials(issuer=ISSUER, client_id="twin:1 ü", secret="s/e:cret+")
NOON = 1_800_000_000.0


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified(proof: str) -> dict:
    """Check a proof with nothing but RFC 7515 and a curve; return its claims."""
    header, claims, signature = proof.split(".")
    stated = json.loads(decoded(header))
    assert (stated["typ"], stated["alg"]) == ("dpop+jwt", "ES256")
    assert set(stated["jwk"]) == {"kty", "crv", "x", "y"}
    x, y = (int.from_bytes(decoded(stated["jwk"][axis])) for axis in "xy")
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    raw = decoded(signature)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    signed = f"{header}.{claims}".encode()
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    return json.loads(decoded(claims))


@dataclass
class Server:
    """An identity provider and a pod that know the RFCs; its clock is `ahead` of the client's."""

    now: float = NOON
    ahead: float = 0.0
    life: float = 600.0
    nonce: str = ""
    endpoint: str = f"{ISSUER}token"
    tokens: dict[str, float] = field(default_factory=dict)
    asked: list[httpx2.Request] = field(default_factory=list)
    refused: int = 0
    strict: bool = True

    def clock(self) -> float:
        return self.now

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        answer = self.answer(request)
        answer.headers["Date"] = formatdate(self.now + self.ahead, usegmt=True)
        if self.nonce:
            answer.headers["DPoP-Nonce"] = self.nonce
        return answer

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/.well-known/openid-configuration":
            return httpx2.Response(
                200, json={"issuer": ISSUER, "token_endpoint": self.endpoint, "scopes": [[1]]}
            )
        if not self.proved(request):
            self.refused += 1
            return httpx2.Response(401 if request.url.host == "pod.example" else 400)
        if request.url.host == "pod.example":
            return httpx2.Response(200, content=b"hers")
        scheme, _, pair = request.headers["Authorization"].partition(" ")
        name, secret = base64.b64decode(pair).decode().split(":")
        if (scheme, unquote(name), unquote(secret)) != ("Basic", "twin:1 ü", "s/e:cret+"):
            return httpx2.Response(401, json={"error": "invalid_client"})
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = self.now + self.life
        return httpx2.Response(200, json={"access_token": token, "expires_in": self.life})

    def proved(self, request: httpx2.Request) -> bool:
        claims = verified(request.headers["DPoP"])
        kind, _, token = request.headers["Authorization"].partition(" ")
        if kind == "DPoP":
            digest = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest())
            if claims["ath"] != digest.rstrip(b"=").decode() or self.tokens[token] < self.now:
                return False
        return (
            claims["htm"] == request.method
            and claims["htu"] == str(request.url.copy_with(query=None))
            and claims.get("nonce", "") == self.nonce
            and self.strict
            and -10 <= self.now + self.ahead - claims["iat"] <= 60
        )

    def of(self, host: str) -> list[httpx2.Request]:
        return [request for request in self.asked if request.url.host == host]


def client(server: Callable[[httpx2.Request], httpx2.Response], clock=lambda: NOON):
    auth = SolidOIDC(CREDENTIALS, clock)
    return httpx2.Client(auth=auth, transport=httpx2.MockTransport(server), trust_env=False)


@given(
    method=st.sampled_from(["GET", "PUT", "DELETE"]),
    path=st.text("abc/%20ü", max_size=20),
    at=st.floats(0, 4e9),
    token=st.text(max_size=40),
    nonce=st.text(max_size=20),
)
def test_a_proof_holds_for_whoever_checks_it(method, path, at, token, nonce):
    url = httpx2.URL(f"{POD}{path}?query=1#part")
    claims = verified(DPoP().proof(method, url, at=at, token=token, nonce=nonce))
    assert claims["htm"] == method
    assert claims["htu"] == str(url).partition("?")[0]
    assert claims["iat"] == int(at)
    assert claims.get("nonce", "") == nonce
    assert ("ath" in claims) == bool(token)


def test_no_two_proofs_are_the_same():
    proofs = DPoP()
    ids = {verified(proofs.proof("GET", httpx2.URL(POD), at=NOON))["jti"] for _ in range(9)}
    assert len(ids) == 9


def test_a_token_is_renewed_before_its_end_for_hours():
    server = Server()
    with client(server, server.clock) as pod:
        for _ in range(12 * 60):
            assert pod.get(POD).status_code == 200
            server.now += 59
    assert server.refused == 0
    assert len(server.tokens) == pytest.approx(12 * 3600 / 570, rel=0.1)


def test_a_token_that_is_taken_back_early_is_replaced():
    server = Server()
    with client(server, server.clock) as pod:
        pod.get(POD)
        server.tokens["token-0"] = 0
        assert pod.get(POD).status_code == 200
    assert server.refused == 1


@pytest.mark.parametrize("ahead", [-86_400.0, -90.0, 90.0, 86_400.0])
def test_a_clock_that_is_off_is_allowed_for(ahead):
    server = Server(ahead=ahead)
    with client(server, server.clock) as pod:
        assert pod.get(POD).status_code == 200
        server.now += 3_600
        assert pod.get(POD).status_code == 200


@pytest.mark.parametrize(("ahead", "said"), [(7_200.0, "2 h behind"), (-600.0, "10 min ahead of")])
def test_a_clock_that_is_refused_all_the_same_is_said_to_be_off(ahead, said):
    server = Server(ahead=ahead, strict=False)
    with client(server, server.clock) as pod, pytest.raises(PodRefused, match=rf"{said}.*set the"):
        pod.get(POD)


def test_a_nonce_is_put_into_the_next_proof():
    server = Server(nonce="n1")
    with client(server) as pod:
        assert pod.get(POD).status_code == 200
        server.nonce = "n2"
        assert pod.get(POD).status_code == 200
    assert len(server.tokens) == 1


def test_a_refusal_is_tried_once_more_and_no_more():
    server = Server()
    with client(server) as pod:
        pod.get(POD)
        server.strict = False
        before = len(server.of("pod.example"))
        with pytest.raises(PodRefused, match=r"make new ones"):
            pod.get(POD)
    assert len(server.of("pod.example")) == before + 1
    answers = iter([401, 401, 200])

    def stubborn(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "pod.example":
            return httpx2.Response(next(answers))
        server.strict = True
        return server(request)

    with client(stubborn) as pod:
        assert pod.get(POD).status_code == 401


@pytest.mark.parametrize("elsewhere", ["https://evil.example/token", "http://id.example/token"])
def test_the_secret_is_told_to_the_issuer_alone(elsewhere):
    server = Server(endpoint=elsewhere)
    with client(server) as pod, pytest.raises(PodRefused, match=r"another server"):
        pod.get(POD)
    assert [request.url.path for request in server.asked] == ["/.well-known/openid-configuration"]
    assert all("Authorization" not in request.headers for request in server.asked)


def test_a_document_of_another_issuer_is_refused():
    def other(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(
            200, json={"issuer": "https://id.example/other", "token_endpoint": f"{ISSUER}token"}
        )

    with client(other) as pod, pytest.raises(PodRefused, match=r"another server"):
        pod.get(POD)


def test_a_redirect_is_not_followed_with_credentials():
    server = Server()

    def redirecting(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/token":
            return httpx2.Response(307, headers={"Location": "https://evil.example/token"})
        return server(request)

    with client(redirecting) as pod, pytest.raises(PodRefused):
        pod.get(POD)
    assert not server.of("evil.example")


@pytest.mark.parametrize(
    "said", [b"<html>", b"\xff", b"[]", b'{"issuer":1}', b'{"a":' + b"[" * 9999, b""]
)
def test_what_is_no_identity_provider_is_refused(said):
    with (
        client(lambda _: httpx2.Response(200, content=said)) as pod,
        pytest.raises(PodRefused, match=r"does not answer as"),
    ):
        pod.get(POD)


@pytest.mark.parametrize("token", ["", "a b", "a\r\nX: y", "\u00fc"])
def test_a_token_that_is_none_is_refused(token):
    server = Server()

    def odd(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/token":
            return httpx2.Response(200, json={"access_token": token})
        return server(request)

    with client(odd) as pod, pytest.raises(PodRefused, match=r"does not answer as"):
        pod.get(POD)


def test_wrong_credentials_are_named_even_where_the_clock_is_off():
    server = Server(ahead=7_200)
    wrong = Credentials(issuer=ISSUER, client_id="twin", secret="wrong")
    auth = SolidOIDC(wrong, server.clock)
    with (
        httpx2.Client(auth=auth, transport=httpx2.MockTransport(server)) as pod,
        pytest.raises(PodRefused, match=r"make new ones"),
    ):
        pod.get(POD)


def test_an_issuer_that_is_busy_is_no_refusal():
    with client(lambda _: httpx2.Response(503)) as pod, pytest.raises(PodUnreachable):
        pod.get(POD)


def test_it_works_in_an_asynchronous_client_too():
    server = Server(nonce="n", ahead=4_000)

    async def body() -> int:
        transport = httpx2.MockTransport(server)
        auth = SolidOIDC(CREDENTIALS, server.clock)
        async with httpx2.AsyncClient(auth=auth, transport=transport, trust_env=False) as pod:
            return (await pod.get(POD)).status_code

    assert asyncio.run(body()) == 200


def test_what_the_pod_answers_is_left_to_be_read_in_pieces():
    def streaming(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "pod.example":
            return httpx2.Response(200, stream=httpx2.ByteStream(b"piece"))
        return Server()(request)

    with client(streaming) as pod, pod.stream("GET", POD) as answer:
        assert not answer.is_stream_consumed
        assert list(answer.iter_raw()) == [b"piece"]


def test_the_secret_is_in_no_text():
    server = Server()
    wrong = Credentials(issuer=ISSUER, client_id="twin", secret="wrong-secret")
    auth = SolidOIDC(wrong, server.clock)
    with (
        httpx2.Client(auth=auth, transport=httpx2.MockTransport(server)) as pod,
        pytest.raises(PodRefused) as raised,
    ):
        pod.get(POD)
    assert "wrong-secret" not in repr(wrong) + str(raised.value)


def test_whom_a_token_is_for_is_read_where_it_is_open():
    server = Server()
    claims = base64.urlsafe_b64encode(b'{"webid":"https://pod.example/ada/profile/card#me"}')
    tokens = iter([f"e30.{claims.rstrip(b'=').decode()}.c2ln", "closed", "e30.!!.x", "e30._w.x"])

    def open_token(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/token":
            return httpx2.Response(200, json={"access_token": next(tokens), "expires_in": 600})
        return server(request) if request.url.host == "id.example" else httpx2.Response(200)

    for expected in ("https://pod.example/ada/profile/card#me", "", "", ""):
        with client(open_token) as pod:
            pod.get(POD)
            assert pod.auth.webid == expected


def test_an_origin_is_scheme_host_and_port():
    assert origin(httpx2.URL("https://me:pw@Pod.Example:443/a?b#c")) == "https://pod.example"
    assert origin(httpx2.URL("http://[::1]:3000/")) == "http://[::1]:3000"
