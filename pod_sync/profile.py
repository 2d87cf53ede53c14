"""Whose pod it is: WebID, identity provider and storage, found from any one address.

What is found is said by documents on other people's servers. So the addresses they name are
asked over https and at public addresses only, and a document counts only where it was found:
nothing that sends on to another server is followed. Solid Protocol §4, Solid WebID Profile.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

import httpx2
import rdflib

from pod_sync.errors import PodForeign, PodRefused
from pod_sync.headers import links
from pod_sync.oidc import origin
from pod_sync.rdf import FORMATS, READABLE, parsed
from pod_sync.reach import Reach, Traffic, client
from pod_sync.refusals import refusal, unreachable
from vault.errors import UsageError

__all__ = ["Profile", "address", "find"]

_SOLID: Final = rdflib.Namespace("http://www.w3.org/ns/solid/terms#")
_PIM: Final = rdflib.Namespace("http://www.w3.org/ns/pim/space#")
_STORAGE: Final = str(_PIM.Storage)
_OWNER: Final = str(_SOLID.owner)
_DESCRIPTION: Final = str(_SOLID.storageDescription)
_TYPE: Final = "type"
_CARD: Final = "profile/card"
"""Where the common servers keep the profile of a pod's owner."""
_HOST: Final = re.compile(r"[\w.:-]+")
_HOPS: Final = 3
_DEEPEST: Final = 8
"""Containers that are climbed from a document to the root of its storage."""


class Profile(NamedTuple):
    """Who owns a pod, who vouches for her, and where the pod lies."""

    webid: str
    issuer: str
    storage: str


def address(typed: str) -> httpx2.URL:
    """Return what the owner typed as an address: https unless she says otherwise.

    Raises:
        UsageError: It is none.
    """
    text = typed.strip()
    try:
        url = httpx2.URL(text if "://" in text else f"https://{text}")
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if (
        url.scheme not in ("http", "https")
        or url.userinfo
        or url.query
        or not _HOST.fullmatch(url.host)
    ):
        raise UsageError("That is no address of a pod; give one as https://pod.example/me/.")
    return url


def find(
    typed: str,
    *,
    webid: str = "",
    issuer: str = "",
    transport: httpx2.BaseTransport | None = None,
) -> Profile:
    """Return whose pod it is.

    Args:
        typed: Address of the pod, or the WebID of its owner.
        webid: Her WebID, where she says it beside the address of the pod.
        issuer: The identity provider to take, where the profile names several.
        transport: What carries requests, by default the network.

    Raises:
        UsageError: That is no address.
        PodRefused: No pod is found from there, or more than one.
        PodForeign: It leads to where the owner did not send the vault.
        PodUnreachable: Nothing answers there.
    """
    url = address(typed)
    with client(Reach(url, Traffic(), transport)) as asked:
        return _Search(asked, url, address(webid) if webid else url).found(issuer)


