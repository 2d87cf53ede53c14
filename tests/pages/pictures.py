"""`make pictures`: what every page looks like, to be looked at; the best go into docs/pictures.

The vault in them holds the sample exports of `console/sample`, whose people are invented.
"""

import argparse
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser

from tests.forked import Forked
from tests.helpers import Command
from tests.pages import browser, roaming
from tests.pages.filling import beyond_links

_ROOT = Path(__file__).parents[2]
_SAMPLE = _ROOT / "console" / "sample"
_ME = ("Hedy Marlowe", "hedy.marlowe@example.org", "h.marlowe@wyllmuseum.example")
_LOOKS: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": browser.DESKTOP, "color_scheme": "light"},
    "desktop-dark": {"viewport": browser.DESKTOP, "color_scheme": "dark"},
    "phone": {"viewport": browser.PHONE, "color_scheme": "light"},
    "phone-dark": {"viewport": browser.PHONE, "color_scheme": "dark"},
}
# What the documentation shows: the page, how it is looked at, and the picture's name.
_SHOWN = {
    ("/consent", "desktop"): "consent",
    ("/consent", "desktop-dark"): "consent-dark",
    ("/training/{run}", "desktop"): "training",
    ("/training/{run}", "desktop-dark"): "training-dark",
    ("/forget/certificates/{name}", "desktop"): "certificate",
    ("/forget/certificates/{name}", "desktop-dark"): "certificate-dark",
}
_QUESTION = "When do we row on tuesdays?"
_PERSON = "Jonah Webb"
_OTHERS = ("message.chat.direct.received", "message.chat.group.received", "message.email.received")
_PATIENCE = 1800.0
_COLOURS = 96
_SETTLED = 600


def main() -> None:
    """Fill a vault, and take pictures of all its pages."""
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("--out", type=Path, default=_ROOT / "benchmarks" / "out" / "pictures")
    parser.add_argument("--docs", type=Path, default=_ROOT / "docs" / "pictures")
    parser.add_argument("--folder", type=Path, help="with a vault (home, passphrase) to be used")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as made, browser.chromium() as running:
        command = Forked.in_folder(chosen.folder) if chosen.folder else _filled(Path(made))
        for look in _LOOKS:
            _taken(running, command, look, chosen.out, chosen.docs)


def _filled(folder: Path) -> Forked:
    """Make a vault: collected, allowed, learned from, one conversation forgotten, rebuilt."""
    Command.in_folder(folder).ok("init")
    command = Forked.in_folder(folder)
    command.ok("me", *_ME)
    command.ok("add", str(_SAMPLE))
    for kind in ("message", "document", *_OTHERS):
        command.ok("consent", "allow", kind, "search")
        command.ok("consent", "allow", kind, "train")
    Command.in_folder(folder).ok("train", timeout=_PATIENCE)
    command.ok("forget", "--conversation", "Bex Stone", "--yes")
    Command.in_folder(folder).ok("retrain", timeout=_PATIENCE)
    Command.in_folder(folder).ok("eval", "--quick", timeout=_PATIENCE)
    return command


def _taken(running: Browser, command: Forked, look: str, out: Path, docs: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    docs.mkdir(parents=True, exist_ok=True)
    with browser.browsing(running, command, **_LOOKS[look]) as site:
        plain = [name for name in roaming.routes() if "{" not in name]
        beyond = beyond_links(site, _new(command.cwd, look), _PERSON, _QUESTION)
        for route, urls in roaming.roam(site, [*beyond, *plain], each=1).pages.items():
            site.open(urls[0])
            site.page.wait_for_timeout(_SETTLED)
            parts = ["one" if "{" in part else part for part in route.split("/") if part]
            name = "-".join(parts) or "overview"
            if shown := _SHOWN.get((route, look)):
                (docs / f"{shown}.png").write_bytes(_small(site.page.screenshot()))
            (out / f"{name}-{look}.png").write_bytes(site.page.screenshot(full_page=True))


def _new(folder: Path, look: str) -> str:
    """Write something to collect that no look before this one has collected."""
    note = folder / look / "Boat.md"
    note.parent.mkdir(exist_ok=True)
    note.write_text(f"# Boat\n\nTwo coats of paint, and a new rope for the bow. ({look})\n")
    return str(note.parent)


def _small(picture: bytes) -> bytes:
    """Return a picture in few colours: a page has not many, and is kept with every copy."""
    kept = BytesIO()
    with Image.open(BytesIO(picture)) as whole:
        whole.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(
            kept, "PNG", optimize=True
        )
    return kept.getvalue()


if __name__ == "__main__":
    main()
