"""A site for tests: the server's app in this process, with a browser's headers."""

import time
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from console.pages.app import build
from console.pages.door import Door
from console.pages.sessions import Sessions
from tests.forked import Forked
from tests.helpers import PASSPHRASE
from tests.pages import browser

ORIGIN = "http://127.0.0.1:8642"


@dataclass
class Site:
    """One vault's pages, entered and unlocked; `command` runs `twin` on the same vault."""

    client: TestClient
    command: Forked

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> Any:
        return self.client.post(path, data=data or {"nothing": ""}, **more)

    def part(self, path: str, **more: Any) -> Any:
        """What htmx would be given."""
        return self.client.get(path, headers={"HX-Request": "true"}, **more)

    def unlock(self) -> None:
        answer = self.post("/unlock", {"passphrase": PASSPHRASE})
        assert answer.status_code == 303, answer.text


@pytest.fixture
def site(vault, tmp_path):
    """The pages of an empty vault, unlocked; redirects are not followed."""
    del tmp_path
    yield from _site(vault)


def _site(command):
    sessions = Sessions("twin-test")
    app = build(command.home, Door(origins=(ORIGIN,)), sessions)
    headers = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
    with TestClient(app, base_url=ORIGIN, headers=headers, follow_redirects=False) as client:
        client.get(f"/enter/{sessions.link()}")
        made = Site(client, command)
        if command.home.exists():
            made.unlock()
        yield made


@pytest.fixture
def here(monkeypatch):
    """Say in which zone this computer stands."""

    def stands(zone):
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield stands
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="module")
def chromium():
    """A real browser; begun once a module, as its loop keeps this thread from running another."""
    if not (browser.CHROMIUM.exists() and browser.AXE.exists()):
        pytest.skip("Chromium or axe-core is not there: make browser")
    with browser.chromium() as running:
        yield running


@pytest.fixture
def browser_site(chromium, vault):
    """The pages of an empty vault in a real browser, unlocked; see `tests.pages.browser`."""
    with browser.browsing(chromium, Forked(vault.home, vault.passphrase_file, vault.cwd)) as site:
        yield site
