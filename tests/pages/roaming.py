"""Going everywhere: which pages the app has, an address of each, and what is wrong with one."""

import html
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from fastapi.routing import APIRoute
from playwright.sync_api import Page

from console.pages.routes import ROUTERS
from tests.helpers import PASSPHRASE
from tests.pages.browser import AXE, BrowserSite

# Icons that the pages use; text that its box cuts off; what reaches out of the window.
_LOOK = """
() => {
  const wrong = [];
  const shown = (e) => e.checkVisibility({opacityProperty: true, visibilityProperty: true});
  const name = (e) => e.tagName.toLowerCase() + (e.className?.baseVal ?? e.className ?
    "." + (e.className.baseVal ?? e.className) : "") + " " + e.textContent.trim().slice(0, 40);
  if (document.documentElement.scrollWidth > innerWidth)
    wrong.push(`the page scrolls sideways: ${document.documentElement.scrollWidth} of ${innerWidth}`);
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  if (!document.title.replace(" · Twinvault", "").trim()) wrong.push("no title");
  for (const e of document.querySelectorAll("main *, nav *")) {
    if (!shown(e) || e.closest(".sr, svg")) continue;
    const style = getComputedStyle(e);
    if (style.clipPath !== "none" && style.position === "absolute") continue;
    const words = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const cuts = style.overflowX === "hidden" || style.overflowX === "clip";
    if (words && cuts && style.textOverflow !== "ellipsis" && e.scrollWidth > e.clientWidth + 1)
      wrong.push(`text is cut off: ${name(e)}`);
    if (words && e.closest("button, .btn, .chip") === e && e.scrollWidth > e.clientWidth + 1)
      wrong.push(`words reach out of ${name(e)}`);
  }
  return wrong;
}
"""
_AXE = """
(only) => axe.run(document, {
  resultTypes: ["violations"],
  rules: {"target-size": {enabled: true}},
  ...(only ? {runOnly: only} : {}),
}).then((found) => found.violations.map((one) =>
  `${one.id}: ${one.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200)).join(" | ")}`))
"""


@dataclass
class Roamed:
    """What going everywhere found: addresses of pages and of other answers, by route."""

    pages: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    others: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    wrong: list[str] = field(default_factory=list)

    @property
    def routes(self) -> set[str]:
        return {*self.pages, *self.others}


def routes() -> dict[str, APIRoute]:
    """Every route that answers GET, by its path."""
    found = {}
    for router in ROUTERS:
        for route in router.routes:
            assert isinstance(route, APIRoute), route
            if "GET" in route.methods:
                found[route.path] = route
    return found


def route_of(url: str) -> str:
    """The route that answers an address, or nothing."""
    path = urlsplit(url).path
    for name, route in routes().items():
        if route.path_regex.match(path):
            return name
    return ""


def roam(
    site: BrowserSite, beginnings: list[str], each: int, more: dict[str, int] | None = None
) -> Roamed:
    """Follow every link from some pages on, to at most so many addresses of each route.

    Args:
        site: The pages.
        beginnings: Where to begin.
        each: How many addresses of a route are taken.
        more: How many of some routes are taken instead.
    """
    roamed = Roamed()
    known: set[str] = set()
    waiting = list(beginnings)
    taken: dict[str, int] = defaultdict(int)
    while waiting:
        url = waiting.pop(0)
        name = route_of(url)
        if url in known or not name or taken[name] >= (more or {}).get(name, each):
            continue
        known.add(url)
        taken[name] += 1
        answer = site.context.request.get(
            site.base + url, headers={"accept": "text/html"}, max_redirects=0, timeout=60_000
        )
        if 300 <= answer.status < 400:
            roamed.others[name].append(url)
            waiting.append(answer.headers["location"])
        elif answer.status != 200:
            roamed.others[name].append(url)
            roamed.wrong.append(f"{url} answers {answer.status}")
        elif "text/html" not in answer.headers["content-type"] or "<html" not in answer.text():
            roamed.others[name].append(url)
        else:
            roamed.pages[name].append(url)
            waiting.extend(_links(url, answer.text()))
    return roamed


def _links(url: str, text: str) -> list[str]:
    found = re.findall(r'<a\s[^>]*?href="([^"#]+)', text)
    whole = [urljoin(url, html.unescape(one)) for one in found]
    return [one for one in whole if one.startswith("/")]


# Forms with room for words, sent whatever their fields ask for.
_FORMS = """
() => [...document.forms].map((form) => form.method === "post" && !form.target && [...form.elements].some((e) =>
  e.matches("textarea, input:not([type=hidden], [type=checkbox], [type=radio], [type=file])"))
  ? form.getAttribute("action") ?? "" : "")
"""
_SEND = """
([number, words, passphrase]) => {
  const form = document.forms[number];
  for (const e of form.elements) {
    if (e.matches("[name=passphrase]")) e.value = passphrase;
    else if (e.matches("textarea, [type=text], [type=search], input:not([type])")) e.value = words;
  }
  for (const e of [form, ...form.elements])
    for (const name of [...e.getAttributeNames()]) if (name.startsWith("hx-")) e.removeAttribute(name);
  form.noValidate = true;
  window.isOld = true;
  form.submit();
}
"""


def forms(site: BrowserSite, url: str) -> list[str]:
    """Where the forms of a page lead that take words; nothing for those that take none."""
    site.open(url)
    found: list[str] = site.page.evaluate(_FORMS)
    return found


def send(site: BrowserSite, url: str, number: int, words: str) -> None:
    """Send one form of a page with some words in its fields, past what the browser checks."""
    site.open(url)
    page = site.page
    with page.expect_response(lambda answer: answer.request.method == "POST") as sent:
        page.evaluate(_SEND, [number, words, PASSPHRASE])
    # What is handed out as a file leads to no other page.
    if "content-disposition" not in sent.value.headers:
        page.wait_for_function("() => !window.isOld && document.readyState === 'complete'")


def looked_at(page: Page, *, contrast_only: bool = False) -> list[str]:
    """What is wrong with the page that is open: barriers, clipped words, missing icons."""
    only = ["color-contrast"] if contrast_only else None
    page.evaluate(AXE.read_text())
    wrong: list[str] = page.evaluate(_AXE, only)
    if not contrast_only:
        wrong += page.evaluate(_LOOK)
        wrong += [f"no icon {name}" for name in sorted(_icons(page) - _drawn(page))]
    return wrong


def _icons(page: Page) -> set[str]:
    used: list[str] = page.evaluate(
        '() => [...document.querySelectorAll("use")].map((one) => one.getAttribute("href"))'
    )
    return {one.rpartition("#")[2] for one in used}


def _drawn(page: Page) -> set[str]:
    base = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    sprite = page.context.request.get(f"{base}/static/icons.svg").text()
    return set(re.findall(r'<symbol id="([^"]+)"', sprite))


def told(found: dict[str, Any]) -> str:
    """What is wrong, so that it can be read."""
    return json.dumps(found, indent=1, ensure_ascii=False)
