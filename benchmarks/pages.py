"""How fast the pages are with a million events in the vault.

    python benchmarks/pages.py [--events N] [--vault FOLDER]

The events are those of `projecting.py`; a search through all of them is allowed, so that the index
is as large as it gets. `twin up` serves the vault in a process of its own, and Chromium
looks at it over loopback: `paint_ms` is the first contentful paint of each page, a fresh load every
time, as the browser itself reports it. `scroll_ms` and `search_ms` are what the page waits for,
from asking to the last byte, in the browser: the next fifty items at random depths, by what is chosen
there, and what a search finds for words of the vault; `cpu` is what an answer takes of the server's
own time on a processor, which a busy machine does not change. `open_s` is the first page of all, for which the
server opens every view. With `--vault` the vault is made in a folder, or used if it is there.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from playwright.sync_api import Page, sync_playwright
from projecting import PASSPHRASE, made

from console import bootstrap
from console.use import leafing
from vault.consent import Purpose

CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
GOALS = {"paint_ms": 1000, "scroll_ms": 200, "search_ms": 200}
PAINTS, ASKED = 9, 40
SCREENS = ("/", "/timeline", "/search", "/sources", "/people", "/consent", "/integrity", "/forget")

_ASK = """async ([path, form]) => {
  const began = performance.now();
  const answer = await fetch(path, {
    method: form ? "POST" : "GET",
    headers: {"HX-Request": "true"},
    body: form ? new URLSearchParams(form) : undefined,
  });
  await answer.text();
  return [performance.now() - began, answer.status];
}"""
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1"


def prepared(place: Path, events: int) -> dict[str, float]:
    """Make the vault and all its views where they are not there; return what that took."""
    began = time.perf_counter()
    if not (place / "vault").exists():
        made(place, events, (Purpose.SEARCH,))
    wrote = time.perf_counter()
    twin = bootstrap.open_(place / "vault", PASSPHRASE)
    try:
        twin.catch_up()
        twin.views.settle(twin.now)
    finally:
        twin.close()
    return {"log_s": round(wrote - began, 1), "views_s": round(time.perf_counter() - wrote, 1)}


@contextmanager
def served(home: Path) -> Iterator[tuple[str, int]]:
    """Serve a vault as a person does; yields the one-time link and the number of the process."""
    # What opens it is typed into the page, as she does; no variable may do so before.
    environment = {k: v for k, v in os.environ.items() if k != "TWIN_PASSPHRASE_FILE"}
    process = subprocess.Popen(
        [Path(sys.executable).with_name("twin"), "up", "--no-open", "--json"],
        env=environment | {"TWIN_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        yield str(json.loads(process.stdout.readline())["url"]), process.pid
    finally:
        process.terminate()
        process.wait()


def spent(server: int) -> float:
    """Return the milliseconds that a process has spent on processors."""
    told = Path(f"/proc/{server}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(told[11]) + int(told[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and how long all but one in twenty take at most."""
    return {"median": round(median(values), 1), "p95": round(quantiles(values, n=20)[-1], 1)}


def painted(page: Page, url: str) -> dict[str, float]:
    """Return when something is first seen of a page that is loaded again and again."""
    times: list[float] = []
    for _ in range(PAINTS):
        answer = page.goto(url)
        assert answer
        if not answer.ok:
            return {"status": answer.status}
        # What waits inside the page needs `eval`, which these pages forbid.
        while (paint := float(page.evaluate(_PAINT))) < 0:
            page.wait_for_timeout(10)
        times.append(paint)
    return spread(times)


def answered(
    page: Page, server: int, requests: Sequence[tuple[str, dict[str, str] | None]]
) -> dict[str, float]:
    """Return how long some parts of pages take to come, and what one takes of the server."""
    before = spent(server)
    times = [asked(page, path, form) for path, form in requests]
    return spread(times) | {"cpu": round((spent(server) - before) / len(times), 1)}


def asked(page: Page, path: str, form: dict[str, str] | None = None) -> float:
    """Return how long a part of a page takes to come."""
    took, status = page.evaluate(_ASK, [path, form])
    assert status == 200, f"{path} answered {status}"  # noqa: PLR2004 - OK
    return float(took)


def scrolled(page: Page, home: Path, server: int) -> dict[str, object]:
    """Return how long the next items take, at random depths of what may be chosen."""
    pick = random.Random(3)
    twin = bootstrap.open_(home, PASSPHRASE)
    try:
        months = sorted({one.month for one in leafing.counted(twin) if one.month})
        person = twin.views.people.persons()[3].id
        one = leafing.leaf(twin, data_type="message.chat", limit=1).items[0].id
    finally:
        twin.close()
    chosen = {
        "everything": "",
        "email": "type=message.email",
        "a source": "source=mail",
        "a person": f"person={person}",
        "a conversation": f"conversation={one}",
        "a person's email": f"person={person}&type=message.email",
    }
    found: dict[str, object] = {}
    for name, what in chosen.items():
        # The first answer after the views have changed finds out where each conversation ends.
        found[f"{name}, first"] = round(asked(page, f"/timeline?{what}"), 1)
        depths = (pick.choice(months) for _ in range(ASKED))
        paths = [f"/timeline?{what}&until={m // 100}-{m % 100:02d}-28" for m in depths]
        found[name] = answered(page, server, [(path, None) for path in paths])
    return found


def searched(page: Page, home: Path, server: int) -> dict[str, object]:
    """Return how long it takes to find words of the vault's own items."""
    pick = random.Random(4)
    twin = bootstrap.open_(home, PASSPHRASE)
    try:
        lines = leafing.leaf(twin, limit=200).items
    finally:
        twin.close()
    texts = [line.words.rstrip(".…").split() for line in lines if len(line.words) > ASKED]
    queries: dict[str, Callable[[list[str]], str]] = {
        "a word": pick.choice,
        "two words": lambda words: " ".join(pick.sample(words, 2)),
        "the beginning of a word": lambda words: pick.choice(words)[:4] + "*",
        "six words": lambda words: " ".join(words[2:8]),
    }
    found: dict[str, object] = {}
    for by in ("text", "both"):
        asked(page, "/search", {"words": "first", "by": by})
        for name, query in queries.items():
            forms = [{"words": query(pick.choice(texts)), "by": by} for _ in range(ASKED)]
            found[f"{name}, {by}"] = answered(page, server, [("/search", f) for f in forms])
    return found


def run(place: Path, events: int) -> dict[str, object]:
    """Measure, and return what to print."""
    home = place / "vault"
    result: dict[str, object] = {"events": events} | prepared(place, events)
    with served(home) as (url, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1360, "height": 860})
        page.set_default_timeout(600_000)
        page.goto(url)
        began = time.perf_counter()
        page.fill("input[name=passphrase]", PASSPHRASE)
        with page.expect_navigation():
            page.click("main button.primary")
        base = url.partition("/enter/")[0]
        page.goto(base + "/timeline")
        result["open_s"] = round(time.perf_counter() - began, 2)
        item = page.locator("a.line").first.get_attribute("href")
        result["paint_ms"] = {
            path: painted(page, base + path) for path in (*SCREENS, str(item), f"{item}/uses")
        }
        result["scroll_ms"] = scrolled(page, home, server)
        result["search_ms"] = searched(page, home, server)
        browser.close()
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--vault", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measured = run(given.vault or Path(folder), given.events)
    json.dump(measured | {"goals": GOALS, "python": sys.version.split()[0]}, sys.stdout, indent=2)
