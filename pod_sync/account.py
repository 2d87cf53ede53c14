"""An account on a fresh Community Solid Server: pod and credentials from an e-mail address.

Its account API (version 0.5, JSON) is no part of Solid; on other servers the owner makes
credentials on a page of theirs and gives them to the vault. What is there already is used,
so whatever was interrupted is gone on with by doing it again.
"""

import re
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx2
import msgspec

from pod_sync import profile
from pod_sync.errors import PodForeign, PodRefused
from pod_sync.oidc import origin
from pod_sync.reach import Reach, Traffic, client
from pod_sync.refusals import refusal, unreachable
from pod_sync.session import Access
from vault.errors import UsageError

__all__ = ["open_pod", "revoke"]

_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class _Passwords(msgspec.Struct):
    login: str
    create: str = ""


class _Accounts(msgspec.Struct, rename="camel"):
    create: str
    pod: str = ""
    web_id: str = ""
    client_credentials: str = ""
    logout: str = ""


class _Controls(msgspec.Struct):
    password: _Passwords
    account: _Accounts


class _Index(msgspec.Struct):
    controls: _Controls


class _Login(msgspec.Struct):
    authorization: str


class _Made(msgspec.Struct):
    pod: str


class _Pods(msgspec.Struct):
    pods: dict[str, str]


class _Issued(msgspec.Struct):
    id: str
    secret: str


class _Credentials(msgspec.Struct, rename="camel"):
    client_credentials: dict[str, str]


_T = TypeVar("_T", bound=msgspec.Struct)


def open_pod(
    url: str,
    *,
    email: str,
    password: str,
    pod: str,
    label: str,
    transport: httpx2.BaseTransport | None = None,
) -> Access:
    """Return the way into a pod, made if need be with its account.

    Args:
        url: Address of the server.
        email: Whom the account belongs to, or is to.
        password: Its password, or what is to be it.
        pod: Name of the pod in its address.
        label: What this device's credentials are named for; older ones so named stay.
        transport: What carries requests, by default the network.

    Raises:
        UsageError: A name or the address is none.
        PodRefused: The password is wrong, the name is taken, or no accounts are made there.
        PodError: The server does not answer, or not as it should.
    """
    for name in (pod, label):
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name for a pod; take a-z, 0-9 and hyphens.")
    with _Account(url, transport) as account:
        account.enter(email, password)
        found = profile.find(account.pod(pod), transport=transport)
        issued = account.credentials(label, found.webid)
    return Access(
        url=found.storage,
        webid=found.webid,
        issuer=found.issuer,
        client_id=issued.id,
        secret=issued.secret,
    )


def revoke(
    url: str,
    *,
    email: str,
    password: str,
    client_id: str,
    kept: str,
    transport: httpx2.BaseTransport | None = None,
) -> bool:
    """Take credentials back at the server, and what earlier tries left; return if they were there.

    Args:
        url: Address of the server.
        email: Whom the account belongs to.
        password: Its password.
        client_id: The credentials that nobody is to use any more; "" for none.
        kept: Those that are used now: all others of the same label are taken back.
        transport: What carries requests, by default the network.

    Raises:
        PodRefused: The password is wrong, or no accounts are made there.
        PodError: The server does not answer, or not as it should.
    """
    with _Account(url, transport) as account:
        account.enter(email, password, create=False)
        return account.revoke(client_id, kept)


