"""A real browser on a real server: what it reports, and what every page must be in it."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, BrowserContext, Page, Response, sync_playwright

from console.pages.app import build
from console.pages.door import Door
from console.pages.sessions import Sessions
from tests.helpers import PASSPHRASE, Command

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / ".browser" / "node_modules" / "axe-core" / "axe.min.js"
DESKTOP = {"width": 1360, "height": 860}
PHONE = {"width": 390, "height": 844}
# No first-run page, nothing fetched for itself: what is asked for is what the pages ask for.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass
class BrowserSite:
    """One vault's pages in a real browser, entered and unlocked.

    `troubles` is what the browser complained of, or did that it should not have: errors on the
    console (a broken Content Security Policy among them), dialogs, requests to elsewhere.
    """

    command: Command
    app: FastAPI
    base: str
    context: BrowserContext
    page: Page
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str) -> Response:
        """Go to a page."""
        answer = self.page.goto(self.base + path)
        assert answer
        return answer

    def watched(self, page: Page) -> Page:
        """Note what a page's browser tab complains of."""
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.troubles.append(f"page error: {error}"))
        page.on("dialog", self._asked)
        return page

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.troubles.append(f"console {message.type}: {message.text}")

    def _asked(self, dialog: Any) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.base + "/", "data:", "blob:", "about:")):
            self.troubles.append(f"request to elsewhere: {request.url}")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def browsing(browser: Browser, command: Command, **look: Any) -> Iterator[BrowserSite]:
    """Serve a vault's pages and enter them, as the person does who started the server.

    Args:
        browser: The browser.
        command: The command line of the vault.
        **look: How the browser is: `viewport`, `color_scheme` and the like.
    """
    with serving(command.home) as (base, app):
        context = browser.new_context(**({"viewport": DESKTOP} | look))
        context.set_default_timeout(20_000)
        site = BrowserSite(command, app, base, context, context.new_page())
        context.on("request", site._requested)
        site.watched(site.page)
        if app.state.keeper.exists:
            app.state.keeper.unlock(PASSPHRASE)
        site.open(f"/enter/{app.state.sessions.link()}")
        try:
            yield site
        finally:
            context.close()


@contextmanager
def serving(home: Path) -> Iterator[tuple[str, FastAPI]]:
    """Serve a vault's pages on loopback, in a thread of this process; yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        app = build(home, Door(origins=(base,)), Sessions("twin-test"))
        config = uvicorn.Config(
            app, access_log=False, log_level="warning", timeout_graceful_shutdown=1, ws="none"
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            yield base, app
        finally:
            server.should_exit = True
            thread.join()
