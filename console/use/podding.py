"""The owner's pod: linking it, keeping it up to date, coming back from it.

For the command line and the pages. Nothing here talks to the network but `link`, `sync`,
`scrub` and `restore`; `status` tells what this device remembers. Every error is a
`vault.errors.VaultError`; what the pod causes is a `pod_sync.errors.PodError`, and the vault
is then as it was.
"""

import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from console import bootstrap
from console.bootstrap import Twin
from console.papers import InPod, PodErasure, write_paper
from console.podkeeping import NOT_LINKED, LastSync
from console.use import cataloguing, entering, giving, mirroring
from console.use.entering import (
    ROOT,
    Account,
    Credentials,
    alone,
    by_credentials,
    entered,
    feed_of,
    mirror,
    on_page,
    reading,
    session,
)
from vault import mirrors, restoring
from vault.errors import NotFound, VaultError
from vault.events import PodLinked
from vault.mirrors import Given, Taken
from vault.proofs import differences
from vault.restoring import Restored

if TYPE_CHECKING:
    import httpx2

    from console.use.observing import Agreed
    from pod_sync.session import Session

__all__ = [
    "POD",
    "Account",
    "Came",
    "Credentials",
    "LastSync",
    "Linked",
    "PodStatus",
    "Scrubbed",
    "Synced",
    "accounted",
    "adopted",
    "carry_out",
    "is_newer",
    "link",
    "restore",
    "scrub",
    "session",
    "status",
    "sync",
    "witnessed",
]

Progress = Callable[[int, int], None]
"""Told (entries or files done, in all)."""

POD: Final = "pod"
"""What a person calls the linked pod where a file or folder might be named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """The pod that is linked now.

    `recovery_key_file` is the new page, from which the vault comes back; the page before
    opens nothing, unless the vault was opened with it. `before` is the pod that was linked
    earlier, empty without one; `revoked` whether its credentials were revoked at its server
    (other devices that used them link again), None where there were none.
    """

    url: str
    webid: str
    recovery_key_file: Path
    same_key: bool
    before: str
    revoked: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What came and went.

    `withheld` bodies stayed at home, because no permission lets them into the pod;
    `suspended` models had learned what is no longer permitted; `noticed` are edits of consent
    that others made in the pod, `documents` about consent and
    about what is there were written. The last three count HTTP requests and the bytes of their bodies.
    """

    url: str
    events: int
    checkpoint: str
    taken: Taken
    written: Given
    withheld: int
    suspended: tuple[str, ...]
    noticed: int
    documents: int
    requests: int
    sent: int
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PodStatus:
    """What this device knows of the pod, without asking it.

    `waiting` entries are not there yet; `owed` erasures were not carried out there yet.
    """

    url: str
    webid: str
    waiting: int
    owed: int
    last: LastSync | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """What was read again in the pod and verified, and what is wrong with it."""

    url: str
    files: int
    read: int
    entries: int
    problems: tuple[str, ...]
    requests: int
    received: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """A vault that came back from a pod, linked to it."""

    url: str
    restored: Restored
    requests: int
    received: int


# Linking.


def link(
    home: Path,
    secret: str,
    url: str,
    by: Account | Credentials,
    *,
    network: "httpx2.BaseTransport | None" = None,
) -> Linked:
    """Link a pod to a vault, and write a recovery page from which both come back.

    No other process may have the vault open, since it gets a new recovery key; the caller's
    own `Twin` is closed first. Where the secret is the recovery key or the page with it, the
    key stays and only the page is new. Linking again replaces the link.

    Args:
        home: The vault's folder.
        secret: What opens it.
        url: The server's address for an `Account`, else the address of the pod.
        by: How to get in.
        network: What carries requests, by default the machine's network.

    Raises:
        PodError: The pod does not let the owner in, or is not the owner's.
        Locked: The secret is wrong.
    """
    twin = bootstrap.open_(home, secret)
    try:
        twin.network = network
        before = twin.pod.way
        way = entered(twin, url, by)
        if before is None or (before.url, before.webid) != (way.url, way.webid):
            twin.vault.record(PodLinked(url=way.url, webid=way.webid))
        twin.pod.link(way)
    finally:
        twin.close()
    same_key = bootstrap.is_recovery_key(secret)
    written = (bootstrap.copy_of_page if same_key else bootstrap.new_recovery_page)(home, secret)
    # Until here the link and the page before it work, whatever failed.
    revoked = entering.revoked(url, by, before, way, network)
    return Linked(
        url=way.url,
        webid=way.webid,
        recovery_key_file=written,
        same_key=same_key,
        before=before.url if before else "",
        revoked=revoked,
    )


# Synchronising.