class _Account:
    """A conversation with the account API; it logs out at its end."""

    def __init__(self, url: str, transport: httpx2.BaseTransport | None) -> None:
        self._url = profile.address(url)
        self._client = client(Reach(self._url, Traffic(), transport))
        self._client.headers["Accept"] = "application/json"
        self._logout = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if self._logout and not error:
                self._ask("POST", self._logout)
        finally:
            self._client.close()

    def index(self) -> _Controls | None:
        """Return what can be done here, or None where there is no such API."""
        answer = self._ask("GET", str(self._url.join("/.account/")))
        try:
            return msgspec.json.decode(answer.content, type=_Index).controls
        except (ValueError, RecursionError):
            return None

    def _controls(self) -> _Controls:
        controls = self.index()
        if controls is None:
            raise PodRefused(
                f"{origin(self._url)} makes no accounts for the vault; give the name by which it "
                "knows itself (localhost, not 127.0.0.1), or make credentials on its own page, then "
                "link with the WebID and these."
            )
        return controls

    def enter(self, email: str, password: str, *, create: bool = True) -> None:
        """Log in; where that fails, make the account."""
        controls = self._controls()
        known = {"email": email, "password": password}
        answer = self._ask("POST", controls.password.login, known)
        wrong = PodRefused(
            f"{origin(self._url)} has an account of this e-mail address, and another password, or "
            "takes no such address; give the right one."
        )
        if answer.is_success:
            self._admit(answer)
            return
        if not create:
            raise wrong
        self._admit(self._expect(self._ask("POST", controls.account.create, {})))
        answer = self._ask("POST", self._controls().password.create, known)
        if answer.status_code == httpx2.codes.BAD_REQUEST:
            raise wrong
        self._expect(answer)

    def _admit(self, answer: httpx2.Response) -> None:
        token = self._decoded(answer, _Login).authorization
        self._client.headers["Authorization"] = f"CSS-Account-Token {token}"
        self._logout = self._controls().account.logout

    def pod(self, name: str) -> str:
        """Return the address of a pod of this account; it is made if there is none."""
        place = self._controls().account.pod
        pods = self._decoded(self._ask("GET", place), _Pods).pods
        for url in pods:
            own = self._own(url)
            if own.path.endswith(f"/{name}/") or own.host == f"{name}.{self._url.host}":
                return url
        answer = self._ask("POST", place, {"name": name})
        if answer.status_code in (httpx2.codes.BAD_REQUEST, httpx2.codes.CONFLICT):
            raise PodRefused(
                f"{origin(self._url)} has a pod named {name} of somebody else; choose another name."
            )
        made = self._decoded(answer, _Made).pod
        self._own(made)
        return made

    def _own(self, pod: str) -> httpx2.URL:
        """Return the address of a pod on this server: it is asked as if the owner had typed it."""
        url, server = self._url.join(pod), self._url
        own = url.host == server.host or url.host.endswith(f".{server.host}")
        if not own or (url.scheme, url.port) != (server.scheme, server.port):
            raise PodForeign(
                f"{origin(server)} makes pods at {origin(url)}; link that address with WebID and "
                "credentials, if it is the one that you mean."
            )
        return url

    def credentials(self, label: str, webid: str) -> _Issued:
        """Return new credentials."""
        place = self._controls().account.client_credentials
        return self._decoded(self._ask("POST", place, {"name": label, "webId": webid}), _Issued)

    def revoke(self, client_id: str, kept: str) -> bool:
        """Take credentials back, and all others of the label of those that are kept."""
        place, label = self._controls().account.client_credentials, kept.rpartition("_")[0]
        there = self._decoded(self._ask("GET", place), _Credentials).client_credentials
        for id_, resource in there.items():
            alike = label and id_.rpartition("_")[0] == label
            if id_ != kept and (alike or id_ == client_id):
                self._expect(self._ask("DELETE", resource))
        return client_id in there and client_id != kept

    def _ask(self, method: str, url: str, content: dict[str, str] | None = None) -> httpx2.Response:
        """Ask the server itself: what tells where else to go is not sent the password."""
        target = self._url.join(url)
        if origin(target) != origin(self._url):
            raise PodForeign(
                f"{origin(self._url)} calls itself {origin(target)}; give that address, if it "
                "is the one that you mean."
            )
        try:
            return self._client.request(method, target, json=content)
        except httpx2.TransportError as error:
            raise unreachable(error) from None

    def _expect(self, answer: httpx2.Response) -> httpx2.Response:
        if not answer.is_success:
            raise refusal(answer)
        return answer

    def _decoded(self, answer: httpx2.Response, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(self._expect(answer).content, type=kind)
        except (ValueError, RecursionError):
            raise PodRefused(
                f"{origin(self._url)} answers otherwise than an account's server of version 7; "
                "make credentials on its own page, then link with the WebID and these."
            ) from None
