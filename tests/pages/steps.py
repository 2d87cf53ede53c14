"""What a person does with a page: fills in a form, sends it, and waits for the work it began."""

import time

from tests.helpers import PASSPHRASE
from tests.pages.browser import BrowserSite

__all__ = ["PATIENCE", "sent", "waited"]

# Machines that test are shared, and some work takes a network its time to learn.
PATIENCE = 240.0


def sent(
    site: BrowserSite,
    action: str,
    fields: dict[str, str] | None = None,
    *,
    button: str = "",
    awaited: bool = True,
) -> None:
    """Fill in the form of the open page that leads somewhere, and send it with its button.

    Args:
        site: The pages.
        action: Where it leads; of several forms the first that has the fields and the button.
        fields: What is written into, chosen in or ticked in which field.
        button: The words on the button, where it has several.
        awaited: Whether work that this begins is waited for.
    """
    site.page.evaluate(
        "document.querySelectorAll('main details').forEach((one) => one.open = true)"
    )
    forms = site.page.locator(f'form[action="{action}"]:visible')
    for name in fields or {}:
        forms = forms.filter(has=site.page.locator(f'[name="{name}"]'))
    if button:
        forms = forms.filter(has=site.page.get_by_role("button", name=button))
    form = forms.first
    for name, value in (fields or {}).items():
        field = form.locator(f'[name="{name}"]')
        kind = field.first.evaluate("(e) => e.type")
        if kind in {"radio", "checkbox"}:
            form.locator(f'[name="{name}"][value="{value}"]').check()
        elif kind.startswith("select"):
            field.select_option(value)
        else:
            field.fill(value)
    asked = form.locator("input[name=passphrase]")
    if asked.count() and "passphrase" not in (fields or {}):
        asked.fill(PASSPHRASE)
    buttons = form.get_by_role("button", name=button) if button else form.locator("button")
    with site.page.expect_navigation(timeout=PATIENCE * 1000):
        buttons.first.click()
    if awaited:
        waited(site)


def waited(site: BrowserSite) -> None:
    """Wait until the page of the work that goes on has led to what came of it, or says why not."""
    end = time.monotonic() + PATIENCE
    while "/jobs/" in site.page.url and not site.page.locator("#job .alert").count():
        assert time.monotonic() < end, "the work does not end"
        site.page.wait_for_timeout(100)
    site.page.wait_for_load_state()
