"""Solid-OIDC with client credentials and DPoP: who the vault is to a pod, without any I/O.

The flow yields requests and is sent responses, so it works in synchronous and asynchronous
clients alike. Solid-OIDC 0.1; client credentials: RFC 6749 §4.4; DPoP: RFC 9449. A key pair
lives as long as the flow and binds the tokens to it. The secret goes to the issuer's own
origin and nowhere else.
"""

import base64
import hashlib
import re
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from urllib.parse import quote

import httpx2
import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from pod_sync.errors import PodRefused, PodUnreachable
from pod_sync.headers import moment

__all__ = ["Credentials", "DPoP", "SolidOIDC", "origin"]

_LEEWAY: Final = 30.0
"""Seconds before its end at which a token is asked for anew."""
_SHORTEST: Final = 60.0
"""Seconds that a token is taken to last at least, lest every request ask for its own."""
_DRIFT: Final = 2.0
"""Seconds that two right clocks may be apart: `Date` has no fractions, and answers travel."""
_OFF: Final = 60.0
"""Seconds from which on a clock is said to be off; servers take proofs of the last minute."""
_TRIES: Final = 2
_WRITABLE: Final = re.compile(r"[\x21-\x7e]+")
"""What a token is made of, lest it end the header that it goes into (RFC 6749 §A.12)."""