def sync(twin: Twin, progress: Progress | None = None) -> Synced:
    """Read what other devices wrote into the pod, and write what this one knows.

    Interrupted anywhere, doing it again goes on.

    Raises:
        NotFound: No pod is linked.
        PodError: The pod is away, or refuses.
        RolledBack: The pod knows more than this vault, or less than it knew.
        ForeignVault: It is another vault's, or under a newer owner key (`is_newer`).
        TamperError: Something there is damaged or missing; what was merged before stays.
    """
    with session(twin) as talk:
        return accounted(twin, talk, progress)


def accounted(
    twin: Twin, talk: "Session", progress: Progress | None = None, *, but: str = ""
) -> Synced:
    """Synchronise, and write down that erasures which were owed are carried out.

    Args:
        twin: The open vault.
        talk: The conversation with its pod.
        progress: Told (entries done, entries in all).
        but: A certificate that is not written yet, and says it by itself.
    """
    owed = twin.pod.owed
    done = _synced(twin, talk, progress)
    for certificate in owed:
        if certificate != but:
            paper = PodErasure(
                certificate=certificate,
                pod=done.url,
                at=twin.vault.now(),
                checkpoint=done.checkpoint,
            )
            write_paper(twin, f"{certificate}-pod", paper)
    twin.pod.paid(owed)
    return done


def _synced(twin: Twin, talk: "Session", progress: Progress | None = None) -> Synced:
    from console.use.observing import Documents  # noqa: PLC0415 — heavy

    way, before = twin.pod.linked, _counted(talk)
    documents = Documents(twin, talk, way.webid)
    twin.catch_up()
    with alone(twin), mirror(twin, talk) as place:
        last, head = twin.pod.last, twin.log.head
        suspended: tuple[str, ...] = ()
        catalogued = False
        settled = place.is_settled(giving.edition(twin)) and not twin.pod.owed
        agreed = [documents.agree()]
        if settled and last and twin.log.head == head:
            taken, given = Taken(), Given(withheld=last.withheld)
        else:
            settled = False
            taken, suspended = mirroring.take(twin, place, progress)
            if taken.entries:
                agreed.append(documents.agree())
            # Before the mirror, which settles: what fails here is done again by the next sync.
            present = giving.edition(twin)
            catalogued = cataloguing.publish(twin, talk, way.webid)
            given = giving.give(twin, place, present, progress)
    head, after = twin.log.head, _counted(talk)
    requests, sent, received = (now - then for now, then in zip(after, before, strict=True))
    done = Synced(
        url=way.url,
        events=head.size,
        checkpoint=head.root.hex(),
        taken=taken,
        written=given,
        withheld=given.withheld,
        suspended=tuple(dict.fromkeys(name for one in agreed for name in one.suspended))
        + suspended,
        noticed=sum(map(_heard, agreed)),
        documents=sum(one.written for one in agreed) + catalogued,
        requests=requests,
        sent=sent,
        received=received,
    )
    if not settled:
        twin.pod.note(_last(twin, done))
    return done


def _counted(talk: "Session") -> tuple[int, int, int]:
    return talk.traffic.requests, talk.traffic.sent, talk.traffic.received


def _heard(agreed: "Agreed") -> int:
    """Return how many edits of others there were."""
    return sum(
        len(edits) for edits in (agreed.tightened, agreed.loosened, agreed.paused, agreed.unread)
    )


def _last(twin: Twin, done: Synced) -> LastSync:
    return LastSync(
        at=twin.vault.now(),
        events=done.events,
        checkpoint=done.checkpoint,
        withheld=done.withheld,
        requests=done.requests,
        sent=done.sent,
        received=done.received,
    )


def is_newer(twin: Twin) -> bool:
    """Whether another device replaced the owner key, as the pod tells.

    Raises:
        NotFound: No pod is linked.
        PodError: The pod is away, or refuses.
    """
    with session(twin) as talk, alone(twin), mirror(twin, talk) as place:
        return bool(place.sizes()) and mirrors.is_newer(twin.log, place)


def adopted(
    home: Path, secret: str, new_secret: str, *, network: "httpx2.BaseTransport | None" = None
) -> Twin:
    """Take over the owner key that another device made, and open the vault with it."""
    way = bootstrap.way_into_pod(home.absolute(), secret)
    if way is None:
        raise NotFound(NOT_LINKED)
    with reading(way, network) as (_, place):
        mirrors.adopt(home, secret, place, new_secret)
    twin = bootstrap.open_(home, new_secret)
    twin.network = network
    return twin


# Erasing.


