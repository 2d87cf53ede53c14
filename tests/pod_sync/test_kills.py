"""Whoever dies in the middle of a sync, client, server or connection: the next sync heals.

At a byte of the traffic that is drawn anew for every round the connection is cut, the client
killed, or the server, whose stock file backend keeps what had arrived as if it were whole.
"""

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from pod_sync.errors import PodError
from pod_sync.session import Access
from tests.pod_sync.pods import new_pod
from tests.pod_sync.proxy import Detour, FaultProxy
from tests.pod_sync.server import Server
from tests.pod_sync.syncing import PASSPHRASE, Device, draft, forget, numbers, place_of
from vault import restoring
from vault.errors import NotFound

LONG = os.environ.get("TWINVAULT_LONG") == "1"
ROUNDS = 200 if LONG else 20

pytestmark = [pytest.mark.pod, *([pytest.mark.slow] if LONG else []), pytest.mark.timeout(3_600)]
SERVER_KILLS = 10
"""Every how many rounds the server dies: it takes seconds to come back."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    try:
        server = Server(tmp_path_factory.mktemp("killed"))
    except NotFound:
        pytest.skip("no Solid server is installed: deploy/solid")
    with server:
        yield server


def in_child(work: Callable[[], object]) -> int:
    """Run work in a process of its own; return its id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        with suppress(PodError):
            work()
        status = 0
    finally:
        os._exit(status)


def spoiled_sync(one: Device, access: Access, server: Server, kind: str, after: int) -> bool:
    """Sync in a child, and spoil it once `after` bytes went to the server; whether it was."""
    child: list[int] = []
    tripped: list[bool] = []

    def trip() -> None:
        tripped.append(True)
        if kind == "client":
            os.kill(child[0], signal.SIGKILL)
        if kind == "server":
            server.kill()

    def work() -> None:
        one.reopen()
        one.sync(access, Detour(proxy.port))

    one.log.close()  # a connection to SQLite does not survive a fork
    with FaultProxy(server.port, trip=trip, after=after) as proxy:
        child.append(in_child(work))
        status = os.waitstatus_to_exitcode(os.waitpid(child[0], 0)[1])
    assert status == (-signal.SIGKILL if tripped and kind == "client" else 0)
    return bool(tripped)


def on_disk(server: Server, access: Access) -> dict[str, int]:
    """What is in the server's folder of the mirror's files, whether an index names it or not."""
    pod = server.data / access.url.removeprefix(server.url)
    files = (pod / "twinvault" / "files").rglob("*-*")
    return {path.name.partition("$")[0]: path.stat().st_size for path in files if path.is_file()}


def sound(access: Access, server: Server) -> None:
    """All that is in the pod is whole and counts, and it is all that the device has."""
    with place_of(access) as place:
        assert restoring.check(place, PASSPHRASE, 1.0).problems == ()
        assert place.sizes() == on_disk(server, access), "nothing else is left behind"


@pytest.mark.parametrize("share", range(ROUNDS // 20))
def test_whatever_dies_in_a_sync_nothing_short_is_taken_and_the_next_one_heals(
    server, tmp_path, share
):
    draw = random.Random(f"kills {share}")
    access = new_pod(server.url)
    one = Device.new(tmp_path / "one")
    one.sync(access)
    spoiled = 0
    for number in range(20):
        one.log.append([draft(number * 4 + n, draw.randbytes(4000).hex()) for n in range(4)])
        if number % 5 == 4:
            forget(one.log, [draw.choice(one.ids())])
        kind = "server" if number % SERVER_KILLS == 7 else draw.choice(["client", "cut"])
        spoiled += spoiled_sync(one, access, server, kind, draw.randrange(40_000))
        if kind == "server":
            server.start()
        one.reopen()
        one.sync(access)
        sound(access, server)
    assert spoiled >= 15
    other = Device.restored(tmp_path / "other", access)
    assert numbers(other.log) == numbers(one.log)
    assert len(numbers(one.log)) == 80
    one.drop()
    other.drop()