Flow = Generator[httpx2.Request, httpx2.Response, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a pod's account gave out for this vault."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)


class _Configuration(msgspec.Struct):
    issuer: str
    token_endpoint: str


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float = _SHORTEST


class _Claims(msgspec.Struct):
    webid: str = ""


class _Token(NamedTuple):
    text: str
    until: float


class DPoP:
    """A key pair, and proofs that whoever sends a request holds it (RFC 9449 §4)."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        point = self._key.public_key().public_numbers()
        jwk = {
            "crv": "P-256",
            "kty": "EC",
            "x": _encoded(point.x.to_bytes(32, "big")),
            "y": _encoded(point.y.to_bytes(32, "big")),
        }
        self._header = _part({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})

    def proof(
        self, method: str, url: httpx2.URL, *, at: float, token: str = "", nonce: str = ""
    ) -> str:
        """Return the proof for one request.

        Args:
            method: Of the request.
            url: Its target; query and fragment are no part of a proof.
            at: The time, in seconds since 1970.
            token: The access token that goes with it.
            nonce: What the server wants to find in it.
        """
        claims: dict[str, str | int] = {
            "htm": method,
            "htu": str(url.copy_with(query=None, fragment=None)),
            "jti": uuid.uuid4().hex,
            "iat": int(at),
        }
        if token:
            claims["ath"] = _encoded(hashlib.sha256(token.encode()).digest())
        if nonce:
            claims["nonce"] = nonce
        signed = f"{self._header}.{_part(claims)}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_encoded(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


class SolidOIDC(httpx2.Auth):
    """Puts a token and a proof on every request; asks for a new token in time.

    How far a server's clock is from this one is noticed by the `Date` of its answers, and
    allowed for. Several threads may share it: at worst two of them ask for a token at once.
    """

    def __init__(self, credentials: Credentials, clock: Callable[[], float] = time.time) -> None:
        self._credentials = credentials
        self._issuer = httpx2.URL(credentials.issuer)
        self._clock = clock
        self._dpop = DPoP()
        self._endpoint: httpx2.URL | None = None
        self._token: _Token | None = None
        self._nonces: dict[str, str] = {}
        self._skews: dict[str, float] = {}

    @property
    def webid(self) -> str:
        """Whom the issuer vouches for; "" where no token is there or it is a closed one."""
        _, _, rest = (self._token.text if self._token else "").partition(".")
        payload = rest.partition(".")[0].encode()
        try:
            plain = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
            return msgspec.json.decode(plain, type=_Claims).webid
        except ValueError:
            return ""

    def sync_auth_flow(self, request: httpx2.Request) -> Flow:
        """Run the flow; only answers to its own requests are read whole here."""
        flow = self.auth_flow(request)
        sent = next(flow)
        while True:
            answer = yield sent
            if sent is not request:
                answer.read()
            try:
                sent = flow.send(answer)
            except StopIteration:
                return

    async def async_auth_flow(
        self, request: httpx2.Request
    ) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Run the flow in an asynchronous client."""
        flow = self.auth_flow(request)
        sent = next(flow)
        while True:
            answer = yield sent
            if sent is not request:
                await answer.aread()
            try:
                sent = flow.send(answer)
            except StopIteration:
                return

    def auth_flow(self, request: httpx2.Request) -> Flow:
        """Yield the request signed, and before it whatever a token takes.

        Raises:
            PodRefused: The issuer gives no token for these credentials, the request goes
                unrecognised because a clock is off, or the issuer is none.
            PodUnreachable: The issuer cannot answer at present.
        """
        server = origin(request.url)
        for attempt in range(_TRIES):
            token = self._token
            if token is None or self._clock() > token.until - _LEEWAY:
                token = yield from self._new_token()
            nonce = self._nonces.get(server, "")
            request.headers["Authorization"] = f"DPoP {token.text}"
            request.headers["DPoP"] = self._dpop.proof(
                request.method, request.url, at=self._now(server), token=token.text, nonce=nonce
            )
            answer = yield request
            learned = self._learn(answer, server)
            if answer.status_code != httpx2.codes.UNAUTHORIZED:
                return
            if attempt:
                self._suspect_clock(server)
            elif not learned and self._token is token:
                self._token = None

    def _new_token(self) -> Generator[httpx2.Request, httpx2.Response, _Token]:
        endpoint = self._endpoint
        if endpoint is None:
            endpoint = self._endpoint = yield from self._discovered()
        issuer = origin(endpoint)
        for _ in range(_TRIES):
            nonce = self._nonces.get(issuer, "")
            proof = self._dpop.proof("POST", endpoint, at=self._now(issuer), nonce=nonce)
            answer = yield httpx2.Request(
                "POST",
                endpoint,
                headers={
                    "Authorization": self._basic(),
                    "DPoP": proof,
                    "Accept": "application/json",
                },
                data={"grant_type": "client_credentials", "scope": "webid"},
            )
            learned = self._learn(answer, issuer)
            if answer.is_success or not learned:
                break
        if not answer.is_success:
            raise self._refused(answer, issuer)
        try:
            given = msgspec.json.decode(answer.content, type=_Answer)
        except (ValueError, RecursionError):
            raise self._strange() from None
        if not _WRITABLE.fullmatch(given.access_token):
            raise self._strange()
        self._token = _Token(given.access_token, self._clock() + max(given.expires_in, _SHORTEST))
        return self._token

    def _discovered(self) -> Generator[httpx2.Request, httpx2.Response, httpx2.URL]:
        """Learn where tokens are given out (OpenID Connect Discovery 1.0 §4)."""
        issuer = str(self._issuer).rstrip("/")
        answer = yield httpx2.Request(
            "GET",
            f"{issuer}/.well-known/openid-configuration",
            headers={"Accept": "application/json"},
        )
        self._learn(answer, origin(self._issuer))
        if answer.is_server_error or answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            raise self._refused(answer, origin(self._issuer))
        try:
            found = msgspec.json.decode(answer.content, type=_Configuration)
            endpoint = httpx2.URL(found.token_endpoint)
        except (ValueError, RecursionError, httpx2.InvalidURL):
            raise self._strange() from None
        if found.issuer.rstrip("/") != issuer or origin(endpoint) != origin(self._issuer):
            # The secret goes to nobody but the one who gave it out.
            raise PodRefused(
                f"{self._credentials.issuer} sends the vault to another server to log in, and "
                "the vault tells its secret to the pod's own identity provider only; check the "
                "address."
            )
        return endpoint

    def _learn(self, answer: httpx2.Response, server: str) -> bool:
        """Note the nonce that a server wants, and how far its clock is; return whether it's news.

        What an intermediate cache answers has an `Age` (RFC 9111 §5.1), and an old `Date`.
        """
        before = (self._nonces.get(server), self._skews.get(server, 0.0))
        if nonce := answer.headers.get("DPoP-Nonce"):
            self._nonces[server] = nonce
        stated = moment(answer.headers.get("Date", ""))
        if stated is not None and "Age" not in answer.headers:
            skew = stated - self._clock()
            self._skews[server] = skew if abs(skew) > _DRIFT else 0.0
        nonce_before, skew_before = before
        return (
            self._nonces.get(server) != nonce_before
            or abs(self._skews.get(server, 0.0) - skew_before) > _DRIFT
        )

    def _now(self, server: str) -> float:
        return self._clock() + self._skews.get(server, 0.0)

    def _basic(self) -> str:
        """Return the credentials as RFC 6749 §2.3.1 writes them."""
        pair = (self._credentials.client_id, self._credentials.secret)
        text = ":".join(quote(part, safe="") for part in pair)
        return "Basic " + base64.b64encode(text.encode()).decode()

    def _refused(self, answer: httpx2.Response, server: str) -> PodRefused | PodUnreachable:
        issuer = self._credentials.issuer
        if answer.is_server_error or answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            return PodUnreachable(
                f"{issuer} cannot log the vault in at present ({answer.status_code}); "
                "try again later."
            )
        if b"invalid_client" not in answer.content:
            self._suspect_clock(server)
        return PodRefused(
            f"{issuer} gives no access for these credentials ({answer.status_code}); make new "
            "ones in the pod's account, then link it again."
        )

    def _suspect_clock(self, server: str) -> None:
        """Say that the clock is off, where it is and a server refused what it was allowed for.

        Raises:
            PodRefused: It is.
        """
        skew = self._skews.get(server, 0.0)
        if abs(skew) > _OFF:
            behind = "behind" if skew > 0 else "ahead of"
            raise PodRefused(
                f"{server} refuses this computer, whose clock is {_span(abs(skew))} {behind} "
                "the server's: set the clock, then try again."
            )

    def _strange(self) -> PodRefused:
        return PodRefused(
            f"{self._credentials.issuer} does not answer as a Solid identity provider does; "
            "check the address."
        )


def origin(url: httpx2.URL) -> str:
    """Return scheme, host and port of an address as one text; the default port is left out."""
    return str(url.copy_with(path="/", query=None, fragment=None, userinfo=b"")).rstrip("/")


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{round(minutes / 60)} h"  # noqa: PLR2004


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(claims: object) -> str:
    return _encoded(msgspec.json.encode(claims))
