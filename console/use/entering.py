"""Ways into the owner's pod: by an account, by credentials that she made, by the recovery page."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from console import bootstrap
from console.bootstrap import Twin
from console.podkeeping import Way
from vault.disk import exclusive, storage
from vault.errors import UsageError

if TYPE_CHECKING:
    import httpx2

    from pod_sync.place import PodPlace
    from pod_sync.session import Session

__all__ = [
    "ROOT",
    "Account",
    "Credentials",
    "alone",
    "by_credentials",
    "entered",
    "feed_of",
    "mirror",
    "on_page",
    "reading",
    "revoked",
    "session",
]

ROOT: Final = "twinvault/"
_LOCK: Final = "pod.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account on a server of the owner's, made where there is none, and a pod of it."""

    email: str
    password: str = field(repr=False)
    pod: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Client credentials that the owner made for a WebID of hers.

    An empty `issuer` is read from the WebID's profile.
    """

    webid: str
    client_id: str
    secret: str = field(repr=False)
    issuer: str = ""


def entered(twin: Twin, url: str, by: Account | Credentials) -> Way:
    """Return the way into a pod that takes the vault for its owner.

    The mirror's folder is there then, and nobody else reaches it.

    Raises:
        PodError: The pod does not let the owner in, or is not the owner's.
    """
    from pod_sync import access, account  # noqa: PLC0415 — heavy
    from pod_sync.session import Session  # noqa: PLC0415

    if isinstance(by, Credentials):
        way = by_credentials(url, by, twin.network)
    else:
        way = Way.of(
            account.open_pod(
                url,
                email=by.email,
                password=by.password,
                pod=by.pod,
                label=f"twinvault-{feed_of(twin)}",
                transport=twin.network,
            )
        )
    with Session(way.access, transport=twin.network) as talk:
        access.enclose(talk, ROOT)
    return way


def feed_of(twin: Twin) -> str:
    """Return what this device is called in the mirror."""
    return twin.log.public_key[:8].hex()


def by_credentials(url: str, by: Credentials, network: "httpx2.BaseTransport | None") -> Way:
    """Return the way into the pod at an address.

    Raises:
        PodError: There is none, or it is somebody else's.
    """
    from pod_sync import profile  # noqa: PLC0415 — heavy
    from pod_sync.errors import PodRefused  # noqa: PLC0415

    found = profile.find(url, webid=by.webid, issuer=by.issuer, transport=network)
    typed = str(profile.address(url))
    if typed != by.webid and not (
        typed.startswith(found.storage) or found.storage.startswith(typed)
    ):
        raise PodRefused(
            f"{typed} is no pod of {found.webid}, whose pod is {found.storage}; give that "
            "address, or the WebID whose pod you mean and credentials of it."
        )
    return Way(
        url=found.storage,
        webid=found.webid,
        issuer=found.issuer,
        client_id=by.client_id,
        secret=by.secret,
    )


def revoked(
    url: str,
    by: Account | Credentials,
    before: Way | None,
    way: Way,
    network: "httpx2.BaseTransport | None",
) -> bool | None:
    """Revoke the credentials that were used before, as far as this account can.

    Returns:
        Whether they were; None where there were none before.
    """
    from pod_sync import account  # noqa: PLC0415 — heavy
    from pod_sync.errors import PodError  # noqa: PLC0415

    done = False
    if isinstance(by, Account):
        with suppress(PodError):
            done = account.revoke(
                url,
                email=by.email,
                password=by.password,
                client_id=before.client_id if before else "",
                kept=way.client_id,
                transport=network,
            )
    return done if before else None


def on_page(page: str, url: str) -> Way:
    """Return the way into a pod that a recovery page holds.

    Raises:
        UsageError: It holds none, or one into another pod than the address says.
        TamperError: What it holds does not belong to its key.
    """
    from pod_sync import profile  # noqa: PLC0415 — heavy

    way = bootstrap.way_on_page(page)
    if way is None:
        raise UsageError(
            "This page leads to no pod; name a page that `twin pod link` made, or WebID and "
            "credentials."
        )
    if not way.url.startswith(str(profile.address(url)).rstrip("/") + "/"):
        raise UsageError(f"This page leads to another pod ({way.url}); name that address.")
    return way


@contextmanager
def alone(twin: Twin) -> Iterator[None]:
    """Keep this device's other processes, and threads, from synchronising meanwhile.

    Two that wrote as one device at once would look like a device and its copy.
    """
    with storage("The vault's folder"), exclusive(twin.home / _LOCK):
        yield


@contextmanager
def session(twin: Twin) -> "Iterator[Session]":
    """Begin a conversation with the linked pod.

    Raises:
        NotFound: No pod is linked.
    """
    from pod_sync.session import Session  # noqa: PLC0415 — heavy

    with Session(twin.pod.linked.access, transport=twin.network) as talk:
        yield talk


@contextmanager
def mirror(twin: Twin, talk: "Session") -> "Iterator[PodPlace]":
    """Open the mirror in the pod, as this device."""
    from pod_sync.place import PodPlace  # noqa: PLC0415 — heavy

    with PodPlace(talk, feed_of(twin), twin.pod, ROOT) as place:
        yield place


@contextmanager
def reading(
    way: Way, network: "httpx2.BaseTransport | None"
) -> "Iterator[tuple[Session, PodPlace]]":
    """Read a pod of which this device remembers nothing."""
    from pod_sync.memory import Fleeting  # noqa: PLC0415 — heavy
    from pod_sync.place import PodPlace  # noqa: PLC0415
    from pod_sync.session import Session  # noqa: PLC0415

    with Session(way.access, transport=network) as talk:
        talk.assert_owner()
        with PodPlace(talk, "", Fleeting(), ROOT) as place:
            yield talk, place