class _Search:
    def __init__(self, asked: httpx2.Client, typed: httpx2.URL, start: httpx2.URL) -> None:
        self._client = asked
        self._typed = typed
        self._start = start

    def found(self, issuer: str) -> Profile:
        webid, answer, graph = self._profile()
        node = rdflib.URIRef(webid)
        storage = self._storage(answer, sorted(map(str, graph.objects(node, _PIM.storage))))
        issuers = sorted(map(str, graph.objects(node, _SOLID.oidcIssuer)))
        return Profile(webid, _chosen(issuers, issuer, storage), storage)

    def _profile(self) -> tuple[str, httpx2.Response, rdflib.Graph]:
        """Return the WebID that the address is, or leads to, and its document."""
        first = self._ask("GET", self._start)
        answers = [(self._start, first)]
        answers += [(url, self._ask("GET", url)) for url in _owners(self._start, first)]
        for url, answer in answers:
            if answer.is_success and _media_type(answer) in FORMATS:
                graph = parsed(answer.content, _media_type(answer), str(answer.url))
                if webid := _webid(graph, url, answer.url):
                    return webid, answer, graph
        if first.is_server_error and not self._typed.host.startswith("127."):
            raise refusal(first)
        raise PodRefused(
            f"No pod is found at {self._start}; give the WebID of its owner or the root of the "
            "pod, under the name by which its server knows itself (localhost, not 127.0.0.1)."
        )

    def _storage(self, profile: httpx2.Response, named: list[str]) -> str:
        """Return the root of the storage: as the profile says, or else as the server does."""
        typed = str(self._typed)
        candidates = named or self._described(profile) or self._above(profile.url)
        candidates = candidates or self._above(self._typed)
        candidates = [url for url in candidates if typed.startswith(url)] or candidates
        if len(candidates) != 1:
            which = ", ".join(candidates) or "none"
            raise PodRefused(
                f"{typed} leads to no single pod ({which}); give the address of the one to use."
            )
        (root,) = candidates
        url = _named(root)
        if str(url) != root or url.query or url.fragment or not url.path.endswith("/"):
            raise PodRefused(f"{root} is no root of a pod; correct it in the profile.")
        self._ask("HEAD", url)
        return root

    def _described(self, profile: httpx2.Response) -> list[str]:
        """Return the storage that its description names (Solid Protocol §4.1)."""
        for rel, url in links(profile):
            if rel == _DESCRIPTION and origin(url) == origin(profile.url):
                answer = self._ask("GET", url)
                if answer.is_success:
                    graph = parsed(answer.content, _media_type(answer), str(url))
                    roots = map(str, graph.subjects(rdflib.RDF.type, _PIM.Storage))
                    return sorted(root for root in roots if str(profile.url).startswith(root))
        return []

    def _above(self, url: httpx2.URL) -> list[str]:
        """Climb until a container says that it is a storage."""
        for _ in range(_DEEPEST):
            url = url.join("../" if url.path.endswith("/") else "./")
            if (_TYPE, _STORAGE) in {(rel, str(to)) for rel, to in links(self._ask("HEAD", url))}:
                return [str(url)]
        return []

    def _ask(self, method: str, url: httpx2.URL) -> httpx2.Response:
        """Ask one server; where it sends on to is followed on that server alone."""
        url = url.copy_with(fragment=None)
        for _ in range(_HOPS):
            try:
                answer = self._client.request(method, url, headers={"Accept": READABLE})
            except httpx2.TransportError as error:
                raise unreachable(error) from None
            if answer.next_request is None:
                return answer
            onward = answer.next_request.url
            if origin(onward) != origin(url):
                raise PodForeign(
                    f"{url} redirects to {origin(onward)}, which is not followed; give the "
                    "address that is meant."
                )
            url = onward
        raise PodRefused(f"{self._typed} redirects in a circle; check the address.")


def _owners(typed: httpx2.URL, answer: httpx2.Response) -> Iterator[httpx2.URL]:
    """Yield where the profile of a pod's owner may lie."""
    for rel, url in links(answer):
        if rel == _OWNER:
            yield url
    if typed.path.endswith("/"):
        yield typed.join(_CARD)


def _webid(graph: rdflib.Graph, asked: httpx2.URL, final: httpx2.URL) -> str:
    """Return the one WebID that a document vouches for; "" where it has none.

    What it says of WebIDs that lie elsewhere is hearsay.
    """
    here = {str(url.copy_with(fragment=None)) for url in (asked, final)}
    named = {str(node) for node in graph.subjects(_SOLID.oidcIssuer)}
    own = {webid for webid in named if webid.partition("#")[0] in here}
    if asked.fragment:
        own &= {str(asked)}
    return own.pop() if len(own) == 1 else ""


def _chosen(issuers: list[str], wanted: str, storage: str) -> str:
    """Return the identity provider to log in with: one that the profile names."""
    if wanted:
        named = [issuer for issuer in issuers if issuer.rstrip("/") == wanted.rstrip("/")]
    else:
        near = [issuer for issuer in issuers if storage.startswith(issuer.rstrip("/") + "/")]
        named = near or issuers
    if len(named) != 1:
        raise PodRefused(
            f"The WebID's profile names these identity providers: {', '.join(issuers)}; say "
            "which of them gave the credentials."
        )
    _named(named[0])
    return named[0]


def _named(text: str) -> httpx2.URL:
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if not _HOST.fullmatch(url.host):
        raise PodRefused(f"{text!r} is no address; correct it in the profile.")
    return url


def _media_type(answer: httpx2.Response) -> str:
    return answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
