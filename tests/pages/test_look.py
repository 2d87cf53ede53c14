"""Every page in a real browser: at desktop and phone size, light and dark, without a barrier."""

import pytest

from tests.pages import browser, roaming
from tests.pages.filling import fill

# What answers GET and is no page of a filled, open vault: why, and where it is tested.
NOT_PAGES = {
    "/enter/{token}": "leads on; every browser test comes in by it",
    "/health/live": "for whoever watches the server",
    "/health/ready": "for whoever watches the server",
}


@pytest.fixture(scope="module")
def filled(chromium, new_folder, tmp_path_factory):
    """The pages of a vault with a little of everything."""
    command = fill(tmp_path_factory.mktemp("filled"), new_folder)
    with browser.browsing(chromium, command) as site:
        yield site


@pytest.fixture(scope="module")
def roamed(filled):
    """Where one gets from the navigation, and from pages without a parameter."""
    plain = [name for name in roaming.routes() if "{" not in name and name not in NOT_PAGES]
    return roaming.roam(filled, plain, each=2)


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
