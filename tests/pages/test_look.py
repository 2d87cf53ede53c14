"""Every page in a real browser: at desktop and phone size, light and dark, without a barrier."""

import pytest

from tests.pages import browser, roaming
from tests.pages.filling import beyond_links, fill
from tests.pages.steps import sent

# What answers GET and is no page of a filled, open vault, or is none of this one: why.
NOT_PAGES = {
    "/enter/{token}": "leads on; every browser test comes in by it",
    "/health/live": "for whoever watches the server",
    "/health/ready": "for whoever watches the server",
    "/chat/{name}/stream": "events, not markup",
    "/training/{run}/events": "events, not markup",
    "/models/compare": "asks which; `_sent` says it",
    "/pod/devices/{feed}/revoke": "needs a second device",
    "/pod/devices/exchanged/{name}": "needs a second device",
    "/pod/done/{name}": "needs a pod",
    "/sources/again/{name}": "needs a file that could not be read",
}


@pytest.fixture(scope="module")
def filled(chromium, new_folder, tmp_path_factory):
    """The pages of a vault with a little of everything."""
    command = fill(tmp_path_factory.mktemp("filled"), new_folder)
    with browser.browsing(chromium, command) as site:
        yield site


@pytest.fixture(scope="module")
def roamed(filled):
    """Where one gets from the navigation, from pages without a parameter, and by forms."""
    plain = [name for name in roaming.routes() if "{" not in name and name not in NOT_PAGES]
    more = {"/models/{model}": 2, "/items/{item_id}": 3}
    return roaming.roam(filled, [*_sent(filled), *plain], each=1, more=more)


def _sent(site) -> list[str]:
    """Send forms that lead to pages which nothing else leads to; return these pages."""
    more = site.command.cwd / "more"
    more.mkdir()
    (more / "Boat.md").write_text("# Boat\n\nTwo coats of paint, and a new rope for the bow.\n")
    return beyond_links(site, str(more), "Ned Marlow", "What time is the boat?")


def test_every_route_that_answers_is_reached_by_links_or_named_here(roamed):
    assert set(roaming.routes()) - roamed.routes - set(NOT_PAGES) == set()


def test_no_link_leads_nowhere(roamed):
    assert roamed.wrong == []


@pytest.mark.parametrize("size", [browser.DESKTOP, browser.PHONE], ids=["desktop", "phone"])
def test_no_page_has_a_barrier_or_an_error_or_asks_elsewhere(filled, roamed, size):
    page = filled.page
    page.set_viewport_size(size)
    filled.troubles.clear()
    wrong = {}
    for url in [one for urls in roamed.pages.values() for one in urls]:
        page.emulate_media(color_scheme="light")
        filled.open(url)
        found = roaming.looked_at(page)
        page.emulate_media(color_scheme="dark")
        found += [f"dark: {one}" for one in roaming.looked_at(page, contrast_only=True)]
        found += filled.troubles
        filled.troubles.clear()
        if found:
            wrong[url] = found
    assert not wrong, roaming.told(wrong)


def test_on_a_phone_the_parts_of_consent_take_one_line_and_lead_everywhere(filled):
    page = filled.page
    page.set_viewport_size(browser.DESKTOP)
    filled.open("/consent/kept")
    row = page.locator("nav[aria-label=Consent]:visible")
    parts = row.get_by_role("link").all_inner_texts()
    assert len(parts) == 8
    page.set_viewport_size(browser.PHONE)
    line = page.locator("details.parts")
    assert line.bounding_box()["height"] < 60
    assert page.locator(".tabs:visible").count() == 0
    line.locator("summary").click()
    assert line.get_by_role("link").all_inner_texts() == parts
    assert roaming.looked_at(page) == []
    line.get_by_role("link", name="History").click()
    page.wait_for_url("**/consent/history")


def test_on_a_phone_the_ways_to_a_pod_are_told_in_words(filled):
    filled.page.set_viewport_size(browser.PHONE)
    filled.open("/pod")
    told = filled.page.locator("ol.ways > li > span")
    assert told.count() == 3
    assert min(one.bounding_box()["width"] for one in told.all()) > 200


@pytest.mark.parametrize("size", [browser.DESKTOP, browser.PHONE], ids=["desktop", "phone"])
def test_what_a_form_shows_in_place_has_no_barrier(filled, size):
    page = filled.page
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="light")
    filled.troubles.clear()
    filled.open("/search")
    page.locator('form[action="/search"] input:visible').first.fill("answer")
    page.locator("#found mark").first.wait_for()
    wrong = roaming.looked_at(page)
    filled.open("/consent/say")
    fields = {"type": "message.chat.direct.sent", "purpose": "train", "effect": "deny"}
    sent(filled, "/consent/effect", fields)
    wrong += roaming.looked_at(page) + filled.troubles
    assert not wrong, roaming.told({"in place": wrong})
