"""What a mirror in a pod costs, against one resource an event and against bare downloads.

    python benchmarks/pod.py [--events N] [--large N] [--each N] [--server FOLDER]

Prints one JSON object. A Community Solid Server with its stock file backend runs on loopback for
it (`deploy/solid` installs it into `.solid`), and everything is asked of it by one process. Events
are notes of 500 random letters.

`mirror`: giving the log to an empty pod, announced and remembered; `unchanged`: finding out
that there is nothing to do; `restore`: making the vault again, every signature and hash checked,
without the views. `per_event`: one resource an event through plain solid-file on our session, one
after the other as its documentation has it, and with eight threads, which is as fast as it gets;
on fewer events, of 500 bytes, in containers of 500, without any check; that its rate holds for all
events is assumed in its favour. `download`: the bytes of the mirror, file by file, unverified.
`erasure`: a random hundredth of all items is erased, then the mirror is packed again.
"""

import argparse
import json
import os
import random
import string
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2

from console.solid_server import SolidServer
from pod_sync.account import open_pod
from pod_sync.index import path
from pod_sync.memory import Fleeting
from pod_sync.oidc import Credentials, SolidOIDC
from pod_sync.place import PodPlace
from pod_sync.session import Access, Session
from vault import mirrors, restoring
from vault.events import ItemCollected, ItemErased
from vault.items import Item
from vault.log import home
from vault.log.passphrase import Stretch
from vault.log.sealed import Draft, SealedLog

_CHEAP = Stretch(memory=64, passes=1, lanes=1)
_PASSPHRASE = "passphrase"
_SIZE = 500
_PAGE = 1000
_LETTERS = string.ascii_letters + string.digits
_MB = 1_000_000
GOALS = {
    "requests_per_MB": 0.3,
    "unchanged_requests": 1,
    "times_the_rate_of_one_resource_an_event": 1000,
    "restore_requests": 90,
    "times_the_time_of_a_download": 2.0,
}


def draft(number: int, chance: random.Random) -> Draft:
    """Return a note of random letters."""
    text = "".join(chance.choices(_LETTERS, k=_SIZE))
    item = Item(source="bench", native_id=str(number), type="document.note", text=text)
    return Draft(
        event=ItemCollected(item=item),
        scope=f"bench\x1f{number % 50}",
        natural_key=f"bench {number}".encode(),
        content=text.encode(),
    )


def filled(folder: Path, events: int) -> SealedLog:
    """Return a new log with so many notes."""
    chance = random.Random(7)
    log = home.create(folder / "home", _PASSPHRASE, folder / "recovery.txt", stretch=_CHEAP)
    for first in range(0, events, _PAGE):
        log.append([draft(n, chance) for n in range(first, min(first + _PAGE, events))])
    return log


class Cost:
    """Time and traffic of one thing."""

    def __init__(self, session: Session, work: Callable[[], Any]) -> None:
        before = (session.traffic.requests, session.traffic.sent, session.traffic.received)
        begun, spent = time.perf_counter(), time.process_time()
        self.result = work()
        self.seconds = time.perf_counter() - begun
        self.cpu = time.process_time() - spent
        now = (session.traffic.requests, session.traffic.sent, session.traffic.received)
        self.requests, self.sent, self.received = (
            new - old for new, old in zip(now, before, strict=True)
        )

    def told(self, events: int) -> dict[str, float]:
        """Return it with the rate in events."""
        return {
            "seconds": round(self.seconds, 2),
            "cpu_s": round(self.cpu, 2),
            "events_per_second": round(events / self.seconds),
            "requests": self.requests,
            "MB_sent": round(self.sent / _MB, 2),
            "MB_received": round(self.received / _MB, 2),
        }


def synced(session: Session, log: SealedLog, folder: Path, memory: Fleeting) -> None:
    """Give a log to the pod."""
    with PodPlace(session, log.feed.hex(), memory) as place:
        mirrors.give(log, folder / "home", place)
        place.settle(b"bench")


def restored(session: Session, folder: Path) -> int:
    """Make the vault again from the pod; return its number of entries."""
    with PodPlace(session, "", Fleeting()) as place:
        return restoring.restore(folder, place, _PASSPHRASE, "new").events


def downloaded(session: Session) -> int:
    """Read every file of the mirror once, in turn, and look at none; return their bytes."""
    with PodPlace(session, "", Fleeting()) as place:
        place.sizes()
        total = 0
        for one in sorted(place.counted()):
            found = session.get(place.root + path(*one.split("/")), most=1 << 31)
            assert found is not None
            total += len(found.body)
        return total


def mirrored(server: str, folder: Path, events: int) -> dict[str, Any]:
    """Mirror and restore a log, download it, erase a hundredth of it."""
    log = filled(folder, events)
    with Session(access_to(server)) as session:
        session.assert_owner()
        memory = Fleeting()
        mirror = Cost(session, lambda: synced(session, log, folder, memory))
        again = PodPlace(session, log.feed.hex(), memory)
        unchanged = Cost(session, lambda: again.is_settled(b"bench"))
        assert unchanged.result
        download = Cost(session, lambda: downloaded(session))
        restore = Cost(session, lambda: restored(session, folder / "new"))
        assert restore.result >= events
        second = Cost(session, lambda: downloaded(session))
        around = (download.seconds + second.seconds) / 2
        found = {
            "events": events,
            "mirror": mirror.told(events),
            "requests_per_MB": round(mirror.requests / (mirror.sent / _MB), 3),
            "unchanged_requests": unchanged.requests,
            "restore": restore.told(events),
            "download": {
                "seconds": [round(one.seconds, 2) for one in (download, second)],
                "cpu_s": [round(one.cpu, 2) for one in (download, second)],
            },
            "times_the_time_of_a_download": round(restore.seconds / around, 2),
            "erasure": erased(session, log, folder, memory, mirror),
        }
    log.close()
    return found


