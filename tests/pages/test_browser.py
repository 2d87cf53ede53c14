"""What only a real browser shows of how pages behave."""

import threading
import time

from playwright.sync_api import expect

from console.pages.orders import CatchUp
from tests.helpers import PASSPHRASE


def test_a_known_browser_comes_in_without_a_word_from_the_console(browser_site):
    browser_site.open("/")
    assert browser_site.page.locator("h1").count() == 1
    assert browser_site.troubles == []


def test_work_that_is_done_leads_on_once_also_to_a_page_that_takes_long(browser_site):
    keeper, led = browser_site.app.state.keeper, []

    def to(_):
        if not led:
            threading.Thread(target=busy).start()
            while not keeper._lock.locked():
                time.sleep(0.01)
        led.append(time.monotonic())
        return "/"

    def busy():
        with keeper.looking():
            time.sleep(5)

    job = browser_site.app.state.jobs.start(CatchUp(), PASSPHRASE, then=to)
    browser_site.open(f"/jobs/{job.id}")
    browser_site.page.wait_for_url(browser_site.base + "/", timeout=60_000)
    assert len(led) == 1


def test_a_server_that_is_gone_is_told_of_in_words(browser_site):
    page = browser_site.page
    job = browser_site.app.state.jobs.start(CatchUp(), PASSPHRASE, then=lambda _: "/lessons")
    page.route("**/jobs/*", lambda route: route.abort() if _is_part(route) else route.continue_())
    browser_site.open(f"/jobs/{job.id}")
    expect(page.get_by_role("alert")).to_contain_text("Twinvault does not answer")


def test_on_a_phone_the_menu_opens_and_leads_on_by_the_keyboard(browser_site):
    page = browser_site.page
    page.set_viewport_size({"width": 390, "height": 844})
    browser_site.open("/")
    expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
    page.get_by_role("button", name="Menu").press("Enter")
    page.get_by_role("link", name="Lessons").press("Enter")
    page.wait_for_url("**/lessons")


def test_markup_with_a_script_is_not_taken_in(browser_site):
    browser_site.open("/")
    tried = "window.htmx && document.body.insertAdjacentHTML('beforeend', '<b>x</b>')"
    said = browser_site.page.evaluate(
        f"() => {{ try {{ {tried} }} catch (e) {{ return e.name }} }}"
    )
    assert said == "TypeError"


def _is_part(route):
    return "hx-request" in route.request.headers
