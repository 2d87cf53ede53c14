"""The identity half of the fake server: accounts, credentials, tokens, proofs of possession.

Proofs are verified for good, as RFC 9449 §4.3 says, with the tolerances that the real
server has; a request whose token or proof does not hold is nobody's request, not an error.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

import httpx2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.pod_sync.fake_graphs import Refused

__all__ = ["Accounts"]

LIFE = 600
"""Seconds for which a token is good."""
TOLERANCE = 120
OLDEST = 120 + TOLERANCE
WINDOW = 300
"""Seconds by which a proof's time may be off at a resource, and where tokens are given."""


@dataclass
class Account:
    """Somebody with pods; `id` is a part of the addresses of what she may do."""

    id: str
    logins: dict[str, str] = field(default_factory=dict)
    pods: dict[str, str] = field(default_factory=dict)
    webids: dict[str, str] = field(default_factory=dict)
    credentials: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Token:
    """Who a token speaks for, until when, and with which key."""

    webid: str
    until: float
    key: str


class Accounts:
    """All accounts, and the tokens that were given out."""

    def __init__(
        self, url: str, clock: Callable[[], float], new_pod: Callable[[str], tuple[str, str]]
    ) -> None:
        self.url = url
        self.tokens: dict[str, Token] = {}
        self.accounts: list[Account] = []
        self.tokens_given = 0
        self._clock = clock
        self._new_pod = new_pod
        self._sessions: dict[str, Account] = {}
        self._seen: set[str] = set()

    # Who asks.

    def who(self, request: httpx2.Request) -> str:
        """Return the WebID of whoever asks; "" where that is not proved."""
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self.tokens.get(value)
        if kind != "DPoP" or token is None or token.until < self._clock():
            return ""
        try:
            key = self._proved(request, value, OLDEST, TOLERANCE)
        except Refused:
            return ""
        return token.webid if key == token.key else ""

    def _proved(self, request: httpx2.Request, token: str, oldest: float, future: float) -> str:
        """Return the thumbprint of the key that signed a request's proof."""
        parts = request.headers.get("DPoP", "").split(".")
        if len(parts) != 3:
            raise Refused(400, "invalid_dpop_proof")
        header, claims = (json.loads(_decoded(part)) for part in parts[:2])
        if (header["typ"], header["alg"]) != ("dpop+jwt", "ES256") or "d" in header["jwk"]:
            raise Refused(400, "invalid_dpop_proof")
        _verify(header["jwk"], ".".join(parts[:2]).encode(), _decoded(parts[2]))
        url = str(request.url.copy_with(query=None, fragment=None))
        age = self._clock() - claims["iat"]
        bound = not token or claims.get("ath") == _hash(token.encode())
        fresh = -future <= age <= oldest and claims["jti"] not in self._seen
        if (claims["htm"], claims["htu"]) != (request.method, url) or not bound or not fresh:
            raise Refused(400, "invalid_dpop_proof")
        self._seen.add(claims["jti"])
        return _thumbprint(header["jwk"])

    # Tokens.

    def answer(self, request: httpx2.Request, body: bytes) -> httpx2.Response | None:
        """Answer what is no matter of resources; None for those."""
        path = request.url.path
        try:
            if path == "/.well-known/openid-configuration":
                return self._configuration()
            if path == "/.oidc/token":
                return self._token(request, body)
            if path.startswith("/.account/"):
                return self._account(request, path, body)
        except Refused as error:
            message = {"name": "HttpError", "message": str(error), "statusCode": error.status}
            return httpx2.Response(error.status, json=message | {"error": str(error)})
        return None

    def _configuration(self) -> httpx2.Response:
        return httpx2.Response(
            200,
            json={
                "issuer": self.url,
                "token_endpoint": f"{self.url}.oidc/token",
                "jwks_uri": f"{self.url}.oidc/jwks",
                "grant_types_supported": [
                    "authorization_code",
                    "refresh_token",
                    "client_credentials",
                ],
                "scopes_supported": ["openid", "profile", "offline_access", "webid"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "dpop_signing_alg_values_supported": ["ES256"],
            },
        )

    def _token(self, request: httpx2.Request, body: bytes) -> httpx2.Response:
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            raise Refused(400, "invalid_request")
        id_, _, secret = (base64.b64decode(value).decode()).partition(":")
        given = self._credentials(unquote(id_))
        if given is None or given[0] != unquote(secret):
            raise Refused(401, "invalid_client")
        if parse_qs(body.decode()).get("grant_type") != ["client_credentials"]:
            raise Refused(400, "unsupported_grant_type")
        key = self._proved(request, "", WINDOW, WINDOW) if "DPoP" in request.headers else ""
        token = secrets.token_urlsafe(32)
        self.tokens[token] = Token(given[1], self._clock() + LIFE, key)
        self.tokens_given += 1
        return httpx2.Response(
            200,
            json={
                "access_token": token,
                "expires_in": LIFE,
                "token_type": "DPoP" if key else "Bearer",
            },
        )

    def _credentials(self, id_: str) -> tuple[str, str] | None:
        return next((one.credentials[id_] for one in self.accounts if id_ in one.credentials), None)

    # The account API, version 0.5.

    def _account(self, request: httpx2.Request, path: str, body: bytes) -> httpx2.Response:
        session = request.headers.get("Authorization", "").removeprefix("CSS-Account-Token ")
        session = session or request.headers.get("Cookie", "").partition("css-account=")[2]
        account = self._sessions.get(session)
        asked = json.loads(body) if body else {}
        posted = request.method == "POST"
        match path.removeprefix("/.account/").strip("/").split("/"):
            case [""]:
                return self._told(account)
            case ["account"] if posted:
                return self._entered(self._new_account())
            case ["login", "password"] if posted:
                return self._entered(self._logged_in(asked))
            case ["account", id_, *rest] if account and account.id == id_:
                return self._of(account, rest, asked, request.method)
        raise Refused(404 if account else 401)

    def _told(self, account: Account | None, **more: object) -> httpx2.Response:
        return httpx2.Response(
            200, json={**more, "controls": self._controls(account), "version": "0.5"}
        )

    def _controls(self, account: Account | None) -> dict[str, dict[str, str]]:
        root = f"{self.url}.account/"
        password, own = {"login": f"{root}login/password/"}, {"create": f"{root}account/"}
        if account:
            at = f"{root}account/{account.id}/"
            password["create"] = f"{at}login/password/"
            own |= {
                "pod": f"{at}pod/",
                "webId": f"{at}webid/",
                "clientCredentials": f"{at}client-credentials/",
                "logout": f"{at}logout/",
            }
        main = {"index": root, "logins": f"{root}login/"}
        return {"password": password, "account": own, "main": main}

    def _new_account(self) -> Account:
        account = Account(secrets.token_hex(8))
        self.accounts.append(account)
        return account

    def _logged_in(self, asked: dict) -> Account:
        for account in self.accounts:
            if account.logins.get(asked["email"].lower()) == asked["password"]:
                return account
        raise Refused(403, "Invalid email/password combination.")

    def _entered(self, account: Account) -> httpx2.Response:
        session = secrets.token_hex(16)
        self._sessions[session] = account
        return self._told(account, authorization=session)

    def _of(self, account: Account, what: list[str], asked: dict, method: str) -> httpx2.Response:  # noqa: PLR0911 - a table of routes
        at = f"{self.url}.account/account/{account.id}/{'/'.join(what)}/"
        match method, what:
            case "POST", ["login", "password"]:
                if any(asked["email"].lower() in one.logins for one in self.accounts):
                    raise Refused(400, "There already is a login for this e-mail address.")
                account.logins[asked["email"].lower()] = asked["password"]
                return self._told(account, resource=f"{at}1/")
            case "POST", ["pod"]:
                pod, webid = self._new_pod(asked["name"])
                account.pods[pod] = account.webids[webid] = f"{at}{asked['name']}/"
                return self._told(account, pod=pod, webId=webid, podResource=account.pods[pod])
            case "POST", ["client-credentials"]:
                return self._new_credentials(account, at, asked)
            case "GET", ["pod"]:
                return self._told(account, pods=account.pods)
            case "GET", ["webid"]:
                return self._told(account, webIdLinks=account.webids)
            case "GET", ["client-credentials"]:
                given = {id_: f"{at}{id_}/" for id_ in account.credentials}
                return self._told(account, clientCredentials=given)
            case "DELETE", ["client-credentials", id_] if id_ in account.credentials:
                del account.credentials[id_]
                return self._told(account)
        raise Refused(404)

    def _new_credentials(self, account: Account, at: str, asked: dict) -> httpx2.Response:
        if asked["webId"] not in account.webids:
            raise Refused(400, "WebID does not belong to this account.")
        id_, secret = f"{asked.get('name', '')}_{secrets.token_hex(8)}", secrets.token_hex(64)
        account.credentials[id_] = (secret, asked["webId"])
        return self._told(account, id=id_, secret=secret, resource=f"{at}{id_}/")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _thumbprint(jwk: dict) -> str:
    """Return what names a key (RFC 7638)."""
    needed = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return _hash(json.dumps(needed, separators=(",", ":"), sort_keys=True).encode())


def _verify(jwk: dict, signed: bytes, signature: bytes) -> None:
    x, y = (int.from_bytes(_decoded(jwk[name]), "big") for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Refused(400, "invalid_dpop_proof") from None