def erased(
    session: Session, log: SealedLog, folder: Path, memory: Fleeting, whole: Cost
) -> dict[str, float]:
    """Erase a random hundredth and give again; return what that cost."""
    ids = [
        entry.id
        for page in log.pages()
        for entry in page.entries
        if isinstance(entry.event, ItemCollected)
    ]
    chosen = random.Random(11).sample(ids, max(1, len(ids) // 100))
    log.append([Draft(event=ItemErased(item_ids=tuple(chosen)))])
    log.erase(chosen)
    cost = Cost(session, lambda: synced(session, log, folder, memory))
    return {
        "items": len(chosen),
        **cost.told(len(chosen)),
        "share_of_the_mirror_sent": round(cost.sent / whole.sent, 3),
        "bytes_sent_per_erased_byte": round(cost.sent / (len(chosen) * _SIZE)),
    }


# One resource an event.


def plain_solid_file(client: httpx2.Client) -> Any:  # noqa: ANN401 - an untyped library
    """Return solid-file's interface on a client of ours; it knows no login of this server."""
    sys.modules.setdefault("httpx", httpx2)  # which continues what it asks for
    login = import_module("solid.auth").Auth()
    login.client.close()
    login.client = client
    return import_module("solid.solid_api").SolidAPI(login)


def per_event(server: str, events: int) -> dict[str, Any]:
    """Write and read events as resources of their own through plain solid-file."""
    access = access_to(server)
    credentials = Credentials(
        issuer=access.issuer, client_id=access.client_id, secret=access.secret
    )
    content = [os.urandom(_SIZE) for _ in range(events)]
    found: dict[str, Any] = {"events": events}
    with httpx2.Client(auth=SolidOIDC(credentials), timeout=120, trust_env=False) as client:
        api = plain_solid_file(client)
        for name, threads in (("one_by_one", 1), ("eight_threads", 8)):
            urls = [f"{access.url}{name}/{n // _SIZE}/{n}.bin" for n in range(events)]

            def put(n: int, urls: list[str] = urls) -> None:
                api.put_file(urls[n], content[n], "application/octet-stream")

            def get(n: int, urls: list[str] = urls) -> None:
                assert api.get(urls[n]).content == content[n]

            found[name] = {
                "up_per_second": rate(put, events, threads),
                "down_per_second": rate(get, events, threads),
            }
    return found


def rate(work: Callable[[int], None], events: int, threads: int) -> float:
    """Return how often a second something is done, the first time left out."""
    work(0)
    begun = time.perf_counter()
    if threads == 1:
        for number in range(1, events):
            work(number)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(work, range(1, events)))
    return round((events - 1) / (time.perf_counter() - begun), 1)


# The server.


@contextmanager
def serving(installed: Path) -> Iterator[str]:
    """Give the address of a new server."""
    with (
        tempfile.TemporaryDirectory() as folder,
        SolidServer(Path(folder) / "pods", installed=installed) as server,
    ):
        yield server.url


def access_to(server: str) -> Access:
    """Return the way into a new pod."""
    name = f"bench{os.urandom(4).hex()}"
    return open_pod(server, email=f"{name}@ada.example", password=name, pod=name, label="benchmark")


def ratios(mirror: dict[str, Any], baseline: dict[str, Any]) -> dict[str, float]:
    """Return how many times as fast mirror and restore are as one resource an event."""
    found = {}
    for name in ("one_by_one", "eight_threads"):
        for step, way in (("mirror", "up"), ("restore", "down")):
            theirs = baseline[name][f"{way}_per_second"]
            found[f"{step}_to_{name}"] = round(mirror[step]["events_per_second"] / theirs)
        ours = sum(1 / mirror[step]["events_per_second"] for step in ("mirror", "restore"))
        each = sum(1 / baseline[name][f"{way}_per_second"] for way in ("up", "down"))
        found[f"both_to_{name}"] = round(each / ours)
    return found


def main() -> None:
    """Measure and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=0, help="a second mirror, of so many events")
    parser.add_argument("--each", type=int, default=300, help="events as resources of their own")
    parser.add_argument("--server", type=Path, default=Path(__file__).parents[1] / ".solid")
    given = parser.parse_args()
    with serving(given.server) as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        baseline = per_event(server, given.each)
        result: dict[str, Any] = {"benchmark": "pod", "bytes_an_event": _SIZE}
        for size, events in (("mirrored", given.events), ("large", given.large)):
            if events:
                (folder / size).mkdir()
                result[size] = mirrored(server, folder / size, events)
        result |= {
            "per_event": baseline,
            "times_the_rate_of_one_resource_an_event": ratios(result["mirrored"], baseline),
            "goals": GOALS,
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
