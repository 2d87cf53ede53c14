"""Pods to test with: in this process (`fake`), and on a real server (`solid`, `pod`)."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pod_sync.session import Access
from tests.pod_sync.fake import FakePod
from tests.pod_sync.naps import Naps
from tests.pod_sync.placing import Died, Pod
from tests.pod_sync.pods import new_pod
from tests.pod_sync.server import shared_server
from vault import points


@pytest.fixture
def fake() -> FakePod:
    """A server in this process."""
    return FakePod()


@pytest.fixture
def fake_access(fake: FakePod) -> Access:
    """A new pod on it."""
    return new_pod(fake.url, fake)


@pytest.fixture
def fake_mirror() -> Pod:
    """A new pod on a server in this process, and its owner's devices, which mirror into it."""
    return Pod()


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the process die when it reaches a named point for the n-th time."""

    def at(name: str, count: int = 1) -> None:
        left = [count]

        def reached(point: str) -> None:
            left[0] -= point == name
            if point == name and not left[0]:
                raise Died

        monkeypatch.setattr(points, "reached", reached)

    return at


@pytest.fixture(scope="session")
def solid_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the real server's files are, one for all workers of a run."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    return base / "solid"


@pytest.fixture(scope="session")
def solid(solid_folder: Path) -> Iterator[str]:
    """The address of a real server."""
    with shared_server(solid_folder) as url:
        if url is None:
            pytest.skip("no Solid server is installed: deploy/solid")
        yield url


@pytest.fixture
def pod(solid: str) -> Access:
    """A new pod on the real server."""
    return new_pod(solid)


@pytest.fixture
def naps() -> Naps:
    """What a session waited."""
    return Naps()