def carry_out(twin: Twin, certificate: str) -> InPod | None:
    """Take what was erased out of the pod at once, or note that the next sync is to.

    Returns:
        None where no pod is linked.
    """
    way = twin.pod.way
    if way is None:
        return None
    twin.pod.owe(certificate)
    try:
        with session(twin) as talk:
            accounted(twin, talk, but=certificate)
    except VaultError:
        # Whatever keeps the pod from it, the vault has erased, and the debt is noted.
        return InPod(pod=way.url, erased=False)
    return InPod(pod=way.url, erased=True)


# Telling.


def status(twin: Twin) -> PodStatus:
    """Say what this device knows of its pod, without asking the pod.

    Raises:
        NotFound: No pod is linked.
    """
    from pod_sync import memory  # noqa: PLC0415 — heavy

    way = twin.pod.linked
    sizes = {device.feed: device.entries for device in mirrors.devices(twin.log)}
    known = memory.status(twin.pod, way.url + ROOT, feed_of(twin), sizes)
    return PodStatus(
        url=way.url,
        webid=way.webid,
        waiting=sum(known.waiting.values()),
        owed=len(twin.pod.owed),
        last=twin.pod.last,
    )


def witnessed(twin: Twin, address: str) -> tuple[str, ...]:
    """Compare the log with the checkpoints in the pod; return what differs.

    Args:
        twin: The open vault.
        address: `pod`, or the address of the linked one.

    Raises:
        NotFound: No pod is linked, not this one, or nothing is there.
        PodError: The pod is away, or refuses.
        RolledBack: It is older than one seen before.
        TamperError: No device of this vault signed what is there.
    """
    url = twin.pod.linked.url
    if address != POD and address.rstrip("/") != url.rstrip("/"):
        raise NotFound(f"{address} is not the linked pod, which is {url}.")
    with session(twin) as talk, alone(twin), mirror(twin, talk) as place:
        return tuple(differences(twin.log, place))


def scrub(twin: Twin, share: float = 1.0, progress: Progress | None = None) -> Scrubbed:
    """Read a share of what is in the pod again, and verify it.

    All of it: what is damaged is taken out too, and the next sync writes it again.

    Raises:
        NotFound: No pod is linked, or it holds no mirror.
        PodError: The pod is away, or refuses.
    """
    from pod_sync import access  # noqa: PLC0415 — heavy
    from pod_sync import scrub as scrubbing  # noqa: PLC0415

    with session(twin) as talk, alone(twin), mirror(twin, talk) as place:
        access.enclose(talk, ROOT)  # somebody may have opened it since it was linked
        if share >= 1:
            whole = scrubbing.scrub(place, twin.secret, progress)
            files, read, entries = whole.files, whole.read, whole.entries
            gone = (f"{one} is damaged; the next sync writes it again." for one in whole.damaged)
            problems = tuple(dict.fromkeys((*whole.problems, *gone)))
        else:
            part = restoring.check(place, twin.secret, share, progress)
            files, read, entries, problems = part.files, part.read, part.entries, part.problems
        return Scrubbed(
            url=talk.url,
            files=files,
            read=read,
            entries=entries,
            problems=problems,
            requests=talk.traffic.requests,
            received=talk.traffic.received,
        )


# Coming back.


def restore(
    home: Path,
    url: str,
    secret: str,
    name: str = "",
    *,
    by: Credentials | None = None,
    progress: Progress | None = None,
    network: "httpx2.BaseTransport | None" = None,
) -> Came:
    """Make a vault from its pod, as a new device, and keep the pod linked.

    The new device uses the credentials of the page, as the one before does: whoever links the
    pod again on one of them has to link it on the other.

    Args:
        home: The new folder.
        url: The address of the pod, or of its server.
        secret: The text of the recovery page; with `by`, the recovery key or the passphrase.
        name: What the owner calls the device.
        by: How to get in, where the page does not say it.
        progress: Told (entries done, entries in all).
        network: What carries requests, by default the machine's network.

    Raises:
        UsageError: The page names another pod, or none and nothing else does.
        PodError: The pod is away, or refuses.
        TamperError: Something is damaged or missing; nothing was made.
    """
    way = by_credentials(url, by, network) if by else on_page(secret, url)
    called = name or platform.node() or "restored"
    with reading(way, network) as (talk, place):
        restored = restoring.restore(home, place, secret, called, progress)
        traffic = talk.traffic
    twin = bootstrap.open_(home, secret)
    try:
        twin.network = network
        twin.pod.link(way)
        twin.catch_up()
        with suppress(VaultError), session(twin) as talk, alone(twin), mirror(twin, talk) as place:
            place.sizes()
            place.settle(b"")  # what is there is remembered, for `status`; nothing is settled
    finally:
        twin.close()
    return Came(
        url=way.url, restored=restored, requests=traffic.requests, received=traffic.received
    )
