"""Over a network that fails in every way, what was written is there, whole, and counts."""

import hashlib

import httpx2
import pytest

from pod_sync.errors import PodError
from pod_sync.memory import Fleeting
from pod_sync.session import Access
from tests.pod_sync.proxy import Detour, Fault, FaultProxy, Plan, chance
from tests.pod_sync.syncing import place_of

FEED = "0123456789abcdef"
BODIES = [bytes([n]) * (n * 3000 + 1) for n in range(6)]

pytestmark = pytest.mark.pod


def named(body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()[:32]
    return f"parcel-{FEED}-1-{digest}-{len(body)}-{digest}"


def write_over(access: Access, memory: Fleeting, plan: Plan) -> list[Fault]:
    """Write all files as one device, three at a time; return what was spoiled."""
    port = httpx2.URL(access.url).port
    assert port
    with FaultProxy(port, plan) as proxy:
        with place_of(access, FEED, memory, Detour(proxy.port)) as place:
            place.sizes()
            for number, body in enumerate(BODIES):
                place.write(named(body), body)
                if number % 3 == 2:
                    place.flush()
        return proxy.spoiled


def is_all_there(access: Access) -> bool:
    with place_of(access) as place:
        assert place.sizes() == {named(body): len(body) for body in BODIES}
        assert [place.read(named(body)) for body in BODIES] == BODIES
    return True


@pytest.mark.parametrize("fault", Fault, ids=lambda one: one.name.lower().replace("_", " "))
def test_a_device_gets_over_every_fault_or_finishes_the_next_time(pod, fault):
    memory, plan = Fleeting(), chance(fault.value, 0.3, (fault,))
    try:
        assert set(write_over(pod, memory, plan)) == {fault}
    except PodError:
        write_over(pod, memory, lambda *_: None)
    assert is_all_there(pod)


@pytest.mark.parametrize("seed", range(2))
def test_so_it_does_where_every_second_request_meets_another_fault(pod, seed):
    memory = Fleeting()
    try:
        write_over(pod, memory, chance(seed, 0.5))
    except PodError:
        write_over(pod, memory, lambda *_: None)
    assert is_all_there(pod)
