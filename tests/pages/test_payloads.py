"""What people wrote is shown as they wrote it, and never runs: in a real browser, in every field."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import cycle
from urllib.parse import quote

import pytest

from console.bootstrap import Twin
from console.use import consenting
from tests.forked import Forked
from tests.pages import browser, roaming
from tests.pages.filling import changed
from tests.pages.payloads import PAYLOADS
from tests.pages.steps import waited
from tests.pages.test_look import NOT_PAGES
from vault.application import Export
from vault.consent import Effect, Filters, Profile, Purpose
from vault.items import Agent, Attachment, Bad, Content, Item

# Of most routes some addresses will do; what holds one item each is looked at for all of them.
_EACH = 8
_ALL = {"/items/{item_id}": len(PAYLOADS), "/people/{person}": len(PAYLOADS), "/timeline": 30}

# Whatever ran says so; what became markup, and did not come to run, is found all the same.
_INIT = "window.hits = []; window.hit = (x) => hits.push(x);"
_BECAME = """
() => [
  ...(window.hits ?? []).map((x) => `ran: ${x}`),
  ...[...document.querySelectorAll(
    "main :is(script, iframe, object, embed, base, meta, style, link, template, math, marquee, " +
    "video, audio, animate, [srcdoc], [hx-on\\\\:click], hx-partial), body [href^='javascript:' i], " +
    "body [action^='javascript:' i], body [href^='data:' i], body [hx-get^='//']")].map((e) => e.outerHTML),
  ...[...document.querySelectorAll("body, body *")].filter((e) =>
    [...e.attributes].some((a) => a.name.startsWith("on"))).map((e) => e.outerHTML.slice(0, 200)),
]
"""


def _records() -> Iterator[Item | Content | Bad]:
    """Letters to and fro, each with one payload wherever it has words."""
    me = Agent(id="mailto:ada@quill.example", name="Ada Quill")
    at = datetime(2023, 3, 1, 10, tzinfo=UTC)
    for number, payload in enumerate(PAYLOADS):
        other = Agent(id=f"name:{payload}", name=payload)
        file = payload.encode()
        for way, author, to in (("received", other, me), ("sent", me, other)):
            digest = sha256(file + way.encode()).hexdigest()
            yield Item(
                source="mbox",
                native_id=f"{number}-{way}",
                type=f"message.email.{way}",
                at=at + timedelta(hours=number, minutes=len(way)),
                author=author,
                to=(to,),
                conversation=payload,
                reply_to=f"{number}-received" if way == "sent" else "",
                title=payload,
                text=f"{payload} said number {number}, {way}",
                tags=(payload,),
                attachments=(
                    Attachment(
                        name=payload,
                        media_type=payload[:40],
                        size=len(file + way.encode()),
                        sha256=digest,
                    ),
                ),
                locator=payload,
            )
            yield Content(sha256=digest, part=0, parts=1, data=file + way.encode())
        yield Bad(locator=payload, reason=payload)


def _write(twin: Twin) -> None:
    twin.vault.collect(
        _records(), export=Export(locator=PAYLOADS[0], path=PAYLOADS[1]), permits=lambda _: True
    )
    for purpose in (Purpose.SEARCH, Purpose.TRAIN):
        for kind in ("message.email.sent", "message.email.received"):
            consenting.say(
                twin, Effect.ALLOW, kind, purpose,
                filters=Filters(), redact=Profile.NONE, expires=None, recipient="",
            )  # fmt: skip
    for payload in PAYLOADS[:20]:
        consenting.say(
            twin, Effect.DENY, "message", Purpose.TRAIN,
            filters=Filters(conversation=payload), redact=Profile.BALANCED, expires=None, recipient="",
        )  # fmt: skip


@pytest.fixture(scope="module")
def hostile(chromium, new_folder, tmp_path_factory):
    """The pages of a vault where every word is a payload."""
    folder = tmp_path_factory.mktemp("hostile")
    shutil.copytree(new_folder, folder, dirs_exist_ok=True)
    command = Forked.in_folder(folder)
    command.ok("me", "Ada Quill", "ada@quill.example")
    changed(command, _write)
    with browser.browsing(chromium, command) as site:
        site.context.add_init_script(_INIT)
        yield site


def _wrong(site) -> list[str]:
    found = site.page.evaluate(_BECAME) + site.troubles
    site.troubles.clear()
    return found


def test_no_payload_runs_or_becomes_markup_on_any_page(hostile):
    plain = [name for name in roaming.routes() if "{" not in name and name not in NOT_PAGES]
    roamed = roaming.roam(hostile, plain, each=_EACH, more=_ALL)
    wrong, shown = {}, set()
    for url in (url for urls in roamed.pages.values() for url in urls):
        hostile.open(url)
        text = hostile.page.evaluate("() => document.querySelector('main').textContent")
        shown |= {payload for payload in PAYLOADS if payload.strip() in text}
        if found := _wrong(hostile):
            wrong[url] = found
    assert not wrong, roaming.told(wrong)
    assert set(PAYLOADS) - shown == set(), "these were shown nowhere, so nothing was tried"


def test_no_payload_in_an_address_comes_back_as_markup(hostile):
    wrong, payloads = {}, cycle(PAYLOADS)
    for name in roaming.routes():
        for payload in (next(payloads) for _ in range(6 if "{" in name else 0)):
            parts = [
                "/" + quote(payload, safe="") if "{" in part else "/" + part
                for part in name[1:].split("/")
            ]
            hostile.open("".join(parts))
            hostile.troubles[:] = [one for one in hostile.troubles if "status of 4" not in one]
            if found := _wrong(hostile):
                wrong[f"{name} with {payload}"] = found
    assert not wrong, roaming.told(wrong)


def test_no_payload_in_a_form_comes_back_as_markup(hostile):
    plain = [name for name in roaming.routes() if "{" not in name and name not in NOT_PAGES]
    roamed = roaming.roam(hostile, plain, each=2)
    wrong, payloads, tried = {}, cycle(PAYLOADS), set()
    for url in (url for urls in roamed.pages.values() for url in urls):
        for number, action in enumerate(roaming.forms(hostile, url)):
            if not action or action in tried:
                continue
            tried.add(action)
            for payload in (next(payloads) for _ in range(3)):
                roaming.send(hostile, url, number, payload)
                waited(hostile)
                hostile.troubles[:] = [one for one in hostile.troubles if "status of " not in one]
                if found := _wrong(hostile):
                    wrong[f"{action} with {payload}"] = found
    assert tried
    assert not wrong, roaming.told(wrong)
